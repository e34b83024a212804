//! `settle(server, names: array)`
//!
//! Removes owed items from a server's book, after they were done or undone.
//!
//! # Options
//! None. Names that are not owed are ignored.
//!
//! # Returns
//! Nothing.
//!
//! # Errors
//! `not_found` if the checkout is not there; `refused` if it can't be written, `journal` if the book is damaged.
//!
//! # After a crash
//! It is done again; doing it twice changes nothing more.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.owe("mails", "switch the mail queue on");
//! server.settle(["mails"]);
//! server.owed()
//! // => []
//! ```

use crate::book;
use crate::data::ServerName;
use crate::failure::Result;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub struct Settle;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    names: Vec<String>,
}

impl Primitive for Settle {
    type Arguments = Arguments;
    type Outcome = ();
    const NAME: &'static str = "settle";
    const SOURCE: &'static str = include_str!("settle.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Actions],
        perform,
        predict: |_, _| Ok(Value::Null),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<()> {
    let folder = host.server()?.state_folder()?;
    book::change(&folder, |book| {
        book.settle(&arguments.names);
        Ok(())
    })
}
