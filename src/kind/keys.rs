//! The keys that servers of a kind have in their tables beside those that all have.

use crate::failure::{Failure, Kind, Result};
use crate::output::nearest::nearest;
use serde::Deserialize;
use toml::Value;

/// A key, as `[keys.NAME]` in `kind.toml` says it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnKey {
    #[serde(rename = "type")]
    pub form: Form,
    /// What it is if the table does not say; `()`, if this is absent.
    pub default: Option<Value>,
    /// Of a table, the names that may be in it; any, if this is absent.
    pub names: Option<Vec<String>>,
    /// Whether a server needs it to be updated.
    #[serde(default)]
    pub needed: bool,
    /// Of one that is needed, another key that does as well.
    pub instead: Option<String>,
    /// A sentence for people.
    pub help: String,
}

/// What a key takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    Text,
    Texts,
    Number,
    Bool,
    /// A table of texts.
    Table,
    /// A table of commands, each an array of its words.
    Commands,
    /// A table of texts and of commands.
    TextsAndCommands,
}

impl Form {
    /// In words.
    pub fn words(self) -> &'static str {
        match self {
            Form::Text => "text",
            Form::Texts => "an array of texts",
            Form::Number => "a whole number",
            Form::Bool => "`true` or `false`",
            Form::Table => "a table of texts",
            Form::Commands => "a table of commands, each an array of its words",
            Form::TextsAndCommands => "a table of texts and commands",
        }
    }

    /// Whether it takes a value.
    pub fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Form::Text, Value::String(_))
            | (Form::Number, Value::Integer(_))
            | (Form::Bool, Value::Boolean(_)) => true,
            (Form::Texts, Value::Array(items)) => items.iter().all(Value::is_str),
            (Form::Table, Value::Table(table)) => table.values().all(Value::is_str),
            (Form::Commands, Value::Table(table)) => table.values().all(is_command),
            (Form::TextsAndCommands, Value::Table(table)) => {
                table.values().all(|value| Form::Text.takes(value) || is_command(value))
            }
            _ => false,
        }
    }
}

/// Words, the first of which names a program.
fn is_command(value: &Value) -> bool {
    let words = value.as_array().map(Vec::as_slice).unwrap_or_default();
    words.iter().all(Value::is_str)
        && words.first().and_then(Value::as_str).is_some_and(|name| !name.is_empty())
}

impl OwnKey {
    /// What is wrong with a value, in words; nothing, if it takes the value.
    pub fn wrong(&self, name: &str, value: &Value) -> Option<String> {
        if !self.form.takes(value) {
            return Some(match value.type_str() {
                "table" | "array" => format!("`{name}` is {}", self.form.words()),
                given => format!("`{name}` is {}, not {given}", self.form.words()),
            });
        }
        let (names, table) = (self.names.as_ref()?, value.as_table()?);
        let strange = table.keys().find(|key| !names.contains(key))?;
        if names.is_empty() {
            return Some(format!("`{name}` means nothing for servers of this kind"));
        }
        let near = nearest(strange, names.iter().map(String::as_str));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        Some(format!("`{name}` has no `{strange}`, only {}{near}", names.join(", ")))
    }

    /// Fails with [`Kind::Invalid`] if its default is none that it takes. `shown` is the name of the file for people.
    pub(super) fn check(&self, name: &str, shown: &str) -> Result<()> {
        if self.default.as_ref().is_none_or(|value| self.form.takes(value)) {
            return Ok(());
        }
        let message = format!("the default of `keys.{name}` in `{shown}` is not {}", self.form.words());
        Err(Failure::new(Kind::Invalid, message).help("correct it, or its `type`"))
    }
}
