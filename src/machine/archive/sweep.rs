//! Removes what cut-off attempts left.

use crate::failure::{Context, Kind, Result};
use crate::sync::FileLock;
use std::fs::File;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::{Duration, Instant};

/// How the name of an unfinished archive ends.
pub(super) const ENDING: &str = "part";

/// The form of the instant in the name of an archive, which comes right after the name of its server; `9` is a digit.
const INSTANT: &str = "9999-99-99T999999Z";

/// Whether an archive of this name is one of the server, and not of another whose name only begins so, such as `web-2`
/// for `web`.
pub fn is_of(archive: &str, server: &str) -> bool {
    let rest = archive.strip_prefix(server).and_then(|rest| rest.strip_prefix('-')).unwrap_or_default();
    let is_digit_or = |(form, is): (char, char)| if form == '9' { is.is_ascii_digit() } else { form == is };
    let has_instant = rest.len() >= INSTANT.len() && INSTANT.chars().zip(rest.chars()).all(is_digit_or);
    has_instant && rest[INSTANT.len()..].starts_with(['-', '.'])
}

/// Removes unfinished archives of a server whose writer is dead. Finished ones stay, and those of others.
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
        if archive.is_some_and(|archive| is_of(archive, server)) {
            remove_if_dead(&entry.path()).or_fail(Kind::Refused, failed)?;
        }
    }
    Ok(())
}

/// For how long one may be held by nobody who writes it: by who is just removing it, too, or by a program that was being
/// started when its writer was killed.
const MOMENT: Duration = Duration::from_millis(500);
const PAUSE: Duration = Duration::from_millis(5);

/// Removes an unfinished archive, if it is there, so that it can be begun anew. [`ErrorKind::WouldBlock`] if somebody
/// still writes it.
pub(super) fn make_room(path: &Path) -> io::Result<()> {
    let until = Instant::now() + MOMENT;
    while !remove_if_dead(path)? {
        if Instant::now() >= until {
            return Err(busy());
        }
        std::thread::sleep(PAUSE);
    }
    Ok(())
}

pub(super) fn busy() -> io::Error {
    io::Error::new(ErrorKind::WouldBlock, "another process is writing it")
}

/// Removes an unfinished archive, if it is there; not if somebody still writes it, which it says.
fn remove_if_dead(path: &Path) -> io::Result<bool> {
    let file = match File::open(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        opened => opened?,
    };
    let Some(_lock) = FileLock::take(file)? else { return Ok(false) };
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unfinished_archives_of_a_server_whose_name_only_begins_so_stay() {
        let folder = tempfile::tempdir().unwrap();
        let names = [
            ".web-2026-01-02T030405Z-0.1.0-before.tar.zst.part",
            ".web-2026-01-02T030405Z.tar.gz.part",
            ".web-2-2026-01-02T030405Z-0.1.0.tar.zst.part",
            ".web-2026-2026-01-02T030405Z-0.1.0.tar.zst.part",
            ".web-2026-01-02T030405Z-2026-01-02T030405Z-0.1.0.tar.zst.part",
            ".web-2026.tar.zst.part",
        ];
        let left = |server: &str| {
            names.iter().for_each(|name| std::fs::write(folder.path().join(name), "half").unwrap());
            sweep(folder.path(), server).unwrap();
            names.map(|name| folder.path().join(name).exists())
        };
        // A server may even be called as an instant is: then the others can't be told apart, and are unfinished, too.
        assert_eq!(left("web"), [false, false, true, true, false, true]);
        assert_eq!(left("web-2"), [true, true, false, true, true, true]);
        assert_eq!(left("web-2026"), [true, true, true, false, true, true]);
    }
}
