//! Which actions that releases ask for are done on a server: a file beside its lock, so that it is one for all users and
//! sites that speak of the same server.

use super::files::kept;
use super::git::Checkout;
use super::installation;
use super::release::Release;
use crate::failure::{Context, Kind, Result};
use crate::sync::FileLock;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

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
pub fn read(checkout: &Checkout) -> Result<Actions> {
    Ok(kept(&file(checkout))?.unwrap_or_default())
}

/// Writes that an action is done; one that is there already stays as it is.
pub fn add(checkout: &Checkout, name: &str, action: Action) -> Result<()> {
    let _one_at_a_time = alone(checkout)?;
    let mut actions = read(checkout)?;
    if actions.contains_key(name) {
        return Ok(());
    }
    actions.insert(name.to_owned(), action);
    write(checkout, &actions)
}

/// Forgets those of releases that are not part of this release, branch or commit, and returns their names.
pub fn forget_newer(checkout: &Checkout, than: &str) -> Result<Vec<String>> {
    let _one_at_a_time = alone(checkout)?;
    let mut actions = read(checkout)?;
    let mut forgotten = Vec::new();
    for (name, action) in &actions {
        if !is_part(checkout, &action.release, than)? {
            forgotten.push(name.clone());
        }
    }
    if !forgotten.is_empty() {
        actions.retain(|name, _| !forgotten.contains(name));
        write(checkout, &actions)?;
    }
    Ok(forgotten)
}

/// Whether `than` is this release or comes after it; one that nobody knows any more is part of nothing.
fn is_part(checkout: &Checkout, release: &str, than: &str) -> Result<bool> {
    let both = release.parse::<Release>().ok().zip(than.parse::<Release>().ok());
    if let Some(order) = both.and_then(|(release, than)| release.compare(&than)) {
        return Ok(order.is_le());
    }
    match checkout.commit_named_by(release) {
        Ok(commit) => checkout.has_in_history(checkout.commit_named_by(than)?, commit),
        Err(failure) if failure.kind == Kind::NotFound => Ok(false),
        Err(failure) => Err(failure),
    }
}

/// Held while the list is read, changed and written: branches of a run may do so at once.
fn alone(checkout: &Checkout) -> Result<FileLock> {
    installation::prepare(&checkout.state_folder())?;
    let lock = installation::open_lock(&checkout.state_folder().join("actions.lock"));
    lock.and_then(FileLock::wait)
        .or_fail(Kind::Refused, || "the list of done actions can't be written".to_owned())
}

fn file(checkout: &Checkout) -> PathBuf {
    checkout.state_folder().join("actions.json")
}

fn write(checkout: &Checkout, actions: &Actions) -> Result<()> {
    let failed = || "the list of done actions can't be written".to_owned();
    installation::prepare(&checkout.state_folder())?;
    let text = serde_json::to_vec_pretty(actions).or_fail(Kind::Bug, failed)?;
    installation::write(&file(checkout), &text, true)
}
