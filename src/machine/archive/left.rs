//! What a backup leaves out of the folders that it is to hold, and a restore leaves alone in them: the same things, so
//! that nothing is removed which the backup could not bring back.

use super::manifest::{About, text};
use super::place::leads_out;
use crate::failure::{Failure, Kind, Result};
use crate::machine::exclude::Exclude;
use crate::machine::files::unreadable;
use crate::machine::sqlite::{self, of_companion};
use crate::machine::tree::{Found, What};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::Metadata;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

/// How the names of folders begin in which this program keeps what it moved aside in a folder; digits follow.
pub const ASIDE: &str = ".banister-";

/// What a checkout is, as [`Own`] tells it: the only one of its folders that may be named for a backup itself.
pub const CHECKOUT: &str = "it is the checkout";

/// Folders that no backup of data is meant to hold and no restore may replace: backups, checkouts, the program's own.
/// They are known by what they are, whatever path or link leads there.
#[derive(Clone, Debug, Default)]
pub struct Own {
    folders: Vec<(u64, u64, &'static str)>,
    /// What else is left out, by its path.
    exclude: Exclude,
    /// What a backup left out, by its name there.
    absent: BTreeSet<String>,
}

impl Own {
    /// Those of these folders that are there, each with what it is, such as `it holds the backups`.
    pub fn of<'a>(folders: impl IntoIterator<Item = (&'a Path, &'static str)>) -> Own {
        let mut own = Own::default();
        folders.into_iter().for_each(|(path, why)| own.add(path, why));
        own
    }

    /// Adds one, if it is there.
    pub fn add(&mut self, path: &Path, why: &'static str) {
        self.folders.extend(path.metadata().ok().map(|found| (found.dev(), found.ino(), why)));
    }

    /// With patterns of what else is left out.
    pub fn excluding(self, exclude: Exclude) -> Own {
        Own { exclude, ..self }
    }

    /// With those that a backup was made with, too: what it left out must stay.
    pub fn as_in(&self, about: Option<&About>) -> Own {
        let patterns = about.into_iter().flat_map(|about| &about.excluded);
        let exclude = self.exclude.with(patterns.map(|excluded| excluded.pattern.as_str()));
        let absent = about.map(|about| about.not_included.iter().cloned().collect()).unwrap_or_default();
        Own { exclude, absent, ..self.clone() }
    }

    pub fn exclude(&self) -> &Exclude {
        &self.exclude
    }

    /// Whether nothing but what is in it can be left out of a backup of it.
    pub fn may_be_named(&self, found: &Metadata) -> bool {
        self.is(found).is_none_or(|why| why == CHECKOUT)
    }

    /// What this folder is, if it is one of them.
    pub fn is(&self, found: &Metadata) -> Option<&'static str> {
        let same =
            self.folders.iter().find(|(device, inode, _)| (*device, *inode) == (found.dev(), found.ino()));
        same.filter(|_| found.is_dir()).map(|(_, _, why)| *why)
    }
}

/// Why something is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    Mount,
    /// A link that leads out of the archive, and where to: unpacked elsewhere, it would lead to what belongs to others.
    Outward(Vec<u8>),
    /// A socket, a pipe or a device.
    NoFile,
    /// What folder it is, as in [`Own`].
    Own(&'static str),
    /// What an earlier restore moved aside.
    Aside,
    /// By which pattern of `exclude`.
    Excluded(String),
    /// The backup that is restored left something out there, whatever is there now.
    Absent,
}

