//! `forge_notes(server, releases: array)`
//!
//! What the pages of releases on the server's forge (GitHub, Gitea, Forgejo or GitLab) say of releases.
//!
//! The forge is that of the checkout's remote, if it is `github.com`, `gitlab.com` or `codeberg.org`, or the one that `forge`
//! of `releases` in site.toml names. It is asked without credentials, three times at most.
//!
//! # Options
//! None.
//!
//! # Returns
//! A map: `releases`, an array of maps `name` and `text`, for those of which something is said; `unknown`, why there may be
//! more, as a sentence, or `()`. Without a forge both are empty.
//!
//! # Errors
//! `not_found` if the checkout is not there. What a forge does not answer is no error, but in `unknown`.
//!
//! # After a crash
//! It is asked again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.forge_notes(["0.2.12"]).releases
//! // => []
//! ```

use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::client::Client;
use crate::machine::forge::{self, Project};
use crate::machine::git::Note;
use crate::machine::release::Release;
use crate::machine::roots;
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::json;

pub struct ForgeNotes;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    releases: Vec<String>,
}

#[derive(Default, Serialize, Deserialize)]
pub struct Outcome {
    releases: Vec<Note>,
    unknown: Option<String>,
}

impl Primitive for ForgeNotes {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "forge_notes";
    const SOURCE: &'static str = include_str!("forge_notes.rs");
    const ACT: Act<Self> = Act::Look {
        // It changes without anybody here: a saved plan does not rest on it.
        reads: &[Facet::Services],
        perform,
        // A forge says the same in a plan.
        predict: |arguments, host| Ok(json!(perform(arguments, host)?)),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let server = host.server()?;
    let (Some(address), false) = (server.forge_address()?, arguments.releases.is_empty()) else {
        return Ok(Outcome::default());
    };
    let Some(project) = Project::at(&address, server.releases.sort) else {
        // That a remote is on no forge is usual; what was typed is meant to be one.
        let typed = server.releases.forge.as_ref();
        let unknown = typed.map(|typed| {
            format!(
                "release notes of {typed}: unknown (it is no project of a known forge: write `forge` in site.toml as \
                 `https://github.com/OWNER/REPOSITORY`, with `type` for a forge of your own)"
            )
        });
        return Ok(Outcome { unknown, ..Outcome::default() });
    };
    let stop = || host.stop.is_asked();
    let authorities = roots::named(&server.environment);
    let client = match Client::new(authorities.as_deref(), [], forge::LIMITS, &stop) {
        Ok(client) => client.staying(),
        Err(failure) => {
            let unknown = Some(format!("release notes of {project}: unknown ({failure})"));
            return Ok(Outcome { unknown, ..Outcome::default() });
        }
    };
    let wanted: Vec<Release> = arguments.releases.iter().filter_map(|name| name.parse().ok()).collect();
    let notes = forge::notes(&client, &project, &wanted);
    let note = |(release, text): (Release, String)| Note { name: release.tag().to_owned(), text };
    Ok(Outcome {
        releases: notes.texts.into_iter().map(note).collect(),
        unknown: notes.missing.map(|why| format!("release notes of {project}: unknown ({why})")),
    })
}
