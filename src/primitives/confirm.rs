//! `confirm(question: text)`
//!
//! Asks the person to agree before the run goes on.
//!
//! # Options
//! None.
//!
//! # Returns
//! Nothing: whoever gets past it has agreed. Who that was is in the journal.
//!
//! # Errors
//! `declined` if the answer is no, or nobody is there and `--yes` was not given. It can't be caught: the run stops
//! before the next call, as it is, and `banister resume` asks again.
//!
//! # After a crash
//! It is asked again, unless the answer was recorded.
//!
//! # Example
//! ```rhai
//! confirm("Users will see an error page for a minute. Go on?");
//! ```

use crate::failure::{Failure, Kind, Result};
use crate::person::{Answer, Form, Question};
use crate::primitive::{Act, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub struct Confirm;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    question: String,
}

impl Primitive for Confirm {
    type Arguments = Arguments;
    type Outcome = ();
    const NAME: &'static str = "confirm";
    const SOURCE: &'static str = include_str!("confirm.rs");
    const ACT: Act<Self> = Act::Ask { question, answered, predict: |_| Value::Null };
}

fn question(arguments: &Arguments) -> Question {
    Question { text: arguments.question.clone(), form: Form::Confirm }
}

fn answered(arguments: &Arguments, answer: &Answer) -> Result<()> {
    match answer.is_yes() {
        true => Ok(()),
        false => {
            Err(Failure::new(Kind::Declined, format!("{} said no to: {}", answer.by, arguments.question))
                .help("nothing was done since the question; `banister resume` asks it again"))
        }
    }
}
