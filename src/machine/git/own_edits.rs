//! Files of the repository that an administrator edits and that `edits` in site.toml names: each release is merged with
//! them, and the way back brings exactly what was there.
//!
//! ```text
//! judge      each edit merged with the release's file, in memory           a conflict is refused
//! keep       COMMIT.json and pending.json beside the repository: originals, and what was merged
//! reset      the files as the repository has them                          ── from here a crash is seen ──
//! move       as without edits
//! put        the merged files, or on the way back the originals
//! tidy       remove pending.json
//! ```

use super::dirt::Differing;
use super::held::Held;
use super::staging::note_of;
use super::{Checkout, Position};
use crate::command::{self, Exit, Spec};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::{private_folder, remove_half_written, rewrite_durably, write_private_durably};
use crate::output::word;
use crate::units::Duration;
use git2::{IndexEntryExtendedFlag, IndexEntryFlag, Oid, Pathspec, PathspecFlags, Status};
use serde::{Deserialize, Serialize};
use similar::TextDiff;
use std::os::unix::ffi::OsStringExt;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What a file that was edited becomes.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Edit {
    /// From the checkout's folder.
    path: String,
    mode: u32,
    original: Vec<u8>,
    merged: Vec<u8>,
}

/// The edits of a move.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Edits {
    from: String,
    to: String,
    edits: Vec<Edit>,
}

impl Edits {
    /// Each file by its path in the checkout, as it will be.
    pub(super) fn merged(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.edits.iter().map(|edit| (edit.path.as_str(), edit.merged.as_slice()))
    }
}

/// An edit beside the file of a release, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub path: String,
    /// From the release's file to the one that will be there, as `diff` shows it.
    pub difference: String,
}

const PENDING: &str = "pending.json";
const MERGE: Duration = Duration::seconds(60);

impl Checkout {
    /// Whether `edits` in site.toml names it.
    pub(super) fn is_edit(&self, path: &Path) -> bool {
        !self.edits.is_empty()
            && Pathspec::new(self.edits.iter())
                .is_ok_and(|patterns| patterns.matches_path(path, PathspecFlags::DEFAULT))
    }

