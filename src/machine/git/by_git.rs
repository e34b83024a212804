//! Moves a checkout with the user's git, where banister's own move would not do it rightly (see [`super::way`]).
//!
//! Git is not atomic: killed half-way, it leaves some files new and HEAD old. The same note as that of banister's own move
//! says so, and whose files may be found: a second attempt replaces those that are of one of these commits, and no others.

use super::dirt::{Differing, dirt};
use super::held::Held;
use super::staging::{Note, Staging, index_lock};
use super::submodules::{Git, Submodule, resolved, same_url, submodules};
use super::{Checkout, Position};
use crate::command::{self, Spec};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::temporary;
use crate::output::word;
use crate::units::Duration;
use git2::Oid;
use std::io::Write;
use std::time::Instant;

/// How many of an admin's changes a refusal names.
const NAMED: usize = 20;
const MOVE: Duration = Duration::seconds(1_800);
/// How long another git may hold a lock, and how often that is looked at.
const OTHER: std::time::Duration = std::time::Duration::from_secs(20);
const TICK: std::time::Duration = std::time::Duration::from_millis(100);
const READ: Duration = Duration::seconds(120);

impl Checkout {
    /// As [`Checkout::move_to`], by the user's git, with the submodules.
    pub(super) fn move_by_git(&self, to: Oid, branch: Option<&str>) -> Result<(Position, bool)> {
        let staging = Staging::take(self)?;
        let left = staging.left();
        let moved = self.try_move_by_git(&staging, left.as_ref(), to, branch);
        // The note must outlive a failure half-way.
        if moved.is_ok() || staging.left().is_none() {
            staging.discard();
        }
        moved
    }

    fn try_move_by_git(
        &self,
        staging: &Staging,
        left: Option<&Note>,
        to: Oid,
        branch: Option<&str>,
    ) -> Result<(Position, bool)> {
        staging.remove_own_locks(&self.repository);
        if left.is_some() {
            self.wait_for_git();
        }
        self.refuse_if_busy()?;
        let here = self.position()?;
        let from = match left {
            Some(note)
                if note.to == to.to_string() && [&note.from.commit, &note.to].contains(&&here.commit) =>
            {
                note.from.clone()
            }
            _ => here.clone(),
        };
        let mut foreign = Vec::new();
        for differing in self.differing()? {
            if left.is_none_or(|note| !self.is_of(note, to, &differing)) {
                foreign.push(differing);
            }
        }
        if !foreign.is_empty() {
            return Err(self.dirty_refusal(&dirt(&foreign, NAMED)));
        }
        let changed = here.commit != to.to_string() || here.branch.as_deref() != branch;
        if !changed && left.is_none() {
            return Ok((from, false));
        }
        let mut note = Note::of(left, &from, &here, to, branch);
        if left.is_none() {
            let git = Git { environment: &self.environment, stop: &|| false };
            self.refuse_own_files_of_submodules(git, self, to, None)?;
            let before = submodules(git, self.repository.path(), &here.commit)?;
            let out = before.into_iter().filter(|it| !self.is_populated(&it.path));
            note.left_out = out.map(|it| it.name).collect();
        }
        staging.write_note(&note)?;
        self.act_by_git(left.is_some(), &note.left_out, to, branch).map_err(|failure| {
            failure
                .why(format!("the checkout stands between {} and {}", from.name(), self.short(to)))
                .help("fix the cause, then `banister resume`")
        })?;
        Ok((from, true))
    }

    fn act_by_git(&self, again: bool, left_out: &[String], to: Oid, branch: Option<&str>) -> Result<()> {
        let git = Git { environment: &self.environment, stop: &|| false };
        let store = self.repository.path();
        let before = submodules(git, store, &self.head_commit()?.to_string())?;
        let after = submodules(git, store, &to.to_string())?;
        let wanted: Vec<&Submodule> = after.iter().filter(|it| !left_out.contains(&it.name)).collect();
        for going in before.iter().filter(|it| self.is_leaving(it, &after)) {
            self.put_own_files_aside(git, going)?;
            // Left alone, its folder would stay as somebody's own repository, and be in the way of the way back.
            self.git_does(&["submodule", "--quiet", "deinit", "--force", "--", &going.path])?;
        }
        // Of a file that git was told not to look at, it takes another time for an edit.
        let refresh = ["update-index", "-q", "--really-refresh"];
        let _ = git.look(&self.folder, &refresh, READ)?;
        if !before.is_empty() {
            let each = "git update-index -q --really-refresh || true";
            let _ =
                git.look(&self.folder, &["submodule", "--quiet", "foreach", "--recursive", each], READ)?;
        }
        let commit = to.to_string();
        let mut arguments =
            vec!["checkout", "--quiet", "--no-overwrite-ignore", "--no-recurse-submodules", "--detach"];
        if again {
            // What differs is of these two commits, as was seen before.
            arguments.push("--force");
        }
        arguments.push(&commit);
        self.git_does(&arguments)?;
        if !wanted.is_empty() {
            let paths: Vec<&str> = wanted.iter().map(|it| it.path.as_str()).collect();
            let moved: Vec<&str> = self.with_new_url(&before, &wanted);
            if !moved.is_empty() {
                self.git_does(
                    &[&["submodule", "--quiet", "sync", "--recursive", "--"], &moved[..]].concat(),
                )?;
            }
            // Their commits were brought before.
            let update =
                ["submodule", "--quiet", "update", "--init", "--recursive", "--checkout", "--no-fetch", "--"];
            self.git_does(&[&update[..], &paths].concat())?;
        }
        wanted.iter().try_for_each(|it| self.put_own_files_back(it))?;
        if let Some(branch) = branch {
            let name = format!("refs/heads/{branch}");
            self.git_does(&["update-ref", "-m", "banister: move forward", &name, &commit])?;
            self.git_does(&["symbolic-ref", "-m", "banister: move forward", "HEAD", &name])?;
        }
        let differing = self.differing()?;
        if differing.is_empty() {
            return Ok(());
        }
        let mut failure = Failure::new(
            Kind::Refused,
            format!("the checkout {} differs from {} after git checked it out", self.shown(), self.short(to)),
        );
        failure.why = dirt(&differing, NAMED).lines();
        Err(failure)
    }

