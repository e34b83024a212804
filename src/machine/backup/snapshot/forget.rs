//! Removes snapshots of backups.

use super::{begun, repository};
use crate::failure::Result;
use crate::machine::backup::reference::{Inventory, Reference, is_reference};
use crate::machine::restic::{Repository, Snapshot};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const WHAT: &str = "old backups can't be removed";

/// Forgets the snapshots of these backups of a server, and those of attempts that were cut off, and frees what only they
/// needed: how many bytes, if restic says it. A backup whose snapshot is gone already was removed before.
///
/// Fails with [`Kind::Refused`](crate::failure::Kind), and forgets nothing, if one of them is in another repository.
pub fn forget(
    repository: &Repository,
    folder: &Path,
    server: &str,
    paths: &[PathBuf],
    stop: &dyn Fn() -> bool,
) -> Result<Option<u64>> {
    let mut old = BTreeSet::new();
    for path in paths {
        let reference = Reference::open(path)?;
        repository::check(&reference, repository, folder, WHAT, stop)?;
        old.insert(reference.inventory.set);
    }
    let listed = crate::machine::backup::card::listed(folder)?;
    let kept: std::result::Result<BTreeSet<String>, _> = listed
        .iter()
        .filter(|path| is_reference(path))
        .map(|path| Reference::open(path).map(|reference| reference.inventory.set))
        .collect();
    // Of one that can't be read nobody knows which set it stands for: then none is taken for an attempt that was cut off.
    let cut_off: BTreeSet<String> = match kept {
        Ok(kept) => begun::read(folder, server)?.difference(&kept).cloned().collect(),
        Err(_) => BTreeSet::new(),
    };
    let snapshots = repository.snapshots(server, stop)?;
    let is_meant = |snapshot: &&Snapshot| old.union(&cut_off).any(|set| snapshot.is_of(set));
    let meant: Vec<&Snapshot> = snapshots.iter().filter(is_meant).collect();
    let freed = repository.forget(&meant, stop)?;
    let left =
        begun::read(folder, server)?.into_iter().filter(|set| !old.contains(set) && !cut_off.contains(set));
    begun::write(folder, server, &left.collect())?;
    Ok(freed)
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
