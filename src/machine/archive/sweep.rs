//! Removes what cut-off attempts left.

use crate::failure::{Context, Kind, Result};
use rustix::fs::FlockOperation;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;

/// How the name of an unfinished archive ends.
pub(super) const ENDING: &str = "part";

/// Removes unfinished archives of a server whose writer is dead. Finished ones stay, and those of others: after
/// the name comes the instant, which begins with a digit.
pub fn sweep(folder: &Path, server: &str) -> Result<()> {
    let failed = || format!("unfinished archives in `{}` can't be removed", folder.display());
    let entries = match folder.read_dir() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.or_fail(Kind::Refused, failed)?,
    };
    for entry in entries {
        let entry = entry.or_fail(Kind::Refused, failed)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let archive = name.strip_prefix('.').and_then(|name| name.strip_suffix(&format!(".{ENDING}")));
        let instant = archive.and_then(|archive| archive.strip_prefix(server)?.strip_prefix('-'));
        if instant.is_some_and(|instant| instant.starts_with(|first: char| first.is_ascii_digit())) {
            match remove_if_dead(&entry.path()) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                removed => removed.or_fail(Kind::Refused, failed)?,
            }
        }
    }
    Ok(())
}

/// Removes an unfinished archive, if it is there. [`ErrorKind::WouldBlock`] if somebody still writes it.
pub(super) fn remove_if_dead(path: &Path) -> io::Result<()> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        opened => opened?,
    };
    rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive)?;
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
