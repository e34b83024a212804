//! What changed while a backup was stored is known only after that, and no snapshot changes any more: it goes into a small
//! second one. There it is found on a new machine, too.

use super::staging::Staging;
use crate::failure::{Context, Kind, Result};
use crate::machine::backup::reference::Inventory;
use crate::machine::restic::{Repository, Snapshot};

/// Beside the manifest, in the staging folder.
const CHANGED: &str = "banister/changed.json";

/// Stores it; nothing if nothing changed.
pub fn store(
    repository: &Repository,
    inventory: &Inventory,
    staging: &Staging,
    changed: &[String],
    stop: &dyn Fn() -> bool,
) -> Result<()> {
    if changed.is_empty() {
        return Ok(());
    }
    let text = serde_json::to_vec(changed).or_fail(Kind::Bug, || "names are not plain data".into())?;
    let path = staging.write(CHANGED, &text)?.display().to_string();
    let tags = inventory.tags().of_changed();
    let words = ["backup", "--quiet", "--host", &inventory.about.server, "--tag", &tags, "--", &path];
    repository.ask(&words, "what changed during the backup can't be stored", stop).map(drop)
}

/// What changed while a backup was taken, as the repository says. `snapshots` are those of its server.
pub fn read(
    repository: &Repository,
    snapshots: &[Snapshot],
    set: &str,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<String>> {
    let Some(snapshot) = snapshots.iter().rev().find(|snapshot| snapshot.changed_of() == Some(set)) else {
        return Ok(Vec::new());
    };
    let what = || "what changed during the backup can't be read".to_owned();
    let Some(path) = snapshot.paths.first() else { return Ok(Vec::new()) };
    let text = repository.ask(&["dump", &snapshot.id, path], &what(), stop)?;
    serde_json::from_str(&text).or_fail(Kind::Refused, what)
}
