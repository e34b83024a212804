//! Files of the repository that an administrator edits, and that `edits` in site.toml names or somebody let carry over this
//! time: each release is merged with them, and the way back brings exactly what was there.
//!
//! ```text
//! judge      each edit merged with the release's file, as git stores both  a conflict is refused
//! keep       COMMIT.json and pending.json beside the repository: originals, and what was merged
//! reset      the files as the repository has them                          ── from here a crash is seen ──
//! move       as without edits
//! put        the merged files, or on the way back the originals
//! tidy       remove pending.json
//! ```

use super::carried::{Which, named};
use super::dirt::Differing;
use super::forms::Form;
use super::held::Held;
use super::merge::{difference, merged};
use super::staging::note_of;
use super::{Checkout, Position};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::{private_folder, remove_half_written, write_private_durably};
use crate::output::word;
use git2::{Oid, Status};
use serde::{Deserialize, Serialize};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What a file that was edited becomes.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Edit {
    /// From the checkout's folder.
    #[serde(with = "named")]
    pub path: PathBuf,
    /// That of `stat`: a link is one whose target was edited.
    pub mode: u32,
    /// As it was in the folder; of a link, where it leads.
    pub original: Vec<u8>,
    pub merged: Vec<u8>,
}

impl Edit {
    fn form<'a>(&'a self, content: &'a [u8]) -> Form<'a> {
        Form { path: &self.path, content, executable: self.mode & 0o100 != 0 }
    }

    pub fn is_link(&self) -> bool {
        self.mode & FORMAT == LINK
    }
}

/// The bits of `st_mode` that say what a file is, and those of a link.
const FORMAT: u32 = 0o170_000;
const LINK: u32 = 0o120_000;

/// The edits of a move.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Edits {
    from: String,
    to: String,
    edits: Vec<Edit>,
}

impl Edits {
    /// Each file by its path in the checkout, as it will be.
    pub(super) fn merged(&self) -> impl Iterator<Item = (&Path, &[u8])> {
        let files = self.edits.iter().filter(|edit| !edit.is_link());
        files.map(|edit| (edit.path.as_path(), edit.merged.as_slice()))
    }
}

/// An edit beside the file of a release, for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kept {
    pub path: String,
    /// From the release's file to the one that will be there, as `diff` shows it.
    pub difference: String,
    /// Whether `edits` in site.toml names it.
    pub named: bool,
}

const PENDING: &str = "pending.json";

impl Checkout {
    /// The edits of the checkout as they will be at `to`, which `then` knows. Refused if one can't be merged with it.
    pub(super) fn edits_at(&self, then: &Checkout, to: Oid, which: Which) -> Result<(Edits, Vec<Kept>)> {
        let here = self.head_commit()?;
        let mut edits = Edits { from: here.to_string(), to: to.to_string(), edits: Vec::new() };
        let before = self.edits_left_at(to);
        let (mut stored, mut changed) = (Vec::new(), Vec::new());
        for path in self.edited_paths(to, which)? {
            let mut edit = self.edit_of(&path)?;
            let left = before.as_ref().and_then(|it| it.edits.iter().find(|it| it.path == path));
            let new = then.bytes_at(to, &path);
            match left {
                // The way back to where these were edited.
                Some(left) => {
                    stored.push(new.unwrap_or_default());
                    edit.mode = left.mode;
                    edit.merged = self.back(then, (here, to), &edit, left)?;
                }
                None => {
                    let new =
                        new.ok_or_else(|| self.unmerged(&path, "the release does not have it any more"))?;
                    let is_link = |commit: Oid, it: &Checkout| it.is_link_at(commit, &path);
                    if is_link(here, self) != is_link(to, then) {
                        return Err(self.unmerged(&path, "it is a link in one of the releases only"));
                    }
                    let is_executable =
                        (self.is_executable_at(here, &path), then.is_executable_at(to, &path));
                    edit.mode = with_executable(edit.mode, is_executable);
                    stored.push(new);
                    changed.push(edits.edits.len());
                }
            }
            edits.edits.push(edit);
        }
        self.merge_all(then, (here, to), &mut edits.edits, &stored, &changed)?;
        let kept = self.shown_beside(then, to, &edits.edits, &stored)?;
        Ok((edits, kept))
    }

