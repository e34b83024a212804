//! Files in the folders of submodules that no commit has: somebody's own, as data that an ignored folder holds.
//!
//! Git overwrites such a file where a new commit of the submodule has one of its name, and removes it with a submodule that a
//! release does not have. Here the first is refused, and the second is put aside, to be put back with the submodule.

use super::Checkout;
use super::submodules::{Git, Submodule, submodules};
use crate::failure::{Context, Failure, Kind, Result};
use crate::output::{counted, word};
use crate::units::Duration;
use git2::Oid;
use std::fs;
use std::path::{Path, PathBuf};

/// In the folder of the repository: a folder for each path of a submodule.
const ASIDE: &str = "banister-kept";
const READ: Duration = Duration::seconds(120);
/// How many files a refusal names.
const NAMED: usize = 20;
/// Submodules within submodules deeper than this lead in a circle.
const DEEPEST: usize = 8;

impl Checkout {
    /// Refuses own files that are where `to`, with its submodules, has its own. `then` knows the commit, and `modules` has the
    /// repositories of submodules that are not here.
    pub(super) fn refuse_own_files_of_submodules(
        &self,
        git: Git,
        then: &Checkout,
        to: Oid,
        modules: Option<&Path>,
    ) -> Result<()> {
        let before = submodules(git, self.repository.path(), &self.head_commit()?.to_string())?;
        let after = submodules(git, then.repository.path(), &to.to_string())?;
        let wanted = after.into_iter().filter(|it| self.is_wanted(&before, it)).collect::<Vec<_>>();
        let known = self.repository.path().join("modules");
        let stores: Vec<PathBuf> = [Some(known), modules.map(Path::to_owned)].into_iter().flatten().collect();
        let mut found = Vec::new();
        self.in_the_way_below(git, &stores, Path::new(""), (&before, &wanted), &mut found, 0)?;
        found.sort();
        found.dedup();
        let Some(first) = found.first() else { return Ok(()) };
        let message = format!(
            "{} of the checkout {} {} where the submodules of {} have their own, and git does not keep {}",
            counted(found.len(), "file"),
            self.shown(),
            if found.len() == 1 { "is" } else { "are" },
            then.short(to),
            if found.len() == 1 { "it" } else { "them" },
        );
        let mut failure = Failure::new(Kind::Refused, message);
        failure.why =
            found.iter().take(NAMED).map(|path| format!("in the way: {}", path.display())).collect();
        failure.why.push("nothing was touched".to_owned());
        let one = self.folder.join(first);
        let two = format!("{}.own", one.display());
        Err(failure.help(format!(
            "put it aside with `mv {} {}`, update, then write what is yours into the new file",
            word(one.display()),
            word(two)
        )))
    }

