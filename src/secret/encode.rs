//! Values as they are written down and sent: with names in the place of secrets.
//!
//! A text with secrets is `{"$pieces": ["psql -W ", {"secret": "web DB_PASSWORD", "tag": "9f31…"}]}`, a number with one
//! has `"number": true` beside that, and a map with one in a key is `{"$entries": [[KEY, VALUE], …]}`. A key of somebody
//! else that looks like these gets one more `$`. All other marks of [`crate::data`] pass as they are.

use super::piece::{self, Part};
use super::{parts, store};
use serde_json::{Map, Value, json};

pub(super) const PIECES: &str = "$pieces";
pub(super) const ENTRIES: &str = "$entries";
pub(super) const NUMBER: &str = "number";

/// Whether [`encode`] would change the value.
pub fn needs_encoding(value: &Value) -> bool {
    match value {
        Value::String(text) => is_marked(text),
        Value::Number(number) => store::finder().has_numbers() && is_marked(&number.to_string()),
        Value::Array(items) => items.iter().any(needs_encoding),
        Value::Object(fields) => {
            fields.iter().any(|(name, item)| is_mark(name) || is_marked(name) || needs_encoding(item))
        }
        Value::Null | Value::Bool(_) => false,
    }
}

fn is_marked(text: &str) -> bool {
    let finder = store::finder();
    piece::is_in(text) || (!finder.is_empty() && parts::of(text).is_some())
}

/// Whether a key is one of our marks, with any number of `$`.
pub(super) fn is_mark(name: &str) -> bool {
    let bare = name.trim_start_matches('$');
    bare.len() < name.len() && (bare == &PIECES[1..] || bare == &ENTRIES[1..])
}

/// The value with a name in the place of each secret.
pub fn encode(value: &Value) -> Value {
    match value {
        Value::String(text) => text_json(text),
        Value::Number(number) if store::finder().has_numbers() => {
            let Some(parts) = parts::of(&number.to_string()) else { return value.clone() };
            json!({ PIECES: list(&parts), NUMBER: true })
        }
        Value::Array(items) => items.iter().map(encode).collect(),
        Value::Object(fields) if fields.keys().any(|name| is_marked(name)) => {
            let entry = |(name, item): (&String, &Value)| json!([text_json(name), encode(item)]);
            json!({ ENTRIES: fields.iter().map(entry).collect::<Vec<_>>() })
        }
        Value::Object(fields) => {
            let field = |(name, item): (&String, &Value)| {
                (if is_mark(name) { format!("${name}") } else { name.clone() }, encode(item))
            };
            fields.iter().map(field).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

fn text_json(text: &str) -> Value {
    match parts::of(text) {
        None => text.into(),
        Some(parts) => match parts.as_slice() {
            [Part::Piece(piece::Piece::Number(inner))] => json!({ PIECES: list(inner), NUMBER: true }),
            parts => json!({ PIECES: list(parts) }),
        },
    }
}

fn list(parts: &[Part]) -> Vec<Value> {
    parts.iter().map(parts::to_json).collect()
}
