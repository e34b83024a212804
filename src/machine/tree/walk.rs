//! Walks over a tree, up to its borders.

use super::Extended;
use super::folder::{Folder, Sort, is_border, sort};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::unreadable;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    File,
    Folder,
    Link,
    /// A socket, a pipe or a device.
    Other,
    /// The beginning of another mount, or of another subvolume: nothing of it is looked at.
    Border,
}

/// One thing in a tree.
pub struct Found<'a> {
    /// Where it is.
    pub path: &'a Path,
    /// The same below the top of the tree; empty for the top itself.
    pub below: &'a OsStr,
    pub what: What,
    /// Absent at a border.
    pub metadata: Option<&'a Metadata>,
    /// The folder that it is in, and its name there; none for the top.
    inside: Option<(&'a Folder, &'a OsStr)>,
}

/// What a visitor wants next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// All else, and what is in this folder.
    Enter,
    /// All else.
    Pass,
}

impl Found<'_> {
    /// Opens a file for reading. It may be something else by now.
    pub fn open(&self) -> io::Result<File> {
        match self.inside {
            Some((folder, name)) => folder.file(name),
            None => {
                let flags = (rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW).bits() as i32;
                OpenOptions::new().read(true).custom_flags(flags).open(self.path)
            }
        }
    }

    /// The folder that it is in, and its name there.
    pub fn folder(&self) -> io::Result<(Folder, &OsStr)> {
        match (self.inside, self.path.parent(), self.path.file_name()) {
            (Some((folder, name)), _, _) => Ok((folder.again()?, name)),
            (None, Some(around), Some(name)) => Ok((Folder::open(around)?, name)),
            _ => Err(io::Error::other("it has no plain name")),
        }
    }

    /// The extended attributes of a folder, as [`Extended::of`] gives them.
    pub fn extended(&self) -> io::Result<(Extended, usize)> {
        match self.inside {
            Some((folder, name)) => Extended::of(&folder.folder(name)?),
            None => Extended::of(&Folder::open(self.path)?),
        }
    }

    /// Where a link points.
    pub fn target(&self) -> io::Result<OsString> {
        match self.inside {
            Some((folder, name)) => folder.target(name),
            None => std::fs::read_link(self.path).map(Into::into),
        }
    }
}

/// So many folders are open at most: a tree may be deeper than a process may have open files.
const OPEN: usize = 100;

/// A folder whose entries are being visited.
struct Level {
    /// Closed while the walk is far below it.
    folder: Option<Folder>,
    identity: (u64, u64),
    /// Those that were not visited yet, the next one last.
    left: Vec<super::Entry>,
    /// How long the path of the folder is, below the top.
    length: usize,
}

/// Visits `top` and all below it, folders before what is in them, in the order of names. What vanishes meanwhile is
/// passed over, unless it is `top` itself.
pub fn walk(top: &Path, visit: &mut dyn FnMut(&Found) -> Result<Next>) -> Result<()> {
    let failed = |path: &Path| format!("`{}` can't be read", path.display());
    let unread = |error| unreadable(error, failed(top));
    let metadata = std::fs::symlink_metadata(top).map_err(unread)?;
    let what = what(sort(&metadata));
    let found = Found { path: top, below: OsStr::new(""), what, metadata: Some(&metadata), inside: None };
    if visit(&found)? == Next::Pass || what != What::Folder {
        return Ok(());
    }
    let mut below: Vec<u8> = Vec::new();
    let mut levels = vec![level(Folder::open(top).map_err(unread)?, 0).map_err(unread)?];
    while let Some(last) = levels.last_mut() {
        below.truncate(last.length);
        let Some(entry) = last.left.pop() else {
            let done = levels.pop();
            if let (Some(done), Some(around)) = (done.and_then(|level| level.folder), levels.last_mut())
                && around.folder.is_none()
            {
                let moved = || failed(&top.join(OsStr::from_bytes(&below)));
                around.folder = Some(done.around(around.identity).or_fail(Kind::Refused, moved)?);
            }
            continue;
        };
        if !below.is_empty() {
            below.push(b'/');
        }
        below.extend_from_slice(entry.name.as_bytes());
        let path = top.join(OsStr::from_bytes(&below));
        let closed = || Failure::new(Kind::Bug, failed(&path));
        let folder = last.folder.as_ref().ok_or_else(closed)?;
        let Some((what, metadata, inner)) =
            look(folder, &entry).map_err(|error| unreadable(error, failed(&path)))?
        else {
            continue;
        };
        let inside = Some((folder, entry.name.as_os_str()));
        let below_top = OsStr::from_bytes(&below);
        let found = Found { path: &path, below: below_top, what, metadata: metadata.as_ref(), inside };
        let next = visit(&found)?;
        if let (Some(inner), Next::Enter) = (inner, next) {
            let entered = level(inner, below.len()).map_err(|error| unreadable(error, failed(&path)))?;
            let depth = levels.len();
            levels.push(entered);
            if depth >= OPEN {
                levels[depth - OPEN + 1].folder = None;
            }
        }
    }
    Ok(())
}

fn level(folder: Folder, length: usize) -> io::Result<Level> {
    let mut left = folder.entries()?;
    left.reverse();
    Ok(Level { identity: folder.identity(), folder: Some(folder), left, length })
}

/// What an entry is by now; the folder itself, if it is one. None if it is not there any more.
type Looked = Option<(What, Option<Metadata>, Option<Folder>)>;

fn look(folder: &Folder, entry: &super::Entry) -> io::Result<Looked> {
    let pinned = match folder.pin(&entry.name) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) if is_border(&error) => return Ok(Some((What::Border, None, None))),
        pinned => pinned?,
    };
    let metadata = pinned.metadata()?;
    if !metadata.is_dir() {
        return Ok(Some((what(sort(&metadata)), Some(metadata), None)));
    }
    match folder.folder(&entry.name) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) if is_border(&error) => Ok(Some((What::Border, None, None))),
        inner => Ok(Some((What::Folder, Some(metadata), Some(inner?)))),
    }
}

fn what(sort: Sort) -> What {
    match sort {
        Sort::File => What::File,
        Sort::Folder => What::Folder,
        Sort::Link => What::Link,
        Sort::Other => What::Other,
    }
}
