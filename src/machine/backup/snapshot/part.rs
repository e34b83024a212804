//! Which part of a repository's data is read next: a verification reads one, so that it takes bearable time, and all are
//! read in turn, however often and on whichever days somebody verifies.

use crate::failure::{Context, Kind, Result};
use crate::machine::files::write_private_durably;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// In so many parts the data is read.
pub const PARTS: u64 = 7;

/// The parts that were read, that which was read last at the end.
#[derive(Default, Serialize, Deserialize)]
struct Read {
    repository: Option<String>,
    parts: Vec<u64>,
}

fn file(folder: &Path, server: &str) -> PathBuf {
    folder.join(format!(".restic-{}.read", server.replace('/', "-")))
}

/// What was read of this repository; nothing of another one. Nothing, too, if that can't be read: then it begins anew.
fn read(folder: &Path, server: &str, repository: Option<&str>) -> Read {
    let text = std::fs::read(file(folder, server)).ok();
    let read = text.and_then(|text| serde_json::from_slice::<Read>(&text).ok());
    read.filter(|read| read.repository.as_deref() == repository)
        .unwrap_or_else(|| Read { repository: repository.map(str::to_owned), parts: Vec::new() })
}

/// One that was never read, else the one whose turn is longest ago: 1 to [`PARTS`].
pub fn next(folder: &Path, server: &str, repository: Option<&str>) -> u64 {
    let parts = read(folder, server, repository).parts;
    let unread = (1..=PARTS).find(|part| !parts.contains(part));
    unread.or(parts.into_iter().find(|part| (1..=PARTS).contains(part))).unwrap_or(1)
}

/// A part was read.
pub fn done(folder: &Path, server: &str, repository: Option<&str>, part: u64) -> Result<()> {
    let mut read = read(folder, server, repository);
    read.parts.retain(|other| *other != part && (1..=PARTS).contains(other));
    read.parts.push(part);
    let text = serde_json::to_vec(&read).or_fail(Kind::Bug, || "numbers are not plain data".into())?;
    write_private_durably(&file(folder, server), &text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_its_turn_and_another_repository_begins_anew() {
        let folder = tempfile::tempdir().unwrap();
        let turn = |repository: &str| {
            let part = next(folder.path(), "web", Some(repository));
            done(folder.path(), "web", Some(repository), part).unwrap();
            part
        };
        let turns: Vec<u64> = (0..PARTS + 2).map(|_| turn("one")).collect();
        assert_eq!(turns, [1, 2, 3, 4, 5, 6, 7, 1, 2]);
        assert_eq!(turn("two"), 1);
        std::fs::write(file(folder.path(), "web"), "torn").unwrap();
        assert_eq!(turn("two"), 1);
        assert_eq!(turn("two"), 2);
    }
}
