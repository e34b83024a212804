//! Removes trees, up to their borders.

use super::folder::{Folder, Sort, is_border};
use rustix::fs::{AtFlags, Mode, fchmod, unlinkat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

/// Below this depth folders are first moved to the top: a tree may be deeper than a process may have open files.
const DEEPEST: usize = 100;

/// Removes what is at `path`, if something is: a file, a link, or a folder with all that is in it. What is mounted in it
/// stays, with the folders that lead there; then this fails, and names one of them.
pub fn remove(path: &Path) -> io::Result<()> {
    let Some(name) = path.file_name() else {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it has no name"));
    };
    let around = path.parent().filter(|around| *around != Path::new("")).unwrap_or(Path::new("."));
    // Links in what leads there are the caller's; from there on none is followed.
    let around = match around.canonicalize().and_then(|around| Folder::open(&around)) {
        Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => {
            return Ok(());
        }
        around => around?,
    };
    remove_in(&around, name)
}

/// As [`remove`], of what has this name in a folder.
pub fn remove_in(around: &Folder, name: &OsStr) -> io::Result<()> {
    match unlinkat(around, name, AtFlags::empty()) {
        Err(Errno::NOENT) => return Ok(()),
        // What is no folder and can't be unlinked has a reason of its own.
        Err(Errno::ISDIR | Errno::PERM) if around.about(name)?.is_some_and(|found| found.is_dir()) => {}
        removed => return Ok(removed?),
    }
    let folder = around.folder(name)?;
    empty(&folder)?;
    match unlinkat(around, name, AtFlags::REMOVEDIR) {
        Err(Errno::NOENT) => Ok(()),
        removed => Ok(removed?),
    }
}

/// Removes all that is in a folder, and keeps the folder. Fails as [`remove`] does, after all else is removed.
pub fn empty(folder: &Folder) -> io::Result<()> {
    let mut kept = Vec::new();
    let mut moved = 0;
    loop {
        let before = moved;
        empty_level(folder, folder, 0, OsStr::new(""), &mut moved, &mut kept)?;
        if moved == before {
            break;
        }
        kept.clear();
    }
    match kept.first() {
        None => Ok(()),
        Some(first) => {
            let message = format!("`{}` in it is a mount, and was not touched", first.display());
            Err(io::Error::new(ErrorKind::CrossesDevices, message))
        }
    }
}

fn empty_level(
    top: &Folder,
    folder: &Folder,
    depth: usize,
    below: &OsStr,
    moved: &mut usize,
    kept: &mut Vec<OsString>,
) -> io::Result<()> {
    open_to_owner(folder)?;
    for entry in folder.entries()? {
        let path = Path::new(below).join(&entry.name).into_os_string();
        if entry.sort != Sort::Folder {
            match unlinkat(folder, &entry.name, AtFlags::empty()) {
                Ok(()) | Err(Errno::NOENT) => {}
                // A file on which another is mounted.
                Err(Errno::BUSY) => kept.push(path),
                Err(error) => return Err(error.into()),
            }
            continue;
        }
        let inner = match folder.folder(&entry.name) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) if is_border(&error) => {
                kept.push(path);
                continue;
            }
            inner => inner?,
        };
        if depth >= DEEPEST {
            open_to_owner(&inner)?;
            let name = format!(".deep-{moved}");
            match rustix::fs::renameat(folder, &entry.name, top, &name) {
                Ok(()) => {
                    *moved += 1;
                    continue;
                }
                Err(Errno::BUSY) => kept.push(path.clone()),
                Err(error) => return Err(error.into()),
            }
        }
        let before = kept.len();
        empty_level(top, &inner, depth + 1, &path, moved, kept)?;
        if kept.len() == before {
            match unlinkat(folder, &entry.name, AtFlags::REMOVEDIR) {
                Ok(()) | Err(Errno::NOENT) => {}
                // A mount that only a container sees, or what was made meanwhile.
                Err(Errno::BUSY) => kept.push(path),
                Err(error) => return Err(error.into()),
            }
        }
    }
    Ok(())
}

/// Lets its owner remove what is in it: a folder that came out of a backup may be closed even to its owner.
fn open_to_owner(folder: &Folder) -> io::Result<()> {
    let found = folder.metadata()?;
    let mode = found.permissions().mode() & 0o7777;
    let is_own = found.uid() == rustix::process::geteuid().as_raw();
    if is_own && mode & 0o700 != 0o700 && !rustix::process::geteuid().is_root() {
        fchmod(folder, Mode::from_raw_mode(mode | 0o700))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_tree_of_any_depth_is_removed_and_links_in_it_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let outside = folder.path().join("outside");
        fs::create_dir(&outside).unwrap();
        fs::write(outside.join("kept"), "kept").unwrap();
        let top = folder.path().join("top");
        fs::create_dir(&top).unwrap();
        let mut at = Folder::open(&top).unwrap();
        for _ in 0..3000 {
            std::os::unix::fs::symlink(
                &outside,
                format!(
                    "/proc/self/fd/{}/l",
                    std::os::fd::AsRawFd::as_raw_fd(&std::os::fd::AsFd::as_fd(&at))
                ),
            )
            .unwrap();
            at = at.make(OsStr::new("deep")).unwrap();
        }
        drop(at);
        remove(&top).unwrap();
        assert!(!top.exists() && outside.join("kept").exists());
        remove(&top).unwrap();
        remove(&outside.join("kept")).unwrap();
        assert!(outside.exists() && !outside.join("kept").exists());
        std::os::unix::fs::symlink(&outside, &top).unwrap();
        remove(&top).unwrap();
        assert!(outside.exists() && top.symlink_metadata().is_err());
    }
}
