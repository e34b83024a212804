//! Which edits are carried over: those that `edits` in site.toml names, and those that somebody let one update carry over.

use super::Checkout;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::{kept, private_folder, write_private_durably};
use git2::{Oid, Pathspec, PathspecFlags};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Which edits are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Those that are carried over: `edits` in site.toml names them, or somebody let them.
    Carried,
    /// Those that could be, too.
    All,
}

/// What somebody let an update carry over, between these two commits, there and back.
#[derive(Serialize, Deserialize)]
struct Agreed {
    commits: [String; 2],
    files: Vec<Name>,
}

#[derive(Serialize, Deserialize)]
struct Name(#[serde(with = "named")] PathBuf);

const AGREED: &str = "agreed.json";

impl Checkout {
    /// Whether `edits` in site.toml names it.
    pub(super) fn is_edit(&self, path: &Path) -> bool {
        !self.edits.is_empty()
            && Pathspec::new(self.edits.iter())
                .is_ok_and(|patterns| patterns.matches_path(path, PathspecFlags::DEFAULT))
    }

    /// Those of these patterns that match no tracked file.
    pub fn unmatched(&self, patterns: &[String]) -> Result<Vec<String>> {
        let index = self.index()?;
        let paths: Vec<PathBuf> =
            index.iter().map(|entry| PathBuf::from(OsStr::from_bytes(&entry.path))).collect();
        let matches = |pattern: &String| {
            let known = Pathspec::new([pattern]);
            known.is_ok_and(|known| paths.iter().any(|path| known.matches_path(path, PathspecFlags::DEFAULT)))
        };
        Ok(patterns.iter().filter(|pattern| !matches(pattern)).cloned().collect())
    }

    /// Lets the next move to what `name` means carry over the edits of these files, and the way back restore them. Refused
    /// if they are not exactly those that are edited and that `edits` does not name.
    pub fn carry_edits(&self, name: &str, files: &[String]) -> Result<()> {
        let to = self.commit_named_by(name)?;
        let mut edited = Vec::new();
        for it in self.differing()? {
            if !self.is_edit(&it.path) && self.can_be_carried(&it)? {
                edited.push(it.path);
            }
        }
        let shown: BTreeSet<String> = edited.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        if shown != files.iter().cloned().collect() {
            let now = shown.into_iter().collect::<Vec<_>>().join(", ");
            return Err(Failure::new(
                Kind::Refused,
                format!("other files of the checkout {} are edited than were shown", self.shown()),
            )
            .why(format!("edited now: {now}"))
            .why("nothing was touched")
            .help("start the update again, which shows them"));
        }
        let commits = [self.head_commit()?, to].map(|commit| commit.to_string());
        let agreed = Agreed { commits, files: edited.into_iter().map(Name).collect() };
        let text = serde_json::to_vec(&agreed).or_fail(Kind::Bug, || "edits can't be written".to_owned())?;
        private_folder(&self.edits_folder())?;
        write_private_durably(&self.edits_folder().join(AGREED), &text)
    }

    /// The files whose edits somebody let a move to this commit carry over.
    pub(super) fn agreed(&self, to: Oid) -> Result<Vec<PathBuf>> {
        let Some(agreed) = kept::<Agreed>(&self.edits_folder().join(AGREED))? else { return Ok(Vec::new()) };
        let here = self.head_commit()?;
        let is_meant = [here, to].iter().all(|commit| agreed.commits.contains(&commit.to_string()));
        Ok(if is_meant { agreed.files.into_iter().map(|name| name.0).collect() } else { Vec::new() })
    }

    pub(super) fn forget_agreed(&self) -> Result<()> {
        let agreed = self.edits_folder().join(AGREED);
        match std::fs::remove_file(&agreed) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).or_fail(Kind::Refused, || format!("`{}` can't be removed", agreed.display()))
            }
            _ => Ok(()),
        }
    }
}

/// A path as text: bytes that are no UTF-8, too.
pub(super) mod named {
    use crate::machine::bytes;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
    use std::ffi::OsString;
    use std::os::unix::ffi::{OsStrExt, OsStringExt};
    use std::path::{Path, PathBuf};

    pub fn serialize<S: Serializer>(path: &Path, to: S) -> Result<S::Ok, S::Error> {
        let text = bytes::decoded(path.as_os_str().as_bytes());
        text.ok_or_else(|| ser::Error::custom("a name that can't be written"))?.serialize(to)
    }

    pub fn deserialize<'a, D: Deserializer<'a>>(from: D) -> Result<PathBuf, D::Error> {
        let text = String::deserialize(from).map_err(de::Error::custom)?;
        Ok(OsString::from_vec(bytes::encoded(&text)).into())
    }
}
