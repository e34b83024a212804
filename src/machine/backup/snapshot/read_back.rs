//! Reads what was staged for a backup back from the repository.

use crate::command::Looked;
use crate::failure::{Failure, Kind, Result};
use crate::machine::backup::reference::{INVENTORY, Inventory};
use crate::machine::files::hexadecimal;
use crate::machine::restic::{Repository, Trouble};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

const WHAT: &str = "the backup can't be read back";

/// Compares the inventory, whose digest is `sha256`, and each staged member with what the repository gives.
///
/// Fails with [`Kind::Refused`] if one differs or is missing, or if there is no such snapshot.
pub fn read_back(
    repository: &Repository,
    inventory: &Inventory,
    sha256: &str,
    stop: &dyn Fn() -> bool,
) -> Result<()> {
    let mut expected: BTreeMap<String, String> =
        inventory.staged.iter().map(|staged| (staged.file(), staged.sha256.clone())).collect();
    expected.insert(INVENTORY.to_owned(), sha256.to_owned());
    let staging = inventory.staging.display().to_string();
    let tags = inventory.tags().as_option();
    let words = ["dump", "--tag", &tags, "latest", &staging];
    let (looked, found) = repository.run_into(&words, stop, |from| digests(from, &inventory.staging))?;
    if let Some(trouble) = repository.trouble(&looked) {
        return Err(unread(repository, trouble, &looked, WHAT));
    }
    let found = found.map_err(|error| damaged(&format!("it can't be read: {error}")))?;
    for (file, sha256) in &expected {
        match found.get(file) {
            Some(is) if is == sha256 => {}
            Some(_) => return Err(damaged(&format!("`{file}` in it is not as it was written"))),
            None => return Err(damaged(&format!("`{file}` is missing in it"))),
        }
    }
    Ok(())
}

/// What the file of an inventory holds, read from the repository. Fails with [`Kind::Refused`] if it is damaged.
pub fn inventory_at(
    repository: &Repository,
    tags: &str,
    staging: &str,
    stop: &dyn Fn() -> bool,
) -> Result<String> {
    let path = format!("{staging}/{INVENTORY}");
    let looked = repository.run(&["dump", "--tag", tags, "latest", &path], stop)?;
    match repository.trouble(&looked) {
        None => Ok(looked.stdout),
        Some(trouble) => Err(unread(repository, trouble, &looked, WHAT)),
    }
}

/// Why a backup can't be read; that it is damaged is said only if something that was read is wrong.
pub fn unread(repository: &Repository, trouble: Trouble, looked: &Looked, what: &str) -> Failure {
    let failure = repository.failed(looked, what);
    match trouble {
        Trouble::NoSnapshot => Failure::new(Kind::Refused, GONE)
            .why(format!("`{}` does not have its snapshot", repository.location))
            .help("take another one: this one was removed there, and can't be restored"),
        Trouble::Damaged => {
            failure.why.iter().fold(damaged("restic can't read what it stored"), |all, why| all.why(why))
        }
        _ => failure,
    }
}

/// What is said of a repository in which something is damaged: it may be that of another backup.
pub const PART_DAMAGED: &str = "data in the repository is damaged";
/// What is said of one that is damaged itself.
const DAMAGED: &str = "the backup in the repository is damaged";
const GONE: &str = "the backup is not in the repository any more";

/// Whether it was said that a backup is damaged or gone, and not only that it can't be read now.
pub fn is_damage(failure: &Failure) -> bool {
    failure.kind == Kind::Refused && [DAMAGED, GONE, PART_DAMAGED].contains(&failure.message.as_str())
}

/// What is said of a backup that is not as it was written.
pub fn damaged(why: &str) -> Failure {
    Failure::new(Kind::Refused, DAMAGED).why(why).help("take another one: this one can't be restored")
}

/// The digests of all files of a tar, by their names below `staging`.
fn digests(from: File, staging: &Path) -> std::io::Result<BTreeMap<String, String>> {
    let prefix = staging.strip_prefix("/").unwrap_or(staging);
    let mut found = BTreeMap::new();
    let mut tar = tar::Archive::new(from);
    let mut buffer = vec![0; 64 << 10];
    for entry in tar.entries()? {
        let mut entry = entry?;
        let path = entry.path()?.into_owned();
        let path = path.strip_prefix("/").unwrap_or(&path);
        let name = path.strip_prefix(prefix).unwrap_or(path).as_os_str().as_bytes().to_vec();
        if !entry.header().entry_type().is_file() {
            continue;
        }
        let mut digest = Sha256::new();
        loop {
            match entry.read(&mut buffer)? {
                0 => break,
                read => digest.update(&buffer[..read]),
            }
        }
        found.insert(String::from_utf8_lossy(&name).into_owned(), hexadecimal(&digest.finalize()));
    }
    Ok(found)
}
