//! `newest_published(server)`
//!
//! The newest release of which files are published, on a forge or in the list that `versions` in site.toml names.
//!
//! For servers whose releases are files. Only tags that look like the installed version are compared; what is newer and not
//! chosen, and what can't be compared, is reported with the reason. `releases` in site.toml says which tags count. A release
//! that its forge calls a prerelease, one whose update failed on this server, and one that is younger than `min_age` there, are
//! left out.
//!
//! # Options
//! None.
//!
//! # Returns
//! Text: the tag, such as `v14.0.3`; the installed one, if nothing is newer.
//!
//! # Errors
//! `unreachable` if the forge or the list does not answer, or limits how often it is asked; `invalid` if nothing says where
//! releases are published.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "binary" { note(server.newest_published()); }
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::client::Limits;
use crate::machine::program_file::among;
use crate::machine::release::{Release, choose_old, releases};
use crate::primitive::{Act, Host, Primitive, Told};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub struct NewestPublished;

/// So much is reported of what was not chosen; the most important of it comes first.
const REPORTED: usize = 6;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

impl Primitive for NewestPublished {
    type Arguments = Arguments;
    type Outcome = String;
    const NAME: &'static str = "newest_published";
    const SOURCE: &'static str = include_str!("newest_published.rs");
    const ACT: Act<Self> =
        Act::Look { reads: &[], perform, predict: |_, _| Ok(data::unknown("a query to where releases are")) };
}

fn perform(_: &Arguments, host: &Host) -> Result<String> {
    let server = host.server()?;
    let stop = || host.stop.is_asked();
    let installed = server.installed()?.name;
    let release = server.release_named(&installed)?;
    let client = server.release_client(Limits::default(), &stop)?;
    let listing = server.release_source(&client, &stop)?.list(&release)?;
    let is_taken = |tag: &str, is_trial: bool| !is_trial || server.releases.trials || tag == installed;
    let (taken, trials): (Vec<_>, Vec<_>) =
        listing.releases.iter().partition(|one| is_taken(&one.tag, one.is_trial));
    let offered = releases(taken.iter().map(|one| one.tag.as_str()));
    let release = among(&release, &offered);
    let (rules, unknown) = server.without_failed(server.releases.clone());
    unknown.into_iter().for_each(|unknown| (host.tell)(Told::Warning(unknown.into())));
    let mut made = |release: &Release| {
        let published = listing.releases.iter().find(|one| one.tag == release.tag());
        published.and_then(|one| one.at).ok_or_else(|| "nothing says when it was published".to_owned())
    };
    let choice = choose_old(Some(&release), &offered, rules, &|_, _| None, Timestamp::now(), &mut made);
    for said in choice.told.iter().take(REPORTED) {
        (host.tell)(Told::Note(said.to_string().into()));
    }
    if let more @ 1.. = choice.told.len().saturating_sub(REPORTED) {
        (host.tell)(Told::Note(format!("{more} more sorts of tags are no newer release").into()));
    }
    let newer = trials.iter().filter_map(|one| one.tag.parse::<Release>().ok());
    if let Some(trial) = newer.filter(|trial| trial.is_newer_than(&release)).max_by(Release::list_order) {
        let note = format!(
            "`{trial}` is called a prerelease on its page; take it with `--to {trial}`, or `trials` in site.toml"
        );
        (host.tell)(Told::Note(note.into()));
    }
    if let Some(missing) = listing.missing {
        (host.tell)(Told::Warning(
            format!("there may be more releases of `{}`: {missing}", server.name).into(),
        ));
    }
    Ok(choice.newest.map_or(installed, |newest| newest.tag().to_owned()))
}
