//! What a run did, and what of it lacks something that it has in the run of the whole script.

use banister::failure::Failure;
use banister::internals::journal::Call;
use serde_json::Value;

/// A run that ended.
pub struct Played {
    pub failure: Option<Failure>,
    /// The calls that were performed, and those that a person answered.
    pub calls: Vec<Call>,
    /// The names of its steps.
    pub steps: Vec<String>,
    /// The blocks that it came to, by the number that was printed there.
    pub blocks: Vec<usize>,
}

impl Played {
    /// The first call or step in which something is missing.
    pub fn hole(&self, whole: &Played) -> Option<String> {
        let call = |call: &&Call| {
            let known = whole.calls.iter().any(|other| other == *call);
            let mut alike = whole.calls.iter().filter(|other| other.name == call.name);
            // What the world doesn't know, the whole script passes on as well.
            let unknown: Vec<String> = alike.clone().flat_map(|other| nothings(&other.arguments)).collect();
            let lacks = nothings(&call.arguments).iter().any(|place| !unknown.contains(place));
            !known && (lacks || alike.any(|other| is_less(call, other)))
        };
        let step = |step: &&String| {
            !whole.steps.contains(step) && whole.steps.iter().any(|other| is_shorter(step, other))
        };
        let calls = self.calls.iter().find(call).map(|call| format!("{}({:?})", call.name, call.arguments));
        calls.or_else(|| self.steps.iter().find(step).map(|step| format!("step `{step}`")))
    }
}

/// Where in what is passed there is nothing, without the places in lists.
fn nothings(arguments: &banister::data::Arguments) -> Vec<String> {
    fn within(value: &Value, place: String, found: &mut Vec<String>) {
        match value {
            Value::Null => found.push(place),
            Value::Array(items) => items.iter().for_each(|item| within(item, format!("{place}[]"), found)),
            Value::Object(object) => {
                object.iter().for_each(|(key, value)| within(value, format!("{place}.{key}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    // A check of health that is left out is left out.
    for (name, value) in arguments.iter().filter(|(name, _)| *name != "checks") {
        within(value, name.to_string(), &mut found);
    }
    found
}

/// Whether one call is the other with a text in it that lost a part, or a list of texts that lost one.
fn is_less(call: &Call, other: &Call) -> bool {
    fn less(value: &Value, other: &Value) -> bool {
        match (value, other) {
            (Value::String(value), Value::String(other)) => is_shorter(value, other),
            (Value::Array(items), Value::Array(others)) if items.len() == others.len() => {
                items.iter().zip(others).any(|(item, other)| less(item, other))
            }
            (Value::Array(items), Value::Array(others)) => {
                items.len() < others.len()
                    && items.iter().all(|item| item.is_string() && others.contains(item))
            }
            (Value::Object(object), Value::Object(others)) => {
                object.iter().any(|(key, value)| others.get(key).is_some_and(|other| less(value, other)))
            }
            _ => false,
        }
    }
    call.arguments
        .iter()
        .any(|(name, value)| other.arguments.get(name).is_some_and(|other| less(value, other)))
}

/// Whether a text is another one without a part of it.
fn is_shorter(text: &str, other: &str) -> bool {
    let before = text.chars().zip(other.chars()).take_while(|(a, b)| a == b).count();
    let behind = text.chars().rev().zip(other.chars().rev()).take_while(|(a, b)| a == b).count();
    let (length, whole) = (text.chars().count(), other.chars().count());
    // Two words that begin alike are not one word with a part gone.
    length < whole && before + behind >= length && before.max(behind) >= 3
}