impl Left {
    /// Why something is left out that is found below `name`, which is the name of the part in the archive; none if it is
    /// not. What is meant itself, the top, is never a mount: it was named.
    pub fn of(found: &Found, name: &str, own: &Own) -> Result<Option<Left>> {
        let is_top = found.below.is_empty();
        let database = database_of(found);
        if let Some(pattern) = own.exclude.of(database.as_deref().unwrap_or(found.path)) {
            return Ok(Some(Left::Excluded(pattern.to_owned())));
        }
        let left = match (found.what, found.metadata) {
            (What::Border, _) => Some(Left::Mount),
            (What::Other, _) => Some(Left::NoFile),
            (What::Link, _) => {
                let failed = |error| unreadable(error, format!("`{}` can't be read", found.path.display()));
                let target = found.target().map_err(failed)?.as_bytes().to_vec();
                let is_out = is_top || leads_out(&whole(name, found.below.as_bytes()), &target);
                (is_out || leaves(found, &target)).then_some(Left::Outward(target))
            }
            (What::Folder, _) if !is_top && is_aside(found.below.as_bytes()) => Some(Left::Aside),
            (What::Folder, Some(metadata)) if is_top && own.may_be_named(metadata) => None,
            (What::Folder, Some(metadata)) => own.is(metadata).map(Left::Own),
            (What::File, _) | (What::Folder, None) => None,
        };
        let is_absent = || own.absent.contains(&text(&whole(name, found.below.as_bytes())));
        Ok(left.or_else(|| (!own.absent.is_empty() && is_absent()).then_some(Left::Absent)))
    }

    /// Why, for people, as the end of a sentence about it.
    pub fn why(&self) -> String {
        match self {
            Left::Mount => "something else is mounted there".into(),
            Left::Outward(target) => {
                format!("it is a link to `{}`, outside of it", text(target))
            }
            Left::NoFile => "it is no file".into(),
            Left::Own(why) => (*why).into(),
            Left::Excluded(pattern) => format!("`{pattern}` in `exclude` excludes it"),
            Left::Absent => "the backup left out what was there".into(),
            Left::Aside => "an earlier restore moved it aside".into(),
        }
    }
}

/// Whether a relative link points out of the file or folder that is backed up.
fn leaves(found: &Found, target: &[u8]) -> bool {
    let depth = Path::new(found.below).components().count();
    let top = found.path.ancestors().nth(depth).unwrap_or(found.path);
    let mut at = found.path.parent().unwrap_or(found.path).to_owned();
    for part in Path::new(OsStr::from_bytes(target)).components() {
        match part {
            Component::ParentDir => drop(at.pop()),
            Component::CurDir => {}
            _ => at.push(part),
        }
    }
    !at.starts_with(top)
}

/// The SQLite database beside a file, if it is a companion of one: it stays or goes with that, whatever a pattern says of
/// its own name. A log of another time would make another state of it.
fn database_of(found: &Found) -> Option<PathBuf> {
    let (name, _) = of_companion(found.path.file_name()?)?;
    let (folder, _) = found.folder().ok()?;
    let file = folder.file(name).ok()?;
    sqlite::mode(&file).ok()?.map(|_| found.path.with_file_name(name))
}

/// A path without `..`, and with the links resolved in all but its last part: where data is, whichever links lead there.
pub fn real(path: &Path) -> PathBuf {
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => path.canonicalize().unwrap_or_else(|_| path.to_owned()),
    }
}

/// The name in the archive of what is below a part.
pub(super) fn whole(name: &str, below: &[u8]) -> Vec<u8> {
    match below {
        b"" => name.as_bytes().to_vec(),
        below => [name.as_bytes(), b"/", below].concat(),
    }
}

fn is_aside(below: &[u8]) -> bool {
    let name = below.rsplit(|byte| *byte == b'/').next().unwrap_or(below);
    let digits = name.strip_prefix(ASIDE.as_bytes());
    digits.is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

/// Why a file or folder that was named can't be backed up.
pub(super) fn refuse(found: &Found, left: &Left) -> Failure {
    let path = found.path.display();
    let failure = |what: &str| Failure::new(Kind::Refused, format!("`{path}` can't be backed up: {what}"));
    match left {
        Left::Outward(target) => failure("it is a link").help(format!(
            "name the folder it points to: `{}`",
            found.path.parent().unwrap_or(found.path).join(OsStr::from_bytes(target)).display()
        )),
        Left::Own(why) => {
            failure(why).help("name the folders in it that hold data, in `backup` in `site.toml`")
        }
        Left::Excluded(_) => failure(&left.why())
            .help("remove the pattern from `exclude` in `site.toml`, or the path from `backup`"),
        other => failure(&other.why()),
    }
}
