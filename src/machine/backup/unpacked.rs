//! A backup that was unpacked to be put back, beside the backups.

use super::access::Access;
use super::layout;
use super::reference::{Reference, is_reference};
use super::snapshot;
use crate::failure::{Context, Failure, Kind, Result};
use crate::kind::Layout;
use crate::machine::archive::{self, About, Contents, Entry};
use crate::machine::files::{free_space, hexadecimal, private_folder, sha256, write_private_durably};
use crate::machine::part::Part;
use crate::units::Size;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
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
    /// The members of parts other than files.
    pub members: Vec<Entry>,
    /// Whether it was made by this user on this machine.
    pub is_own: bool,
    /// The members that were programs that run as their owner or group, and lost that: it was not made here.
    pub stripped: Vec<String>,
    /// What of them could not be kept here, each with its name.
    #[serde(default)]
    pub lost: Vec<String>,
}

/// What an archive is made of: as its manifest says, or as its names do.
pub fn parts_of(contents: &Contents, layout: &Layout) -> Result<Vec<Part>> {
    match &contents.manifest {
        Some(manifest) => Ok(manifest.about.parts.clone()),
        None => layout::parts(layout, contents.members.iter()),
    }
}

/// Whether a member is one of these parts, or is in one.
fn is_below(member: &Entry, parts: &BTreeSet<&str>) -> bool {
    let own = member.name.trim_start_matches("./").trim_end_matches('/');
    own.match_indices('/').map(|(end, _)| end).chain([own.len()]).any(|end| parts.contains(&own[..end]))
}

const CONTENTS: &str = "contents.json";

/// A member as it is handed over: by its content, which another name of a file and one with holes have in the folder only.
fn plain(member: Entry, folder: &Path) -> Result<Entry> {
    if member.again.is_none() && member.stored.is_none() {
        return Ok(member);
    }
    let path = content(folder, &member.name);
    let failed = || format!("`{}` can't be read", path.display());
    let size = path.metadata().or_fail(Kind::Refused, failed)?.len();
    // Handed over, its holes are filled: it may say that it has any length.
    let free = free_space(folder)?.free;
    if size > free {
        let message =
            format!("`{}` is {} long, and there is room for {}", member.name, Size(size), Size(free));
        return Err(Failure::new(Kind::Refused, message).help("make room, or take another backup"));
    }
    Ok(Entry { size, sha256: sha256(&path)?, again: None, stored: None, ..member })
}

fn content(folder: &Path, name: &str) -> PathBuf {
    folder.join("content").join(name.trim_start_matches("./"))
}

impl Unpacked {
    /// Unpacks an archive into `folder`, which is made anew. Nothing is written before all of it was read and checked, its
    /// parts by `check`.
    pub fn make(
        archive: &Path,
        access: &Access,
        folder: &Path,
        id: &str,
        stop: &dyn Fn() -> bool,
        check: &dyn Fn(&[Part]) -> Result<()>,
    ) -> Result<Unpacked> {
        if is_reference(archive) {
            return Unpacked::from_snapshot(archive, access, folder, id, stop, check);
        }
        let (keys, begun) = (&access.keys, Instant::now());
        let mut stripped = Vec::new();
        let checked = |contents: &Contents| check(&parts_of(contents, &access.layout)?);
        let contents = archive::unpack(archive, keys, &folder.join("content"), stop, &checked)?;
        private_folder(folder)?;
        let parts = parts_of(&contents, &access.layout)?;
        // Who puts files back finds them where they were unpacked; all else is handed over as the archive had it.
        let handed: BTreeSet<&str> = parts.iter().filter(|part| !part.is_files()).map(Part::name).collect();
        let mut members = Vec::new();
        for member in contents.members.iter() {
            let mut member = member?;
            // What has no manifest is of another program.
            if let Some(owner) =
                layout::owner(&access.layout, &member.name).filter(|_| contents.manifest.is_none())
            {
                (member.owner, member.group) = (owner, owner);
            }
            if archive::is_risen(member.sort, member.mode) && !contents.is_own {
                stripped.push(member.name.clone());
                member.mode &= !archive::RISEN;
            }
            if is_below(&member, &handed) {
                members.push(plain(member, folder)?);
            }
        }
        let about = contents.manifest.map(|manifest| manifest.about);
        let made = Unpacked {
            archive: archive.to_owned(),
            sha256: sha256(archive)?,
            seconds: begun.elapsed().as_secs_f64(),
            id: id.to_owned(),
            folder: folder.to_owned(),
            about,
            parts,
            members,
            is_own: contents.is_own,
            stripped,
            lost: contents.lost,
        };
        made.keep()
    }

