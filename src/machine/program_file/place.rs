//! The file in its place.

use super::copy::copy_durably;
use super::kept::{Kept, Known};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::{open, remove_half_written, sha256_of_file};
use crate::machine::tree::{CAPABILITY, Extended};
use rustix::fs::{Access, AtFlags, CWD, Mode, accessat, fchmod};
use rustix::process::{getegid, geteuid, getgroups};
use std::fs::{File, Metadata};
use std::io;
use std::os::unix::fs::{MetadataExt, fchown};
use std::path::Path;

/// The SHA-256 of the file, in lower-case hexadecimal, and its size in bytes. Fails with [`Kind::NotFound`] if there is none.
pub fn digest(file: &Path) -> Result<(String, u64)> {
    let failed = || format!("`{}` can't be read", file.display());
    let mut opened = open(file)?;
    let metadata = opened.metadata().or_fail(Kind::Refused, failed)?;
    if !metadata.is_file() {
        return Err(Failure::new(Kind::Refused, format!("`{}` is no file", file.display())));
    }
    Ok((sha256_of_file(&mut opened).or_fail(Kind::Refused, failed)?, metadata.len()))
}

/// Why this user can't replace the file with one that has its owner, its mode and its attributes; nothing, if nothing is
/// against it.
pub fn unfit(file: &Path) -> Result<Option<String>> {
    let failed = || format!("`{}` can't be read", file.display());
    let metadata = std::fs::symlink_metadata(file).or_fail(Kind::Refused, failed)?;
    let shown = file.display();
    if metadata.is_symlink() {
        let to = std::fs::read_link(file).or_fail(Kind::Refused, failed)?;
        return Ok(Some(format!(
            "`{shown}` is a link to `{}`: `file` names the program itself",
            to.display()
        )));
    }
    let folder = file.parent().unwrap_or(Path::new("/"));
    if accessat(CWD, folder, Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_err() {
        return Ok(Some(format!("this user may write no file in `{}`", folder.display())));
    }
    if geteuid().is_root() {
        return Ok(None);
    }
    let groups = getgroups().or_fail(Kind::Refused, failed)?;
    let is_own_group =
        metadata.gid() == getegid().as_raw() || groups.iter().any(|group| group.as_raw() == metadata.gid());
    if metadata.uid() != geteuid().as_raw() || !is_own_group {
        let (user, group) = (metadata.uid(), metadata.gid());
        return Ok(Some(format!(
            "`{shown}` belongs to the user {user} and the group {group}, and only root could give that to a new file"
        )));
    }
    let (extended, _) = Extended::of(&open(file)?).or_fail(Kind::Refused, failed)?;
    Ok(extended.0.contains_key(CAPABILITY).then(|| {
        format!(
            "`{shown}` has capabilities (`getcap` shows them), and only root could give these to a new file"
        )
    }))
}

/// Puts a kept file in the place of the one that is there, which is kept first. At any moment one of the two is there,
/// whole. Returns whether it was another one.
///
/// Fails with [`Kind::NotFound`] if it is no longer kept, or if nothing is there to be replaced.
pub fn install(file: &Path, kept: &Kept, wanted: &Known, release: &str) -> Result<bool> {
    let (now, _) = digest(file)?;
    if now == wanted.sha256 {
        remove_half_written(file)?;
        return Ok(false);
    }
    kept.keep(file, release)?;
    let failed = || format!("`{}` can't be replaced", file.display());
    let old = open(file)?;
    let metadata = old.metadata().or_fail(Kind::Refused, failed)?;
    let (extended, _) = Extended::of(&old).or_fail(Kind::Refused, failed)?;
    let fresh = kept.path(&wanted.sha256);
    copy_durably(&fresh, file, &wanted.sha256, |new| dress(new, &metadata, &extended))?;
    Ok(true)
}

/// Owner, mode and attributes of the old file.
fn dress(new: &File, old: &Metadata, extended: &Extended) -> io::Result<()> {
    let made = new.metadata()?;
    if (made.uid(), made.gid()) != (old.uid(), old.gid()) {
        fchown(new, Some(old.uid()), Some(old.gid()))?;
    }
    // After the owner, because a change of owner takes bits away.
    fchmod(new, Mode::from_raw_mode(old.mode() & 0o7777))?;
    let lost = extended.set(new);
    if lost.is_empty() { Ok(()) } else { Err(io::Error::other(format!("it would lose {}", lost.join(", ")))) }
}
