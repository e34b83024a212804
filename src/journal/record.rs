//! How a record is read. serde's own way with `flatten` would first put all of it into a form that fits everything,
//! which took longer than all else that is done with a record.

use super::{Entry, Record};
use serde::de::value::StrDeserializer;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IgnoredAny, MapAccess, VariantAccess, Visitor,
};
use serde::{Deserialize, forward_to_deserialize_any};
use std::fmt;

impl<'de> Deserialize<'de> for Record {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Record, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Record;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a record")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Record, A::Error> {
        let (mut n, mut time) = (None, None);
        let entry = Entry::deserialize(Flat { map: &mut map, n: &mut n, time: &mut time })?;
        // What stands after the entry.
        while let Some(name) = map.next_key_seed(Known(&[]))? {
            read(name, &mut map, &mut n, &mut time)?;
        }
        let n = n.ok_or_else(|| A::Error::missing_field("n"))?;
        let time = time.ok_or_else(|| A::Error::missing_field("time"))?;
        Ok(Record { n, time, entry })
    }
}

/// A field of a record.
enum Name {
    N,
    Time,
    /// The entry, of this sort.
    Entry(&'static str),
    Other,
}

/// Reads a field that is not the entry.
fn read<'de, A: MapAccess<'de>>(
    name: Name,
    map: &mut A,
    n: &mut Option<u64>,
    time: &mut Option<String>,
) -> Result<(), A::Error> {
    match name {
        Name::N => *n = Some(map.next_value()?),
        Name::Time => *time = Some(map.next_value()?),
        Name::Entry(_) | Name::Other => drop(map.next_value::<IgnoredAny>()?),
    }
    Ok(())
}

/// Knows the sorts of entries.
struct Known(&'static [&'static str]);

impl<'de> DeserializeSeed<'de> for Known {
    type Value = Name;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Name, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for Known {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("a field of a record")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Name, E> {
        Ok(match name {
            "n" => Name::N,
            "time" => Name::Time,
            name => {
                self.0.iter().find(|known| **known == name).map_or(Name::Other, |known| Name::Entry(known))
            }
        })
    }
}

/// The fields of a record as the entry that is one of them; those before it are kept.
struct Flat<'a, A> {
    map: &'a mut A,
    n: &'a mut Option<u64>,
    time: &'a mut Option<String>,
}

impl<'de, A: MapAccess<'de>> Deserializer<'de> for Flat<'_, A> {
    type Error = A::Error;

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        while let Some(name) = self.map.next_key_seed(Known(variants))? {
            match name {
                Name::Entry(sort) => return visitor.visit_enum(Sort { sort, map: self.map }),
                other => read(other, self.map, self.n, self.time)?,
            }
        }
        Err(A::Error::custom("it has no entry of a known sort"))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, A::Error> {
        Err(A::Error::custom("an entry is one of several sorts"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct identifier ignored_any
    }
}

/// The entry, whose sort is known; its value comes next.
struct Sort<'a, A> {
    sort: &'static str,
    map: &'a mut A,
}

impl<'de, A: MapAccess<'de>> EnumAccess<'de> for Sort<'_, A> {
    type Error = A::Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), A::Error> {
        Ok((seed.deserialize(StrDeserializer::new(self.sort))?, self))
    }
}

impl<'de, A: MapAccess<'de>> VariantAccess<'de> for Sort<'_, A> {
    type Error = A::Error;

    fn unit_variant(self) -> Result<(), A::Error> {
        self.map.next_value()
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, A::Error> {
        self.map.next_value_seed(seed)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(Tuple { len, visitor })
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, A::Error> {
        self.map.next_value_seed(Struct { fields, visitor })
    }
}

struct Tuple<V> {
    len: usize,
    visitor: V,
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Tuple<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_tuple(self.len, self.visitor)
    }
}

struct Struct<V> {
    fields: &'static [&'static str],
    visitor: V,
}

impl<'de, V: Visitor<'de>> DeserializeSeed<'de> for Struct<V> {
    type Value = V::Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<V::Value, D::Error> {
        deserializer.deserialize_struct("", self.fields, self.visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::RunState;
    use crate::failure::{Failure, Kind};
    use crate::journal::{Call, Header, Outcome};
    use crate::key::KeyBuf;
    use serde_json::json;

    #[test]
    fn every_sort_of_record_is_read_as_it_was_written() {
        let key = || KeyBuf::from("/0[lab]/2");
        let arguments = json!({"server": {"$server": "lab"}, "n": [1, -2.5, null, "‹é\"\\›"]});
        let call = Call { name: "make".into(), arguments: arguments.as_object().unwrap().clone() };
        let failed = Outcome::Failed(Failure::new(Kind::CommandFailed, "it failed").why("so").help("look"));
        let header = Header {
            version: 1,
            run: "20260101-000000-000".into(),
            runbook: "update".into(),
            parameters: call.arguments.clone(),
            servers: vec!["lab".into()],
            site: "/srv/site.toml".into(),
            program: "0.1.0".into(),
            by: "ops".into(),
            schedule: None,
            by_hand: false,
        };
        let entries = [
            Entry::Run(header),
            Entry::Session { by: "ops".into(), pid: 7, rollback: true },
            Entry::Block { key: key(), name: "Step".into(), source: "bundled".into() },
            Entry::BlockEnd { key: key(), seconds: 0.25 },
            Entry::Begun { key: key(), call, attempt: 3, at: "update.rhai:4".into() },
            Entry::Ended { key: key(), attempt: 3, seconds: 1e-6, result: Outcome::Done(arguments) },
            Entry::Ended { key: key(), attempt: 4, seconds: 2.0, result: failed },
            Entry::Decision { key: key(), decision: "redo".into(), by: "ops".into() },
            Entry::Note { text: "line\nline".into() },
            Entry::Anew { keys: vec![key()] },
            Entry::Restarted { step: "Start".into(), keys: vec![key()], by: "ops".into() },
            Entry::Rollback(None),
            Entry::Rollback(Some(Failure::new(Kind::CommandFailed, "no"))),
            Entry::Finished { state: RunState::Failed, failure: None, way_back: false },
        ];
        for (n, entry) in (0..).zip(entries) {
            let record = Record { n, time: "2026-01-01T00:00:00Z".into(), entry };
            let text = serde_json::to_string(&record).unwrap();
            assert_eq!(serde_json::from_str::<Record>(&text).unwrap(), record, "{text}");
            // In any order, and with what another version may add.
            let value = json!({"added": [1], "zuletzt": {}});
            let mut fields = serde_json::to_value(&record).unwrap();
            fields.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
            assert_eq!(serde_json::from_value::<Record>(fields).unwrap(), record, "{text}");
        }
        assert!(serde_json::from_str::<Record>(r#"{"n":0,"time":"","else":{}}"#).is_err());
    }
}
