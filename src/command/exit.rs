//! How a command ended, and the file that says so.

use super::folder::{self, EXIT};
use super::pause::pause;
use rustix::fs::FallocateFlags;
use rustix::process::WaitStatus;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// How a command ended.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Exit {
    /// It ended by itself with this status.
    Status(i32),
    /// It was killed by this signal, by neither its time limit nor [`super::cancel`].
    Signal(i32),
    /// Its time limit was over, and the supervisor ended it and all that it had started.
    TimedOut,
    /// The supervisor was asked to end it (by [`super::cancel`], or by a machine that shuts down), and did.
    Cancelled,
    /// It never began: there is no such program, or no such folder, or the disk is full.
    NotStarted(String),
}

impl Exit {
    /// Whether it ended with status 0.
    pub fn success(&self) -> bool {
        *self == Exit::Status(0)
    }

    pub(super) fn of(status: WaitStatus) -> Exit {
        match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Exit::Status(code),
            (None, signal) => Exit::Signal(signal.unwrap_or_default()),
        }
    }
}

impl fmt::Display for Exit {
    /// Completes "the command …".
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Status(code) => write!(out, "ended with status {code}"),
            Exit::Signal(signal) => write!(out, "was killed by signal {signal}"),
            Exit::TimedOut => write!(out, "did not end within its time and was stopped"),
            Exit::Cancelled => write!(out, "was cancelled"),
            Exit::NotStarted(why) => write!(out, "did not start: {why}"),
        }
    }
}

/// The name of the exit file before it says anything.
const RESERVED: &str = ".exit.reserved";
/// More than any exit needs.
const BLOCK: u64 = 4096;

/// Space for the exit, taken before the command begins: a command that fills the disk must not cost its own result.
/// On file systems that copy on write it may still cost it; then the folder reads as cut off.
pub(super) struct Reserved {
    file: File,
    folder: PathBuf,
}

/// Reserves the space. Only the holder of the lock may; it takes over what an earlier holder left.
pub(super) fn reserve(folder: &Path) -> io::Result<Reserved> {
    let path = folder.join(RESERVED);
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    match rustix::fs::fallocate(&file, FallocateFlags::empty(), 0, BLOCK) {
        // The file system keeps the space from now on. It need not be durable: after a power cut nobody writes an exit.
        Ok(()) => {}
        Err(rustix::io::Errno::OPNOTSUPP) => {
            file.write_all(&[b' '; BLOCK as usize])?;
            // Some say only then that there is no space.
            file.sync_all()?;
        }
        Err(error) => return Err(error.into()),
    }
    Ok(Reserved { file, folder: folder.into() })
}

impl Reserved {
    /// Writes the exit, complete or not at all.
    pub(super) fn write(self, exit: &Exit) -> io::Result<()> {
        use std::os::unix::fs::FileExt;
        let bytes = serde_json::to_vec(exit)?;
        self.file.write_all_at(&bytes, 0)?;
        self.file.set_len(bytes.len() as u64)?;
        self.file.sync_all()?;
        pause();
        std::fs::rename(self.folder.join(RESERVED), self.folder.join(EXIT))?;
        pause();
        folder::sync(&self.folder)
    }
}
