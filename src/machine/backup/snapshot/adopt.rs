//! Finds backups in a repository of which nothing is known on this machine: it is a new one, or its disk was lost.

use super::begun;
use super::read_back::inventory_at;
use crate::failure::{Failure, Kind, Result};
use crate::machine::backup::card::{Card, listed};
use crate::machine::backup::name::free_name;
use crate::machine::backup::reference::{ENDING, Inventory, Reference, is_reference};
use crate::machine::files::{private_folder, sha256_of};
use crate::machine::restic::{Repository, Tags};
use std::collections::BTreeSet;
use std::path::Path;

/// Writes a reference for each snapshot of the server that has none. Those of attempts that were begun here and never done
/// get none.
pub fn adopt(repository: &Repository, folder: &Path, server: &str, stop: &dyn Fn() -> bool) -> Result<()> {
    let mut known = begun::read(folder, server)?;
    for path in listed(folder)?.iter().filter(|path| is_reference(path)) {
        known.insert(Reference::open(path)?.inventory.set);
    }
    let snapshots = repository.snapshots(server, stop)?;
    let mut seen = BTreeSet::new();
    for snapshot in &snapshots {
        let Some(set) = snapshot.set().filter(|set| !known.contains(*set) && seen.insert((*set).to_owned()))
        else {
            continue;
        };
        let ending = format!("/.restic-{}", server.replace('/', "-"));
        let Some(staging) = snapshot.paths.iter().find(|path| path.ends_with(&ending)) else { continue };
        let tags = Tags { server: server.to_owned(), set: set.to_owned() };
        let text = inventory_at(repository, &tags.as_option(), staging, stop)?;
        let refuse = |why: String| {
            let message = format!("the snapshot `{}` in the repository can't be listed", snapshot.id);
            Failure::new(Kind::Refused, message).why(why).help(format!(
                "if nobody needs it: `restic -r {} forget {}`",
                repository.location, snapshot.id
            ))
        };
        let inventory = Inventory::read(&text).map_err(refuse)?;
        let about = inventory.about.clone();
        if inventory.set != set || about.server != server {
            return Err(refuse("it is marked as another backup than its manifest says".into()));
        }
        let canonical = inventory.text()?;
        if canonical != text {
            return Err(refuse("another version of this program wrote its manifest".into()));
        }
        private_folder(folder)?;
        let path = free_name(folder, &about, ENDING);
        let repository = repository.location.to_string();
        let sha256 = sha256_of(&text);
        Reference { repository, inventory, sha256, added: None, changed: Vec::new() }.keep(&path)?;
        Card::of(&path)?.about(&about).keep()?;
    }
    Ok(())
}
