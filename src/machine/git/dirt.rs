//! What was changed in a checkout by hand: an update must not run over it.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use git2::{Status, StatusOptions};
use serde::{Deserialize, Serialize};

use super::{Checkout, Which};
use crate::failure::{Failure, Kind, Result};

/// One path that differs from the commit that is checked out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dirty {
    /// From the checkout's folder. Bytes that are not UTF-8 are shown as `\u{fffd}`.
    pub path: String,
    /// `modified`, `deleted`, `untracked`, `staged`, `in conflict`, `mode changed`, or what is in a submodule.
    pub what: String,
}

/// What differs, as far as it is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dirt {
    pub named: Vec<Dirty>,
    /// How many more there are.
    pub more: usize,
}

impl Dirt {
    pub fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// Each path on a line of its own, for the reasons of a failure.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> =
            self.named.iter().map(|dirty| format!("{}: {}", dirty.what, dirty.path)).collect();
        if self.more > 0 {
            lines.push(format!("and {} more", self.more));
        }
        lines
    }
}

/// A path that differs, with git's own flags.
pub(super) struct Differing {
    pub path: PathBuf,
    pub status: Status,
    /// What it is, where the flags don't say it.
    pub what: Option<&'static str>,
}

impl Checkout {
    /// What was changed by hand: modified, deleted, staged and untracked files, by path, at most `most` of them
    /// named. Refused while a merge or the like is not finished. Ignored files are not dirt, and neither are edits of files
    /// that keep them; what was changed in a submodule is.
    pub fn dirty(&self, most: usize) -> Result<Dirt> {
        self.dirty_but(Which::Carried, most)
    }

    /// The same without these edits.
    pub fn dirty_but(&self, edits: Which, most: usize) -> Result<Dirt> {
        self.refuse_if_unfinished()?;
        let mut left = Vec::new();
        for it in self.differing()? {
            let is_named = it.status == Status::WT_MODIFIED && self.is_edit(&it.path);
            if !is_named && (edits == Which::Carried || !self.can_be_carried(&it)?) {
                left.push(it);
            }
        }
        Ok(dirt(&left, most))
    }

    pub(super) fn differing(&self) -> Result<Vec<Differing>> {
        let mut found = match self.needs_git(&[self.head_commit()?])? {
            true => self.differing_by_git()?,
            false => self.differing_here()?,
        };
        self.name_modes(&mut found)?;
        Ok(found)
    }

    fn differing_here(&self) -> Result<Vec<Differing>> {
        let mut options = StatusOptions::new();
        options.include_untracked(true).recurse_untracked_dirs(true).include_ignored(false);
        options.exclude_submodules(true);
        let statuses = self
            .repository
            .statuses(Some(&mut options))
            .map_err(|error| self.failed("the changes can't be read", &error))?;
        Ok(statuses
            .iter()
            .map(|entry| Differing {
                path: PathBuf::from(std::ffi::OsStr::from_bytes(entry.path_bytes())),
                status: entry.status(),
                what: None,
            })
            .collect())
    }

    /// The refusal to move a checkout over somebody's changes.
    pub(super) fn dirty_refusal(&self, dirt: &Dirt) -> Failure {
        let folder = self.folder.display();
        let mut failure = Failure::new(
            Kind::Refused,
            format!("the checkout {} was changed by hand; nothing was touched", self.shown()),
        );
        failure.why = dirt.lines();
        failure.help(format!(
            "look at it with `git -C {folder} diff`; name tracked files that you edit in `edits` in site.toml to keep them; put the rest aside with `git -C {folder} stash --include-untracked`"
        ))
    }
}

pub(super) fn dirt(differing: &[Differing], most: usize) -> Dirt {
    let named = differing.iter().take(most).map(|differing| Dirty {
        path: differing.path.to_string_lossy().into_owned(),
        what: differing.what.unwrap_or_else(|| what(differing.status)).to_string(),
    });
    Dirt { named: named.collect(), more: differing.len().saturating_sub(most) }
}

fn what(status: Status) -> &'static str {
    if status.is_conflicted() {
        "in conflict"
    } else if status.intersects(Status::WT_DELETED | Status::INDEX_DELETED) {
        "deleted"
    } else if status.is_wt_new() {
        "untracked"
    } else if status.intersects(Status::WT_MODIFIED | Status::WT_TYPECHANGE | Status::WT_RENAMED) {
        "modified"
    } else {
        "staged"
    }
}
