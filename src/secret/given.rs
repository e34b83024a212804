//! Texts with secrets in them as they are given to the world: to a command's environment, into a settings file.

use super::piece::{self, Lost, Piece};
use super::{Secret, parts};
use crate::failure::{Failure, Kind, Result};
use serde_json::Value;

/// The text with each secret of which it has the letter filled in. Fails with [`Kind::NotFound`] if one is not known here.
pub fn fill(text: &str) -> Result<String> {
    if !piece::is_in(text) {
        return Ok(text.to_owned());
    }
    let mut filled = String::new();
    for letter in text.chars() {
        match piece::of(letter) {
            None => filled.push(letter),
            Some(Piece::Letter(letter)) => filled.push(letter),
            Some(Piece::Now(name)) => filled.push_str(&Secret { name }.reveal()?),
            Some(piece) => match parts::put_together(&piece) {
                Some(known) => filled.push_str(&known),
                None => return Err(unknown(&letter.to_string())),
            },
        }
    }
    Ok(filled)
}

fn unknown(text: &str) -> Failure {
    let lost = super::lost_in(&Value::String(text.into()));
    let name = lost.first().map_or("a secret".into(), Lost::name);
    Failure::new(Kind::NotFound, format!("{name} has changed since, and its earlier value is not known"))
}

/// The arguments of a call as a server gets them, with the letters that stand for themselves and with what is known by
/// now. `may_have` are the arguments in which a secret may be, and is filled in later.
///
/// Fails with the argument's name and what is wrong with it.
pub fn given_to(
    arguments: serde_json::Map<String, Value>,
    may_have: &[&str],
) -> std::result::Result<serde_json::Map<String, Value>, (String, Unfit)> {
    let mut given = serde_json::Map::new();
    for (name, value) in arguments {
        let value = exact_of(value);
        if let Some(lost) = super::lost_in(&value).into_iter().next() {
            return Err((name, Unfit::Lost(lost)));
        }
        if !may_have.contains(&name.as_str())
            && let Some(secret) = super::names_in(&value).into_iter().next()
        {
            return Err((name, Unfit::Secret(secret)));
        }
        given.insert(name, value);
    }
    Ok(given)
}

/// Why a value can't be given to a server.
#[derive(Debug)]
pub enum Unfit {
    /// It has a secret in it whose value of then is not known.
    Lost(Lost),
    /// It has a secret in it and goes where everybody can read it.
    Secret(String),
}

/// The value with what is known by now, and with real letters.
pub fn exact_of(value: Value) -> Value {
    let value = super::put_together(value);
    if !piece::has_letters(&value) {
        return value;
    }
    let one = |c: char| if let Some(Piece::Letter(real)) = piece::of(c) { real } else { c };
    piece::map_texts(value, &|text| text.chars().map(one).collect::<String>().into())
}
