//! Objects that a checkout borrows from another repository: without that one, it can't be read.

use super::Checkout;
use crate::failure::{Failure, Kind};
use std::path::PathBuf;

impl Checkout {
    /// The folders of borrowed objects that are gone.
    fn gone_alternates(&self) -> Vec<PathBuf> {
        let objects = self.repository.commondir().join("objects");
        let text = std::fs::read_to_string(objects.join("info/alternates")).unwrap_or_default();
        let named = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        named.map(|line| objects.join(line)).filter(|folder| !folder.is_dir()).collect()
    }

    /// What can't be read, and why, if objects that were borrowed are gone.
    pub(super) fn unreadable(&self, what: &str, error: &git2::Error) -> Failure {
        let gone = self.gone_alternates();
        let Some(first) = gone.first() else { return self.failed(what, error) };
        let file = self.repository.commondir().join("objects/info/alternates");
        Failure::new(Kind::Refused, format!("the checkout {} borrows objects that are gone", self.shown()))
            .why(format!("`{}` is not there", first.display()))
            .help(format!(
                "restore that folder, or correct its path in `{}`; then `git -C {} fsck` shows what is missing",
                file.display(),
                crate::output::word(self.folder.display())
            ))
    }
}
