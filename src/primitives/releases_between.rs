//! `releases_between(server, from: text, to: text)`
//!
//! The releases after one and up to another, among those that the checkout knows.
//!
//! # Options
//! None.
//!
//! # Returns
//! Array of text, oldest first, with `to` and without `from`; empty if `to` is not newer. If `from` is no release (a commit, say), the releases between are unknown and only `to` is in it.
//!
//! # Errors
//! `not_found` if the checkout is not there; `invalid` if `to` is no release.
//!
//! # After a crash
//! It is looked at again, unless it was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.fetch();
//! server.releases_between("0.2.10", "0.2.12")
//! // => ["0.2.11", "0.2.12"]
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::git::Checkout;
use crate::machine::release::{Release, between};
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct ReleasesBetween;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    from: String,
    to: String,
}

impl Primitive for ReleasesBetween {
    type Arguments = Arguments;
    type Outcome = Vec<String>;
    const NAME: &'static str = "releases_between";
    const SOURCE: &'static str = include_str!("releases_between.rs");
    const ACT: Act<Self> = Act::Look { reads: &[Facet::History], perform, predict };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<String>> {
    among(arguments, &Checkout::open(&host.server()?.checkout)?.releases()?)
}

/// The plan fetches: then the origin's are known.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let checkout = Checkout::open(&server.checkout)?;
    let releases = checkout.origin_releases(&server.environment, &|| host.stop.is_asked())?;
    Ok(json!(among(arguments, &releases)?))
}

fn among(arguments: &Arguments, releases: &[Release]) -> Result<Vec<String>> {
    let to: Release = arguments.to.parse()?;
    let Ok(from) = arguments.from.parse::<Release>() else { return Ok(vec![to.tag().to_owned()]) };
    Ok(between(releases, &from, &to).into_iter().map(|release| release.tag().to_owned()).collect())
}
