//! `owed(server)`
//!
//! What is owed to a server: changes that runs began there and must still finish or undo.
//!
//! # Options
//! None.
//!
//! # Returns
//! An array of maps, the oldest first: `name` and `what` (text, as `owe` got them), `run` and `by` (text, the run and
//! its user), `since` (text, RFC 3339 in UTC), `data` (as `owe` got it), and `left` (true if its run was abandoned, or
//! ended without doing it).
//!
//! # Errors
//! `not_found` if the checkout is not there; `refused` if the server's book may not be read, `journal` if it is
//! damaged.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.owe("mails", "switch the mail queue on");
//! server.owed().map(|owed| owed.what)
//! // => ["switch the mail queue on"]
//! ```

use crate::book;
use crate::data::ServerName;
use crate::failure::Result;
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct Owed;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

/// One thing that is owed.
#[derive(Serialize, Deserialize)]
pub struct Thing {
    name: String,
    what: String,
    run: String,
    by: String,
    since: String,
    data: Value,
    left: bool,
}

impl Primitive for Owed {
    type Arguments = Arguments;
    type Outcome = Vec<Thing>;
    const NAME: &'static str = "owed";
    const SOURCE: &'static str = include_str!("owed.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[Facet::Actions],
        perform,
        // What a plan's own steps would add is settled by them, too.
        predict: |arguments, host| Ok(json!(perform(arguments, host)?)),
    };
}

fn perform(_: &Arguments, host: &Host) -> Result<Vec<Thing>> {
    let folder = host.server()?.state_folder()?;
    let book = book::read(&folder)?;
    let owed = book.owed.iter().cloned();
    Ok(owed
        .map(|owed| Thing {
            left: book.is_left(&owed),
            name: owed.name,
            what: owed.text,
            run: owed.run,
            by: owed.by,
            since: owed.since,
            data: owed.data,
        })
        .collect())
}
