//! Moves a checkout from one commit to another so that it can be killed at any moment and tried again.
//!
//! ```text
//! judge      is every path the old one, the new one, or one of a move that was cut off?  else refuse
//! prepare    all new files, in .git/banister-check-out                nothing is touched so far
//! note       moving.json: from, to                                    ── from here a crash is seen ──
//! files      remove what goes, rename the new ones into place
//! index      in one rename
//! HEAD       in one rename
//! tidy       remove moving.json
//! ```
//!
//! HEAD is moved last, so a second attempt sees the old commit and a mixture of old and new files. It may go to the
//! same commit, to another, or back: the note says whose files may be in the mixture. What is none of theirs is
//! somebody's own and is never overwritten.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use git2::{Index, IndexEntryExtendedFlag, IndexEntryFlag, Oid, RepositoryState, Tree};

use super::dirt::{Differing, dirt};
use super::held::Held;
use super::staging::{Note, Staging, index_lock};
use super::{Checkout, Position};
use crate::failure::{Failure, Kind, Result};

/// How many of an admin's changes a refusal names.
const NAMED: usize = 20;

/// One path to bring to what the new commit holds.
pub(super) struct Piece {
    pub path: PathBuf,
    pub wanted: Held,
    /// The folder holds it already; only the index has to hear of it.
    pub there: bool,
}

impl Checkout {
    /// Brings files, index and HEAD to `to`; HEAD will name `branch`, or be detached. Returns where the checkout
    /// stood before, even if it was an earlier attempt that left there, and whether anything was changed now.
    pub(super) fn move_to(&self, to: Oid, branch: Option<&str>) -> Result<(Position, bool)> {
        let staging = Staging::take(self)?;
        let left = staging.left();
        match self.judge_and_move(&staging, left.as_ref(), to, branch) {
            Ok(moved) => {
                staging.discard();
                Ok(moved)
            }
            // The note must outlive a failure half-way, and one that an earlier move left.
            Err(failure) if staging.left().is_some() => Err(failure),
            Err(failure) => {
                staging.discard();
                Err(failure)
            }
        }
    }

    fn judge_and_move(
        &self,
        staging: &Staging,
        left: Option<&Note>,
        to: Oid,
        branch: Option<&str>,
    ) -> Result<(Position, bool)> {
        staging.remove_own_locks(&self.repository);
        self.refuse_if_busy()?;
        let here = self.position()?;
        let from = match left {
            // The earlier attempt was this same move: where it came from is where this one comes from.
            Some(note)
                if note.to == to.to_string() && [&note.from.commit, &note.to].contains(&&here.commit) =>
            {
                note.from.clone()
            }
            _ => here.clone(),
        };
        let pieces = self.judge(staging, left, to)?;
        let changed = from.commit != to.to_string() || from.branch.as_deref() != branch;
        let touched = pieces.iter().any(|piece| !piece.there);
        if !changed && pieces.is_empty() {
            return Ok((from, false));
        }
        let ready = self.prepare(staging, to, &pieces)?;
        let mut note = Note::of(left, &from, &here, to, branch);
        staging.write_note(&note)?;
        let half_way = |failure: Failure| {
            failure
                .why(format!("the checkout stands between {} and {}", from.name(), self.short(to)))
                .help("fix the cause, then `banister resume`")
        };
        self.put_in_place(&ready, &pieces).map_err(half_way)?;
        self.put_index(staging, &pieces).map_err(half_way)?;
        note.moving_head = true;
        staging.write_note(&note)?;
        self.move_head(to, branch).map_err(half_way)?;
        Ok((from, changed || touched))
    }

    /// Refuses a checkout in which git itself is in the middle of something.
    pub(super) fn refuse_if_busy(&self) -> Result<()> {
        self.refuse_if_unfinished()?;
        let lock = index_lock(&self.repository);
        if lock.exists() {
            return Err(Failure::new(
                Kind::Refused,
                format!("`{}` exists: another git is at work there, or was killed", lock.display()),
            )
            .help(format!("if no git is running there any more, remove it with `rm {}`", lock.display())));
        }
        Ok(())
    }

    /// Refuses a checkout in which a merge, a rebase or the like is not finished.
    pub(super) fn refuse_if_unfinished(&self) -> Result<()> {
        let folder = self.folder.display();
        let state = self.repository.state();
        if state != RepositoryState::Clean {
            let what = format!("{state:?}").to_lowercase();
            return Err(Failure::new(
                Kind::Refused,
                format!("a {what} is under way in the checkout {}; nothing was touched", self.shown()),
            )
            .help(format!("see how to finish or abort it with `git -C {folder} status`")));
        }
        Ok(())
    }

