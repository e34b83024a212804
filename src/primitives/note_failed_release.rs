//! `note_failed_release(server, release: text)`
//!
//! Records on a server that an update to a release failed and was rolled back: no later update takes it automatically.
//!
//! # Options
//! None.
//!
//! # Returns
//! Nothing.
//!
//! # Errors
//! `not_found` if the checkout is not there; `refused` if it can't be recorded; `journal` if the server's book is damaged.
//!
//! # After a crash
//! It is done again; doing it twice changes nothing more.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.note_failed_release("0.2.14");
//! server.failed_releases().map(|failed| failed.release)
//! // => ["0.2.14"]
//! ```

use crate::book::{self, FailedRelease};
use crate::data::ServerName;
use crate::failure::Result;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub struct NoteFailedRelease;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    release: String,
}

impl Primitive for NoteFailedRelease {
    type Arguments = Arguments;
    type Outcome = ();
    const NAME: &'static str = "note_failed_release";
    const SOURCE: &'static str = include_str!("note_failed_release.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Actions],
        perform,
        predict: |_, _| Ok(Value::Null),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<()> {
    let folder = host.server()?.state_folder()?;
    book::change(&folder, |book| {
        // Whoever holds the server is the run that this is a part of.
        let (run, by) = crate::lock::left(&folder).map(|holder| (holder.run, holder.by)).unwrap_or_default();
        let (release, at, end) = (arguments.release.clone(), crate::units::now(), "rolled back".to_owned());
        book.note_failed(FailedRelease { release, run, by, at, end });
        Ok(())
    })
}
