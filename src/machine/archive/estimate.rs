//! What can be known of an archive before anything is gathered for it.

use super::create::{Content, Member};
use super::held::Held;
use super::left::{Left, Own, real, refuse};
use super::place::check_name;
use super::sparse::Map;
use crate::failure::{Context, Kind, Result};
use crate::machine::tree::{Folder, Next, What, is_border, walk};
use rustix::fs::OFlags;
use std::collections::BTreeSet;
use std::fs::{File, Metadata, OpenOptions};
use std::io::Seek;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// How much each of the members holds. Fails with [`Kind::NotFound`] if one is not there, and
/// with [`Kind::Refused`] if one is left out itself, as a link that leads out: nothing would be in it of what is meant.
///
/// What has several names counts once, unless the archive holds only what any tar reads (`any_tar`).
pub fn estimate(members: &[Member], own: &Own, any_tar: bool) -> Result<Vec<Held>> {
    let mut all = Vec::new();
    let mut linked = BTreeSet::new();
    for member in members {
        let mut held = Held::default();
        check_name(&member.name)?;
        match &member.content {
            Content::Path(path) => {
                held.mounted_at = mounted_at(&real(path));
                walk(&real(path), &mut |found| {
                    if let Some(left) = Left::of(found, &member.name, own)? {
                        return if found.below.is_empty() {
                            Err(refuse(found, &left))
                        } else {
                            Ok(Next::Pass)
                        };
                    }
                    if let Some(about) = found.metadata.filter(|_| found.what == What::File) {
                        held.files += 1;
                        if any_tar || about.nlink() == 1 || linked.insert((about.dev(), about.ino())) {
                            held.bytes = held.bytes.saturating_add(length(found.path, about));
                        }
                    }
                    Ok(Next::Enter)
                })?;
            }
            Content::Bytes(content) => held = Held { files: 1, bytes: content.len() as u64, ..held },
            Content::Output(file) => {
                let failed = || format!("`{}` can't be read", member.name);
                let bytes = file.metadata().or_fail(Kind::Refused, failed)?.len();
                held = Held { files: 1, bytes, ..held };
            }
            Content::Tar(file) => held = held_by(file)?,
        }
        all.push(held);
    }
    Ok(all)
}

/// How much a tar holds.
fn held_by(tar: &File) -> Result<Held> {
    let failed = || "the data read is not a tar".to_owned();
    let mut held = Held::default();
    let mut counted = || -> std::io::Result<Held> {
        let mut tar = tar.try_clone()?;
        tar.rewind()?;
        for entry in tar::Archive::new(tar).entries_with_seek()? {
            let entry = entry?;
            if entry.header().entry_type().is_file() {
                held.files += 1;
                held.bytes = held.bytes.saturating_add(entry.size());
            }
        }
        Ok(held)
    };
    counted().or_fail(Kind::Refused, failed)
}

/// How many bytes a file holds: its holes take no room in an archive, where they are left out or are zeros.
fn length(path: &Path, about: &Metadata) -> u64 {
    if about.blocks().saturating_mul(512) >= about.len() {
        return about.len();
    }
    // What can't be opened is told when it is read.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let map = OpenOptions::new().read(true).custom_flags(flags).open(path);
    map.and_then(|file| Map::of(&file, about)).ok().flatten().map_or(about.len(), |map| map.stored())
}

/// How many folders down a path what it lies in is mounted.
fn mounted_at(path: &Path) -> usize {
    let is_mount = |path: &&Path| match path.parent().zip(path.file_name()) {
        Some((around, name)) => {
            Folder::open(around).and_then(|around| around.pin(name)).is_err_and(|error| is_border(&error))
        }
        None => true,
    };
    path.ancestors().find(is_mount).map_or(0, |mount| mount.components().count().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hole_and_another_name_of_a_file_need_no_room() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("disk.img");
        std::fs::write(&path, "the beginning").unwrap();
        File::options().append(true).open(&path).unwrap().set_len(8 << 30).unwrap();
        std::fs::write(folder.path().join("first"), [1; 50_000]).unwrap();
        std::fs::hard_link(folder.path().join("first"), folder.path().join("second")).unwrap();
        let member = Member { name: "data".into(), content: Content::Path(folder.path().to_owned()) };
        let needed =
            |any_tar| estimate(std::slice::from_ref(&member), &Own::default(), any_tar).unwrap()[0].bytes;
        let (once, each) = (needed(false), needed(true));
        assert!((50_000..90_000).contains(&once) && each == once + 50_000, "{once} {each}");
    }

    #[test]
    fn what_something_lies_in_is_mounted_at_its_nearest_mount() {
        let at = |path: &str| mounted_at(Path::new(path));
        assert_eq!([at("/"), at("/proc"), at("/proc/self"), at("/proc/none/none")], [0, 1, 1, 1]);
    }
}
