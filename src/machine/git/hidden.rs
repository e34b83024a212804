//! Edits that git was told not to see: `assume-unchanged` or `skip-worktree` is set on the file, in the checkout or in one of
//! its submodules.

use super::Checkout;
use super::forms::Form;
use super::held::Held;
use super::submodules::{Git, Submodule, submodules};
use crate::failure::{Context, Failure, Kind, Result};
use crate::output::word;
use crate::units::Duration;
use git2::{IndexEntryExtendedFlag, IndexEntryFlag, Oid};
use std::collections::BTreeMap;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

/// How many files a refusal names.
const NAMED: usize = 20;
const READ: Duration = Duration::seconds(120);
/// Submodules within submodules deeper than this lead in a circle.
const DEEPEST: usize = 8;

impl Checkout {
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
                Held::File { id, executable } => {
                    id == entry.id || self.is_stored_as(entry.id, &path, executable)?
                }
                Held::Link(id) => id == entry.id,
                _ => false,
            };
            if !is_same {
                found.push(path);
            }
        }
        Ok(found)
    }

    /// Whether git stores what is at a path of the folder as this object.
    fn is_stored_as(&self, id: Oid, path: &Path, executable: bool) -> Result<bool> {
        let full = self.folder.join(path);
        let content =
            std::fs::read(&full).or_fail(Kind::Refused, || format!("`{}` can't be read", full.display()))?;
        let stored = self.stored(self.head_commit()?, &[Form { path, content: &content, executable }])?;
        let blob = self.repository.find_blob(id);
        Ok(blob.is_ok_and(|blob| blob.content() == stored.concat()))
    }

    /// Refuses edits that git was told not to see, of files that the move changes.
    pub(super) fn refuse_hidden_edits(&self, then: &Checkout, to: Oid) -> Result<()> {
        let mut hidden = self.hidden_edits()?;
        hidden.retain(|path| !self.is_edit(path));
        if hidden.is_empty() {
            return Ok(());
        }
        let changed = then.changed_paths(&then.tree(self.head_commit()?)?, &then.tree(to)?)?;
        hidden.retain(|path| changed.contains(path));
        let Some(first) = hidden.first() else { return Ok(()) };
        let again = shown_again(&self.folder, first);
        let help = format!("name them in `edits` in site.toml to keep them, or see them again with {again}");
        Err(self.hidden_refusal(then, to, &hidden).help(help))
    }

    fn hidden_refusal(&self, then: &Checkout, to: Oid, hidden: &[PathBuf]) -> Failure {
        let message =
            format!("{} changes files that were edited in the checkout {}", then.short(to), self.shown());
        let mut failure = Failure::new(Kind::Refused, message);
        let named = hidden.iter().take(NAMED);
        failure.why = named.map(|path| format!("hidden from git status: {}", path.display())).collect();
        if hidden.len() > NAMED {
            failure.why.push(format!("and {} more", hidden.len() - NAMED));
        }
        failure
            .why
            .push("`skip-worktree` or `assume-unchanged` hides these edits; nothing was touched".to_owned());
        failure
    }

    /// The same within submodules: git finds such an edit when the server is down, and loses it with a submodule that goes.
    /// `then` knows the commit, and `modules` has the repositories of submodules that are not here.
    pub(super) fn refuse_hidden_edits_of_submodules(
        &self,
        git: Git,
        then: &Checkout,
        to: Oid,
        modules: Option<&Path>,
    ) -> Result<()> {
        let before = submodules(git, self.repository.path(), &self.head_commit()?.to_string())?;
        let after = submodules(git, then.repository.path(), &to.to_string())?;
        let known = self.repository.path().join("modules");
        let stores: Vec<PathBuf> = [Some(known), modules.map(Path::to_owned)].into_iter().flatten().collect();
        let mut found = Vec::new();
        hidden_below(git, (&self.folder, Path::new("")), &stores, (&before, Some(&after)), &mut found, 0)?;
        let Some((folder, first)) = found.first() else { return Ok(()) };
        let paths: Vec<PathBuf> = found.iter().map(|(folder, path)| folder.join(path)).collect();
        let again = shown_again(&self.folder.join(folder), first);
        let help = format!("see them again with {again}, then commit or undo them there");
        Err(self.hidden_refusal(then, to, &paths).help(help))
    }
}

/// Adds the hidden edits in submodules of one repository that a move changes or removes, each with the submodule's path from
/// the top. Without `after`, all of them go.
fn hidden_below(
    git: Git,
    (top, within): (&Path, &Path),
    stores: &[PathBuf],
    (before, after): (&[Submodule], Option<&[Submodule]>),
    found: &mut Vec<(PathBuf, PathBuf)>,
    depth: usize,
) -> Result<()> {
    for old in before {
        let path = within.join(&old.path);
        let folder = top.join(&path);
        if depth == DEEPEST || folder.join(".git").symlink_metadata().is_err() {
            continue;
        }
        let new =
            after.and_then(|after| after.iter().find(|it| (&it.name, &it.path) == (&old.name, &old.path)));
        let checkout = Checkout::open(&folder)?.in_environment(git.environment);
        let here = checkout.head_commit()?.to_string();
        if new.is_some_and(|new| new.commit == here) {
            continue;
        }
        let stores: Vec<PathBuf> = stores.iter().map(|store| store.join(&old.name)).collect();
        let mut entries = None;
        let mut store = None;
        for known in stores.iter().filter(|store| store.is_dir()) {
            let Some(new) = new else { break };
            entries = objects(git, known, &new.commit)?;
            if entries.is_some() {
                store = Some((known, new));
                break;
            }
        }
        let own = objects(git, checkout.repository.path(), &here)?.unwrap_or_default();
        for hidden in checkout.hidden_edits()? {
            let name = hidden.to_string_lossy().into_owned();
            let is_kept = entries.as_ref().is_some_and(|new| new.get(&name) == own.get(&name));
            if !is_kept {
                found.push((path.clone(), hidden));
            }
        }
        let inner_before = submodules(git, checkout.repository.path(), &here)?;
        let inner_after = store.map(|(store, new)| submodules(git, store, &new.commit)).transpose()?;
        let below: Vec<PathBuf> = stores.iter().map(|store| store.join("modules")).collect();
        let inner = (inner_before.as_slice(), inner_after.as_deref());
        hidden_below(git, (top, &path), &below, inner, found, depth + 1)?;
    }
    Ok(())
}

/// The mode and object of each path of a commit; nothing, if the repository does not have it.
fn objects(git: Git, store: &Path, commit: &str) -> Result<Option<BTreeMap<String, String>>> {
    let list = ["--git-dir=.", "ls-tree", "-r", "-z", "--full-tree", commit];
    let looked = git.look(store, &list, READ)?;
    if !looked.exit.success() {
        return Ok(None);
    }
    let entries = looked.stdout.split('\0').filter_map(|line| line.split_once('\t'));
    Ok(Some(entries.map(|(object, path)| (path.to_owned(), object.to_owned())).collect()))
}

/// The command that lets git see an edit again.
fn shown_again(folder: &Path, path: &Path) -> String {
    let (git, path) = (format!("git -C {}", word(folder.display())), word(path.display()));
    format!(
        "`{git} update-index --no-skip-worktree {path} && {git} update-index --no-assume-unchanged {path}`"
    )
}
