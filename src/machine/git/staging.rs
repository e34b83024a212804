//! Where a move of the checkout is prepared: a folder inside `.git`, whose files are complete before the first file
//! of the checkout is touched.
//!
//! libgit2 writes files in place, so a crash in its own checkout leaves half a file, which nobody can tell from an
//! admin's edit. Here it writes into the staging folder, and each file then takes its place by a rename. So after a
//! crash every file of the checkout is whole: the old one, the new one, or somebody's own.

use std::fs::{DirBuilder, File};
use std::io::Read;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use git2::build::CheckoutBuilder;
use git2::{Index, Oid, Repository};
use serde::{Deserialize, Serialize};

use super::{Checkout, Position};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::{sync_folder_of, write_private_durably};
use crate::machine::tree;
use crate::sync::FileLock;

/// The note that a move is under way; it is on disk before the first file is touched, and removed at the very end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Note {
    pub from: Position,
    pub to: String,
    /// The branch that HEAD will name; none if it will be detached.
    pub branch: Option<String>,
    /// Every commit whose files may be found in the folder: those of this move, and of earlier ones cut off.
    pub commits: Vec<String>,
    /// The names of the submodules that somebody had left out when the first attempt began. Later ones find those that it was
    /// to fill as empty as these.
    #[serde(default)]
    pub left_out: Vec<String>,
    /// All files and the index are in place; only HEAD is still being moved.
    pub moving_head: bool,
}

impl Note {
    /// Of a move between these that is about to begin, or begins again after the one of `left`.
    pub fn of(left: Option<&Note>, from: &Position, here: &Position, to: Oid, branch: Option<&str>) -> Note {
        let mut commits = left.map(|note| note.commits.clone()).unwrap_or_default();
        commits.extend([here.commit.clone(), to.to_string()]);
        commits.sort();
        commits.dedup();
        Note {
            from: from.clone(),
            to: to.to_string(),
            branch: branch.map(str::to_owned),
            commits,
            left_out: left.map(|note| note.left_out.clone()).unwrap_or_default(),
            moving_head: false,
        }
    }
}

/// The staging folder, beside the index.
const FOLDER: &str = "banister-check-out";

/// How long a program that a killed move has started, or is about to start, may hold the folder; and how often that is
/// looked at.
const ENDS: Duration = Duration::from_secs(20);
const STARTS: Duration = Duration::from_secs(3);
const TICK: Duration = Duration::from_millis(50);

/// The staging folder, held by this process.
pub(super) struct Staging {
    folder: PathBuf,
    _lock: FileLock,
}

impl Staging {
    /// Takes the folder. What an earlier move left in it stays until it has been judged.
    pub fn take(checkout: &Checkout) -> Result<Staging> {
        let folder = checkout.repository.path().join(FOLDER);
        let failed = || format!("`{}` can't be made", folder.display());
        DirBuilder::new().recursive(true).mode(0o700).create(&folder).or_fail(Kind::Refused, failed)?;
        let begun = Instant::now();
        loop {
            let lock = File::create(folder.join("lock")).or_fail(Kind::Refused, failed)?;
            if let Some(lock) = FileLock::take(lock).or_fail(Kind::Refused, failed)? {
                return Ok(Staging { folder, _lock: lock });
            }
            let is_left = read_note(&folder).is_some();
            if begun.elapsed() < if is_left { ENDS } else { STARTS } {
                std::thread::sleep(TICK);
                continue;
            }
            return Err(Failure::new(
                Kind::Refused,
                format!("another banister is moving the checkout {}", checkout.shown()),
            )
            .help("wait for it; see who it is with `banister lock show`"));
        }
    }

    /// The note of a move that was cut off. One that can't be read was never finished, so nothing had been touched.
    pub fn left(&self) -> Option<Note> {
        read_note(&self.folder)
    }

