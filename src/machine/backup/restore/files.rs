//! Puts files and folders back.

use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::backup::{Place, Unpacked};
use crate::machine::files::sync_folder_of;
use crate::machine::part::Part;
use rustix::process::geteuid;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, lchown, symlink};
use std::path::{Path, PathBuf};

/// Puts all files and folders of the backup back; their paths.
///
/// Each is moved beside its place, then what is there is moved aside, then it takes the place.
pub fn files(unpacked: &Unpacked, place: &Place) -> Result<Vec<String>> {
    let mut done = Vec::new();
    for (name, path) in parts(unpacked) {
        if put_back(&unpacked.path(name), &Beside::of(unpacked, &(place.path)(path))?)? {
            done.push(path.to_owned());
        }
    }
    Ok(done)
}

fn parts(unpacked: &Unpacked) -> impl Iterator<Item = (&str, &str)> {
    unpacked.parts.iter().filter_map(|part| match part {
        Part::Files { name, path } => Some((name.as_str(), path.as_str())),
        _ => None,
    })
}

/// A place, and the names beside it.
struct Beside {
    place: PathBuf,
    new: PathBuf,
    old: PathBuf,
}

impl Beside {
    fn of(unpacked: &Unpacked, place: &Path) -> Result<Beside> {
        let name = place.file_name().and_then(|name| name.to_str()).ok_or_else(|| {
            Failure::new(
                Kind::Invalid,
                format!("`{}` can't be restored: it has no plain name", place.display()),
            )
        })?;
        let (new, old) = unpacked.new_and_old(&format!(".{}", name.trim_start_matches('.')), ".");
        Ok(Beside { place: place.to_owned(), new: place.with_file_name(new), old: place.with_file_name(old) })
    }
}

fn exists(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// Whether it was put back, now or before; not if the backup has no such thing.
fn put_back(from: &Path, beside: &Beside) -> Result<bool> {
    let Beside { place, new, old } = beside;
    let failed = || format!("`{}` can't be restored", place.display());
    if !exists(from) && !exists(new) {
        return Ok(exists(old) || exists(place));
    }
    if !exists(new) {
        if let Some(folder) = place.parent() {
            fs::create_dir_all(folder).or_fail(Kind::Refused, failed)?;
        }
        move_whole(from, new).or_fail(Kind::Refused, failed)?;
    }
    // Also if an attempt before was cut off when the copy had its name: what is found here is put back once more.
    // Before it goes, the name of the copy must be there for good.
    sync_folder_of(new).and_then(|()| remove(from)).or_fail(Kind::Refused, failed)?;
    if exists(place) && !exists(old) {
        fs::rename(place, old).or_fail(Kind::Refused, failed)?;
    }
    fs::rename(new, place).and_then(|()| sync_folder_of(place)).or_fail(Kind::Refused, failed)?;
    Ok(true)
}

/// Moves a tree, also to another file system: there, it has its name only when it is whole, and what it was copied from
/// stays.
fn move_whole(from: &Path, to: &Path) -> io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
            let part = part(to);
            remove(&part)?;
            copy(from, &part)?;
            fs::rename(&part, to)
        }
        moved => moved,
    }
}

/// What something is called that is not copied whole yet.
fn part(to: &Path) -> PathBuf {
    let mut part = to.as_os_str().to_owned();
    part.push(".part");
    part.into()
}

/// Copies a tree with modes, owners if this is root, and times.
pub(super) fn copy(from: &Path, to: &Path) -> io::Result<()> {
    let metadata = from.symlink_metadata()?;
    if metadata.is_symlink() {
        symlink(fs::read_link(from)?, to)?;
    } else if metadata.is_dir() {
        // Nobody else may look in before it has the mode that it is to have.
        fs::DirBuilder::new().mode(0o700).create(to)?;
        for entry in fs::read_dir(from)? {
            let entry = entry?;
            copy(&entry.path(), &to.join(entry.file_name()))?;
        }
    } else {
        fs::copy(from, to)?;
    }
    if geteuid().is_root() {
        lchown(to, Some(metadata.uid()), Some(metadata.gid()))?;
    }
    if !metadata.is_symlink() {
        fs::set_permissions(to, metadata.permissions())?;
        let file = fs::File::open(to)?;
        file.set_modified(metadata.modified()?)?;
        file.sync_all()?;
    }
    Ok(())
}

/// Removes a file or a tree, if it is there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    let removed = match path.symlink_metadata() {
        Ok(metadata) if metadata.is_dir() => fs::remove_dir_all(path),
        Ok(_) => fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

pub(super) fn drop_aside(unpacked: &Unpacked, place: &Place) -> Result<()> {
    for (_, path) in parts(unpacked) {
        let Beside { old, new, .. } = Beside::of(unpacked, &(place.path)(path))?;
        // The last two are there only if it was never put back.
        for left in [old, part(&new), new] {
            remove(&left).or_fail(Kind::Refused, || format!("`{}` can't be removed", left.display()))?;
        }
    }
    Ok(())
}
