//! Tries the copy of a database.

use super::child::{DAMAGED, ROLE, WHOLE};
use super::{COMPANIONS, JOURNAL, SHARED, companion};
use crate::command::Aide;
use crate::machine::tree::{self, Folder};
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

/// How long it may take: a while, and longer for each byte.
const WHILE: Duration = Duration::from_secs(120);
const BYTES_PER_SECOND: u64 = 2 << 20;

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checked {
    Whole,
    /// What SQLite says.
    Damaged(String),
    /// Why not, as a part of a sentence.
    Untried(String),
}

/// Has SQLite look through a copy, with the log or journal beside it. `scratch` is a path that is free, on whose folder
/// what is tried there is copied: a journal is taken back by writing, and the copy stays as it is.
pub fn check(path: &Path, scratch: &Path, stop: &dyn Fn() -> bool) -> io::Result<Checked> {
    let (Some(around), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::Error::other("it has no plain name"));
    };
    let beside = |what: &str| around.join(companion(name, what));
    if beside(JOURNAL).symlink_metadata().is_err() {
        let had_shared = beside(SHARED).symlink_metadata().is_ok();
        let checked = ask(around, name, path.symlink_metadata()?.len(), stop);
        if !had_shared {
            tree::remove(&beside(SHARED))?;
        }
        return checked;
    }
    tree::remove(scratch)?;
    std::fs::create_dir(scratch)?;
    let copied = || -> io::Result<u64> {
        let mut bytes = std::fs::copy(path, scratch.join(name))?;
        for what in COMPANIONS.into_iter().filter(|what| *what != SHARED) {
            if beside(what).symlink_metadata().is_ok() {
                bytes += std::fs::copy(beside(what), scratch.join(companion(name, what)))?;
            }
        }
        Ok(bytes)
    };
    let checked = copied().and_then(|bytes| match is_of_several(&scratch.join(companion(name, JOURNAL)))? {
        true => Ok(Checked::Untried("its journal is that of several databases".into())),
        false => ask(scratch, name, bytes, stop),
    });
    tree::remove(scratch)?;
    checked
}

/// How a journal ends that is one of several of the same transaction. It names a file that holds their names: SQLite would
/// look for that wherever it is said to be, and remove it.
const SEVERAL: [u8; 8] = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

fn is_of_several(journal: &Path) -> io::Result<bool> {
    let file = File::open(journal)?;
    let mut tail = [0; SEVERAL.len()];
    match file.metadata()?.len().checked_sub(SEVERAL.len() as u64) {
        None => return Ok(false),
        Some(at) => file.read_exact_at(&mut tail, at)?,
    }
    Ok(tail == SEVERAL)
}

fn ask(folder: &Path, name: &OsStr, bytes: u64, stop: &dyn Fn() -> bool) -> io::Result<Checked> {
    let folder = Folder::open(&folder.canonicalize()?)?;
    let mut aide = Aide::start(&[OsStr::new(ROLE), OsStr::new("check"), name], folder.as_fd())?;
    let within = WHILE + Duration::from_secs(bytes / BYTES_PER_SECOND);
    Ok(match aide.line(within, stop) {
        Ok(said) if said == WHOLE => Checked::Whole,
        Ok(said) => match said.strip_prefix(DAMAGED) {
            Some(why) => Checked::Damaged(why.to_owned()),
            None => Checked::Untried(said),
        },
        Err(error) if error.kind() == ErrorKind::TimedOut => {
            Checked::Untried(format!("SQLite did not look through it within {} s", within.as_secs()))
        }
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
            Checked::Untried("SQLite ended while it looked through it".into())
        }
        Err(error) => return Err(error),
    })
}
