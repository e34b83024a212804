//! What a fetch would bring, read without touching the checkout.

use super::Checkout;
use super::fetch::BRING;
use crate::failure::{Context, Kind, Result};
use git2::Repository;
use std::collections::BTreeMap;
use std::path::Path;
use tempfile::TempDir;

/// A repository in a temporary folder that knows what the origin has now. It borrows the objects of the checkout, so
/// that only what is new is brought.
pub struct Glimpse {
    pub checkout: Checkout,
    /// Removed with it.
    folder: TempDir,
}

impl Checkout {
    /// Brings what the origin has into a temporary repository that knows all that the checkout knows. Nothing changes in the
    /// checkout. What is fetched, and what becomes of its tags, is the same as in [`Checkout::fetch`].
    pub fn glimpse(
        &self,
        environment: &BTreeMap<String, String>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Glimpse> {
        let Some(remote) = self.remote()? else { return self.double() };
        let glimpse = self.double()?;
        let origin = match self.url_of(&remote) {
            Some(url) => self.reachable(&url),
            None => remote.clone(),
        };
        let mut arguments = vec![
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-recurse-submodules",
            "--no-write-fetch-head",
            &origin,
        ];
        let refspecs = self.refspecs(&remote);
        arguments.extend(refspecs.iter().map(String::as_str));
        self.git_in(glimpse.folder.path(), &arguments, environment, BRING, stop).map_err(|failure| {
            let help = self.fetch_help(&failure.why);
            failure.help(help)
        })?;
        glimpse.checkout.add_new_tags_in(glimpse.folder.path())?;
        glimpse.opened()
    }

    /// The same, with all files of what `name` means, also of a partial clone.
    pub fn glimpse_of(
        &self,
        name: &str,
        environment: &BTreeMap<String, String>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Glimpse> {
        let glimpse = self.glimpse(environment, stop)?;
        if let Some(remote) = self.remote()?.filter(|_| self.is_partial())
            && let Ok(commit) = glimpse.checkout.commit_named_by(name)
        {
            glimpse.checkout.bring_missing(&remote, commit, stop)?;
        }
        glimpse.opened()
    }

    /// A temporary repository with the references of this one, which borrows its objects.
    pub fn double(&self) -> Result<Glimpse> {
        let failed = || "no temporary repository can be made".to_owned();
        let folder = tempfile::tempdir().or_fail(Kind::Refused, failed)?;
        drop(Repository::init_bare(folder.path()).or_fail(Kind::Refused, failed)?);
        let common = self.repository.commondir();
        let write = |name: &str, text: &str| {
            std::fs::write(folder.path().join(name), text).or_fail(Kind::Refused, failed)
        };
        std::fs::create_dir_all(folder.path().join("objects/info")).or_fail(Kind::Refused, failed)?;
        write("objects/info/alternates", &format!("{}\n", common.join("objects").display()))?;
        // How the origin is reached (credentials, proxies) may be a setting of this one checkout.
        write("config", &format!("[include]\npath = {:?}\n[core]\nbare = true\n", common.join("config")))?;
        // Where the history was cut off, it is here, too.
        if let Ok(shallow) = std::fs::read_to_string(common.join("shallow")) {
            write("shallow", &shallow)?;
        }
        // How this one checkout has its files may be written in no release.
        if let Ok(attributes) = std::fs::read_to_string(common.join("info/attributes")) {
            std::fs::create_dir_all(folder.path().join("info")).or_fail(Kind::Refused, failed)?;
            write("info/attributes", &attributes)?;
        }
        let mut references = String::new();
        for (name, object) in self.named("refs/")? {
            // A name whose object is gone would make every fetch fail.
            if self.repository.find_object(object, None).is_ok() {
                references += &format!("{object} refs/{name}\n");
            }
        }
        write("packed-refs", &references)?;
        write("HEAD", &format!("{}\n", self.head_commit()?))?;
        Glimpse { checkout: self.in_place_of(folder.path())?, folder }.opened()
    }

    fn in_place_of(&self, folder: &Path) -> Result<Checkout> {
        let failed = || "a temporary repository can't be read".to_owned();
        let repository = Repository::open_bare(folder).or_fail(Kind::Refused, failed)?;
        let (folder, rules) = (self.folder.clone(), self.rules.clone());
        Ok(Checkout { repository, folder, rules, environment: self.environment.clone(), edits: Vec::new() })
    }

    /// The origin as another folder can name it: a path there is one from the checkout.
    pub(super) fn reachable(&self, url: &str) -> String {
        let path = self.folder.join(url);
        if path.exists() { path.display().to_string() } else { url.to_owned() }
    }
}

impl Glimpse {
    /// The temporary repository.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Read again: another program has changed it.
    fn opened(self) -> Result<Glimpse> {
        let checkout = self.checkout.in_place_of(self.folder.path())?;
        Ok(Glimpse { checkout, ..self })
    }
}
