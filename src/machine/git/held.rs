//! What is held under one path by a commit, by the index, or by the folder itself; so the three can be compared.

use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use git2::{Index, ObjectType, Oid, Tree};

use super::Checkout;
use crate::failure::{Context, Kind, Result};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Nothing,
    /// The content's id, as git would store it without converting line ends.
    File {
        id: Oid,
        executable: bool,
    },
    Link(Oid),
    Submodule(Oid),
    /// Git keeps no folders, only what is in them.
    Folder,
    /// A socket, a device: nothing that git would keep.
    Else,
}

/// How git writes down what an entry is; the bits of `st_mode`.
const FILE: u32 = 0o100_644;
const EXECUTABLE: u32 = 0o100_755;
const LINK: u32 = 0o120_000;
const SUBMODULE: u32 = 0o160_000;
const FOLDER: u32 = 0o040_000;

impl Held {
    fn stored(mode: u32, id: Oid) -> Held {
        match mode {
            LINK => Held::Link(id),
            SUBMODULE => Held::Submodule(id),
            FOLDER => Held::Folder,
            mode => Held::File { id, executable: mode & 0o111 != 0 },
        }
    }

    pub fn in_tree(tree: &Tree, path: &Path) -> Held {
        tree.get_path(path).map_or(Held::Nothing, |entry| {
            match Held::stored(entry.filemode() as u32, entry.id()) {
                // A folder is not an entry of its own: its files are.
                Held::Folder => Held::Nothing,
                held => held,
            }
        })
    }

    pub fn in_index(index: &Index, path: &Path) -> Held {
        index.get_path(path, 0).map_or(Held::Nothing, |entry| Held::stored(entry.mode, entry.id))
    }

    /// Whether both are the same to git; some file systems keep no executable bit.
    pub fn same(self, other: Held, executable_counts: bool) -> bool {
        match (self, other) {
            (Held::File { id: one, .. }, Held::File { id: other, .. }) if !executable_counts => one == other,
            (one, other) => one == other,
        }
    }

    /// The mode and the id for an entry of the index.
    pub fn entry(self) -> Option<(u32, Oid)> {
        match self {
            Held::File { id, executable: false } => Some((FILE, id)),
            Held::File { id, executable: true } => Some((EXECUTABLE, id)),
            Held::Link(id) => Some((LINK, id)),
            Held::Submodule(id) => Some((SUBMODULE, id)),
            Held::Nothing | Held::Folder | Held::Else => None,
        }
    }
}

impl Checkout {
    /// What the folder holds under `path`. Nothing is followed: behind a link there is nothing of this checkout.
    pub(super) fn held_in_folder(&self, path: &Path) -> Result<Held> {
        let failed = || format!("`{}` can't be read", self.folder.join(path).display());
        let mut above = self.folder.clone();
        for part in path.parent().into_iter().flat_map(Path::components) {
            above.push(part);
            match above.symlink_metadata() {
                Ok(found) if found.is_dir() => {}
                Ok(_) => return Ok(Held::Nothing),
                Err(error) if missing(&error) => return Ok(Held::Nothing),
                Err(error) => return Err(error).or_fail(Kind::Refused, failed),
            }
        }
        let full = self.folder.join(path);
        let found = match full.symlink_metadata() {
            Ok(found) => found,
            Err(error) if missing(&error) => return Ok(Held::Nothing),
            Err(error) => return Err(error).or_fail(Kind::Refused, failed),
        };
        let format = self.repository.object_format();
        if found.is_symlink() {
            let target = std::fs::read_link(&full).or_fail(Kind::Refused, failed)?;
            let id = Oid::hash_object_ext(ObjectType::Blob, target.as_os_str().as_bytes(), format);
            return id.map(Held::Link).or_fail(Kind::Refused, failed);
        }
        if found.is_dir() {
            return Ok(Held::Folder);
        }
        if !found.is_file() {
            return Ok(Held::Else);
        }
        let id = Oid::hash_file_ext(ObjectType::Blob, &full, format).or_fail(Kind::Refused, failed)?;
        Ok(Held::File { id, executable: found.permissions().mode() & 0o100 != 0 })
    }

    /// Whether `core.fileMode` is on, as it is unless the file system keeps no executable bit.
    pub(super) fn executable_counts(&self) -> bool {
        let config = self.repository.config();
        config.and_then(|config| config.get_bool("core.fileMode")).unwrap_or(true)
    }
}

/// There is nothing there, or what should be a folder on the way is something else.
pub(super) fn missing(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}
