//! `forget_failed_releases(server, installed: text)`
//!
//! Records on a server that a release is installed and healthy: that it or one before it failed there once, is forgotten.
//!
//! # Options
//! None.
//!
//! # Returns
//! Nothing.
//!
//! # Errors
//! `not_found` if the checkout is not there; `refused` if it can't be recorded; `journal` if the server's book is damaged.
//!
//! # After a crash
//! It is done again; doing it twice changes nothing more.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.note_failed_release("0.2.14");
//! server.forget_failed_releases("0.2.14");
//! server.failed_releases()
//! // => []
//! ```

use crate::book;
use crate::data::ServerName;
use crate::failure::Result;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub struct ForgetFailedReleases;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    installed: String,
}

impl Primitive for ForgetFailedReleases {
    type Arguments = Arguments;
    type Outcome = ();
    const NAME: &'static str = "forget_failed_releases";
    const SOURCE: &'static str = include_str!("forget_failed_releases.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Actions],
        perform,
        predict: |_, _| Ok(Value::Null),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<()> {
    book::change(&host.server()?.state_folder()?, |book| {
        book.forget_failed(&arguments.installed);
        Ok(())
    })
}
