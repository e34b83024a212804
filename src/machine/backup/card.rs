//! What is known of a backup: a card beside each archive, and the list of them.

use super::reference::{Reference, is_reference};
use super::retention::is_future;
use crate::failure::{Context, Kind, Result};
use crate::machine::archive::{About, Compression, DataSource, Excluded, Held};
use crate::machine::files::{sync_folder_of, write_private_durably};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// How far a backup is proven.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// It is there.
    #[default]
    Taken,
    /// It was read whole, and every byte is as it was written; what is in it too, if it could be decrypted.
    Verified,
    /// It was put back into scratch databases, indices and folders, and everything was there.
    Drilled,
}

/// A backup, as the list shows it; `ARCHIVE.card.json` keeps it. Of one in a repository, `path` is that of its reference,
/// and `bytes` is what it added to the repository, if that is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Card {
    pub name: String,
    pub path: PathBuf,
    pub bytes: u64,
    pub level: Level,
    /// When it was verified last, and drilled: RFC 3339, UTC.
    pub verified: Option<String>,
    pub drilled: Option<String>,
    /// When a copy of the server was started from it last, and was healthy.
    #[serde(default)]
    pub started: Option<String>,
    /// How long the drill took to put it back.
    pub restore_seconds: Option<f64>,
    /// Why the last drill failed, if one did since it was drilled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undrilled: Option<String>,
    /// Why it can't be restored, if it was damaged when it was read last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damaged: Option<String>,
    /// Of the whole file, in lower-case hexadecimal.
    pub sha256: Option<String>,
    pub server: Option<String>,
    pub kind: Option<String>,
    pub release: Option<String>,
    pub commit: Option<String>,
    /// RFC 3339, UTC.
    pub created: Option<String>,
    pub label: Option<String>,
    /// What belongs to the server and is not in it.
    #[serde(default)]
    pub not_included: Vec<String>,
    /// What changed while it was read, and may be inconsistent in it.
    #[serde(default)]
    pub changed: Vec<String>,
    /// The SQLite databases in it that SQLite did not hold at one state while they were copied, each with the reason.
    #[serde(default)]
    pub unheld: Vec<String>,
    /// The patterns of what was excluded, with how much.
    #[serde(default)]
    pub excluded: Vec<Excluded>,
    /// How much it holds of each part, and what of that is little beside the backup before it.
    #[serde(default)]
    pub held: BTreeMap<DataSource, Held>,
    #[serde(default)]
    pub lacking: Vec<String>,
    /// Why nothing of it is known, if what stands for it can't be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unreadable: Option<String>,
    /// Whether its snapshot is not in the repository any more; only known where that was asked.
    #[serde(default, skip_serializing_if = "is_false")]
    pub missing: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_false(value: &bool) -> bool {
    !value
}

/// How the name of a card ends, after that of its archive.
pub(super) const ENDING: &str = ".card.json";

impl Card {
    /// The card of an archive. One that has none, or that is not of these bytes, was only taken, as far as is known.
    pub fn of(archive: &Path) -> Result<Card> {
        let failed = || format!("`{}` can't be read", archive.display());
        let bytes =
            archive.metadata().map_err(|error| crate::machine::files::unreadable(error, failed()))?.len();
        // What only has the name of a card is not opened: a pipe would wait for ever.
        let card = Some(file(archive)).filter(|file| file.is_file());
        let kept: Option<Card> = card
            .and_then(|file| std::fs::read(file).ok())
            .and_then(|text| serde_json::from_slice(&text).ok());
        let name = archive.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut fresh = Card { name, path: archive.to_owned(), bytes, ..Card::default() };
        if is_reference(archive) {
            let reference = Reference::open(archive)?;
            fresh.bytes = reference.added.unwrap_or_default();
            fresh = fresh.about(&reference.about());
        }
        Ok(match kept {
            Some(kept) if kept.bytes == fresh.bytes => Card { name: fresh.name, path: fresh.path, ..kept },
            _ => fresh,
        })
    }

    /// With what its manifest says.
    pub fn about(self, about: &About) -> Card {
        Card {
            server: Some(about.server.clone()),
            kind: Some(about.kind.clone()),
            release: about.release.clone(),
            commit: about.commit.clone(),
            created: Some(about.created.clone()),
            label: Some(about.label.clone()),
            not_included: about.not_included.clone(),
            changed: about.changed.clone(),
            unheld: about.unheld.clone(),
            excluded: about.excluded.clone(),
            held: about.held.clone(),
            lacking: about.lacking.clone(),
            ..self
        }
    }

    /// Whether it says that it was made later than now: a clock was wrong.
    pub fn is_future(&self, now: jiff::Timestamp) -> bool {
        let created = self.created.as_ref().and_then(|created| created.parse().ok());
        created.is_some_and(|created| is_future(created, now))
    }

