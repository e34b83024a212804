//! Files as they are at a commit, without a checkout of it.

use super::Checkout;
use crate::failure::Result;
use git2::{FileMode, Oid, Tree};
use std::path::{Component, Path, PathBuf};

/// More links than this lead in a circle.
const MOST_LINKS: usize = 8;

impl Checkout {
    /// The text of a file at a commit, also of one that a symbolic link in the repository leads to. Nothing if there is no
    /// such file.
    pub fn linked_text_at(&self, commit: Oid, path: &Path) -> Result<Option<String>> {
        let tree = self.tree(commit)?;
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            let Ok(entry) = tree.get_path(&path) else { return Ok(None) };
            let Ok(blob) = self.repository.find_blob(entry.id()) else { return Ok(None) };
            let text = String::from_utf8_lossy(blob.content()).into_owned();
            if entry.filemode() != i32::from(FileMode::Link) {
                return Ok(Some(text));
            }
            let Some(target) = inside(&path.with_file_name(text)) else { return Ok(None) };
            path = target;
        }
        Ok(None)
    }

    /// The names of what is in a folder at a commit; none if there is no such folder.
    pub fn names_at(&self, commit: Oid, folder: &Path) -> Result<Vec<String>> {
        let top = self.tree(commit)?;
        let names = |tree: &Tree| {
            tree.iter().map(|entry| String::from_utf8_lossy(entry.name_bytes()).into_owned()).collect()
        };
        if folder == Path::new("") {
            return Ok(names(&top));
        }
        let below = top.get_path(folder).and_then(|entry| self.repository.find_tree(entry.id())).ok();
        Ok(below.as_ref().map(names).unwrap_or_default())
    }
}

/// A path within a repository without `.` and `..`; nothing if it leads out of it.
pub fn inside(path: &Path) -> Option<PathBuf> {
    let mut parts: Vec<&std::ffi::OsStr> = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(part) => parts.push(part),
            Component::ParentDir => drop(parts.pop()?),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.into_iter().collect())
}
