//! Brings what was unpacked to where it is exchanged, whole.

use super::names::{aside, beside, resolved};
use super::{Target, single};
use crate::failure::{Context, Kind, Result};
use crate::machine::backup::Unpacked;
use crate::machine::tree::{self, Folder};
use rustix::fs::{Mode, fchmod};
use std::ffi::OsStr;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::Path;

/// Whether a place has the contents of a folder exchanged: what is restored is a folder, and so is what is there, if
/// anything is.
pub fn is_folder(target: &Target, unpacked: &Unpacked) -> bool {
    let is_folder = |path: &Path| path.symlink_metadata().is_ok_and(|found| found.is_dir());
    let staged = target.place.join(aside(unpacked)).join("new");
    let live = target.place.symlink_metadata();
    is_folder(&staged) || is_folder(&target.from) && live.map_or(true, |live| live.is_dir())
}

/// Brings a part to its place, beside what is live; what could not be kept on the way. Called again after it was cut off,
/// it continues.
pub fn stage(target: &Target, unpacked: &Unpacked) -> Result<Vec<String>> {
    let failed = || format!("`{}` can't be restored", target.place.display());
    match is_folder(target, unpacked) {
        true => stage_folder(target, unpacked).or_fail(Kind::Refused, failed),
        false if single::is_written(target).or_fail(Kind::Refused, failed)? => Ok(Vec::new()),
        false => {
            let around = target.place.parent().unwrap_or(Path::new("/"));
            make_folders(around).or_fail(Kind::Refused, failed)?;
            let around = Folder::open(&resolved(around)).or_fail(Kind::Refused, failed)?;
            let (new, old) = beside(&target.place, unpacked);
            let is_done = around.about(&old).or_fail(Kind::Refused, failed)?.is_some();
            if is_done {
                Ok(Vec::new())
            } else {
                bring(&target.from, &around, &new).or_fail(Kind::Refused, failed)
            }
        }
    }
}

fn stage_folder(target: &Target, unpacked: &Unpacked) -> io::Result<Vec<String>> {
    make_folders(&target.place)?;
    let place = Folder::open(&target.place)?;
    let aside = place.make(&aside(unpacked))?;
    let found = aside.metadata()?;
    if found.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::Error::other("another user's folder is where its new content is to be made"));
    }
    fchmod(&aside, Mode::RWXU)?;
    let lost = bring(&target.from, &aside, OsStr::new("new"))?;
    aside.make(OsStr::new("old"))?;
    aside.sync()?;
    place.sync()?;
    Ok(lost)
}

/// Moves a tree, also to another file system: there, it has its name only when it is whole. Where it came from is gone
/// then. What could not be kept on the way.
fn bring(from: &Path, to: &Folder, name: &OsStr) -> io::Result<Vec<String>> {
    let mut lost = Vec::new();
    let (Some(around), Some(own)) = (from.parent(), from.file_name()) else { return Ok(lost) };
    if to.about(name)?.is_none() {
        let around = match Folder::open(around) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(lost),
            around => around?,
        };
        let Some(found) = around.about(own)? else { return Ok(lost) };
        let is_closed = found.is_dir() && found.permissions().mode() & 0o200 == 0;
        // A folder that its owner can't write can't be moved into another one, unless by root.
        let opened = if is_closed { Some(around.folder(own)?) } else { None };
        let mode =
            |mode: u32| opened.as_ref().map_or(Ok(()), |opened| fchmod(opened, Mode::from_raw_mode(mode)));
        mode(0o700)?;
        match rustix::fs::renameat(&around, own, to, name) {
            Err(rustix::io::Errno::XDEV) => {
                mode(found.mode() & 0o7777)?;
                let mut part = name.to_owned();
                part.push(".part");
                tree::remove_in(to, &part)?;
                lost = match tree::copy(&around, own, to, &part) {
                    Ok(lost) => lost,
                    Err(error) => {
                        // On a full disk everybody waits for the room.
                        tree::remove_in(to, &part)?;
                        return Err(error);
                    }
                };
                rustix::fs::syncfs(to)?;
                rustix::fs::renameat(to, &part, to, name)?;
            }
            moved => {
                moved?;
                mode(found.mode() & 0o7777)?;
            }
        }
    }
    // Its new name must be there for good before the old one is gone.
    to.sync()?;
    tree::remove(from)?;
    Ok(lost)
}

/// Makes a folder that is not there, with those above it.
fn make_folders(path: &Path) -> io::Result<()> {
    match path.metadata() {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(io::Error::other(format!("`{}` is no folder", path.display()))),
        Err(_) => std::fs::DirBuilder::new().recursive(true).mode(0o755).create(path),
    }
}
