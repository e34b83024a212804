//! `drill(server, unpacked: text, #{ project: text })`
//!
//! Tries an unpacked backup beside the running server, and notes on the backup's card that it can be put back.
//!
//! `unpacked` is `folder` of what `unpack_backup` returns: files and volumes were written there, and compared with what
//! the backup says. Each dump is loaded into a scratch database, and the search snapshot into indices under another
//! name; rows and documents are counted, then all of it is removed. The live ones are not touched.
//!
//! # Options
//! - `project`: the Compose project, if the machine has several with such services. Default: the only one.
//!
//! # Returns
//! - `rows`: by database, how many rows all its tables have.
//! - `documents`: by index, how many documents it has.
//! - `seconds`: how long it took, with unpacking.
//!
//! # Errors
//! `refused` if something is not as the backup says; `not_found` if it was not unpacked, or a service is not there;
//! `command_failed` if a program in a container fails. What was loaded is removed.
//!
//! # After a crash
//! It is done again; what an attempt that was cut off loaded is dropped by the next.
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
use crate::failure::Result;
use crate::machine::backup::{Card, Place, Unpacked, drill};
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
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
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    rows: BTreeMap<String, u64>,
    documents: BTreeMap<String, u64>,
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
            Ok(json!({ "rows": unknown(), "documents": unknown(), "seconds": unknown() }))
        },
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let server = host.server()?;
    let unpacked = Unpacked::open(Path::new(&arguments.unpacked))?;
    let (path, stop) = (|path: &str| server.path(path), || host.stop.is_asked());
    let project = arguments.project.as_deref();
    let place = Place { environment: &server.environment, project, path: &path, stop: &stop };
    let begun = Instant::now();
    let drilled = drill(&unpacked, &place)?;
    let seconds = unpacked.seconds + begun.elapsed().as_secs_f64();
    let mut card = Card::of(&unpacked.archive)?;
    if let Some(about) = &unpacked.about {
        card = card.about(about);
    }
    card.verified(unpacked.sha256.clone()).drilled(seconds).keep()?;
    Ok(Outcome { rows: drilled.rows, documents: drilled.documents, seconds })
}
