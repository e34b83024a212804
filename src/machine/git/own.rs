//! Commits that an administrator made: what a release has not is left behind when it is checked out.

use super::Checkout;
use crate::failure::Result;
use crate::units;
use git2::Oid;

impl Checkout {
    /// The commits of HEAD that `to` has not, and neither a tag nor a remote, as `1a2b3c4 Subject`, the newest first: at most
    /// `most` of them, and then a line with how many more.
    pub fn own_commits(&self, to: Oid, most: usize) -> Result<Vec<String>> {
        self.commits_without(&["refs/tags/*", "refs/remotes/*", "refs/banister/*"], Some(to), most)
    }

    /// Keeps HEAD on a branch `banister/own-DATE`, and returns its name. One that is there already is taken.
    pub fn keep_commits(&self) -> Result<String> {
        let failed = |error: git2::Error| self.failed("the commits can't be kept on a branch", &error);
        let head = self.head_commit()?;
        let kept = self.named("refs/heads/banister/own-")?;
        if let Some((name, _)) = kept.iter().find(|(_, commit)| **commit == head) {
            return Ok(format!("banister/own-{name}"));
        }
        let now = units::now();
        let day = now.get(..10).unwrap_or(&now);
        let mut name = day.to_owned();
        let mut number = 1;
        while kept.contains_key(&name) {
            number += 1;
            name = format!("{day}-{number}");
        }
        let name = format!("banister/own-{name}");
        let reference = format!("refs/heads/{name}");
        self.repository.reference(&reference, head, false, "banister: keep own commits").map_err(failed)?;
        Ok(name)
    }
}
