//! A backup that was unpacked to be put back, beside the backups.

use super::layout;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::{self, About, Entry, Keys};
use crate::machine::files::{private_folder, sha256, write_private_durably};
use crate::machine::part::Part;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// What is where, in `FOLDER/contents.json`; what was unpacked is in `FOLDER/content`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Unpacked {
    /// Distinguishes what one restore moves aside from what another does: digits.
    pub id: String,
    pub folder: PathBuf,
    /// The archive, its SHA-256, and how long unpacking took.
    pub archive: PathBuf,
    pub sha256: String,
    pub seconds: f64,
    /// Absent if another program made the backup.
    pub about: Option<About>,
    pub parts: Vec<Part>,
    pub members: Vec<Entry>,
}

const CONTENTS: &str = "contents.json";

impl Unpacked {
    /// Unpacks an archive into `folder`, which is made anew. Nothing is written before all of it was read and checked.
    pub fn make(
        archive: &Path,
        keys: &Keys,
        folder: &Path,
        id: &str,
        stop: &dyn Fn() -> bool,
    ) -> Result<Unpacked> {
        let begun = Instant::now();
        let contents = archive::unpack(archive, keys, &folder.join("content"), stop)?;
        private_folder(folder)?;
        let about = contents.manifest.map(|manifest| manifest.about);
        let parts = match &about {
            Some(about) => about.parts.clone(),
            None => layout::parts(&contents.members),
        };
        let made = Unpacked {
            archive: archive.to_owned(),
            sha256: sha256(archive)?,
            seconds: begun.elapsed().as_secs_f64(),
            id: id.to_owned(),
            folder: folder.to_owned(),
            about,
            parts,
            members: contents.members,
        };
        let text = serde_json::to_vec(&made)
            .or_fail(Kind::Bug, || "the unpacked backup is not plain data".into())?;
        write_private_durably(&folder.join(CONTENTS), &text)?;
        Ok(made)
    }

    /// What was unpacked before.
    pub fn open(folder: &Path) -> Result<Unpacked> {
        let failed = || format!("the unpacked backup in `{}` can't be read", folder.display());
        let text = std::fs::read(folder.join(CONTENTS)).map_err(|error| {
            Failure::new(Kind::NotFound, failed()).why(error).help("start the restore again")
        })?;
        serde_json::from_slice(&text).or_fail(Kind::Refused, failed)
    }

    /// Where a member is.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join("content").join(name.trim_start_matches("./"))
    }

    /// What something is called that waits to be put in the place of `name`, and what was moved aside for it.
    pub fn new_and_old(&self, name: &str, separator: &str) -> (String, String) {
        let id = &self.id;
        (format!("{name}{separator}new{separator}{id}"), format!("{name}{separator}old{separator}{id}"))
    }
}
