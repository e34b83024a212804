//! Commits that nothing but HEAD leads to: git forgets them once something else is checked out.

use super::Checkout;
use crate::failure::Result;
use git2::Oid;

impl Checkout {
    /// The commits of HEAD that no branch, tag or remote has, as `1a2b3c4 Subject`, the newest first: at most `most` of
    /// them, and then a line with how many more. None if HEAD is a branch, which keeps them.
    pub fn loose_commits(&self, most: usize) -> Result<Vec<String>> {
        self.commits_without(&["refs/*"], None, most)
    }

    /// The commits of HEAD that neither these references nor `other` have, as lines.
    pub(super) fn commits_without(
        &self,
        known: &[&str],
        other: Option<Oid>,
        most: usize,
    ) -> Result<Vec<String>> {
        let head = self.head_commit()?;
        let failed = |error: git2::Error| self.failed("the history can't be read", &error);
        let mut walk = self.repository.revwalk().map_err(failed)?;
        walk.push(head).map_err(failed)?;
        for glob in known {
            walk.hide_glob(glob).map_err(failed)?;
        }
        if let Some(other) = other {
            walk.hide(other).map_err(failed)?;
        }
        let found = walk.collect::<std::result::Result<Vec<_>, _>>().map_err(failed)?;
        let mut lines = Vec::new();
        for id in found.iter().take(most) {
            let commit = self.commit(*id)?;
            let subject = String::from_utf8_lossy(commit.summary_bytes().unwrap_or_default()).into_owned();
            lines.push(format!("{} {subject}", self.short(*id)).trim_end().to_owned());
        }
        if found.len() > most {
            lines.push(format!("and {} more", found.len() - most));
        }
        Ok(lines)
    }
}
