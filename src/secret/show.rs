//! Texts as people see them.

use super::piece::{self, Piece};
use super::{store, value};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::borrow::Cow;
use std::ops::Range;

/// What stands in a secret's place.
pub(super) const HIDDEN: &str = "‹secret›";

/// A text for eyes: secrets are hidden in it. Nothing leads from here back to a value, or what was hidden would be taken
/// for what was there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shown(String);

impl Shown {
    /// What was hidden already, in this process or in that of an agent, or never had anything to hide.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A longer text, in which what stands beside the name of a secret is hidden as well.
    pub fn of_settings(text: &str) -> Shown {
        Shown(show_without_named(text))
    }
}

impl std::fmt::Display for Shown {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.0)
    }
}

impl<T: AsRef<str>> From<T> for Shown {
    fn from(text: T) -> Shown {
        Shown(show(text.as_ref()).into_owned())
    }
}

/// The text with every known secret hidden, however it is written.
pub fn show(text: &str) -> Cow<'_, str> {
    let finder = store::finder();
    let mut shown = Cow::Borrowed(text);
    if !finder.is_empty() || !finder.weak.is_empty() {
        let places = finder.places(text);
        if !places.is_empty() {
            shown = Cow::Owned(hidden(text, places));
        }
    }
    if piece::is_in(&shown) {
        shown = Cow::Owned(shown.chars().map(letter).collect());
    }
    shown
}

/// The text without what is in some places.
fn hidden(text: &str, mut places: Vec<Range<usize>>) -> String {
    places.sort_by_key(|range| (range.start, range.end));
    let (mut shown, mut end) = (String::with_capacity(text.len()), 0);
    let mut last: Option<usize> = None;
    for range in places {
        // A reading's byte may be a part of a letter.
        let start = (0..=range.start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let until = (range.end..=text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
        if start >= end && last != Some(start) {
            shown.push_str(&text[end..start]);
            shown.push_str(HIDDEN);
        }
        end = end.max(until);
        last = Some(end);
    }
    shown.push_str(&text[end..]);
    shown
}

/// A letter that stands for a secret is shown by the secret's name.
fn letter(c: char) -> String {
    let name =
        |then: &piece::Then| then.of.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
    match piece::of(c) {
        None => c.to_string(),
        Some(Piece::Letter(c)) => c.to_string(),
        Some(Piece::Now(name)) => format!("‹{name}›"),
        Some(Piece::Then(then)) => format!("‹{}›", name(&then)),
        Some(Piece::Number(_) | Piece::Unnamed) => HIDDEN.into(),
    }
}

/// A value for eyes, be it one in memory or one that was encoded: each text and each number in it is shown, keys are as
/// they are.
pub fn show_value(value: Value) -> Value {
    match value {
        Value::String(text) => match show(&text) {
            Cow::Borrowed(_) => Value::String(text),
            Cow::Owned(shown) => shown.into(),
        },
        Value::Number(number) => {
            let text = number.to_string();
            let shown = show(&text);
            if shown == text { Value::Number(number) } else { shown.as_ref().into() }
        }
        Value::Array(items) => items.into_iter().map(show_value).collect(),
        Value::Object(fields)
            if fields.contains_key(super::encode::PIECES) || fields.contains_key(super::encode::ENTRIES) =>
        {
            show_value(super::decode(fields.into()))
        }
        Value::Object(fields) => {
            fields.into_iter().map(|(name, item)| (show(&name).into_owned(), show_value(item))).collect()
        }
        other => other,
    }
}

/// A longer text, such as the difference of two files, in which what stands behind the name of a secret is hidden too: the
/// one value is known, and the other may not be.
pub fn show_without_named(text: &str) -> String {
    let line = |line: &str| -> String {
        let Some(at) = line.find([':', '=']) else { return line.into() };
        let (name, value) = (&line[..at], &line[at + 1..]);
        let name = name.trim_start_matches(['+', '-', ' ', '\t', '|', '<', '>']).trim_end();
        let name = name.strip_prefix("export ").unwrap_or(name).trim_matches(['"', '\'']);
        let bare = value.trim().trim_matches(['"', '\'', ',']);
        let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_.-".contains(c));
        let is_secret = is_name && super::named_like_a_secret(name) && !value::is_harmless(bare);
        match is_secret && !bare.starts_with(HIDDEN) && !bare.starts_with(['$', '{', '|', '>']) {
            true => format!("{}{}", &line[..=at], value.replacen(bare, HIDDEN, 1)),
            false => line.into(),
        }
    };
    let shown = show(text);
    shown.split_inclusive('\n').map(line).collect()
}
