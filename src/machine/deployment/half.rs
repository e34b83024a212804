//! An edit of several files as one: what a power cut left half done is undone before anything else is written.

use crate::failure::{Context, Kind, Result};
use crate::machine::bytes;
use crate::machine::files::{kept, rewrite_durably, write_private_durably};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Of one file.
#[derive(Serialize, Deserialize)]
pub struct Edit {
    pub file: PathBuf,
    pub before: String,
    pub after: String,
}

/// Changes them all. `note` is a file that is there as long as only some of them may be changed.
pub fn write(note: &Path, edits: &[Edit]) -> Result<()> {
    let failed = || format!("`{}` can't be written", note.display());
    if edits.len() > 1 {
        write_private_durably(note, &serde_json::to_vec(edits).or_fail(Kind::Bug, failed)?)?;
    }
    edits.iter().try_for_each(|edit| rewrite_durably(&edit.file, &bytes::encoded(&edit.after)))?;
    remove(note)
}

/// Undoes those that were cut off. A file that somebody has changed since stays as it is.
pub fn undo(note: &Path) -> Result<()> {
    for edit in kept::<Vec<Edit>>(note)?.unwrap_or_default() {
        if bytes::read(&edit.file)? == edit.after {
            rewrite_durably(&edit.file, &bytes::encoded(&edit.before))?;
        }
    }
    remove(note)
}

fn remove(note: &Path) -> Result<()> {
    match std::fs::remove_file(note) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).or_fail(Kind::Refused, || format!("`{}` can't be removed", note.display()))
        }
        _ => Ok(()),
    }
}
