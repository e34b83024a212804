//! Values as they are read: with secrets put back where they are known and sure, and one letter where they are not.

use super::encode::{ENTRIES, NUMBER, PIECES, is_mark};
use super::parts;
use super::piece::{self, Part, Piece};
use serde_json::{Map, Value};

/// The value that was encoded. What has no marks is not copied.
pub fn decode(value: Value) -> Value {
    match value {
        Value::String(text) if piece::is_in(&text) => {
            let one = |c: char| if piece::is_letter(c) { piece::letter(Piece::Letter(c)) } else { c };
            text.chars().map(one).collect::<String>().into()
        }
        Value::Array(mut items) => {
            items.iter_mut().for_each(in_place);
            items.into()
        }
        Value::Object(mut fields) => {
            if let Some(Value::Array(list)) = fields.get(PIECES) {
                let parts: Vec<Part> = list.iter().map(parts::from_json).collect();
                let is_number = fields.get(NUMBER).and_then(Value::as_bool) == Some(true);
                return if is_number { number(parts) } else { parts::text(&parts).into() };
            }
            if let Some(Value::Array(list)) = fields.get_mut(ENTRIES) {
                return entries(std::mem::take(list)).into();
            }
            if fields.keys().any(|name| is_mark(name) || piece::is_in(name)) {
                let bare = |name: String| if is_mark(&name) { name[1..].to_owned() } else { name };
                let fields = fields.into_iter().map(|(name, item)| (bare(name), decode(item)));
                return fields.collect::<Map<_, _>>().into();
            }
            fields.values_mut().for_each(in_place);
            fields.into()
        }
        other => other,
    }
}

fn in_place(value: &mut Value) {
    if matches!(value, Value::String(_) | Value::Array(_) | Value::Object(_)) {
        *value = decode(std::mem::take(value));
    }
}

fn entries(list: Vec<Value>) -> Map<String, Value> {
    let entry = |entry: Value| {
        let Value::Array(mut pair) = entry else { return None };
        let value = pair.pop()?;
        Some((decode(pair.pop()?).as_str()?.to_owned(), decode(value)))
    };
    list.into_iter().filter_map(entry).collect()
}

fn number(parts: Vec<Part>) -> Value {
    match parts::text(&parts) {
        text if piece::is_in(&text) => piece::letter(Piece::Number(parts)).to_string().into(),
        text => serde_json::from_str(&text).unwrap_or(Value::String(text)),
    }
}

/// The value with the letters of secrets that became known since put together.
pub fn put_together(value: Value) -> Value {
    if !piece::has_letters(&value) {
        return value;
    }
    piece::map_texts(value, &|text| {
        if !piece::is_in(&text) {
            return text.into();
        }
        let mut letters = text.chars();
        if let (Some(Piece::Number(parts)), None) = (letters.next().and_then(piece::of), letters.next()) {
            return number(parts);
        }
        let part = |c: char| match piece::of(c) {
            Some(piece) => parts::put_together(&piece).unwrap_or_else(|| c.to_string()),
            None => c.to_string(),
        };
        text.chars().map(part).collect::<String>().into()
    })
}
