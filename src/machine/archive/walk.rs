//! Walks over what a backup is to hold.

use super::manifest::{Sort, text};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::unreadable;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// One thing on the disk.
pub(super) struct Found<'a> {
    /// Its name in the archive, without a slash at the end.
    pub name: &'a [u8],
    pub path: &'a Path,
    pub metadata: &'a Metadata,
    /// Absent for what an archive can't hold: sockets, pipes, devices; and for the folder of the archive itself.
    pub sort: Option<Sort>,
}

/// Visits `top` and all below it, folders before what is in them, in the order of names. `own` is left out: the
/// folder in which the archive is being written. What vanishes meanwhile is passed over, unless it is `top` itself.
pub(super) fn walk(
    name: &str,
    top: &Path,
    own: &Path,
    visit: &mut dyn FnMut(Found) -> Result<()>,
) -> Result<()> {
    let mut left = vec![(name.as_bytes().to_vec(), top.to_owned())];
    while let Some((name, path)) = left.pop() {
        let failed = || format!("`{}` can't be read", path.display());
        let vanished = |error: &std::io::Error| error.kind() == ErrorKind::NotFound && path != top;
        let metadata = match fs::symlink_metadata(&path) {
            Err(error) if vanished(&error) => continue,
            read => read.map_err(|error| unreadable(error, failed()))?,
        };
        let sort = sort(&metadata).filter(|_| path != own);
        visit(Found { name: &name, path: &path, metadata: &metadata, sort })?;
        if sort == Some(Sort::Folder) {
            let first = left.len();
            let entries = match fs::read_dir(&path) {
                Err(error) if vanished(&error) => continue,
                read => read.map_err(|error| unreadable(error, failed()))?,
            };
            for entry in entries {
                let path: PathBuf = entry.or_fail(Kind::Refused, failed)?.path();
                let last = path.file_name().unwrap_or_default().as_bytes();
                left.push(([&name, &b"/"[..], last].concat(), path));
            }
            left[first..].sort_by(|a, b| b.cmp(a));
        }
    }
    Ok(())
}

fn sort(metadata: &Metadata) -> Option<Sort> {
    let found = metadata.file_type();
    match () {
        () if found.is_file() => Some(Sort::File),
        () if found.is_dir() => Some(Sort::Folder),
        () if found.is_symlink() => Some(Sort::Link),
        () => None,
    }
}

/// Checks a name that a member is to have: relative, without `..`, and not the manifest's.
pub(super) fn check_name(name: &str) -> Result<()> {
    let parts: Vec<&str> = name.split('/').collect();
    let wrong = parts.iter().any(|part| ["", ".", ".."].contains(part)) || name.contains('\0');
    if wrong || name == super::manifest::NAME {
        return Err(Failure::new(
            Kind::Invalid,
            format!("`{}` can't be a member's name", text(name.as_bytes())),
        )
        .help("give it a relative name such as `config/settings.toml`"));
    }
    Ok(())
}
