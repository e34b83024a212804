//! `todo(what: text)`
//!
//! Waits until a person confirms that a manual task is done.
//!
//! # Options
//! None.
//!
//! # Returns
//! A map: `by` (text, who confirmed it, as `user@host`) and `at` (text, the instant in UTC as RFC 3339).
//!
//! # Errors
//! `declined` if the answer is no, or nobody is there and `--yes` was not given. It can't be caught: the run stops
//! before the next call, as it is, and `banister resume` asks again; if
//! nothing was touched before, the run is started again instead.
//!
//! # After a crash
//! The question is asked again, unless the answer was recorded.
//!
//! # Example
//! ```rhai
//! let done = todo("Tell the users that the server will be away for a minute.");
//! done.at.len()
//! // => 20
//! ```

use crate::data;
use crate::failure::{Failure, Kind, Result};
use crate::person::{Answer, Form, Question};
use crate::primitive::{Act, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct Todo;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    what: String,
}

/// Who said that it is done, and when.
#[derive(Serialize, Deserialize)]
pub struct Acknowledged {
    by: String,
    at: String,
}

impl Primitive for Todo {
    type Arguments = Arguments;
    type Outcome = Acknowledged;
    const NAME: &'static str = "todo";
    const SOURCE: &'static str = include_str!("todo.rs");
    const ACT: Act<Self> = Act::Ask { question, answered, predict };
}

fn question(arguments: &Arguments) -> Question {
    Question { text: arguments.what.clone(), form: Form::Done }
}

fn answered(arguments: &Arguments, answer: &Answer) -> Result<Acknowledged> {
    match answer.is_yes() {
        true => Ok(Acknowledged { by: answer.by.clone(), at: crate::units::now() }),
        false => Err(Failure::new(Kind::Declined, format!("not confirmed yet: {}", arguments.what))
            .help("do it, then say so with `banister resume`")),
    }
}

fn predict(arguments: &Arguments) -> Value {
    let about = format!("`{}` is done", arguments.what);
    json!({ "by": data::unknown(&about), "at": data::unknown(&about) })
}
