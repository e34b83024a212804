//! Where releases of a server are read, and which of its files they leave as they are.

use super::doubt::Doubt;
use crate::failure::Failure;
use crate::kind::Source;
use crate::machine::deployment::Place;
use crate::site::{Server, Site};
use std::collections::BTreeSet;
use std::path::PathBuf;

/// Why its releases can't be read where they are, at the key that says where. A key that is absent is another doubt.
pub fn unreadable(server: &Server) -> Option<Doubt> {
    let at = |key: &str, value: &str, failure: Failure| {
        let why =
            if failure.why.is_empty() { String::new() } else { format!(": {}", failure.why.join(", ")) };
        Doubt::new(key, value, format!("{}{why}", failure.message), failure.help.unwrap_or_default())
    };
    let text =
        |key: &str| server.own.get(key).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    match server.facts.source {
        Source::Git => {
            let written = server.checkout.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let failure = server.open_checkout().err()?;
            Some(Doubt::new("checkout", &written, failure.message, failure.help.unwrap_or_default()))
        }
        Source::Images => server
            .version_place()
            .ok()
            .map(|_| server.written_version())?
            .err()
            .map(|failure| at("version", "", failure)),
        Source::Files => {
            let (file, asset) = (server.program_file().ok()?, text("asset"));
            if !file.is_file() {
                let message = format!("there is no file `{}`", file.display());
                let help = "install it there once by hand, or correct `file`: an update replaces a file that is there";
                return Some(Doubt::new("file", &text("file"), message, help));
            }
            if let Err(failure) = server.installed() {
                let key = if server.own.get("version").is_some_and(|it| !it.is_null()) {
                    "version"
                } else {
                    "file"
                };
                return Some(at(key, &text(key), failure));
            }
            if asset.is_empty() {
                return None;
            }
            let key = if server.own.get("versions").is_some_and(|it| !it.is_null()) {
                "versions"
            } else {
                "releases"
            };
            server.check_release_source().err().map(|failure| at(key, "", failure))
        }
    }
}

/// Patterns of `edits` that no tracked file matches: a misspelt one keeps nothing.
pub fn unmatched_edits(server: &Server) -> Vec<Doubt> {
    if server.edits.is_empty() || server.facts.source != Source::Git {
        return Vec::new();
    }
    let Ok(checkout) = server.open_checkout() else { return Vec::new() };
    let unmatched = checkout.unmatched(&server.edits).unwrap_or_default();
    let doubt = |pattern: String| {
        let message = format!("`{pattern}` in `edits` matches no file that git tracks");
        let help = "correct it: a path from the top of the checkout on, such as `env/*`; files that git does not track stay as they are";
        Doubt::new("edits", &pattern, message, help)
    };
    unmatched.into_iter().map(doubt).collect()
}

/// Whether another server has its version in the same place, such as one `.env` to which several projects have a link: what
/// moves one of them moves what is written of the other.
pub fn shared_version(site: &Site, server: &Server) -> Option<Doubt> {
    let (place, files) = version_files(server)?;
    let of_others = site.servers.values().filter(|other| other.name != server.name && other.ssh.is_none());
    let mut with = of_others.filter(|other| {
        version_files(other).is_some_and(|(own, theirs)| own == place && !theirs.is_disjoint(&files))
    });
    let other = with.next()?;
    let file = files.first()?.display();
    let message =
        format!("the version in `{file}` is also that of `{}`: an update of one writes both", other.name);
    let help = "update them together, `banister run update-linked`, or give each a setting of its own";
    Some(Doubt::new("version", "", message, help))
}

/// Where the version of its images is written, whatever links lead there.
fn version_files(server: &Server) -> Option<(Place, BTreeSet<PathBuf>)> {
    if server.facts.source != Source::Images {
        return None;
    }
    let files = server.written_version().ok()?.files.into_iter();
    Some((server.version_place().ok()?, files.filter_map(|file| file.canonicalize().ok()).collect()))
}
