//! `fetch(server)`
//!
//! Fetches commits and tags from the origin, with the user's own git.
//!
//! New tags are added, and no tag that is here is moved: releases that have another commit at the origin are named.
//!
//! # Options
//! None.
//!
//! # Returns
//! A map: `releases`, an array of the releases that are new here, oldest first.
//!
//! # Errors
//! `unreachable` if the origin does not answer, with git's message. Nothing that is checked out changes.
//!
//! # After a crash
//! Git continues in the background and is followed. If it was interrupted it runs again, which does no harm.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.fetch().releases
//! // => ["0.2.11", "0.2.12", "0.2.13", "0.2.14"]
//! ```

use crate::data::ServerName;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::{private_folder, write_private_durably};
use crate::machine::git::{Checkout, Fetched, MovedTag, without_credentials};
use crate::machine::release::Release;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive, Probe, Told};
use crate::supervised;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct Fetch;

/// So many releases that were tagged anew are named.
const REPORTED: usize = 6;

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
        Act::Change { touches: &[Facet::History], perform, predict, after_crash: AfterCrash::Probe(probe) };
}

/// A fetch that still runs is followed; nobody needs to know how one ended that was cut off.
fn probe(_: &Arguments, host: &Host) -> Result<Probe<Fetched>> {
    Ok(match supervised::probe(host, false)? {
        Probe::Again | Probe::Unknown(_) => Probe::Again,
        Probe::Done(_) | Probe::GoOn => Probe::GoOn,
    })
}

/// What the origin has and the checkout has not.
fn predict(_: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let checkout = server.open_checkout()?;
    let known = checkout.releases()?;
    let brought = checkout.origin_releases(&server.environment, &|| host.stop.is_asked())?;
    Ok(json!(Fetched { releases: brought.into_iter().filter(|release| !known.contains(release)).collect() }))
}

fn perform(_: &Arguments, host: &Host) -> Result<Fetched> {
    let server = host.server()?;
    let checkout = server.open_checkout()?;
    let before = known_before(&checkout, host)?;
    // Git names the origin with the password that its URL may hold.
    let tell = |told: Told| match told {
        Told::Progress(line) => (host.tell)(Told::Progress(without_credentials(line.as_str()).into())),
        told => (host.tell)(told),
    };
    let host = Host { tell: &tell, ..*host };
    let Some(command) = checkout.fetch(&server.environment)? else {
        return Ok(Fetched { releases: Vec::new() });
    };
    supervised::perform(&command, &host).map_err(|failure| Failure {
        kind: if failure.kind == Kind::CommandFailed { Kind::Unreachable } else { failure.kind },
        why: failure.why.iter().map(|line| without_credentials(line)).collect(),
        help: Some(checkout.fetch_help(&failure.why)),
        ..failure
    })?;
    let checkout = server.open_checkout()?;
    checkout.add_new_tags()?;
    report_moved(&checkout, &host)?;
    let brought = checkout.releases()?.into_iter();
    Ok(Fetched { releases: brought.filter(|release| !before.contains(release)).collect() })
}

/// Names the releases that were tagged anew at the origin: they stay what they are here.
fn report_moved(checkout: &Checkout, host: &Host) -> Result<()> {
    let moved = checkout.moved_releases()?;
    for MovedTag { tag, here, origin } in moved.iter().take(REPORTED) {
        let said =
            format!("{tag} is another commit at the origin now: {origin}, and {here} here, which stays");
        (host.tell)(Told::Note(said.into()));
    }
    if let more @ 1.. = moved.len().saturating_sub(REPORTED) {
        (host.tell)(Told::Note(format!("{more} more releases are other commits at the origin").into()));
    }
    Ok(())
}

/// What the checkout knew when this attempt began: kept beside it, so that one that is gone on with brings the same.
fn known_before(checkout: &Checkout, host: &Host) -> Result<Vec<Release>> {
    let file = host.folder.join("known.json");
    let failed = || format!("`{}` can't be read", file.display());
    if let Ok(text) = std::fs::read(&file) {
        return serde_json::from_slice(&text).or_fail(Kind::Journal, failed);
    }
    let known = checkout.releases()?;
    private_folder(host.folder)?;
    write_private_durably(&file, &serde_json::to_vec(&known).or_fail(Kind::Bug, failed)?)?;
    Ok(known)
}
