//! The keys that servers of a kind have in their tables beside those that all have.

use crate::failure::{Failure, Kind, Result};
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
    /// A table of texts and of commands, as arrays of texts.
    Commands,
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
            Form::Commands => "a table of texts and commands",
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
            (Form::Commands, Value::Table(table)) => {
                table.values().all(|value| Form::Text.takes(value) || Form::Texts.takes(value))
            }
            _ => false,
        }
    }
}

impl OwnKey {
    /// Fails with [`Kind::Invalid`] if its default is none that it takes. `shown` is the name of the file for people.
    pub(super) fn check(&self, name: &str, shown: &str) -> Result<()> {
        if self.default.as_ref().is_none_or(|value| self.form.takes(value)) {
            return Ok(());
        }
        let message = format!("the default of `keys.{name}` in `{shown}` is not {}", self.form.words());
        Err(Failure::new(Kind::Invalid, message).help("correct it, or its `type`"))
    }
}