    /// The paths of the submodules whose URL is another one now, unless an admin set one.
    fn with_new_url<'a>(&self, before: &[Submodule], after: &[&'a Submodule]) -> Vec<&'a str> {
        let base = self.remote().ok().flatten().and_then(|remote| self.url_of(&remote));
        let base = base.map_or_else(|| self.folder.display().to_string(), |url| self.reachable(&url));
        let is_new = |it: &&&Submodule| {
            let Some(was) = before.iter().find(|was| was.name == it.name && was.url != it.url) else {
                return false;
            };
            let set = self.setting(&format!("submodule.{}.url", it.name));
            set.is_none_or(|set| same_url(&set, &was.url) || same_url(&set, &resolved(&base, &was.url)))
        };
        after.iter().filter(is_new).map(|it| it.path.as_str()).collect()
    }

    pub(super) fn git_does(&self, arguments: &[&str]) -> Result<()> {
        self.git_takes(arguments, b"")
    }

    /// The same with what it reads, such as names of any bytes.
    pub(super) fn git_takes(&self, arguments: &[&str], input: &[u8]) -> Result<()> {
        let failed = || "git can't be given files".to_owned();
        let mut given = temporary(failed)?;
        given.write_all(input).or_fail(Kind::Refused, failed)?;
        // A hook's failure would look like one of the checkout, though it comes after the files were moved.
        let all = ["git", "-c", "core.hooksPath=/dev/null", "-c", "advice.detachedHead=false"];
        let mut spec = Spec::new(all.iter().chain(arguments).copied(), &self.folder);
        spec.environment = self.environment.clone();
        spec.within = Some(MOVE);
        let until = Instant::now() + OTHER;
        let looked = loop {
            let looked = command::feed(&spec, &given, None, &|| false)?;
            if looked.exit.success() {
                return Ok(());
            }
            // The git of an attempt that was cut off may still be at work.
            if !looked.stderr.contains(".lock") || Instant::now() >= until {
                break looked;
            }
            std::thread::sleep(TICK);
        };
        let message = format!("`git {}` {} in {}", arguments.join(" "), looked.exit, self.shown());
        let lines = looked.stderr.lines().rev().take(8).collect::<Vec<_>>();
        let failure = lines.into_iter().rev().fold(Failure::new(Kind::CommandFailed, message), Failure::why);
        Err(failure.help(format!("see what it says with `git -C {} status`", word(self.folder.display()))))
    }

    /// Waits for the git of an attempt that was cut off: that was not ended with it.
    fn wait_for_git(&self) {
        let (lock, until) = (index_lock(&self.repository), Instant::now() + OTHER);
        while lock.exists() && Instant::now() < until {
            std::thread::sleep(TICK);
        }
    }

    /// Whether what is in a folder under a path is what one of the commits of a move has there, as git stores it.
    pub(super) fn is_of(&self, note: &Note, to: Oid, differing: &Differing) -> bool {
        let commits = note
            .commits
            .iter()
            .filter_map(|commit| Oid::from_str_ext(commit, self.repository.object_format()).ok());
        let full = self.folder.join(&differing.path);
        let held = self.held_in_folder(&differing.path).ok();
        for commit in commits.chain([to]) {
            let Ok(tree) = self.tree(commit) else { continue };
            let entry = tree.get_path(&differing.path).ok();
            match (entry, full.symlink_metadata()) {
                (None, Err(_)) => return true,
                // A submodule is moved again.
                (Some(entry), _) if entry.kind() == Some(git2::ObjectType::Commit) => return true,
                (Some(_), Err(_)) => {}
                (None, Ok(_)) => {}
                (Some(entry), Ok(found)) if found.is_file() => {
                    if matches!(held, Some(Held::File { id, .. }) if id == entry.id()) {
                        return true;
                    }
                    let Some(path) = differing.path.to_str() else { continue };
                    let git = Git { environment: &self.environment, stop: &|| false };
                    let looked = git.look(&self.folder, &["hash-object", "--path", path, "--", path], READ);
                    if looked.is_ok_and(|looked| looked.stdout.trim() == entry.id().to_string()) {
                        return true;
                    }
                }
                (Some(entry), Ok(_)) => {
                    if held == Some(Held::Link(entry.id())) {
                        return true;
                    }
                }
            }
        }
        false
    }
}
