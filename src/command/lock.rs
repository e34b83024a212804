//! The lock of a command's folder: who holds it may still begin the command, or write how it ended.

use super::folder::LOCK;
use super::process::Identity;
use crate::sync::FileLock;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// How long a taker tries. Readers hold the lock for microseconds while they look, and must not be taken for a
/// supervisor.
const PATIENCE: Duration = Duration::from_millis(300);

/// The lock, held until this and everything it was handed to are gone: so it is no [`FileLock`], which would free it for
/// all of them when it is dropped here.
pub(super) struct Lock(File);

/// Takes the lock for oneself; none if somebody holds it.
pub(super) fn take(folder: &Path) -> io::Result<Option<Lock>> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(folder.join(LOCK))?;
    let until = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Some(Lock(file))),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() > until => return Ok(None),
            Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

impl Lock {
    /// Writes who supervises, so that followers can wait for its end and ask it to cancel.
    pub(super) fn sign(&mut self) -> io::Result<()> {
        let text = serde_json::to_string(&Identity::own()?)? + "\n";
        self.0.set_len(0)?;
        self.0.write_all(text.as_bytes())
    }

    /// The same lock, for the stage to hold as its stdin.
    pub(super) fn hand_over(&self) -> io::Result<Stdio> {
        Ok(self.0.try_clone()?.into())
    }
}

/// What a reader found the lock to be.
pub(super) enum Probe {
    Busy,
    /// Free; and nobody can take it until this is dropped.
    Free {
        _held: Option<FileLock>,
    },
}

/// Looks whether anybody holds the lock.
pub(super) fn probe(folder: &Path) -> io::Result<Probe> {
    match File::open(folder.join(LOCK)) {
        Ok(file) => Ok(match FileLock::share(file)? {
            Some(lock) => Probe::Free { _held: Some(lock) },
            None => Probe::Busy,
        }),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Probe::Free { _held: None }),
        Err(error) => Err(error),
    }
}

/// Who signed last. It may be dead: only while it lives and the lock is busy does it say who holds it. None also
/// while it is being written.
pub(super) fn signer(folder: &Path) -> Option<Identity> {
    serde_json::from_slice(&std::fs::read(folder.join(LOCK)).ok()?).ok()
}
