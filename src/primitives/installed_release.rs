//! `installed_release(server)`
//!
//! The release that is checked out, else the branch, else the commit.
//!
//! # Options
//! None.
//!
//! # Returns
//! Text: the tag of the newest release on the commit that is checked out, such as `0.2.10`; without one the branch and
//! the commit, such as `main at 1a2b3c4`; without a branch the commit.
//!
//! # Errors
//! `not_found` if the checkout is not there, `refused` if git can't read it.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.installed_release()
//! // => "0.2.10"
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};

pub struct InstalledRelease;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

impl Primitive for InstalledRelease {
    type Arguments = Arguments;
    type Outcome = String;
    const NAME: &'static str = "installed_release";
    const SOURCE: &'static str = include_str!("installed_release.rs");
    const ACT: Act<Self> =
        Act::Look { reads: &[Facet::Checkout], perform, predict: |_, _| Ok(data::unknown("the checkout")) };
}

fn perform(_: &Arguments, host: &Host) -> Result<String> {
    Ok(host.server()?.installed()?.name)
}
