//! `dirty_files(server)`
//!
//! Files of the checkout that were edited.
//!
//! # Options
//! None.
//!
//! # Returns
//! Array of text, such as `modified: server/Makefile`, at most 20 of them and then how many more; empty if it is clean.
//! Ignored files don't count, and neither do edits of files that `edits` in site.toml names.
//!
//! # Errors
//! `not_found` if the checkout is not there, `refused` if git can't read it, or is in the middle of a merge or the like.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.dirty_files()
//! // => []
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};

pub struct DirtyFiles;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

impl Primitive for DirtyFiles {
    type Arguments = Arguments;
    type Outcome = Vec<String>;
    const NAME: &'static str = "dirty_files";
    const SOURCE: &'static str = include_str!("dirty_files.rs");
    const ACT: Act<Self> =
        Act::Look { reads: &[Facet::Checkout], perform, predict: |_, _| Ok(data::unknown("the checkout")) };
}

fn perform(_: &Arguments, host: &Host) -> Result<Vec<String>> {
    Ok(host.server()?.open_checkout()?.dirty(20)?.lines())
}
