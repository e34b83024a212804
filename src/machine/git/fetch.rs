//! What the origin has. It is asked by the user's own git, which knows the credentials.

use super::Checkout;
use crate::command::{self, Spec};
use crate::failure::{Failure, Kind, Result};
use crate::machine::release::{Release, releases};
use crate::output::word;
use crate::units::Duration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// What a fetch brought.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fetched {
    /// Releases that were not known before, oldest first.
    pub releases: Vec<Release>,
}

/// How long git may take to ask, and to bring.
pub(super) const ASK: Duration = Duration::seconds(60);
pub(super) const BRING: Duration = Duration::seconds(1_800);

impl Checkout {
    /// The command that fetches commits and tags; [`Checkout::add_new_tags`] then adds the new tags. Doing it twice is the
    /// same as once; doing it twice at a time is not. None if there is no remote.
    pub fn fetch(&self, environment: &BTreeMap<String, String>) -> Result<Option<Spec>> {
        let Some(remote) = self.remote()? else { return Ok(None) };
        // Not `--tags`: a tag that moved at the origin would make the whole fetch fail, though all else came.
        let mut arguments: Vec<String> =
            ["git", "fetch", "--no-tags", "--no-recurse-submodules"].map(str::to_owned).to_vec();
        arguments.push(remote.clone());
        arguments.extend(self.refspecs(&remote));
        let mut spec = Spec::new(arguments, &self.folder);
        spec.environment = environment.clone();
        spec.within = Some(BRING);
        Ok(Some(spec))
    }

    /// What helps if a fetch failed, for the reason that git gave.
    pub fn fetch_help(&self, why: &[String]) -> String {
        let git = format!("git -C {}", word(self.folder.display()));
        let remote = self.remote().ok().flatten().unwrap_or_else(|| "origin".to_owned());
        if why.iter().any(|line| line.contains("couldn't find remote ref")) {
            // A clone of one branch alone asks for that one.
            return format!(
                "that branch is gone at the origin; have all of its branches fetched with `{git} remote set-branches {} '*'`",
                word(remote)
            );
        }
        format!("try it by hand: {git} fetch")
    }

    /// The tags that the origin has, in [`Release::list_order`], fetched or not. A checkout without an origin has its own.
    pub fn origin_releases(
        &self,
        environment: &BTreeMap<String, String>,
        stop: &dyn Fn() -> bool,
    ) -> Result<Vec<Release>> {
        let Some(remote) = self.remote()? else { return self.releases() };
        let said = self.git(&["ls-remote", "--tags", "--refs", &remote], environment, ASK, stop)?;
        Ok(releases(said.lines().filter_map(|line| line.rsplit_once("refs/tags/").map(|(_, tag)| tag))))
    }

    pub(super) fn git(
        &self,
        arguments: &[&str],
        environment: &BTreeMap<String, String>,
        within: Duration,
        stop: &dyn Fn() -> bool,
    ) -> Result<String> {
        self.git_in(&self.folder, arguments, environment, within, stop)
    }

    /// The same in another folder.
    pub(super) fn git_in(
        &self,
        folder: &Path,
        arguments: &[&str],
        environment: &BTreeMap<String, String>,
        within: Duration,
        stop: &dyn Fn() -> bool,
    ) -> Result<String> {
        let mut spec = Spec::new(["git"].iter().chain(arguments).copied(), folder);
        spec.environment = environment.clone();
        spec.within = Some(within);
        let looked = command::look(&spec, stop)?;
        if looked.exit.success() {
            return Ok(looked.stdout);
        }
        let message = format!("`git {}` {} in {}", arguments.join(" "), looked.exit, self.shown());
        let said = looked.stderr.lines().rev().take(5).collect::<Vec<_>>();
        let failure =
            said.into_iter().rev().fold(Failure::new(Kind::Unreachable, message), |failure, line| {
                failure.why(without_credentials(line))
            });
        Err(failure.help(format!(
            "try it by hand: `git -C {} {}`",
            word(self.folder.display()),
            arguments.join(" ")
        )))
    }
}

/// A line of git's without the name and password that a URL may hold.
pub fn without_credentials(line: &str) -> String {
    let mut clean = String::new();
    let mut rest = line;
    while let Some((before, after)) = rest.split_once("://") {
        let host = after.find(['/', ' ', '\'']).unwrap_or(after.len());
        let start = after[..host].rfind('@').map_or(0, |at| at + 1);
        clean.push_str(before);
        clean.push_str("://");
        rest = &after[start..];
    }
    clean + rest
}

#[cfg(test)]
mod tests {
    use super::without_credentials;

    #[test]
    fn a_url_is_shown_without_its_password() {
        let line = "fatal: unable to access 'https://me:secret@example.org/x.git/': no (https://b@c/)";
        assert_eq!(
            without_credentials(line),
            "fatal: unable to access 'https://example.org/x.git/': no (https://c/)"
        );
    }
}
