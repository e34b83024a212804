//! `drop_replaced(server, unpacked: text, #{ project: text })`
//!
//! Removes everything that `put_back` moved aside for an unpacked backup, and the unpacked backup itself.
//!
//! `unpacked` is `folder` of the result of `unpack_backup`. Until this is called, everything from before the restore is
//! kept: the contents of folders in `.banister-ID` inside them, single files beside their new versions, volumes inside
//! themselves, databases under another name, and the search index
//! in a snapshot.
//!
//! # Options
//! - `project`: the Compose project, if the machine has several with such services. Default: the only one.
//!
//! # Returns
//! Nothing.
//!
//! # Errors
//! `refused` if something can't be removed; `not_found` if a service is not there to remove it.
//!
//! # After a crash
//! It is done again; doing it twice changes nothing more.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! let saved = server.backup("for the example", #{ files: ["~/.hoss/.env"] });
//! let unpacked = server.unpack_backup(saved.path);
//! server.drop_replaced(unpacked.folder);
//! ```

use crate::data::ServerName;
use crate::failure::{Kind, Result};
use crate::machine::backup::{Unpacked, leftover, restore};
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;

pub struct DropReplaced;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    unpacked: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<String>,
}

impl Primitive for DropReplaced {
    type Arguments = Arguments;
    type Outcome = ();
    const NAME: &'static str = "drop_replaced";
    const SOURCE: &'static str = include_str!("drop_replaced.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Space],
        perform,
        predict: |_, _| Ok(Value::Null),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<()> {
    let server = host.server()?;
    let folder = Path::new(&arguments.unpacked);
    let unpacked = match Unpacked::open(folder) {
        // It goes last: all else is gone already.
        Err(failure) if failure.kind == Kind::NotFound => return leftover::end(folder),
        unpacked => unpacked?,
    };
    let (ground, stop) =
        (server.ground(server.kept_folders(None), arguments.project.as_deref()), || host.stop.is_asked());
    restore::drop_aside(&unpacked, &ground.place(&stop))?;
    leftover::end(folder)
}
