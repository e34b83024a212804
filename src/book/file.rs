//! The book as a file: `book.json`, replaced whole and synced, by one at a time.

use super::{Book, VERSION};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::installation;
use crate::sync::FileLock;
use std::path::{Path, PathBuf};

/// Reads the book of the installation whose folder is `folder`; an empty one if there is none.
///
/// Fails with [`Kind::Refused`] if it may not be read, or is of a newer format; with [`Kind::Journal`] if it is damaged.
pub fn read(folder: &Path) -> Result<Book> {
    let path = path(folder);
    let shown = path.display();
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Book::default()),
        Err(error) => {
            let help = match path.is_dir() {
                true => format!("`{shown}` is a folder: put it aside: mv '{shown}' '{shown}.damaged'"),
                false => format!("ask as a user who may read `{shown}`"),
            };
            return Err(error)
                .or_fail(Kind::Refused, || "it is unknown which runs are open here".into())
                .map_err(|failure| failure.help(help));
        }
    };
    let version =
        serde_json::from_slice::<serde_json::Value>(&text).ok().and_then(|book| book["version"].as_u64());
    if version.is_some_and(|version| version > VERSION.into()) {
        let message = format!("`{shown}` was written by a newer version of banister");
        return Err(Failure::new(Kind::Refused, message).help("use that version on this server"));
    }
    serde_json::from_slice(&text).map_err(|error| {
        Failure::new(Kind::Journal, format!("`{shown}` is damaged: it is unknown which runs are open here"))
            .why(error)
            .help(format!(
                "moving it away forgets unfinished runs and owed items: check the server with `banister status`, and resume \
                 stopped runs right after that: mv '{shown}' '{shown}.damaged'"
            ))
    })
}

/// Changes the book: reads it, and writes it durably if `work` changed it. Whoever comes meanwhile waits.
pub fn change<T>(folder: &Path, work: impl FnOnce(&mut Book) -> Result<T>) -> Result<T> {
    let failed = || format!("can't write the server's book in `{}`", folder.display());
    installation::prepare(folder)?;
    let lock = installation::open_lock(&folder.join("book.lock")).and_then(FileLock::wait);
    let _one_at_a_time = lock.or_fail(Kind::Refused, failed)?;
    let before = read(folder)?;
    let mut book = before.clone();
    let result = work(&mut book)?;
    book.version = VERSION;
    if book != before {
        let text = serde_json::to_vec_pretty(&book).or_fail(Kind::Bug, failed)?;
        installation::write(&path(folder), &text, true)?;
    }
    Ok(result)
}

fn path(folder: &Path) -> PathBuf {
    folder.join("book.json")
}
