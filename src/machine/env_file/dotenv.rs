//! A settings file as python-dotenv reads it, and with it docker-compose 1 and podman-compose.
//!
//! Of all the programs that call such a file theirs this one is the reference; those for Node and Ruby differ in details.
//! A value without quotes ends before a blank and `#`; `${x}` and `${x:-d}` are replaced, in all quotes, `$x` is not; a
//! line that it can't read is passed over.
//!
//! Its versions differ where a backslash stands before a closing quote, in `K= # comment`, and at a byte order mark. The
//! file is read in both ways, and a value that differs is not known.

mod bindings;
mod resolve;

use super::reading::{Form, Outside, Reading, Setting, Value};
use crate::machine::bytes;
use bindings::{Binding, Version, bindings};
use resolve::resolve;
use std::collections::BTreeMap;

/// Reads a file. Fails with the line if it is not UTF-8.
pub(super) fn read(text: &str, outside: &Outside) -> Result<Reading, String> {
    if !bytes::is_text(text) {
        let line = text.split('\n').position(|line| !bytes::is_text(line)).unwrap_or_default() + 1;
        return Err(format!("line {line}: it is not UTF-8"));
    }
    let found = bindings(text, Version::New);
    let mut values = resolve(&found, outside);
    let old: BTreeMap<String, Value> = resolve(&bindings(text, Version::Old), outside);
    for name in old.keys() {
        // A name that only one version sees may not be set.
        values.entry(name.clone()).or_insert(Ok(None));
    }
    for (name, value) in &mut values {
        if old.get(name).unwrap_or(&Ok(None)) != value {
            *value = Err("versions of python-dotenv read it differently".into());
        }
    }
    let setting = |Binding { name, place, line, value }: Binding| Setting {
        name,
        place,
        line,
        form: if value.is_some() { Form::Given } else { Form::Bare },
    };
    Ok(Reading::new(found.into_iter().map(setting).collect(), values))
}

/// The ways to write a value that need more than quotes around it.
pub(super) fn written(value: &str) -> Vec<String> {
    let escaped = value.replace('\\', "\\\\");
    let double = escaped.replace('"', "\\\"").replace('\r', "\\r");
    vec![
        format!("'{}'", value.replace('\'', "\\'")),
        format!("\"{}\"", value.replace('"', "\\\"")),
        format!("'{}'", escaped.replace('\'', "\\'")),
        format!("\"{double}\""),
    ]
}
