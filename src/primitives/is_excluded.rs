//! `is_excluded(server, release: text)`
//!
//! Whether `not` of `releases` in site.toml excludes a release.
//!
//! # Options
//! None.
//!
//! # Returns
//! True or false.
//!
//! # Errors
//! `invalid` if it can't be a tag.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.is_excluded("0.2.12")
//! // => false
//! ```

use crate::data::ServerName;
use crate::failure::{Failure, Kind, Result};
use crate::machine::release::Release;
use crate::primitive::{Act, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub struct IsExcluded;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    release: String,
}

impl Primitive for IsExcluded {
    type Arguments = Arguments;
    type Outcome = bool;
    const NAME: &'static str = "is_excluded";
    const SOURCE: &'static str = include_str!("is_excluded.rs");
    const ACT: Act<Self> =
        Act::Look { reads: &[], perform, predict: |arguments, host| Ok(json!(perform(arguments, host)?)) };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<bool> {
    let release: Release =
        arguments.release.parse().map_err(|failure| Failure { kind: Kind::Invalid, ..failure })?;
    Ok(host.server()?.releases.excludes(&release))
}
