//! The files of a command's folder, and how they are written so that a crash leaves either nothing or all of one.
//!
//! The small files are JSON. Each is completed and synced under a temporary name and gets its own name afterwards;
//! then the folder is synced, so the name is not lost either (that of `spec` by the sync for `begun`: until then nothing
//! runs, and whoever begins writes it again). A killed writer leaves a temporary file, which nobody reads.

use super::pause::pause;
use serde::{Serialize, de::DeserializeOwned};
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

/// What to run; written by the starter.
pub(super) const SPEC: &str = "spec";
/// Its lock is held by the supervisor and, until the command begins, by the stage; its text is the supervisor.
pub(super) const LOCK: &str = "lock";
/// The process that became the command, or that nobody ever will.
pub(super) const BEGUN: &str = "begun";
/// Why the stage could not become the command.
pub(super) const NOT_EXECUTED: &str = "noexec";
/// How it ended; written by the supervisor.
pub(super) const EXIT: &str = "exit";
/// What the command wrote on both its streams.
pub(super) const LOG: &str = "log";

/// The contents of a small file, or nothing if it is not there.
pub fn read<T: DeserializeOwned>(folder: &Path, name: &str) -> io::Result<Option<T>> {
    match std::fs::read(folder.join(name)) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(io::Error::from),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a small file that must not exist yet. False if it does: somebody else won.
pub fn write_new<T: Serialize>(folder: &Path, name: &str, contents: &T) -> io::Result<bool> {
    let is_ours = link_new(folder, name, contents)?;
    is_ours.then(|| sync(folder)).transpose()?;
    Ok(is_ours)
}

/// The same, for a file that may be lost until another name in the folder is made durable.
pub(super) fn link_new<T: Serialize>(folder: &Path, name: &str, contents: &T) -> io::Result<bool> {
    let mut temporary = tempfile::Builder::new().prefix(&format!(".{name}.")).tempfile_in(folder)?;
    temporary.write_all(&serde_json::to_vec(contents)?)?;
    temporary.as_file().sync_all()?;
    pause();
    match std::fs::hard_link(temporary.path(), folder.join(name)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(error),
    }
}

/// Makes the names in a folder durable.
pub(super) fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_two_writers_of_a_file_the_first_wins_and_nothing_temporary_stays() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read::<String>(folder.path(), BEGUN).unwrap(), None);
        assert!(write_new(folder.path(), BEGUN, &"first").unwrap());
        assert!(!write_new(folder.path(), BEGUN, &"second").unwrap());
        assert_eq!(read::<String>(folder.path(), BEGUN).unwrap().unwrap(), "first");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
