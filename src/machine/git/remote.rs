//! Which remote a checkout follows, and what is fetched from it.

use super::Checkout;
use crate::failure::{Failure, Kind, Result};
use crate::output::word;

/// Where a fetch keeps the origin's tags, so that one that moved there never stands in the way of the others.
pub(super) const ORIGIN_TAGS: &str = "refs/banister/tags/";

impl Checkout {
    /// The remote that the checkout follows: that of its branch, the one that git's own `checkout.defaultRemote` names, the
    /// only one, or `origin`. Nothing if it has none; refused if it has several of which nothing names one.
    pub(super) fn remote(&self) -> Result<Option<String>> {
        let failed = |error: git2::Error| self.failed("the remotes can't be read", &error);
        let names = self.repository.remotes().map_err(failed)?;
        let names: Vec<String> = names.iter().flatten().flatten().map(str::to_owned).collect();
        let of_branch = self.branch()?.and_then(|branch| self.setting(&format!("branch.{branch}.remote")));
        let said = of_branch.into_iter().chain(self.setting("checkout.defaultRemote"));
        if let Some(name) = said.into_iter().find(|said| names.contains(said)) {
            return Ok(Some(name));
        }
        match names.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(only.clone())),
            several if several.iter().any(|name| name == "origin") => Ok(Some("origin".to_owned())),
            several => Err(Failure::new(
                Kind::Refused,
                format!("the checkout {} has several remotes: {}", self.shown(), several.join(", ")),
            )
            .why("none is named `origin`, and nothing says which one it follows")
            .help(format!(
                "name it with `git -C {} config checkout.defaultRemote NAME`",
                word(self.folder.display())
            ))),
        }
    }

    /// The URL of the remote that the checkout follows, if it follows one.
    pub fn remote_url(&self) -> Option<String> {
        self.remote().ok().flatten().and_then(|remote| self.url_of(&remote))
    }

    /// The URL of a remote, as git's configuration has it.
    pub(super) fn url_of(&self, remote: &str) -> Option<String> {
        let remote = self.repository.find_remote(remote).ok()?;
        remote.url().ok().map(str::to_owned)
    }

    /// What is fetched: the branches that the remote's configuration names, and all tags, into names of our own.
    pub(super) fn refspecs(&self, remote: &str) -> Vec<String> {
        let configured = self.repository.find_remote(remote).ok();
        let configured = configured.as_ref().and_then(|remote| remote.fetch_refspecs().ok());
        let mut refspecs = vec![format!("+refs/tags/*:{ORIGIN_TAGS}*")];
        for refspec in configured.iter().flat_map(|refspecs| refspecs.iter()).flatten().flatten() {
            // A clone of one tag alone names it here.
            if !refspec.contains("refs/tags/") {
                refspecs.push(refspec.to_owned());
            }
        }
        refspecs
    }

    /// A value of git's configuration.
    pub(super) fn setting(&self, key: &str) -> Option<String> {
        self.repository.config().ok()?.get_string(key).ok()
    }
}
