//! The acts of a move, in their order: prepare the files, put them in place, then the index, then HEAD.
//!
//! Whether it may be done was judged in [`super::moving`].

use std::collections::BTreeSet;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use git2::{AttrCheckFlags, Index, IndexEntry, IndexTime, Oid};

use super::Checkout;
use super::held::{Held, missing};
use super::moving::Piece;
use super::staging::Staging;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::sync_folder_of;
use crate::output::word;

impl Checkout {
    /// Refuses if a new file would need the place of something that is not going away.
    pub(super) fn refuse_if_in_the_way(&self, pieces: &[Piece]) -> Result<()> {
        let going: BTreeSet<&Path> = pieces
            .iter()
            .filter(|piece| piece.wanted == Held::Nothing)
            .map(|piece| piece.path.as_path())
            .collect();
        let mut in_the_way = BTreeSet::new();
        for piece in pieces.iter().filter(|piece| piece.wanted != Held::Nothing && !piece.there) {
            for above in piece.path.ancestors().skip(1).filter(|above| *above != Path::new("")) {
                let found = self.folder.join(above).symlink_metadata();
                if found.is_ok_and(|found| !found.is_dir()) && !going.contains(above) {
                    in_the_way.insert(above.to_path_buf());
                }
            }
            let full = self.folder.join(&piece.path);
            let submodule = matches!(piece.wanted, Held::Submodule(_));
            if !submodule && full.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                self.staying(&piece.path, &going, &mut in_the_way)?;
            }
        }
        if in_the_way.is_empty() {
            return Ok(());
        }
        let mut failure = Failure::new(
            Kind::Refused,
            format!(
                "files in the checkout {} are where the release has others; nothing was touched",
                self.shown()
            ),
        );
        failure.why = in_the_way.iter().map(|path| format!("in the way: {}", path.display())).collect();
        Err(failure.help("move them out of the checkout, then try again with `banister resume`"))
    }

    /// Everything in a folder that would still be there when the files of the old release are gone.
    fn staying(&self, folder: &Path, going: &BTreeSet<&Path>, found: &mut BTreeSet<PathBuf>) -> Result<()> {
        let failed = || format!("`{}` can't be read", self.folder.join(folder).display());
        for entry in std::fs::read_dir(self.folder.join(folder)).or_fail(Kind::Refused, failed)? {
            let entry = entry.or_fail(Kind::Refused, failed)?;
            let path = folder.join(entry.file_name());
            if entry.file_type().or_fail(Kind::Refused, failed)?.is_dir() {
                self.staying(&path, going, found)?;
            } else if !going.contains(path.as_path()) {
                found.insert(path);
            }
        }
        Ok(())
    }

    /// Writes all new files beside the checkout, and returns their folder. The checkout is not touched.
    pub(super) fn prepare(&self, staging: &Staging, to: Oid, pieces: &[Piece]) -> Result<PathBuf> {
        let wanted: Vec<&Path> =
            pieces.iter().filter(|piece| is_written(piece)).map(|piece| piece.path.as_path()).collect();
        let ready = staging.write_out(self, to, &wanted, "files")?;
        for path in &wanted {
            if let Some(filter) = self.filter_of(path) {
                return Err(Failure::new(
                    Kind::Refused,
                    format!(
                        "`{}` goes through git's filter `{filter}`, which banister can't run",
                        path.display()
                    ),
                )
                .why("nothing was touched")
                .help(format!(
                    "check the release out with git itself: `git -C {} checkout {to}`",
                    word(self.folder.display())
                )));
            }
        }
        let device = |path: &Path| path.symlink_metadata().map(|found| found.dev());
        if let (Ok(one), Ok(other)) = (device(&ready), device(&self.folder))
            && one != other
        {
            return Err(Failure::new(
                Kind::Refused,
                format!("the checkout {} and its `.git` are on different file systems", self.shown()),
            )
            .why("files can't be put in place in one step; nothing was touched")
            .help(format!(
                "check the release out with git itself: `git -C {} checkout {to}`",
                word(self.folder.display())
            )));
        }
        Ok(ready)
    }

    fn filter_of(&self, path: &Path) -> Option<String> {
        let attribute = self.repository.get_attr(path, "filter", AttrCheckFlags::FILE_THEN_INDEX);
        // `true` and `false` are how git says that it is set without a name, or unset.
        let filter = attribute.ok().flatten()?.to_owned();
        (!["true", "false"].contains(&filter.as_str())).then_some(filter)
    }

    /// Removes what goes and renames the new files into place; each of these is one step.
    pub(super) fn put_in_place(&self, ready: &Path, pieces: &[Piece]) -> Result<()> {
        let mut folders = BTreeSet::new();
        for piece in pieces.iter().filter(|piece| !piece.there && piece.wanted == Held::Nothing) {
            let full = self.folder.join(&piece.path);
            let failed = || format!("`{}` can't be removed", full.display());
            match std::fs::remove_file(&full) {
                // A submodule's folder stays, as git leaves it: it may hold work.
                Err(error) if error.kind() == std::io::ErrorKind::IsADirectory => {}
                Err(error) if !missing(&error) => return Err(error).or_fail(Kind::Refused, failed),
                _ => {}
            }
            folders.insert(self.remove_empty_above(&full));
        }
        for piece in pieces.iter().filter(|piece| !piece.there && piece.wanted != Held::Nothing) {
            let full = self.folder.join(&piece.path);
            let failed = || format!("`{}` can't be put in place", full.display());
            let above = full.parent().unwrap_or(&self.folder);
            std::fs::create_dir_all(above).or_fail(Kind::Refused, failed)?;
            if let Held::Submodule(_) = piece.wanted {
                std::fs::create_dir_all(&full).or_fail(Kind::Refused, failed)?;
                continue;
            }
            if full.symlink_metadata().is_ok_and(|found| found.is_dir()) {
                remove_empty_tree(&full).or_fail(Kind::Refused, failed)?;
            }
            std::fs::rename(ready.join(&piece.path), &full).or_fail(Kind::Refused, failed)?;
            folders.extend(
                above.ancestors().take_while(|above| above.starts_with(&self.folder)).map(Path::to_path_buf),
            );
        }
        for folder in folders {
            // One that was removed again has nothing to sync.
            match File::open(&folder).and_then(|folder| folder.sync_all()) {
                Err(error) if !missing(&error) => {
                    return Err(error)
                        .or_fail(Kind::Refused, || format!("`{}` can't be synced", folder.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Removes the folders above `path` that have become empty, as git does; returns the first that stays.
    fn remove_empty_above(&self, path: &Path) -> PathBuf {
        for above in path.ancestors().skip(1) {
            if above == self.folder || std::fs::remove_dir(above).is_err_and(|error| !missing(&error)) {
                return above.to_path_buf();
            }
        }
        self.folder.clone()
    }

    /// Writes an index that knows the new files, and replaces git's with it in one step.
    pub(super) fn put_index(&self, staging: &Staging, pieces: &[Piece]) -> Result<()> {
        let failed = |error: git2::Error| self.failed("the new index can't be written", &error);
        let io_failed = || format!("the index of {} can't be replaced", self.shown());
        let (current, next) = (self.repository.path().join("index"), staging.path("index"));
        // What a move cut off has left here; libgit2 makes a lock beside this index, too.
        for left in [&next, &staging.path("index.lock")] {
            let _ = std::fs::remove_file(left);
        }
        if current.exists() {
            std::fs::copy(&current, &next).or_fail(Kind::Refused, io_failed)?;
        }
        let mut index = Index::open_ext(&next, self.repository.object_format()).map_err(failed)?;
        for piece in pieces {
            match piece.wanted.entry() {
                None if index.get_path(&piece.path, 0).is_some() => {
                    index.remove(&piece.path, 0).map_err(failed)?
                }
                None => {}
                Some((mode, id)) => {
                    let found = self.folder.join(&piece.path).symlink_metadata();
                    let found = found.or_fail(Kind::Refused, io_failed)?;
                    index.add(&entry(&piece.path, mode, id, &found)).map_err(failed)?;
                }
            }
        }
        index.write().map_err(failed)?;
        staging.publish_index(&self.repository).or_fail(Kind::Refused, io_failed)
    }

    /// Moves HEAD to `to`, on `branch` or detached. The branch comes first: until HEAD is moved, the move is not done.
    pub(super) fn move_head(&self, to: Oid, branch: Option<&str>) -> Result<()> {
        let failed = |error: git2::Error| self.failed("HEAD can't be moved", &error);
        let repository = &self.repository;
        match branch {
            None => repository.set_head_detached(to).map_err(failed)?,
            Some(branch) => {
                let name = format!("refs/heads/{branch}");
                let mut reference = repository.find_reference(&name).map_err(failed)?;
                if reference.target() != Some(to) {
                    reference.set_target(to, &format!("banister: move to {to}")).map_err(failed)?;
                }
                if self.branch()?.as_deref() != Some(branch) {
                    repository.set_head(&name).map_err(failed)?;
                }
            }
        }
        let synced = sync_folder_of(&repository.path().join("HEAD"));
        synced.or_fail(Kind::Refused, || format!("HEAD of {} can't be synced", self.shown()))
    }
}

fn is_written(piece: &Piece) -> bool {
    !piece.there && matches!(piece.wanted, Held::File { .. } | Held::Link(_))
}

/// Removes folders in which there is no file any more.
fn remove_empty_tree(folder: &Path) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        remove_empty_tree(&entry?.path())?;
    }
    std::fs::remove_dir(folder)
}

/// An entry of the index with what git compares to see quickly that a file is unchanged. Git keeps the lower 32 bits.
fn entry(path: &Path, mode: u32, id: Oid, found: &std::fs::Metadata) -> IndexEntry {
    IndexEntry {
        ctime: IndexTime::new(found.ctime() as i32, found.ctime_nsec() as u32),
        mtime: IndexTime::new(found.mtime() as i32, found.mtime_nsec() as u32),
        dev: found.dev() as u32,
        ino: found.ino() as u32,
        mode,
        uid: found.uid(),
        gid: found.gid(),
        file_size: found.len() as u32,
        id,
        flags: 0,
        flags_extended: 0,
        path: path.as_os_str().as_bytes().to_vec(),
    }
}
