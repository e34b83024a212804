//! Reads what was staged for a backup back from the repository.

use crate::command::{Exit, Looked};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::backup::reference::{INVENTORY, Inventory};
use crate::machine::files::hexadecimal;
use crate::machine::restic::Repository;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::os::fd::OwnedFd;
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
    let (looked, found) =
        dump(repository, inventory, &staging, stop, |from| digests(from, &inventory.staging))?;
    if looked.exit != Exit::Status(0) {
        return Err(gone(repository, &looked));
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

/// What the file of an inventory holds, read from the repository.
pub fn inventory_at(
    repository: &Repository,
    tags: &str,
    staging: &str,
    stop: &dyn Fn() -> bool,
) -> Result<Vec<u8>> {
    let path = format!("{staging}/{INVENTORY}");
    let said = repository.ask(&["dump", "--tag", tags, "latest", &path], WHAT, stop)?;
    Ok(said.into_bytes())
}

/// Why there is no such snapshot, or why it can't be read.
pub fn gone(repository: &Repository, looked: &Looked) -> Failure {
    let is_gone =
        looked.stderr.contains("no snapshot found") || looked.stderr.contains("no matching ID found");
    if is_gone {
        return damaged("its snapshot is not in the repository any more");
    }
    let failure = repository.failed(looked, WHAT);
    match failure.kind {
        // What restic itself can't read is damaged; that it is locked, or not there, says nothing of the backup.
        Kind::CommandFailed => {
            failure.why.iter().fold(damaged("restic can't read it"), |all, why| all.why(why))
        }
        _ => failure,
    }
}

const DAMAGED: &str = "the backup in the repository is damaged";

/// Whether it was said that a backup is damaged, and not only that it can't be read now.
pub fn is_damage(failure: &Failure) -> bool {
    failure.kind == Kind::Refused && failure.message == DAMAGED
}

/// What is said of a backup that is not as it was written.
pub fn damaged(why: &str) -> Failure {
    Failure::new(Kind::Refused, DAMAGED).why(why).help("take another one: this one can't be restored")
}

/// Has restic print a folder of the snapshot as a tar, which `read` reads.
fn dump<T: Send>(
    repository: &Repository,
    inventory: &Inventory,
    path: &str,
    stop: &dyn Fn() -> bool,
    read: impl FnOnce(File) -> T + Send,
) -> Result<(Looked, T)> {
    let (from, to) = std::io::pipe().or_fail(Kind::Refused, || WHAT.to_owned())?;
    let tags = inventory.tags().as_option();
    let words = ["dump", "--tag", &tags, "latest", path];
    std::thread::scope(|scope| {
        let reading = scope.spawn(move || read(File::from(OwnedFd::from(from))));
        let to = File::from(OwnedFd::from(to));
        let looked = repository.run(&words, &to, stop);
        // Else whoever reads waits for more.
        drop(to);
        let read = reading.join().map_err(|_| Failure::new(Kind::Bug, WHAT))?;
        Ok((looked?, read))
    })
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
    // What restic writes after the last member must not find a closed pipe.
    std::io::copy(&mut tar.into_inner(), &mut std::io::sink())?;
    Ok(found)
}
