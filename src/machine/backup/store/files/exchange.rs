//! Exchanges the contents of a folder, entry by entry. Cut off anywhere and called again, it continues: what stands where
//! is known by the inodes that the plan names.

use super::names::{aside, refused};
use super::planned::{Contents, Dress, Entry, Item, Plan};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::backup::Unpacked;
use crate::machine::sqlite;
use crate::machine::tree::Folder;
use rustix::fs::{
    Gid, Mode, RenameFlags, Timespec, Timestamps, UTIME_OMIT, Uid, fchmod, fchown, futimens, renameat,
    renameat_with,
};
use rustix::io::Errno;
use rustix::process::geteuid;
use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

pub fn exchange(plan: &Plan, contents: &Contents, unpacked: &Unpacked) -> Result<()> {
    let failed = || format!("`{}` can't be restored", plan.place.display());
    let open = || -> io::Result<(Folder, Folder, Folder)> {
        let live = Folder::open(&plan.place)?;
        let aside = live.folder(&aside(unpacked))?;
        let (new, old) = (aside.folder(OsStr::new("new"))?, aside.folder(OsStr::new("old"))?);
        for stays in &contents.folders {
            let path = Path::new(&stays.path);
            for top in [&new, &old] {
                path.iter().try_fold(top.again()?, |folder, name| folder.make(name))?;
            }
        }
        Ok((live, new, old))
    };
    let (live, new, old) = open().or_fail(Kind::Refused, failed)?;
    set_logs_aside(contents, &live, &old).or_fail(Kind::Refused, failed)?;
    for entry in &contents.entries {
        let below = Path::new(&entry.folder);
        let path = plan.place.join(below).join(&entry.name);
        let folders = || Ok::<_, io::Error>((live.below(below)?, new.below(below)?, old.below(below)?));
        let (live, new, old) = folders().or_fail(Kind::Refused, failed)?;
        let (new, old) = ((&new, entry.name.as_os_str()), (&old, entry.name.as_os_str()));
        place(entry, &live, new, old, &path)?;
    }
    let finish = || -> io::Result<()> {
        for stays in contents.folders.iter().rev() {
            if let Some(dress) = &stays.dress {
                dress.put_on(&live.below(Path::new(&stays.path))?)?;
            }
        }
        Ok(rustix::fs::syncfs(&live)?)
    };
    finish().or_fail(Kind::Refused, failed)
}

/// Moves what may belong to SQLite databases aside before any of them is exchanged: cut off in between, a database would be
/// restored that still has the log of another time beside it.
fn set_logs_aside(contents: &Contents, live: &Folder, old: &Folder) -> io::Result<()> {
    let mut is_moved = false;
    for entry in contents.entries.iter().filter(|entry| sqlite::of_companion(&entry.name).is_some()) {
        let below = Path::new(&entry.folder);
        let (live, old) = (live.below(below)?, old.below(below)?);
        is_moved |= set_aside(entry, &live, (&old, &entry.name))?;
    }
    if is_moved { Ok(rustix::fs::syncfs(live)?) } else { Ok(()) }
}

/// Moves what an entry says aside, if it is still there; whether it was.
pub fn set_aside(entry: &Entry, live: &Folder, old: (&Folder, &OsStr)) -> io::Result<bool> {
    let was = entry.old.map(|item| item.inode);
    if was.is_none() || inode(live, &entry.name)? != was || inode(old.0, old.1)?.is_some() {
        return Ok(false);
    }
    shift((live, &entry.name), old, entry.old)?;
    Ok(true)
}

