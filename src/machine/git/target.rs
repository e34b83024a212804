//! What a checkout can be moved to, and how a name that somebody typed becomes that.

use git2::{BranchType, Oid};

use super::Checkout;
use crate::failure::{Failure, Kind, Result};
use crate::machine::release::{Release, choose};
use crate::output::word;

/// What to check out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A tag; the checkout will stand on no branch.
    Tag(String),
    /// A local branch, which goes forward to where its upstream is.
    Branch(String),
    /// A commit; the checkout will stand on no branch.
    Commit(Oid),
}

impl Checkout {
    /// Finds what `name` means: a tag (a release with or without its `v`), a local branch, or a commit of at least
    /// seven digits. `main at 1a2b3c4`, as a position on a branch is named, means that commit.
    pub fn target(&self, name: &str) -> Result<Target> {
        if let Some((_, commit)) = name.rsplit_once(" at ") {
            return self.commit_named(commit);
        }
        let tags = self.tags()?;
        // `v` or not is a habit of the repository; nobody should have to remember it.
        let other = name.strip_prefix('v').map(str::to_string).unwrap_or_else(|| format!("v{name}"));
        let other =
            other.parse::<Release>().ok().filter(Release::has_order).map(|release| release.tag().to_string());
        let tag = [Some(name.to_string()), other].into_iter().flatten().find(|tag| tags.contains_key(tag));
        let branch = self.repository.find_branch(name, BranchType::Local).is_ok();
        match (tag, branch) {
            (Some(tag), true) if tag == name => Err(Failure::new(
                Kind::Refused,
                format!("`{name}` is both a tag and a branch of {}", self.shown()),
            )
            .help(format!(
                "rename the branch with `git -C {} branch -m {name} {name}-branch`, then try again",
                word(self.folder.display())
            ))),
            (_, true) => Ok(Target::Branch(name.to_string())),
            (Some(tag), false) => Ok(Target::Tag(tag)),
            (None, false) => self.commit_named(name),
        }
    }

    fn commit_named(&self, name: &str) -> Result<Target> {
        let digits = (7..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_hexdigit());
        if digits && let Ok(commit) = self.repository.find_commit_by_prefix(name) {
            return Ok(Target::Commit(commit.id()));
        }
        let mut failure = Failure::new(
            Kind::NotFound,
            format!("{} has no release, branch or commit `{name}`", self.shown()),
        );
        let is_earlier = |tag: &str, than: &str| self.is_earlier(tag, than);
        if let Some(newest) = choose(None, &self.releases()?, &self.rules, &is_earlier).newest {
            failure = failure.why(format!("the newest release it knows is {newest}"));
        }
        let remote = self.remote().ok().flatten().unwrap_or_else(|| "origin".to_owned());
        let remote = format!("{remote}/{name}");
        if self.repository.find_branch(&remote, BranchType::Remote).is_ok() {
            return Err(failure
                .why(format!("`{remote}` exists, but no branch here follows it"))
                .help(format!("follow it with `git -C {} switch {name}`", word(self.folder.display()))));
        }
        Err(failure.help(format!(
            "if it is newer than the last fetch, fetch it with `git -C {} fetch`",
            word(self.folder.display())
        )))
    }

    /// The commit a target stands for; of a branch, the one it stands on before it goes forward.
    pub(super) fn commit_of(&self, target: &Target) -> Result<Oid> {
        match target {
            Target::Commit(id) => Ok(self.commit(*id)?.id()),
            Target::Tag(name) => {
                self.tags()?.get(name).copied().ok_or_else(|| {
                    Failure::new(Kind::NotFound, format!("{} has no tag `{name}`", self.shown()))
                })
            }
            Target::Branch(name) => {
                let reference = format!("refs/heads/{name}");
                self.repository.refname_to_id(&reference).map_err(|error| {
                    Failure::new(Kind::NotFound, format!("{} has no branch `{name}`", self.shown()))
                        .why(error.message())
                })
            }
        }
    }
}
