//! A release's files beside the checkout, as its folder would be after a move: for a program that reads files, such as
//! Compose, and must not see those of now.
//!
//! The folder has the whole path of the checkout below it, so that what is relative there leads, without the beginning, to
//! where it will lead.

use super::{Checkout, Which};
use crate::failure::{Context, Failure, Kind, Result};
use git2::{FileMode, ObjectType, Oid, Tree, TreeWalkMode, TreeWalkResult};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A larger file is no setting that anybody reads: it is there, and empty.
const LARGEST: usize = 1 << 20;
/// What is written at most, in bytes and files.
const MOST: usize = 256 << 20;
const FILES: usize = 200_000;

/// The folder, removed when this is dropped.
pub struct Beside {
    /// Without links in its path.
    root: PathBuf,
    folder: PathBuf,
    _removed: TempDir,
}

impl Beside {
    /// Where the checkout's own folder is in it.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where a path in it will lead.
    pub fn real(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).map_or_else(|_| path.to_owned(), |rest| Path::new("/").join(rest))
    }
}

impl Checkout {
    /// Writes the files of `to`, which `then` knows, with the edits, as without them nothing is updated. What git does not know of in the
    /// checkout is linked.
    pub fn beside(&self, then: &Checkout, to: Oid, stop: &dyn Fn() -> bool) -> Result<Beside> {
        let failed = || format!("the files of {} can't be written into a temporary folder", then.short(to));
        let made = tempfile::tempdir().or_fail(Kind::Refused, failed)?;
        let root = made.path().canonicalize().or_fail(Kind::Refused, failed)?;
        let folder = root.join(self.folder.strip_prefix("/").unwrap_or(&self.folder));
        let beside = Beside { root, folder, _removed: made };
        std::fs::create_dir_all(&beside.folder).or_fail(Kind::Refused, failed)?;
        let mut left = Left { files: FILES, bytes: MOST, stop };
        then.write_tree(to, &self.folder, &beside.folder, &mut left)?;
        for (path, text) in self.edits_at(then, to, Which::All)?.0.merged() {
            std::fs::write(beside.folder.join(path), text).or_fail(Kind::Refused, failed)?;
        }
        let here = self.tree(self.head_commit()?)?;
        link_unknown(&self.folder, &beside.folder, Path::new(""), &here, &mut left)?;
        Ok(beside)
    }

    fn write_tree(&self, commit: Oid, real: &Path, into: &Path, left: &mut Left) -> Result<()> {
        let mut refused = None;
        let walked = self.tree(commit)?.walk(TreeWalkMode::PreOrder, |above, entry| {
            let path =
                Path::new(OsStr::from_bytes(above.as_bytes())).join(OsStr::from_bytes(entry.name_bytes()));
            let written = left.another().and_then(|()| {
                let (at, link) = (into.join(&path), entry.filemode() == i32::from(FileMode::Link));
                let failed = || format!("`{}` can't be written", at.display());
                match entry.kind() {
                    Some(ObjectType::Tree) => std::fs::create_dir(&at).or_fail(Kind::Refused, failed),
                    Some(ObjectType::Blob) => {
                        let blob = self.repository.find_blob(entry.id());
                        let blob = blob.map_err(|error| {
                            self.failed(&format!("`{}` can't be read", path.display()), &error)
                        })?;
                        let content = if blob.size() > LARGEST { &[] } else { blob.content() };
                        left.take(content.len())?;
                        match link {
                            true => symlink(OsStr::from_bytes(content), &at).or_fail(Kind::Refused, failed),
                            false => std::fs::write(&at, content).or_fail(Kind::Refused, failed),
                        }
                    }
                    // A submodule.
                    _ => symlink(real.join(&path), &at).or_fail(Kind::Refused, failed),
                }
            });
            match written {
                Ok(()) => TreeWalkResult::Ok,
                Err(failure) => {
                    refused = Some(failure);
                    TreeWalkResult::Abort
                }
            }
        });
        match (refused, walked) {
            (Some(failure), _) => Err(failure),
            (None, walked) => {
                walked.map_err(|error| self.failed("the files of the release can't be read", &error))
            }
        }
    }

    /// Whether all that is at a path of the folder is part of what is checked out: nothing in it is anybody's data. Nothing
    /// is, if it is too much to look through.
    pub fn is_all_tracked(&self, path: &Path) -> bool {
        let Ok(here) = self.head_commit().and_then(|head| self.tree(head)) else { return false };
        let Ok(within) = path.strip_prefix(&self.folder) else { return false };
        !within.as_os_str().is_empty() && is_all_in(&here, path, within, &mut FILES.clone()) == Some(true)
    }
}

/// Nothing if it can't be known.
fn is_all_in(here: &Tree, path: &Path, within: &Path, left: &mut usize) -> Option<bool> {
    *left = left.checked_sub(1)?;
    let found = path.symlink_metadata().ok()?;
    if !found.is_dir() {
        return Some(here.get_path(within).is_ok_and(|entry| entry.kind() == Some(ObjectType::Blob)));
    }
    for entry in std::fs::read_dir(path).ok()? {
        let name = entry.ok()?.file_name();
        if !is_all_in(here, &path.join(&name), &within.join(&name), left)? {
            return Some(false);
        }
    }
    Some(true)
}

/// Links what is in the checkout and not known to git, in folders that both have.
fn link_unknown(real: &Path, beside: &Path, within: &Path, here: &Tree, left: &mut Left) -> Result<()> {
    let failed = || format!("`{}` can't be read", real.display());
    for entry in std::fs::read_dir(real).or_fail(Kind::Refused, failed)? {
        let entry = entry.or_fail(Kind::Refused, failed)?;
        left.another()?;
        let name = entry.file_name();
        let (real, at, within) = (real.join(&name), beside.join(&name), within.join(&name));
        let is_folder = entry.file_type().or_fail(Kind::Refused, failed)?.is_dir();
        let known = here.get_path(&within).ok().and_then(|entry| entry.kind());
        match at.symlink_metadata() {
            _ if name == ".git" => {}
            Ok(there) if is_folder && there.is_dir() => link_unknown(&real, &at, &within, here, left)?,
            Ok(_) => {}
            // What is not tracked stays in a folder that the release does not have.
            Err(_) if is_folder && known == Some(ObjectType::Tree) => {
                std::fs::create_dir(&at).or_fail(Kind::Refused, failed)?;
                link_unknown(&real, &at, &within, here, left)?;
            }
            Err(_) if known.is_some() => {}
            Err(_) => symlink(&real, &at).or_fail(Kind::Refused, failed)?,
        }
    }
    Ok(())
}

/// How much more may be written.
struct Left<'a> {
    files: usize,
    bytes: usize,
    stop: &'a dyn Fn() -> bool,
}

impl Left<'_> {
    fn another(&mut self) -> Result<()> {
        if (self.stop)() {
            return Err(Failure::new(Kind::Interrupted, "interrupted"));
        }
        self.files = self.files.checked_sub(1).ok_or_else(too_large)?;
        Ok(())
    }

    fn take(&mut self, bytes: usize) -> Result<()> {
        self.bytes = self.bytes.checked_sub(bytes).ok_or_else(too_large)?;
        Ok(())
    }
}

fn too_large() -> Failure {
    Failure::new(Kind::Refused, "the release has more files than can be written into a temporary folder")
        .why(format!("at most {FILES} files and {} MiB of text are", MOST >> 20))
}
