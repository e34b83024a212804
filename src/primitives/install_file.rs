//! `install_file(server)`
//!
//! Puts the file in place that `download_file` fetched or found last, with the owner, the mode and the attributes of the one that
//! is there, which is kept. The new file takes the name in one step. If none is to be put in place, nothing happens.
//!
//! The server should be stopped: what runs of the old file continues to run of it.
//!
//! # Options
//! None.
//!
//! # Returns
//! A map: `changed`, whether another file is there now, `sha256` of what is there (text of 64 digits), and the releases `from`
//! and `to` which that replaced, and is; `()` where nothing was to be put in place.
//!
//! # Errors
//! `not_found` if the fetched file or the installed one is no longer there; `refused` if it can't be replaced, or if the fetched
//! one was changed. Then the installed one is as it was.
//!
//! # After a crash
//! It is done again; doing it twice changes nothing more. At any moment the old or the new file is there, never half of it.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "binary" { server.install_file(); }
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::program_file::{digest, install};
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};

pub struct InstallFile;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    changed: bool,
    sha256: String,
    /// Absent in records of earlier versions.
    #[serde(default)]
    from: Option<String>,
    #[serde(default)]
    to: Option<String>,
}

impl Primitive for InstallFile {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "install_file";
    const SOURCE: &'static str = include_str!("install_file.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Checkout, Facet::Services],
        perform,
        predict: |_, _| Ok(data::unknown("the file that is fetched")),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(_: &Arguments, host: &Host) -> Result<Outcome> {
    let server = host.server()?;
    let (file, kept) = (server.program_file()?, server.kept_files()?);
    let (changed, from, to) = match kept.wanted()? {
        Some(wanted) => {
            // What is in place already is put there again: a crash may have left something beside it.
            let is_there = digest(&file)?.0 == wanted.sha256;
            let from = if is_there { wanted.release.clone() } else { server.installed()?.name };
            (install(&file, &kept, &wanted, &from)?, Some(from), Some(wanted.release))
        }
        None => (false, None, None),
    };
    Ok(Outcome { changed, sha256: digest(&file)?.0, from, to })
}