    /// Those in the submodules of one repository, whose files are below `within`.
    fn in_the_way_below(
        &self,
        git: Git,
        stores: &[PathBuf],
        within: &Path,
        (before, after): (&[Submodule], &[Submodule]),
        found: &mut Vec<PathBuf>,
        depth: usize,
    ) -> Result<()> {
        for new in after {
            let path = within.join(&new.path);
            let folder = self.folder.join(&path);
            let is_same = before.iter().any(|old| (&old.name, &old.path) == (&new.name, &new.path));
            if !folder.join(".git").exists() {
                // Of the repository around it the files are those that the release replaces by the submodule.
                let tracked = read(git, &self.folder.join(within), &["ls-files", "-z", "--", &new.path])?;
                let tracked: Vec<&str> = tracked.split('\0').collect();
                let own = files_below(&folder, &path)?.into_iter();
                found.extend(own.filter(|file| {
                    !file
                        .strip_prefix(within)
                        .is_ok_and(|file| tracked.iter().any(|it| Path::new(it) == file))
                }));
                continue;
            }
            if !is_same {
                found.push(path);
                continue;
            }
            let stores: Vec<PathBuf> = stores.iter().map(|store| store.join(&new.name)).collect();
            let object = format!("{}^{{commit}}", new.commit);
            let mut store = None;
            for known in stores.iter().filter(|store| store.is_dir()) {
                if git.look(known, &["--git-dir=.", "cat-file", "-e", &object], READ)?.exit.success() {
                    store = Some(known);
                    break;
                }
            }
            // What was not brought is none that is checked out.
            let Some(store) = store else { continue };
            let old = read(git, &folder, &["ls-tree", "-r", "--name-only", "-z", "HEAD"])?;
            let old: std::collections::BTreeSet<&str> = old.split('\0').collect();
            let list = ["--git-dir=.", "ls-tree", "-r", "-z", "--full-tree", new.commit.as_str()];
            for entry in read(git, store, &list)?.split('\0') {
                let Some((kind, name)) = entry.split_once('\t') else { continue };
                if kind.starts_with("160000") || old.contains(name) {
                    continue;
                }
                let is_tracked = |file: &Path| file.to_str().is_some_and(|file| old.contains(file));
                // A file where a folder is to be, or what a folder has where a file is to be.
                let above = Path::new(name).ancestors().skip(1).filter(|it| *it != Path::new(""));
                let is_file =
                    |it: &&Path| folder.join(it).symlink_metadata().is_ok_and(|found| !found.is_dir());
                if let Some(above) = above.filter(is_file).find(|it| !is_tracked(it)) {
                    found.push(path.join(above));
                }
                match folder.join(name).symlink_metadata() {
                    Ok(there) if there.is_dir() => {
                        let own = files_below(&folder.join(name), Path::new(name))?.into_iter();
                        found.extend(own.filter(|file| !is_tracked(file)).map(|file| path.join(file)));
                    }
                    Ok(_) => found.push(path.join(name)),
                    Err(_) => {}
                }
            }
            let head = read(git, &folder, &["rev-parse", "HEAD"])?;
            let inner_before = submodules(git, &repository_of(git, &folder)?, head.trim())?;
            let inner_after = submodules(git, store, &new.commit)?;
            if depth < DEEPEST {
                let below: Vec<PathBuf> = stores.iter().map(|store| store.join("modules")).collect();
                self.in_the_way_below(git, &below, &path, (&inner_before, &inner_after), found, depth + 1)?;
            }
        }
        Ok(())
    }

    /// The own files in the folders of the submodules that `to` does not have at their places, as paths from the top.
    pub(super) fn own_files_of_leaving(&self, git: Git, then: &Checkout, to: Oid) -> Result<Vec<PathBuf>> {
        let before = submodules(git, self.repository.path(), &self.head_commit()?.to_string())?;
        let after = submodules(git, then.repository.path(), &to.to_string())?;
        let mut found = Vec::new();
        for going in before.iter().filter(|it| self.is_leaving(it, &after)) {
            found.extend(self.own_files(git, Path::new(&going.path), 0)?);
        }
        Ok(found)
    }

    /// Whether a submodule has files here, and is none any more, or elsewhere, afterwards.
    pub(super) fn is_leaving(&self, submodule: &Submodule, after: &[Submodule]) -> bool {
        self.is_populated(&submodule.path)
            && !after.iter().any(|new| (&new.path, &new.name) == (&submodule.path, &submodule.name))
    }

    /// The files in a submodule's folder that its commit does not have, ignored ones too.
    fn own_files(&self, git: Git, path: &Path, depth: usize) -> Result<Vec<PathBuf>> {
        let folder = self.folder.join(path);
        let listed = read(git, &folder, &["ls-files", "--others", "-z"])?;
        // A repository of somebody's own in it is named as a folder, and moved as one.
        let names = listed.split('\0').filter(|name| !name.is_empty());
        let mut found: Vec<PathBuf> = names.map(|name| path.join(name.trim_end_matches('/'))).collect();
        let head = read(git, &folder, &["rev-parse", "HEAD"])?;
        for inner in submodules(git, &repository_of(git, &folder)?, head.trim())? {
            let inner = path.join(inner.path);
            if depth < DEEPEST && self.folder.join(&inner).join(".git").exists() {
                found.extend(self.own_files(git, &inner, depth + 1)?);
            }
        }
        Ok(found)
    }

