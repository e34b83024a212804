//! `lost_edits(server, from: text, to: text, made: array)`
//!
//! Edits of an administrator that were lost because files were overwritten since `keep_files`.
//!
//! A file was edited if it differs from its template, with anything in the places of `{{…}}`; a value that has become
//! empty is lost, too.
//!
//! # Options
//! None. `from` is the release that wrote the files before, `to` the one that wrote them now; `made` is an array of
//! maps `file` (a file or folder, as for `keep_files`) and `template` (a path in the repository).
//!
//! # Returns
//! An array of maps: `file` (text), `template` (text), `difference` (text, the change that restores the edits, as
//! `diff` shows it), `clean` (bool, whether the changes of `to` in the same file are kept; otherwise the old file is
//! restored), `edited` (bool; if it is false, nobody edited the file, and what wrote it anew left values empty that were
//! there).
//!
//! # Errors
//! `not_found` if the checkout is not there, or does not know `from` or `to`; `refused` if a file can't be read.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.keep_files(["~/.hoss/traefik.yaml"]);
//! server.lost_edits("0.2.10", "0.2.10", [#{ file: "~/.hoss/traefik.yaml", template: "server/ingress/traefik.yaml" }])
//! // => []
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::edits::{self, Made};
use crate::output::difference::unified;
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub struct LostEdits;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    from: String,
    to: String,
    made: Vec<Made>,
}

#[derive(Serialize, Deserialize)]
pub struct LostEdit {
    file: String,
    template: String,
    difference: String,
    clean: bool,
    edited: bool,
}

impl Primitive for LostEdits {
    type Arguments = Arguments;
    type Outcome = Vec<LostEdit>;
    const NAME: &'static str = "lost_edits";
    const SOURCE: &'static str = include_str!("lost_edits.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[Facet::Settings],
        perform,
        // Nobody knows what a command will write. What is asked then is asked before anything runs.
        predict: |_, _| Ok(json!([])),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<LostEdit>> {
    let server = host.server()?;
    let checkout = server.open_checkout()?;
    let commits = (checkout.commit_named_by(&arguments.from)?, checkout.commit_named_by(&arguments.to)?);
    let mut found = Vec::new();
    for made in &arguments.made {
        for (file, lost) in edits::lost(&checkout, made, commits, &|file| server.path(file))? {
            let difference = match (String::from_utf8(lost.now), String::from_utf8(lost.wanted)) {
                (Ok(now), Ok(wanted)) => unified(&now, &wanted),
                _ => "it is no text, and another one".to_owned(),
            };
            let (template, clean, edited) = (lost.template, lost.clean, lost.edited);
            found.push(LostEdit { file, template, difference, clean, edited });
        }
    }
    Ok(found)
}
