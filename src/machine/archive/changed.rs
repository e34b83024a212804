//! What changed while a backup read it.
//!
//! Each thing is looked at when it is read, and once more when all else was read: then also what changed in between is
//! known, as a file that refers to another. What a program changed through a memory map moves no time as long as the page
//! is dirty; so the file systems are synced first, and once more each file that changed since, after which the next such
//! change moves a time. What remains is what is changed so on file systems that write nothing back, such as tmpfs.

use crate::machine::tree::Folder;
use std::collections::HashSet;
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// What tells that something is as it was: which file it is, how long, and when its content and its attributes changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: (u64, u64),
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    pub fn of(found: &Metadata) -> Stamp {
        Stamp {
            inode: (found.dev(), found.ino()),
            size: found.size(),
            modified: (found.mtime(), found.mtime_nsec()),
            changed: (found.ctime(), found.ctime_nsec()),
        }
    }
}

/// How coarse the times of files may be: the longest tick of a kernel, twice.
const TICK: Duration = Duration::from_millis(20);

/// What there is to know of a file that was just opened, and whether it is being written to at this moment.
///
/// What changed `since` the file systems were synced is synced once more: a program may write to it through a map, and
/// what it writes after that moves a time, either before this ends or later. And a change of a moment ago is waited for, as
/// another one in the same tick of the clock would move no time.
pub(super) fn settled(file: &File, since: SystemTime) -> io::Result<(Metadata, bool)> {
    let found = file.metadata()?;
    let last = (found.mtime(), found.mtime_nsec()).max((found.ctime(), found.ctime_nsec()));
    let nanoseconds = u32::try_from(last.1).unwrap_or(0);
    let last = u64::try_from(last.0).ok();
    let last = last.and_then(|last| SystemTime::UNIX_EPOCH.checked_add(Duration::new(last, nanoseconds)));
    let Some(last) = last.filter(|last| *last + TICK > since) else { return Ok((found, false)) };
    if last.elapsed().is_ok_and(|age| age < TICK) {
        std::thread::sleep(TICK);
    }
    let before = Stamp::of(&file.metadata()?);
    // Where it can't be synced nobody knows.
    let is_synced = file.sync_data().is_ok();
    let found = file.metadata()?;
    let is_busy = !is_synced || Stamp::of(&found) != before;
    Ok((found, is_busy))
}

/// Writes back what programs changed through memory maps on the file systems of these paths.
pub(super) fn write_back<'a>(paths: impl Iterator<Item = &'a Path>) -> io::Result<()> {
    let mut done = HashSet::new();
    for path in paths {
        let folder = if path.is_dir() { Some(path) } else { path.parent() };
        // What is not there, or can't be opened, is told when it is read.
        let Some(folder) = folder.and_then(|folder| Folder::open(&folder.canonicalize().ok()?).ok()) else {
            continue;
        };
        if done.insert(folder.identity().0) {
            rustix::fs::syncfs(&folder)?;
        }
    }
    Ok(())
}

/// So many names are told.
const TOLD: usize = 3;

/// The first of a list of what was lost, with how many more there are; none if it is empty.
pub fn several(list: &[String]) -> Option<String> {
    let first = list.iter().take(TOLD).cloned().collect::<Vec<_>>().join("; ");
    match list.len().saturating_sub(TOLD) {
        _ if list.is_empty() => None,
        0 => Some(first),
        more => Some(format!("{first}; and {more} more")),
    }
}

/// A sentence about these names, without a full stop; none if there are none.
pub fn changed(names: &[String]) -> Option<String> {
    let first = names.iter().take(TOLD).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let more = if names.len() > TOLD { ", …" } else { "" };
    match names.len() {
        0 => None,
        1 => Some(format!("{first} changed while it was read; it may be inconsistent")),
        count => Some(format!(
            "{count} files changed while they were read: {first}{more}; they may be inconsistent"
        )),
    }
}

/// The same with the databases that SQLite did not hold, each with the reason.
pub fn doubts(changed_ones: &[String], unheld: &[String]) -> Option<String> {
    let first = unheld.iter().take(TOLD).cloned().collect::<Vec<_>>().join(", ");
    let more = if unheld.len() > TOLD { ", …" } else { "" };
    let unheld = match unheld.len() {
        0 => None,
        1 => Some(format!("{first} was not copied by SQLite; it may be inconsistent if it was in use")),
        count => Some(format!(
            "{count} databases were not copied by SQLite: {first}{more}; they may be inconsistent if they were in use"
        )),
    };
    match (changed(changed_ones), unheld) {
        (Some(changed), Some(unheld)) => Some(format!("{changed}; and {unheld}")),
        (changed, unheld) => changed.or(unheld),
    }
}
