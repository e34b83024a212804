//! `failed_releases(server)`
//!
//! The releases whose update failed on a server and was rolled back or abandoned, and that were not installed since.
//!
//! # Options
//! None.
//!
//! # Returns
//! An array of maps, the one that failed last at the end: `release` (text), `run` and `by` (text, the run and its user), `at`
//! (text, RFC 3339 in UTC), `end` (`rolled back` or `abandoned`), and `text` (all of it in words).
//!
//! # Errors
//! `not_found` if the checkout is not there; `refused` if the server's book may not be read, `journal` if it is damaged.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.failed_releases()
//! // => []
//! ```

use crate::book::{self, FailedRelease};
use crate::data::ServerName;
use crate::failure::Result;
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub struct FailedReleases;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

/// One of them.
#[derive(Serialize, Deserialize)]
pub struct Failed {
    #[serde(flatten)]
    failed: FailedRelease,
    text: String,
}

impl Primitive for FailedReleases {
    type Arguments = Arguments;
    type Outcome = Vec<Failed>;
    const NAME: &'static str = "failed_releases";
    const SOURCE: &'static str = include_str!("failed_releases.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[Facet::Actions],
        perform,
        // A plan's own steps add none.
        predict: |arguments, host| Ok(json!(perform(arguments, host)?)),
    };
}

fn perform(_: &Arguments, host: &Host) -> Result<Vec<Failed>> {
    let failed = book::read(&host.server()?.state_folder()?)?.failed.into_iter();
    Ok(failed.map(|failed| Failed { text: failed.to_string(), failed }).collect())
}
