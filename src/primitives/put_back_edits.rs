//! `put_back_edits(server, from: text, to: text, made: map)`
//!
//! Restores the edits of a file that `lost_edits` found. Mode and owner do not change.
//!
//! # Options
//! None. `from`, `to` and `made` (a map `file` and `template`) are those of `lost_edits`; of a folder, all its files
//! are restored.
//!
//! # Returns
//! The paths of the files that were written, an array of text.
//!
//! # Errors
//! As those of `lost_edits`; `refused` if the file can't be written.
//!
//! # After a crash
//! It is done again; restored edits are not missing any more. The file is always the old or the new one, never half of
//! it.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! let proxy = #{ file: "~/.hoss/traefik.yaml", template: "server/ingress/traefik.yaml" };
//! server.keep_files([proxy.file]);
//! server.put_back_edits("0.2.10", "0.2.10", proxy)
//! // => []
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::edits::{self, Made};
use crate::machine::files::rewrite_durably;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};

pub struct PutBackEdits;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    from: String,
    to: String,
    made: Made,
}

impl Primitive for PutBackEdits {
    type Arguments = Arguments;
    type Outcome = Vec<String>;
    const NAME: &'static str = "put_back_edits";
    const SOURCE: &'static str = include_str!("put_back_edits.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Settings],
        perform,
        predict: |arguments, _| Ok(data::unknown(format!("what is put back into {}", arguments.made.file))),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<String>> {
    let server = host.server()?;
    let checkout = server.open_checkout()?;
    let commits = (checkout.commit_named_by(&arguments.from)?, checkout.commit_named_by(&arguments.to)?);
    let lost = edits::lost(&checkout, &arguments.made, commits, &|file| server.path(file))?;
    for (file, lost) in &lost {
        rewrite_durably(&server.path(file), &lost.wanted)?;
    }
    Ok(lost.into_keys().collect())
}
