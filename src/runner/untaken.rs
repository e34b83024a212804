//! What places did not take of a run's notices: a file beside each of them, `.failed.KEY` while it is tried again, and
//! `.refused.KEY` where it was refused for good.

use super::place::{self, COURIER};
use crate::command::read_file;
use crate::machine::files::write_private_durably;
use crate::secret::Shown;
use serde::{Deserialize, Serialize};
use std::path::Path;

pub(super) const SENT: &str = ".sent.";
pub(super) const FAILED: &str = ".failed.";
pub(super) const REFUSED: &str = ".refused.";

/// A notice that a place did not take.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Untaken {
    /// What it is about, in one line.
    pub title: Shown,
    /// The place, by a name without its address.
    pub place: String,
    /// RFC 3339, UTC: when that was seen first.
    pub since: String,
    /// What the place said.
    pub why: Shown,
    /// Whether it is tried no more.
    pub is_given_up: bool,
}

/// What places of a run's notices did not take, the oldest first.
pub fn untaken(run: &Path) -> Vec<Untaken> {
    let folder = run.join("notices");
    let is_open = |name: &String| {
        let parted = name.split_once(FAILED).or_else(|| name.split_once(REFUSED));
        parted.is_some_and(|(notice, key)| !folder.join(format!("{notice}{SENT}{key}")).exists())
    };
    let read = |name: String| read_file::<Untaken>(&folder, &name).ok()?;
    let mut found: Vec<Untaken> = names(run).into_iter().filter(is_open).filter_map(read).collect();
    // Whoever sent them was killed, and nobody came in its place.
    let is_sent = place::is_taken(run, COURIER);
    found.iter_mut().for_each(|untaken| untaken.is_given_up |= !is_sent);
    found.sort_by(|a, b| a.since.cmp(&b.since));
    found
}

/// The names of all files of notices that are written.
pub(super) fn names(run: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(run.join("notices")).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| !name.starts_with('.')).collect()
}

impl Untaken {
    /// For people, in one line.
    pub fn line(&self) -> String {
        let tried = if self.is_given_up { "not tried any more" } else { "tried again" };
        format!("notice not taken by {}, {tried}: `{}`: {}", self.place, self.title, self.why)
            .replace('\n', " ")
    }

    /// Notes why a place does not take a notice. That it can't be noted disturbs nobody.
    pub(super) fn note(&self, run: &Path, name: &str) {
        let text = serde_json::to_vec(self).unwrap_or_default();
        _ = write_private_durably(&run.join("notices").join(name), &text);
    }
}

/// Forgets what a place did not take that is no more.
pub(super) fn forget(run: &Path, key: &str) {
    let ends = |name: &&String| {
        [FAILED, REFUSED].iter().any(|mark| name.split_once(mark).is_some_and(|(_, of)| of == key))
    };
    for name in names(run).iter().filter(ends) {
        _ = std::fs::remove_file(run.join("notices").join(name));
    }
}
