//! Unpacks a backup from a repository into a folder of its own; restic never writes into live data.

use super::foreign::{Taken, around, check_paths, look_through};
use super::read_back::{damaged, unread};
use super::{holes, repository};
use crate::failure::{Context, Failure, Kind, Result};
use crate::kind::Archive;
use crate::machine::archive::{self, About, Content, Contents, Keys, Member, Own, Watch};
use crate::machine::backup::reference::{Inventory, Reference};
use crate::machine::files::{free_space, private_folder, sha256_of_file};
use crate::machine::part::Part;
use crate::machine::restic::{Repository, Trouble};
use crate::machine::tree::{self, Folder};
use crate::units::Size;
use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// What was unpacked.
pub struct Contained {
    /// The members that are no files or folders of the server.
    pub contents: Option<Contents>,
    pub taken: Taken,
}

const WHAT: &str = "the backup can't be unpacked";

/// Unpacks it into `folder/content`; `folder` is the caller's, empty, and in that of the backups. Everything is compared
/// with the inventory; `check` is asked of its parts when there is room for it.
///
/// Fails with [`Kind::Refused`] if there is too little room, or if something is damaged or missing.
pub fn unpack(
    reference: &Reference,
    repository: &Repository,
    folder: &Path,
    stop: &dyn Fn() -> bool,
    check: &dyn Fn(&[Part]) -> Result<()>,
) -> Result<Contained> {
    let inventory = &reference.inventory;
    let (needed, room) = (inventory.size(), free_space(folder)?.free);
    if needed > room {
        let message = format!("the backup unpacks to {}, and there is room for {}", Size(needed), Size(room));
        return Err(Failure::new(Kind::Refused, message).help("make room, or set `backups` in `site.toml`"));
    }
    check(&inventory.about.parts)?;
    repository::check(reference, repository, folder.parent().unwrap_or(folder), WHAT, stop)?;
    if !inventory.is_own() {
        check_paths(inventory, repository, stop)?;
    }
    let target = folder.join("restic");
    tree::remove(folder).or_fail(Kind::Refused, || format!("`{}` can't be emptied", folder.display()))?;
    private_folder(&target)?;
    restore(inventory, repository, &target, stop)?;
    let content = folder.join("content");
    let mut taken = Taken::default();
    let contents = members(reference, &target, folder, &content, &mut taken, stop)?;
    private_folder(&content)?;
    move_trees(reference, &target, &content, &mut taken)?;
    tree::remove(&target).or_fail(Kind::Refused, || format!("`{}` can't be removed", target.display()))?;
    Ok(Contained { contents, taken })
}

