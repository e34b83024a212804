//! What stands in the folder of backups for one that is in a repository: a small file, named as an archive would be.

use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::About;
use crate::machine::files::{open, sha256_of, write_private_durably};
use crate::machine::restic::Tags;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::{Component, Path, PathBuf};

/// How its name ends.
pub const ENDING: &str = "restic";
/// The version of the form of both files here.
const FORMAT: u32 = 1;
/// So long it may be, in bytes: the parts of a backup, and what is left out of it.
const LARGEST: u64 = 16 << 20;

/// Whether a backup of this name is in a repository.
pub fn is_reference(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == ENDING)
}

/// A backup in a repository.
#[derive(Clone, Debug)]
pub struct Reference {
    /// Where it is, without a password; for people.
    pub repository: String,
    /// Which repository that is, as restic says it; none if nobody knew when it was written.
    pub id: Option<String>,
    /// What the manifest in the snapshot says.
    pub inventory: Inventory,
    /// The manifest, byte by byte.
    pub manifest: String,
    /// How many bytes it added to the repository, if that is known here.
    pub added: Option<u64>,
    /// What changed while it was read.
    pub changed: Vec<String>,
}

/// The same in its file.
#[derive(Serialize, Deserialize)]
struct Written {
    repository: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default)]
    manifest: Option<String>,
    /// As it was written before the manifest was: read out.
    #[serde(default, skip_serializing)]
    inventory: Option<Inventory>,
    /// Of the manifest, in lower-case hexadecimal.
    sha256: String,
    added: Option<u64>,
    #[serde(default)]
    changed: Vec<String>,
}

/// All that is in the snapshot, in `banister/manifest.json` in its staging folder.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inventory {
    pub format: u32,
    pub about: About,
    /// A name that no other backup has.
    pub set: String,
    /// Where it and the staged files are in the snapshot.
    pub staging: PathBuf,
    pub staged: Vec<Staged>,
    pub trees: Vec<Tree>,
    /// Made with the key of the records of who made it, as for an archive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<String>,
}

/// A member that was made for the backup: a dump, or a volume as a tar.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Staged {
    /// The member's name.
    pub name: String,
    pub is_tar: bool,
    pub size: u64,
    pub sha256: String,
}

/// A file or folder that is in the snapshot as it is on the disk.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tree {
    /// The member's name.
    pub name: String,
    /// In the snapshot.
    pub path: PathBuf,
    pub files: u64,
    pub folders: u64,
    pub links: u64,
    /// Of all files.
    pub bytes: u64,
    /// How many of the files have holes.
    #[serde(default, skip_serializing_if = "is_none")]
    pub holes: u64,
    /// What was left out of it although the staging folder is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub around_staging: Option<PathBuf>,
}

fn is_none(count: &u64) -> bool {
    *count == 0
}

impl Staged {
    /// Where it is in the staging folder.
    pub fn file(&self) -> String {
        format!("parts/{}{}", self.name, if self.is_tar { ".tar" } else { "" })
    }
}

/// Where the inventory is in the staging folder.
pub const INVENTORY: &str = "banister/manifest.json";

impl Inventory {
    pub fn new(about: About, set: &str, staging: &Path) -> Inventory {
        Inventory {
            format: FORMAT,
            about,
            set: set.to_owned(),
            staging: staging.to_owned(),
            ..Inventory::default()
        }
    }

    /// As it is in the snapshot.
    pub fn text(&self) -> Result<Vec<u8>> {
        serde_json::to_vec_pretty(self).or_fail(Kind::Bug, || "an inventory is not plain data".into())
    }

