//! The folder in which banister keeps what is true of an installation, whoever works on it: in the git folder of its
//! checkout; where there is no git, a folder of its own that only its owner may enter.
//!
//! It is shared as that git folder is: who may read the checkout may read what is kept here, and who may write it may
//! hold the server. So nothing secret lies in it, and no umask closes it.

use super::files::replace_durably;
use crate::failure::{Context, Kind, Result};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;

/// The mode of files here: what the git folder's own mode allows.
fn file_mode(folder: &Path) -> u32 {
    folder_mode(folder) & 0o666
}

/// Its name where there is no git.
pub const ALONE: &str = ".banister";

fn folder_mode(folder: &Path) -> u32 {
    if folder.file_name().is_some_and(|name| name == ALONE) {
        return 0o700;
    }
    let around = folder.parent().and_then(|around| fs::metadata(around).ok());
    around.map_or(0o700, |around| around.permissions().mode() & 0o2777 | 0o700)
}

/// Makes the folder if it is not there, and opens it to those who may open the git folder around it.
pub fn prepare(folder: &Path) -> Result<()> {
    let mode = folder_mode(folder);
    let made = || -> io::Result<()> {
        // Whoever may write the git folder must not have others' files opened.
        if fs::symlink_metadata(folder).is_ok_and(|found| !found.is_dir()) {
            return Err(io::Error::other("it is no folder"));
        }
        DirBuilder::new().recursive(true).mode(mode).create(folder)?;
        open_to_others(folder, mode)
    };
    made().or_fail(Kind::Refused, || format!("the folder `{}` can't be made", folder.display()))
}

/// Whoever made a file says who may open it; another's file is left as it is.
fn open_to_others(path: &Path, mode: u32) -> io::Result<()> {
    if fs::metadata(path)?.permissions().mode() & 0o7777 == mode {
        return Ok(());
    }
    match fs::set_permissions(path, Permissions::from_mode(mode)) {
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

/// Opens a file that is only there to be locked, and makes it if it is missing.
pub fn open_lock(path: &Path) -> io::Result<File> {
    let mode = file_mode(path.parent().unwrap_or(path));
    let mut options = OpenOptions::new();
    let no_link = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits();
    let options = options.create(true).truncate(false).write(true).mode(mode).custom_flags(no_link as i32);
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    open_to_others(path, mode)?;
    Ok(file)
}

/// Replaces a file so that after a crash the old or the new content is there, whole. With `durable` that holds after a
/// power cut, too.
pub fn write(path: &Path, content: &[u8], durable: bool) -> Result<()> {
    let mode = file_mode(path.parent().unwrap_or(path));
    if durable {
        return replace_durably(path, content, |file| file.set_permissions(Permissions::from_mode(mode)));
    }
    let failed = || format!("can't write `{}`", path.display());
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(format!(".{}", std::process::id()));
    let fresh = Path::new(&fresh);
    let _ = fs::remove_file(fresh);
    let written =
        || io::Write::write_all(&mut OpenOptions::new().create_new(true).write(true).open(fresh)?, content);
    written().or_fail(Kind::Refused, failed)?;
    open_to_others(fresh, mode).or_fail(Kind::Refused, failed)?;
    fs::rename(fresh, path).or_fail(Kind::Refused, failed)
}
