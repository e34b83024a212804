//! What is kept of a program in the state folder of its server: files of releases under their digests, which release each
//! is, and which one is to be put in place.

use super::copy::copy_durably;
use crate::failure::{Context, Kind, Result};
use crate::machine::files::{self, kept, sha256};
use crate::machine::installation;
use crate::machine::release::Release;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::{Path, PathBuf};

/// The state folder, as far as it is about a program.
pub struct Kept {
    state: PathBuf,
}

/// A file of which it is known of which release it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    pub release: String,
    /// In lower-case hexadecimal.
    pub sha256: String,
}

/// What is written down.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Record {
    /// What is to be put in place by the next start.
    wanted: Option<Known>,
    /// What was fetched for an update that has not begun to change anything.
    fetched: Option<Known>,
    /// Files that are in place or kept, or were.
    known: Vec<Known>,
}

/// Of so many files it is known of which release they are.
const MOST_KNOWN: usize = 20;

impl Kept {
    /// In the state folder of a server.
    pub fn within(state: PathBuf) -> Kept {
        Kept { state }
    }

    /// Of which release a file is, if it was fetched or kept here.
    pub fn release_of(&self, sha256: &str) -> Result<Option<String>> {
        let known = self.read()?.known;
        Ok(known.into_iter().rev().find(|known| known.sha256 == sha256).map(|known| known.release))
    }

    /// What is to be put in place.
    pub fn wanted(&self) -> Result<Option<Known>> {
        Ok(self.read()?.wanted)
    }

    /// Writes down that a file is to be put in place.
    pub fn want(&self, wanted: Known) -> Result<()> {
        let mut record = self.read()?;
        record.know(wanted.clone());
        record.wanted = Some(wanted);
        self.write(&record)
    }

    /// Writes down that a file was fetched, and not yet that it is to be put in place.
    pub fn note_fetched(&self, fetched: Known) -> Result<()> {
        let mut record = self.read()?;
        record.know(fetched.clone());
        record.fetched = Some(fetched);
        self.write(&record)
    }

    /// Whether a file with this digest is kept here, whole.
    pub fn has(&self, sha256: &str) -> bool {
        files::is_sha256(sha256) && self.is_whole(sha256).unwrap_or(false)
    }

    /// The file of a release that is kept here, whole.
    pub fn find(&self, release: &str) -> Result<Option<Known>> {
        let all = self.read()?.known.into_iter().rev();
        for known in all.filter(|known| known.release == release) {
            if self.is_whole(&known.sha256)? {
                return Ok(Some(known));
            }
        }
        Ok(None)
    }

    /// Where a file with this digest is kept.
    pub fn path(&self, sha256: &str) -> PathBuf {
        self.folder().join(sha256)
    }

    /// Where a file is fetched to that is to have this digest, or of which only the release is known.
    pub fn part(&self, release: &str, sha256: Option<&str>) -> PathBuf {
        let name = sha256.map(str::to_owned).unwrap_or_else(|| {
            release.parse::<Release>().map_or_else(|_| "release".into(), |release| release.file_name())
        });
        self.folder().join(format!("{name}.part"))
    }

    /// Makes the folder.
    pub fn prepare(&self) -> Result<()> {
        installation::prepare(&self.state)?;
        installation::prepare(&self.folder())
    }

    /// Keeps a copy of a file, which is of a release.
    pub fn keep(&self, file: &Path, release: &str) -> Result<Known> {
        self.prepare()?;
        let known = Known { release: release.to_owned(), sha256: sha256(file)? };
        if !self.is_whole(&known.sha256)? {
            copy_durably(file, &self.path(&known.sha256), &known.sha256, |_| Ok(()))?;
        }
        let mut record = self.read()?;
        record.know(known.clone());
        self.write(&record)?;
        Ok(known)
    }

    /// Removes all that is kept or was fetched, but what [`Kept::note_fetched`] noted last, if that is `spared`. Of what is in
    /// place it stays known of which release it is.
    pub fn remove(&self, in_place: &str, spared: bool) -> Result<Vec<String>> {
        let mut record = self.read()?;
        record.wanted = None;
        record.fetched = record.fetched.filter(|_| spared);
        let spared = record.fetched.as_ref().map(|known| known.sha256.clone());
        record.known.retain(|known| known.sha256 == in_place || Some(&known.sha256) == spared.as_ref());
        if self.state.exists() {
            self.write(&record)?;
        }
        let folder = self.folder();
        let failed = || format!("`{}` can't be removed", folder.display());
        let entries = match std::fs::read_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.or_fail(Kind::Refused, failed)?,
        };
        let mut removed = Vec::new();
        for entry in entries {
            let entry = entry.or_fail(Kind::Refused, failed)?;
            if spared.as_ref().is_some_and(|spared| entry.file_name() == spared.as_str()) {
                continue;
            }
            std::fs::remove_file(entry.path()).or_fail(Kind::Refused, failed)?;
            removed.push(entry.file_name().to_string_lossy().into_owned());
        }
        if spared.is_none() {
            std::fs::remove_dir(&folder).or_fail(Kind::Refused, failed)?;
        }
        removed.sort();
        Ok(removed)
    }

    fn is_whole(&self, digest: &str) -> Result<bool> {
        let path = self.path(digest);
        Ok(path.is_file() && sha256(&path)? == digest)
    }

    fn folder(&self) -> PathBuf {
        self.state.join("program")
    }

    fn record(&self) -> PathBuf {
        self.state.join("program.json")
    }

    fn read(&self) -> Result<Record> {
        let mut record: Record = kept(&self.record())?.unwrap_or_default();
        // They name files.
        record.known.retain(|known| files::is_sha256(&known.sha256));
        record.wanted = record.wanted.filter(|known| files::is_sha256(&known.sha256));
        record.fetched = record.fetched.filter(|known| files::is_sha256(&known.sha256));
        Ok(record)
    }

    fn write(&self, record: &Record) -> Result<()> {
        installation::prepare(&self.state)?;
        let text = serde_json::to_vec_pretty(record).or_fail(Kind::Bug, || "a record has no text".into())?;
        installation::write(&self.record(), &text, true)
    }
}

impl Record {
    /// The last of them is what is believed.
    fn know(&mut self, known: Known) {
        self.known.retain(|other| other.sha256 != known.sha256);
        self.known.push(known);
        let surplus = self.known.len().saturating_sub(MOST_KNOWN);
        self.known.drain(..surplus);
    }
}
