//! What a path of a plan has assumed so far.

use serde_json::Value;
use std::collections::HashMap;

/// How a fact may stand to a value. What is none of the three can't be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Relation {
    Less,
    Equal,
    Greater,
}

impl Relation {
    /// Each operator as one of the relations or its negation.
    pub const OF_OPERATORS: [(&str, Relation, bool); 6] = [
        ("==", Relation::Equal, true),
        ("!=", Relation::Equal, false),
        ("<", Relation::Less, true),
        (">=", Relation::Less, false),
        (">", Relation::Greater, true),
        ("<=", Relation::Greater, false),
    ];

    /// The same, seen from the other side.
    pub fn turned(self) -> Relation {
        match self {
            Relation::Less => Relation::Greater,
            Relation::Equal => Relation::Equal,
            Relation::Greater => Relation::Less,
        }
    }

    pub fn operator(self) -> &'static str {
        match self {
            Relation::Less => "<",
            Relation::Equal => "==",
            Relation::Greater => ">",
        }
    }

    fn bit(self) -> u8 {
        match self {
            Relation::Less => 1,
            Relation::Equal => 2,
            Relation::Greater => 4,
        }
    }
}

/// Every relation, and that there is none.
const ANY: u8 = 15;

/// What one path has assumed so far.
#[derive(Debug, Default)]
pub struct Assumed {
    /// Answers to questions that are asked as they stand.
    pub answers: HashMap<String, bool>,
    /// Relations that are still possible, by fact and value.
    relations: HashMap<(String, String), u8>,
    /// Facts that were assumed to be equal to a value.
    equal: HashMap<String, Value>,
}

impl Assumed {
    /// The answer, if it follows from what was assumed.
    pub fn relation(&self, subject: &str, relation: Relation, other: &str, value: &Value) -> Option<bool> {
        if subject == other {
            return Some(relation == Relation::Equal);
        }
        let possible = *self.relations.get(&(subject.into(), other.into())).unwrap_or(&ANY);
        match possible & relation.bit() {
            0 => return Some(false),
            left if left == possible => return Some(true),
            _ => {}
        }
        let (Some(known), Relation::Equal) = (self.equal.get(subject), relation) else { return None };
        // Numbers of two sorts may be equal although they look different.
        let same_sort = matches!((known, value), (Value::String(_), Value::String(_)))
            || (known.is_i64() && value.is_i64());
        same_sort.then(|| known == value)
    }

    pub fn keep(&mut self, subject: &str, relation: Relation, other: &str, value: Value, answer: bool) {
        let possible = self.relations.entry((subject.into(), other.into())).or_insert(ANY);
        *possible &= if answer { relation.bit() } else { !relation.bit() };
        if answer && relation == Relation::Equal {
            self.equal.insert(subject.into(), value);
        }
    }
}
