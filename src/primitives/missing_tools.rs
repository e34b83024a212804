//! `missing_tools(server, programs: array)`
//!
//! The programs in this list that the server's commands can't find.
//!
//! # Options
//! None.
//!
//! # Returns
//! Array of text: those that are not in the server's `PATH`.
//!
//! # Errors
//! None.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.missing_tools(["git", "no-such-program"])
//! // => ["no-such-program"]
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::primitive::{Act, Facet, Host, Primitive};
use rustix::fs::{Access, access};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub struct MissingTools;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    programs: Vec<String>,
}

impl Primitive for MissingTools {
    type Arguments = Arguments;
    type Outcome = Vec<String>;
    const NAME: &'static str = "missing_tools";
    const SOURCE: &'static str = include_str!("missing_tools.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[Facet::Everything],
        perform,
        // No command of an update removes what it is done with.
        predict: |arguments, host| Ok(json!(perform(arguments, host)?)),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<String>> {
    let own = host.server()?.environment.get("PATH").cloned();
    let path = own.or_else(|| std::env::var("PATH").ok()).unwrap_or_default();
    let found = |program: &&String| {
        std::env::split_paths(&path)
            .map(|folder| folder.join(program))
            .any(|file| file.is_file() && access(&file, Access::EXEC_OK).is_ok())
    };
    Ok(arguments.programs.iter().filter(|program| !found(program)).cloned().collect())
}
