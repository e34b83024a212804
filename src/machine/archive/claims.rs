//! Reads what a manifest says, and compares it with the members that were read: as a stream, because a manifest may be as
//! long as whoever wrote it liked.

use super::manifest::{About, Entry, Manifest};
use super::members::Members;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::cell::Cell;
use std::fmt;
use std::io::{self, BufReader, Read};

/// So much may be said besides the members, and of each member, in bytes.
const MOST: u64 = 512 << 10;

/// Reads a manifest, without its list of members. Fails with a sentence about it if it can't be read or says something
/// else than what was found.
pub(super) fn read(json: impl Read, found: &Members) -> Result<Manifest, String> {
    let budget = Cell::new(MOST);
    let reader = BufReader::with_capacity(4096, Budget { inner: json, left: &budget });
    let mut json = serde_json::Deserializer::from_reader(reader);
    let unreadable = |error: serde_json::Error| format!("its manifest can't be read: {error}");
    let mut compared = None;
    let top = Top { found, budget: &budget, compared: &mut compared };
    let mut map = json.deserialize_map(top).map_err(unreadable)?;
    json.end().map_err(unreadable)?;
    let said = |name: &str| map.get(name).cloned().unwrap_or_default();
    let format = serde_json::from_value(said("format")).map_err(unreadable)?;
    let origin = serde_json::from_value(said("origin")).map_err(unreadable)?;
    ["format", "origin"].iter().for_each(|name| drop(map.remove(*name)));
    let about: About = serde_json::from_value(Value::Object(map)).map_err(unreadable)?;
    // Another format may say of its members what this program can't read.
    if super::manifest::is_read(format) {
        compared.unwrap_or_else(|| Err("its manifest lists no members".into()))?;
    }
    Ok(Manifest { format, about, origin, members: Vec::new() })
}

/// Ends the reading of what is too long.
struct Budget<'a, R> {
    inner: R,
    left: &'a Cell<u64>,
}

impl<R: Read> Read for Budget<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let left = self.left.get().checked_sub(read as u64);
        self.left.set(
            left.ok_or_else(|| io::Error::other(format!("something in it has more than {MOST} bytes")))?,
        );
        Ok(read)
    }
}

struct Top<'a> {
    found: &'a Members,
    budget: &'a Cell<u64>,
    compared: &'a mut Option<Result<(), String>>,
}

impl<'de> Visitor<'de> for Top<'_> {
    type Value = Map<String, Value>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a manifest")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut said = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            if key == "members" {
                if self.compared.is_some() {
                    return Err(A::Error::custom("it lists its members twice"));
                }
                *self.compared = Some(map.next_value_seed(List { found: self.found, budget: self.budget })?);
                // What follows has room again.
                self.budget.set(MOST);
            } else if said.insert(key, map.next_value()?).is_some() {
                return Err(A::Error::custom("it says something twice"));
            }
        }
        Ok(said)
    }
}

struct List<'a> {
    found: &'a Members,
    budget: &'a Cell<u64>,
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = Result<(), String>;

    fn deserialize<D: Deserializer<'de>>(self, list: D) -> Result<Self::Value, D::Error> {
        list.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = Result<(), String>;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a list of members")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut found = self.found.iter();
        let mut next = || found.next().transpose().map_err(|failure| A::Error::custom(failure.to_string()));
        loop {
            self.budget.set(MOST);
            let (is, said) = (next()?, list.next_element::<Entry>()?);
            let why = match (is, said) {
                (None, None) => return Ok(Ok(())),
                (Some(is), Some(said)) if is == said => continue,
                (Some(is), Some(said)) if is.name == said.name => {
                    format!("`{}` in it differs from the manifest", is.name)
                }
                (None, Some(said)) => format!("`{}` is missing in it", said.name),
                (Some(is), None) => {
                    return Ok(Err(format!("`{}` is in it and not in its manifest", is.name)));
                }
                (Some(is), Some(said)) => {
                    // If the manifest has what was found later, something before it is missing.
                    let mut why = format!("`{}` is in it and not in its manifest", is.name);
                    while let Some(later) = list.next_element::<Entry>()? {
                        self.budget.set(MOST);
                        if later.name == is.name {
                            why = format!("`{}` is missing in it", said.name);
                            break;
                        }
                    }
                    why
                }
            };
            while list.next_element::<IgnoredAny>()?.is_some() {
                self.budget.set(MOST);
            }
            return Ok(Err(why));
        }
    }
}
