//! Which actions that releases ask for are done on a server: a file beside its lock, so that it is one for all users and
//! sites that speak of the same server.

use super::files::kept;
use super::installation;
use super::release::Release;
use crate::failure::{Context, Kind, Result};
use crate::sync::FileLock;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// An action that was done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Action {
    /// The release that asks for it.
    pub release: String,
    /// RFC 3339, UTC.
    pub at: String,
}

/// The actions that are done, by name.
pub type Actions = BTreeMap<String, Action>;

/// Reads them. Fails with [`Kind::Journal`] if the file can't be read.
pub fn read(folder: &Path) -> Result<Actions> {
    Ok(kept(&file(folder))?.unwrap_or_default())
}

/// Writes that an action is done; one that is there already stays as it is.
pub fn add(folder: &Path, name: &str, action: Action) -> Result<()> {
    let _one_at_a_time = alone(folder)?;
    let mut actions = read(folder)?;
    if actions.contains_key(name) {
        return Ok(());
    }
    actions.insert(name.to_owned(), action);
    write(folder, &actions)
}

/// Whether a release is in the history of another one; false if nobody knows it any more.
pub type InHistory<'a> = &'a dyn Fn(&str, &str) -> Result<bool>;

/// Forgets those of releases that are not part of this release, branch or commit, and returns their names.
pub fn forget_newer(folder: &Path, than: &str, in_history: InHistory) -> Result<Vec<String>> {
    let _one_at_a_time = alone(folder)?;
    let mut actions = read(folder)?;
    let mut forgotten = Vec::new();
    for (name, action) in &actions {
        if !is_part(&action.release, than, in_history)? {
            forgotten.push(name.clone());
        }
    }
    if !forgotten.is_empty() {
        actions.retain(|name, _| !forgotten.contains(name));
        write(folder, &actions)?;
    }
    Ok(forgotten)
}

/// Whether `than` is this release or comes after it.
fn is_part(release: &str, than: &str, in_history: InHistory) -> Result<bool> {
    let both = release.parse::<Release>().ok().zip(than.parse::<Release>().ok());
    match both.and_then(|(release, than)| release.compare(&than)) {
        Some(order) => Ok(order.is_le()),
        None => in_history(release, than),
    }
}

/// Held while the list is read, changed and written: branches of a run may do so at once.
fn alone(folder: &Path) -> Result<FileLock> {
    installation::prepare(folder)?;
    let lock = installation::open_lock(&folder.join("actions.lock"));
    lock.and_then(FileLock::wait)
        .or_fail(Kind::Refused, || "the list of done actions can't be written".to_owned())
}

fn file(folder: &Path) -> PathBuf {
    folder.join("actions.json")
}

fn write(folder: &Path, actions: &Actions) -> Result<()> {
    let failed = || "the list of done actions can't be written".to_owned();
    installation::prepare(folder)?;
    let text = serde_json::to_vec_pretty(actions).or_fail(Kind::Bug, failed)?;
    installation::write(&file(folder), &text, true)
}
