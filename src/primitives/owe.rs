//! `owe(server, name: text, what: text, #{ data: any, release: text, at_most: duration })`
//!
//! Records on a server, before a change, that something must be done or undone there afterwards.
//!
//! It is recorded in the server's book, beside its lock, so that every administrator sees it in `banister status` and
//! `banister lock show`. Abandoning this run requires a reason for leaving it.
//!
//! # Options
//! - `data`: plain data that is needed to settle it; nothing secret. Default: none.
//! - `release`: the release that is being installed. If this is abandoned, it counts as one that failed, as after
//!   `note_failed_release`. Default: none.
//! - `at_most`: how long it may stay owed. Then a run in the background is rolled back, if it can be: a running command ends
//!   first, and a question or a failure waits no longer. `status` reports what is overdue. Default: no limit.
//!
//! A `name` can be owed once on a server: one that an abandoned run left is taken over. `what` completes the sentence
//! "still to be done:", without a full stop.
//!
//! # Returns
//! Nothing; with `at_most` the deadline, by the clocks of the server.
//!
//! # Errors
//! `not_found` if the checkout is not there; `refused` if it can't be recorded, or a secret is in it; `journal` if the
//! book is damaged.
//!
//! # After a crash
//! It is done again; doing it twice changes nothing more.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.owe("mails", "switch the mail queue on");
//! server.shell("echo the queue is off");
//! server.settle(["mails"]);
//! ```

use crate::book::{self, Owed};
use crate::clock::Deadline;
use crate::data::ServerName;
use crate::failure::{Failure, Kind, Result};
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use crate::secret;
use crate::units::Duration;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

pub struct Owe;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    name: String,
    what: String,
    #[serde(default, skip_serializing_if = "Value::is_null")]
    data: Value,
    /// Given as nothing, it would say what nobody meant.
    #[serde(default, deserialize_with = "text", skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_most: Option<Duration>,
}

fn text<'de, D: Deserializer<'de>>(release: D) -> std::result::Result<Option<String>, D::Error> {
    String::deserialize(release).map(Some)
}

impl Primitive for Owe {
    type Arguments = Arguments;
    type Outcome = Option<Deadline>;
    const NAME: &'static str = "owe";
    const SOURCE: &'static str = include_str!("owe.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Actions],
        perform,
        predict: |_, _| Ok(Value::Null),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Option<Deadline>> {
    let (name, what) = (Value::String(arguments.name.clone()), Value::String(arguments.what.clone()));
    if [&name, &what, &arguments.data].into_iter().any(secret::needs_encoding) {
        let message = "every administrator can read it, so it can't contain a secret";
        return Err(
            Failure::new(Kind::Refused, message).help("leave it out, and read it again when it is needed")
        );
    }
    let folder = host.server()?.state_folder()?;
    book::change(&folder, |book| {
        // Whoever holds the server is the run that this is a part of.
        let holder = crate::lock::left(&folder);
        let (run, by) = holder
            .map(|holder| (holder.run, holder.by))
            .ok_or_else(|| Failure::new(Kind::Bug, "something is owed by nobody"))?;
        let (name, text) = (arguments.name.clone(), arguments.what.clone());
        book.owe(Owed {
            name,
            text,
            run,
            by,
            since: crate::units::now(),
            data: arguments.data.clone(),
            release: arguments.release.clone(),
            until: arguments.at_most.map(|time| Deadline::after(time.0)),
            left: None,
        });
        // What was owed before, as before a crash, keeps its time.
        let known = book.owed.iter().find(|owed| owed.name == arguments.name);
        Ok(known.and_then(|owed| owed.until.as_ref()).map(Deadline::anew))
    })
}
