//! What a move to another commit needs, judged and brought before anything is touched: in a run for the checkout itself, in a
//! plan for a temporary repository that knows as much.

use super::fetch::{ASK, BRING};
use super::held::Held;
use super::submodules::Git;
use super::{Checkout, Glimpse, Kept, Target, Which};
use crate::command::{self, Spec};
use crate::failure::{Context, Failure, Kind, Result};
use crate::output::{counted, word};
use git2::Oid;
use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};

/// How many files a refusal names.
const NAMED: usize = 20;

/// What a move keeps.
pub struct Ready {
    /// The edits.
    pub edits: Vec<Kept>,
    /// Own files in submodules that the other commit does not have, as paths from the top: they are put aside.
    pub aside: Vec<PathBuf>,
    /// The folder for them.
    pub place: PathBuf,
}

impl Checkout {
    /// Judges whether the checkout can be moved to what `name` means, and brings what that needs: objects that a partial
    /// clone left out, commits of submodules, files of git-lfs. Fails with [`Kind::Refused`] or
    /// [`Kind::Unreachable`] and the command that solves it; the files of the checkout are not touched. What somebody let
    /// an earlier update carry over is forgotten.
    pub fn make_ready(&self, name: &str, which: Which, stop: &dyn Fn() -> bool) -> Result<Ready> {
        self.forget_agreed()?;
        self.ready(self, name, which, stop, None)
    }

    /// The same for a plan: nothing changes, and what would be brought is brought into the glimpse, which knows what a fetch
    /// brings.
    pub fn foresee(
        &self,
        glimpse: &Glimpse,
        name: &str,
        which: Which,
        stop: &dyn Fn() -> bool,
    ) -> Result<Ready> {
        let modules = glimpse.checkout.repository.path().join("modules");
        self.ready(&glimpse.checkout, name, which, stop, Some(&modules))
    }

    fn ready(
        &self,
        then: &Checkout,
        name: &str,
        which: Which,
        stop: &dyn Fn() -> bool,
        modules: Option<&Path>,
    ) -> Result<Ready> {
        let git = Git { environment: &self.environment, stop };
        self.refuse_if_busy()?;
        let target = then.target(name)?;
        self.refuse_if_origin_differs(then, &target, stop)?;
        if let Target::Branch(branch) = &target {
            self.refuse_if_taken(branch)?;
        }
        let to = then.commit_named_by(name)?;
        let mut ready = Ready { edits: Vec::new(), aside: Vec::new(), place: self.aside() };
        if to == self.head_commit()? {
            return Ok(ready);
        }
        if let Some(remote) = self.remote()?.filter(|_| self.is_partial()) {
            then.bring_missing(&remote, to, stop)?;
        }
        ready.edits = self.edits_at(then, to, which)?.1;
        self.refuse_hidden_edits(then, to)?;
        self.refuse_if_hidden_in_the_way(then, to)?;
        self.ready_filters(git, then, name, to, modules.is_some())?;
        self.bring_submodules(git, then, &to.to_string(), modules)?;
        self.refuse_hidden_edits_of_submodules(git, then, to, modules)?;
        self.refuse_own_files_of_submodules(git, then, to, modules)?;
        ready.aside = self.own_files_of_leaving(git, then, to)?;
        Ok(ready)
    }

    /// Refuses a branch that another worktree has checked out: git moves a branch in one of them only.
    fn refuse_if_taken(&self, branch: &str) -> Result<()> {
        let said = self.git(&["worktree", "list", "--porcelain"], &self.environment, ASK, &|| false)?;
        let (mut folder, wanted) = ("", format!("branch refs/heads/{branch}"));
        for line in said.lines() {
            if let Some(path) = line.strip_prefix("worktree ") {
                folder = path;
            }
            let is_other = Path::new(folder).canonicalize().ok().as_deref() != Some(&self.folder);
            if line == wanted && is_other {
                return Err(Failure::new(
                    Kind::Refused,
                    format!("the branch `{branch}` is checked out in another worktree, `{folder}`"),
                )
                .why("nothing was touched")
                .help(format!("free it there with `git -C {} switch --detach`", word(folder))));
            }
        }
        Ok(())
    }

