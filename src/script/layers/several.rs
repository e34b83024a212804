//! The module `kind` where the servers of a run are of several kinds: a function for each that one of the kinds has, which
//! calls that of the kind of its first parameter, a server or several servers of one kind.
//!
//! It is a text like any other, so that nothing that runs or plans scripts need know of it, and each kind stays the module
//! that it is alone. The check looks at the kinds themselves. Nobody wrote this text: what fails in it is said of the place
//! where it was called (see [`SOURCE`]).

use super::releases::quoted;
use super::{APART, Layers, Text, merge};
use crate::failure::Result;
use crate::output::counted;
use crate::script::text::outline::{Function, outline};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The source of that text.
pub const SOURCE: &str = "bundled:kind.rhai";

/// Finds out which kind a call is about. A script can't call it, as it is private, and no kind has a function of its name.
const KIND_OF: &str = "private fn kind__of(about, name) {
    let one = about;
    if type_of(about) == \"array\" {
        if about.is_empty() {
            throw #{ message: \"`\" + name + \"` was called with no server, and the servers of this run are of several kinds\",
                help: \"call it with servers of one kind\" };
        }
        one = about[0];
        for other in about {
            if other.kind != one.kind {
                throw #{ message: \"`\" + name + \"` was called with servers of several kinds: \" + one.kind + \" and \" + other.kind,
                    help: \"call it with those of each kind: `order::of_each_kind(servers)` gives them\" };
            }
        }
    }
    if [\"()\", \"string\", \"map\", \"array\", \"i64\", \"f64\", \"bool\"].contains(type_of(one)) {
        throw #{ message: \"`\" + name + \"` was not called with a server, and the servers of this run are of several kinds\",
            help: \"give it a server first, or import the kind that is meant by its name\" };
    }
    return one.kind;
}
";

/// What the functions of one name and number of parameters are, in the kinds that have it.
struct Shared {
    /// Their parameters, as the first kind calls them.
    parameters: Vec<String>,
    /// The documentation, as the first kind has it.
    comment: String,
    /// The kinds, by their numbers.
    kinds: Vec<usize>,
}

impl Layers {
    /// The text of the module; nothing, if one of the kinds has none.
    pub(super) fn several(&self, kinds: &[String]) -> Result<Option<Text>> {
        let mut functions: BTreeMap<(String, usize), Shared> = BTreeMap::new();
        let mut text = "//! The steps of servers of several kinds: each by those of its own.\n\n".to_owned();
        for (number, kind) in kinds.iter().enumerate() {
            let Some(own) = self.file(kind)? else { return Ok(None) };
            let _ = writeln!(text, "import {} as kind{number};", quoted(kind));
            for function in outline(&own.text).functions.iter().filter(|it| is_offered(&own.text, it)) {
                let shared =
                    functions.entry((function.name.clone(), function.parameters)).or_insert_with(|| Shared {
                        parameters: parameters(&own.text, function),
                        comment: comment(&own.text, function),
                        kinds: Vec::new(),
                    });
                // A file may define it twice, and then the last counts.
                if shared.kinds.last() != Some(&number) {
                    shared.kinds.push(number);
                }
            }
        }
        let _ = writeln!(text, "import {APART:?} as apart;\n\n{KIND_OF}");
        for ((name, _), shared) in &functions {
            let Shared { parameters, comment, kinds: own } = shared;
            let list = parameters.join(", ");
            let _ = writeln!(text, "{comment}fn {name}({list}) {{");
            let about = parameters.first().map_or("()", String::as_str);
            // No parameter is called so.
            let _ = writeln!(text, "    let kind__ = kind__of({about}, {});", quoted(name));
            for number in own {
                let kind = quoted(&kinds[*number]);
                let call = format!("apart::ask(|| kind{number}::{name}({list}))");
                let _ = writeln!(text, "    if kind__ == {kind} {{ return {call}; }}");
            }
            let lacks =
                format!("has no function `{name}` that takes {}", counted(parameters.len(), "argument"));
            let help = "define it in that kind, or import the kind that is meant by its name";
            let _ = writeln!(
                text,
                "    throw #{{ message: \"the kind `\" + kind__ + \"` \" + {}, help: {} }};\n}}\n",
                quoted(&lacks),
                quoted(help)
            );
        }
        Ok(Some(Text::new(SOURCE.to_owned(), text)))
    }
}

/// Whether who imports a kind can call a function of it.
fn is_offered(text: &str, function: &Function) -> bool {
    !merge::is_base(&function.name) && !text[function.whole.clone()].starts_with("private")
}

/// The names of a function's parameters.
fn parameters(text: &str, function: &Function) -> Vec<String> {
    let list = text[function.place..function.whole.end].split(['(', ')']).nth(1).unwrap_or_default();
    let names: Vec<String> =
        list.split(',').map(|name| name.trim().to_owned()).filter(|name| !name.is_empty()).collect();
    let is_name = |name: &String| name.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    match names.len() == function.parameters && names.iter().all(is_name) {
        true => names,
        // There are comments between them.
        false => (0..function.parameters).map(|n| format!("given{n}")).collect(),
    }
}

/// What stands above a function as its documentation, with the ends of its lines.
fn comment(text: &str, function: &Function) -> String {
    let above = text[..function.whole.start].lines().rev();
    let mut lines: Vec<&str> = above.take_while(|line| line.trim_start().starts_with("///")).collect();
    lines.reverse();
    lines.iter().map(|line| format!("{}\n", line.trim_start())).collect()
}
