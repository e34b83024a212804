//! Holds a database at one state, in a child, while it is copied.
//!
//! A read transaction keeps it there. With a rollback journal nobody writes the file meanwhile: writers wait. With a log,
//! writers add to the log, and what of it is brought into the file meanwhile is also in the log: file and log together are
//! the state of the log's last whole transaction.

use super::child::{HELD, ROLE};
use super::{LOG, Mode, SHARED, companion, may_open};
use crate::command::Aide;
use crate::machine::tree::Folder;
use rustix::fs::{FsWord, fstatfs};
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

/// How long SQLite has to begin to hold; longer than the child waits for writers.
const WITHIN: Duration = Duration::from_secs(20);
/// How long a database with a rollback journal is held: so long writers wait, and some give up.
const LONGEST: Duration = Duration::from_secs(30);

/// A database that is held.
#[derive(Debug)]
pub struct Hold {
    aide: Aide,
    mode: Mode,
    begun: Instant,
}

/// What there is to do with a database.
#[derive(Debug)]
pub enum Held {
    Held(Hold),
    /// No program has it open: what lies there is all of it, and opening it would make files beside it.
    Quiet,
    /// Why it can't be held, as a part of a sentence.
    Not(String),
}

impl Hold {
    /// Holds the database `name` in `folder`, which is open as `file`.
    pub fn begin(
        folder: &Folder,
        name: &OsStr,
        file: &File,
        found: &Metadata,
        mode: Mode,
        stop: &dyn Fn() -> bool,
    ) -> io::Result<Held> {
        if is_remote(file)? {
            return Ok(Held::Not("it is on a network file system".into()));
        }
        if mode == Mode::Log && folder.about(&companion(name, SHARED))?.is_none() {
            return Ok(Held::Quiet);
        }
        if !may_open(found.uid()) {
            return Ok(Held::Not("it belongs to another user".into()));
        }
        let identity = [found.dev(), found.ino()].map(|number| number.to_string());
        let [device, inode] = identity.each_ref().map(OsStr::new);
        let arguments = [OsStr::new(ROLE), OsStr::new("hold"), name, device, inode];
        let mut aide = Aide::start(&arguments, folder.as_fd())?;
        let said = match aide.line(WITHIN, stop) {
            Err(error) if error.kind() == ErrorKind::TimedOut => {
                return Ok(Held::Not("SQLite did not open it in time".into()));
            }
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Ok(Held::Not("SQLite ended while it opened it".into()));
            }
            said => said?,
        };
        Ok(match said.strip_prefix(HELD).map(str::trim) {
            Some("wal") => Held::Held(Hold { aide, mode: Mode::Log, begun: Instant::now() }),
            Some(_) => Held::Held(Hold { aide, mode: Mode::Journal, begun: Instant::now() }),
            None => Held::Not(said),
        })
    }

    /// How its writers write, as SQLite says.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// Whether the copy should be ended: writers have waited long enough.
    pub fn is_over(&self) -> bool {
        self.mode == Mode::Journal && self.begun.elapsed() > LONGEST
    }

    /// The log, which is read before this is let go; none if there is none.
    pub fn log(&self, folder: &Folder, name: &OsStr) -> io::Result<Option<(File, Metadata)>> {
        if self.mode == Mode::Journal {
            return Ok(None);
        }
        match folder.file(&companion(name, LOG)) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            log => {
                let log = log?;
                let found = log.metadata()?;
                Ok(found.is_file().then_some((log, found)))
            }
        }
    }

    /// Lets it go; whether it was held all along.
    pub fn end(self) -> bool {
        self.aide.end()
    }
}

/// File systems whose locks other machines may not see, or that are such at the other end.
const REMOTE: [FsWord; 8] = [
    0x6969,      // NFS
    0x517b,      // SMB
    0xff53_4d42, // CIFS
    0xfe53_4d42, // SMB 2
    0x0102_1997, // 9P
    0x00c3_6400, // Ceph
    0x6573_5546, // FUSE
    0x5346_414f, // AFS
];

fn is_remote(file: &File) -> io::Result<bool> {
    Ok(REMOTE.contains(&fstatfs(file)?.f_type))
}
