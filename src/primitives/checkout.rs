//! `checkout(server, to: text)`
//!
//! Checks out a release, a branch or a commit. A branch is fast-forwarded to its upstream as it was last fetched.
//!
//! # Options
//! None.
//!
//! # Returns
//! A map: `from` and `to`, each with `commit` (40 digits), `short`, `branch` (or `()`) and `tags`; `changed`, whether
//! anything was done.
//!
//! # Errors
//! `refused`, before anything is changed, if a file was edited (it is named), if the branch has local commits, or if
//! git is in the middle of an operation; `not_found` if there is no such release, branch or commit.
//!
//! # After a crash
//! It is done again: files that the first attempt wrote are recognized and kept, and files that were edited are still
//! refused.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.fetch();
//! server.checkout("0.2.11").to.tags
//! // => ["0.2.11"]
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::git::Moved;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};

pub struct CheckOut;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    to: String,
}

impl Primitive for CheckOut {
    type Arguments = Arguments;
    type Outcome = Moved;
    const NAME: &'static str = "checkout";
    const SOURCE: &'static str = include_str!("checkout.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Checkout, Facet::Settings],
        perform,
        predict: |arguments, host| {
            let checkout = host.server()?.open_checkout()?;
            // What is not fetched yet is known to the run only.
            let commit = match checkout.commit_named_by(&arguments.to) {
                Ok(commit) => commit.to_string().into(),
                Err(_) => data::unknown("the fetch"),
            };
            Ok(serde_json::json!({
                "from": checkout.position()?,
                "to": { "commit": commit, "short": data::unknown("the checkout"), "branch": null, "tags": [] },
                "changed": true,
            }))
        },
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Moved> {
    host.server()?.open_checkout()?.check_out(&arguments.to)
}
