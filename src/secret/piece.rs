//! What stands in a text in the place of a secret that can't be put there: one letter.
//!
//! The letters are those of the last plane of Unicode, which nobody else uses; a table of the process says what each of
//! them stands for. So a text that is not wholly known is still a text: it can be joined, split and compared, and its
//! letter is equal to nothing but itself. A real letter of that plane that comes from outside is put into the table, too,
//! or somebody could write one and get a secret for it.

use crate::data::Arguments;
use crate::sync::RwLock;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::HashMap;
use std::sync::LazyLock;

const FIRST: u32 = 0x10_0000;
const LAST: u32 = 0x10_FFFD;
/// What texts of the first version have in the place of a secret.
const HIDDEN: &str = "‹secret›";

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub(super) enum Part {
    Text(String),
    Piece(Piece),
}

/// What a letter stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(untagged)]
pub(super) enum Piece {
    /// The value that a secret had when this was written.
    Then(Then),
    /// The value of this secret whenever it is asked for, as the script has it from `read_env` or `secret`.
    Now(String),
    /// This very letter.
    Letter(char),
    /// A number with a secret in it.
    Number(Vec<Part>),
    /// A secret that the first version of the format did not name.
    Unnamed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Then {
    /// Its names, each with its tag; a value that is easily guessed has none.
    pub of: Vec<(String, Option<String>)>,
    /// How it is written there. Absent if that can't be done again: then the letter stands for the whole text.
    pub form: Option<String>,
    /// How many of its first bytes another piece covers.
    pub from: usize,
    /// The server elsewhere that knows it.
    pub at: Option<String>,
    /// Of a letter that stands for a whole text: the keyed digest of that text, to tell whether another is the same.
    pub whole: Option<String>,
}

#[derive(Default)]
struct Table {
    pieces: Vec<Piece>,
    letters: HashMap<Piece, char>,
}

static TABLE: LazyLock<RwLock<Table>> = LazyLock::new(RwLock::default);

/// The letter for a piece.
pub(super) fn letter(piece: Piece) -> char {
    let mut table = TABLE.write();
    if let Some(letter) = table.letters.get(&piece) {
        return *letter;
    }
    // More than there are letters: what none is left for is not known, and that is never wrong.
    let next = FIRST + table.pieces.len() as u32;
    let Some(letter) = char::from_u32(next).filter(|_| next < LAST) else {
        return char::from_u32(LAST).unwrap_or(char::REPLACEMENT_CHARACTER);
    };
    table.pieces.push(piece.clone());
    table.letters.insert(piece, letter);
    letter
}

/// What a letter stands for; one that is not in the table stands for itself.
pub(super) fn of(letter: char) -> Option<Piece> {
    let place = is_letter(letter).then(|| letter as u32 - FIRST)?;
    if place == LAST - FIRST {
        return Some(Piece::Unnamed);
    }
    let table = TABLE.read();
    Some(table.pieces.get(place as usize).cloned().unwrap_or(Piece::Letter(letter)))
}

pub(super) fn is_letter(letter: char) -> bool {
    (FIRST..=LAST).contains(&(letter as u32))
}

/// Whether a text has such letters. Cheap: all of them begin with the same byte, which hardly anything else does.
pub(super) fn is_in(text: &str) -> bool {
    text.as_bytes().contains(&0xF4) && text.chars().any(is_letter)
}

/// Whether such letters are anywhere in a value.
pub fn has_letters(value: &Value) -> bool {
    match value {
        Value::String(text) => is_in(text),
        Value::Array(items) => items.iter().any(has_letters),
        Value::Object(fields) => fields.iter().any(|(name, item)| is_in(name) || has_letters(item)),
        _ => false,
    }
}

/// A secret that stands in a value and is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    pub letter: char,
    pub names: Vec<String>,
    /// The server that knows it.
    pub at: Option<String>,
    pub why: Why,
}

/// Why the value that a secret had is not known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Its digest was recorded, and no value of today has it.
    Changed,
    /// It has no digest, because that would tell what it is.
    Guessable,
    /// The first version of the format recorded only that something was hidden.
    Unnamed,
}

impl Lost {
    /// As a sentence names it.
    pub fn name(&self) -> String {
        match self.names.as_slice() {
            [] => "a secret".into(),
            names => format!("`{}`", names.join("` or `")),
        }
    }
}

