//! `loose_commits(server)`
//!
//! Commits of the checkout that are on no branch, in no tag and at no remote: a checkout of something else would leave
//! them behind.
//!
//! # Options
//! None.
//!
//! # Returns
//! Array of text, such as `1a2b3c4 Fix the port`, the newest first, at most 20 of them and then how many more; empty if
//! a branch is checked out, or if every commit is on one, in a tag or at a remote.
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
//! server.loose_commits()
//! // => []
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub struct LooseCommits;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

impl Primitive for LooseCommits {
    type Arguments = Arguments;
    type Outcome = Vec<String>;
    const NAME: &'static str = "loose_commits";
    const SOURCE: &'static str = include_str!("loose_commits.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[Facet::Checkout],
        perform,
        // What a plan checks out is a release, or a branch.
        predict: |_, _| Ok(json!([])),
    };
}

fn perform(_: &Arguments, host: &Host) -> Result<Vec<String>> {
    host.server()?.open_checkout()?.loose_commits(20)
}
