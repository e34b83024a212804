//! Files as the program itself writes and measures them: private, durable, never half-written.
//!
//! What is inside a file is left to others: [`super::env_file`] for settings, [`super::archive`] for backups.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, fchmod};
use sha2::{Digest, Sha256, Sha512};

use crate::failure::{Context, Failure, Kind, Result};

/// Replaces `path` with `content` so that whoever looks, whenever the power goes, finds the old or the new content
/// and nothing between. Only its owner may read it (0600).
pub fn write_private_durably(path: &Path, content: &[u8]) -> Result<()> {
    replace_durably(path, content, |_| Ok(()))
}

/// Writes a file that others may read, as [`write_private_durably`] does.
pub fn write_durably(path: &Path, content: &[u8]) -> Result<()> {
    replace_durably(path, content, |file| file.set_permissions(Permissions::from_mode(0o644)))
}

/// The file that is written if this one is named: that to which a link leads. A device or a pipe is none, and would be replaced
/// by one: [`Kind::Refused`].
pub fn written_at(file: &Path) -> Result<PathBuf> {
    match file.metadata() {
        Ok(found) if !found.is_file() => Err(Failure::new(
            Kind::Refused,
            format!("`{}` is no file, and is not written to", file.display()),
        )),
        Ok(_) => {
            file.canonicalize().or_fail(Kind::Refused, || format!("`{}` can't be found", file.display()))
        }
        Err(_) => Ok(file.to_owned()),
    }
}

/// Replaces what is in a file that is there, as [`write_private_durably`] does; its owner and its mode stay. Of a link, the
/// file that it leads to is replaced, and the link stays.
pub fn rewrite_durably(path: &Path, content: &[u8]) -> Result<()> {
    let found = path.canonicalize().and_then(|path| Ok((std::fs::metadata(&path)?, path)));
    let (before, path) =
        found.map_err(|error| unreadable(error, format!("`{}` can't be read", path.display())))?;
    replace_durably(&path, content, |file| {
        let made = file.metadata()?;
        if (made.uid(), made.gid()) != (before.uid(), before.gid()) {
            std::os::unix::fs::fchown(file, Some(before.uid()), Some(before.gid()))?;
        }
        // After the owner, because a change of owner takes bits away.
        Ok(fchmod(file, Mode::from_raw_mode(before.mode() & 0o7777))?)
    })
}

/// As [`write_private_durably`]; `dress` may set owner and mode of the new file before it takes the old one's name.
pub(super) fn replace_durably(
    path: &Path,
    content: &[u8],
    dress: impl FnOnce(&File) -> std::io::Result<()>,
) -> Result<()> {
    let beside = beside(path, "new")?;
    let written = (|| {
        // What a crash left there is no longer wanted, and its mode may be anything.
        match std::fs::remove_file(&beside) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        file.write_all(content)?;
        dress(&file)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)?;
        sync_folder_of(path)
    })();
    if written.is_err() {
        let _ = std::fs::remove_file(&beside);
    }
    written.or_fail(Kind::Refused, || format!("`{}` can't be written", path.display()))
}

/// The name under which `path` is prepared: in the same folder, so that a rename is one step, and hidden.
/// Removes what a crash has left of [`rewrite_durably`] beside a file.
pub fn remove_half_written(path: &Path) -> Result<()> {
    let left = beside(path, "new")?;
    match std::fs::remove_file(&left) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).or_fail(Kind::Refused, || format!("`{}` can't be removed", left.display()))
        }
        _ => Ok(()),
    }
}

pub(super) fn beside(path: &Path, ending: &str) -> Result<PathBuf> {
    let name = path
        .file_name()
        .ok_or_else(|| Failure::new(Kind::Invalid, format!("`{}` names no file", path.display())))?;
    let mut hidden = std::ffi::OsString::from(".");
    hidden.push(name);
    hidden.push(".");
    hidden.push(ending);
    Ok(path.with_file_name(hidden))
}

/// Makes the *name* of `path` durable: a rename that was not synced can be undone by a power cut.
pub(super) fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

/// Makes a folder, with those above it, that only its owner may enter (0700). One that exists is closed to others.
pub fn private_folder(path: &Path) -> Result<()> {
    let made = || {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path)?;
        // `DirBuilder` says nothing about a folder that was there before.
        std::fs::set_permissions(path, Permissions::from_mode(0o700))
    };
    made().or_fail(Kind::Refused, || format!("the folder `{}` can't be made private", path.display()))
}

/// Opens a file for reading; a missing one is another failure than one that can't be read.
pub fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|error| unreadable(error, format!("`{}` can't be read", path.display())))
}

/// SHA-256 of a file's content in lower-case hexadecimal. Memory does not grow with the file.
pub fn sha256(path: &Path) -> Result<String> {
    let failed = || format!("`{}` can't be read", path.display());
    let mut file = File::open(path).map_err(|error| unreadable(error, failed()))?;
    sha256_of_file(&mut file).or_fail(Kind::Refused, failed)
}

