//! `dirty_files(server, #{ edits: bool = true })`
//!
//! Files of the checkout that were edited.
//!
//! # Options
//! - `edits`: whether edits of tracked files count that an update could carry over. Default: true.
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
use crate::machine::git::Which;
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};

pub struct DirtyFiles;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    #[serde(default = "counted", skip_serializing_if = "Clone::clone")]
    edits: bool,
}

fn counted() -> bool {
    true
}

impl Primitive for DirtyFiles {
    type Arguments = Arguments;
    type Outcome = Vec<String>;
    const NAME: &'static str = "dirty_files";
    const SOURCE: &'static str = include_str!("dirty_files.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[Facet::Checkout, Facet::Settings],
        perform,
        predict: |_, _| Ok(data::unknown("the checkout")),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<String>> {
    let but = if arguments.edits { Which::Carried } else { Which::All };
    Ok(host.server()?.open_checkout()?.dirty_but(but, 20)?.lines())
}
