//! `required_stops(server, from: text, to: text)`
//!
//! The releases that must be installed on the way from one to another, as `stops` of `releases` in site.toml says.
//!
//! # Options
//! None.
//!
//! # Returns
//! Array of text, oldest first, without `from` and `to`; empty if the site says nothing.
//!
//! # Errors
//! `refused` if there are stops, and the two can't be compared; `not_found` if a stop is not among the releases of the
//! checkout: fetch first.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.required_stops("0.2.10", "0.2.14")
//! // => []
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::release::{Release, stops};
use crate::primitive::{Act, Facet, Host, Primitive};
use crate::site::Server;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct RequiredStops;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    from: String,
    to: String,
}

impl Primitive for RequiredStops {
    type Arguments = Arguments;
    type Outcome = Vec<String>;
    const NAME: &'static str = "required_stops";
    const SOURCE: &'static str = include_str!("required_stops.rs");
    const ACT: Act<Self> = Act::Look { reads: &[Facet::History], perform, predict };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<String>> {
    let server = host.server()?;
    among(arguments, server, || server.open_checkout()?.releases())
}

/// The plan fetches: then the origin's are known.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let offered = || server.open_checkout()?.origin_releases(&server.environment, &|| host.stop.is_asked());
    Ok(json!(among(arguments, server, offered)?))
}

fn among(
    arguments: &Arguments,
    server: &Server,
    releases: impl Fn() -> Result<Vec<Release>>,
) -> Result<Vec<String>> {
    let Some(rule) = &server.releases.stops else { return Ok(Vec::new()) };
    let (from, to): (Release, Release) = (arguments.from.parse()?, arguments.to.parse()?);
    let allowed = server.releases.allowed(&releases()?, &to);
    Ok(stops(&allowed, &from, &to, rule)?.into_iter().map(|release| release.tag().to_owned()).collect())
}
