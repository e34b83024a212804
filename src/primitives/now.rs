//! `now()`
//!
//! The instant of its first call; a resumed run gets the same instant.
//!
//! # Options
//! None.
//!
//! # Returns
//! Text: the instant in UTC as RFC 3339, to the second.
//!
//! # Errors
//! None.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! now().len()
//! // => 20
//! ```

use crate::data;
use crate::failure::Result;
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};

pub struct Now;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {}

impl Primitive for Now {
    type Arguments = Arguments;
    type Outcome = String;
    const NAME: &'static str = "now";
    const SOURCE: &'static str = include_str!("now.rs");
    const ACT: Act<Self> =
        Act::Look { reads: &[Facet::Clock], perform, predict: |_, _| Ok(data::unknown("the run")) };
}

fn perform(_: &Arguments, _: &Host) -> Result<String> {
    Ok(crate::units::now())
}
