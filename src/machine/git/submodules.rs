//! Submodules: which ones a commit has, and what a checkout of it needs of them.
//!
//! Their commits are brought before anything is touched, into the repositories below `.git/modules` where git itself looks
//! for them. So the update of their files needs no network.

use super::Checkout;
use super::fetch::{BRING, without_credentials};
use crate::command::{self, Looked, Spec};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::temporary;
use crate::output::word;
use crate::units::Duration;
use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::path::{Component, Path, PathBuf};

/// Submodules within submodules deeper than this lead in a circle.
const DEEPEST: usize = 8;
const READ: Duration = Duration::seconds(120);

/// A submodule, as a commit has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Submodule {
    pub name: String,
    /// From the top of its repository.
    pub path: String,
    /// As `.gitmodules` writes it.
    pub url: String,
    pub commit: String,
}

/// The user's git, where it works and with what.
#[derive(Clone, Copy)]
pub(super) struct Git<'a> {
    pub environment: &'a BTreeMap<String, String>,
    pub stop: &'a dyn Fn() -> bool,
}

impl Git<'_> {
    pub fn look(&self, folder: &Path, arguments: &[&str], within: Duration) -> Result<Looked> {
        command::look(&self.spec(folder, arguments, within), self.stop)
    }

    /// The same, with what it printed as it is: names of files may be any bytes.
    pub fn look_at_bytes(
        &self,
        folder: &Path,
        arguments: &[&str],
        within: Duration,
    ) -> Result<(Looked, Vec<u8>)> {
        let failed = || "what git prints can't be read".to_owned();
        let mut file = temporary(failed)?;
        let looked = command::look_into(&self.spec(folder, arguments, within), &file, self.stop)?;
        let mut printed = Vec::new();
        file.rewind().and_then(|()| file.read_to_end(&mut printed)).or_fail(Kind::Refused, failed)?;
        Ok((looked, printed))
    }

    fn spec(&self, folder: &Path, arguments: &[&str], within: Duration) -> Spec {
        let mut spec = Spec::new(["git"].iter().chain(arguments).copied(), folder);
        spec.environment = self.environment.clone();
        spec.within = Some(within);
        spec
    }

    /// The same in a repository itself, whose files may be gone.
    fn inside(&self, store: &Path, arguments: &[&str], within: Duration) -> Result<Looked> {
        self.look(store, &[&["--git-dir=.", "--work-tree=."], arguments].concat(), within)
    }

    /// What it printed; nothing if it failed.
    fn read(&self, folder: &Path, arguments: &[&str]) -> Result<Option<String>> {
        let looked = self.inside(folder, arguments, READ)?;
        Ok(looked.exit.success().then_some(looked.stdout))
    }
}

/// Where repositories of submodules are: `into` takes new ones, `known` is looked at before.
struct Stores {
    into: PathBuf,
    known: PathBuf,
}

/// The submodules of a commit in the repository at `store`. One without an entry in `.gitmodules` is none.
pub(super) fn submodules(git: Git, store: &Path, commit: &str) -> Result<Vec<Submodule>> {
    let blob = format!("{commit}:.gitmodules");
    let keys = ["config", "--blob", &blob, "--null", "--get-regexp", "^submodule\\..*\\.(path|url)$"];
    let Some(said) = git.read(store, &keys)? else { return Ok(Vec::new()) };
    let mut named: BTreeMap<String, (String, String)> = BTreeMap::new();
    for entry in said.split('\0') {
        let Some((key, value)) = entry.split_once('\n') else { continue };
        let Some((name, last)) = key.strip_prefix("submodule.").and_then(|key| key.rsplit_once('.')) else {
            continue;
        };
        let found = named.entry(name.to_owned()).or_default();
        *if last == "path" { &mut found.0 } else { &mut found.1 } = value.to_owned();
    }
    let listed = git.read(store, &["ls-tree", "-r", "-z", "--full-tree", commit])?.unwrap_or_default();
    let commits: BTreeMap<&str, &str> = listed
        .split('\0')
        .filter_map(|line| line.strip_prefix("160000 commit ")?.split_once('\t'))
        .map(|(commit, path)| (path, commit))
        .collect();
    let mut found = Vec::new();
    for (name, (path, url)) in named {
        let Some(commit) = commits.get(path.as_str()) else { continue };
        if !is_inside(&name) || !is_inside(&path) || url.is_empty() || url.starts_with('-') {
            return Err(Failure::new(
                Kind::Refused,
                format!("the submodule `{name}` has no usable path or URL"),
            )
            .why("nothing was touched")
            .help(format!("see `.gitmodules` of the commit {commit}")));
        }
        found.push(Submodule { name, path, url, commit: (*commit).to_owned() });
    }
    Ok(found)
}