    /// Where own files of a path are put aside.
    pub(super) fn aside(&self) -> PathBuf {
        self.repository.path().join(ASIDE)
    }

    /// Puts the own files of a submodule aside, before its folder goes. Killed half-way, the rest follows at the next attempt.
    pub(super) fn put_own_files_aside(&self, git: Git, submodule: &Submodule) -> Result<()> {
        for file in self.own_files(git, Path::new(&submodule.path), 0)? {
            // What was put aside before and could not be put back stays. It has a folder of its own, which nothing is put
            // back from: another name beside it might not be ignored.
            let mut place = self.aside().join(&file);
            let mut n = 1;
            while place.symlink_metadata().is_ok() {
                place = self.repository.path().join(format!("{ASIDE}-{n}")).join(&file);
                n += 1;
            }
            rename_into(&self.folder.join(&file), &place)?;
        }
        Ok(())
    }

    /// Puts back what was put aside of a submodule that is here again. What it has itself by now stays aside.
    pub(super) fn put_own_files_back(&self, submodule: &Submodule) -> Result<()> {
        put_back(&self.aside().join(&submodule.path), &self.folder.join(&submodule.path))
    }
}

/// Moves what is at one path to another, and of a folder that is there already what it does not have. Folders as they are:
/// a repository needs its empty ones.
fn put_back(from: &Path, to: &Path) -> Result<()> {
    let failed = || format!("`{}` can't be read", from.display());
    let is_folder = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_dir());
    if from.symlink_metadata().is_err() {
        return Ok(());
    }
    if to.symlink_metadata().is_err() {
        return rename_into(from, to);
    }
    if is_folder(from) && is_folder(to) {
        for entry in fs::read_dir(from).or_fail(Kind::Refused, failed)? {
            let name = entry.or_fail(Kind::Refused, failed)?.file_name();
            put_back(&from.join(&name), &to.join(&name))?;
        }
        // Empty, unless something stays.
        let _ = fs::remove_dir(from);
    }
    Ok(())
}

/// What git printed. Fails with [`Kind::Refused`] if it can't say.
fn read(git: Git, folder: &Path, arguments: &[&str]) -> Result<String> {
    let looked = git.look(folder, arguments, READ)?;
    if looked.exit.success() {
        return Ok(looked.stdout);
    }
    let message = format!("git can't read `{}`", folder.display());
    let last = looked.stderr.lines().next_back().unwrap_or_default();
    Err(Failure::new(Kind::Refused, message).why(last))
}

/// The repository of a submodule's folder.
fn repository_of(git: Git, folder: &Path) -> Result<PathBuf> {
    read(git, folder, &["rev-parse", "--absolute-git-dir"]).map(|path| path.trim_end_matches('\n').into())
}

/// All that is below a folder but folders, each as a path that begins with `named`.
fn files_below(folder: &Path, named: &Path) -> Result<Vec<PathBuf>> {
    let failed = || format!("`{}` can't be read", folder.display());
    let entries = match fs::read_dir(folder) {
        Err(error)
            if [std::io::ErrorKind::NotFound, std::io::ErrorKind::NotADirectory].contains(&error.kind()) =>
        {
            return Ok(Vec::new());
        }
        entries => entries.or_fail(Kind::Refused, failed)?,
    };
    let mut found = Vec::new();
    for entry in entries {
        let entry = entry.or_fail(Kind::Refused, failed)?;
        let named = named.join(entry.file_name());
        match entry.file_type().or_fail(Kind::Refused, failed)?.is_dir() {
            true => found.extend(files_below(&entry.path(), &named)?),
            false => found.push(named),
        }
    }
    Ok(found)
}

fn rename_into(from: &Path, to: &Path) -> Result<()> {
    let failed = || format!("`{}` can't be moved to `{}`", from.display(), to.display());
    if let Some(around) = to.parent() {
        fs::create_dir_all(around).or_fail(Kind::Refused, failed)?;
    }
    fs::rename(from, to).or_fail(Kind::Refused, failed)
}
