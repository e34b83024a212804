//! `show(title: text, text: text)`
//!
//! Shows a longer text under a title.
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
//! show("Release notes of 0.2.13", "The search index is built anew.\nThat takes ten minutes.");
//! ```

use crate::failure::Result;
use crate::primitive::{Act, Host, Primitive, Told};
use serde::{Deserialize, Serialize};

pub struct Show;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    title: String,
    text: String,
}

impl Primitive for Show {
    type Arguments = Arguments;
    type Outcome = ();
    const NAME: &'static str = "show";
    const SOURCE: &'static str = include_str!("show.rs");
    const ACT: Act<Self> = Act::Session { perform };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<()> {
    (host.tell)(Told::Text {
        title: (&arguments.title).into(),
        text: crate::secret::Shown::of_settings(&arguments.text),
    });
    Ok(())
}
