//! Which backups were made in a folder: one that has none of them any more is another disk than before, or the disk is not
//! mounted, and what is written then fills the one below.

use super::Server;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::backup::catalogue;
use crate::machine::installation;
use crate::output::word;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// By the path of each folder, what it was when the last backup was made there.
type Remembered = BTreeMap<PathBuf, Folder>;

/// A folder of backups.
#[derive(Serialize, Deserialize)]
struct Folder {
    /// While these are the same, it is the same folder, whatever became of what was in it.
    device: u64,
    inode: u64,
    /// The backups of the server in it, the oldest first.
    names: Vec<String>,
}

impl Folder {
    fn is_at(&self, path: &Path) -> bool {
        path.metadata().is_ok_and(|found| (found.dev(), found.ino()) == (self.device, self.inode))
    }
}

impl Server {
    /// Fails with [`Kind::Refused`] if this is another folder than when the last backup was made there, and has no backup of
    /// the server: of several disks that are used in turn each has some. What stands there for snapshots in a repository is
    /// made anew from that.
    pub fn check_backups_there(&self, folder: &Path) -> Result<()> {
        if self.repository.is_some() {
            return Ok(());
        }
        // Where nothing can be read, nothing is known: what has no checkout is told where that is asked for.
        let Ok(file) = self.remembered_in() else { return Ok(()) };
        let remembered = remembered(&file)?;
        let Some(known) = remembered.get(folder).filter(|known| !known.names.is_empty()) else {
            return Ok(());
        };
        let names = &known.names;
        let is_there = |name: &String| folder.join(name).symlink_metadata().is_ok();
        if known.is_at(folder) || names.iter().any(is_there) || !self.own_in(folder)?.is_empty() {
            return Ok(());
        }
        let last = names.last().map(String::as_str).unwrap_or_default();
        let message = format!(
            "`{}` has none of the backups of `{}` that were made there, the last of them `{last}`",
            folder.display(),
            self.name
        );
        Err(Failure::new(Kind::Refused, message).help(format!(
            "mount its disk, if that is missing; if they are gone for good, or this is another disk for backups: \
             `rm {}`",
            word(file.display())
        )))
    }

    /// Remembers which backups of the server are in a folder.
    pub fn remember_backups(&self, folder: &Path) -> Result<()> {
        let file = self.remembered_in()?;
        let mut remembered = remembered(&file)?;
        let names = self.own_in(folder)?;
        let failed = || format!("`{}` can't be read", folder.display());
        let found = folder.metadata().or_fail(Kind::Refused, failed)?;
        remembered.insert(folder.to_owned(), Folder { device: found.dev(), inode: found.ino(), names });
        let text =
            serde_json::to_vec(&remembered).or_fail(Kind::Bug, || "a list is not plain data".into())?;
        installation::prepare(file.parent().unwrap_or(folder))?;
        installation::write(&file, &text, true)
    }

    /// The names of the backups of the server there, the oldest first.
    fn own_in(&self, folder: &Path) -> Result<Vec<String>> {
        let cards = catalogue(folder)?.into_iter().filter(|card| card.server.as_ref() == Some(&self.name));
        Ok(cards.map(|card| card.name).collect())
    }

    /// Beside what else is kept of this installation, for everybody who works on it.
    fn remembered_in(&self) -> Result<PathBuf> {
        let name = format!("backups-{}.json", self.name.replace('/', "-"));
        Ok(self.state_folder()?.join(name))
    }
}

/// Nothing if there is nothing yet, or if it may be read by others only.
fn remembered(file: &Path) -> Result<Remembered> {
    match std::fs::read(file) {
        Err(error) if [ErrorKind::NotFound, ErrorKind::PermissionDenied].contains(&error.kind()) => {
            Ok(Remembered::new())
        }
        text => text.and_then(|text| Ok(serde_json::from_slice(&text)?)).map_err(|error| {
            let failure = Failure::new(Kind::Refused, format!("`{}` can't be read", file.display()));
            failure.why(error).help(format!(
                "it only says which backups were made where, and is made anew with the next: `rm {}`",
                word(file.display())
            ))
        }),
    }
}
