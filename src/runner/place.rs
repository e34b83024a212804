//! Where the files are.

use crate::sync::FileLock;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

pub(super) const RUNNER: &str = "runner";
pub(super) const WATCHER: &str = "watcher";
/// The lock of who sends the run's notices.
pub(super) const COURIER: &str = "courier";

/// A folder of the run's folder, made if it is not there. The run's folder itself is not: somebody removed it.
pub(super) fn folder(run: &Path, name: &str) -> io::Result<PathBuf> {
    let folder = run.join(name);
    match fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(folder),
    }
}

/// The numbers of the sessions that told events, in order.
pub(super) fn sessions(run: &Path) -> Vec<u64> {
    let entries = fs::read_dir(run.join("events")).into_iter().flatten().flatten();
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.strip_suffix(".jsonl")?.parse().ok();
    let mut numbers: Vec<u64> = entries.filter_map(number).collect();
    numbers.sort_unstable();
    numbers
}

pub(super) fn events(run: &Path, session: u64) -> PathBuf {
    run.join("events").join(format!("{session:06}.jsonl"))
}

/// The newest session of a runner; 0 before the first.
pub fn session(run: &Path) -> u64 {
    sessions(run).last().copied().unwrap_or_default()
}

/// Takes one of the locks; nothing if somebody has it.
pub(super) fn take(run: &Path, name: &str) -> io::Result<Option<FileLock>> {
    let mut options = OpenOptions::new();
    FileLock::take(options.create(true).truncate(false).write(true).mode(0o600).open(run.join(name))?)
}

/// Whether somebody has it. One that can't be looked at is another user's.
pub(super) fn is_taken(run: &Path, name: &str) -> bool {
    match File::open(run.join(name)) {
        // Shared, so that two who look don't take each other for a holder.
        Ok(file) => !matches!(FileLock::share(file), Ok(Some(_))),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}
