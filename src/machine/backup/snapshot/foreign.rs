//! What somebody else may have written into a snapshot: it is looked through before restic restores it, and again before
//! anything of it is used.

use super::read_back::{damaged, unread};
use crate::failure::{Context, Kind, Result};
use crate::machine::archive::{Left, Own, RISEN};
use crate::machine::backup::reference::{Inventory, Reference, Tree};
use crate::machine::restic::Repository;
use crate::machine::tree::{CAPABILITY, Folder, Next, What, remove, walk};
use rustix::fs::{lgetxattr, lremovexattr};
use rustix::io::Errno;
use serde::Deserialize;
use std::collections::HashSet;
use std::collections::hash_map::RandomState;
use std::fs::{File, Permissions};
use std::hash::BuildHasher;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

const WHAT: &str = "the backup can't be unpacked";
/// So many names of what was taken away are kept: all is counted.
const LISTED: usize = 1000;

/// What was taken away from what was restored.
#[derive(Default)]
pub struct Taken {
    /// The names of files that lost their setuid and setgid bits.
    pub stripped: Vec<String>,
    /// What else is not as it was stored, each with its name, for people.
    pub lost: Vec<String>,
}

impl Taken {
    /// Keeps a name, as long as there are not too many.
    fn keep(list: &mut Vec<String>, text: String) {
        match list.len() {
            0..LISTED => list.push(text),
            LISTED => list.push("and more".into()),
            _ => {}
        }
    }
}

/// Something in a snapshot.
#[derive(Deserialize)]
struct Node {
    #[serde(rename = "type", default)]
    sort: String,
    #[serde(default)]
    path: String,
}

/// The most links that are looked at: more than any server has.
const LINKS: usize = 2_000_000;

/// Fails with [`Kind::Refused`] if something lies in what is a link, too: restic would follow it out of the folder that it
/// restores into. No snapshot is like that unless somebody made it so.
pub fn check_paths(inventory: &Inventory, repository: &Repository, stop: &dyn Fn() -> bool) -> Result<()> {
    let tags = inventory.tags().as_option();
    let words = ["ls", "--json", "--tag", &tags, "latest"];
    let hasher = RandomState::new();
    // Links first: one may come after what lies in it.
    let links = repository.run_into(&words, stop, |list| {
        let mut links = HashSet::new();
        read(list, &mut |node| {
            if node.sort == "symlink" && links.len() <= LINKS {
                links.insert(hasher.hash_one(node.path.as_str()));
            }
        })?;
        Ok(links)
    })?;
    let links = listed(repository, links)?;
    if links.len() > LINKS {
        return Err(damaged(&format!("it has more than {LINKS} links")));
    }
    let wrong = repository.run_into(&words, stop, |list| {
        let mut wrong = None;
        read(list, &mut |node| {
            let own = usize::from(node.sort == "symlink");
            let mut paths = Path::new(&node.path).ancestors().skip(own).filter_map(Path::to_str);
            if wrong.is_none() && paths.any(|path| links.contains(&hasher.hash_one(path))) {
                wrong = Some(node.path);
            }
        })?;
        Ok(wrong)
    })?;
    match listed(repository, wrong)? {
        None => Ok(()),
        Some(path) => Err(damaged(&format!("`{path}` in it lies in a link, or is a link, too"))),
    }
}

fn listed<T>(repository: &Repository, said: (crate::command::Looked, std::io::Result<T>)) -> Result<T> {
    let (looked, read) = said;
    match repository.trouble(&looked) {
        Some(trouble) => Err(unread(repository, trouble, &looked, WHAT)),
        None => read.or_fail(Kind::Refused, || WHAT.to_owned()),
    }
}

fn read(list: File, take: &mut dyn FnMut(Node)) -> std::io::Result<()> {
    for line in BufReader::new(list).split(b'\n') {
        if let Ok(node) = serde_json::from_slice::<Node>(&line?)
            && !node.path.is_empty()
        {
            take(node);
        }
    }
    Ok(())
}

/// Opens the folder around a path below `top`; no link on the way is followed. Fails with [`Kind::Refused`] if there is
/// one.
pub fn around(top: &Path, path: &Path) -> Result<Folder> {
    let below = path.strip_prefix("/").unwrap_or(path).parent().unwrap_or(Path::new(""));
    let opened = Folder::open(top).and_then(|top| top.below(below));
    opened.map_err(|error| damaged(&format!("`{}` is not in a folder of it: {error}", path.display())))
}

/// Looks through what was restored at `path` of a tree, and takes away what leads elsewhere or gives rights away; how many
/// things are there then.
///
/// What leads out, and what is no file, was made while the backup was taken, or by somebody else. What runs as its owner or
/// has capabilities is believed only of a backup that was made here.
pub fn look_through(reference: &Reference, tree: &Tree, path: &Path, taken: &mut Taken) -> Result<u64> {
    let is_own = reference.inventory.is_own();
    let mut found = 0u64;
    let mut outward = Vec::new();
    walk(path, &mut |entry| {
        let name =
            || format!("{}/{}", tree.name, entry.below.to_string_lossy()).trim_end_matches('/').to_owned();
        if let Some(left) = Left::of(entry, &tree.name, &Own::default())? {
            if entry.below.is_empty() {
                return Err(damaged(&format!("`{}` may not be in it: {}", tree.name, left.why())));
            }
            // Not while its folder is read.
            outward.push(entry.path.to_owned());
            Taken::keep(&mut taken.lost, format!("`{}`: {}", name(), left.why()));
            return Ok(Next::Pass);
        }
        found += 1;
        if is_own || entry.what != What::File {
            return Ok(Next::Enter);
        }
        let failed = || format!("`{}` can't be changed", entry.path.display());
        if let Some(mode) = entry.metadata.map(MetadataExt::mode).filter(|mode| mode & RISEN != 0) {
            std::fs::set_permissions(entry.path, Permissions::from_mode(mode & 0o7777 & !RISEN))
                .or_fail(Kind::Refused, failed)?;
            Taken::keep(&mut taken.stripped, name());
        }
        match lgetxattr(entry.path, CAPABILITY, &mut [0u8; 0][..]) {
            Err(Errno::NODATA | Errno::OPNOTSUPP | Errno::NOSYS) => {}
            _ => {
                lremovexattr(entry.path, CAPABILITY).or_fail(Kind::Refused, failed)?;
                let text = format!("`{}`: {CAPABILITY} (the backup was not made here)", name());
                Taken::keep(&mut taken.lost, text);
            }
        }
        Ok(Next::Enter)
    })?;
    for path in outward {
        remove(&path).or_fail(Kind::Refused, || format!("`{}` can't be removed", path.display()))?;
    }
    Ok(found)
}