    /// The same from a repository.
    fn from_snapshot(
        path: &Path,
        access: &Access,
        folder: &Path,
        id: &str,
        stop: &dyn Fn() -> bool,
        check: &dyn Fn(&[Part]) -> Result<()>,
    ) -> Result<Unpacked> {
        let begun = Instant::now();
        let reference = Reference::open(path)?;
        let contained = snapshot::unpack(&reference, access.repository(path)?, folder, stop, check)?;
        let (is_own, about) = (reference.inventory.is_own(), reference.about());
        let snapshot::Taken { mut stripped, lost } = contained.taken;
        let mut members =
            contained.contents.map_or(Ok(Vec::new()), |contents| contents.members.filter(|_| true))?;
        for member in &mut members {
            if archive::is_risen(member.sort, member.mode) && !is_own {
                stripped.push(member.name.clone());
                member.mode &= !archive::RISEN;
            }
        }
        let made = Unpacked {
            archive: path.to_owned(),
            sha256: reference.sha256(),
            seconds: begun.elapsed().as_secs_f64(),
            id: id.to_owned(),
            folder: folder.to_owned(),
            parts: reference.inventory.about.parts.clone(),
            about: Some(about),
            members,
            is_own,
            stripped,
            lost,
        };
        made.keep()
    }

    fn keep(self) -> Result<Unpacked> {
        let text = serde_json::to_vec(&self)
            .or_fail(Kind::Bug, || "the unpacked backup is not plain data".into())?;
        write_private_durably(&self.folder.join(CONTENTS), &text)?;
        Ok(self)
    }

    /// What was unpacked before.
    pub fn open(folder: &Path) -> Result<Unpacked> {
        let failed = || format!("the unpacked backup in `{}` can't be read", folder.display());
        let text = std::fs::read(folder.join(CONTENTS)).map_err(|error| {
            Failure::new(Kind::NotFound, failed()).why(error).help("start the restore again")
        })?;
        let read = serde_json::from_slice(&text).or_fail(Kind::Refused, failed);
        read.map_err(|failure| {
            failure
                .why("another version of this program unpacked it, or it was changed")
                .help("start the restore again; what was moved aside stays where it is")
        })
    }

    /// Where a member is.
    pub fn path(&self, name: &str) -> PathBuf {
        content(&self.folder, name)
    }

    /// What something is called that waits to be put in the place of `name`, and what was moved aside for it.
    pub fn new_and_old(&self, name: &str, separator: &str) -> (String, String) {
        let (name, id) = (short(name), &self.id);
        (format!("{name}{separator}new{separator}{id}"), format!("{name}{separator}old{separator}{id}"))
    }

    /// What a database is called that is there for a trial.
    pub fn scratch(&self, name: &str) -> String {
        format!("{}_drill_{}", short(name), self.id)
    }
}

/// So long may a name be that others are made of: PostgreSQL cuts what is longer than 63 bytes without a word, and would
/// take the name of a trial for that of the live database.
const LONGEST: usize = 36;

/// A name, or how it begins with a digest of it.
fn short(name: &str) -> String {
    match name.len() {
        ..=LONGEST => name.to_owned(),
        _ => {
            let digest = hexadecimal(&Sha256::digest(name)[..8]);
            let end = (0..=LONGEST - digest.len() - 1).rev().find(|&end| name.is_char_boundary(end));
            format!("{}_{digest}", &name[..end.unwrap_or(0)])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_made_of_a_long_name_is_another_name_and_not_too_long() {
        let name = "a".repeat(63);
        let other = format!("{}b", "a".repeat(62));
        assert_ne!(short(&name), short(&other));
        assert!(short(&name).len() <= LONGEST && short(&"ü".repeat(40)).len() <= 63 - 27);
        assert_eq!(short("hoss_core"), "hoss_core");
    }
}
