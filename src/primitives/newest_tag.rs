//! `newest_tag(server)`
//!
//! The newest version that the registries of the server's images have.
//!
//! For servers whose releases are tags of images. If several images have the version in their tag, all must have it. Only tags
//! that look like the installed one, with as many numbers, are compared; what is newer and not chosen, and what can't be
//! compared, is reported with the reason. `releases` in site.toml says which tags count. A release whose update failed on this
//! server is left out, and one whose images are younger than `min_age` there.
//!
//! Of a tag that moves from release to release, such as `latest` or `16-alpine`, it is what the registries have behind it now:
//! the tag with the digests of the images. A tag with a higher number is reported and not chosen.
//!
//! # Options
//! None.
//!
//! # Returns
//! Text: the version, such as `1.27.3`, or `latest@sha256:…`; the installed one, if nothing is newer.
//!
//! # Errors
//! `unreachable` if a registry does not answer, or limits how often it is asked; `not_found` if it has no such image;
//! `invalid` if nothing says where the version is written.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! if server.kind == "compose" { note(server.newest_tag()); }
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::release::{Pinned, Release, choose_old, pinned, releases, reported};
use crate::primitive::{Act, Host, Primitive, Told};
use crate::site::Server;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub struct NewestTag;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
}

impl Primitive for NewestTag {
    type Arguments = Arguments;
    type Outcome = String;
    const NAME: &'static str = "newest_tag";
    const SOURCE: &'static str = include_str!("newest_tag.rs");
    const ACT: Act<Self> =
        Act::Look { reads: &[], perform, predict: |_, _| Ok(data::unknown("a query to the registry")) };
}

fn perform(_: &Arguments, host: &Host) -> Result<String> {
    let server = host.server()?;
    let installed = server.installed()?.name;
    if let Some(Pinned { tag, .. }) = pinned(&installed).filter(|pinned| server.floats(pinned.tag)) {
        return newest_image(server, tag, &installed, host);
    }
    if server.floats(&installed) {
        return newest_image(server, &installed, &installed, host);
    }
    let versions = server.versions(&|| host.stop.is_asked())?;
    let offered = releases(versions.tags.iter().map(String::as_str));
    let release = server.image_release(&installed)?;
    let (rules, unknown) = server.without_failed(server.image_rules());
    unknown.into_iter().for_each(|unknown| (host.tell)(Told::Warning(unknown.into())));
    let mut made = |release: &Release| server.image_made(release.tag(), &|| host.stop.is_asked());
    let choice = choose_old(Some(&release), &offered, rules, &|_, _| None, Timestamp::now(), &mut made);
    reported(&choice.told).into_iter().for_each(|sentence| (host.tell)(Told::Note(sentence.into())));
    versions.notes.into_iter().for_each(|note| (host.tell)(Told::Warning(note.into())));
    Ok(choice.newest.map_or(installed, |newest| newest.tag().to_owned()))
}

/// The same of a tag that moves.
fn newest_image(server: &Server, tag: &str, installed: &str, host: &Host) -> Result<String> {
    let newer = server.newer_of(tag, installed, &|| host.stop.is_asked())?;
    newer.notes.into_iter().for_each(|note| (host.tell)(Told::Note(note.into())));
    Ok(newer.release)
}