/// Its SHA-512.
pub fn sha512(path: &Path) -> Result<String> {
    let failed = || format!("`{}` can't be read", path.display());
    let mut file = File::open(path).map_err(|error| unreadable(error, failed()))?;
    digest_of_file::<Sha512>(&mut file).or_fail(Kind::Refused, failed)
}

/// The same of an open file, from where it stands.
pub fn sha256_of_file(file: &mut File) -> std::io::Result<String> {
    digest_of_file::<Sha256>(file)
}

fn digest_of_file<D: Digest>(file: &mut File) -> std::io::Result<String> {
    let mut digest = D::new();
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(hexadecimal(&digest.finalize())),
            length => digest.update(&buffer[..length]),
        }
    }
}

/// What an attempt kept as JSON before it was cut off; none if it was not begun. Fails with [`Kind::Journal`] if it
/// can't be read.
pub fn kept<T: serde::de::DeserializeOwned>(file: &Path) -> Result<Option<T>> {
    let failed = || format!("`{}` can't be read", file.display());
    match std::fs::read(file) {
        Ok(text) => serde_json::from_slice(&text).map(Some).or_fail(Kind::Journal, failed),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).or_fail(Kind::Journal, failed),
    }
}

/// What to do if no temporary file can be made or written.
pub const TEMPORARY: &str =
    "make that folder, or room in it, or name another folder for temporary files with `TMPDIR`";

/// An unnamed file in the folder of temporary files.
pub fn temporary(failed: impl FnOnce() -> String) -> Result<File> {
    tempfile::tempfile().map_err(|error| {
        let why = format!("no file can be made in `{}`: {error}", std::env::temp_dir().display());
        Failure::new(Kind::Refused, failed()).why(why).help(TEMPORARY)
    })
}

/// A missing file is another kind of failure than one that must not be read; scripts tell them apart.
pub fn unreadable(error: std::io::Error, message: String) -> Failure {
    let kind = match error.kind() {
        std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => Kind::NotFound,
        _ => Kind::Refused,
    };
    let is_closed = error.kind() == std::io::ErrorKind::PermissionDenied;
    let failure = Failure::new(kind, message).because(error);
    if is_closed {
        failure.help("let this user read it (`namei -l` shows who may), or start it as root")
    } else {
        failure
    }
}

/// Bytes as lower-case hexadecimal.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether it is a SHA-256 in hexadecimal.
pub(super) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Room on a file system, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Space {
    /// What an ordinary user may still fill; the part reserved for root is not in it.
    pub free: u64,
    pub total: u64,
}

/// The same of bytes that are in memory.
pub fn sha256_of(content: &[u8]) -> String {
    hexadecimal(&Sha256::digest(content))
}

/// Room on the file system that holds `path`, or would hold it: the nearest folder above that exists is asked.
pub fn free_space(path: &Path) -> Result<Space> {
    let failed = || format!("the free space at `{}` can't be read", path.display());
    let absolute = std::path::absolute(path).or_fail(Kind::Invalid, failed)?;
    let nearest = absolute.ancestors().find(|path| path.exists()).unwrap_or(Path::new("/"));
    let found = rustix::fs::statvfs(nearest).or_fail(Kind::Refused, failed)?;
    Ok(Space {
        free: found.f_bavail.saturating_mul(found.f_frsize),
        total: found.f_blocks.saturating_mul(found.f_frsize),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_replaces_an_open_one_and_closes_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("state.json");
        std::fs::write(&path, "old").unwrap();
        std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
        std::fs::write(folder.path().join(".state.json.new"), "left by a crash").unwrap();
        write_private_durably(&path, b"new").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"new");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("taken");
        std::fs::create_dir(&path).unwrap();
        std::fs::write(path.join("inside"), "kept").unwrap();
        assert_eq!(write_private_durably(&path, b"new").unwrap_err().kind, Kind::Refused);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        assert!(path.join("inside").exists());
    }

    #[test]
    fn a_private_folder_is_closed_even_if_it_was_open() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b");
        std::fs::create_dir_all(&path).unwrap();
        private_folder(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_digest_is_the_one_that_sha256sum_prints() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("abc");
        std::fs::write(&path, "abc").unwrap();
        assert_eq!(
            sha256(&path).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(sha256(&folder.path().join("none")).unwrap_err().kind, Kind::NotFound);
    }

    #[test]
    fn free_space_is_known_for_a_folder_that_is_not_there_yet() {
        let folder = tempfile::tempdir().unwrap();
        let space = free_space(&folder.path().join("not/yet")).unwrap();
        assert!(space.total >= space.free && space.total > 0);
    }
}
