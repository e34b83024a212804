//! `note(text: text)`
//!
//! Shows a line of text.
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
