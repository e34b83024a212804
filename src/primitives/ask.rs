//! `ask(question: text, #{ suggestion: text, choices: array, required: bool = false })`
//!
//! Asks the person for a line of text, or for one of a few words.
//!
//! # Options
//! - `suggestion`: the meaning of an empty answer. Default: an empty answer is an empty text.
//! - `choices`: the allowed answers. Default: any text.
//! - `required`: whether an empty answer is refused. Default: false.
//!
//! # Returns
//! Text: the answer, without blanks around it.
//!
//! # Errors
//! `declined` if nobody is there and no `--answer` is left, if the answer is none of the choices, or if it
//! is empty and one is required. It can't be
//! caught: the run stops before the next call, as it is, and `banister resume` asks again; if
//! nothing was touched before, the run is started again instead.
//!
//! # After a crash
//! The question is asked again, unless the answer was recorded.
//!
//! # Example
//! ```rhai
//! let when = ask("When shall the users be informed?", #{ suggestion: "now", choices: ["now", "later", "never"] });
//! ["now", "later", "never"].contains(when)
//! // => true
//! ```

use crate::data;
use crate::failure::{Failure, Kind, Result};
use crate::person::{Answer, Form, Question};
use crate::primitive::{Act, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub struct Ask;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    question: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    suggestion: Option<String>,
    /// Empty: any text may be answered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    choices: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    required: bool,
}

impl Primitive for Ask {
    type Arguments = Arguments;
    type Outcome = String;
    const NAME: &'static str = "ask";
    const SOURCE: &'static str = include_str!("ask.rs");
    const ACT: Act<Self> = Act::Ask { question, answered, predict };
}

fn question(arguments: &Arguments) -> Question {
    let form = match arguments.choices.is_empty() {
        true => Form::Line { suggestion: arguments.suggestion.clone() },
        false => {
            let suggestion = arguments.suggestion.clone();
            let suggestion = suggestion.filter(|suggestion| arguments.choices.contains(suggestion));
            Form::Choice { choices: arguments.choices.clone(), suggestion }
        }
    };
    Question { text: arguments.question.clone(), form }
}

fn answered(arguments: &Arguments, answer: &Answer) -> Result<String> {
    let text = match (answer.text.trim(), &arguments.suggestion) {
        ("", Some(suggestion)) => suggestion,
        (text, _) => text,
    };
    // Blanks around a choice, as of a line that a command wrote, can't be typed.
    if let Some(choice) = arguments.choices.iter().find(|choice| choice.trim() == text.trim()) {
        return Ok(choice.clone());
    }
    if !arguments.choices.is_empty() {
        let message = format!("`{text}` is no answer to: {}", arguments.question);
        let choices = arguments.choices.join("|");
        return Err(Failure::new(Kind::Declined, message).help(format!(
            "give one of them with `--answer {choices}`, added to the command of the last line"
        )));
    }
    if arguments.required && text.is_empty() {
        return Err(Failure::new(Kind::Declined, "an empty answer is none")
            .help("give one with `--answer TEXT`, added to the command of the last line"));
    }
    Ok(text.into())
}

fn predict(arguments: &Arguments) -> Value {
    let about = format!("the answer to `{}`", arguments.question);
    match arguments.choices.is_empty() {
        true => data::unknown(about),
        false => data::one_of(arguments.choices.iter().cloned().map(Value::String), about),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(choices: &[&str], suggestion: Option<&str>, text: &str) -> Result<String> {
        let choices = choices.iter().map(|choice| choice.to_string()).collect();
        let suggestion = suggestion.map(str::to_owned);
        let arguments = Arguments { question: "which?".into(), suggestion, choices, required: false };
        answered(&arguments, &Answer { text: text.into(), by: "me".into() })
    }

    #[test]
    fn an_empty_answer_is_the_suggestion_and_a_wrong_choice_is_refused() {
        assert_eq!(answer(&[], None, " 0.2.13 ").unwrap(), "0.2.13");
        assert_eq!(answer(&[], Some("now"), "").unwrap(), "now");
        assert_eq!(answer(&["now", "later"], None, "later").unwrap(), "later");
        assert_eq!(answer(&["now", "later"], None, "never").unwrap_err().kind, Kind::Declined);
        assert_eq!(answer(&["now", "later"], None, "").unwrap_err().kind, Kind::Declined);
    }
}