/// Puts one entry in its place, and what was there aside. `new` and `old` are where they wait.
pub fn place(
    entry: &Entry,
    live: &Folder,
    new: (&Folder, &OsStr),
    old: (&Folder, &OsStr),
    path: &Path,
) -> Result<()> {
    let failed = || format!("`{}` can't be restored", path.display());
    let name = entry.name.as_os_str();
    let (at, waits, kept) =
        (|| Ok::<_, io::Error>((inode(live, name)?, inode(new.0, new.1)?, inode(old.0, old.1)?)))()
            .or_fail(Kind::Refused, failed)?;
    let (was, comes) = (entry.old.map(|item| item.inode), entry.new.map(|item| item.inode));
    let live = (live, name);
    let moved = match () {
        () if at == comes && kept == was => Ok(()),
        // Exchanged, and not yet put aside.
        () if at == comes && waits == was => shift(new, old, entry.old),
        () if at == was && waits == comes && was.is_some() && comes.is_some() => swap(entry, live, new, old),
        () if at == was && waits == comes && was.is_some() => shift(live, old, entry.old),
        // Moved aside, or removed by somebody: the place is free.
        () if at.is_none() && waits == comes && comes.is_some() => shift(new, live, entry.new),
        () if at.is_none() && comes.is_none() => Ok(()),
        () if at.is_some() && at != was && at != comes => {
            return Err(refused(
                format!("`{}` was made while it was restored", path.display()),
                "it was not touched",
            )
            .help("stop what writes there, move it away, then `banister resume`"));
        }
        () => {
            return Err(Failure::new(Kind::Refused, failed()).why("what it was to be exchanged with is gone"));
        }
    };
    moved.or_fail(Kind::Refused, failed)
}

type Name<'a> = (&'a Folder, &'a OsStr);

/// Exchanges both in one step where the file system can, else in two; then puts the old aside.
fn swap(entry: &Entry, live: Name, new: Name, old: Name) -> io::Result<()> {
    let opened = |name: Name, item: Option<Item>| open_closed(name, item);
    opened(live, entry.old)?;
    opened(new, entry.new)?;
    match renameat_with(new.0, new.1, live.0, live.1, RenameFlags::EXCHANGE) {
        Ok(()) => {
            close_again(live, entry.new)?;
            shift(new, old, entry.old)
        }
        // A network file system, or the lower layer of an overlay.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP | Errno::XDEV) => {
            shift(live, old, entry.old)?;
            shift(new, live, entry.new)
        }
        Err(error) => Err(error.into()),
    }
}

/// Moves something to a name that must be free.
fn shift(from: Name, to: Name, item: Option<Item>) -> io::Result<()> {
    open_closed(from, item)?;
    match renameat_with(from.0, from.1, to.0, to.1, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => {
            if to.0.about(to.1)?.is_some() {
                return Err(Errno::EXIST.into());
            }
            renameat(from.0, from.1, to.0, to.1)?;
        }
        moved => moved?,
    }
    close_again(to, item)
}

/// Only a folder that its owner can write can be moved into another one, unless by root.
fn open_closed(name: Name, item: Option<Item>) -> io::Result<()> {
    match item.and_then(|item| item.mode).filter(|mode| is_closed(*mode)) {
        Some(mode) => Ok(fchmod(name.0.folder(name.1)?, Mode::from_raw_mode(mode | 0o700))?),
        None => Ok(()),
    }
}

fn close_again(name: Name, item: Option<Item>) -> io::Result<()> {
    match item.and_then(|item| item.mode).filter(|mode| is_closed(*mode)) {
        Some(mode) => Ok(fchmod(name.0.folder(name.1)?, Mode::from_raw_mode(mode))?),
        None => Ok(()),
    }
}

fn is_closed(mode: u32) -> bool {
    mode & 0o200 == 0 && !geteuid().is_root()
}

fn inode(folder: &Folder, name: &OsStr) -> io::Result<Option<u64>> {
    Ok(folder.about(name)?.map(|found| found.ino()))
}

impl Dress {
    /// Gives a folder owner, mode and time. One of another user keeps its own: it can't be given others.
    fn put_on(&self, folder: &Folder) -> io::Result<()> {
        let own = geteuid();
        if own.is_root() {
            fchown(folder, Some(Uid::from_raw(self.owner)), Some(Gid::from_raw(self.group)))?;
        } else if folder.metadata()?.uid() != own.as_raw() {
            return Ok(());
        }
        fchmod(folder, Mode::from_raw_mode(self.mode))?;
        // What could not be set here could not be set where it was unpacked either, and is reported from there.
        self.extended.set(folder);
        Ok(futimens(
            folder,
            &Timestamps {
                last_access: Timespec { tv_sec: 0, tv_nsec: UTIME_OMIT },
                last_modification: Timespec { tv_sec: self.seconds, tv_nsec: self.nanoseconds },
            },
        )?)
    }
}
