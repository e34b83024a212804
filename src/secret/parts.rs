//! A text as its parts: what anybody may read, and secrets.

use super::piece::{self, Part, Piece, Then};
use super::store;
use serde_json::{Map, Value, json};

/// The parts of a text; none if it is plain all through.
pub(super) fn of(text: &str) -> Option<Vec<Part>> {
    let finder = store::finder();
    let has_letters = piece::is_in(text);
    if !has_letters && finder.is_empty() {
        return None;
    }
    let mut parts = Vec::new();
    let plain = |part: &str, parts: &mut Vec<Part>| -> Option<Part> {
        finder.split(part, parts);
        finder.read(part).map(|of| {
            let whole = super::key::keyed_digest(text.as_bytes());
            Part::Piece(Piece::Then(Then { of, form: None, from: 0, at: None, whole }))
        })
    };
    let mut from = 0;
    if has_letters {
        for (at, letter) in text.char_indices().filter(|(_, letter)| piece::is_letter(*letter)) {
            if let Some(whole) = plain(&text[from..at], &mut parts) {
                return Some(vec![whole]);
            }
            parts.extend(piece::of(letter).map(Part::Piece));
            from = at + letter.len_utf8();
        }
    }
    if let Some(whole) = plain(&text[from..], &mut parts) {
        return Some(vec![whole]);
    }
    parts.iter().any(|part| matches!(part, Part::Piece(_))).then_some(parts)
}

/// The text of parts, with a letter for each that can't be put together here.
pub(super) fn text(parts: &[Part]) -> String {
    let mut text = String::new();
    for part in parts {
        match part {
            Part::Text(plain) => text.push_str(plain),
            Part::Piece(piece) => match put_together(piece) {
                Some(known) => text.push_str(&known),
                None => text.push(piece::letter(piece.clone())),
            },
        }
    }
    text
}

/// What a piece stands for, if that is known here and sure.
pub(super) fn put_together(piece: &Piece) -> Option<String> {
    let Piece::Then(Then { of, form: Some(form), from, at: None, .. }) = piece else { return None };
    let value = of.iter().find_map(|(name, tag)| store::value_of_tag(name, tag.as_ref()?))?;
    super::form::apply(form, &value)?.get(*from..).map(str::to_owned)
}

/// A part as JSON.
pub(super) fn to_json(part: &Part) -> Value {
    let piece = match part {
        Part::Text(text) => return text.clone().into(),
        Part::Piece(piece) => piece,
    };
    match piece {
        Piece::Then(then) => {
            let mut fields = Map::new();
            let (names, tags): (Vec<Value>, Vec<Value>) =
                then.of.iter().map(|(name, tag)| (json!(name), json!(tag))).unzip();
            let one = |mut list: Vec<Value>| if list.len() == 1 { list.remove(0) } else { list.into() };
            fields.insert("secret".into(), one(names));
            if tags.iter().any(|tag| !tag.is_null()) {
                fields.insert("tag".into(), one(tags));
            }
            match then.form.as_deref() {
                Some("raw") => {}
                form => drop(fields.insert("form".into(), form.unwrap_or("?").into())),
            }
            if then.from > 0 {
                fields.insert("from".into(), then.from.into());
            }
            if let Some(at) = &then.at {
                fields.insert("at".into(), at.clone().into());
            }
            if let Some(whole) = &then.whole {
                fields.insert("whole".into(), whole.clone().into());
            }
            fields.into()
        }
        Piece::Now(name) => json!({ "now": name }),
        Piece::Letter(letter) => json!({ "letter": *letter as u32 }),
        Piece::Number(parts) => json!({ "number": parts.iter().map(to_json).collect::<Vec<_>>() }),
        Piece::Unnamed => json!({ "secret": [] }),
    }
}

/// The same back. What is none of ours stands for something that nobody knows.
pub(super) fn from_json(value: &Value) -> Part {
    if let Value::String(text) = value {
        return Part::Text(text.clone());
    }
    let list = |value: Option<&Value>| match value {
        Some(Value::Array(items)) => items.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    let text = |value: &Value| value.as_str().map(str::to_owned);
    Part::Piece(if let Some(name) = value.get("now").and_then(text) {
        Piece::Now(name)
    } else if let Some(letter) = value.get("letter").and_then(Value::as_u64) {
        Piece::Letter(
            u32::try_from(letter).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER),
        )
    } else if let Some(Value::Array(parts)) = value.get("number") {
        Piece::Number(parts.iter().map(from_json).collect())
    } else {
        let tags = list(value.get("tag"));
        let names = list(value.get("secret")).into_iter().enumerate();
        let of: Vec<_> =
            names.filter_map(|(n, name)| Some((text(&name)?, tags.get(n).and_then(text)))).collect();
        let form = value.get("form").map_or(Some("raw".to_owned()), text).filter(|form| form != "?");
        let from = value.get("from").and_then(Value::as_u64).unwrap_or_default() as usize;
        match of.is_empty() {
            true => Piece::Unnamed,
            false => {
                let field = |name: &str| value.get(name).and_then(text);
                Piece::Then(Then { of, form, from, at: field("at"), whole: field("whole") })
            }
        }
    })
}
