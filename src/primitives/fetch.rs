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
//! let server = this_server();
//! server.fetch().releases
//! // => ["0.2.11", "0.2.12", "0.2.13", "0.2.14"]
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::git::{Checkout, Fetched};
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

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
    const ACT: Act<Self> =
        Act::Change { touches: &[Facet::History], perform, predict, after_crash: AfterCrash::Repeat };
}

/// What the origin has and the checkout has not.
fn predict(_: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let checkout = Checkout::open(&server.checkout)?;
    let known = checkout.releases()?;
    let brought = checkout.origin_releases(&server.environment, &|| host.stop.is_asked())?;
    Ok(json!(Fetched { releases: brought.into_iter().filter(|release| !known.contains(release)).collect() }))
}

fn perform(_: &Arguments, host: &Host) -> Result<Fetched> {
    let server = host.server()?;
    Checkout::open(&server.checkout)?.fetch(&server.environment, &|| host.stop.is_asked())
}
