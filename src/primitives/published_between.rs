//! `published_between(server, from: text, to: text, #{ stops: bool = false })`
//!
//! The releases after `from`, up to and including `to`, of which files are published.
//!
//! # Options
//! - `stops`: whether only those are meant that must be installed on the way, as `stops` of `releases` in site.toml says.
//!   Default: no.
//!
//! # Returns
//! Array of text, oldest first, with `to` and without `from`; empty if `to` is not newer. If the two can't be compared by their
//! numbers, only `to`, as far as it is there. Of stops, without `to`.
//!
//! # Errors
//! `unreachable` if the forge or the list does not answer; `invalid` if nothing says where releases are published.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "binary" { note(`passes ${server.published_between("v14.0.2", "v14.0.3")}`); }
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::client::Limits;
use crate::machine::program_file::among;
use crate::machine::release::{Release, between, releases, stops};
use crate::primitive::{Act, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub struct PublishedBetween;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    from: String,
    to: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    stops: bool,
}

impl Primitive for PublishedBetween {
    type Arguments = Arguments;
    type Outcome = Vec<String>;
    const NAME: &'static str = "published_between";
    const SOURCE: &'static str = include_str!("published_between.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[],
        perform,
        // A forge says the same in a plan.
        predict: |arguments, host| Ok(json!(perform(arguments, host)?)),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<String>> {
    let server = host.server()?;
    let stop = || host.stop.is_asked();
    let (from, to) = (server.release_named(&arguments.from)?, server.release_named(&arguments.to)?);
    let rules = &server.releases;
    if arguments.stops && rules.stops.is_none() {
        return Ok(Vec::new());
    }
    let client = server.release_client(Limits::default(), &stop)?;
    let listing = server.release_source(&client, &stop)?.list(&from)?;
    let is_meant = |tag: &str, is_trial: bool| !is_trial || rules.trials || tag == to.tag();
    let all = listing.releases.iter().filter(|one| is_meant(&one.tag, one.is_trial));
    let offered = releases(all.map(|one| one.tag.as_str()));
    let allowed = rules.allowed(&offered, &to);
    let from = among(&from, &offered);
    let name = |release: &Release| release.tag().to_owned();
    if let Some(rule) = rules.stops.as_ref().filter(|_| arguments.stops) {
        return Ok(stops(&allowed, &from, &to, rule)?.into_iter().map(name).collect());
    }
    Ok(match between(&allowed, &from, &to) {
        Some(passed) => passed.into_iter().map(name).collect(),
        None => offered.iter().filter(|release| **release == to).map(name).collect(),
    })
}
