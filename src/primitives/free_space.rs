//! `free_space(server, path: text = "")`
//!
//! How much space is free on the disk that holds a path of the server.
//!
//! # Options
//! - `path`: a file or folder; what is relative is in the checkout, `~` is the server's home. It need not be there:
//!   then the disk is meant on which it would be made. Default: the checkout.
//!
//! # Returns
//! A size: what the user who runs banister may still write.
//!
//! # Errors
//! `refused` if the path can't be looked at.
//!
//! # After a crash
//! It is looked at again, unless it was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.free_space() > 10.megabytes
//! // => true
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::files;
use crate::primitive::{Act, Facet, Host, Primitive};
use crate::units;
use serde::{Deserialize, Serialize};

pub struct FreeSpace;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    #[serde(default)]
    path: String,
}

/// A size, as a script gets it.
#[derive(Serialize, Deserialize)]
pub struct Free {
    #[serde(rename = "$size")]
    size: units::Size,
}

impl Primitive for FreeSpace {
    type Arguments = Arguments;
    type Outcome = Free;
    const NAME: &'static str = "free_space";
    const SOURCE: &'static str = include_str!("free_space.rs");
    const ACT: Act<Self> = Act::Look {
        // A checkout or a setting takes too little to matter; a command may take any amount.
        reads: &[Facet::Space],
        perform,
        predict: |_, _| Ok(data::unknown("the commands before it")),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Free> {
    let path = host.server()?.path(&arguments.path);
    Ok(Free { size: units::Size(files::free_space(&path)?.free) })
}
