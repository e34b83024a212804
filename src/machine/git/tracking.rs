//! Which checkout tracks a file.

use git2::Repository;
use std::path::{Path, PathBuf};

/// The checkout around a folder that tracks one of these files; nothing, if there is none, or it can't be read.
pub fn tracking(folder: &Path, files: &[PathBuf]) -> Option<PathBuf> {
    let repository = Repository::discover(folder).ok()?;
    let top = repository.workdir()?.canonicalize().ok()?;
    let index = repository.index().ok()?;
    let is_tracked = |file: &PathBuf| {
        let within = file.canonicalize().ok().and_then(|file| Some(file.strip_prefix(&top).ok()?.to_owned()));
        within.is_some_and(|within| index.get_path(&within, 0).is_some())
    };
    files.iter().any(is_tracked).then(|| top.clone())
}