/// The secrets in a value whose value of then is not known.
pub fn lost_in(value: &Value) -> Vec<Lost> {
    let mut found: Vec<Lost> = Vec::new();
    each_piece(value, &mut |letter, piece| {
        let lost = match piece {
            Piece::Then(then) => {
                let names = then.of.iter().map(|(name, _)| name.clone()).collect();
                let is_tagged = then.form.is_some() && then.of.iter().any(|(_, tag)| tag.is_some());
                let why = if is_tagged { Why::Changed } else { Why::Guessable };
                Lost { letter, names, at: then.at.clone(), why }
            }
            Piece::Unnamed => Lost { letter, names: Vec::new(), at: None, why: Why::Unnamed },
            Piece::Number(parts) => {
                let pieces = parts.iter().filter_map(|part| match part {
                    Part::Piece(Piece::Then(then)) => Some(then),
                    _ => None,
                });
                let of: Vec<_> = pieces.collect();
                let names = of.iter().flat_map(|then| then.of.iter().map(|(name, _)| name.clone()));
                let at = of.iter().find_map(|then| then.at.clone());
                Lost { letter, names: names.collect(), at, why: Why::Changed }
            }
            Piece::Now(_) | Piece::Letter(_) => return,
        };
        if !found.contains(&lost) {
            found.push(lost);
        }
    });
    found
}

/// The names of the secrets that are to be filled into a value.
pub fn names_in(value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    each_piece(value, &mut |_, piece| {
        if let Piece::Now(name) = piece
            && !found.contains(name)
        {
            found.push(name.clone());
        }
    });
    found
}

fn each_piece(value: &Value, each: &mut dyn FnMut(char, &Piece)) {
    let mut text = |text: &str| {
        if is_in(text) {
            text.chars().for_each(|letter| of(letter).iter().for_each(|piece| each(letter, piece)));
        }
    };
    match value {
        Value::String(string) => text(string),
        Value::Array(items) => items.iter().for_each(|item| each_piece(item, each)),
        Value::Object(fields) => {
            fields.keys().for_each(|name| text(name));
            fields.values().for_each(|item| each_piece(item, each));
        }
        _ => {}
    }
}

/// Every text of a value, changed.
pub(super) fn map_texts(value: Value, change: &dyn Fn(String) -> Value) -> Value {
    let as_key = |name: String| match change(name) {
        Value::String(name) => name,
        other => other.to_string(),
    };
    match value {
        Value::String(text) => change(text),
        Value::Array(items) => items.into_iter().map(|item| map_texts(item, change)).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, item)| (as_key(name), map_texts(item, change))).collect()
        }
        other => other,
    }
}

/// A value that a server's world gave, with its real letters of that plane in the table. Letters that are in `given`
/// come from there.
pub fn forget_raw(value: Value, given: &Arguments) -> Value {
    if !has_letters(&value) {
        return value;
    }
    let mut own = Vec::new();
    given.values().for_each(|item| each_piece(item, &mut |letter, _| own.push(letter)));
    let one = |c: char| if is_letter(c) && !own.contains(&c) { letter(Piece::Letter(c)) } else { c };
    map_texts(value, &|text| text.chars().map(one).collect::<String>().into())
}

/// A value of the first version, in which nobody can say what was hidden.
pub fn from_version_1(value: Value) -> Value {
    map_texts(value, &|text| match text.contains(HIDDEN) {
        true => text.replace(HIDDEN, &letter(Piece::Unnamed).to_string()).into(),
        false => text.into(),
    })
}

/// A value that came from a server elsewhere: only there can it be put together.
pub fn of_server(value: Value, server: &str) -> Value {
    with_server(value, &|at| at.or_else(|| Some(server.into())))
}

/// A value that goes to a server elsewhere, which then puts its own together.
pub fn to_server(value: Value, server: &str) -> Value {
    with_server(value, &|at| at.filter(|at| at != server))
}

/// What is changed in who knows the pieces of a value.
pub(super) fn with_server(value: Value, change: &dyn Fn(Option<String>) -> Option<String>) -> Value {
    if !has_letters(&value) {
        return value;
    }
    let then = |then: Then| Piece::Then(Then { at: change(then.at.clone()), ..then });
    let one = |c: char| match of(c) {
        Some(Piece::Then(piece)) => letter(then(piece)),
        Some(Piece::Number(parts)) => {
            let part = |part| match part {
                Part::Piece(Piece::Then(piece)) => Part::Piece(then(piece)),
                other => other,
            };
            letter(Piece::Number(parts.into_iter().map(part).collect()))
        }
        _ => c,
    };
    map_texts(value, &|text| text.chars().map(one).collect::<String>().into())
}
