//! `free_space(server, path: text = "")`
//!
//! How much space is free on the disk that holds a path of the server.
//!
//! # Options
//! - `path`: a file or folder; a relative path is in the checkout, `~` is the server's home. If it does not exist, the
//!   disk on which it would be made is measured. Default: the checkout.
//!
//! # Returns
//! A size: the space available to the user who runs banister.
//!
//! # Errors
//! `refused` if the path can't be read.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
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
