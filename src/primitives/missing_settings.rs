//! `missing_settings(server, release: text, made: array)`
//!
//! Settings in the templates of a release that are missing from the server's own files.
//!
//! # Options
//! None. `made` is an array of maps `file` (the server's file: `~` is its home, and a relative path is in the checkout)
//! and `template` (a path in the repository). Files that end in `.yaml` or `.yml` are read as YAML, others as settings,
//! by the rules of `dialect`; the template of settings may be a Makefile that prints them. A missing file is skipped.
//!
//! # Returns
//! An array of maps, one for each file that lacks something: `file`, `template` (text), `keys` (array of text, such as
//! `server.max_upload_gigabytes`), `unknown` (array of text, those of `keys` whose values only an administrator knows),
//! `difference` (text, what `add_settings` would add, as `diff` shows it; empty if it would add nothing).
//!
//! # Errors
//! `not_found` if the checkout is not there, or does not know the release; `refused` if a file can't be read.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.fetch();
//! let made = #{ file: "~/.hoss/core/config.yaml", template: "server/core/config.yaml" };
//! server.missing_settings("0.2.13", [made])[0].keys
//! // => ["server.max_upload_gigabytes"]
//! ```

use crate::data::ServerName;
use crate::failure::{Kind, Result};
use crate::machine::bytes;
use crate::machine::edits::Made;
use crate::machine::git::Checkout;
use crate::machine::settings_drift::{Missing, Reader, missing, shown};
use crate::output::difference::unified;
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::Path;

pub struct MissingSettings;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    release: String,
    made: Vec<Made>,
}

#[derive(Serialize, Deserialize)]
pub struct MissingSetting {
    file: String,
    template: String,
    keys: Vec<String>,
    unknown: Vec<String>,
    difference: String,
}

impl Primitive for MissingSettings {
    type Arguments = Arguments;
    type Outcome = Vec<MissingSetting>;
    const NAME: &'static str = "missing_settings";
    const SOURCE: &'static str = include_str!("missing_settings.rs");
    const ACT: Act<Self> = Act::Look { reads: &[Facet::Settings, Facet::History], perform, predict };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<MissingSetting>> {
    found(arguments, host, &host.server()?.open_checkout()?)
}

/// The plan fetches: what that will bring is read without bringing it into the checkout.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let glimpse = server
        .open_checkout()?
        .glimpse_of(&arguments.release, &server.environment, &|| host.stop.is_asked())?;
    Ok(json!(found(arguments, host, &glimpse.checkout)?))
}

fn found(arguments: &Arguments, host: &Host, checkout: &Checkout) -> Result<Vec<MissingSetting>> {
    let commit = checkout.commit_named_by(&arguments.release)?;
    let server = host.server()?;
    let outside = server.variables();
    let reader = Reader { dialect: server.dialect.unwrap_or_default(), outside: &outside };
    let mut all = Vec::new();
    for Made { file, template } in &arguments.made {
        let path = server.path(file);
        let (Some(wanted), Some(live)) = (checkout.text_at(commit, template)?, read(&path)?) else {
            continue;
        };
        // It is shown: what will be random is not made yet.
        let Missing { keys, unknown, proposal } = missing(file, &wanted, &live, &reader, &shown)?;
        if !keys.is_empty() {
            let difference = unified(&live, &proposal);
            let (file, template) = (file.clone(), template.clone());
            all.push(MissingSetting { file, template, keys, unknown, difference });
        }
    }
    Ok(all)
}

fn read(path: &Path) -> Result<Option<String>> {
    match bytes::read(path) {
        Err(failure) if failure.kind == Kind::NotFound => Ok(None),
        read => read.map(Some),
    }
}
