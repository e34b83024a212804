//! `fetch(server)`
//!
//! Fetches commits and tags from the origin, with the user's own git.
//!
//! # Options
//! None.
//!
//! # Returns
//! A map: `releases`, an array of the releases that are new here, oldest first.
//!
//! # Errors
//! `unreachable` if the origin does not answer, with what git said. Nothing that is checked out changes.
//!
//! # After a crash
//! It is done again: twice is the same as once.
//!
//! # Example
//! ```rhai
//! this_server().fetch().releases
//! // => []
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::git::{Checkout, Fetched};
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};

pub struct Fetch;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

impl Primitive for Fetch {
    type Arguments = Arguments;
    type Outcome = Fetched;
    const NAME: &'static str = "fetch";
    const SOURCE: &'static str = include_str!("fetch.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::History],
        perform,
        predict: |_, _| Ok(serde_json::json!({ "releases": data::unknown("the fetch") })),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(_: &Arguments, host: &Host) -> Result<Fetched> {
    let server = host.server()?;
    Checkout::open(&server.checkout)?.fetch(&server.environment, &|| host.stop.is_asked())
}
