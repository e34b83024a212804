//! Fields that are encoded where they are written, and decoded where they are read: `#[serde(with = "stored")]`.
//!
//! Only values are marked so. What a record is found and kept in order by (its key, its number, the names of its fields)
//! never is, or a secret that is called like one of them would make the record unreadable.

use super::{decode, encode, needs_encoding};
use serde::de::{DeserializeOwned, Error as _};
use serde::ser::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::Value;

pub fn serialize<T: Serialize, S: Serializer>(value: &T, to: S) -> Result<S::Ok, S::Error> {
    let plain = serde_json::to_value(value).map_err(S::Error::custom)?;
    if needs_encoding(&plain) { encode(&plain).serialize(to) } else { plain.serialize(to) }
}

pub fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(from: D) -> Result<T, D::Error> {
    serde_json::from_value(decode(Value::deserialize(from)?)).map_err(D::Error::custom)
}

/// Arguments and settings by name: the names are ours.
pub mod fields {
    use super::*;
    use serde_json::Map;

    pub fn serialize<S: Serializer>(fields: &Map<String, Value>, to: S) -> Result<S::Ok, S::Error> {
        if !fields.values().any(needs_encoding) {
            return fields.serialize(to);
        }
        let encoded: Map<String, Value> =
            fields.iter().map(|(name, value)| (name.clone(), encode(value))).collect();
        encoded.serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Map<String, Value>, D::Error> {
        let fields = Map::deserialize(from)?;
        Ok(fields.into_iter().map(|(name, value)| (name, decode(value))).collect())
    }
}

/// A value of a script.
pub mod value {
    use super::*;

    pub fn serialize<S: Serializer>(value: &Value, to: S) -> Result<S::Ok, S::Error> {
        if needs_encoding(value) { encode(value).serialize(to) } else { value.serialize(to) }
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Value, D::Error> {
        Value::deserialize(from).map(decode)
    }
}

/// A failure: its texts, not its kind.
pub mod failure {
    use super::*;
    use crate::failure::Failure;

    const TEXTS: [&str; 4] = ["message", "why", "help", "at"];

    pub fn serialize<S: Serializer>(failure: &Failure, to: S) -> Result<S::Ok, S::Error> {
        let mut plain = serde_json::to_value(failure).map_err(S::Error::custom)?;
        each_text(&mut plain, &|text| encode(&text));
        plain.serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Failure, D::Error> {
        let mut stored = Value::deserialize(from)?;
        each_text(&mut stored, &decode);
        serde_json::from_value(stored).map_err(D::Error::custom)
    }

    fn each_text(failure: &mut Value, change: &dyn Fn(Value) -> Value) {
        for name in TEXTS {
            if let Some(text) = failure.get_mut(name) {
                *text = change(std::mem::take(text));
            }
        }
    }
}

/// A failure, if there is one.
pub mod maybe_failure {
    use super::*;
    use crate::failure::Failure;

    #[derive(Serialize, Deserialize)]
    struct Stored(#[serde(with = "super::failure")] Failure);

    pub fn serialize<S: Serializer>(failure: &Option<Failure>, to: S) -> Result<S::Ok, S::Error> {
        failure.clone().map(Stored).serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Failure>, D::Error> {
        Ok(Option::<Stored>::deserialize(from)?.map(|Stored(failure)| failure))
    }
}

/// The environment of a command: what is given in it as a secret is named there, be it as weak as it may.
pub mod environment {
    use super::super::{encode, piece, store};
    use super::*;
    use std::collections::BTreeMap;

    pub fn serialize<S: Serializer>(given: &BTreeMap<String, String>, to: S) -> Result<S::Ok, S::Error> {
        let value = |text: &String| {
            let plain = Value::String(text.clone());
            match store::names_of(text) {
                names if names.is_empty() || needs_encoding(&plain) => encode(&plain),
                names => {
                    let of = names.into_iter().map(|name| (name, None)).collect();
                    let then = piece::Then { of, form: Some("raw".into()), from: 0, at: None, whole: None };
                    encode(&piece::letter(piece::Piece::Then(then)).to_string().into())
                }
            }
        };
        let given: BTreeMap<&String, Value> = given.iter().map(|(name, text)| (name, value(text))).collect();
        given.serialize(to)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<BTreeMap<String, String>, D::Error> {
        super::deserialize(from)
    }
}
