//! Settings that are named like secrets and hold the words of the journal's, the wire's and the plan's own formats.

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;

/// What stands in the frames of the wire and of plans, and in no journal.
const OTHERS: [&str; 26] = [
    "secret",
    "$secret",
    "$pieces",
    "$entries",
    "pieces",
    "perform",
    "predict",
    "after_crash",
    "inquire",
    "release",
    "hold",
    "holder",
    "close",
    "attempt",
    "attempts",
    "told",
    "progress",
    "welcome",
    "program",
    "facts",
    "format",
    "digest",
    "plan",
    "event",
    "failure",
    "null",
];

/// Every key and every one-word text of a run's journal, the words of the other formats, and what is given.
pub fn of(journal: &Path, given: &[String]) -> BTreeSet<String> {
    let mut words: BTreeSet<String> =
        OTHERS.map(str::to_owned).into_iter().chain(given.iter().cloned()).collect();
    for line in std::fs::read_to_string(journal).unwrap().lines() {
        add(&serde_json::from_str(line).unwrap(), &mut words);
    }
    // What a settings file can't hold as one value is no setting.
    words.retain(|word| !word.is_empty() && !word.contains(['\n', '#', '"', '\'', '$', ' ', '\\']));
    words
}

fn add(value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::String(text) => _ = words.insert(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| add(item, words)),
        Value::Object(fields) => fields.iter().for_each(|(name, item)| {
            words.insert(name.clone());
            add(item, words);
        }),
        _ => {}
    }
}

/// A settings file in which each word is a password.
pub fn settings(words: &BTreeSet<String>) -> String {
    words.iter().enumerate().map(|(n, word)| format!("W{n}_PASSWORD={word}\n")).collect()
}
