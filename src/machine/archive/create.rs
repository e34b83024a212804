//! Writes an archive.

mod database;
mod disk;
mod other;

use super::changed::{Stamp, write_back};
use super::compression::{Compression, Encoder};
use super::encrypt::{Encrypting, Target};
use super::header::{Attributes, append};
use super::keys::{Encryption, Keys};
use super::left::Own;
use super::manifest::{self, About, Excluded, Manifest, Origin, Sort, text};
use super::place::check_name;
use super::streams::{Hashing, Promised};
use crate::failure::{Context, Failure, Kind, Result};
use crate::kind::Archive as Form;
use crate::machine::exclude::Exclude;
use crate::machine::files::{beside, hexadecimal, sync_folder_of};
use crate::sync::FileLock;
use sha2::Digest;
use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// A part of a backup.
#[derive(Debug)]
pub struct Member {
    /// In the archive: relative, without `.` and `..`.
    pub name: String,
    pub content: Content,
}

/// Where a member comes from.
#[derive(Debug)]
pub enum Content {
    /// A file, a link (as a link), or a folder with all that is in it.
    Path(PathBuf),
    /// What a command printed: all of this file.
    Output(File),
    /// A folder, as the tar that a command printed: its members become those of this archive, below the name.
    Tar(File),
    Bytes(Vec<u8>),
}

/// Who looks on.
pub struct Watch<'a> {
    /// Asked often; `true` ends the work with [`Kind::Interrupted`].
    pub stop: &'a dyn Fn() -> bool,
    /// Told what was left out, and what changed while it was read.
    pub warn: &'a dyn Fn(String),
    /// Folders that are left out wherever they are; that of the archive itself always is.
    pub own: &'a Own,
}

impl Member {
    /// Where it is on the disk, if it is there.
    fn path(&self) -> Option<&Path> {
        match &self.content {
            Content::Path(path) => Some(path),
            _ => None,
        }
    }
}

/// A finished archive.
#[derive(Clone, Debug)]
pub struct Created {
    pub manifest: Manifest,
    /// How long the file is.
    pub bytes: u64,
    /// Of the whole file, in lower-case hexadecimal.
    pub sha256: String,
}

/// An archive that is written and synced. If it is not given its name its file is removed.
#[derive(Debug)]
pub struct Unnamed {
    created: Created,
    part: Part,
}

impl Unnamed {
    /// Gives it its name. Fails with [`Kind::Refused`] if that can't be written.
    pub fn finish(self) -> Result<Created> {
        let failed = format!("the archive `{}` can't be written", self.part.archive.display());
        self.part.finish().or_fail(Kind::Refused, || failed)?;
        Ok(self.created)
    }
}

