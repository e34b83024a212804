//! `releases_between(server, from: text, to: text)`
//!
//! The releases after `from`, up to and including `to`, that are in the checkout.
//!
//! # Options
//! None.
//!
//! # Returns
//! Array of text, oldest first, with `to` and without `from`; empty if `to` is not newer. If they can't be compared by
//! their numbers, as a branch, a commit or a tag of another series: the releases among the commits that `to` has and `from`
//! has not.
//!
//! # Errors
//! `not_found` if the checkout is not there, or does not know `from` or `to`.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
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
    let checkout = host.server()?.open_checkout()?;
    match among(arguments, &checkout.releases()?) {
        Some(names) => Ok(names),
        None => on_the_way(arguments, &checkout, &checkout),
    }
}

/// The plan fetches: then the origin's are known.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let stop = || host.stop.is_asked();
    let checkout = server.open_checkout()?;
    match among(arguments, &checkout.origin_releases(&server.environment, &stop)?) {
        Some(names) => Ok(json!(names)),
        None => {
            let glimpse = checkout.glimpse(&server.environment, &stop)?;
            Ok(json!(on_the_way(arguments, &checkout, &glimpse.checkout)?))
        }
    }
}

/// By their numbers; none if these are not two releases of one series.
fn among(arguments: &Arguments, releases: &[Release]) -> Option<Vec<String>> {
    let (from, to): (Release, Release) = (arguments.from.parse().ok()?, arguments.to.parse().ok()?);
    Some(between(releases, &from, &to)?.into_iter().map(|release| release.tag().to_owned()).collect())
}

/// By their commits. `now` is the checkout as it is; `then` knows what is to be read.
fn on_the_way(arguments: &Arguments, now: &Checkout, then: &Checkout) -> Result<Vec<String>> {
    let (from, to) = (now.commit_named_by(&arguments.from)?, then.commit_named_by(&arguments.to)?);
    let mut names: Vec<String> =
        then.releases_after(from, to)?.iter().map(|release| release.tag().to_owned()).collect();
    // Whatever else there is on the way: that is where it leads.
    let is_tag = then.releases()?.iter().any(|release| release.tag() == arguments.to);
    if is_tag && from != to && then.has_in_history(to, from)? {
        names.retain(|name| *name != arguments.to);
        names.push(arguments.to.clone());
    }
    Ok(names)
}