/// Has restic restore the snapshot into a private folder.
fn restore(
    inventory: &Inventory,
    repository: &Repository,
    target: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<()> {
    let (tags, into) = (inventory.tags().as_option(), target.display().to_string());
    let has_holes = inventory.trees.iter().any(|tree| tree.holes > 0);
    let is_left_to_restic = has_holes && repository.restores_holes(stop)?;
    let sparse: &[&str] = if is_left_to_restic { &["--sparse"] } else { &[] };
    let words = [&["restore", "--quiet"], sparse, &["--tag", &tags, "latest", "--target", &into]].concat();
    let looked = repository.run(&words, stop)?;
    match repository.trouble(&looked) {
        None => {}
        Some(Trouble::NoRoom) => {
            let message = format!("there is no room left in `{into}` for what is unpacked");
            return Err(Failure::new(Kind::Refused, message)
                .why(WHAT)
                .help("make room, or set `backups` in `site.toml`"));
        }
        Some(trouble) => return Err(unread(repository, trouble, &looked, WHAT)),
    }
    if is_left_to_restic {
        return Ok(());
    }
    for tree in inventory.trees.iter().filter(|tree| tree.holes > 0) {
        around(target, &tree.path)?;
        let path = at(target, &tree.path);
        // What is missing is told when it is moved.
        if path.symlink_metadata().is_ok() {
            holes::make(&path)?;
        }
    }
    Ok(())
}

/// Where a path of the snapshot was restored.
fn at(target: &Path, path: &Path) -> PathBuf {
    target.join(path.strip_prefix("/").unwrap_or(path))
}

/// Hands everything but the files and folders of the server over as an archive would have had it.
fn members(
    reference: &Reference,
    target: &Path,
    folder: &Path,
    content: &Path,
    taken: &mut Taken,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Contents>> {
    let inventory = &reference.inventory;
    let mut members = Vec::new();
    for staged in &inventory.staged {
        let path = inventory.staging.join(staged.file());
        let missing = || damaged(&format!("`{}` is missing in it", staged.name));
        let name = path.file_name().ok_or_else(missing)?;
        let mut file = around(target, &path)?.file(name).map_err(|_| missing())?;
        if !file.metadata().is_ok_and(|found| found.is_file()) {
            return Err(missing());
        }
        if sha256_of_file(&mut file).or_fail(Kind::Refused, || WHAT.to_owned())? != staged.sha256 {
            return Err(damaged(&format!("`{}` in it is not as it was written", staged.name)));
        }
        let content = if staged.is_tar { Content::Tar(file) } else { Content::Output(file) };
        members.push(Member { name: staged.name.clone(), content });
    }
    for tree in inventory.trees.iter().filter(|tree| !is_files(inventory, &tree.name)) {
        around(target, &tree.path)?;
        let path = at(target, &tree.path);
        if path.symlink_metadata().is_err() {
            return Err(damaged(&format!("`{}` is missing in it", tree.path.display())));
        }
        look_through(reference, tree, &path, taken)?;
        members.push(Member { name: tree.name.clone(), content: Content::Path(path) });
    }
    if members.is_empty() {
        return Ok(None);
    }
    let parts = inventory.about.parts.iter().filter(|part| !part.is_files()).cloned().collect();
    let about = About { parts, ..inventory.about.clone() };
    let path = folder.join("members.tar.zst");
    let (keys, own) = (Keys::default(), Own::default());
    let watch = Watch { stop, warn: &|_| {}, own: &own };
    archive::create(&path, &keys, &members, about, &Archive::default(), &watch)?.finish()?;
    let contents = archive::unpack(&path, &keys, content, stop, &|_| Ok(()))?;
    std::fs::remove_file(&path)
        .or_fail(Kind::Refused, || format!("`{}` can't be removed", path.display()))?;
    Ok(Some(contents))
}

fn is_files(inventory: &Inventory, name: &str) -> bool {
    inventory.about.parts.iter().any(|part| matches!(part, Part::Files { name: own, .. } if own == name))
}

/// Moves the files and folders of the server to where they are by their names, and looks through each of them there before
/// the next one is moved, which may come to lie in it.
fn move_trees(reference: &Reference, target: &Path, content: &Path, taken: &mut Taken) -> Result<()> {
    let inventory = &reference.inventory;
    let failed = |path: &Path| format!("`{}` can't be moved", path.display());
    let unwanted = inventory.trees.iter().filter_map(|tree| tree.around_staging.as_ref());
    for unwanted in [&inventory.staging].into_iter().chain(unwanted) {
        // It may be gone with one around it.
        if at(target, unwanted).symlink_metadata().is_err() {
            continue;
        }
        around(target, unwanted)?;
        tree::remove(&at(target, unwanted))
            .or_fail(Kind::Refused, || format!("`{}` can't be removed", unwanted.display()))?;
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
        let from = match &inside {
            Some(from) => {
                around(content, from.strip_prefix(content).unwrap_or(from))?;
                from.clone()
            }
            None => {
                around(target, &tree.path)?;
                at(target, &tree.path)
            }
        };
        if from.symlink_metadata().is_err() {
            return Err(damaged(&format!("`{}` is missing in it", tree.path.display())));
        }
        if from != to {
            make_above(content, Path::new(&tree.name))?;
            let put = if inside.is_some() { tree::copy_path(&from, &to) } else { rename(&from, &to) };
            put.or_fail(Kind::Refused, || failed(&from))?;
        }
        let found = look_through(reference, tree, &to, taken)?;
        let meant = tree.files + tree.folders + tree.links;
        if found < meant && reference.changed.is_empty() {
            let why = format!(
                "of `{}` it holds {found} files, folders and links, and not {meant}",
                tree.path.display()
            );
            return Err(damaged(&why));
        }
        moved.push((&tree.path, to));
    }
    Ok(())
}

/// Makes the folders around a member that are not there. One that is there may be of a member around it, and no link.
fn make_above(content: &Path, name: &Path) -> Result<()> {
    let above = name.parent().unwrap_or(Path::new(""));
    let made = Folder::open(content)
        .and_then(|content| above.iter().try_fold(content, |folder, name| folder.make(name)));
    made.map(drop).map_err(|error| {
        damaged(&format!("`{}` would come to lie in something that is no folder: {error}", name.display()))
    })
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
