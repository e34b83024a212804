//! `add_settings(server, release: text, made: map)`
//!
//! Adds the settings that `missing_settings` found to a file of the server. Existing lines, mode and owner do not
//! change. A secret that the Makefile makes of random characters is made in the same way. Settings are written as the program
//! reads them that the file is for (`dialect`); what it would read otherwise is left to an administrator.
//!
//! # Options
//! None. `made` is a map `file` and `template`, as those of `missing_settings`.
//!
//! # Returns
//! The keys that the file still lacks, an array of text: those whose values only an administrator knows.
//!
//! # Errors
//! As those of `missing_settings`; `not_found` if the file is not there, `refused` if it can't be written.
//!
//! # After a crash
//! It is done again; settings already added are not missing any more. The file is always the old or the new one, never
//! half of it.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.fetch();
//! server.add_settings("0.2.13", #{ file: "~/.hoss/core/config.yaml", template: "server/core/config.yaml" });
//! server.read_yaml("~/.hoss/core/config.yaml", "server.max_upload_gigabytes")
//! // => 50
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::bytes;
use crate::machine::edits::Made;
use crate::machine::files::rewrite_durably;
use crate::machine::settings_drift::{Missing, Reader, missing, random};
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};

pub struct AddSettings;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    release: String,
    made: Made,
}

impl Primitive for AddSettings {
    type Arguments = Arguments;
    type Outcome = Vec<String>;
    const NAME: &'static str = "add_settings";
    const SOURCE: &'static str = include_str!("add_settings.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Settings],
        perform,
        predict: |arguments, _| Ok(data::unknown(format!("what {} lacks then", arguments.made.file))),
        after_crash: AfterCrash::Repeat,
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<String>> {
    let server = host.server()?;
    let Made { file, template } = &arguments.made;
    let path = server.path(file);
    let checkout = server.open_checkout()?;
    let commit = checkout.commit_named_by(&arguments.release)?;
    let live = bytes::read(&path)?;
    let wanted = checkout.text_at(commit, template)?.unwrap_or_default();
    let outside = server.variables();
    let reader = Reader { dialect: server.dialect.unwrap_or_default(), outside: &outside };
    let Missing { unknown, proposal, .. } = missing(file, &wanted, &live, &reader, &random)?;
    if proposal != live {
        rewrite_durably(&path, &bytes::encoded(&proposal))?;
    }
    Ok(unknown)
}
