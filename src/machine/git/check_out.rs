//! Moving a checkout to what somebody named.

use super::{Checkout, Position, Target};
use crate::failure::{Failure, Kind, Result};
use crate::output::counted;
use git2::{BranchType, Oid};
use serde::{Deserialize, Serialize};

/// What a move did.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    /// Where the checkout stood before, also if an earlier attempt was cut off.
    pub from: Position,
    pub to: Position,
    pub changed: bool,
}

impl Checkout {
    /// Checks out a release, a branch or a commit. A branch goes forward to its upstream as it was last fetched, and
    /// only forward. Refuses, with nothing touched, if something was changed by hand or the branch has commits of its
    /// own.
    pub fn check_out(&self, name: &str) -> Result<Moved> {
        let target = self.target(name)?;
        let (commit, branch) = match &target {
            Target::Tag(_) | Target::Commit(_) => (self.commit_of(&target)?, None),
            Target::Branch(branch) => {
                (self.forward(branch, self.commit_of(&target)?)?, Some(branch.as_str()))
            }
        };
        let by_git = self.needs_git(&[self.head_commit()?, commit])?;
        let (from, changed) = self.move_with_edits(commit, &|| match by_git {
            true => self.move_by_git(commit, branch),
            false => self.move_to(commit, branch),
        })?;
        Ok(Moved { from, to: self.position()?, changed })
    }

    /// The commit that `name` means, without moving there: for a branch, where it would go forward to.
    pub fn commit_named_by(&self, name: &str) -> Result<Oid> {
        let target = self.target(name)?;
        let commit = self.commit_of(&target)?;
        match &target {
            Target::Branch(branch) => self.forward(branch, commit),
            Target::Tag(_) | Target::Commit(_) => Ok(commit),
        }
    }

    /// Where a branch goes: to its upstream, if that is ahead.
    fn forward(&self, branch: &str, local: Oid) -> Result<Oid> {
        let failed =
            |error: git2::Error| self.failed(&format!("the branch `{branch}` can't be read"), &error);
        let found = self.repository.find_branch(branch, BranchType::Local).map_err(failed)?;
        let Ok(upstream) = found.upstream() else { return Ok(local) };
        let remote = upstream.get().peel_to_commit().map_err(failed)?.id();
        if remote == local || self.repository.graph_descendant_of(remote, local).map_err(failed)? {
            return Ok(remote);
        }
        let (ahead, behind) = self.repository.graph_ahead_behind(local, remote).map_err(failed)?;
        let folder = self.folder.display();
        let message = format!(
            "the branch `{branch}` of {} has {} that its upstream has not",
            self.shown(),
            counted(ahead, "commit")
        );
        Err(Failure::new(Kind::Refused, message)
            .why(format!("it lacks {behind} of the upstream's; nothing was touched"))
            .help(format!("see them with `git -C {folder} log --oneline @{{upstream}}..{branch}`")))
    }
}