    /// Reads what is in a snapshot, which anybody with the password may have written.
    pub fn read(text: &[u8]) -> std::result::Result<Inventory, String> {
        let unreadable = |error: serde_json::Error| format!("its manifest can't be read: {error}");
        let inventory: Inventory = serde_json::from_slice(text).map_err(unreadable)?;
        if inventory.format != FORMAT {
            return Err(format!("its manifest has format {}, this program reads {FORMAT}", inventory.format));
        }
        let names = inventory.staged.iter().map(|staged| &staged.name);
        let names = names.chain(inventory.trees.iter().map(|tree| &tree.name));
        let names = names.map(String::as_str).chain(inventory.about.parts.iter().map(|part| part.name()));
        for name in names {
            if name.is_empty()
                || !Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
            {
                return Err(format!("its part `{name}` leads out of the folder it is unpacked in"));
            }
        }
        let around = inventory.trees.iter().filter_map(|tree| tree.around_staging.as_ref());
        for path in inventory.trees.iter().map(|tree| &tree.path).chain([&inventory.staging]).chain(around) {
            let is_plain = |part: Component| matches!(part, Component::RootDir | Component::Normal(_));
            if !path.is_absolute() || !path.components().all(is_plain) {
                return Err(format!("the path `{}` in it leads elsewhere", path.display()));
            }
        }
        Ok(inventory)
    }

    /// A digest of all else in it, keyed by the key of the records; none where there is no key.
    pub fn sealed(&self) -> Option<String> {
        let open = Inventory { origin: None, ..self.clone() };
        let text = serde_json::to_vec(&open).ok()?;
        crate::secret::keyed_seal(&[b"snapshot\0", &text[..]].concat())
    }

    /// Whether it was made by this user on this machine.
    pub fn is_own(&self) -> bool {
        self.origin.is_some() && self.sealed() == self.origin
    }

    /// How the snapshot is found.
    pub fn tags(&self) -> Tags {
        Tags { server: self.about.server.clone(), set: self.set.clone() }
    }

    /// How many members it has.
    pub fn members(&self) -> usize {
        let trees = self.trees.iter().map(|tree| tree.files + tree.folders + tree.links).sum::<u64>();
        self.staged.len() + usize::try_from(trees).unwrap_or(usize::MAX)
    }

    /// Bytes of content, unpacked.
    pub fn size(&self) -> u64 {
        let staged = self.staged.iter().map(|staged| staged.size);
        staged.chain(self.trees.iter().map(|tree| tree.bytes)).fold(0, u64::saturating_add)
    }
}

impl Reference {
    /// Reads one. Fails with [`Kind::NotFound`] if there is none, with [`Kind::Refused`] if it can't be read or is damaged.
    pub fn open(path: &Path) -> Result<Reference> {
        let refuse = |why: String| {
            let message = format!("the backup `{}` can't be read", path.display());
            Failure::new(Kind::Refused, message)
                .why(why)
                .help("remove that file; `banister backup list` makes it anew from what the repository says")
        };
        let mut text = Vec::new();
        open(path)?.take(LARGEST).read_to_end(&mut text).map_err(|error| refuse(error.to_string()))?;
        let written: Written = serde_json::from_slice(&text).map_err(|error| refuse(error.to_string()))?;
        let Written { repository, id, manifest, inventory, sha256, added, changed } = written;
        let manifest = match (manifest, inventory) {
            (Some(manifest), _) => manifest,
            (None, Some(inventory)) => String::from_utf8_lossy(&inventory.text()?).into_owned(),
            (None, None) => return Err(refuse("it has no manifest".into())),
        };
        if sha256_of(manifest.as_bytes()) != sha256 {
            return Err(refuse("it is not as it was written".into()));
        }
        let inventory = Inventory::read(manifest.as_bytes()).map_err(refuse)?;
        Ok(Reference { repository, id, inventory, manifest, added, changed })
    }

    /// Of the manifest in the snapshot, in lower-case hexadecimal.
    pub fn sha256(&self) -> String {
        sha256_of(self.manifest.as_bytes())
    }

    /// What the backup is of, with what changed while it was read: that is known only after.
    pub fn about(&self) -> About {
        About { changed: self.changed.clone(), ..self.inventory.about.clone() }
    }

    /// Writes it: from then on the backup is there.
    pub fn keep(&self, path: &Path) -> Result<()> {
        let written = Written {
            repository: self.repository.clone(),
            id: self.id.clone(),
            manifest: Some(self.manifest.clone()),
            inventory: None,
            sha256: self.sha256(),
            added: self.added,
            changed: self.changed.clone(),
        };
        let text = serde_json::to_vec_pretty(&written)
            .or_fail(Kind::Bug, || "a reference is not plain data".into())?;
        write_private_durably(path, &text)
    }
}
