//! `missing_targets(server, release: text, targets: array)`
//!
//! The make targets in this list that the installed release has and another release does not have any more.
//!
//! # Options
//! None. `release` is a release, a branch or a commit.
//!
//! # Returns
//! Array of text: those that the text of the release's Makefile, and of the files that it includes, can't make. Make is
//! not run. A Makefile from whose text alone the targets can't be known, because it writes rules with variables or
//! includes a file that is not there, lacks none.
//!
//! # Errors
//! `not_found` if the checkout is not there, or does not know the release; `refused` if it can't be read.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.missing_targets("0.2.10", ["config", "build", "up"])
//! // => []
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::git::Checkout;
use crate::machine::makefile::{AtRelease, Folder, missing};
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct MissingTargets;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    release: String,
    targets: Vec<String>,
}

impl Primitive for MissingTargets {
    type Arguments = Arguments;
    type Outcome = Vec<String>;
    const NAME: &'static str = "missing_targets";
    const SOURCE: &'static str = include_str!("missing_targets.rs");
    const ACT: Act<Self> = Act::Look { reads: &[Facet::Checkout, Facet::History], perform, predict };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<String>> {
    let checkout = host.server()?.open_checkout()?;
    found(arguments, host, &checkout, &checkout)
}

/// The plan fetches: what that will bring is read without bringing it into the checkout.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let checkout = server.open_checkout()?;
    let glimpse = checkout.glimpse_of(&arguments.release, &server.environment, &|| host.stop.is_asked())?;
    Ok(json!(found(arguments, host, &checkout, &glimpse.checkout)?))
}

fn found(arguments: &Arguments, host: &Host, here: &Checkout, knows: &Checkout) -> Result<Vec<String>> {
    let server = host.server()?;
    if server.steers_make() {
        return Ok(Vec::new());
    }
    let now = missing(&Folder(server.make_folder()), &arguments.targets).targets;
    let there = AtRelease::new(here, &server.make_folder_within(here.folder()), knows, &arguments.release)?;
    let then = missing(&there, &arguments.targets).targets;
    Ok(then.into_iter().filter(|target| !now.contains(target)).collect())
}