    /// It was read whole just now.
    pub fn verified(self, sha256: String) -> Card {
        let level = self.level.max(Level::Verified);
        Card { level, verified: Some(now()), damaged: None, sha256: Some(sha256), ..self }
    }

    /// It was put back for a trial just now.
    pub fn drilled(self, seconds: f64) -> Card {
        let restore_seconds = Some(seconds);
        Card { level: Level::Drilled, drilled: Some(now()), undrilled: None, restore_seconds, ..self }
    }

    /// Putting it back for a trial failed just now. What was seen of it before stays.
    pub fn undrilled(self, why: String) -> Card {
        Card { undrilled: Some(why), ..self }
    }

    /// A copy of the server was started from it just now, and was healthy.
    pub fn started(self) -> Card {
        Card { started: Some(now()), ..self }
    }

    /// It is damaged: nothing that was proven holds any more.
    pub fn doubted(self, why: String) -> Card {
        Card {
            level: Level::Taken,
            damaged: Some(why),
            verified: None,
            drilled: None,
            started: None,
            restore_seconds: None,
            ..self
        }
    }

    /// Keeps it beside the archive.
    pub fn keep(&self) -> Result<()> {
        let text =
            serde_json::to_vec_pretty(self).or_fail(Kind::Bug, || "a card is not plain data".into())?;
        write_private_durably(&file(&self.path), &text)
    }

    /// Removes the archive, or what stands for a snapshot that is gone, then its card. Nobody would know any more what an
    /// archive without its card is, so each is gone for good before the next.
    pub fn remove(&self) -> Result<()> {
        for path in [&self.path, &file(&self.path)] {
            let removed = match std::fs::remove_file(path) {
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                removed => removed,
            };
            removed
                .and_then(|()| sync_folder_of(path))
                .or_fail(Kind::Refused, || format!("`{}` can't be removed", path.display()))?;
        }
        Ok(())
    }
}

fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn file(archive: &Path) -> PathBuf {
    let mut name = archive.as_os_str().to_owned();
    name.push(ENDING);
    name.into()
}

/// All archives in a folder, the oldest first: by what their cards say, as a copy of a file may have another time. What
/// another program put there is among them.
pub fn catalogue(folder: &Path) -> Result<Vec<Card>> {
    let mut found = Vec::new();
    for path in listed(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_backup = Compression::of(&path).is_ok() || is_reference(&path);
        if is_backup && !name.starts_with('.') && path.is_file() {
            let modified = path.metadata().and_then(|metadata| metadata.modified()).ok();
            // One that can't be read is named, and hides no other.
            let card = Card::of(&path).or_else(|failure| match failure.kind {
                Kind::Refused if is_reference(&path) => Ok(Card {
                    name: name.clone(),
                    path: path.clone(),
                    unreadable: Some(failure.to_string()),
                    ..Card::default()
                }),
                _ => Err(failure),
            })?;
            let created: Option<jiff::Timestamp> = card.created.as_ref().and_then(|said| said.parse().ok());
            let written = modified.and_then(|modified| jiff::Timestamp::try_from(modified).ok());
            // Two of a second are in the order in which they were written.
            let second = created.or(written).map(jiff::Timestamp::as_second);
            found.push(((second, modified), card));
        }
    }
    found.sort_by(|(a, one), (b, other)| (a, &one.name).cmp(&(b, &other.name)));
    Ok(found.into_iter().map(|(_, card)| card).collect())
}

/// The paths of all that is in a folder of backups; none if there is no such folder.
pub(super) fn listed(folder: &Path) -> Result<Vec<PathBuf>> {
    let failed = || format!("the folder `{}` can't be read", folder.display());
    match std::fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect())
            .or_fail(Kind::Refused, failed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_holds_only_for_the_bytes_it_was_written_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("web-1.tar.zst");
        std::fs::write(&path, "some bytes").unwrap();
        Card::of(&path).unwrap().verified("digest".into()).keep().unwrap();
        let card = Card::of(&path).unwrap();
        assert_eq!((card.level, card.sha256.as_deref()), (Level::Verified, Some("digest")));
        assert_eq!(catalogue(folder.path()).unwrap(), std::slice::from_ref(&card));
        std::fs::write(&path, "others").unwrap();
        assert_eq!(Card::of(&path).unwrap().level, Level::Taken);
        let card = card.undrilled("no rows".into()).doubted("torn".into());
        assert_eq!((card.level, card.damaged.as_deref()), (Level::Taken, Some("torn")));
        let card = card.verified("digest".into()).drilled(1.0);
        assert_eq!(
            (card.level, card.damaged.as_deref(), card.undrilled.as_deref()),
            (Level::Drilled, None, None)
        );
        card.remove().unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
