//! Removes snapshots of backups.

use super::begun;
use crate::failure::Result;
use crate::machine::backup::reference::{Inventory, Reference, is_reference};
use crate::machine::restic::{Repository, Snapshot};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Forgets the snapshots of these backups of a server, and those of attempts that were cut off, and frees what only they
/// needed. A backup whose snapshot is gone already was removed before.
pub fn forget(
    repository: &Repository,
    folder: &Path,
    server: &str,
    paths: &[PathBuf],
    stop: &dyn Fn() -> bool,
) -> Result<()> {
    let set = |path: &PathBuf| Ok(Reference::open(path)?.inventory.set);
    let old: BTreeSet<String> = paths.iter().map(set).collect::<Result<_>>()?;
    let mut kept = BTreeSet::new();
    for path in crate::machine::backup::card::listed(folder)?.iter().filter(|path| is_reference(path)) {
        kept.insert(Reference::open(path)?.inventory.set);
    }
    let cut_off: BTreeSet<String> = begun::read(folder, server)?.difference(&kept).cloned().collect();
    let snapshots = repository.snapshots(server, stop)?;
    let is_meant =
        |snapshot: &&Snapshot| snapshot.set().is_some_and(|set| old.contains(set) || cut_off.contains(set));
    let meant: Vec<&Snapshot> = snapshots.iter().filter(is_meant).collect();
    repository.forget(&meant, stop)?;
    let left =
        begun::read(folder, server)?.into_iter().filter(|set| !old.contains(set) && !cut_off.contains(set));
    begun::write(folder, server, &left.collect())
}

/// Forgets a snapshot that lacks something. What only it needed is freed by the next one that is forgotten.
pub(super) fn incomplete(
    repository: &Repository,
    inventory: &Inventory,
    stop: &dyn Fn() -> bool,
) -> Result<()> {
    let snapshots = repository.snapshots(&inventory.about.server, stop)?;
    let is_meant = |snapshot: &&Snapshot| snapshot.set() == Some(inventory.set.as_str());
    let ids = snapshots.iter().filter(is_meant).map(|snapshot| snapshot.id.as_str());
    let words: Vec<&str> = ["forget", "--quiet"].into_iter().chain(ids).collect();
    match words.len() {
        2 => Ok(()),
        _ => repository.ask(&words, "an incomplete snapshot can't be removed", stop).map(drop),
    }
}
