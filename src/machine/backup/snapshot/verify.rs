//! Compares a backup in a repository with its inventory.

use super::read_back::{PART_DAMAGED, damaged, read_back, unread};
use super::{part, repository};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::backup::reference::{Reference, Tree};
use crate::machine::restic::{Repository, Trouble};
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

const WHAT: &str = "the backup can't be verified";

/// How much of a repository was read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ReadPart {
    /// Which part of its data, from 1, and of how many.
    pub part: u64,
    pub of: u64,
    /// How many dumps of the backup were read, all of them whole.
    pub dumps: usize,
    /// Why nobody will know that this part was read: it has its turn again.
    pub unkept: Option<Failure>,
}

/// Something in a snapshot.
#[derive(Deserialize)]
struct Node {
    #[serde(rename = "type", default)]
    sort: String,
    #[serde(default)]
    path: String,
}

/// Compares the list of the snapshot with the inventory, and reads back what was staged. `folder` is that of the server's
/// backups.
///
/// Fails with [`Kind::Refused`] if something is missing or damaged, or if it is another repository.
pub fn verify(
    reference: &Reference,
    repository: &Repository,
    folder: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<()> {
    repository::check(reference, repository, folder, WHAT, stop)?;
    let inventory = &reference.inventory;
    let tags = inventory.tags().as_option();
    let words = ["ls", "--json", "--tag", &tags, "latest"];
    let (looked, found) = repository.run_into(&words, stop, |list| count(list, &inventory.trees))?;
    if let Some(trouble) = repository.trouble(&looked) {
        return Err(unread(repository, trouble, &looked, WHAT));
    }
    let found = found.or_fail(Kind::Refused, || WHAT.to_owned())?;
    for (tree, found) in inventory.trees.iter().zip(found) {
        let (is, was) = (found.files + found.folders + found.links, tree.files + tree.folders + tree.links);
        if is == 0 || is < was && reference.changed.is_empty() {
            let why =
                format!("of `{}` it holds {is} files, folders and links, and not {was}", tree.path.display());
            return Err(damaged(&why));
        }
    }
    read_back(repository, inventory, &reference.sha256(), stop)
}

/// Checks how the repository holds together, and reads the next part of all its data.
///
/// Fails with [`Kind::Refused`] if something in it is damaged, of this backup or of another.
pub fn read_part(
    reference: &Reference,
    repository: &Repository,
    folder: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<ReadPart> {
    let (server, id) = (&reference.inventory.about.server, reference.id.as_deref());
    let (part, of) = (part::next(folder, server, id), part::PARTS);
    let subset = format!("--read-data-subset={part}/{of}");
    let words = ["check", "--quiet", &subset];
    let mut looked = repository.run(&words, stop)?;
    if repository.trouble(&looked) == Some(Trouble::Locked) {
        repository.unlock(stop)?;
        looked = repository.run(&words, stop)?;
    }
    match repository.trouble(&looked) {
        None => {}
        Some(Trouble::Damaged) => {
            let said = repository.failed(&looked, WHAT).why;
            let failure = Failure::new(Kind::Refused, PART_DAMAGED).why("it may be that of another backup");
            let help =
                "see which with `restic check --read-data`; try this backup with `banister backup drill`";
            return Err(said.iter().fold(failure, |all, why| all.why(why)).help(help));
        }
        Some(_) => return Err(repository.failed(&looked, WHAT)),
    }
    let unkept = part::done(folder, server, id, part).err();
    Ok(ReadPart { part, of, dumps: reference.inventory.staged.len(), unkept })
}

/// What the list of a snapshot holds of each tree.
fn count(list: File, trees: &[Tree]) -> std::io::Result<Vec<Tree>> {
    let mut found = vec![Tree::default(); trees.len()];
    for line in BufReader::new(list).split(b'\n') {
        let Ok(node) = serde_json::from_slice::<Node>(&line?) else { continue };
        let path = Path::new(&node.path);
        for (tree, found) in trees.iter().zip(&mut found) {
            let around = tree.around_staging.as_deref();
            let is_of = path.starts_with(&tree.path) && around.is_none_or(|around| !path.starts_with(around));
            match node.sort.as_str() {
                "file" if is_of => found.files += 1,
                "dir" if is_of => found.folders += 1,
                "symlink" if is_of => found.links += 1,
                _ => {}
            }
        }
    }
    Ok(found)
}
