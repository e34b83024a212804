//! SQLite databases among the files of a server: how they are known, and what belongs to one.
//!
//! A database that is written to is copied while a child of this program holds it at one state (see [`Hold`]); the copy
//! of one is tried by a child, too (see [`check`]). A server's files are given to SQLite only in such a child: a process loses
//! all its locks on a file as soon as it closes any descriptor of it, and a file system that hangs must not hang this
//! program.

mod check;
mod child;
mod hold;
mod log;

pub use check::{Checked, check};
pub use child::entry;
pub use hold::{Held, Hold};
pub use log::copy_log;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::FileExt;

/// How a database keeps a transaction until it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// In a rollback journal.
    Journal,
    /// In a log beside it, which readers read, too.
    Log,
}

/// How every database begins that is not empty and not encrypted.
const MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// How a file is written to if it is a database; none if it is another file.
pub fn mode(file: &File) -> io::Result<Option<Mode>> {
    let mut head = [0; 20];
    match file.read_exact_at(&mut head, 0) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    if head[..16] != MAGIC[..] {
        return Ok(None);
    }
    Ok(Some(if head[18] == 2 { Mode::Log } else { Mode::Journal }))
}

/// The log of transactions that are not in the file yet.
pub const LOG: &str = "-wal";
/// What programs that have the database open share; never worth a copy.
pub const SHARED: &str = "-shm";
/// What takes an unfinished transaction back.
pub const JOURNAL: &str = "-journal";
/// What may stand beside a database, as its name goes on.
pub const COMPANIONS: [&str; 3] = [LOG, SHARED, JOURNAL];

/// The name of what may be the database that something with this name belongs to, and which companion it is.
pub fn of_companion(name: &OsStr) -> Option<(&OsStr, &'static str)> {
    COMPANIONS.into_iter().find_map(|companion| {
        let database = name.as_bytes().strip_suffix(companion.as_bytes())?;
        (!database.is_empty() && !database.ends_with(b"/")).then(|| (OsStr::from_bytes(database), companion))
    })
}

/// The name of a companion.
pub fn companion(database: &OsStr, companion: &str) -> OsString {
    OsString::from_vec([database.as_bytes(), companion.as_bytes()].concat())
}
