//! `release_notes(server, from: text, to: text)`
//!
//! The release notes and changes between two releases, branches or commits.
//!
//! # Options
//! None.
//!
//! # Returns
//! A map: `releases`, an array of maps `name` and `text` (from annotated tags and from `CHANGELOG.md` as it is at
//! `to`), oldest first; `attention`, an array of maps `path` and `what` for each changed file that needs an admin's
//! attention: new settings in a Makefile or an example of `.env`, configuration templates and defaults, Compose files,
//! image recipes, database migrations; `commits`, an array of text, the first line of each commit between, oldest
//! first, at most 30.
//!
//! # Errors
//! `not_found` if the checkout does not know `from` or `to`; fetch first.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.fetch();
//! let notes = server.release_notes("0.2.10", "0.2.12");
//! notes.releases.len()
//! // => 2
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::git::{Checkout, Note, Touched};
use crate::machine::release::{Release, between};
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct ReleaseNotes;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    from: String,
    to: String,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    releases: Vec<Note>,
    attention: Vec<Touched>,
    commits: Vec<String>,
}

/// So many commits are named; the newest of more.
const COMMITS: usize = 30;

impl Primitive for ReleaseNotes {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "release_notes";
    const SOURCE: &'static str = include_str!("release_notes.rs");
    const ACT: Act<Self> = Act::Look { reads: &[Facet::History], perform, predict };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let checkout = Checkout::open(&host.server()?.checkout)?;
    notes(arguments, &checkout, &checkout)
}

/// The plan fetches: what that will bring is read without bringing it into the checkout.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let checkout = Checkout::open(&server.checkout)?;
    let glimpse = checkout.glimpse(&server.environment, &|| host.stop.is_asked())?;
    Ok(json!(notes(arguments, &checkout, &glimpse.checkout)?))
}

/// `now` is the checkout as it is; `then` knows what is to be read.
fn notes(arguments: &Arguments, now: &Checkout, then: &Checkout) -> Result<Outcome> {
    let (from, to) = (now.commit_named_by(&arguments.from)?, then.commit_named_by(&arguments.to)?);
    let known = then.releases()?;
    let releases = match (arguments.from.parse::<Release>(), arguments.to.parse::<Release>()) {
        (Ok(from), Ok(to)) => between(&known, &from, &to),
        (_, Ok(to)) => known.iter().filter(|release| **release == to).collect(),
        _ => Vec::new(),
    };
    Ok(Outcome {
        releases: then.notes(&releases, to)?,
        attention: then.attention(from, to)?,
        commits: then.commits(from, to, COMMITS)?,
    })
}
