//! Files that go through a program where they are checked out: git-lfs, git-crypt, and an admin's own.

use super::fetch::BRING;
use super::submodules::Git;
use super::{Checkout, without_credentials};
use crate::failure::{Context, Failure, Kind, Result};
use crate::output::{counted, word};
use crate::units::Duration;
use git2::{ObjectType, Oid, TreeWalkMode, TreeWalkResult};

/// How a file begins whose content is elsewhere, and how long such a file is at most, in bytes.
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/v1";
const LONGEST_POINTER: usize = 1024;
const LFS: &str = "lfs";
const READ: Duration = Duration::seconds(60);

impl Checkout {
    /// Judges whether the filters that `to` needs work here, and brings the files that git-lfs keeps elsewhere; a plan brings
    /// none.
    pub(super) fn ready_filters(
        &self,
        git: Git,
        then: &Checkout,
        name: &str,
        to: Oid,
        is_plan: bool,
    ) -> Result<()> {
        let mut filters = then.filters(to)?;
        if filters.remove(LFS) {
            let pointers = then.pointers(to)?;
            if let Some(first) = pointers.first() {
                self.refuse_without_lfs(git, name, first, pointers.len())?;
                if !is_plan {
                    self.fetch_large_files(git, name, to)?;
                }
            }
        }
        let mut configured = false;
        for filter in &filters {
            for key in ["smudge", "process"] {
                configured |= self.setting(&format!("filter.{filter}.{key}")).is_some();
            }
            configured |= self.setting(&format!("filter.{filter}.required")).is_some();
        }
        if configured { self.try_filters(git, then, name, to) } else { Ok(()) }
    }

    /// The files whose content git-lfs keeps elsewhere.
    fn pointers(&self, commit: Oid) -> Result<Vec<String>> {
        let failed = |error: git2::Error| self.failed("the files of git-lfs can't be found", &error);
        let objects = self.repository.odb().map_err(failed)?;
        let mut found = Vec::new();
        let tree = self.tree(commit)?;
        let walked = tree.walk(TreeWalkMode::PreOrder, |above, entry| {
            let is_short = entry.kind() == Some(ObjectType::Blob)
                && objects.read_header(entry.id()).is_ok_and(|(size, _)| size <= LONGEST_POINTER);
            if is_short && objects.read(entry.id()).is_ok_and(|object| object.data().starts_with(POINTER)) {
                found.push(format!(
                    "{}{}",
                    String::from_utf8_lossy(above.as_bytes()),
                    String::from_utf8_lossy(entry.name_bytes())
                ));
            }
            TreeWalkResult::Ok
        });
        walked.map_err(failed)?;
        Ok(found)
    }

    fn refuse_without_lfs(&self, git: Git, name: &str, first: &str, count: usize) -> Result<()> {
        let set_up = format!("git -C {} lfs install --local", word(self.folder.display()));
        let message = format!("{name} keeps {} in Git LFS, such as `{first}`", counted(count, "file"));
        if !git.look(&self.folder, &["lfs", "version"], READ)?.exit.success() {
            return Err(Failure::new(Kind::Refused, format!("{message}, and git-lfs is not installed"))
                .why("without it, only pointers of some 130 bytes would be checked out; nothing was touched")
                .help(format!("install it, as with `apt install git-lfs`, then set it up with `{set_up}`")));
        }
        let is_set =
            ["smudge", "process"].iter().any(|key| self.setting(&format!("filter.lfs.{key}")).is_some());
        if is_set {
            return Ok(());
        }
        Err(Failure::new(Kind::Refused, format!("{message}, and git does not know the filter of git-lfs"))
            .why("only pointers would be checked out; nothing was touched")
            .help(format!("set it up with `{set_up}`")))
    }

    fn fetch_large_files(&self, git: Git, name: &str, to: Oid) -> Result<()> {
        let remote = self.remote()?.unwrap_or_else(|| "origin".to_owned());
        let commit = to.to_string();
        // What is checked out now, too, for a rollback.
        let looked = git.look(&self.folder, &["lfs", "fetch", &remote, &commit, "HEAD"], BRING)?;
        if looked.exit.success() {
            return Ok(());
        }
        let last = looked.stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        Err(Failure::new(Kind::Unreachable, format!("the files of {name} in Git LFS can't be fetched"))
            .why(without_credentials(last))
            .why("nothing was touched")
            .help(format!(
                "try it by hand: `git -C {} lfs fetch {remote} {commit}`",
                word(self.folder.display())
            )))
    }

    /// Checks the release out in a temporary folder: a filter that fails there would leave the checkout half moved.
    fn try_filters(&self, git: Git, then: &Checkout, name: &str, to: Oid) -> Result<()> {
        let failed = || "a release can't be tried in a temporary folder".to_owned();
        let double = then.double()?;
        let folder = tempfile::tempdir().or_fail(Kind::Refused, failed)?;
        let (tree, commit) = (folder.path().join("tree"), to.to_string());
        let shown = tree.display().to_string();
        let arguments =
            ["-c", "core.hooksPath=/dev/null", "worktree", "add", "--quiet", "--detach", &shown, &commit];
        let looked = git.look(double.folder(), &arguments, BRING)?;
        if looked.exit.success() {
            return Ok(());
        }
        let mut failure =
            Failure::new(Kind::Refused, format!("a filter of git fails on the files of {name}"));
        failure.why = looked.stderr.lines().rev().take(5).map(str::to_owned).collect();
        failure.why.reverse();
        failure.why.push("nothing was touched".to_owned());
        Err(failure.help(format!(
            "see the filters with `git -C {} config --get-regexp '^filter\\.'`, and unlock or repair them (git-crypt: `git-crypt unlock`)",
            word(self.folder.display())
        )))
    }
}
