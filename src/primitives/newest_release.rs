//! `newest_release(server)`
//!
//! The newest release that the origin has, fetched or not.
//!
//! # Options
//! None.
//!
//! # Returns
//! Text: the tag, such as `0.2.14`. Prereleases such as `1.0.0-rc.1` are never the newest.
//!
//! # Errors
//! `unreachable` if the origin does not answer, with what git said; `not_found` if it has no release.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.newest_release()
//! // => "0.2.14"
//! ```

use crate::data::{self, ServerName};
use crate::failure::{Failure, Kind, Result};
use crate::machine::git::Checkout;
use crate::machine::release::newest;
use crate::primitive::{Act, Host, Primitive};
use serde::{Deserialize, Serialize};

pub struct NewestRelease;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

impl Primitive for NewestRelease {
    type Arguments = Arguments;
    type Outcome = String;
    const NAME: &'static str = "newest_release";
    const SOURCE: &'static str = include_str!("newest_release.rs");
    const ACT: Act<Self> =
        Act::Look { reads: &[], perform, predict: |_, _| Ok(data::unknown("a query to the origin")) };
}

fn perform(_: &Arguments, host: &Host) -> Result<String> {
    let server = host.server()?;
    let releases =
        Checkout::open(&server.checkout)?.origin_releases(&server.environment, &|| host.stop.is_asked())?;
    newest(&releases).map(|release| release.tag().to_owned()).ok_or_else(|| {
        Failure::new(Kind::NotFound, format!("the origin of `{}` has no release", server.name))
            .help("follow a branch instead: set `branch` in site.toml")
    })
}