    /// The paths that differ from what is checked out although git was told not to look at them.
    pub(super) fn hidden_edits(&self) -> Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in self.index()?.iter() {
            let is_kept_out =
                IndexEntryExtendedFlag::from_bits_truncate(entry.flags_extended).is_skip_worktree();
            if !is_kept_out && !IndexEntryFlag::from_bits_truncate(entry.flags).is_valid() {
                continue;
            }
            let path = PathBuf::from(std::ffi::OsString::from_vec(entry.path));
            let held = self.held_in_folder(&path)?;
            if held == Held::Nothing && is_kept_out {
                continue;
            }
            let is_same = match held {
                Held::File { id, .. } | Held::Link(id) => id == entry.id,
                _ => false,
            };
            if !is_same {
                found.push(path);
            }
        }
        Ok(found)
    }

    /// The edits of the checkout as they will be at `to`, which `then` knows. Refused if one can't be merged with it.
    pub(super) fn edits_at(&self, then: &Checkout, to: Oid) -> Result<(Edits, Vec<Kept>)> {
        let here = self.head_commit()?;
        let mut edits = Edits { from: here.to_string(), to: to.to_string(), edits: Vec::new() };
        let mut kept = Vec::new();
        if self.edits.is_empty() {
            return Ok((edits, kept));
        }
        // Of a move that was cut off, what differs may be a file of one of its commits, and nobody's edit.
        let note = note_of(&self.repository);
        let is_moved = |it: &Differing| note.as_ref().is_some_and(|note| self.is_of(note, to, it));
        let edited = self.differing()?.into_iter().filter(is_modified);
        let hidden = self.hidden_edits()?.into_iter().map(|path| Differing {
            path,
            status: Status::WT_MODIFIED,
            what: None,
        });
        let mut paths: Vec<PathBuf> = edited
            .chain(hidden)
            .filter(|it| self.is_edit(&it.path) && !is_moved(it))
            .map(|it| it.path)
            .collect();
        paths.sort();
        paths.dedup();
        let before = self.edits_left_at(to);
        for path in paths {
            let full = self.folder.join(&path);
            let failed = || format!("`{}` can't be read", full.display());
            let shown = path.to_string_lossy().into_owned();
            if path.to_str().is_none() {
                return Err(self.unmerged(&shown, "its name is not UTF-8"));
            }
            if !full.symlink_metadata().or_fail(Kind::Refused, failed)?.is_file() {
                return Err(self.unmerged(&shown, "it is no plain file any more"));
            }
            let mode = std::fs::metadata(&full).or_fail(Kind::Refused, failed)?.permissions().mode();
            let original = std::fs::read(&full).or_fail(Kind::Refused, failed)?;
            let left = before.as_ref().and_then(|it| it.edits.iter().find(|it| it.path == shown));
            let (base, theirs, mode) = match left {
                // The way back to where these were edited.
                Some(left) => (left.merged.clone(), Some(left.original.clone()), left.mode),
                None => {
                    let is_executable =
                        (self.is_executable_at(here, &path), then.is_executable_at(to, &path));
                    let base = self.bytes_at(here, &path).unwrap_or_default();
                    (base, then.bytes_at(to, &path), with_executable(mode, is_executable))
                }
            };
            let Some(theirs) = theirs else {
                return Err(self.unmerged(&shown, "the release does not have it any more"));
            };
            let merged = merged(&original, &base, &theirs)?;
            let Some(merged) = merged else {
                return Err(self.unmerged(&shown, "the release changes the same lines"));
            };
            let new = then.bytes_at(to, &path).unwrap_or_default();
            kept.push(Kept { path: shown.clone(), difference: difference(&new, &merged) });
            edits.edits.push(Edit { path: shown, mode, original, merged });
        }
        Ok((edits, kept))
    }

    fn unmerged(&self, path: &str, why: &str) -> Failure {
        let folder = word(self.folder.display());
        Failure::new(Kind::Refused, format!("the edits of `{path}` can't be kept: {why}"))
            .why("nothing was touched")
            .help(format!(
                "see them with `git -C {folder} diff HEAD -- {}`, put them aside, and undo them with `git -C {folder} checkout HEAD -- {}`",
                word(path),
                word(path)
            ))
    }

    /// Moves with the edits: `go` moves a checkout without any.
    pub(super) fn move_with_edits(
        &self,
        to: Oid,
        go: &dyn Fn() -> Result<(Position, bool)>,
    ) -> Result<(Position, bool)> {
        let folder = self.edits_folder();
        let edits = match read(&folder.join(PENDING)) {
            Some(left) => {
                for edit in &left.edits {
                    remove_half_written(&self.folder.join(&edit.path))?;
                }
                self.continued(left, to)?
            }
            None => self.edits_at(self, to)?.0,
        };
        if edits.edits.is_empty() {
            return go();
        }
        private_folder(&folder)?;
        let text = serde_json::to_vec(&edits).or_fail(Kind::Bug, || "edits can't be written".to_owned())?;
        write_private_durably(&folder.join(format!("{}.json", edits.from)), &text)?;
        write_private_durably(&folder.join(PENDING), &text)?;
        self.reset_files(&edits)?;
        let moved = go();
        if moved.is_err() && self.head_commit()?.to_string() != edits.to {
            // Nothing was moved, so that all is as it was.
            self.put_edits(&edits, |edit| &edit.original)?;
            if note_of(&self.repository).is_none() {
                let _ = std::fs::remove_file(folder.join(PENDING));
            }
        } else {
            self.put_edits(&edits, |edit| &edit.merged)?;
        }
        if moved.is_ok() {
            let _ = std::fs::remove_file(folder.join(PENDING));
        }
        moved.map(|(from, _)| (from, true))
    }

    /// The edits of an attempt that was cut off, on the way to `to`.
    fn continued(&self, left: Edits, to: Oid) -> Result<Edits> {
        if left.to == to.to_string() {
            return Ok(left);
        }
        let mut edits = Edits { from: left.to.clone(), to: to.to_string(), edits: Vec::new() };
        for Edit { path, mode, original, merged: there } in left.edits {
            let merged = if left.from == edits.to {
                // Back again: exactly what was there.
                original
            } else {
                let failed = |error: git2::Error| self.failed("the edits can't be read", &error);
                let from = Oid::from_str_ext(&left.from, self.repository.object_format()).map_err(failed)?;
                let base = self.bytes_at(from, Path::new(&path)).unwrap_or_default();
                let theirs = self.bytes_at(to, Path::new(&path));
                let merged = theirs.map(|theirs| merged(&original, &base, &theirs)).transpose()?.flatten();
                merged.ok_or_else(|| {
                    self.unmerged(&path, "the release changes the same lines, or has no such file")
                })?
            };
            edits.edits.push(Edit { path, mode, original: there, merged });
        }
        Ok(edits)
    }

    fn reset_files(&self, edits: &Edits) -> Result<()> {
        let paths: Vec<&str> = edits.edits.iter().map(|edit| edit.path.as_str()).collect();
        // Git takes one of the two at a time.
        for watched in ["--no-skip-worktree", "--no-assume-unchanged"] {
            self.git_does(&[&["update-index", watched, "--"], &paths[..]].concat())?;
        }
        self.git_does(&[&["--literal-pathspecs", "checkout", "--quiet", "HEAD", "--"], &paths[..]].concat())
    }

    fn put_edits(&self, edits: &Edits, content: impl Fn(&Edit) -> &Vec<u8>) -> Result<()> {
        for edit in &edits.edits {
            let full = self.folder.join(&edit.path);
            if !full.symlink_metadata().is_ok_and(|found| found.is_file()) {
                return Err(Failure::new(Kind::Refused, format!("`{}` is no file any more", full.display()))
                    .why(format!("its edits are in `{}`", self.edits_folder().join(PENDING).display())));
            }
            rewrite_durably(&full, content(edit))?;
            let failed = || format!("the mode of `{}` can't be set", full.display());
            let mode = std::fs::Permissions::from_mode(edit.mode & 0o7777);
            std::fs::set_permissions(&full, mode).or_fail(Kind::Refused, failed)?;
        }
        Ok(())
    }

    /// What was edited when a commit was left, if the checkout is where that move led.
    fn edits_left_at(&self, commit: Oid) -> Option<Edits> {
        let left = read(&self.edits_folder().join(format!("{commit}.json")))?;
        (self.head_commit().ok()?.to_string() == left.to).then_some(left)
    }

    fn edits_folder(&self) -> PathBuf {
        self.repository.path().join("banister-edits")
    }

    fn is_executable_at(&self, commit: Oid, path: &Path) -> bool {
        let tree = self.tree(commit).ok();
        tree.is_some_and(|tree| matches!(Held::in_tree(&tree, path), Held::File { executable: true, .. }))
    }

    fn bytes_at(&self, commit: Oid, path: &Path) -> Option<Vec<u8>> {
        let entry = self.tree(commit).ok()?.get_path(path).ok()?;
        Some(self.repository.find_blob(entry.id()).ok()?.content().to_vec())
    }
}

