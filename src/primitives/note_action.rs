//! `note_action(server, name: text, release: text)`
//!
//! Records on a server that an action of a release is done, so that no later update does it again. If it was owed as
//! `action NAME`, it is settled.
//!
//! # Options
//! None.
//!
//! # Returns
//! Nothing.
//!
//! # Errors
//! `not_found` if the checkout is not there; `refused` if it can't be written, `journal` if the list can't be read.
//!
//! # After a crash
//! It is done again; doing it twice changes nothing more.
//!
//! # Example
//! ```rhai
//! this_server().note_action("0.2.11/index", "0.2.11");
//! ```

use crate::book;
use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::actions::{self, Action};
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use crate::units::now;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub struct NoteAction;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    name: String,
    release: String,
}

impl Primitive for NoteAction {
    type Arguments = Arguments;
    type Outcome = ();
    const NAME: &'static str = "note_action";
    const SOURCE: &'static str = include_str!("note_action.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Actions],
        perform,
        predict: |_, _| Ok(Value::Null),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<()> {
    let folder = host.server()?.state_folder()?;
    let action = Action { release: arguments.release.clone(), at: now() };
    actions::add(&folder, &arguments.name, action)?;
    // Done: it is owed no more.
    book::change(&folder, |book| {
        book.settle(&[format!("action {}", arguments.name)]);
        Ok(())
    })
}
