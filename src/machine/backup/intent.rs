//! What an attempt is about to write: kept before it is begun, so that an attempt that is cut off is gone on with under
//! the same name.

use crate::failure::{Context, Kind, Result};
use crate::machine::archive::About;
use crate::machine::files::{kept, private_folder, write_private_durably};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The file's name, in the folder of the attempt.
const FILE: &str = "backup.json";

/// What an attempt is about to write, or wrote.
#[derive(Serialize, Deserialize)]
pub struct Intent {
    pub path: PathBuf,
    pub about: About,
    /// Once the archive is there.
    #[serde(default)]
    pub written: Option<Written>,
}

/// What the archive had to be when it was written; all that is known of one that can't be looked into.
#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Written {
    pub about: About,
    /// How many members it has, besides the manifest.
    pub members: usize,
    /// Of the whole file, in lower-case hexadecimal.
    pub sha256: Option<String>,
}

impl Intent {
    /// What was kept in the folder of an attempt; none if the attempt was not begun. Fails with [`Kind::Journal`] if
    /// it can't be read.
    pub fn kept(folder: &Path) -> Result<Option<Intent>> {
        kept(&folder.join(FILE))
    }

    /// Keeps it. Fails with [`Kind::Refused`] if that can't be written.
    pub fn keep(&self, folder: &Path) -> Result<()> {
        private_folder(folder)?;
        let text = serde_json::to_vec(self).or_fail(Kind::Bug, || "an intent is not plain data".into())?;
        write_private_durably(&folder.join(FILE), &text)
    }
}
