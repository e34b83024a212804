//! `lock(server, purpose: text)`
//!
//! Locks the server for this run until it ends, so that no other run changes it.
//!
//! The purpose is shown to others who find it locked. A run that changes a server without a lock takes it then, under
//! the runbook's name; locking twice does no harm.
//!
//! # Options
//! None.
//!
//! # Returns
//! Nothing.
//!
//! # Errors
//! - `locked` if another live run holds the server, or left a command behind that still runs. It can't be caught.
//! - `not_found` if the server's checkout is not a git checkout.
//! - `refused` if the lock's folder can't be written.
//!
//! Nothing was changed then.
//!
//! # After a crash
//! The lock ended with the process that held it, and is taken again.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.lock("update 0.2.12 to 0.2.13");
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::primitive::{Act, Host, Primitive};
use serde::{Deserialize, Serialize};

pub struct Lock;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    purpose: String,
}

impl Primitive for Lock {
    type Arguments = Arguments;
    type Outcome = ();
    const NAME: &'static str = "lock";
    const SOURCE: &'static str = include_str!("lock.rs");
    const ACT: Act<Self> = Act::Session { perform };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<()> {
    (host.hold)(&arguments.purpose)
}
