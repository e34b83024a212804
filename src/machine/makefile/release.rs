//! The files as they will be once a release is checked out: its own, and beside them what git doesn't know.

use super::{Files, Folder};
use crate::failure::Result;
use crate::machine::git::{Checkout, inside};
use git2::Oid;
use std::path::{Path, PathBuf};

/// See the module.
pub struct AtRelease<'a> {
    /// A repository that knows the release.
    knows: &'a Checkout,
    release: Oid,
    /// The checkout, and what it has now.
    here: &'a Checkout,
    now: Oid,
    /// Within the repository.
    folder: PathBuf,
}

impl<'a> AtRelease<'a> {
    /// `folder` is where the Makefile is, within the checkout; `knows` is a repository that has the release.
    pub fn new(
        here: &'a Checkout,
        folder: &Path,
        knows: &'a Checkout,
        release: &str,
    ) -> Result<AtRelease<'a>> {
        let now = here.position()?.commit;
        Ok(AtRelease {
            knows,
            release: knows.commit_named_by(release)?,
            here,
            now: here.commit_named_by(&now)?,
            folder: folder.to_owned(),
        })
    }

    /// The folder as it is on the disk.
    fn disk(&self) -> Folder {
        Folder(self.here.folder().join(&self.folder))
    }
}

impl Files for AtRelease<'_> {
    fn text(&self, path: &str) -> Option<String> {
        let Some(inside) = inside(&self.folder.join(path)) else { return self.disk().text(path) };
        let text = |checkout: &Checkout, commit| checkout.linked_text_at(commit, &inside).ok().flatten();
        // What git knows now and not then will be gone.
        text(self.knows, self.release)
            .or_else(|| self.disk().text(path).filter(|_| text(self.here, self.now).is_none()))
    }

    fn names(&self, folder: &str) -> Vec<String> {
        let Some(inside) = inside(&self.folder.join(folder)) else { return self.disk().names(folder) };
        let names = |checkout: &Checkout, commit| checkout.names_at(commit, &inside).unwrap_or_default();
        let now = names(self.here, self.now);
        let others = self.disk().names(folder).into_iter().filter(|name| !now.contains(name));
        names(self.knows, self.release).into_iter().chain(others).collect()
    }
}