impl Checkout {
    /// Brings the commits of the submodules that `commit` has and that are to be checked out with it, and of those within
    /// them. `then` is the repository that knows the commit. New repositories are made in `into`, if given, and otherwise
    /// where git looks for them.
    pub(super) fn bring_submodules(
        &self,
        git: Git,
        then: &Checkout,
        commit: &str,
        into: Option<&Path>,
    ) -> Result<()> {
        // Each worktree has its own.
        let known = self.repository.path().join("modules");
        let stores = Stores { into: into.map_or_else(|| known.clone(), Path::to_owned), known };
        let base = self.remote()?.and_then(|remote| self.url_of(&remote));
        let base = base.map_or_else(|| self.folder.display().to_string(), |url| self.reachable(&url));
        let here = self.head_commit()?.to_string();
        let before = submodules(git, self.repository.path(), &here)?;
        for submodule in submodules(git, then.repository.path(), commit)? {
            if self.is_wanted(&before, &submodule) {
                self.bring_submodule(git, &submodule, &base, &stores, 0)?;
            }
        }
        Ok(())
    }

    /// Whether its files are to be checked out. One that somebody left out before stays out.
    pub(super) fn is_wanted(&self, before: &[Submodule], submodule: &Submodule) -> bool {
        let was = before.iter().find(|before| before.name == submodule.name);
        was.is_none_or(|was| self.is_populated(&was.path))
    }

    pub(super) fn is_populated(&self, path: &str) -> bool {
        self.folder.join(path).join(".git").symlink_metadata().is_ok()
    }

    fn bring_submodule(
        &self,
        git: Git,
        submodule: &Submodule,
        base: &str,
        stores: &Stores,
        depth: usize,
    ) -> Result<()> {
        let Submodule { name, path, commit, .. } = submodule;
        // An admin may have set another URL, as a mirror's.
        let own = if depth == 0 { self.setting(&format!("submodule.{name}.url")) } else { None };
        let written = own.filter(|own| !own.is_empty()).unwrap_or_else(|| submodule.url.clone());
        let written = self.changed_url(git, submodule, base, written)?;
        let url = resolved(base, &written);
        let has = |store: &Path| -> Result<bool> {
            let object = format!("{commit}^{{commit}}");
            Ok(store.is_dir() && git.inside(store, &["cat-file", "-e", &object], READ)?.exit.success())
        };
        let mut store = stores.known.join(name);
        if !has(&store)? {
            store = stores.into.join(name);
            if !has(&store)? {
                self.fetch_submodule(git, &store, &url, submodule, &has)?;
            }
        }
        if depth == DEEPEST {
            return Err(Failure::new(Kind::Refused, format!("the submodules of `{path}` lead in a circle")));
        }
        let below = Stores {
            into: if store.starts_with(&stores.known) && stores.into == stores.known {
                store.join("modules")
            } else {
                stores.into.join(name).join("modules")
            },
            known: stores.known.join(name).join("modules"),
        };
        for inner in submodules(git, &store, commit)? {
            self.bring_submodule(git, &inner, &url, &below, depth + 1)?;
        }
        Ok(())
    }

