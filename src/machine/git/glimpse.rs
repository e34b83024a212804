//! What a fetch would bring, read without touching the checkout.

use super::Checkout;
use crate::failure::{Context, Kind, Result};
use crate::units::Duration;
use git2::Repository;
use std::collections::BTreeMap;
use tempfile::TempDir;

/// A repository in a temporary folder that knows what the origin has now. It borrows the objects of the checkout, so
/// that only what is new is brought.
pub struct Glimpse {
    pub checkout: Checkout,
    // Removed with it.
    _folder: TempDir,
}

const BRING: Duration = Duration::seconds(1_800);

impl Checkout {
    /// Brings what the origin has into a temporary repository. Nothing changes in the checkout.
    pub fn glimpse(
        &self,
        environment: &BTreeMap<String, String>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Glimpse> {
        let failed = || "no temporary repository can be made".to_owned();
        let folder = tempfile::tempdir().or_fail(Kind::Refused, failed)?;
        drop(Repository::init_bare(folder.path()).or_fail(Kind::Refused, failed)?);
        let common = self.repository.commondir();
        let info = folder.path().join("objects/info");
        std::fs::create_dir_all(&info).or_fail(Kind::Refused, failed)?;
        let objects = format!("{}\n", common.join("objects").display());
        std::fs::write(info.join("alternates"), objects).or_fail(Kind::Refused, failed)?;
        // How the origin is reached (credentials, proxies) may be a setting of this one checkout.
        let config = format!("[include]\npath = {:?}\n[core]\nbare = true\n", common.join("config"));
        std::fs::write(folder.path().join("config"), config).or_fail(Kind::Refused, failed)?;
        // A checkout without an origin has all it will ever know.
        let origin =
            match self.repository.find_remote("origin").ok().map(|remote| remote.url().map(str::to_owned)) {
                Some(Ok(url)) => self.reachable(&url),
                _ => self.folder.display().to_string(),
            };
        let everything = ["+refs/tags/*:refs/tags/*", "+refs/heads/*:refs/heads/*"];
        let arguments = [&["fetch", "--quiet", "--no-write-fetch-head", &origin], &everything[..]].concat();
        self.git_in(folder.path(), &arguments, environment, BRING, stop)?;
        let repository = Repository::open_bare(folder.path()).or_fail(Kind::Refused, failed)?;
        let checkout = Checkout { repository, folder: self.folder.clone(), rules: self.rules.clone() };
        Ok(Glimpse { checkout, _folder: folder })
    }

    /// The origin as another folder can name it: a path there is one from the checkout.
    fn reachable(&self, url: &str) -> String {
        let path = self.folder.join(url);
        if path.exists() { path.display().to_string() } else { url.to_owned() }
    }
}
