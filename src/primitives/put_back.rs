//! `put_back(server, unpacked: text, kind: text, #{ stopped: array, project: text })`
//!
//! Restores all parts of one kind from an unpacked backup.
//!
//! Existing data is only moved aside, and only when its replacement is complete and checked; `drop_replaced` removes it
//! later. `unpacked` is `folder` of the result of `unpack_backup`. `kind` is one of:
//! - `"files"`: each file or folder, with modes, times, extended attributes, access control lists, holes and
//!   hard links, and, if root does it, owners and capabilities. A folder stays, and what is in it is then
//!   exactly as in the backup, except what no backup holds: mounts, links that lead out of it, sockets, pipes, devices,
//!   the backups, the checkout and what belongs to banister itself stay as they are.
//! - `"volumes"`: each Compose volume, then read back. The services that use it must not run.
//! - `"databases"`: each dump is loaded into a new database and its rows are counted; then it takes the place of the old
//!   one: all of a PostgreSQL service in one transaction, all tables of a database of MariaDB or MySQL in one statement.
//!   Clients of the old ones are disconnected; stop them first. A Redis service is stopped, gets its dump, and is started.
//! - `"search"`: all indices of the snapshot, after a snapshot of the existing ones; done when all documents are
//!   counted. Services that write to them must not run.
//! - `"outputs"`: each output of a command is given to the command that loads it, as `dumps` in `site.toml` says. One that
//!   none loads is kept beside the backups, in `ARCHIVE-outputs`.
//!
//! # Options
//! - `stopped`: the names of containers that were stopped for the restore. Who repairs something before a restore goes on
//!   may have started them: those that run are stopped again first.
//! - `project`: the Compose project, if the machine has several with such services. Default: the only one.
//!
//! # Returns
//! - `restored`: the restored paths, volumes, databases, indices or outputs.
//! - `kept`: where outputs are that no command loads.
//!
//! # Errors
//! `not_found` if the backup was not unpacked, or a service or volume is not there; `refused` if a restored
//! part differs from the backup; `command_failed` if a program in a container fails. Existing data is not changed until
//! its replacement is ready.
//!
//! # After a crash
//! It continues: finished parts are recognized, half finished ones are finished or done again.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! let saved = server.backup("for the example", #{ files: ["~/.hoss/ui/config.json"] });
//! let unpacked = server.unpack_backup(saved.path);
//! let done = server.put_back(unpacked.folder, "files");
//! server.drop_replaced(unpacked.folder);
//! done.restored
//! // => ["~/.hoss/ui/config.json"]
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::archive::several;
use crate::machine::backup::{Group, Restored, Unpacked, leftover, pieces, restore};
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive, Told};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::{Path, PathBuf};

pub struct PutBack;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    unpacked: String,
    kind: Group,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stopped: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    restored: Vec<String>,
    kept: Vec<PathBuf>,
}

impl Primitive for PutBack {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "put_back";
    const SOURCE: &'static str = include_str!("put_back.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Settings, Facet::Services, Facet::Space],
        perform,
        predict: |_, _| {
            let unknown = || data::unknown("what the backup holds");
            Ok(json!({ "restored": unknown(), "kept": unknown() }))
        },
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let server = host.server()?;
    let unpacked = Unpacked::open(Path::new(&arguments.unpacked))?;
    let (ground, stop) =
        (server.ground(server.kept_folders(unpacked.folder.parent()), arguments.project.as_deref()), || {
            host.stop.is_asked()
        });
    let place = ground.place(&stop);
    for name in restore::stop_again(&arguments.stopped, &place)? {
        (host.tell)(Told::Warning(format!("`{name}` had been started again: it was stopped").into()));
    }
    match arguments.kind {
        // From when their plan is there, which says so itself.
        Group::Files => leftover::begin(&unpacked, pieces(&unpacked, &place))?,
        _ => leftover::use_up(&unpacked)?,
    }
    let Restored { names, kept, lost } = restore::put_back(arguments.kind, &unpacked, &place)?;
    if let Some(lost) = several(&lost) {
        (host.tell)(Told::Warning(format!("these can't be kept on the server's file system: {lost}").into()));
    }
    Ok(Outcome { restored: names, kept })
}
