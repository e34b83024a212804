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
    let checkout = host.server()?.open_checkout()?;
    notes(arguments, &checkout, &checkout)
}

/// The plan fetches: what that will bring is read without bringing it into the checkout.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let checkout = server.open_checkout()?;
    let glimpse = checkout.glimpse_of(&arguments.to, &server.environment, &|| host.stop.is_asked())?;
    Ok(json!(notes(arguments, &checkout, &glimpse.checkout)?))
}

/// `now` is the checkout as it is; `then` knows what is to be read.
fn notes(arguments: &Arguments, now: &Checkout, then: &Checkout) -> Result<Outcome> {
    let (from, to) = (now.commit_named_by(&arguments.from)?, then.commit_named_by(&arguments.to)?);
    let known = then.releases()?;
    let both = arguments.from.parse::<Release>().ok().zip(arguments.to.parse::<Release>().ok());
    let passed = match both.and_then(|(from, to)| between(&known, &from, &to)) {
        Some(passed) => passed.into_iter().cloned().collect(),
        None => {
            let mut passed = then.releases_after(from, to)?;
            passed.retain(|release| release.tag() != arguments.to);
            passed.extend(known.iter().find(|release| release.tag() == arguments.to).cloned());
            passed
        }
    };
    Ok(Outcome {
        releases: then.notes(&passed.iter().collect::<Vec<_>>(), to)?,
        attention: then.attention(from, to)?,
        commits: then.commits(from, to, COMMITS)?,
    })
}
