//! JSON of servers of others: read without ever holding more than was bargained for, and without falling over one value
//! that is of another type than usual.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::marker::PhantomData;

/// A value of a simple type; what is none is passed over unread.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Loose {
    Text(String),
    Number(u64),
    Flag(bool),
    /// Nothing, or a list, an object, a number that is negative, broken or too large.
    #[default]
    Other,
}

impl Loose {
    pub fn text(self) -> Option<String> {
        if let Loose::Text(text) = self { Some(text) } else { None }
    }

    pub fn number(&self) -> Option<u64> {
        if let Loose::Number(number) = self { Some(*number) } else { None }
    }
}

impl<'de> Deserialize<'de> for Loose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Loose, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Loose;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("any value")
            }

            fn visit_str<E>(self, text: &str) -> Result<Loose, E> {
                Ok(Loose::Text(text.to_owned()))
            }

            fn visit_u64<E>(self, number: u64) -> Result<Loose, E> {
                Ok(Loose::Number(number))
            }

            fn visit_bool<E>(self, flag: bool) -> Result<Loose, E> {
                Ok(Loose::Flag(flag))
            }

            fn visit_i64<E>(self, _: i64) -> Result<Loose, E> {
                Ok(Loose::Other)
            }

            fn visit_f64<E>(self, _: f64) -> Result<Loose, E> {
                Ok(Loose::Other)
            }

            fn visit_unit<E>(self) -> Result<Loose, E> {
                Ok(Loose::Other)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Loose, A::Error> {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Loose::Other)
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Loose, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Loose::Other)
            }
        }

        deserializer.deserialize_any(Any)
    }
}

/// A list of which no more than `N` are kept. `null` is an empty one: a registry says so of a repository without tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct List<T, const N: usize> {
    pub kept: Vec<T>,
    /// How many more there were.
    pub dropped: usize,
}

impl<T, const N: usize> Default for List<T, N> {
    fn default() -> Self {
        List { kept: Vec::new(), dropped: 0 }
    }
}

impl<'de, T: Deserialize<'de>, const N: usize> Deserialize<'de> for List<T, N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items<T, const N: usize>(PhantomData<T>);

        impl<'de, T: Deserialize<'de>, const N: usize> Visitor<'de> for Items<T, N> {
            type Value = List<T, N>;

            fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str("a list")
            }

            fn visit_unit<E>(self) -> Result<List<T, N>, E> {
                Ok(List::default())
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<List<T, N>, A::Error> {
                let mut list = List::default();
                while list.kept.len() < N {
                    match items.next_element()? {
                        Some(item) => list.kept.push(item),
                        None => return Ok(list),
                    }
                }
                while items.next_element::<IgnoredAny>()?.is_some() {
                    list.dropped += 1;
                }
                Ok(list)
            }
        }

        deserializer.deserialize_any(Items(PhantomData))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_keeps_no_more_than_it_may_and_any_value_is_read() {
        let list: List<Loose, 5> =
            serde_json::from_str(r#"["a", 1, true, null, {"a": [1]}, [], -1, 1.5, "b"]"#).unwrap();
        let first =
            [Loose::Text("a".into()), Loose::Number(1), Loose::Flag(true), Loose::Other, Loose::Other];
        assert_eq!((list.kept, list.dropped), (first.to_vec(), 4));
        assert_eq!(serde_json::from_str::<List<Loose, 5>>("null").unwrap(), List::default());
        assert!(serde_json::from_str::<List<Loose, 5>>("{}").is_err());
    }

    #[test]
    fn a_number_of_any_size_is_no_error() {
        for text in ["18446744073709551616", "-9223372036854775809", "1e300", "0.1"] {
            assert_eq!(serde_json::from_str::<Loose>(text).unwrap(), Loose::Other, "{text}");
        }
    }
}
