//! `prepare_checkout(server, to: text, #{ all_edits: bool = false })`
//!
//! Checks that the checkout can be moved to a release, a branch or a commit, and fetches what that needs besides its history:
//! the commits of submodules, objects that a partial clone left out, and files in Git LFS.
//!
//! # Options
//! - `all_edits`: whether all edits of tracked files are merged with the release's files, not only those that `edits` in
//!   site.toml names. Default: false.
//!
//! # Returns
//! An array of maps: the edits, each with `path`, `difference` (as `diff` shows it, from the release's file to the merged
//! one), and `named`, whether `edits` in site.toml names it. What `carry_edits` allowed before is no longer allowed.
//!
//! Files in a submodule that the release does not have, and that are not the submodule's own, are named: they are moved to
//! `.git/banister-kept`, and back when the submodule is there again.
//!
//! # Errors
//! `refused`, with the command that solves it: git is in the middle of an operation; the branch is gone at the origin, has
//! commits that the origin has not, or is checked out in another worktree; the release was tagged anew at the origin; an
//! ignored file is where the release, or one of its submodules, has its own; git-lfs is missing, or a filter fails; an edit can't be merged with the release. `unreachable` if something can't be
//! fetched, `not_found` if there is no such release, branch or commit. The files of the checkout are not touched.
//!
//! # After a crash
//! It is done again; what was fetched stays.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.fetch();
//! server.prepare_checkout("0.2.11")
//! // => []
//! ```

use crate::data::ServerName;
use crate::failure::{Kind, Result};
use crate::machine::git::{Kept, Ready, Which};
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive, Told};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct PrepareCheckout;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    to: String,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    all_edits: bool,
}

impl Arguments {
    fn which(&self) -> Which {
        if self.all_edits { Which::All } else { Which::Carried }
    }
}

impl Primitive for PrepareCheckout {
    type Arguments = Arguments;
    type Outcome = Vec<Kept>;
    const NAME: &'static str = "prepare_checkout";
    const SOURCE: &'static str = include_str!("prepare_checkout.rs");
    const ACT: Act<Self> =
        Act::Change { touches: &[Facet::History], perform, predict, after_crash: AfterCrash::Repeat };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<Kept>> {
    let checkout = host.server()?.open_checkout()?;
    let ready = checkout.make_ready(&arguments.to, arguments.which(), &|| host.stop.is_asked())?;
    Ok(told(ready, &arguments.to, host))
}

/// Says which files are put aside; the edits.
fn told(ready: Ready, to: &str, host: &Host) -> Vec<Kept> {
    if let Some(first) = ready.aside.first() {
        let more = match ready.aside.len() {
            1 => String::new(),
            all => format!(" and {} more", all - 1),
        };
        let place = ready.place.display();
        let note =
            format!("{}{more} in a submodule that {to} does not have: kept in {place}", first.display());
        (host.tell)(Told::Note(note.into()));
    }
    ready.edits
}

/// The same, of what a fetch would bring.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let checkout = server.open_checkout()?;
    let stop = || host.stop.is_asked();
    let glimpse = match checkout.glimpse(&server.environment, &stop) {
        // What is fetched already needs no origin.
        Err(failure) if failure.kind == Kind::Unreachable => {
            let glimpse = checkout.double()?;
            glimpse.checkout.target(&arguments.to).map_err(|_| failure)?;
            glimpse
        }
        glimpse => glimpse?,
    };
    Ok(json!(told(checkout.foresee(&glimpse, &arguments.to, arguments.which(), &stop)?, &arguments.to, host)))
}
