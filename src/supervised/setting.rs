//! Values that a script gives to a command: in its environment, or as variables on its command line.

use crate::data;
use crate::failure::Result;
use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A value on a command line: what everybody on the machine can read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Variable(Value);

/// A value in an environment; it may be a secret.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value", into = "Value")]
pub struct Setting(Value);

impl Variable {
    pub fn text(&self) -> String {
        text(&self.0).unwrap_or_default()
    }
}

impl Setting {
    /// Fails if it is a secret that was not looked up in this process.
    pub fn text(&self) -> Result<String> {
        match data::tagged(&self.0, data::SECRET).and_then(Value::as_str) {
            Some(name) => Secret { name: name.into() }.reveal(),
            None => crate::secret::fill(&text(&self.0).unwrap_or_default()),
        }
    }
}

impl TryFrom<Value> for Variable {
    type Error = String;

    fn try_from(value: Value) -> std::result::Result<Variable, String> {
        if data::tagged(&value, data::SECRET).is_some() {
            return Err(
                "a secret can't stand on a command line, where all users of the machine see it".into()
            );
        }
        match text(&value) {
            Some(_) => Ok(Variable(value)),
            None => Err(wrong(&value)),
        }
    }
}

impl TryFrom<Value> for Setting {
    type Error = String;

    fn try_from(value: Value) -> std::result::Result<Setting, String> {
        match data::tagged(&value, data::SECRET).is_some() || text(&value).is_some() {
            true => Ok(Setting(value)),
            false => Err(wrong(&value)),
        }
    }
}

impl From<Variable> for Value {
    fn from(variable: Variable) -> Value {
        variable.0
    }
}

impl From<Setting> for Value {
    fn from(setting: Setting) -> Value {
        setting.0
    }
}

/// What a plan does not know yet is described, and never given to a command.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ if data::tagged(value, data::UNKNOWN).is_some() => Some(data::describe(value)),
        _ => None,
    }
}

fn wrong(value: &Value) -> String {
    format!("a command is given text, numbers, true or false, not {}", data::describe(value))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_secret_may_be_in_an_environment_and_never_on_a_command_line() {
        let secret = crate::secret::keep("setting test", "not for everybody");
        let setting: Setting = serde_json::from_value(json!(secret)).unwrap();
        assert_eq!(setting.text().unwrap(), "not for everybody");
        assert_eq!(serde_json::to_value(&setting).unwrap(), json!(secret));
        assert!(serde_json::from_value::<Variable>(json!(secret)).is_err());
    }

    #[test]
    fn words_numbers_and_truths_are_given_as_text() {
        for (value, text) in [(json!(true), "true"), (json!(4), "4"), (json!("a b"), "a b")] {
            assert_eq!(serde_json::from_value::<Variable>(value).unwrap().text(), text);
        }
        assert!(serde_json::from_value::<Setting>(json!([1])).is_err());
    }
}
