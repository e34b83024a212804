//! Copies the log of a database that is held.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::os::unix::fs::FileExt;
use std::path::Path;

/// How often it is begun again; once is enough, see below.
const TRIES: usize = 5;
/// How long its head is, in bytes, which is new whenever the log is begun anew.
const HEAD: usize = 32;

/// Copies a log into an unnamed file in `folder`.
///
/// While its database is held, frames are only added to the log, and of those that are only half there SQLite knows it by
/// their checksums. There is one exception: if all of the log was in the database when it was held, a writer may begin the
/// log anew, and a copy of some old and some new frames would take the database back to a mixture. So the head is compared
/// before and after. It can't happen a second time: for that, the new frames would have to be brought into the database
/// first, which the hold prevents.
pub fn copy_log(log: &File, folder: &Path) -> io::Result<File> {
    for _ in 0..TRIES {
        let before = head(log)?;
        let mut copy = tempfile::tempfile_in(folder)?;
        let mut from = log;
        from.rewind()?;
        // What is added meanwhile is of later transactions.
        io::copy(&mut from.take(log.metadata()?.len()), &mut copy)?;
        if head(log)? == before {
            return Ok(copy);
        }
    }
    Err(io::Error::other("it is begun anew again and again"))
}

fn head(log: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD];
    let mut length = 0;
    while length < HEAD {
        match log.read_at(&mut head[length..], length as u64)? {
            0 => break,
            read => length += read,
        }
    }
    head.truncate(length);
    Ok(head)
}
