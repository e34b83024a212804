//! Whether two values are the same but for their secrets.

use super::parts;
use super::piece::{self, Part, Piece, Then};
use serde_json::Value;

/// How what is asked for now stands to what is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sameness {
    Same,
    /// All but the values of these secrets.
    OtherSecret(Vec<String>),
    Differs,
}

/// Compares a recorded value with one of now.
pub fn same(recorded: &Value, now: &Value) -> Sameness {
    if recorded == now {
        return Sameness::Same;
    }
    let mut others = Vec::new();
    match is_same(recorded, now, &mut others) {
        false => Sameness::Differs,
        true if others.is_empty() => Sameness::Same,
        true => {
            others.sort();
            others.dedup();
            Sameness::OtherSecret(others)
        }
    }
}

fn is_same(recorded: &Value, now: &Value, others: &mut Vec<String>) -> bool {
    match (recorded, now) {
        (Value::String(a), Value::String(b)) => is_same_text(a, b, others),
        (Value::String(text), Value::Number(number)) => match text.chars().next().and_then(piece::of) {
            Some(Piece::Number(parts)) => are_same(&parts, &all(&number.to_string()), others),
            _ => false,
        },
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| is_same(a, b, others))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter().zip(b).all(|((name, a), (other, b))| {
                    (name == other || is_same_text(name, other, others)) && is_same(a, b, others)
                })
        }
        (a, b) => a == b,
    }
}

fn is_same_text(a: &str, b: &str, others: &mut Vec<String>) -> bool {
    a == b || is_unnamed_same(a, b, others) || are_same(&all(a), &all(b), others)
}

fn all(text: &str) -> Vec<Part> {
    parts::of(text).unwrap_or_else(|| vec![Part::Text(text.into())])
}

fn are_same(a: &[Part], b: &[Part], others: &mut Vec<String>) -> bool {
    let fits = |(a, b): (&Part, &Part)| match (a, b) {
        (Part::Piece(Piece::Then(a)), Part::Piece(Piece::Then(b))) => is_same_secret(a, b, others),
        (a, b) => a == b,
    };
    a.len() == b.len() && a.iter().zip(b).all(fits)
}

/// The same secret; of another value if no tag of one is a tag of the other.
fn is_same_secret(a: &Then, b: &Then, others: &mut Vec<String>) -> bool {
    // The same part of the same form; of a text that is hidden as a whole, the same text.
    let is_written_so = (&a.form, a.from) == (&b.form, b.from);
    if !is_written_so || (a.form.is_none() && (a.whole.is_none() || a.whole != b.whole)) {
        return false;
    }
    let common: Vec<_> =
        a.of.iter().filter(|(name, _)| b.of.iter().any(|(other, _)| other == name)).collect();
    // One that is easily guessed has no tag: that it changed can't be said.
    let has_same = common.iter().any(|named| b.of.contains(named));
    if !has_same {
        others.extend(common.iter().map(|(name, _)| name.clone()));
    }
    !common.is_empty()
}

/// A text of the first version: what it hides may be anything.
fn is_unnamed_same(recorded: &str, now: &str, others: &mut Vec<String>) -> bool {
    let is_hidden = |c: char| matches!(piece::of(c), Some(Piece::Unnamed));
    if !piece::is_in(recorded) || !recorded.contains(is_hidden) {
        return false;
    }
    let mut plain = recorded.split(is_hidden);
    let Some(mut rest) = plain.next().and_then(|first| now.strip_prefix(first)) else { return false };
    let plain: Vec<&str> = plain.collect();
    let Some((last, between)) = plain.split_last() else { return false };
    for part in between {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    let fits = rest.ends_with(last);
    if fits {
        others.push("a secret".into());
    }
    fits
}
