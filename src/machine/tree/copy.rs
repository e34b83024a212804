//! Copies trees, up to their borders.

use super::folder::{Folder, Sort};
use rustix::fs::{
    AtFlags, Gid, Mode, Timespec, Timestamps, Uid, chownat, fchmod, fchown, futimens, symlinkat,
};
use rustix::process::geteuid;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Copies what has this name in `from` to a name in `to` that is free: with modes, times and, if this is root, owners.
/// Fails with a border, see [`super::is_border`], if there is one in it; sockets, pipes and devices are passed over.
/// What is copied is not synced.
pub fn copy(from: &Folder, name: &OsStr, to: &Folder, as_name: &OsStr) -> io::Result<()> {
    let pinned = from.pin(name)?;
    let metadata = pinned.metadata()?;
    match super::folder::sort(&metadata) {
        Sort::Other => Ok(()),
        Sort::Link => {
            symlinkat(from.target(name)?, to, as_name)?;
            if geteuid().is_root() {
                let (owner, group) = owners(&metadata);
                chownat(to, as_name, owner, group, AtFlags::SYMLINK_NOFOLLOW)?;
            }
            Ok(())
        }
        Sort::File => {
            let (mut read, mut written) = (from.file(name)?, to.create(as_name)?);
            io::copy(&mut read, &mut written)?;
            dress(&written, &metadata)
        }
        Sort::Folder => {
            let (read, written) = (from.folder(name)?, to.make(as_name)?);
            for entry in read.entries()? {
                copy(&read, &entry.name, &written, &entry.name)?;
            }
            dress(&written, &metadata)
        }
    }
}

/// Gives owner, mode and times.
pub(super) fn dress(to: &impl AsFd, like: &Metadata) -> io::Result<()> {
    if geteuid().is_root() {
        let (owner, group) = owners(like);
        fchown(to, owner, group)?;
    }
    // After the owner: changing that takes special bits away.
    fchmod(to, Mode::from_raw_mode(like.mode() & 0o7777))?;
    let time = |seconds: i64, nanoseconds: i64| Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
    let times = Timestamps {
        last_access: time(like.atime(), like.atime_nsec()),
        last_modification: time(like.mtime(), like.mtime_nsec()),
    };
    Ok(futimens(to, &times)?)
}

fn owners(metadata: &Metadata) -> (Option<Uid>, Option<Gid>) {
    (Some(Uid::from_raw(metadata.uid())), Some(Gid::from_raw(metadata.gid())))
}

/// As [`copy`], by paths, whose folders are there. Copied data is synced.
pub fn copy_path(from: &Path, to: &Path) -> io::Result<()> {
    let missing = || io::Error::new(io::ErrorKind::InvalidInput, "it has no name");
    let open = |path: &Path| -> io::Result<Folder> {
        Folder::open(&path.parent().ok_or_else(missing)?.canonicalize()?)
    };
    let (name, as_name) = (from.file_name().ok_or_else(missing)?, to.file_name().ok_or_else(missing)?);
    let to = open(to)?;
    copy(&open(from)?, name, &to, as_name)?;
    Ok(rustix::fs::syncfs(&to)?)
}
