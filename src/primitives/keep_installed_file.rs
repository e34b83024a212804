//! `keep_installed_file(server)`
//!
//! Keeps a copy of the program that a release replaces in the server's state folder, under its digest, so that a rollback
//! needs no network: `download_file` finds it there.
//!
//! # Options
//! None.
//!
//! # Returns
//! A map: `release` and `sha256` (text of 64 digits).
//!
//! # Errors
//! `not_found` if there is no such file, or if nothing says which release it is; `refused` if it can't be copied.
//!
//! # After a crash
//! It is done again; doing it twice changes nothing more.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "binary" { server.keep_installed_file(); }
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::program_file::{Known, digest};
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub struct KeepInstalledFile;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

impl Primitive for KeepInstalledFile {
    type Arguments = Arguments;
    type Outcome = Known;
    const NAME: &'static str = "keep_installed_file";
    const SOURCE: &'static str = include_str!("keep_installed_file.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Space],
        perform,
        predict: |_, host| {
            let server = host.server()?;
            let sha256 = digest(&server.program_file()?)?.0;
            Ok(json!({ "release": server.installed()?.name, "sha256": sha256 }))
        },
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(_: &Arguments, host: &Host) -> Result<Known> {
    let server = host.server()?;
    server.kept_files()?.keep(&server.program_file()?, &server.installed()?.name)
}
