//! Reads an archive back.

use super::compression::{Compression, Decoder};
use super::manifest::{self, Entry, Manifest, Sort, text};
use super::streams::Hashing;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::{hexadecimal, unreadable};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Take};
use std::path::Path;
use tar::EntryType;

/// The longest manifest that is read, in bytes: about a million members.
const LONGEST: u64 = 512 << 20;

/// Reads the whole archive and compares every member with the manifest, and the file itself with its seal.
///
/// Fails with [`Kind::Refused`], and with the member's name where there is one, if a byte is not what was written, if
/// the end is missing, or if a member was added or taken away; with [`Kind::NotFound`] if there is no such file.
pub fn verify(path: &Path) -> Result<Manifest> {
    verify_until(path, &|| false)
}

/// As [`verify`]; ends with [`Kind::Interrupted`] as soon as `stop` says so.
pub fn verify_until(path: &Path, stop: &dyn Fn() -> bool) -> Result<Manifest> {
    let compression = Compression::of(path)?;
    let failed = || format!("the archive `{}` can't be read", path.display());
    let mut file = File::open(path).map_err(|error| unreadable(error, failed()))?;
    let length = file.metadata().or_fail(Kind::Refused, failed)?.len();
    let body = length.saturating_sub(compression.seal_length());

    // The seal is read first, because reading moves the place in the file.
    file.seek(SeekFrom::Start(body)).or_fail(Kind::Refused, failed)?;
    let mut seal = Vec::new();
    (&mut file).take(compression.seal_length()).read_to_end(&mut seal).or_fail(Kind::Refused, failed)?;
    file.rewind().or_fail(Kind::Refused, failed)?;
    // Without one all is read, because a damaged member says more than a missing seal.
    let is_sealed = compression.is_seal(&seal);
    let body = if is_sealed { body } else { length };

    let mut reading = Reading { path, stop, members: Vec::new(), last: None };
    let raw = Stopping { inner: file.take(body), stop };
    let decoder = Decoder::new(compression, Hashing::new(raw)).map_err(|error| reading.damaged(&error))?;
    let mut tar = tar::Archive::new(decoder);
    let manifest = reading.members(&mut tar)?;
    let digest = reading.end(tar.into_inner())?;
    if !is_sealed {
        return Err(reading.refuse("its seal is missing"));
    }
    if seal != compression.seal(&digest) {
        return Err(reading.refuse("its seal is not the one that its bytes must have"));
    }
    Ok(manifest)
}

struct Reading<'a> {
    path: &'a Path,
    stop: &'a dyn Fn() -> bool,
    members: Vec<Entry>,
    /// The name of the member that was read last.
    last: Option<String>,
}

type Raw<'a> = Hashing<Stopping<'a>>;

impl<'a> Reading<'a> {
    /// Reads all members and compares them with the manifest, which must be the last.
    fn members(&mut self, tar: &mut tar::Archive<Decoder<Raw<'a>>>) -> Result<Manifest> {
        let mut found: Option<Manifest> = None;
        let entries = tar.entries().map_err(|error| self.damaged(&error))?;
        for entry in entries {
            let mut entry = entry.map_err(|error| self.damaged(&error))?;
            let name = text(&entry.path_bytes());
            self.last = Some(name.clone());
            if found.is_some() {
                return Err(self.refuse(format!("`{name}` is in it and not in its manifest")));
            }
            if name.strip_prefix("./").unwrap_or(&name) == manifest::NAME {
                let mut json = Vec::new();
                let mut limited = (&mut entry).take(LONGEST);
                limited.read_to_end(&mut json).map_err(|error| self.damaged(&error))?;
                found = Some(self.compare(&json)?);
                continue;
            }
            let sort = match entry.header().entry_type() {
                EntryType::Regular => Sort::File,
                EntryType::Directory => Sort::Folder,
                EntryType::Symlink => Sort::Link,
                _ => return Err(self.refuse(format!("`{name}` in it is no file, folder or link"))),
            };
            let mode = entry.header().mode().map_err(|error| self.damaged(&error))?;
            let target = entry.link_name_bytes().map(|target| text(&target));
            let mut digest = Sha256::new();
            let mut size = 0;
            let mut buffer = vec![0; 64 << 10];
            loop {
                match entry.read(&mut buffer).map_err(|error| self.damaged(&error))? {
                    0 => break,
                    read => {
                        digest.update(&buffer[..read]);
                        size += read as u64;
                    }
                }
            }
            let target = target.filter(|_| sort == Sort::Link);
            let sha256 = hexadecimal(&digest.finalize());
            self.members.push(Entry { name, sort, mode, size, sha256, target });
        }
        found.ok_or_else(|| self.refuse("its manifest is missing"))
    }

    /// Compares the members read so far with the manifest.
    fn compare(&self, json: &[u8]) -> Result<Manifest> {
        let manifest: Manifest = serde_json::from_slice(json)
            .map_err(|error| self.refuse(format!("its manifest can't be read: {error}")))?;
        if manifest.format != manifest::FORMAT {
            let newer = format!("its manifest has format {}, this program reads 1", manifest.format);
            return Err(self.refuse(newer).help("read it with the version of banister that wrote it"));
        }
        for (place, found) in self.members.iter().enumerate() {
            let name = &found.name;
            match manifest.members.get(place) {
                Some(said) if said == found => {}
                Some(said) if said.name == *name => {
                    return Err(self.refuse(format!("`{name}` in it is not what the manifest says")));
                }
                Some(said) if manifest.members.iter().any(|said| said.name == *name) => {
                    return Err(self.refuse(format!("`{}` is missing in it", said.name)));
                }
                _ => return Err(self.refuse(format!("`{name}` is in it and not in its manifest"))),
            }
        }
        match manifest.members.get(self.members.len()) {
            Some(missing) => Err(self.refuse(format!("`{}` is missing in it", missing.name))),
            None => Ok(manifest),
        }
    }

    /// Reads what follows the members, which must be zeros; the digest of all bytes before the seal.
    fn end(&self, mut decoder: Decoder<Raw<'a>>) -> Result<Vec<u8>> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            match decoder.read(&mut buffer).map_err(|error| self.damaged(&error))? {
                0 => break,
                read if buffer[..read].iter().all(|byte| *byte == 0) => {}
                _ => return Err(self.refuse("something follows its last member")),
            }
        }
        let mut raw = decoder.into_inner();
        io::copy(&mut raw, &mut io::sink()).map_err(|error| self.damaged(&error))?;
        Ok(raw.digest.finalize().to_vec())
    }

    fn damaged(&self, error: &io::Error) -> Failure {
        let place = match &self.last {
            Some(name) => format!("it can't be read at or after `{name}`"),
            None => "it can't be read from its beginning".to_owned(),
        };
        self.refuse(place).why(error)
    }

    fn refuse(&self, why: impl ToString) -> Failure {
        if (self.stop)() {
            return Failure::new(Kind::Interrupted, "reading the archive back was interrupted");
        }
        let message = format!("the archive `{}` is damaged", self.path.display());
        Failure::new(Kind::Refused, message)
            .why(why.to_string())
            .help("take another one: this one can't be restored")
    }
}

/// Ends with an error when it is asked to.
struct Stopping<'a> {
    inner: Take<File>,
    stop: &'a dyn Fn() -> bool,
}

impl Read for Stopping<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if (self.stop)() {
            return Err(io::Error::other("interrupted"));
        }
        self.inner.read(buffer)
    }
}