    /// Brings the objects of `commit` that a partial clone left out. Git itself would ask for them one after another, while
    /// the server is down.
    pub(super) fn bring_missing(&self, remote: &str, commit: Oid, stop: &dyn Fn() -> bool) -> Result<()> {
        let folder = self.repository.path();
        let git = Git { environment: &self.environment, stop };
        let commit = commit.to_string();
        let list = ["rev-list", "--objects", "--missing=print", "--no-walk", &commit];
        let said = git.look(folder, &list, BRING)?;
        let missing: Vec<&str> = said.stdout.lines().filter_map(|line| line.strip_prefix('?')).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let failed =
            || format!("the objects of {commit} that are missing in {} can't be fetched", self.shown());
        let mut input = tempfile::tempfile().or_fail(Kind::Refused, failed)?;
        input.write_all((missing.join("\n") + "\n").as_bytes()).or_fail(Kind::Refused, failed)?;
        let url = self.url_of(remote).map_or_else(|| remote.to_owned(), |url| self.reachable(&url));
        // By its name, because git brings such objects from a remote that promised them.
        let source = if self.repository.is_bare() { url.as_str() } else { remote };
        let arguments = [
            "git",
            "fetch",
            "--quiet",
            "--no-tags",
            "--no-write-fetch-head",
            "--filter=blob:none",
            "--stdin",
            source,
        ];
        let mut spec = Spec::new(arguments, folder);
        spec.environment = self.environment.clone();
        spec.within = Some(BRING);
        let looked = command::feed(&spec, &input, None, stop)?;
        if looked.exit.success() {
            return Ok(());
        }
        Err(Failure::new(Kind::Unreachable, failed())
            .why(super::without_credentials(looked.stderr.lines().next_back().unwrap_or_default()))
            .help(format!("bring all of them with `git -C {} fetch --refetch`", word(self.folder.display()))))
    }

    /// Refuses if a new file would need the place of one that git does not watch: an ignored `.env`, say, which git itself
    /// overwrites without a word.
    fn refuse_if_hidden_in_the_way(&self, then: &Checkout, to: Oid) -> Result<()> {
        let (old, new) = (then.tree(self.head_commit()?)?, then.tree(to)?);
        let mut found = BTreeSet::new();
        for path in then.changed_paths(&old, &new)? {
            let wanted = Held::in_tree(&new, &path);
            if wanted == Held::Nothing || Held::in_tree(&old, &path) != Held::Nothing {
                continue;
            }
            match self.held_in_folder(&path)? {
                Held::Folder if !matches!(wanted, Held::Submodule(_)) => {
                    self.unwatched_below(&old, &path, &mut found)?;
                }
                Held::Folder | Held::Nothing => self.unwatched_above(&old, &path, &mut found),
                held if held == wanted => {}
                _ => drop(found.insert(path)),
            }
        }
        if found.is_empty() {
            return Ok(());
        }
        let folder = self.folder.display();
        let first = found.first().map(|path| path.display().to_string()).unwrap_or_default();
        let mut failure = Failure::new(
            Kind::Refused,
            format!(
                "{} of the checkout {} {} where {} has {} own, and git does not keep {}",
                counted(found.len(), "file"),
                self.shown(),
                if found.len() == 1 { "is" } else { "are" },
                then.short(to),
                if found.len() == 1 { "its" } else { "their" },
                if found.len() == 1 { "it" } else { "them" },
            ),
        );
        failure.why =
            found.iter().take(NAMED).map(|path| format!("in the way: {}", path.display())).collect();
        failure.why.push("nothing was touched".to_owned());
        let (one, two) = (word(format!("{folder}/{first}")), word(format!("{folder}/{first}.own")));
        Err(failure.help(format!(
            "put it aside with `mv {one} {two}`, update, then write what is yours into the new file"
        )))
    }

    /// All files in a folder that the commit which is checked out does not have.
    fn unwatched_below(&self, old: &git2::Tree, folder: &Path, found: &mut BTreeSet<PathBuf>) -> Result<()> {
        let failed = || format!("`{}` can't be read", self.folder.join(folder).display());
        for entry in std::fs::read_dir(self.folder.join(folder)).or_fail(Kind::Refused, failed)? {
            let entry = entry.or_fail(Kind::Refused, failed)?;
            let path = folder.join(entry.file_name());
            if entry.file_type().or_fail(Kind::Refused, failed)?.is_dir() {
                self.unwatched_below(old, &path, found)?;
            } else if Held::in_tree(old, &path) == Held::Nothing {
                found.insert(path);
            }
        }
        Ok(())
    }

    /// A file that is where a folder is to be.
    fn unwatched_above(&self, old: &git2::Tree, path: &Path, found: &mut BTreeSet<PathBuf>) {
        for above in path.ancestors().skip(1).filter(|above| *above != Path::new("")) {
            let held = self.folder.join(above).symlink_metadata();
            if held.is_ok_and(|held| !held.is_dir()) && Held::in_tree(old, above) == Held::Nothing {
                found.insert(above.to_path_buf());
            }
        }
    }
}
