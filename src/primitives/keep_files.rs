//! `keep_files(server, files: array)`
//!
//! Keeps copies of files as they are now, beside the lock of the server, for `lost_edits` to compare with. They replace
//! the earlier copies; with an empty array, all copies are removed.
//!
//! # Options
//! None. `files` are paths of files or folders: `~` is the server's home, and a relative path is in the checkout. A
//! missing one is skipped.
//!
//! # Returns
//! Nothing.
//!
//! # Errors
//! `not_found` if the checkout is not there; `refused` if a file can't be read, or a copy not be written.
//!
//! # After a crash
//! It is done again.
//!
//! # Example
//! ```rhai
//! this_server().keep_files(["~/.hoss/traefik.yaml"]);
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::edits;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub struct KeepFiles;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    files: Vec<String>,
}

impl Primitive for KeepFiles {
    type Arguments = Arguments;
    type Outcome = ();
    const NAME: &'static str = "keep_files";
    const SOURCE: &'static str = include_str!("keep_files.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Space],
        perform,
        predict: |_, _| Ok(Value::Null),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<()> {
    let server = host.server()?;
    edits::keep(&server.state_folder()?, &arguments.files, &|file| server.path(file))
}
