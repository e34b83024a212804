//! The key of digests: 32 random bytes in the state folder of the user at the machine where the secrets are.
//!
//! It is not in a run's folder, so that a run that is copied, for a report of a bug for instance, does not bring along
//! what its digests could be guessed with. It is written with the first record that needs it: a plan writes nothing.

use crate::failure::{Context, Failure, Kind, Result};
use crate::sync::Mutex;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

const FILE: &str = "secrets.key";
const LENGTH: usize = 32;
/// Hexadecimal digits of a digest.
const DIGITS: usize = 16;

static KEY: Mutex<Key> = Mutex::new(Key { folder: None, bytes: None, is_kept: false, tags: BTreeMap::new() });

struct Key {
    folder: Option<PathBuf>,
    bytes: Option<[u8; LENGTH]>,
    is_kept: bool,
    /// Those of this key that were asked for, by name and value.
    tags: BTreeMap<(String, String), Option<String>>,
}

impl Key {
    /// The key: the one on the disk, or else a new one that is not there yet.
    fn bytes(&mut self) -> Option<[u8; LENGTH]> {
        if self.bytes.is_none() {
            let kept = self.folder.as_deref().and_then(read);
            self.is_kept = kept.is_some();
            self.bytes = kept.or_else(random);
        }
        self.bytes
    }

    /// The keyed digest of some text, in hexadecimal digits.
    fn seal(&mut self, text: &[u8]) -> Option<String> {
        let mut digest = Hmac::<Sha256>::new_from_slice(&self.bytes()?).ok()?;
        digest.update(text);
        let digest = digest.finalize().into_bytes();
        Some(digest.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Names the state folder whose key is used. Called before anything is written or sent.
pub fn use_key_of(state: &Path) {
    let mut key = KEY.lock();
    if key.folder.as_deref() != Some(state) {
        *key = Key { folder: Some(state.to_owned()), bytes: None, is_kept: false, tags: BTreeMap::new() };
    }
}

/// Makes sure that the key is on the disk, because something is about to be written that is read with it.
pub fn keep_key() -> Result<()> {
    let mut key = KEY.lock();
    let Some(folder) = key.folder.clone().filter(|_| !key.is_kept) else { return Ok(()) };
    let shown = folder.join(FILE).display().to_string();
    let failed = || format!("can't write the key of the records, `{shown}`");
    let Some(bytes) = key.bytes() else { return Ok(()) };
    if key.is_kept {
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).or_fail(Kind::Journal, failed)?;
    let stored = match write(&folder, &bytes) {
        Ok(()) => bytes,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            read(&folder).ok_or_else(|| {
                Failure::new(Kind::Journal, format!("can't read the key of the records, `{shown}`")).help(
                    "remove that file; values of secrets that were recorded with it then count as not known",
                )
            })?
        }
        Err(error) => return Err(error).or_fail(Kind::Journal, failed),
    };
    if stored != bytes {
        key.tags.clear();
    }
    key.bytes = Some(stored);
    key.is_kept = true;
    Ok(())
}

/// All of it is there under its name, or nothing.
fn write(folder: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut file = tempfile::Builder::new().prefix(".secrets.").tempfile_in(folder)?;
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    std::fs::hard_link(file.path(), folder.join(FILE))?;
    File::open(folder)?.sync_all()
}

fn read(folder: &Path) -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    OpenOptions::new()
        .read(true)
        .custom_flags(rustix::fs::OFlags::NOFOLLOW.bits() as i32)
        .open(folder.join(FILE))
        .and_then(|mut file| file.read_exact(&mut bytes))
        .ok()
        .map(|()| bytes)
}

/// The first digits of the keyed digest of some text. Without a source of random bytes there is none.
pub fn keyed_digest(text: &[u8]) -> Option<String> {
    Some(keyed_seal(text)?[..DIGITS].to_owned())
}

/// All digits of it: where a digest is to prove something, and not only to be compared with a few others.
pub fn keyed_seal(text: &[u8]) -> Option<String> {
    KEY.lock().seal(text)
}

/// The tag of a secret: of its name and its value together, so that two names of one value don't tell that they are. It
/// is computed once.
pub(super) fn tag(name: &str, value: &str) -> Option<String> {
    let mut key = KEY.lock();
    let place = (name.to_owned(), value.to_owned());
    if let Some(tag) = key.tags.get(&place) {
        return tag.clone();
    }
    let tag = match super::bits::is_hard(value) {
        true => key.seal(format!("secret\0{name}\0{value}").as_bytes()).map(|seal| seal[..DIGITS].to_owned()),
        false => None,
    };
    key.tags.insert(place, tag.clone());
    tag
}

fn random() -> Option<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut bytes)).ok().map(|()| bytes)
}
