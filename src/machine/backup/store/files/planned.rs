//! What is exchanged for what, as it is written down.

use crate::machine::tree::Extended;
use serde::{Deserialize, Serialize};
use std::ffi::OsString;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

/// How one file or folder is put back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Plan {
    pub place: PathBuf,
    /// Where it was unpacked.
    pub from: PathBuf,
    /// The paths, as the backup writes them, that are back when this is done.
    pub restored: Vec<String>,
    pub way: Way,
    /// What could not be kept when it was brought to another file system, each with its name.
    #[serde(default)]
    pub lost: Vec<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// The contents of a folder are exchanged.
    Contents(Contents),
    /// It is exchanged as a whole, with what waits beside it.
    Beside {
        entry: Entry,
        /// What belongs to the SQLite database that is replaced: it goes aside first, also what the backup has another of. The
        /// log of another time would make another state of what is restored.
        #[serde(default)]
        companions: Vec<Entry>,
    },
    /// It is written over, because nothing can be put beside it, or because it is a mount itself.
    Written,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Contents {
    /// The place itself, whose path is empty, and the folders in it that stay, outer ones first.
    pub folders: Vec<Stays>,
    pub entries: Vec<Entry>,
}

/// A folder that stays. Its path is below the place.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stays {
    pub path: OsString,
    /// What it gets from the backup, if that has it.
    pub dress: Option<Dress>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Dress {
    pub owner: u32,
    pub group: u32,
    pub mode: u32,
    pub seconds: i64,
    pub nanoseconds: i64,
    #[serde(default)]
    pub extended: Extended,
}

/// Something in a folder that stays: one of the two may be absent.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    pub folder: OsString,
    pub name: OsString,
    pub old: Option<Item>,
    pub new: Option<Item>,
}

/// What tells something from what was made meanwhile. A folder's mode is in it, because a closed one must be opened to
/// be moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    pub inode: u64,
    pub mode: Option<u32>,
}

impl Item {
    pub fn of(found: &Metadata) -> Item {
        Item { inode: found.ino(), mode: found.is_dir().then_some(found.mode() & 0o7777) }
    }
}

impl Dress {
    pub fn of(found: &Metadata, extended: Extended) -> Dress {
        Dress {
            owner: found.uid(),
            group: found.gid(),
            mode: found.mode() & 0o7777,
            seconds: found.mtime(),
            nanoseconds: found.mtime_nsec(),
            extended,
        }
    }
}
