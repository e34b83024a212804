//! `repository_size(server, #{ before: number })`
//!
//! How much the repository of the checkout holds: its objects, those of its submodules, and files of Git LFS.
//!
//! # Options
//! - `before`: the bytes that it held before, to report by how much it has grown. Default: it is not compared.
//!
//! # Returns
//! A map: `bytes` (number) and `grown` (a size: what is more than `before`, nothing if it is less).
//!
//! # Errors
//! `not_found` if the checkout is not a git checkout; `refused` if its repository can't be read.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! let held = server.repository_size();
//! server.fetch();
//! server.repository_size(#{ before: held.bytes }).grown > 0.bytes
//! // => true
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::primitive::{Act, Facet, Host, Primitive};
use crate::units::Size;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct RepositorySize;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    before: Option<u64>,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    bytes: u64,
    grown: Value,
}

impl Primitive for RepositorySize {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "repository_size";
    const SOURCE: &'static str = include_str!("repository_size.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[Facet::History],
        perform,
        predict: |_, _| {
            let unknown = || data::unknown("the fetch");
            Ok(json!({ "bytes": unknown(), "grown": unknown() }))
        },
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let bytes = host.server()?.open_checkout()?.size()?;
    let grown = bytes.saturating_sub(arguments.before.unwrap_or(bytes));
    Ok(Outcome { bytes, grown: json!({ data::SIZE: Size(grown) }) })
}
