//! `keep_commits(server)`
//!
//! Keeps the commit that is checked out on a branch of its own, so that git never forgets it.
//!
//! # Options
//! None.
//!
//! # Returns
//! Text: the name of the branch, such as `banister/own-2026-11-29`.
//!
//! # Errors
//! `not_found` if the checkout is not there, `refused` if git can't make the branch. What is checked out does not change.
//!
//! # After a crash
//! It is done again; a branch that keeps the commit already is taken.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.keep_commits().starts_with("banister/own-")
//! // => true
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};

pub struct KeepCommits;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

impl Primitive for KeepCommits {
    type Arguments = Arguments;
    type Outcome = String;
    const NAME: &'static str = "keep_commits";
    const SOURCE: &'static str = include_str!("keep_commits.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::History],
        perform,
        predict: |_, _| Ok(data::unknown("the name of the branch")),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(_: &Arguments, host: &Host) -> Result<String> {
    host.server()?.open_checkout()?.keep_commits()
}
