//! Compares a backup in a repository with its inventory.

use super::read_back::{damaged, gone, read_back};
use crate::command::Exit;
use crate::failure::{Context, Kind, Result};
use crate::machine::backup::reference::{Reference, Tree};
use crate::machine::restic::Repository;
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek};
use std::path::Path;

/// In so many days all data of the repository is read once.
const DAYS: i64 = 7;
const WHAT: &str = "the backup can't be verified";

/// Something in a snapshot.
#[derive(Deserialize)]
struct Node {
    #[serde(rename = "type", default)]
    sort: String,
    #[serde(default)]
    path: String,
}

/// Compares the list of the snapshot with the inventory, and reads back what was staged. With `data`, the repository is
/// checked, too, and a seventh of all its data read: another one on each day of a week.
///
/// Fails with [`Kind::Refused`] if something is missing or damaged.
pub fn verify(
    reference: &Reference,
    repository: &Repository,
    data: bool,
    stop: &dyn Fn() -> bool,
) -> Result<()> {
    let inventory = &reference.inventory;
    let output = tempfile::tempfile().or_fail(Kind::Refused, || WHAT.to_owned())?;
    let tags = inventory.tags().as_option();
    let looked = repository.run(&["ls", "--json", "--tag", &tags, "latest"], &output, stop)?;
    if looked.exit != Exit::Status(0) {
        return Err(gone(repository, &looked));
    }
    let found = count(output, &inventory.trees).or_fail(Kind::Refused, || WHAT.to_owned())?;
    for (tree, found) in inventory.trees.iter().zip(found) {
        let (is, was) = (found.files + found.folders + found.links, tree.files + tree.folders + tree.links);
        if is == 0 || is < was && reference.changed.is_empty() {
            let why =
                format!("of `{}` it holds {is} files, folders and links, and not {was}", tree.path.display());
            return Err(damaged(&why));
        }
    }
    read_back(repository, inventory, &reference.sha256, stop)?;
    if data {
        let day = jiff::Timestamp::now().as_second().div_euclid(86_400).rem_euclid(DAYS) + 1;
        let subset = format!("--read-data-subset={day}/{DAYS}");
        let checked = repository.ask(&["check", "--quiet", &subset], "the repository is damaged", stop);
        checked.map_err(|failure| match failure.kind {
            Kind::CommandFailed => {
                failure.why.iter().fold(damaged("`restic check` found errors"), |all, why| all.why(why))
            }
            _ => failure,
        })?;
    }
    Ok(())
}

/// What the list of a snapshot holds of each tree.
fn count(mut list: File, trees: &[Tree]) -> std::io::Result<Vec<Tree>> {
    list.rewind()?;
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