    /// The paths of edits, in their order.
    fn edited_paths(&self, to: Oid, which: Which) -> Result<Vec<PathBuf>> {
        let agreed = self.agreed(to)?;
        if which == Which::Carried && self.edits.is_empty() && agreed.is_empty() {
            return Ok(Vec::new());
        }
        // Of a move that was cut off, what differs may be a file of one of its commits, and nobody's edit.
        let note = note_of(&self.repository);
        let is_moved = |it: &Differing| note.as_ref().is_some_and(|note| self.is_of(note, to, it));
        let is_carried = |path: &Path| self.is_edit(path) || agreed.iter().any(|it| it == path);
        let mut paths = Vec::new();
        for it in self.differing()? {
            let is_meant = is_carried(&it.path) || which == Which::All && self.can_be_carried(&it)?;
            if it.status == Status::WT_MODIFIED && is_meant && !is_moved(&it) {
                paths.push(it.path);
            }
        }
        for path in self.hidden_edits()? {
            let it = Differing { path, status: Status::WT_MODIFIED, what: None };
            if is_carried(&it.path) && !is_moved(&it) {
                paths.push(it.path);
            }
        }
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    /// Whether it is an edit of a file, or of where a link leads, and nothing else.
    pub(super) fn can_be_carried(&self, differing: &Differing) -> Result<bool> {
        let sorts = (Held::in_index(&self.index()?, &differing.path), self.held_in_folder(&differing.path)?);
        let is_same_sort =
            matches!(sorts, (Held::File { .. }, Held::File { .. }) | (Held::Link(_), Held::Link(_)));
        Ok(differing.status == Status::WT_MODIFIED && is_same_sort)
    }

    /// What is in the folder, to be merged.
    fn edit_of(&self, path: &Path) -> Result<Edit> {
        let full = self.folder.join(path);
        let failed = || format!("`{}` can't be read", full.display());
        let found = full.symlink_metadata().or_fail(Kind::Refused, failed)?;
        let original = if found.is_file() {
            std::fs::read(&full).or_fail(Kind::Refused, failed)?
        } else if found.is_symlink() && self.is_link_at(self.head_commit()?, path) {
            std::fs::read_link(&full).or_fail(Kind::Refused, failed)?.as_os_str().as_bytes().to_vec()
        } else {
            return Err(self.unmerged(path, "it is no plain file any more"));
        };
        Ok(Edit { path: path.to_owned(), mode: found.mode(), original, merged: Vec::new() })
    }

    /// Merges those of the edits that `changed` counts with the release's files.
    fn merge_all(
        &self,
        then: &Checkout,
        (here, to): (Oid, Oid),
        edits: &mut [Edit],
        new: &[Vec<u8>],
        changed: &[usize],
    ) -> Result<()> {
        let (links, files): (Vec<usize>, Vec<usize>) = changed.iter().partition(|n| edits[**n].is_link());
        let forms: Vec<Form> = files.iter().map(|n| edits[*n].form(&edits[*n].original)).collect();
        let mine = if forms.is_empty() { Vec::new() } else { then.stored(here, &forms)? };
        let mine = links.iter().map(|n| edits[*n].original.clone()).chain(mine);
        let (mut all, mut to_write) = (Vec::new(), Vec::new());
        for (n, mine) in links.iter().chain(&files).zip(mine.collect::<Vec<_>>()) {
            let edit = &edits[*n];
            let base = self.bytes_at(here, &edit.path).unwrap_or_default();
            let merged =
                if edit.is_link() { target(&mine, &base, &new[*n]) } else { merged(&mine, &base, &new[*n])? };
            let merged =
                merged.ok_or_else(|| self.unmerged(&edit.path, "the release changes the same lines"))?;
            // What no release changes stays as it is, to the byte.
            match base == new[*n] {
                true => all.push((*n, edit.original.clone())),
                false if edit.is_link() => all.push((*n, merged)),
                false => to_write.push((*n, merged)),
            }
        }
        let forms: Vec<Form> = to_write.iter().map(|(n, merged)| edits[*n].form(merged)).collect();
        let written = if forms.is_empty() { Vec::new() } else { then.written(to, &forms)? };
        all.extend(to_write.iter().map(|(n, _)| *n).zip(written));
        for (n, merged) in all {
            edits[n].merged = merged;
        }
        Ok(())
    }

    /// What becomes of an edit on the way back to where `left` was: exactly that, and what was edited since.
    fn back(&self, then: &Checkout, (here, to): (Oid, Oid), edit: &Edit, left: &Edit) -> Result<Vec<u8>> {
        if edit.original == left.merged || edit.is_link() {
            return Ok(left.original.clone());
        }
        let now = then.stored(here, &[edit.form(&edit.original)])?;
        let base = then.stored(here, &[edit.form(&left.merged)])?;
        let theirs = then.stored(to, &[edit.form(&left.original)])?;
        let merged = merged(&now.concat(), &base.concat(), &theirs.concat())?;
        let merged = merged.ok_or_else(|| {
            self.unmerged(&edit.path, "the same lines were edited before the update and after it")
        })?;
        Ok(then.written(to, &[edit.form(&merged)])?.concat())
    }

    /// The edits for people, beside the files of the release as git stores them.
    fn shown_beside(&self, then: &Checkout, to: Oid, edits: &[Edit], new: &[Vec<u8>]) -> Result<Vec<Kept>> {
        let forms: Vec<Form> =
            edits.iter().filter(|edit| !edit.is_link()).map(|edit| edit.form(&edit.merged)).collect();
        let stored = if forms.is_empty() { Vec::new() } else { then.stored(to, &forms)? };
        let mut stored = stored.into_iter();
        let kept = edits.iter().zip(new).map(|(edit, new)| {
            let merged = if edit.is_link() { Some(edit.merged.clone()) } else { stored.next() };
            let mut difference = difference(new, &merged.unwrap_or_default());
            let is_executable = edit.mode & 0o100 != 0;
            if !edit.is_link() && is_executable != then.is_executable_at(to, &edit.path) {
                difference += if is_executable { "it is executable\n" } else { "it is not executable\n" };
            }
            let path = edit.path.to_string_lossy().into_owned();
            Kept { path, difference, named: self.is_edit(&edit.path) }
        });
        Ok(kept.collect())
    }

    fn unmerged(&self, path: &Path, why: &str) -> Failure {
        let (folder, path) = (word(self.folder.display()), path.display().to_string());
        Failure::new(Kind::Refused, format!("the edits of `{path}` can't be kept: {why}"))
            .why("nothing was touched")
            .help(format!(
                "see them with `git -C {folder} diff HEAD -- {}`, put them aside, and undo them with `git -C {folder} checkout HEAD -- {}`",
                word(&path),
                word(&path)
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
            None => self.edits_at(self, to, Which::Carried)?.0,
        };
        if edits.edits.is_empty() {
            return go();
        }
        private_folder(&folder)?;
        let text = serde_json::to_vec(&edits).or_fail(Kind::Bug, || "edits can't be written".to_owned())?;
        write_private_durably(&folder.join(format!("{}.json", edits.from)), &text)?;
        write_private_durably(&folder.join(PENDING), &text)?;
        self.reset_files(&edits.edits)?;
        let moved = go();
        if moved.is_err() && self.head_commit()?.to_string() != edits.to {
            // Nothing was moved, so that all is as it was.
            self.put_edits(&edits.edits, |edit| &edit.original)?;
            if note_of(&self.repository).is_none() {
                let _ = std::fs::remove_file(folder.join(PENDING));
            }
        } else {
            self.put_edits(&edits.edits, |edit| &edit.merged)?;
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
                let edit = Edit { path: path.clone(), mode, original, merged: Vec::new() };
                let mut one = [edit];
                let new = self.bytes_at(to, &path);
                let new = new.filter(|_| self.is_link_at(from, &path) == self.is_link_at(to, &path));
                let new = [new.ok_or_else(|| self.unmerged(&path, "the release has no such file"))?];
                self.merge_all(self, (from, to), &mut one, &new, &[0])?;
                let [edit] = one;
                edit.merged
            };
            edits.edits.push(Edit { path, mode, original: there, merged });
        }
        Ok(edits)
    }

    /// What was edited when a commit was left, if the checkout is where that move led.
    fn edits_left_at(&self, commit: Oid) -> Option<Edits> {
        let left = read(&self.edits_folder().join(format!("{commit}.json")))?;
        (self.head_commit().ok()?.to_string() == left.to).then_some(left)
    }

    pub(super) fn edits_folder(&self) -> PathBuf {
        self.repository.path().join("banister-edits")
    }

    fn is_link_at(&self, commit: Oid, path: &Path) -> bool {
        self.tree(commit).is_ok_and(|tree| matches!(Held::in_tree(&tree, path), Held::Link(_)))
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

fn read(file: &Path) -> Option<Edits> {
    serde_json::from_slice(&std::fs::read(file).ok()?).ok()
}

/// Where a link leads, if one side changed it at most.
fn target(mine: &[u8], base: &[u8], theirs: &[u8]) -> Option<Vec<u8>> {
    match mine {
        _ if base == theirs || mine == theirs => Some(mine.to_vec()),
        _ if mine == base => Some(theirs.to_vec()),
        _ => None,
    }
}
