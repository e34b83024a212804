//! `drill(server, unpacked: text, #{ project: text, copy: map })`
//!
//! Restores an unpacked backup beside the running server, and records on the backup's card that it can be restored.
//!
//! `unpacked` is `folder` of the result of `unpack_backup`: files and volumes were written there, and compared with the
//! manifest. SQLite databases among the files are read by `PRAGMA integrity_check`. Each dump is loaded into a scratch database, and the search snapshot into indices under another
//! name; rows and documents are counted, then all of it is removed. The live ones are not touched.
//!
//! # Options
//! - `project`: the Compose project, if the machine has several with such services. Default: the only one.
//! - `copy`: starts a copy of the server from the backup, too, and removes it when it was healthy: a second Compose
//!   project, with its own volumes and folders, in an isolated network. A map with `services` (those that
//!   are copied, named as in the Compose files), `checks` (as `wait_healthy` takes them; in a URL or an address
//!   the name of a service stands for its host), `within` (default 10 minutes), `stable` (default 2 seconds) and
//!   `adapt` (SQL by the name of a database, run in the copy's own before other services start; default none). A
//!   folder that is not in the backup is empty. Default: none.
//!
//! # Returns
//! - `rows`: for each database, the number of rows in all its tables.
//! - `documents`: for each index, the number of its documents.
//! - `keys`: for each Redis service, the number of its keys.
//! - `untried`: what could not be tried, each with the reason. If there is any, the card does not say that the backup was
//!   drilled.
//! - `checks`: the answers to the checks of the copy, each with `name` and `said`; empty without a copy.
//! - `seconds`: how long it took, with unpacking.
//!
//! # Errors
//! `refused` if something differs from the manifest, or a SQLite database is damaged, or a service can't be copied, as one that uses Docker itself;
//! `not_found` if it was not unpacked, or a service is not there; `command_failed` if a program in a container fails,
//! or Compose; `timed_out` if the copy does not become healthy. Loaded data and the copy are removed.
//!
//! # After a crash
//! It is done again; data and copies that an interrupted attempt left are removed first.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! let databases = [#{ name: "db/auth.dump", service: "db", database: "hoss_auth" }];
//! let saved = server.backup("for the example", #{ files: [], databases: databases });
//! let unpacked = server.unpack_backup(saved.path);
//! let tried = server.drill(unpacked.folder);
//! server.drop_replaced(unpacked.folder);
//! tried.rows["hoss_auth"]
//! // => 31
//! ```

use crate::data::{self, ServerName};
use crate::failure::{Failure, Kind, Result};
use crate::machine::backup::{Card, Copied, Drilled, Unpacked, copy, drill};
use crate::machine::health::Checked;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive, Told};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

pub struct Drill;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    unpacked: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    copy: Option<Copied>,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    rows: BTreeMap<String, u64>,
    documents: BTreeMap<String, u64>,
    keys: BTreeMap<String, u64>,
    untried: Vec<String>,
    checks: Vec<Checked>,
    seconds: f64,
}

impl Primitive for Drill {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "drill";
    const SOURCE: &'static str = include_str!("drill.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Space, Facet::Backups],
        perform,
        predict: |_, _| {
            let unknown = || data::unknown("what the backup holds");
            let (rows, documents, seconds) = (unknown(), unknown(), unknown());
            let (keys, untried) = (unknown(), json!([]));
            let checks = data::unknown("checks of the copy");
            Ok(json!({
                "rows": rows, "documents": documents, "keys": keys, "untried": untried, "checks": checks,
                "seconds": seconds,
            }))
        },
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let server = host.server()?;
    let unpacked = Unpacked::open(Path::new(&arguments.unpacked))?;
    let (ground, stop) =
        (server.ground(server.kept_folders(None), arguments.project.as_deref()), || host.stop.is_asked());
    let place = ground.place(&stop);
    let begun = Instant::now();
    let tell = |line: &str| (host.tell)(Told::Progress(line.into()));
    let copied = arguments.copy.as_ref();
    let tried = drill(&unpacked, &place).and_then(|drilled| {
        Ok((drilled, copied.map(|copied| copy(&unpacked, &place, copied, &tell)).transpose()?))
    });
    let (drilled, started) = match tried {
        Err(failure) if failure.kind != Kind::Interrupted => return Err(undrilled(&unpacked, failure)),
        tried => tried?,
    };
    let seconds = unpacked.seconds + begun.elapsed().as_secs_f64();
    let mut card = Card::of(&unpacked.archive)?;
    if let Some(about) = &unpacked.about {
        card = card.about(about);
    }
    card = card.verified(unpacked.sha256.clone());
    // A word of success covers what was seen.
    if drilled.untried.is_empty() {
        card = card.drilled(seconds);
    }
    let card = if started.is_some() { card.started() } else { card };
    card.keep()?;
    let checks = started.map(|report| report.checks).unwrap_or_default();
    let Drilled { rows, documents, keys, untried } = drilled;
    for (what, of) in [("rows", &rows), ("documents", &documents), ("keys", &keys)] {
        let all: Vec<String> = of.iter().map(|(name, count)| format!("`{name}` ({count})")).collect();
        if !all.is_empty() {
            (host.tell)(Told::Note(format!("put back for a trial, {what}: {}", all.join(", ")).into()));
        }
    }
    Ok(Outcome { rows, documents, keys, untried, checks, seconds })
}

/// Notes on the card that a drill failed. That it did is what has to be told, also if this can't be noted.
fn undrilled(unpacked: &Unpacked, failure: Failure) -> Failure {
    let card = Card::of(&unpacked.archive).map(|card| card.undrilled(failure.to_string()));
    match card.and_then(|card| card.keep()) {
        Ok(()) => failure,
        Err(unkept) => failure.why(format!("the list of backups does not know of this: {unkept}")),
    }
}
