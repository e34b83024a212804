//! `carry_edits(server, to: text, files: array)`
//!
//! Allows the next checkout of `to` to carry over edits of tracked files that `edits` in site.toml does not name, and a
//! rollback from there to restore them. The next `prepare_checkout` ends that.
//!
//! # Options
//! None. `to` is a release, a branch or a commit, and `files` the paths as `prepare_checkout` returned them.
//!
//! # Returns
//! Nothing.
//!
//! # Errors
//! `not_found` if the checkout is not there, or does not know `to`; `refused` if other files are edited than these. The files
//! of the checkout are not touched.
//!
//! # After a crash
//! It is done again.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.fetch();
//! server.carry_edits("0.2.11", []);
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub struct CarryEdits;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    to: String,
    files: Vec<String>,
}

impl Primitive for CarryEdits {
    type Arguments = Arguments;
    type Outcome = ();
    const NAME: &'static str = "carry_edits";
    const SOURCE: &'static str = include_str!("carry_edits.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::History],
        perform,
        predict: |_, _| Ok(Value::Null),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<()> {
    host.server()?.open_checkout()?.carry_edits(&arguments.to, &arguments.files)
}
