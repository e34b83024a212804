//! `installed_file(server)`
//!
//! The program that a release of the server replaces, as it is now: `file` in site.toml.
//!
//! # Options
//! None.
//!
//! # Returns
//! A map: `path` and `folder` (text), `size` (a size), `sha256` (text of 64 digits), and `unfit`, why the user who runs
//! banister can't replace it with a file of the same owner and mode, as a sentence; `()`, if nothing is against it.
//!
//! # Errors
//! `not_found` if there is no such file; `refused` if it can't be read; `invalid` if nothing says which one it is.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "binary" { note(server.installed_file().sha256); }
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::program_file::{digest, unfit};
use crate::primitive::{Act, Facet, Host, Primitive};
use crate::units::Size;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;

pub struct InstalledFile;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    path: PathBuf,
    folder: PathBuf,
    /// Tagged as a size.
    size: Value,
    sha256: String,
    unfit: Option<String>,
}

impl Primitive for InstalledFile {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "installed_file";
    const SOURCE: &'static str = include_str!("installed_file.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[Facet::Checkout],
        perform,
        predict: |_, _| Ok(data::unknown("the file that was put in place")),
    };
}

fn perform(_: &Arguments, host: &Host) -> Result<Outcome> {
    let path = host.server()?.program_file()?;
    let (sha256, size) = digest(&path)?;
    Ok(Outcome {
        unfit: unfit(&path)?,
        folder: path.parent().unwrap_or(&path).to_owned(),
        path,
        size: json!({ data::SIZE: Size(size) }),
        sha256,
    })
}
