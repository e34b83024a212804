//! `confirm(question: text, #{ stop: bool = true, typed: bool = false })`
//!
//! Asks for confirmation before the run continues.
//!
//! # Options
//! - `stop`: whether a no stops the run. Default: true.
//! - `typed`: whether `--yes` is no answer: somebody types it, or gives it with `--answer yes`. Default: false.
//!
//! # Returns
//! `true` if the answer is yes; `false` if it is no, and that does not stop the run. The journal records who answered.
//!
//! # Errors
//! `declined` if the answer is no and that stops the run, or nobody is there and `--yes` was not given. It can't be
//! caught: the run stops before the next call, as it is, and `banister resume` asks again; if
//! nothing was touched before, the run is started again instead.
//!
//! # After a crash
//! The question is asked again, unless the answer was recorded.
//!
//! # Example
//! ```rhai
//! confirm("Users will see an error page for a minute. Continue?");
//! ```

use crate::failure::{Failure, Kind, Result};
use crate::person::{Answer, Form, Question};
use crate::primitive::{Act, Primitive};
use serde::{Deserialize, Serialize};

pub struct Confirm;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    question: String,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    stop: bool,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    typed: bool,
}

fn yes() -> bool {
    true
}

fn is_yes(stop: &bool) -> bool {
    *stop
}

impl Primitive for Confirm {
    type Arguments = Arguments;
    type Outcome = bool;
    const NAME: &'static str = "confirm";
    const SOURCE: &'static str = include_str!("confirm.rs");
    const ACT: Act<Self> = Act::Ask { question, answered, predict: |_| true.into() };
}

fn question(arguments: &Arguments) -> Question {
    let form = if arguments.typed { Form::one_of(&["yes", "no"]) } else { Form::Confirm };
    Question { text: arguments.question.clone(), form }
}

fn answered(arguments: &Arguments, answer: &Answer) -> Result<bool> {
    match answer.is_yes() {
        yes if yes || !arguments.stop => Ok(yes),
        _ => Err(Failure::new(Kind::Declined, format!("{} said no to: {}", answer.by, arguments.question))
            .help("nothing was done since the question; the command of the last line asks it again")),
    }
}
