//! `own_commits(server, to: text)`
//!
//! Commits of the checkout that a release does not have, and neither another tag nor a remote.
//!
//! # Options
//! None. `to` is a release, a branch or a commit.
//!
//! # Returns
//! Array of text, such as `1a2b3c4 Fix the port`, the newest first, at most 20 of them and then how many more.
//!
//! # Errors
//! `not_found` if the checkout is not there, or does not know `to`; `refused` if git can't read it.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.fetch();
//! server.own_commits("0.2.11")
//! // => []
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct OwnCommits;

/// So many are named.
const NAMED: usize = 20;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    to: String,
}

impl Primitive for OwnCommits {
    type Arguments = Arguments;
    type Outcome = Vec<String>;
    const NAME: &'static str = "own_commits";
    const SOURCE: &'static str = include_str!("own_commits.rs");
    const ACT: Act<Self> = Act::Look { reads: &[Facet::Checkout, Facet::History], perform, predict };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<String>> {
    let checkout = host.server()?.open_checkout()?;
    checkout.own_commits(checkout.commit_named_by(&arguments.to)?, NAMED)
}

/// The plan fetches: what that will bring is read without bringing it into the checkout.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let glimpse = server.open_checkout()?.glimpse(&server.environment, &|| host.stop.is_asked())?;
    let then = &glimpse.checkout;
    Ok(json!(then.own_commits(then.commit_named_by(&arguments.to)?, NAMED)?))
}