/// Writes the archive `path`, whose name says how it is compressed, and whether it is encrypted, to the recipients of
/// `keys`; with all its members and the manifest. `prefix` stands before every name, such as `./`.
///
/// Until [`Unnamed::finish`] it is called `.NAME.part`; if this fails that file is removed, if this is killed it stays,
/// and no archive is there. The file is for its owner only (0600), and so is its folder if it is made here.
///
/// Fails with [`Kind::Refused`] if `path` is there already or something can't be read or written, with
/// [`Kind::NotFound`] if a member, or the program that encrypts, is not there, with [`Kind::CommandFailed`] if that
/// program fails.
pub fn create(
    path: &Path,
    keys: &Keys,
    members: &[Member],
    about: About,
    form: &Form,
    watch: &Watch,
) -> Result<Unnamed> {
    let (is_plain, prefix) = (form.any_tar, form.prefix.as_str());
    let compression = Compression::of(path)?;
    members.iter().try_for_each(|member| check_name(&member.name))?;
    let failed = || format!("the archive `{}` can't be written", path.display());
    if path.symlink_metadata().is_ok() {
        return Err(Failure::new(Kind::Refused, failed()).why("it is there already"));
    }
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.or_fail(Kind::Refused, || format!("the folder `{}` can't be made", folder.display()))?;
    let mut own = watch.own.clone();
    own.add(folder, "it holds the backups");
    let folders = own.clone().excluding(Exclude::default());

    let part = Part::open(path).or_fail(Kind::Refused, failed)?;
    let file = part.file.try_clone().or_fail(Kind::Refused, failed)?;
    let (encrypting, target) = match Encryption::of(path) {
        None => (None, Target::File(file)),
        Some(encryption) => {
            let (encrypting, target) = Encrypting::start(encryption, keys, path, file, watch.stop)?;
            (Some(encrypting), target)
        }
    };
    let written = || -> Result<(Manifest, String)> {
        let encoder = Encoder::new(compression, Hashing::new(target)).or_fail(Kind::Refused, failed)?;
        let manifest = Manifest { format: manifest::FORMAT, about, origin: None, members: Vec::new() };
        let tar = tar::Builder::new(encoder);
        let begun = SystemTime::now();
        let mut writer = Writer {
            tar,
            manifest,
            from: HashMap::new(),
            prefix,
            own: &own,
            folders: &folders,
            excluded: HashMap::new(),
            watch,
            begun,
            noted: HashSet::new(),
            inodes: HashMap::new(),
            is_plain,
            folder,
            databases: HashMap::new(),
            is_held: false,
            names: Names::new(),
            beside: Vec::new(),
        };
        if let Err(error) = write_back(members.iter().filter_map(Member::path)) {
            (watch.warn)(format!("what programs changed in memory only may be missed: {error}"));
        }
        members.iter().try_for_each(|member| writer.add(member))?;
        writer.look_again(members)?;
        writer.count_excluded();
        let (encoder, manifest) = writer.finish()?;
        let sealed = || -> io::Result<String> {
            let mut hashing = encoder.finish()?;
            let seal = compression.seal(&hashing.digest.clone().finalize());
            hashing.write_all(&seal)?;
            Ok(hexadecimal(&hashing.digest.finalize()))
        };
        Ok((manifest, sealed().or_fail(Kind::Refused, failed)?))
    };
    let written = written();
    let (manifest, sha256) = match encrypting {
        None => written?,
        // If the program fails nothing can be written any more: then its failure is the one to tell.
        Some(encrypting) => match (encrypting.finish(), written) {
            (Err(failure), Ok(_)) => return Err(failure),
            (Err(failure), Err(own)) => {
                return Err(if own.kind == Kind::Interrupted { own } else { failure });
            }
            (Ok(_), Err(own)) => return Err(own),
            (Ok(sha256), Ok((manifest, _))) => (manifest, sha256),
        },
    };
    let kept = || -> io::Result<u64> {
        part.file.sync_all()?;
        Ok(part.file.metadata()?.len())
    };
    let bytes = kept().or_fail(Kind::Refused, failed)?;
    Ok(Unnamed { created: Created { manifest, bytes, sha256 }, part })
}

/// The file under its temporary name; removed unless it is finished. As long as its writer lives it is locked.
#[derive(Debug)]
struct Part {
    file: FileLock,
    path: PathBuf,
    /// The name that it will get.
    archive: PathBuf,
}

