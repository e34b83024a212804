//! Finds backups in a repository of which nothing is known on this machine: it is a new one, or its disk was lost.

use super::read_back::inventory_at;
use super::{begun, changed, repository};
use crate::failure::{Failure, Kind, Result};
use crate::machine::backup::card::{Card, listed};
use crate::machine::backup::name::free_name;
use crate::machine::backup::reference::{ENDING, Inventory, Reference, is_reference};
use crate::machine::files::private_folder;
use crate::machine::restic::{Repository, Snapshot, Tags};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

const WHAT: &str = "the snapshots can't be listed";

/// What was found in a repository, besides what now has a reference.
#[derive(Debug, Default)]
pub struct Adopted {
    /// Snapshots that can't be read, with the reason: they hide no other.
    pub unreadable: Vec<Card>,
    /// The references whose snapshots are not in it.
    pub missing: Vec<PathBuf>,
}

/// Writes a reference for each snapshot of the server that has none. Those of attempts that were begun here and never done
/// get none.
pub fn adopt(
    repository: &Repository,
    folder: &Path,
    server: &str,
    stop: &dyn Fn() -> bool,
) -> Result<Adopted> {
    let mut known = begun::read(folder, server)?;
    let references = listed(folder)?.into_iter().filter(|path| is_reference(path));
    // Of a reference that can't be read nobody knows the set, so its snapshot gets another one.
    let references: Vec<(PathBuf, Inventory)> =
        references.filter_map(|path| Some((path.clone(), Reference::open(&path).ok()?.inventory))).collect();
    known.extend(references.iter().map(|(_, inventory)| inventory.set.clone()));
    let snapshots = repository.snapshots(server, stop)?;
    let is_missing = |(_, inventory): &(PathBuf, Inventory)| {
        inventory.about.server == server
            && !snapshots.iter().any(|snapshot| snapshot.set() == Some(&inventory.set))
    };
    let missing = references.into_iter().filter(is_missing).map(|(path, _)| path).collect();
    let mut seen = BTreeSet::new();
    let mut unreadable = Vec::new();
    for snapshot in &snapshots {
        let Some(set) = snapshot.set().filter(|set| !known.contains(*set) && seen.insert((*set).to_owned()))
        else {
            continue;
        };
        let ending = format!("/.restic-{}", server.replace('/', "-"));
        let Some(staging) = snapshot.paths.iter().find(|path| path.ends_with(&ending)) else { continue };
        let tags = Tags { server: server.to_owned(), set: set.to_owned() };
        match of_snapshot(repository, &snapshots, &tags, staging, stop) {
            Ok(reference) => {
                let id = repository::find(repository, folder, server, WHAT, stop)?.id;
                let about = reference.about();
                private_folder(folder)?;
                let path = free_name(folder, &about, ENDING);
                Reference { id: Some(id), ..reference }.keep(&path)?;
                Card::of(&path)?.about(&about).keep()?;
            }
            // All others could not be read either.
            Err(failure) if failure.kind != Kind::Refused => return Err(failure),
            Err(failure) => unreadable.push(named(snapshot, repository, &failure)),
        }
    }
    Ok(Adopted { unreadable, missing })
}

/// What stands for a snapshot that can't be read, in a list.
fn named(snapshot: &Snapshot, repository: &Repository, failure: &Failure) -> Card {
    let short: String = snapshot.id.chars().take(8).collect();
    let help = format!("if nobody needs it: `restic -r {} forget {short}`", repository.location);
    let name = format!("snapshot {short}");
    Card { name, unreadable: Some(format!("{failure}; {help}")), ..Card::default() }
}

fn of_snapshot(
    repository: &Repository,
    snapshots: &[Snapshot],
    tags: &Tags,
    staging: &str,
    stop: &dyn Fn() -> bool,
) -> Result<Reference> {
    let text = inventory_at(repository, &tags.as_option(), staging, stop)?;
    let refuse = |why: String| Failure::new(Kind::Refused, "it is no backup that can be listed").why(why);
    let inventory = Inventory::read(text.as_bytes()).map_err(refuse)?;
    if inventory.set != tags.set || inventory.about.server != tags.server {
        return Err(refuse("it is marked as another backup than its manifest says".into()));
    }
    let changed = changed::read(repository, snapshots, &tags.set, stop)?;
    let location = repository.location.to_string();
    Ok(Reference { repository: location, id: None, inventory, manifest: text, added: None, changed })
}
