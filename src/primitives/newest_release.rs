//! `newest_release(server)`
//!
//! The newest release that the origin has, fetched or not.
//!
//! Tags of any shape are releases: `0.2.14`, `v2025.01.1`, `version/2024.10.5`, `v3.4.0.beta2`. Only those that look like
//! the installed one are compared, number by number; what is newer and not chosen, and what can't be compared, is reported
//! with the reason. `releases` in site.toml says which tags count.
//!
//! # Options
//! None.
//!
//! # Returns
//! Text: the tag, such as `0.2.14`; that of the installed release, if nothing is newer. Prereleases such as `1.0.0-rc.1`
//! are only the newest if one is installed, or if site.toml says so.
//!
//! # Errors
//! `unreachable` if the origin does not answer, with what git said; `not_found` if it has no release; `refused` if it has
//! several series of them, and nothing says which.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.newest_release()
//! // => "0.2.14"
//! ```

use crate::data::{self, ServerName};
use crate::failure::{Failure, Kind, Result};
use crate::machine::release::{Told as Said, choose, installed};
use crate::primitive::{Act, Host, Primitive, Told};
use serde::{Deserialize, Serialize};

pub struct NewestRelease;

/// So much is reported of what was not chosen; the most important of it comes first.
const REPORTED: usize = 6;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

impl Primitive for NewestRelease {
    type Arguments = Arguments;
    type Outcome = String;
    const NAME: &'static str = "newest_release";
    const SOURCE: &'static str = include_str!("newest_release.rs");
    const ACT: Act<Self> =
        Act::Look { reads: &[], perform, predict: |_, _| Ok(data::unknown("a query to the origin")) };
}

fn perform(_: &Arguments, host: &Host) -> Result<String> {
    let server = host.server()?;
    let checkout = server.open_checkout()?;
    let offered = checkout.origin_releases(&server.environment, &|| host.stop.is_asked())?;
    let tags = checkout.position()?.tags;
    let installed = installed(tags.iter().map(String::as_str), &server.releases);
    let is_earlier = |tag: &str, than: &str| checkout.is_earlier(tag, than);
    let choice = choose(installed.as_ref(), &offered, &server.releases, &is_earlier);
    report(&choice.told, host);
    let newest = choice.newest.or(installed).map(|release| release.tag().to_owned());
    newest.ok_or_else(|| nothing(&server.name, &choice.told))
}

/// Reports what was not chosen.
fn report(told: &[Said], host: &Host) {
    for said in told.iter().take(REPORTED) {
        (host.tell)(Told::Note(said.to_string().into()));
    }
    if let more @ 1.. = told.len().saturating_sub(REPORTED) {
        (host.tell)(Told::Note(format!("{more} more sorts of tags are no newer release").into()));
    }
}

/// Nothing says what the newest release is.
fn nothing(server: &str, told: &[Said]) -> Failure {
    match told.first() {
        Some(said @ (Said::NoSeries { .. } | Said::Ambiguous { .. })) => {
            Failure::new(Kind::Refused, format!("nothing says which release of `{server}` is the newest"))
                .why(said)
                .help("name one with `--to`, or say which tags count with `releases` in site.toml")
        }
        _ => Failure::new(Kind::NotFound, format!("the origin of `{server}` has no release"))
            .help("follow a branch instead: set `branch` in site.toml"),
    }
}