impl Part {
    fn open(archive: &Path) -> io::Result<Part> {
        let path = beside(archive, super::sweep::ENDING).map_err(io::Error::other)?;
        // What a crash left there is no longer wanted; what another process still writes must stay.
        super::sweep::make_room(&path)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path)?;
        let file = FileLock::take(file)?.ok_or_else(super::sweep::busy)?;
        Ok(Part { file, path, archive: archive.to_owned() })
    }

    fn finish(mut self) -> io::Result<()> {
        std::fs::rename(&self.path, &self.archive)?;
        self.path = PathBuf::new();
        sync_folder_of(&self.archive)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if self.path != Path::new("") {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Where a member came from, and how it was when it was read; what was never on the disk has neither.
#[derive(Default)]
struct Source {
    path: PathBuf,
    stamp: Option<Stamp>,
}

struct Writer<'a> {
    tar: tar::Builder<Encoder<Hashing<Target<'a>>>>,
    manifest: Manifest,
    /// Where each name came from: two parts may overlap, but not contradict each other.
    from: HashMap<Vec<u8>, Source>,
    prefix: &'a str,
    own: &'a Own,
    /// The same without patterns.
    folders: &'a Own,
    /// How much each pattern excluded.
    excluded: HashMap<String, u64>,
    watch: &'a Watch<'a>,
    begun: SystemTime,
    /// What is known to have changed.
    noted: HashSet<String>,
    /// The first name of each file that has several.
    inodes: HashMap<(u64, u64), Vec<u8>>,
    is_plain: bool,
    /// That of the archive.
    folder: &'a Path,
    /// The SQLite databases by their names, each with whether it was held while it was copied.
    databases: HashMap<Vec<u8>, bool>,
    /// What is read now is held: it may grow, but what counts of it does not change.
    is_held: bool,
    names: Names,
    /// What was added beside a database that is a member itself.
    beside: Vec<(String, PathBuf)>,
}

/// By the name of each folder, a digest of the names in it.
type Names = HashMap<Vec<u8>, u64>;

impl<'a> Writer<'a> {
    fn count_excluded(&mut self) {
        for pattern in self.own.exclude().written() {
            let count = self.excluded.get(pattern).copied().unwrap_or(0);
            self.manifest.about.excluded.push(Excluded { pattern: pattern.to_owned(), count });
        }
    }

    fn add(&mut self, member: &Member) -> Result<()> {
        let name = member.name.as_bytes();
        match &member.content {
            Content::Path(path) => self.add_path(&member.name, path),
            Content::Bytes(bytes) => {
                self.is_new(name, Path::new(""))?;
                self.put(name, &[], &Attributes::made(bytes.len() as u64), &bytes[..])
            }
            Content::Output(file) => {
                self.is_new(name, Path::new(""))?;
                let failed = || format!("`{}` can't be read", member.name);
                let mut file = file.try_clone().or_fail(Kind::Refused, failed)?;
                file.rewind().or_fail(Kind::Refused, failed)?;
                let size = file.metadata().or_fail(Kind::Refused, failed)?.len();
                self.put(name, &[], &Attributes::made(size), file)
            }
            Content::Tar(file) => self.add_tar(name, file),
        }
    }

    /// Whether the name is not in the archive yet. Fails if something else is there under it.
    fn is_new(&mut self, name: &[u8], path: &Path) -> Result<bool> {
        match self.from.entry(name.to_vec()) {
            Entry::Vacant(free) => {
                free.insert(Source { path: path.to_owned(), stamp: None });
                Ok(true)
            }
            Entry::Occupied(before) if before.get().path == path && path != Path::new("") => Ok(false),
            Entry::Occupied(_) => {
                let message = format!("two members have the name `{}`", text(name));
                Err(Failure::new(Kind::Invalid, message).help("give one of them another name"))
            }
        }
    }

    fn put(&mut self, name: &[u8], target: &[u8], attributes: &Attributes, content: impl Read) -> Result<()> {
        let shown = text(name);
        let name = [self.prefix.as_bytes(), name].concat();
        let mut content = Hashing::new(Promised::new(content, attributes.size, self.watch.stop));
        let put = append(&mut self.tar, &name, target, attributes, &mut content);
        if (self.watch.stop)() {
            return Err(Failure::new(Kind::Interrupted, "the backup was interrupted"));
        }
        put.or_fail(Kind::Refused, || format!("`{shown}` can't be put into the archive"))?;
        if content.inner.changed() && !self.is_held {
            self.note_changed(shown);
        }
        self.manifest.members.push(manifest::Entry {
            name: text(&name),
            sort: attributes.sort,
            mode: attributes.mode,
            owner: attributes.owner,
            group: attributes.group,
            modified: attributes.modified,
            size: attributes.map.as_ref().map_or(attributes.size, |map| map.size),
            sha256: hexadecimal(&content.digest.finalize()),
            stored: attributes.map.is_some().then_some(attributes.size),
            extended: attributes.extended.sha256(),
            again: attributes.is_again.then(|| text(target)),
            target: (attributes.sort == Sort::Link).then(|| text(target)),
        });
        Ok(())
    }

    /// Appends the manifest.
    fn finish(mut self) -> Result<(Encoder<Hashing<Target<'a>>>, Manifest)> {
        let failed = || "the archive's manifest can't be written".to_owned();
        // Without a key on the disk nobody could compare it later.
        if crate::secret::keep_key().is_ok() {
            let mut origin = Origin::default();
            for member in &self.manifest.members {
                origin.add(&serde_json::to_vec(member).or_fail(Kind::Bug, failed)?);
            }
            self.manifest.origin = origin.digest(&self.manifest.about);
        }
        let json = serde_json::to_vec_pretty(&self.manifest).or_fail(Kind::Bug, failed)?;
        let name = [self.prefix.as_bytes(), manifest::NAME.as_bytes()].concat();
        append(&mut self.tar, &name, &[], &Attributes::made(json.len() as u64), &json[..])
            .or_fail(Kind::Refused, failed)?;
        Ok((self.tar.into_inner().or_fail(Kind::Refused, failed)?, self.manifest))
    }
}
