//! `drop_kept_files(server, #{ spare_fetched: bool = false })`
//!
//! Removes from the server's state folder the files of releases that were kept or fetched. After that none is put in place by
//! `install_file`, and a rollback is no longer possible without a network. The installed file is not touched.
//!
//! # Options
//! - `spare_fetched`: whether the file that `fetch_file` fetched last stays. Default: no.
//!
//! # Returns
//! A map: `removed`, an array of the names of the removed files.
//!
//! # Errors
//! `refused` if one can't be removed; `not_found` if the installed file is not there.
//!
//! # After a crash
//! It is done again; doing it twice changes nothing more.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "binary" { server.drop_kept_files(); }
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::program_file::digest;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub struct DropKeptFiles;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    spare_fetched: bool,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    removed: Vec<String>,
}

impl Primitive for DropKeptFiles {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "drop_kept_files";
    const SOURCE: &'static str = include_str!("drop_kept_files.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Space],
        perform,
        predict: |_, _| Ok(json!({ "removed": [] })),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let server = host.server()?;
    let in_place = digest(&server.program_file()?)?.0;
    Ok(Outcome { removed: server.kept_files()?.remove(&in_place, arguments.spare_fetched)? })
}