/// A mode with what a release changed of it, from before to after, unless an admin did.
fn with_executable(mode: u32, is_executable: (bool, bool)) -> u32 {
    match (mode & 0o100 != 0, is_executable) {
        (false, (false, true)) => mode | (mode & 0o444) >> 2,
        (true, (true, false)) => mode & !0o111,
        _ => mode,
    }
}

fn is_modified(differing: &Differing) -> bool {
    differing.status == Status::WT_MODIFIED
}

fn read(file: &Path) -> Option<Edits> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

/// `mine` with what changed between `base` and `theirs`; nothing if both changed the same lines.
fn merged(mine: &[u8], base: &[u8], theirs: &[u8]) -> Result<Option<Vec<u8>>> {
    if base == theirs || mine == theirs {
        return Ok(Some(mine.to_vec()));
    }
    if mine == base {
        return Ok(Some(theirs.to_vec()));
    }
    let failed = || "two versions of a file can't be merged".to_owned();
    let folder = tempfile::tempdir().or_fail(Kind::Refused, failed)?;
    for (name, text) in [("mine", mine), ("base", base), ("theirs", theirs)] {
        std::fs::write(folder.path().join(name), text).or_fail(Kind::Refused, failed)?;
    }
    let mut spec = Spec::new(["git", "merge-file", "--quiet", "mine", "base", "theirs"], folder.path());
    spec.within = Some(MERGE);
    match command::look(&spec, &|| false)?.exit {
        Exit::Status(0) => std::fs::read(folder.path().join("mine")).or_fail(Kind::Refused, failed).map(Some),
        _ => Ok(None),
    }
}

fn difference(old: &[u8], new: &[u8]) -> String {
    match (std::str::from_utf8(old), std::str::from_utf8(new)) {
        (Ok(old), Ok(new)) => TextDiff::from_lines(old, new).unified_diff().context_radius(2).to_string(),
        _ => "it is no text, and another one".to_owned(),
    }
}
