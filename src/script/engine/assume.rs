//! What a path of a plan assumes. A question that follows from what the path has assumed before is not asked again,
//! so that no arm of a plan contradicts itself.

use super::here::Here;
use super::types::to_error;
use super::unknown::{depends, fact, shown};
use crate::secret::lost_in;
use rhai::{Dynamic, EvalAltResult, NativeCallContext};
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
    /// The same, seen from the other side.
    pub fn turned(self) -> Relation {
        match self {
            Relation::Less => Relation::Greater,
            Relation::Equal => Relation::Equal,
            Relation::Greater => Relation::Less,
        }
    }

    fn operator(self) -> &'static str {
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
    answers: HashMap<String, bool>,
    /// Relations that are still possible, by fact and value.
    relations: HashMap<(String, String), u8>,
    /// Facts that were assumed to be equal to a value.
    equal: HashMap<String, Value>,
}

impl Assumed {
    /// The answer, if it follows from what was assumed.
    fn relation(&self, subject: &str, relation: Relation, other: &str, value: &Value) -> Option<bool> {
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

    fn keep(&mut self, subject: &str, relation: Relation, other: &str, value: Value, answer: bool) {
        let possible = self.relations.entry((subject.into(), other.into())).or_insert(ANY);
        *possible &= if answer { relation.bit() } else { !relation.bit() };
        if answer && relation == Relation::Equal {
            self.equal.insert(subject.into(), value);
        }
    }
}

/// The end of what can be said: in a run, where a secret in the question is not known any more, why it is not.
pub fn unanswered(here: &Here, question: &str) -> Box<EvalAltResult> {
    let lost = lost_in(&Value::String(question.into())).into_iter().find(|lost| lost.at.is_none());
    match lost {
        Some(lost) => to_error(here.session.lost(&lost)),
        None => depends(question),
    }
}

/// Asks whether something holds; `key` tells apart what reads the same.
pub fn ask(context: &NativeCallContext, key: &str, question: &str) -> Result<bool, Box<EvalAltResult>> {
    let here = Here::of(context.tag())?;
    let Some(chooser) = &here.chooser else { return Err(unanswered(&here, question)) };
    if let Some(answer) = chooser.assumed().answers.get(key) {
        return Ok(*answer);
    }
    let answer = chooser.choose(question, &["yes".into(), "no".into()])? == 0;
    chooser.assumed().answers.insert(key.into(), answer);
    Ok(answer)
}

/// Asks how a fact stands to a value.
pub fn ask_relation(
    context: &NativeCallContext,
    subject: &Dynamic,
    relation: Relation,
    other: &Dynamic,
) -> Result<bool, Box<EvalAltResult>> {
    let here = Here::of(context.tag())?;
    let question = format!("{} {} {}", shown(subject), relation.operator(), shown(other));
    let Some(chooser) = &here.chooser else { return Err(unanswered(&here, &question)) };
    let (subject, to) = (fact(subject), fact(other));
    // An unknown is no value to compare others with.
    let value = super::convert::to_plain(other).unwrap_or_default();
    let known = chooser.assumed().relation(&subject, relation, &to, &value);
    if let Some(answer) = known {
        return Ok(answer);
    }
    let answer = chooser.choose(&question, &["yes".into(), "no".into()])? == 0;
    chooser.assumed().keep(&subject, relation, &to, value, answer);
    Ok(answer)
}
