//! Who moves this checkout: banister itself, or the user's git.
//!
//! Banister's own move can be killed at any moment. It writes files as they are in the repository, so it is for ordinary
//! repositories. What needs a program, another repository or objects that are not here is for git.

use super::Checkout;
use crate::failure::Result;
use git2::{Oid, TreeWalkMode, TreeWalkResult};
use std::collections::BTreeSet;

/// In bytes. No file of attributes is longer.
const LONGEST: usize = 1 << 20;

impl Checkout {
    /// Whether only git can read and move it rightly, where these commits are checked out.
    pub(super) fn needs_git(&self, commits: &[Oid]) -> Result<bool> {
        if self.is_sparse() || self.is_partial() {
            return Ok(true);
        }
        for commit in commits {
            if self.has_submodules(*commit)?
                || self.has_attribute(*commit, &["filter=", "working-tree-encoding="])?
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    pub(super) fn is_sparse(&self) -> bool {
        self.repository.config().and_then(|config| config.get_bool("core.sparseCheckout")).unwrap_or(false)
    }

    /// Whether objects may be missing that the remote promised to keep.
    pub(super) fn is_partial(&self) -> bool {
        let Ok(config) = self.repository.config() else { return false };
        let Ok(mut found) = config.entries(Some("^(remote\\..*\\.promisor|extensions\\.partialclone)$"))
        else {
            return false;
        };
        found.next().is_some()
    }

    fn has_submodules(&self, commit: Oid) -> Result<bool> {
        Ok(self.tree(commit)?.get_name(".gitmodules").is_some())
    }

    /// The filters that files go through where a commit is checked out: git-lfs is `lfs`.
    pub(super) fn filters(&self, commit: Oid) -> Result<BTreeSet<String>> {
        let words = self.attributes(commit)?;
        Ok(words.iter().filter_map(|word| word.strip_prefix("filter=")).map(str::to_owned).collect())
    }

    /// Whether an attribute of a file begins with one of these.
    fn has_attribute(&self, commit: Oid, beginnings: &[&str]) -> Result<bool> {
        let words = self.attributes(commit)?;
        Ok(words.iter().any(|word| beginnings.iter().any(|it| word.starts_with(it))))
    }

    /// The words of all that says how files are checked out.
    fn attributes(&self, commit: Oid) -> Result<BTreeSet<String>> {
        let mut texts = Vec::new();
        let tree = self.tree(commit)?;
        let walked = tree.walk(TreeWalkMode::PreOrder, |_, entry| {
            if entry.name_bytes() == b".gitattributes"
                && let Ok(blob) = self.repository.find_blob(entry.id())
                && blob.size() <= LONGEST
            {
                texts.push(String::from_utf8_lossy(blob.content()).into_owned());
            }
            TreeWalkResult::Ok
        });
        walked.map_err(|error| self.failed("the attributes can't be read", &error))?;
        let own = self.repository.commondir().join("info/attributes");
        let of_user = self.setting("core.attributesFile").map(Into::into);
        texts.extend(
            [Some(own), of_user].into_iter().flatten().filter_map(|path| std::fs::read_to_string(path).ok()),
        );
        let lines =
            texts.iter().flat_map(|text| text.lines()).filter(|line| !line.trim_start().starts_with('#'));
        Ok(lines.flat_map(str::split_whitespace).map(str::to_owned).collect())
    }
}
