//! A part of an archive as a tar of its own, and what such a tar holds.

use super::header::{Attributes, append};
use super::manifest::{Entry, Sort, text};
use super::place::parts;
use super::streams::Hashing;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::{hexadecimal, open};
use sha2::Digest;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};
use tar::EntryType;

/// A tar of these members, which were unpacked, with names below `name` and the owners that the archive has: whoever
/// unpacked them may not have been allowed to give them those. It is an unnamed file in `folder`.
pub fn as_tar(members: &[&Entry], name: &str, folder: &Path, path: &dyn Fn(&str) -> PathBuf) -> Result<File> {
    let failed = || format!("`{name}` can't be handed over");
    let file = tempfile::tempfile_in(folder).or_fail(Kind::Refused, failed)?;
    let mut tar = tar::Builder::new(file);
    for member in members {
        let own = member.name.trim_start_matches("./");
        let inner = format!("./{}", own[name.len().min(own.len())..].trim_start_matches('/'));
        let attributes = Attributes {
            sort: member.sort,
            mode: member.mode,
            owner: member.owner,
            group: member.group,
            modified: member.modified,
            size: member.size,
            ..Attributes::default()
        };
        let target = member.target.as_deref().unwrap_or_default();
        match member.sort {
            Sort::File => {
                let content = open(&path(&member.name))?;
                append(&mut tar, inner.as_bytes(), &[], &attributes, content)
            }
            _ => append(&mut tar, inner.as_bytes(), target.as_bytes(), &attributes, io::empty()),
        }
        .or_fail(Kind::Refused, failed)?;
    }
    tar.into_inner().or_fail(Kind::Refused, failed)
}

/// Mode, owner, group and SHA-256 of each member of a tar, by its name without slashes at the ends.
pub fn digests(mut tar: File) -> Result<BTreeMap<String, (u32, u64, u64, String)>> {
    let failed = || "the data read is not a tar".to_owned();
    io::Seek::rewind(&mut tar).or_fail(Kind::Refused, failed)?;
    let mut tar = tar::Archive::new(tar);
    let mut found = BTreeMap::new();
    for entry in tar.entries().or_fail(Kind::Refused, failed)? {
        let mut hashing = Hashing::new(entry.or_fail(Kind::Refused, failed)?);
        io::copy(&mut hashing, &mut io::sink()).or_fail(Kind::Refused, failed)?;
        let (entry, digest) = (hashing.inner, hashing.digest);
        if !matches!(
            entry.header().entry_type(),
            EntryType::Regular | EntryType::Directory | EntryType::Symlink
        ) {
            continue;
        }
        let name = entry.path_bytes().into_owned();
        let name = parts(&name).ok_or_else(|| Failure::new(Kind::Refused, failed()))?.join(&b'/');
        let header = entry.header();
        let said = || Ok::<_, io::Error>((header.mode()? & 0o7777, header.uid()?, header.gid()?));
        let (mode, owner, group) = said().or_fail(Kind::Refused, failed)?;
        found.insert(text(&name), (mode, owner, group, hexadecimal(&digest.finalize())));
    }
    Ok(found)
}
