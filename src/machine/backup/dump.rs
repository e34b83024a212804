//! Data that only a command of the administrator's can read, and only another one can load.

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;

/// A command whose output is backed up, and what is done with that output, which comes to each on stdin.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dump {
    pub dump: Vec<String>,
    /// Loads it in a restore; it may be run twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub load: Option<Vec<String>>,
    /// Tries it in a drill, where nobody uses it, and fails if it can't be loaded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub drill: Option<Vec<String>>,
}

impl From<Vec<String>> for Dump {
    fn from(dump: Vec<String>) -> Dump {
        Dump { dump, load: None, drill: None }
    }
}

/// The same as a table.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    dump: Vec<String>,
    load: Option<Vec<String>>,
    drill: Option<Vec<String>>,
}

impl<'de> Deserialize<'de> for Dump {
    /// An array is the command itself. Written out, because an untagged enum does not say what is wrong.
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Dump, D::Error> {
        struct Either;
        impl<'de> Visitor<'de> for Either {
            type Value = Dump;

            fn expecting(&self, to: &mut fmt::Formatter) -> fmt::Result {
                to.write_str("a command as an array, or a table with `dump`, `load` and `drill`")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<Dump, A::Error> {
                let dump: Vec<String> = Vec::deserialize(SeqAccessDeserializer::new(items))?;
                match dump.is_empty() {
                    true => Err(de::Error::custom("a command has at least the name of a program")),
                    false => Ok(dump.into()),
                }
            }

            fn visit_map<A: MapAccess<'de>>(self, items: A) -> Result<Dump, A::Error> {
                let Table { dump, load, drill } = Table::deserialize(MapAccessDeserializer::new(items))?;
                let all = [Some(&dump), load.as_ref(), drill.as_ref()];
                if all.into_iter().flatten().any(|command| command.is_empty()) {
                    return Err(de::Error::custom("a command has at least the name of a program"));
                }
                Ok(Dump { dump, load, drill })
            }
        }
        from.deserialize_any(Either)
    }
}
