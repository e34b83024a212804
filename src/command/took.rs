//! How long a command ran, whoever looked on.

use super::folder::{BEGUN, EXIT};
use std::path::Path;
use std::time::Duration;

/// How long a command that ended ran, by the clock of the file system; nothing for one that did not begin or whose
/// end nobody wrote.
pub fn took(folder: &Path) -> Option<Duration> {
    let written = |name| std::fs::metadata(folder.join(name)).and_then(|file| file.modified()).ok();
    // The clock may have been set back in between.
    Some(written(EXIT)?.duration_since(written(BEGUN)?).unwrap_or_default())
}
