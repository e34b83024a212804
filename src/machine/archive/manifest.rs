//! The manifest: the last member of a backup, which says what all others must be.

use super::changed::doubts;
use super::data_source::DataSource;
use super::held::Held;
use crate::machine::part::Part;
use crate::secret::keyed_seal;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// The manifest's name in the archive.
pub const NAME: &str = "manifest.json";
/// The version of the form of `manifest.json` that this program writes.
///
/// 1: no extended attributes, every name of a file is a file, and no file has holes.
pub const FORMAT: u32 = 2;

/// Whether this program reads a form.
pub(super) fn is_read(format: u32) -> bool {
    (1..=FORMAT).contains(&format)
}

/// What a backup is of.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    pub server: String,
    /// The server's kind.
    pub kind: String,
    /// The release that is checked out exactly, if one is.
    pub release: Option<String>,
    /// The commit that is checked out, shortened; absent if there is no checkout.
    pub commit: Option<String>,
    /// When it was begun: RFC 3339, UTC.
    pub created: String,
    /// What the person calls it; may be empty.
    pub label: String,
    /// The version of the program that made it.
    pub program: String,
    /// What it is made of.
    pub parts: Vec<Part>,
    /// What belongs to the server and is not here.
    pub not_included: Vec<String>,
    /// What changed while it was read, vanished, or came: what is here of it may be inconsistent. For a folder: something
    /// in it came or went.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changed: Vec<String>,
    /// The SQLite databases that SQLite did not hold at one state while they were copied, each with the reason.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unheld: Vec<String>,
    /// What this form of backup can't keep of its files, each with its name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<String>,
    /// The patterns of what was excluded, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub excluded: Vec<Excluded>,
    /// How much is here of each file, folder and volume that was to be backed up: by where it comes
    /// from.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub held: BTreeMap<DataSource, Held>,
    /// What of it is little beside the backup before, each as a sentence without a full stop.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lacking: Vec<String>,
}

/// A pattern of `exclude`, and how many files and folders it excluded; what is in an excluded folder was not counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Excluded {
    pub pattern: String,
    pub count: u64,
}

impl About {
    /// What of it is known before it is written. What it is made of, what was left out and what changed, is known after.
    pub fn intended(&self) -> About {
        let none = About::default();
        let (parts, not_included) = (none.parts, none.not_included);
        let (changed, lost, excluded) = (none.changed, none.lost, none.excluded);
        let (held, lacking) = (none.held, none.lacking);
        About {
            parts,
            not_included,
            changed,
            unheld: none.unheld,
            lost,
            excluded,
            held,
            lacking,
            ..self.clone()
        }
    }

    /// What in it may be inconsistent or is missing, as the end of a sentence without a full stop; none if nothing is.
    pub fn doubts(&self) -> Option<String> {
        let doubts: Vec<String> =
            self.lacking.iter().cloned().chain(doubts(&self.changed, &self.unheld)).collect();
        (!doubts.is_empty()).then(|| doubts.join("; and "))
    }
}

/// All that `manifest.json` says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    pub format: u32,
    #[serde(flatten)]
    pub about: About,
    /// A digest of all else in here, keyed with the key of the records of who made it: evidence of where it comes from,
    /// and nothing that a restore needs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
    /// In the order of the archive; empty in one that was read, see [`super::Contents`].
    #[serde(default)]
    pub members: Vec<Entry>,
}

/// Digests what a manifest says, as it goes.
#[derive(Clone, Debug, Default)]
pub(super) struct Origin(Sha256);

impl Origin {
    /// The next member, as JSON.
    pub fn add(&mut self, entry: &[u8]) {
        self.0.update(entry);
    }

    /// Whether all that was added is the same.
    pub fn is(&self, other: &Origin) -> bool {
        self.0.clone().finalize() == other.0.clone().finalize()
    }

    /// The keyed digest; none where there is no key.
    pub fn digest(mut self, about: &About) -> Option<String> {
        self.0.update(serde_json::to_vec(about).ok()?);
        keyed_seal(&[b"backup\0", &self.0.finalize()[..]].concat())
    }
}

/// What a member is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[derive(Default)]
pub enum Sort {
    #[default]
    File,
    Folder,
    Link,
}

/// One member.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// As in the archive; bytes that are no UTF-8 are written as `\xNN`.
    pub name: String,
    pub sort: Sort,
    /// Permissions, as a number.
    pub mode: u32,
    /// Number of the user and of the group.
    #[serde(default)]
    pub owner: u64,
    #[serde(default)]
    pub group: u64,
    /// Seconds since 1970.
    #[serde(default)]
    pub modified: u64,
    /// Bytes of content, with holes.
    pub size: u64,
    /// Of what is in the archive: of the content; of a file with holes, of its map and its data; of nothing for folders,
    /// links and other names of a file. In lower-case hexadecimal.
    pub sha256: String,
    /// Of a file with holes: how many bytes are in the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored: Option<u64>,
    /// Of names and values of its extended attributes, if it has any, in lower-case hexadecimal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended: Option<String>,
    /// The file of which this is another name, as it is called in the archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub again: Option<String>,
    /// Where a link points.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
}

/// A name as the manifest writes it.
pub(super) fn text(name: &[u8]) -> String {
    let mut text = String::new();
    for chunk in name.utf8_chunks() {
        text.push_str(chunk.valid());
        chunk.invalid().iter().for_each(|byte| text.push_str(&format!("\\x{byte:02x}")));
    }
    text
}

/// The members of a part: `name` itself and all below it.
pub fn below<'a>(members: &'a [Entry], name: &str) -> Vec<&'a Entry> {
    let of_part = |member: &&Entry| {
        let own = member.name.trim_start_matches("./").trim_end_matches('/');
        own == name || own.strip_prefix(name).is_some_and(|rest| rest.starts_with('/'))
    };
    members.iter().filter(of_part).collect()
}
