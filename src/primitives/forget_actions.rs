//! `forget_actions(server, release: text)`
//!
//! Removes the actions of later releases from the server's list of done ones, after a rollback to this release.
//!
//! # Options
//! None. `release` may be a branch or a commit, too.
//!
//! # Returns
//! The names of the removed actions, an array of text.
//!
//! # Errors
//! `not_found` if the checkout is not there, or does not know `release`; `refused` if it can't be written, `journal` if
//! the list can't be read.
//!
//! # After a crash
//! It is done again; doing it twice changes nothing more.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.note_action("0.2.11/index", "0.2.11");
//! server.forget_actions("0.2.10")
//! // => ["0.2.11/index"]
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::actions;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};

pub struct ForgetActions;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    release: String,
}

impl Primitive for ForgetActions {
    type Arguments = Arguments;
    type Outcome = Vec<String>;
    const NAME: &'static str = "forget_actions";
    const SOURCE: &'static str = include_str!("forget_actions.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Actions],
        perform,
        predict: |arguments, _| {
            Ok(data::unknown(format!("what {} forgets that was done", arguments.server.name)))
        },
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<String>> {
    let server = host.server()?;
    let in_history = |release: &str, than: &str| server.has_in_history(release, than);
    actions::forget_newer(&server.state_folder()?, &arguments.release, &in_history)
}
