//! `fetch_file(server, release: text)`
//!
//! Fetches the file of a release into the server's state folder before anything is changed, and compares it with what is
//! published. `download_file` takes it from there. A file that is there already and has the published SHA-256 is not fetched
//! again. The installed file is not touched.
//!
//! # Options
//! None.
//!
//! # Returns
//! A map: `release` and `sha256` (text of 64 digits).
//!
//! # Errors
//! As those of `download_file`.
//!
//! # After a crash
//! It is done again, and continues where it was cut off.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "binary" { server.fetch_file("v14.0.3"); }
//! ```

use super::download_file::fetched;
use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::program_file::Known;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct FetchFile;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    release: String,
}

impl Primitive for FetchFile {
    type Arguments = Arguments;
    type Outcome = Known;
    const NAME: &'static str = "fetch_file";
    const SOURCE: &'static str = include_str!("fetch_file.rs");
    const ACT: Act<Self> = Act::Change {
        // As what is fetched from an origin: nothing of what is installed.
        touches: &[Facet::History],
        perform,
        predict: |arguments, _| Ok(json!({ "release": arguments.release, "sha256": Value::Null })),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Known> {
    let kept = host.server()?.kept_files()?;
    let known = fetched(&arguments.release, host, &kept)?;
    kept.note_fetched(known.clone())?;
    Ok(known)
}
