//! `has_release(server, name: text)`
//!
//! Whether the checkout knows a release, a branch or a commit of this name without fetching.
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

use crate::data::{self, ServerName};
use crate::failure::{Kind, Result};
use crate::machine::git::Checkout;
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
    match Checkout::open(&host.server()?.checkout)?.target(&arguments.name) {
        Ok(_) => Ok(true),
        Err(failure) if failure.kind == Kind::NotFound => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// The plan fetches: then it is known if the origin has it.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let checkout = Checkout::open(&server.checkout)?;
    let releases = checkout.origin_releases(&server.environment, &|| host.stop.is_asked())?;
    match releases.iter().any(|release| release.tag() == arguments.name) || perform(arguments, host)? {
        true => Ok(true.into()),
        false => Ok(data::one_of([true.into(), false.into()], format!("`{}` is known", arguments.name))),
    }
}
