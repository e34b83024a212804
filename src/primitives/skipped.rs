//! `skipped(reason: text)`
//!
//! Records that a step was skipped, and why.
//!
//! The run keeps it, and `banister show` shows it. A site's `skip("step", "reason")` calls it instead of the step's
//! code.
//!
//! # Options
//! None.
//!
//! # Returns
//! Nothing.
//!
//! # Errors
//! None.
//!
//! # After a crash
//! It is not shown again for earlier parts of the run.
//!
//! # Example
//! ```rhai
//! step "Back up again" { skipped("the nightly backup comes soon enough"); }
//! ```

use crate::failure::Result;
use crate::primitive::{Act, Host, Primitive, Told};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub struct Skipped;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    reason: String,
}

impl Primitive for Skipped {
    type Arguments = Arguments;
    type Outcome = ();
    const NAME: &'static str = "skipped";
    const SOURCE: &'static str = include_str!("skipped.rs");
    const ACT: Act<Self> = Act::Look { reads: &[], perform, predict: |_, _| Ok(Value::Null) };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<()> {
    (host.tell)(Told::Note(format!("skipped: {}", arguments.reason).into()));
    Ok(())
}
