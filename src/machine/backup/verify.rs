//! Reads a backup whole, and notes on its card what was found.

use super::access::Access;
use super::card::Card;
use super::reference::{Reference, is_reference};
use super::snapshot::{self, ReadPart};
use super::unpacked::parts_of;
use crate::failure::{Failure, Kind, Result};
use crate::machine::archive::{self, About, Contents, Encryption, Keys};
use crate::machine::files::{open, sha256};
use crate::machine::part::Part;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// What is known of a backup that is as it was written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Verified {
    pub card: Card,
    /// How many members it has; nothing if it can't be decrypted here.
    pub members: Option<usize>,
    /// Whether it says itself what must be in it.
    pub has_manifest: bool,
    /// Of one in a repository: how much of that was read.
    #[serde(default)]
    pub read: Option<ReadPart>,
    /// Why the card could not be written. What was seen was seen all the same.
    pub unkept: Option<Failure>,
}

/// Reads the archive to its end, and compares it with its manifest and its card.
///
/// Fails with [`Kind::Refused`] if it is damaged, which its card says from then on, or if nothing says what it was, and
/// as `check` does with its parts.
pub fn verify(card: Card, access: &Access, check: &dyn Fn(&[Part]) -> Result<()>) -> Result<Verified> {
    let keys = &access.keys;
    if is_reference(&card.path) {
        return verify_snapshot(card, access, check);
    }
    let Some(contents) = read_archive(&card, keys)? else { return as_written(card) };
    let parts = parts_of(&contents, &access.layout)?;
    let members = Some(contents.members.len());
    // Without a manifest nothing says what must be in it.
    let (card, has_manifest) = match contents.manifest {
        Some(manifest) => {
            let digest = sha256(&card.path)?;
            (card.about(&manifest.about).verified(digest), true)
        }
        None => (card, false),
    };
    let unkept = card.keep().err();
    // It is as it was written, and still no backup to restore.
    check(&parts)?;
    Ok(Verified { card, members, has_manifest, read: None, unkept })
}

/// As [`verify`], for one in a repository: what was staged for it is read back, and a part of all data.
fn verify_snapshot(card: Card, access: &Access, check: &dyn Fn(&[Part]) -> Result<()>) -> Result<Verified> {
    let stop = || false;
    let reference = read_snapshot(&card, access, &stop)?;
    let repository = access.repository(&card.path)?;
    let read = snapshot::read_part(&reference, repository, folder_of(&card.path), &stop);
    let read = read.map_err(|failure| doubted(&card, failure))?;
    let inventory = &reference.inventory;
    let (members, parts) = (Some(inventory.members()), inventory.about.parts.clone());
    let card = card.about(&reference.about()).verified(reference.sha256());
    let unkept = card.keep().err();
    check(&parts)?;
    Ok(Verified { card, members, has_manifest: true, read: Some(read), unkept })
}

fn read_snapshot(card: &Card, access: &Access, stop: &dyn Fn() -> bool) -> Result<Reference> {
    let reference = Reference::open(&card.path)?;
    let repository = access.repository(&card.path)?;
    let verified = snapshot::verify(&reference, repository, folder_of(&card.path), stop);
    verified.map_err(|failure| doubted(card, failure))?;
    Ok(reference)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// Notes that a backup is damaged. Of a repository that can't be read now, nothing is known.
fn doubted(card: &Card, failure: Failure) -> Failure {
    if snapshot::is_damage(&failure) { doubt(card.clone(), failure) } else { failure }
}

/// Reads a backup that is to stay, or that is to be relied on; what it says of itself. Nothing if it can't be decrypted
/// here. On its card is noted only that it is damaged.
///
/// Fails as [`verify`] does.
pub fn read(card: &Card, access: &Access, stop: &dyn Fn() -> bool) -> Result<Option<About>> {
    if is_reference(&card.path) {
        return Ok(Some(read_snapshot(card, access, stop)?.about()));
    }
    let contents = read_archive(card, &access.keys)?;
    Ok(contents.and_then(|contents| contents.manifest).map(|manifest| manifest.about))
}

/// Reads the archive to its end; nothing if it can't be decrypted here, and is as its card says if that says something.
/// On the card is noted only that it is damaged.
///
/// Fails as [`verify`] does.
fn read_archive(card: &Card, keys: &Keys) -> Result<Option<Contents>> {
    // What may not be opened is not damaged by that.
    open(&card.path)?;
    // Before it is decrypted, because nothing else tells a damaged archive from a wrong key.
    let is_encrypted = Encryption::of(&card.path).is_some();
    if is_encrypted && card.sha256.is_some() && card.sha256 != Some(sha256(&card.path)?) {
        let message = format!("the archive `{}` is damaged", card.path.display());
        let failure = Failure::new(Kind::Refused, message)
            .why("its bytes are not those that were written")
            .help("take another one: this one can't be restored");
        return Err(doubt(card.clone(), failure));
    }
    if !archive::is_readable(&card.path, keys, &|| false)? {
        return Ok(None);
    }
    match archive::inspect(&card.path, keys, u64::MAX, &|| false) {
        Err(failure) if failure.kind == Kind::Refused => Err(doubt(card.clone(), failure)),
        inspected => inspected.map(Some),
    }
}

/// What is known of an archive that can't be decrypted here, and that is as its card says.
fn as_written(card: Card) -> Result<Verified> {
    let Some(sha256) = card.sha256.clone() else {
        let missing = missing(&card);
        let message = format!("the archive `{}` can't be looked into without {missing}", card.path.display());
        return Err(Failure::new(Kind::Refused, message)
            .why("its original digest is unknown: it has no card, or another length")
            .help("set `identity` in `site.toml`, or decrypt it with `gpg` where its key is"));
    };
    let card = card.verified(sha256);
    let unkept = card.keep().err();
    Ok(Verified { card, members: None, has_manifest: false, read: None, unkept })
}

/// What would be needed to decrypt it.
pub fn missing(card: &Card) -> &'static str {
    match Encryption::of(&card.path) {
        Some(Encryption::Gpg) => "the secret key of a recipient",
        _ => "`identity`",
    }
}

/// Notes on the card of a damaged archive that nothing is proven any more. That it is damaged is what has to be told,
/// also if this can't be noted.
fn doubt(card: Card, failure: Failure) -> Failure {
    match card.doubted(failure.to_string()).keep() {
        Ok(()) => failure,
        Err(unkept) => failure.why(format!("the list of backups still says otherwise: {unkept}")),
    }
}
