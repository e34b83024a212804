//! `has_release(server, name: text)`
//!
//! Whether the checkout knows exactly this tag, without fetching.
//!
//! A branch and a commit are no releases, and neither is `1.2.0` where the tag is `v1.2.0`.
//!
//! # Options
//! None.
//!
//! # Returns
//! `true` or `false`.
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
//! [server.has_release("0.2.10"), server.has_release("no-such-release")]
//! // => [true, false]
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::release::Release;
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub struct HasRelease;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    name: String,
}

impl Primitive for HasRelease {
    type Arguments = Arguments;
    type Outcome = bool;
    const NAME: &'static str = "has_release";
    const SOURCE: &'static str = include_str!("has_release.rs");
    const ACT: Act<Self> = Act::Look { reads: &[Facet::History], perform, predict };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<bool> {
    Ok(is_among(&arguments.name, &host.server()?.open_checkout()?.releases()?))
}

/// The plan fetches: then the origin's are known, too.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let checkout = server.open_checkout()?;
    let releases = checkout.origin_releases(&server.environment, &|| host.stop.is_asked())?;
    Ok((is_among(&arguments.name, &releases) || perform(arguments, host)?).into())
}

fn is_among(tag: &str, releases: &[Release]) -> bool {
    releases.iter().any(|release| release.tag() == tag)
}
