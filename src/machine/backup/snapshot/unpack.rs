//! Unpacks a backup from a repository into a folder of its own; restic never writes into live data.

use super::read_back::damaged;
use crate::command::Exit;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::{self, About, Content, Contents, Keys, Left, Member, Own, RISEN, Watch};
use crate::machine::backup::reference::{Inventory, Reference};
use crate::machine::files::{free_space, open, private_folder, sha256};
use crate::machine::part::Part;
use crate::machine::restic::Repository;
use crate::machine::tree::{self, Next, What, walk};
use crate::units::Size;
use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What was unpacked.
pub struct Contained {
    /// The members that are no files or folders of the server.
    pub contents: Option<Contents>,
    /// The names of files that lost their setuid and setgid bits.
    pub stripped: Vec<String>,
}

const WHAT: &str = "the backup can't be unpacked";

/// Unpacks it into `folder/content`; `folder` is the caller's, and empty. Everything is compared with the inventory.
///
/// Fails with [`Kind::Refused`] if there is too little room, or if something is damaged or missing.
pub fn unpack(
    reference: &Reference,
    repository: &Repository,
    folder: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<Contained> {
    let inventory = &reference.inventory;
    let (needed, room) = (inventory.size(), free_space(folder)?.free);
    if needed > room {
        let message = format!("the backup unpacks to {}, and there is room for {}", Size(needed), Size(room));
        return Err(Failure::new(Kind::Refused, message).help("make room, or set `backups` in `site.toml`"));
    }
    let target = folder.join("restic");
    tree::remove(folder).or_fail(Kind::Refused, || format!("`{}` can't be emptied", folder.display()))?;
    private_folder(&target)?;
    let nothing = tempfile::tempfile().or_fail(Kind::Refused, || WHAT.to_owned())?;
    let (tags, into) = (inventory.tags().as_option(), target.display().to_string());
    let words = ["restore", "--quiet", "--tag", &tags, "latest", "--target", &into];
    let looked = repository.run(&words, &nothing, stop)?;
    if looked.exit != Exit::Status(0) {
        return Err(super::read_back::gone(repository, &looked));
    }
    let at = |path: &Path| target.join(path.strip_prefix("/").unwrap_or(path));
    let staging = at(&inventory.staging);
    let content = folder.join("content");
    let contents = members(inventory, &staging, &at, folder, &content, stop)?;
    private_folder(&content)?;
    move_trees(inventory, &staging, &at, &content)?;
    let stripped = look_through(reference, &content)?;
    tree::remove(&target).or_fail(Kind::Refused, || format!("`{}` can't be removed", target.display()))?;
    Ok(Contained { contents, stripped })
}

/// Hands everything but the files and folders of the server over as an archive would have had it.
fn members(
    inventory: &Inventory,
    staging: &Path,
    at: &dyn Fn(&Path) -> PathBuf,
    folder: &Path,
    content: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Contents>> {
    let mut members = Vec::new();
    for staged in &inventory.staged {
        let path = staging.join(staged.file());
        let file = open(&path).map_err(|_| damaged(&format!("`{}` is missing in it", staged.name)))?;
        if sha256(&path)? != staged.sha256 {
            return Err(damaged(&format!("`{}` in it is not as it was written", staged.name)));
        }
        let content = if staged.is_tar { Content::Tar(file) } else { Content::Output(file) };
        members.push(Member { name: staged.name.clone(), content });
    }
    for tree in inventory.trees.iter().filter(|tree| !is_files(inventory, &tree.name)) {
        members.push(Member { name: tree.name.clone(), content: Content::Path(at(&tree.path)) });
    }
    if members.is_empty() {
        return Ok(None);
    }
    let parts = inventory.about.parts.iter().filter(|part| !part.is_files()).cloned().collect();
    let about = About { parts, ..inventory.about.clone() };
    let path = folder.join("members.tar.zst");
    let (keys, own) = (Keys::default(), Own::default());
    let watch = Watch { stop, warn: &|_| {}, own: &own };
    archive::create(&path, &keys, &members, about, "", &watch)?.finish()?;
    let contents = archive::unpack(&path, &keys, content, stop, &|_| Ok(()))?;
    std::fs::remove_file(&path)
        .or_fail(Kind::Refused, || format!("`{}` can't be removed", path.display()))?;
    Ok(Some(contents))
}

fn is_files(inventory: &Inventory, name: &str) -> bool {
    inventory.about.parts.iter().any(|part| matches!(part, Part::Files { name: own, .. } if own == name))
}

/// Moves the files and folders of the server to where they are by their names.
fn move_trees(
    inventory: &Inventory,
    staging: &Path,
    at: &dyn Fn(&Path) -> PathBuf,
    content: &Path,
) -> Result<()> {
    let failed = |path: &Path| format!("`{}` can't be moved", path.display());
    tree::remove(staging).or_fail(Kind::Refused, || format!("`{}` can't be removed", staging.display()))?;
    for around in inventory.trees.iter().filter_map(|tree| tree.around_staging.as_ref()) {
        let around = at(around);
        tree::remove(&around)
            .or_fail(Kind::Refused, || format!("`{}` can't be removed", around.display()))?;
    }
    let mut trees: Vec<_> = inventory.trees.iter().filter(|tree| is_files(inventory, &tree.name)).collect();
    // One that is around another is moved first, and the other with it.
    trees.sort_by_key(|tree| tree.path.components().count());
    let mut moved: Vec<(&Path, PathBuf)> = Vec::new();
    for tree in trees {
        let to = content.join(&tree.name);
        let inside = moved.iter().rev().find_map(|(path, to)| {
            let rest = tree.path.strip_prefix(path).ok()?;
            Some(if rest == Path::new("") { to.clone() } else { to.join(rest) })
        });
        let from = inside.clone().unwrap_or_else(|| at(&tree.path));
        if from.symlink_metadata().is_err() {
            return Err(damaged(&format!("`{}` is missing in it", tree.path.display())));
        }
        if from != to {
            private_above(&to, content)?;
            let put = if inside.is_some() { tree::copy_path(&from, &to) } else { rename(&from, &to) };
            put.or_fail(Kind::Refused, || failed(&from))?;
        }
        moved.push((&tree.path, to));
    }
    Ok(())
}

/// Makes the folders around a member that are not there.
fn private_above(to: &Path, content: &Path) -> Result<()> {
    match to.parent() {
        Some(around) if around != content && around.symlink_metadata().is_err() => private_folder(around),
        _ => Ok(()),
    }
}

/// Renames something that may be in folders that nobody may change, or be one.
fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    match std::fs::rename(from, to) {
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {}
        renamed => return renamed,
    }
    let around = from.parent().unwrap_or(from);
    std::fs::set_permissions(around, Permissions::from_mode(0o700))?;
    let found = from.symlink_metadata()?;
    if found.is_dir() {
        std::fs::set_permissions(from, Permissions::from_mode(0o700 | (found.mode() & 0o7777)))?;
    }
    std::fs::rename(from, to)?;
    if found.is_dir() { std::fs::set_permissions(to, found.permissions()) } else { Ok(()) }
}

/// Counts what is there, and takes bits away that give rights away, unless the backup was made here. Their names.
fn look_through(reference: &Reference, content: &Path) -> Result<Vec<String>> {
    let inventory = &reference.inventory;
    let is_own = inventory.is_own();
    let mut stripped = Vec::new();
    for tree in inventory.trees.iter().filter(|tree| is_files(inventory, &tree.name)) {
        let mut found = 0u64;
        walk(&content.join(&tree.name), &mut |entry| {
            if let Some(left) = Left::of(entry, &tree.name, &Own::default())? {
                let why = format!("`{}` may not be in it: {}", entry.path.display(), left.why());
                return Err(damaged(&why));
            }
            found += 1;
            let risen = entry.metadata.map(|found| found.mode()).filter(|mode| mode & RISEN != 0);
            if let (What::File, Some(mode), false) = (entry.what, risen, is_own) {
                let failed = || format!("`{}` can't be changed", entry.path.display());
                std::fs::set_permissions(entry.path, Permissions::from_mode(mode & 0o7777 & !RISEN))
                    .or_fail(Kind::Refused, failed)?;
                stripped.push(format!("{}/{}", tree.name, entry.below.to_string_lossy()));
            }
            Ok(Next::Enter)
        })?;
        let meant = tree.files + tree.folders + tree.links;
        if found < meant && reference.changed.is_empty() {
            let why = format!(
                "of `{}` it holds {found} files, folders and links, and not {meant}",
                tree.path.display()
            );
            return Err(damaged(&why));
        }
    }
    Ok(stripped)
}
