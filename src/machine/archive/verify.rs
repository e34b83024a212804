//! Reads an archive back, member by member.

use super::claims;
use super::compression::{Compression, Decoder};
use super::decrypt::open;
use super::digest::LongDigest;
use super::keys::Keys;
use super::manifest::{self, Entry, Manifest, Sort, text};
use super::members::{Members, unkept};
use super::place::{Places, Wrong, check_name};
use super::raw::Raw;
use super::seal::Unsealed;
use super::sparse::Expanding;
use super::streams::Hashing;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::hexadecimal;
use crate::machine::part::Part;
use crate::machine::tree::Extended;
use crate::units::Size;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::Path;
use tar::EntryType;

/// The most members that are read: more than any file system of a server has.
const MEMBERS: usize = 5_000_000;

/// What an archive holds.
#[derive(Debug)]
pub struct Contents {
    /// Absent in an archive that another program wrote. Its list of members is left to `members`.
    pub manifest: Option<Manifest>,
    /// All members but the manifest.
    pub members: Members,
    /// Whether it was made with the key of the records that is here: by this user on this machine.
    pub is_own: bool,
    /// What could not be kept when it was unpacked, each with its name.
    pub lost: Vec<String>,
}

/// Reads the whole archive and compares every member with the manifest, and the file itself with its seal; all that the
/// manifest says. One that is encrypted can't be read so.
///
/// Fails as [`verify_until`] does.
pub fn verify(path: &Path) -> Result<Manifest> {
    let (manifest, members) = verify_until(path, &Keys::default(), &|| false)?;
    Ok(Manifest { members: members.iter().collect::<Result<_>>()?, ..manifest })
}

/// As [`verify`], decrypting with `keys` if need be; ends with [`Kind::Interrupted`] as soon as `stop` says so.
///
/// Fails with [`Kind::Refused`], and with the member's name where there is one, if a byte is not what was written, if
/// the end is missing, or if a member was added or taken away, or leads out of the archive, or if it can't be decrypted;
/// with [`Kind::NotFound`] if there is no such file, or no program to decrypt it.
pub fn verify_until(path: &Path, keys: &Keys, stop: &dyn Fn() -> bool) -> Result<(Manifest, Members)> {
    let (contents, reading) = read(path, keys, u64::MAX, stop, &mut Nowhere)?;
    let manifest = contents.manifest.ok_or_else(|| reading.refuse("its manifest is missing"))?;
    Ok((manifest, contents.members))
}

/// As [`verify_until`], also for an archive without a manifest: then nothing but its own checksums says that it is
/// whole. One that unpacks to more than `limit` bytes is refused as soon as that is seen.
pub fn inspect(path: &Path, keys: &Keys, limit: u64, stop: &dyn Fn() -> bool) -> Result<Contents> {
    read(path, keys, limit, stop, &mut Nowhere).map(|(contents, _)| contents)
}

/// Takes what is read.
pub(super) trait Sink {
    /// A member begins; where its content goes.
    fn begin(&mut self, member: &Begun) -> Result<Option<File>>;
    /// It was read whole.
    fn end(&mut self, member: &Begun, file: Option<File>) -> Result<()>;
}

/// A member whose header was read.
pub(super) struct Begun<'a> {
    /// As in the archive.
    pub name: &'a [u8],
    pub sort: Sort,
    pub target: Option<&'a [u8]>,
    /// The file before it of which it is another name.
    pub again: Option<&'a [u8]>,
    pub extended: &'a Extended,
    pub header: &'a tar::Header,
}

struct Nowhere;

impl Sink for Nowhere {
    fn begin(&mut self, _: &Begun) -> Result<Option<File>> {
        Ok(None)
    }

    fn end(&mut self, _: &Begun, _: Option<File>) -> Result<()> {
        Ok(())
    }
}

