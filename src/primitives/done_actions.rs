//! `done_actions(server)`
//!
//! The actions of releases that are done on a server.
//!
//! # Options
//! None.
//!
//! # Returns
//! A map: for the name of each action a map `release` (text, the one that requires it) and `at` (text, when it was
//! done, RFC 3339 in UTC).
//!
//! # Errors
//! `not_found` if the checkout is not there; `journal` if its list can't be read.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.note_action("example", "0.2.11");
//! server.done_actions().keys()
//! // => ["example"]
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::actions::{self, Actions};
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub struct DoneActions;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

impl Primitive for DoneActions {
    type Arguments = Arguments;
    type Outcome = Actions;
    const NAME: &'static str = "done_actions";
    const SOURCE: &'static str = include_str!("done_actions.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[Facet::Actions],
        perform,
        // What a plan's own steps would add was asked for before them.
        predict: |arguments, host| Ok(json!(perform(arguments, host)?)),
    };
}

fn perform(_: &Arguments, host: &Host) -> Result<Actions> {
    actions::read(&host.server()?.state_folder()?)
}
