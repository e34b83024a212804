//! `note(text: text)`
//!
//! Tells the person a sentence.
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
//! It is not told again for what was done before.
//!
//! # Example
//! ```rhai
//! note("the update begins");
//! ```

use crate::failure::Result;
use crate::primitive::{Act, Host, Primitive, Told};
use serde::{Deserialize, Serialize};

pub struct Note;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    text: String,
}

impl Primitive for Note {
    type Arguments = Arguments;
    type Outcome = ();
    const NAME: &'static str = "note";
    const SOURCE: &'static str = include_str!("note.rs");
    const ACT: Act<Self> = Act::Session { perform };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<()> {
    (host.tell)(Told::Note((&arguments.text).into()));
    Ok(())
}