/// Reads all of it into a sink.
pub(super) fn read<'a>(
    path: &'a Path,
    keys: &Keys,
    limit: u64,
    stop: &'a dyn Fn() -> bool,
    sink: &mut dyn Sink,
) -> Result<(Contents, Reading<'a>)> {
    let compression = Compression::of(path)?;
    let raw = Unsealed::new(compression, open(path, keys, stop)?);
    let mut reading = Reading { path, limit, stop, last: None };
    let decoder = Decoder::new(compression, Hashing::long(raw)).map_err(|error| reading.damaged(&error))?;
    let mut tar = Raw::new(decoder);
    let mut members = Members::new()?;
    let manifest = reading.members(&mut tar, &mut members, sink)?;
    let (seal, digest) = reading.end(tar.into_inner())?;
    match (seal, &manifest) {
        // Another program's archive has neither.
        (None, None) => {}
        (None, Some(_)) => return Err(reading.refuse("its seal is missing")),
        (Some(_), None) => return Err(reading.refuse("its manifest is missing")),
        (Some(seal), Some(_)) if seal != compression.seal(&digest) => {
            return Err(reading.refuse("its seal is not the one that its bytes must have"));
        }
        (Some(_), Some(_)) => {}
    }
    let is_own = manifest.as_ref().is_some_and(|manifest| {
        manifest.origin.is_some() && members.origin().digest(&manifest.about) == manifest.origin
    });
    Ok((Contents { manifest, members, is_own, lost: Vec::new() }, reading))
}

pub(super) struct Reading<'a> {
    path: &'a Path,
    /// How many bytes of content it may have.
    limit: u64,
    stop: &'a dyn Fn() -> bool,
    /// The name of the member that was read last.
    last: Option<String>,
}

type Stream<'a> = Decoder<Hashing<Unsealed<Box<dyn Read + 'a>>, LongDigest>>;

impl<'a> Reading<'a> {
    /// Reads all members and compares them with the manifest, which must be the last, if there is one.
    fn members(
        &mut self,
        tar: &mut Raw<Stream<'a>>,
        members: &mut Members,
        sink: &mut dyn Sink,
    ) -> Result<Option<Manifest>> {
        let mut found: Option<Manifest> = None;
        let mut places = Places::new().map_err(unkept)?;
        let mut buffer = vec![0; 64 << 10];
        while let Some(head) = tar.next().map_err(|error| self.damaged(&error))? {
            let bytes = head.name;
            let name = text(&bytes);
            self.last = Some(name.clone());
            if found.is_some() {
                return Err(self.refuse(format!("`{name}` is in it and not in its manifest")));
            }
            if name.strip_prefix("./").unwrap_or(&name) == manifest::NAME {
                members.finish()?;
                found = Some(self.compare(&mut *tar, members)?);
                continue;
            }
            let sort = match head.sort {
                EntryType::Regular | EntryType::Link => Sort::File,
                EntryType::Directory => Sort::Folder,
                EntryType::Symlink => Sort::Link,
                _ => return Err(self.refuse(format!("`{name}` in it is no file, folder or link"))),
            };
            if members.len() >= MEMBERS {
                return Err(self.refuse(format!("it has more than {MEMBERS} members")));
            }
            let header = head.header;
            let said = || Ok((header.mode()?, header.uid()?, header.gid()?, header.mtime()?));
            let (mode, owner, group, modified) = said().map_err(|error| self.damaged(&error))?;
            let link = head.target.as_deref().filter(|_| sort == Sort::Link);
            let again = head.target.as_deref().filter(|_| head.sort == EntryType::Link);
            if again.is_some() && head.size > 0 {
                return Err(self.refuse(format!("`{name}` in it is another name of a file, and has content")));
            }
            places.take(&bytes, sort, link, again).map_err(|why| self.refuse(why))?;
            let total = members.size().saturating_add(head.size);
            if total > self.limit {
                let (needed, limit) = (Size(total), Size(self.limit));
                let message = format!("the archive `{}` unpacks to {needed} or more", self.path.display());
                return Err(Failure::new(Kind::Refused, message)
                    .why(format!("there is room for {limit}"))
                    .help("make room, or set `backups` in `site.toml`"));
            }
            let begun =
                Begun { name: &bytes, sort, target: link, again, extended: &head.extended, header: &header };
            let mut expanding = head.whole.map(Expanding::new);
            let mut file = sink.begin(&begun)?;
            let mut digest = LongDigest::default();
            let mut size = 0;
            loop {
                match tar.read(&mut buffer).map_err(|error| self.damaged(&error))? {
                    0 => break,
                    read => {
                        digest.update(&buffer[..read]);
                        size += read as u64;
                        if let Some(expanding) = &mut expanding {
                            let taken = expanding.take(&buffer[..read], file.as_ref());
                            taken.map_err(|error| self.damaged(&error))?;
                        } else if let Some(file) = &mut file {
                            let failed = || format!("`{name}` can't be written");
                            file.write_all(&buffer[..read]).or_fail(Kind::Refused, failed)?;
                        }
                    }
                }
            }
            if let Some(expanding) = &expanding {
                expanding.finish(file.as_ref()).map_err(|error| self.damaged(&error))?;
            }
            sink.end(&begun, file)?;
            let target = link.map(text);
            let sha256 = hexadecimal(&digest.finalize());
            let stored = head.whole.map(|_| size);
            let size = head.whole.unwrap_or(size);
            let (extended, again) = (head.extended.sha256(), again.map(text));
            let entry = Entry {
                name,
                sort,
                mode,
                owner,
                group,
                modified,
                size,
                sha256,
                stored,
                extended,
                again,
                target,
            };
            members.push(&entry)?;
        }
        members.finish()?;
        if let Some(wrong) = places.finish().map_err(unkept)? {
            let (Wrong::Twice(place) | Wrong::InNoFolder(place) | Wrong::OfNoFile(place)) = wrong;
            let place = usize::try_from(place).unwrap_or(usize::MAX);
            let name = members.iter().nth(place).transpose()?.map(|member| member.name).unwrap_or_default();
            return Err(self.refuse(match wrong {
                Wrong::Twice(_) => format!("`{name}` is in it twice"),
                Wrong::OfNoFile(_) => format!("`{name}` in it is another name of no file before it"),
                Wrong::InNoFolder(_) => format!("`{name}` in it lies in something that is no folder"),
            }));
        }
        Ok(found)
    }