    /// The URL to fetch from: an admin's own stays, and that of the earlier release gives way to the new one.
    fn changed_url(&self, git: Git, submodule: &Submodule, base: &str, configured: String) -> Result<String> {
        if configured == submodule.url {
            return Ok(configured);
        }
        let here = self.head_commit()?.to_string();
        let before = submodules(git, self.repository.path(), &here)?;
        let was = before.iter().find(|before| before.name == submodule.name);
        let is_old = was.is_some_and(|was| same_url(&resolved(base, &was.url), &configured));
        Ok(if is_old { submodule.url.clone() } else { configured })
    }

    fn fetch_submodule(
        &self,
        git: Git,
        store: &Path,
        url: &str,
        submodule: &Submodule,
        has: &dyn Fn(&Path) -> Result<bool>,
    ) -> Result<()> {
        let Submodule { path, commit, .. } = submodule;
        let failed = || format!("the repository of the submodule `{path}` can't be made");
        if !store.join("HEAD").exists() {
            std::fs::create_dir_all(store).or_fail(Kind::Refused, failed)?;
            let settings = [
                ["init", "--quiet", "--bare"],
                ["config", "core.bare", "false"],
                ["config", "remote.origin.url", url],
            ];
            for arguments in settings {
                let looked = git.look(store, &arguments, READ)?;
                if !looked.exit.success() {
                    return Err(Failure::new(Kind::Refused, failed()).why(looked.stderr.trim()));
                }
            }
            let refspec = ["config", "remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"];
            git.inside(store, &refspec, READ)?;
        }
        let mut why = String::new();
        for wanted in ["+refs/heads/*:refs/remotes/origin/*", commit] {
            // Not every server gives a commit that is asked for by its name, so the branches come first.
            let arguments = ["fetch", "--quiet", "--no-tags", "--no-recurse-submodules", url, wanted];
            let looked = git.inside(store, &arguments, BRING)?;
            why = looked.stderr;
            if has(store)? {
                // So that it is not tidied away before it is checked out.
                let kept = format!("refs/banister/wanted/{commit}");
                git.inside(store, &["update-ref", &kept, commit], READ)?;
                return Ok(());
            }
        }
        let message = format!("the commit {commit} of the submodule `{path}` can't be fetched");
        let last = why.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
        Err(Failure::new(Kind::Unreachable, message)
            .why(without_credentials(last))
            .why("nothing was touched")
            .help(format!("try it by hand: `git ls-remote {}`", word(without_credentials(url)))))
    }
}

/// A URL that begins with `./` or `../` is one from that of the repository around it.
pub(super) fn resolved(base: &str, url: &str) -> String {
    if !url.starts_with("./") && !url.starts_with("../") {
        return url.to_owned();
    }
    let mut base = base.trim_end_matches('/').to_owned();
    let mut rest = url;
    loop {
        if let Some(after) = rest.strip_prefix("./") {
            rest = after;
        } else if let Some(after) = rest.strip_prefix("../") {
            rest = after;
            // Of `host:path`, the host stays.
            match base.rfind(['/', ':']) {
                Some(at) if base[at..].starts_with('/') => base.truncate(at),
                Some(at) => return format!("{}:{rest}", &base[..at]),
                None => return rest.to_owned(),
            }
        } else {
            return format!("{base}/{rest}");
        }
    }
}

pub(super) fn same_url(one: &str, other: &str) -> bool {
    one.trim_end_matches('/') == other.trim_end_matches('/')
}

/// Whether it stays in the folder that it is joined to.
fn is_inside(path: &str) -> bool {
    !path.is_empty()
        && !path.starts_with('-')
        && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_url_is_one_from_the_repository_around_it() {
        for (base, url, whole) in [
            ("https://example.org/a/b.git", "../lib.git", "https://example.org/a/lib.git"),
            ("https://example.org/a/b/", "../../lib", "https://example.org/lib"),
            ("git@example.org:a/b", "../lib", "git@example.org:a/lib"),
            ("git@example.org:b", "../lib", "git@example.org:lib"),
            ("/srv/b", "./lib", "/srv/b/lib"),
            ("/srv/b", "https://example.org/x", "https://example.org/x"),
        ] {
            assert_eq!(resolved(base, url), whole);
        }
        assert!(is_inside("a/b") && !is_inside("../b") && !is_inside("/b") && !is_inside("-b"));
    }
}
