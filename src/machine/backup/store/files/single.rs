//! Puts back what is not exchanged within its own folder: a single file, or a folder where none is.

use super::names::{around, beside, not_allowed, refused};
use super::planned::{Entry, Plan};
use super::{Target, exchange as entries};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::backup::Unpacked;
use crate::machine::tree::{self, Folder, is_border};
use rustix::fs::{Access, AtFlags, OFlags, accessat};
use std::ffi::{OsStr, OsString};
use std::fs::{Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Whether a place must be written over: it is a mount, or this user can put nothing beside it.
pub fn is_written(target: &Target) -> io::Result<bool> {
    let Some((around, name)) = around(&target.place)?.zip(target.place.file_name()) else { return Ok(false) };
    match around.pin(name) {
        Err(error) if is_border(&error) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
        Ok(_) => Ok(!is_open(&around)),
    }
}

fn is_open(folder: &Folder) -> bool {
    accessat(folder, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_ok()
}

/// Fails if a place can't be written over with what the backup has.
pub fn check_written(target: &Target, waiting: &Metadata) -> Result<()> {
    let place = &target.place;
    let live = place.symlink_metadata();
    if !live.is_ok_and(|live| live.is_file()) || !waiting.is_file() {
        let why = "only a file can be restored where nothing can be put beside it";
        return Err(not_allowed(place, why));
    }
    match rustix::fs::access(place, Access::WRITE_OK) {
        Ok(()) => Ok(()),
        Err(error) => Err(not_allowed(place, error)),
    }
}

/// Fails if this user can't make something that is not there.
pub fn check_beside(place: &Path) -> Result<()> {
    let nearest = place.ancestors().skip(1).find(|path| path.exists()).unwrap_or(Path::new("/"));
    match rustix::fs::access(nearest, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => Ok(()),
        Err(error) => Err(not_allowed(place, format!("`{}` can't be written: {error}", nearest.display()))),
    }
}

/// Exchanges something as a whole with what waits beside it.
pub fn exchange(place: &Path, entry: &Entry, unpacked: &Unpacked) -> Result<()> {
    let failed = || format!("`{}` can't be restored", place.display());
    let missing = || Failure::new(Kind::Refused, failed()).why("the folder that it is in is gone");
    let around = around(place).or_fail(Kind::Refused, failed)?.ok_or_else(missing)?;
    let (new, old) = beside(place, unpacked);
    entries::place(entry, &around, (&around, &new), (&around, &old), place)?;
    around.sync().or_fail(Kind::Refused, failed)
}

/// Moves something aside that must not be beside what is restored; what takes its place comes later.
pub fn set_aside(place: &Path, entry: &Entry, unpacked: &Unpacked) -> Result<()> {
    let moved = || -> io::Result<()> {
        let Some(around) = around(place)? else { return Ok(()) };
        let (_, old) = beside(place, unpacked);
        match entries::set_aside(entry, &around, (&around, &old))? {
            true => around.sync(),
            false => Ok(()),
        }
    };
    moved().or_fail(Kind::Refused, || format!("`{}` can't be moved aside", place.display()))
}

/// Writes a file over, after a copy of it was kept with the unpacked backup.
pub fn write(plan: &Plan, unpacked: &Unpacked) -> Result<()> {
    let failed = || format!("`{}` can't be restored", plan.place.display());
    keep_copy(plan, unpacked)
        .or_fail(Kind::Refused, || format!("`{}` can't be kept", plan.place.display()))?;
    let written = || -> io::Result<()> {
        let mut from = std::fs::File::open(&plan.from)?;
        let no_link = OFlags::NOFOLLOW.bits() as i32;
        let mut to = OpenOptions::new().write(true).truncate(true).custom_flags(no_link).open(&plan.place)?;
        io::copy(&mut from, &mut to)?;
        to.sync_all()
    };
    written().map_err(|error| {
        refused(failed(), error).why(format!("its content from before is in `{}`", unpacked.folder.display()))
    })
}

fn keep_copy(plan: &Plan, unpacked: &Unpacked) -> io::Result<()> {
    let kept = Folder::open(&unpacked.folder)?.make(OsStr::new("replaced"))?;
    // One name for each path: a name has room for 255 bytes.
    let digest = crate::machine::files::sha256_of(plan.place.as_os_str().as_encoded_bytes());
    let (name, part) = (OsString::from(&digest), OsString::from(format!("{digest}.part")));
    if kept.about(&name)?.is_some() {
        return Ok(());
    }
    tree::remove_in(&kept, &part)?;
    let (mut from, mut to) = (std::fs::File::open(&plan.place)?, kept.create(&part)?);
    io::copy(&mut from, &mut to)?;
    to.sync_all()?;
    rustix::fs::renameat(&kept, &part, &kept, &name)?;
    kept.sync()
}