    /// Compares the members read so far with the manifest.
    fn compare(&self, json: impl Read, members: &Members) -> Result<Manifest> {
        let manifest = claims::read(json, members).map_err(|why| self.refuse(why))?;
        if !manifest::is_read(manifest.format) {
            let (is, reads) = (manifest.format, manifest::FORMAT);
            let newer = format!("its manifest has format {is}, this program reads {reads}");
            return Err(self.refuse(newer).help("read it with the version of banister that wrote it"));
        }
        self.parts(&manifest.about.parts, members).map(|()| manifest)
    }

    /// Checks where the parts say that they are: what is put back is read there.
    fn parts(&self, parts: &[Part], members: &Members) -> Result<()> {
        let mut read = BTreeSet::new();
        for part in parts {
            let name = part.name();
            if matches!(part, Part::Output { .. }) {
                continue;
            }
            let path = if let Part::Files { path, .. } = part { path } else { "" };
            // `~` is the server's home; another user's has a name after it.
            let is_of_another = path.starts_with('~') && path != "~" && !path.starts_with("~/");
            if path.split('/').any(|part| part == "..") || is_of_another {
                return Err(self.refuse(format!("its part `{name}` would be put at `{path}`")));
            }
            if check_name(name).is_err() {
                return Err(
                    self.refuse(format!("its part `{name}` leads out of the folder it is unpacked in"))
                );
            }
            if matches!(part, Part::Database { .. } | Part::Search { .. }) {
                read.insert(name);
            }
        }
        for member in members.iter() {
            if read.is_empty() {
                break;
            }
            let member = member?;
            let own = member.name.trim_start_matches("./").trim_end_matches('/');
            let ends = own.match_indices('/').map(|(end, _)| end).chain([own.len()]);
            for end in ends {
                read.remove(&own[..end]);
            }
        }
        match read.first() {
            Some(name) => Err(self.refuse(format!("its part `{name}` is not in it"))),
            None => Ok(()),
        }
    }

    /// Reads what follows the members, which must be zeros; the seal, and the digest of all bytes before it.
    fn end(&self, mut decoder: Stream<'a>) -> Result<(Option<Vec<u8>>, Vec<u8>)> {
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
        Ok((raw.inner.seal, raw.digest.finalize().to_vec()))
    }

    fn damaged(&self, error: &io::Error) -> Failure {
        let place = match &self.last {
            Some(name) => format!("it can't be read at or after `{name}`"),
            None => "it can't be read from its beginning".to_owned(),
        };
        self.refuse(place).why(error)
    }

    pub(super) fn refuse(&self, why: impl ToString) -> Failure {
        if (self.stop)() {
            return Failure::new(Kind::Interrupted, "reading the archive back was interrupted");
        }
        let message = format!("the archive `{}` is damaged", self.path.display());
        Failure::new(Kind::Refused, message)
            .why(why.to_string())
            .help("take another one: this one can't be restored")
    }
}
