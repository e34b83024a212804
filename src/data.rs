//! Plain data: what passes between scripts, the journal and primitives.
//!
//! It is JSON, with a few tagged objects for what JSON has no form for: a server, a duration, a size, a secret, and,
//! in plans only, what nobody can know yet.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// `{"$server": name}`: a server of the site.
pub const SERVER: &str = "$server";
/// `{"$duration": "5m"}`: a length of time, as [`crate::units::Duration`] writes it.
pub use crate::units::DURATION;
/// `{"$size": "2000000B"}`: an amount of data, as [`crate::units::Size`] writes it.
pub use crate::units::SIZE;
/// `{"$secret": name}`: a secret by its name; the value is in [`crate::secret`], never in the data.
pub const SECRET: &str = "$secret";
/// `{"$unknown": about}`: a value that only a run can know; in plans.
pub const UNKNOWN: &str = "$unknown";
/// `{"$one_of": [values], "about": about}`: one of a few values, which only a run can know; in plans.
pub const ONE_OF: &str = "$one_of";

/// Arguments by name, as the journal keeps them.
pub type Arguments = Map<String, Value>;

/// A server, as an argument.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerName {
    #[serde(rename = "$server")]
    pub name: String,
}

/// A value that only a run can know. `about` names it for people: `commit of Check out`.
pub fn unknown(about: impl Into<String>) -> Value {
    json!({ UNKNOWN: about.into() })
}

/// One of a few values; a plan shows what happens for each.
pub fn one_of(values: impl IntoIterator<Item = Value>, about: impl Into<String>) -> Value {
    json!({ ONE_OF: values.into_iter().collect::<Vec<_>>(), "about": about.into() })
}

/// What stands behind a tag, if `value` is an object with that tag.
pub fn tagged<'a>(value: &'a Value, tag: &str) -> Option<&'a Value> {
    value.as_object().filter(|object| object.len() <= 2)?.get(tag)
}

/// Whether a tag stands anywhere in the value.
pub fn contains(value: &Value, tag: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| contains(item, tag)),
        Value::Object(object) => object.contains_key(tag) || object.values().any(|item| contains(item, tag)),
        _ => false,
    }
}

/// Whether a value from outside would be taken for one of ours, a secret for instance; nobody else may make one.
pub fn is_tagged(value: &Value) -> bool {
    [SERVER, DURATION, SIZE, SECRET, UNKNOWN, ONE_OF].iter().any(|tag| contains(value, tag))
}

/// The server that a call is about: its argument `server`.
pub fn server_of(arguments: &Arguments) -> Option<&str> {
    tagged(arguments.get("server")?, SERVER)?.as_str()
}

/// How a value is shown to people: as a script would write it, tags resolved.
pub fn describe(value: &Value) -> String {
    for (tag, show) in
        [(SERVER, ""), (DURATION, ""), (SIZE, ""), (SECRET, "secret "), (UNKNOWN, "known after ")]
    {
        if let Some(Value::String(text)) = tagged(value, tag) {
            return match tag {
                UNKNOWN | SECRET => format!("‹{show}{text}›"),
                SIZE => text.parse::<crate::units::Size>().map_or(text.clone(), |size| size.to_string()),
                _ => text.clone(),
            };
        }
    }
    match value {
        Value::Null => "()".into(),
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            format!("[{}]", items.iter().map(describe).collect::<Vec<_>>().join(", "))
        }
        Value::Object(object) => {
            let fields = object.iter().map(|(name, item)| format!("{name}: {}", describe(item)));
            format!("#{{ {} }}", fields.collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// A text as a script writes it. A letter that stands for a secret stays one, so that whoever shows it can name the secret.
fn quoted(text: &str) -> String {
    let letter = |c: char| match c {
        '\u{100000}'.. => c.to_string(),
        '\'' => c.to_string(),
        c => c.escape_debug().to_string(),
    };
    format!("\"{}\"", text.chars().map(letter).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_described_as_a_script_writes_them() {
        let value =
            json!({"server": {"$server": "cloud"}, "to": "0.2.13", "within": {"$duration": "5m"}, "n": null});
        assert_eq!(describe(&value), r#"#{ n: (), server: cloud, to: "0.2.13", within: 5m }"#);
        assert_eq!(describe(&unknown("commit of `Check out`")), "‹known after commit of `Check out`›");
    }
}