    pub fn write_note(&self, note: &Note) -> Result<()> {
        let text = serde_json::to_vec(note).expect("plain text and lists can be written as JSON");
        write_private_durably(&self.folder.join("moving.json"), &text)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Writes the files of `commit` under `paths` as this checkout would have them, line ends and all, into the
    /// staging folder's subfolder `name`, and syncs them. Returns the subfolder.
    pub fn write_out(
        &self,
        checkout: &Checkout,
        commit: Oid,
        paths: &[&Path],
        name: &str,
    ) -> Result<PathBuf> {
        let into = self.folder.join(name);
        let failed =
            |error: git2::Error| checkout.failed("the files of the release can't be prepared", &error);
        let io_failed = || format!("the files of the release can't be prepared in `{}`", into.display());
        tree::remove(&into).or_fail(Kind::Refused, io_failed)?;
        std::fs::create_dir(&into).or_fail(Kind::Refused, io_failed)?;
        // A second handle whose files are the staging folder's: attributes are then those of `commit`, not of the
        // release that is checked out now. The empty index keeps the latter's attributes out, too.
        let repository = Repository::open(checkout.repository.path()).map_err(failed)?;
        repository.set_workdir(&into, false).map_err(failed)?;
        repository
            .set_index(&mut Index::new_ext(repository.object_format()).map_err(failed)?)
            .map_err(failed)?;
        let tree = repository.find_commit(commit).and_then(|commit| commit.tree()).map_err(failed)?;
        let mut attributes = Vec::new();
        tree.walk(git2::TreeWalkMode::PreOrder, |above, entry| {
            if entry.name_bytes() == b".gitattributes" {
                attributes.push([above.as_bytes(), b".gitattributes"].concat());
            }
            git2::TreeWalkResult::Ok
        })
        .map_err(failed)?;
        if !attributes.is_empty() {
            let mut options = options();
            attributes.iter().for_each(|path| {
                options.path(path.as_slice());
            });
            repository.checkout_tree(tree.as_object(), Some(&mut options)).map_err(failed)?;
        }
        // Not again: libgit2 would read each while it is empty, being written, and remember that.
        let others: Vec<&&Path> = paths.iter().filter(|path| !path.ends_with(".gitattributes")).collect();
        if !others.is_empty() {
            let mut options = options();
            others.iter().for_each(|path| {
                options.path(**path);
            });
            repository.checkout_tree(tree.as_object(), Some(&mut options)).map_err(failed)?;
        }
        for path in paths {
            let written = into.join(path);
            // A link has nothing to sync but its name.
            if written.symlink_metadata().or_fail(Kind::Refused, io_failed)?.is_file() {
                File::open(&written).and_then(|file| file.sync_all()).or_fail(Kind::Refused, io_failed)?;
            }
        }
        Ok(into)
    }

    /// Gives the staged index to git by its own rule: whoever makes `index.lock` may replace `index`. The lock is a
    /// second name of the staged file, so after a crash it can be proved to be ours.
    pub fn publish_index(&self, repository: &Repository) -> std::io::Result<()> {
        let lock = index_lock(repository);
        File::open(self.path("index"))?.sync_all()?;
        std::fs::hard_link(self.path("index"), &lock)?;
        std::fs::rename(&lock, repository.path().join("index"))?;
        sync_folder_of(&lock)
    }

    /// Removes the locks that a move cut off has left, if they are provably its own.
    pub fn remove_own_locks(&self, repository: &Repository) {
        let lock = index_lock(repository);
        let same = |one: std::fs::Metadata, other: std::fs::Metadata| {
            (one.dev(), one.ino()) == (other.dev(), other.ino())
        };
        if let (Ok(one), Ok(other)) = (lock.symlink_metadata(), self.path("index").symlink_metadata())
            && same(one, other)
        {
            let _ = std::fs::remove_file(&lock);
        }
        // libgit2 makes the locks of HEAD and of a branch. They are ours if a move of ours was cut off in this very
        // act, and if they hold what it would have written, or the beginning of it.
        let Some(note) = self.left().filter(|note| note.moving_head) else { return };
        let commit = format!("{}\n", note.to);
        let mut locks = vec![(repository.path().join("HEAD.lock"), commit.clone())];
        if let Some(branch) = &note.branch {
            locks.push((repository.path().join("HEAD.lock"), format!("ref: refs/heads/{branch}\n")));
            locks.push((repository.commondir().join(format!("refs/heads/{branch}.lock")), commit));
        }
        for (lock, whole) in locks {
            let mut found = Vec::new();
            let read = File::open(&lock).and_then(|file| file.take(4096).read_to_end(&mut found));
            if read.is_ok() && whole.as_bytes().starts_with(&found) {
                let _ = std::fs::remove_file(&lock);
            }
        }
    }

    /// The move is over, or never began: nothing of it stays.
    pub fn discard(&self) {
        // First the note: without it, the rest means nothing.
        let _ = std::fs::remove_file(self.path("moving.json"));
        let _ = tree::remove(&self.folder);
    }
}

/// The note of a move that was cut off, without holding the staging folder.
pub(super) fn note_of(repository: &Repository) -> Option<Note> {
    read_note(&repository.path().join(FOLDER))
}

fn read_note(folder: &Path) -> Option<Note> {
    let text = std::fs::read(folder.join("moving.json")).ok()?;
    serde_json::from_slice(&text).ok()
}

/// Where git keeps others from the index.
pub(super) fn index_lock(repository: &Repository) -> PathBuf {
    repository.path().join("index.lock")
}

fn options() -> CheckoutBuilder<'static> {
    let mut options = CheckoutBuilder::new();
    options.force().recreate_missing(true).update_index(false).refresh(false).disable_pathspec_match(true);
    options
}
