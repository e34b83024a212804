//! Copies trees, up to their borders.

use super::extended::Extended;
use super::folder::{Folder, Sort};
use rustix::fs::{
    AtFlags, Gid, Mode, SeekFrom, Timespec, Timestamps, Uid, chownat, fchmod, fchown, futimens, linkat, seek,
    symlinkat,
};
use rustix::io::Errno;
use rustix::process::geteuid;
use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Copies what has this name in `from` to a name in `to` that is free: with modes, times, extended attributes, holes, files
/// that have several names in it, and, if this is root, owners. Fails with a border, see [`super::is_border`], if there is
/// one in it; sockets, pipes and devices are passed over. What is copied is not synced. What could not be kept, each with
/// its name.
pub fn copy(from: &Folder, name: &OsStr, to: &Folder, as_name: &OsStr) -> io::Result<Vec<String>> {
    let mut copying = Copying { top: to, names: HashMap::new(), lost: Vec::new() };
    copying.copy(from, name, to, Path::new(as_name))?;
    Ok(copying.lost)
}

struct Copying<'a> {
    top: &'a Folder,
    /// Where the first name is of each file that has several, below the top.
    names: HashMap<(u64, u64), PathBuf>,
    lost: Vec<String>,
}

impl Copying<'_> {
    fn copy(&mut self, from: &Folder, name: &OsStr, to: &Folder, below: &Path) -> io::Result<()> {
        let as_name = below.file_name().unwrap_or_default();
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
                if metadata.nlink() > 1 {
                    let inode = (metadata.dev(), metadata.ino());
                    if let Some(first) = self.names.get(&inode) {
                        let around = self.top.below(first.parent().unwrap_or(Path::new("")))?;
                        let first = first.file_name().unwrap_or_default();
                        return Ok(linkat(&around, first, to, as_name, AtFlags::empty())?);
                    }
                    self.names.insert(inode, below.to_owned());
                }
                let (read, written) = (from.file(name)?, to.create(as_name)?);
                copy_content(&read, &written, metadata.len())?;
                self.dress(&written, &metadata, &Extended::of(&read)?.0, below)
            }
            Sort::Folder => {
                let (read, written) = (from.folder(name)?, to.make(as_name)?);
                for entry in read.entries()? {
                    self.copy(&read, &entry.name, &written, &below.join(&entry.name))?;
                }
                self.dress(&written, &metadata, &Extended::of(&read)?.0, below)
            }
        }
    }

    /// Gives owner, mode, extended attributes and times.
    fn dress(
        &mut self,
        to: &impl AsFd,
        like: &Metadata,
        extended: &Extended,
        below: &Path,
    ) -> io::Result<()> {
        if geteuid().is_root() {
            let (owner, group) = owners(like);
            fchown(to, owner, group)?;
        }
        // After the owner: changing that takes special bits away.
        fchmod(to, Mode::from_raw_mode(like.mode() & 0o7777))?;
        let lost = extended.set(to);
        self.lost.extend(lost.into_iter().map(|what| format!("`{}`: {what}", below.display())));
        let time = |seconds: i64, nanoseconds: i64| Timespec { tv_sec: seconds, tv_nsec: nanoseconds };
        let times = Timestamps {
            last_access: time(like.atime(), like.atime_nsec()),
            last_modification: time(like.mtime(), like.mtime_nsec()),
        };
        Ok(futimens(to, &times)?)
    }
}

/// Copies the data of a file, and keeps its holes where the file system says where they are.
fn copy_content(from: &File, to: &File, size: u64) -> io::Result<()> {
    let mut at = 0;
    while at < size {
        let start = match seek(from, SeekFrom::Data(at)) {
            Err(Errno::NXIO) => break,
            Err(Errno::INVAL | Errno::OPNOTSUPP) => at,
            start => start?,
        };
        let end = match seek(from, SeekFrom::Hole(start)) {
            Err(Errno::INVAL | Errno::OPNOTSUPP) => u64::MAX,
            end => end?,
        };
        let (mut read, mut written) = (from, to);
        seek(from, SeekFrom::Start(start))?;
        seek(to, SeekFrom::Start(start))?;
        let copied = io::copy(&mut io::Read::take(&mut read, end - start), &mut written)?;
        at = end.min(start + copied.max(1));
    }
    to.set_len(size.max(to.metadata()?.len()))
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
