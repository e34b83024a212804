//! `since(instant: text)`
//!
//! How much time has passed since an instant of `now()`.
//!
//! # Options
//! None.
//!
//! # Returns
//! A duration, to the second.
//!
//! # Errors
//! `invalid` if the text is no instant.
//!
//! # After a crash
//! It is read again, unless the result was recorded: the time in which banister did not run counts.
//!
//! # Example
//! ```rhai
//! let begun = now();
//! since(begun) < 1.hours
//! // => true
//! ```

use crate::data;
use crate::failure::{Failure, Kind, Result};
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct Since;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    instant: String,
}

impl Primitive for Since {
    type Arguments = Arguments;
    type Outcome = Value;
    const NAME: &'static str = "since";
    const SOURCE: &'static str = include_str!("since.rs");
    const ACT: Act<Self> =
        Act::Look { reads: &[Facet::Clock], perform, predict: |_, _| Ok(data::unknown("the run")) };
}

fn perform(arguments: &Arguments, _: &Host) -> Result<Value> {
    let then: jiff::Timestamp = arguments.instant.parse().map_err(|_| {
        let message = format!("`{}` is no instant", arguments.instant);
        Failure::new(Kind::Invalid, message).help("give it what `now()` gave")
    })?;
    // A clock that was set back has passed no time.
    let passed = jiff::Timestamp::now().duration_since(then).as_secs().max(0);
    Ok(json!({ data::DURATION: crate::units::Duration::seconds(passed.unsigned_abs()).to_string() }))
}
