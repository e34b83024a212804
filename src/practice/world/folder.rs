//! Folders in which practice servers are made.

use super::make_folder;
use crate::failure::{Context, Failure, Kind, Result};
use std::path::{Path, PathBuf};

/// A path that does not depend on where one is.
pub fn absolute(path: &Path) -> Result<PathBuf> {
    path.canonicalize().or_fail(Kind::NotFound, || format!("`{}` is not there", path.display()))
}

/// A folder that is empty or not there, made.
pub fn new_folder(dir: &Path) -> Result<PathBuf> {
    usable(dir)?;
    make_folder(dir)?;
    let dir = absolute(dir)?;
    usable(&dir)?;
    match std::fs::read_dir(&dir).is_ok_and(|mut entries| entries.next().is_some()) {
        true => Err(Failure::new(Kind::Refused, format!("`{}` is not empty", dir.display()))
            .help("type `banister demo --keep DIR` with a folder that is not there yet")),
        false => Ok(dir),
    }
}

/// Refuses a folder that can't hold a Hoss server: its Makefile quotes no path.
fn usable(dir: &Path) -> Result<()> {
    let plain = |c: char| c.is_alphanumeric() || "/._-+@~".contains(c);
    match dir.to_str().is_some_and(|text| text.chars().all(plain)) {
        true => Ok(()),
        false => Err(Failure::new(
            Kind::Invalid,
            format!("make can't handle the folder's name `{}`", dir.display()),
        )
        .help("type `banister demo --keep DIR` with letters, digits, `-`, `_` and `.` only")),
    }
}
