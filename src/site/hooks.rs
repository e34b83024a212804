//! Commands before and after steps, for who needs no script for that.

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;

/// In `site.toml`, a table with `before` and `after`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Hooks {
    /// By the name of the step, in which `*` is any text.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub before: BTreeMap<String, Commands>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub after: BTreeMap<String, Commands>,
}

/// Commands in their order, each a list of words.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Commands(pub Vec<Vec<String>>);

/// On which side of its step a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    Before,
    After,
}

impl When {
    pub fn word(self) -> &'static str {
        match self {
            When::Before => "before",
            When::After => "after",
        }
    }
}

impl Hooks {
    pub fn is_empty(&self) -> bool {
        self.before.is_empty() && self.after.is_empty()
    }

    /// All of them by side and step.
    pub fn all(&self) -> impl Iterator<Item = (When, &str, &Commands)> {
        let before = self.before.iter().map(|(step, commands)| (When::Before, step.as_str(), commands));
        before.chain(self.after.iter().map(|(step, commands)| (When::After, step.as_str(), commands)))
    }
}

impl<'de> Deserialize<'de> for Commands {
    /// By hand: one command where a list of them belongs is the mistake that everybody makes.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Commands, D::Error> {
        let value = Value::deserialize(deserializer)?;
        let form =
            "a step has a list of commands, each a list of words: [[\"systemctl\", \"stop\", \"agent\"]]";
        let commands: Vec<Vec<String>> = serde_json::from_value(value).map_err(|_| D::Error::custom(form))?;
        let is_empty = |command: &Vec<String>| command.first().is_none_or(String::is_empty);
        match commands.iter().any(is_empty) {
            true => Err(D::Error::custom(format!("a command is empty: {form}"))),
            false => Ok(Commands(commands)),
        }
    }
}

/// What stands for any text in the name of a step that is only known in a run.
pub const ANY: char = '\0';

/// Whether a step of this name is one that `written` means, in which `*` is any text.
pub fn means(written: &str, name: &str) -> bool {
    let (written, name): (Vec<char>, Vec<char>) = (written.chars().collect(), name.chars().collect());
    // Whether what follows in both can be the same text, from the ends on.
    let mut next = vec![false; name.len() + 1];
    for w in (0..=written.len()).rev() {
        let mut these = vec![false; name.len() + 1];
        for n in (0..=name.len()).rev() {
            let (word, letter) = (written.get(w), name.get(n));
            these[n] = match (word, letter) {
                (None, None) => true,
                (Some('*'), _) => next[n] || (letter.is_some() && these[n + 1]),
                (_, Some(&ANY)) => these[n + 1] || (word.is_some() && next[n]),
                (Some(word), Some(letter)) => word == letter && next[n + 1],
                _ => false,
            };
        }
        next = these;
    }
    next[0]
}

#[cfg(test)]
mod tests {
    use super::means;

    #[test]
    fn a_star_is_any_text() {
        for (written, name, is_meant) in [
            ("Start", "Start", true),
            ("Start", "Start it again", false),
            ("Start*", "Start", true),
            ("Roll * back to *", "Roll cloud back to 0.2.11", true),
            ("Roll lab back to *", "Roll cloud back to 0.2.11", false),
            ("*", "", true),
            ("", "Start", false),
            // A name that only a run knows.
            ("Update cloud", "Update \0", true),
            ("Roll cloud back to *", "Roll \0 back to \0", true),
            ("Updat cloud", "Update \0", false),
            ("Update cloud", "Finish the update of \0", false),
        ] {
            assert_eq!(means(written, name), is_meant, "{written:?}, {name:?}");
        }
    }
}