    /// What has to be brought to `to`, or the refusal because something of it is somebody's own.
    fn judge(&self, staging: &Staging, left: Option<&Note>, to: Oid) -> Result<Vec<Piece>> {
        let old = self.tree(self.head_commit()?)?;
        let new = self.tree(to)?;
        let mut ours = vec![(to, self.tree(to)?)];
        for commit in left.iter().flat_map(|note| &note.commits) {
            // A commit that is gone from the repository can't excuse anything.
            if let Ok(id) = Oid::from_str_ext(commit, self.repository.object_format())
                && let Ok(tree) = self.tree(id)
            {
                ours.push((id, tree));
            }
        }
        let index = self.index()?;
        let hidden = self.hidden_edits()?;
        let differing = self.differing()?;
        let mut foreign = Vec::new();
        let mut pieces = Vec::new();
        let mut seen = BTreeSet::new();
        for Differing { path, status, what } in &differing {
            seen.insert(path.clone());
            if status.is_conflicted() || !self.is_ours(staging, &old, &ours, &index, path)? {
                foreign.push(Differing { path: path.clone(), status: *status, what: *what });
            } else {
                pieces.push(self.piece(&new, path)?);
            }
        }
        for path in self.changed_paths(&old, &new)? {
            if seen.contains(&path) {
                continue;
            }
            // What git calls clean is the old file. It says nothing of what it was told not to watch: ignored
            // files where the new release has one, and entries with `assume-unchanged` or `skip-worktree`.
            let held = self.held_in_folder(&path)?;
            let folder = held == Held::Folder;
            let is_seen =
                !unwatched(&index, &path) || matches!(held, Held::File { .. }) && !hidden.contains(&path);
            let watched = Held::in_tree(&old, &path) != Held::Nothing && is_seen;
            // What is in a folder is judged path by path, or found to be in the way.
            if !watched && !folder && !self.is_ours(staging, &old, &ours, &index, &path)? {
                foreign.push(Differing { path: path.clone(), status: git2::Status::WT_MODIFIED, what: None });
            }
            pieces.push(self.piece(&new, &path)?);
        }
        if !foreign.is_empty() {
            return Err(self.dirty_refusal(&dirt(&foreign, NAMED)));
        }
        self.refuse_if_in_the_way(&pieces)?;
        Ok(pieces)
    }

    /// Whether what folder and index hold under `path` is kept by one of the commits that this or an earlier move
    /// may have put there. If so, nothing is lost by replacing it.
    fn is_ours(
        &self,
        staging: &Staging,
        old: &Tree,
        ours: &[(Oid, Tree)],
        index: &Index,
        path: &Path,
    ) -> Result<bool> {
        let executable_counts = self.executable_counts();
        let mut kept = vec![Held::in_tree(old, path)];
        kept.extend(ours.iter().map(|(_, tree)| Held::in_tree(tree, path)));
        let is_kept = |held: Held| kept.iter().any(|kept| kept.same(held, executable_counts));
        if !is_kept(Held::in_index(index, path)) {
            return Ok(false);
        }
        let held = match self.held_in_folder(path)? {
            // A folder with a repository of its own: git looks no further, and neither do we.
            Held::Folder if path.as_os_str().as_encoded_bytes().ends_with(b"/") => return Ok(false),
            // What is in any other is judged path by path.
            Held::Folder => Held::Nothing,
            held => held,
        };
        if is_kept(held) || kept.iter().any(|kept| matches!(kept, Held::Submodule(_))) {
            return Ok(true);
        }
        // Line ends may have been converted on the way out: compare with what the commits would write.
        if !matches!(held, Held::File { .. }) {
            return Ok(false);
        }
        for (commit, tree) in ours {
            if let Held::File { .. } = Held::in_tree(tree, path) {
                let written = staging.write_out(self, *commit, &[path], "compare")?.join(path);
                if same_content(&written, &self.folder.join(path)) {
                    return Ok(true);
                }
            }
        }
        Ok(false)
    }

    fn piece(&self, new: &Tree, path: &Path) -> Result<Piece> {
        let wanted = Held::in_tree(new, path);
        let there = self.held_in_folder(path)? == wanted;
        Ok(Piece { path: path.to_path_buf(), wanted, there })
    }

    pub(super) fn changed_paths(&self, old: &Tree, new: &Tree) -> Result<Vec<PathBuf>> {
        let mut options = git2::DiffOptions::new();
        options.include_typechange(true).skip_binary_check(true);
        let diff = self
            .repository
            .diff_tree_to_tree(Some(old), Some(new), Some(&mut options))
            .map_err(|error| self.failed("two releases can't be compared", &error))?;
        let mut paths: Vec<PathBuf> = diff
            .deltas()
            .flat_map(|delta| [delta.old_file().path(), delta.new_file().path()])
            .flatten()
            .map(Path::to_path_buf)
            .collect();
        paths.sort();
        paths.dedup();
        Ok(paths)
    }

    pub(super) fn tree(&self, commit: Oid) -> Result<Tree<'_>> {
        self.commit(commit)?
            .tree()
            .map_err(|error| self.failed(&format!("the files of `{commit}` can't be read"), &error))
    }

    pub(super) fn index(&self) -> Result<Index> {
        self.repository.index().map_err(|error| self.failed("the index can't be read", &error))
    }
}

/// Whether git was told not to look at this path.
fn unwatched(index: &Index, path: &Path) -> bool {
    index.get_path(path, 0).is_some_and(|entry| {
        IndexEntryFlag::from_bits_truncate(entry.flags).is_valid()
            || IndexEntryExtendedFlag::from_bits_truncate(entry.flags_extended).is_skip_worktree()
    })
}

fn same_content(one: &Path, other: &Path) -> bool {
    let digest = |path: &Path| crate::machine::files::sha256(path).ok();
    digest(one).is_some_and(|one| digest(other) == Some(one))
}
