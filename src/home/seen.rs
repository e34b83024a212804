//! How the newest run at the home of a server stood when that was asked last, for who does not ask now: a login must not wait.

use crate::home::wire::Listed;
use crate::machine::files::{private_folder, sha256_of, write_private_durably};
use crate::site::{Server, Site};
use crate::units;
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// What was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Seen {
    /// RFC 3339, UTC.
    pub at: String,
    /// The newest run, if there is one.
    pub run: Option<Run>,
}

/// A run, as its home said how it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub run: String,
    pub needs_somebody: bool,
    pub text: String,
    pub next: String,
}

fn file(state: &Path, site: &Site, server: &Server) -> PathBuf {
    let of =
        format!("{}\0{}\0{}", site.file.display(), server.name, server.ssh.as_deref().unwrap_or_default());
    state.join("seen").join(format!("{}.json", &sha256_of(of.as_bytes())[..16]))
}

/// Remembers what a home just said, the oldest run first. What can't be written is seen anew the next time.
pub fn remember(state: &Path, site: &Site, server: &Server, runs: &[Listed]) {
    let run = runs.last().map(|listed| Run {
        run: listed.run.clone(),
        needs_somebody: listed.needs_somebody,
        text: listed.text.clone(),
        next: listed.next.clone(),
    });
    let text = serde_json::to_vec(&Seen { at: units::now(), run }).unwrap_or_default();
    let file = file(state, site, server);
    _ = private_folder(&state.join("seen")).and_then(|()| write_private_durably(&file, &text));
}

/// Forgets it: somebody here changes how it stands.
pub fn forget(state: &Path, site: &Site, server: &Server) {
    _ = fs::remove_file(file(state, site, server));
}

/// What was seen last; nothing if it was never asked.
pub fn last(state: &Path, site: &Site, server: &Server) -> Option<Seen> {
    serde_json::from_slice(&fs::read(file(state, site, server)).ok()?).ok()
}
