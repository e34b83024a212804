//! The keys of a server's table in `site.toml`, with what the source says of each: the comments above them are the only
//! documentation that there is.

use crate::kind::{Field, fields};
use std::sync::LazyLock;

/// The names of the keys, in the order in which they are documented.
pub static KEYS: LazyLock<Vec<String>> =
    LazyLock::new(|| documented().into_iter().map(|key| key.name).collect());

/// A key.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    pub name: String,
    /// What it takes, in words.
    pub of: &'static str,
    pub text: String,
    /// Whether it is nothing, if neither the table nor the kind says it.
    pub optional: bool,
}

/// All keys, in the order in which they are documented.
pub fn documented() -> Vec<Key> {
    let key = |field: Field| Key {
        of: words(&field.form),
        optional: field.form.starts_with("Option<"),
        text: field.comment.join("\n"),
        name: field.name,
    };
    fields(include_str!("table.rs"), "Table").into_iter().map(key).collect()
}

/// The keys of a table of `notify`, each with what is said of it.
pub fn of_notify() -> Vec<(String, String)> {
    let fields = fields(include_str!("../machine/notify.rs"), "Notify").into_iter();
    fields.map(|field| (field.name, field.comment.join("\n"))).collect()
}

/// A type, as who writes TOML would call it.
fn words(form: &str) -> &'static str {
    let form = form.strip_prefix("Option<").and_then(|form| form.strip_suffix('>')).unwrap_or(form);
    match form {
        "String" => "text",
        "PathBuf" => "a path",
        "Vec<String>" => "an array of texts",
        "Vec<Check>" => "an array of checks",
        "Vec<AskedDatabase>" | "Vec<AskedRedis>" | "Vec<AskedVolume>" | "Vec<Proof>" => "an array of tables",
        "BTreeMap<String, String>" => "a table of texts",
        "BTreeMap<String, Vec<String>>" => "a table of commands, each an array of texts",
        "Maintenance" => "text or a table",
        "Size" => "an amount of data: \"2GB\"",
        "Dialect" => "text",
        "Duration" => "a time: \"30m\"",
        _ => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_is_explained_and_no_other() {
        let keys = documented();
        for key in &keys {
            assert!(key.text.ends_with('.'), "{key:?}");
        }
        // What is refused is told with all that there are.
        let refused = toml::from_str::<super::super::Table>("zzz = 1").unwrap_err().to_string();
        let known: Vec<&str> = refused.split('`').skip(3).step_by(2).collect();
        assert_eq!(known, KEYS.iter().map(String::as_str).collect::<Vec<_>>());
    }
}
