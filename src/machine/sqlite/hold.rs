//! Holds a database at one state, in a child, while it is copied.
//!
//! A read transaction keeps it there. With a rollback journal nobody writes the file meanwhile: writers wait, so it is let go
//! after a while, whether it is copied by then or not. With a log, writers add to the log, and what of it is brought into the
//! file meanwhile is also in the log: file and log together are the state of the log's last whole transaction.

use super::child::{HELD, ROLE, WAL};
use super::{LOG, Mode, SHARED, companion};
use crate::command::Aide;
use crate::machine::tree::Folder;
use rustix::fs::fstatfs;
use rustix::process::{Flock, FlockType, fcntl_getlk, geteuid};
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

/// How long SQLite has to begin to hold; longer than the child waits for writers.
const WITHIN: Duration = Duration::from_secs(20);

/// Where SQLite takes its locks in a database, and how many bytes that are.
const LOCKS: (u64, u64) = (0x4000_0000, 512);

/// A database that is held.
#[derive(Debug)]
pub struct Hold {
    aide: Aide,
    mode: Mode,
}

/// What there is to do with a database.
#[derive(Debug)]
pub enum Held {
    Still(Hold),
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
            return Ok(match lock_of_another(file)? {
                Some(FlockType::WriteLock) => {
                    Held::Not("a program keeps it for itself, with `locking_mode = EXCLUSIVE`".into())
                }
                Some(_) => Held::Not("a program has it open, and its `-shm` is not beside it".into()),
                None => Held::Quiet,
            });
        }
        // What SQLite makes beside one must belong to whoever uses it, or that one can't open it any more.
        if !geteuid().is_root() && geteuid().as_raw() != found.uid() {
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
            Some(WAL) => Held::Still(Hold { aide, mode: Mode::Log }),
            Some(_) => Held::Still(Hold { aide, mode: Mode::Journal }),
            None => Held::Not(said),
        })
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

/// Which of the locks that SQLite takes a program has: what else is in a file beside the database, it may then keep in its
/// own memory, or elsewhere.
fn lock_of_another(file: &File) -> io::Result<Option<FlockType>> {
    let mut any = Flock::from(FlockType::WriteLock);
    (any.start, any.length) = LOCKS;
    Ok(fcntl_getlk(file, &any)?.map(|lock| lock.typ))
}

/// File systems whose locks other machines may not see, or that are such at the other end.
const REMOTE: [u32; 8] = [
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
    Ok(REMOTE.contains(&(fstatfs(file)?.f_type as u32)))
}
