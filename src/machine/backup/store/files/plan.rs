//! What is exchanged for what: decided once, and written down before the first of it is moved.

use super::names::{around, aside, beside, not_allowed, refused};
use super::planned::{Contents, Dress, Entry, Item, Plan, Stays, Way};
use super::stage::is_folder;
use super::{Target, single};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::Left;
use crate::machine::backup::Unpacked;
use crate::machine::sqlite;
use crate::machine::tree::{Entry as Found, Extended, Folder, Sort};
use crate::output::word;
use rustix::fs::{Access, AtFlags, accessat};
use rustix::process::geteuid;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// The plan of a part, if the backup has such a thing: of what was staged, or of what is to be.
pub fn plan(target: &Target, unpacked: &Unpacked, is_staged: bool) -> Result<Option<Plan>> {
    let failed = || format!("`{}` can't be restored", target.place.display());
    if let Some(left @ Left::Excluded(_)) = target.survey.left.get(Path::new("")) {
        let help = "remove the pattern from `exclude` in `site.toml` to restore it";
        return Err(refused(failed(), left.why()).help(help));
    }
    if let Some(Left::Own(why)) = target.survey.left.get(Path::new("")) {
        return Err(refused(failed(), why).help("restore it by hand: `tar` unpacks the archive"));
    }
    let of = |way| {
        let (place, from, restored) = (target.place.clone(), target.from.clone(), target.restored.clone());
        Ok(Some(Plan { place, from, restored, way, lost: Vec::new() }))
    };
    let staged = target.place.join(aside(unpacked)).join("new");
    let new = if is_staged { &staged } else { &target.from };
    if is_folder(target, unpacked) {
        let new = Folder::open(new).or_fail(Kind::Refused, failed)?;
        let mut planning =
            Planning { target, is_staged, aside: aside(unpacked), contents: Contents::default() };
        match target.place.symlink_metadata() {
            Ok(_) => {
                let live = Folder::open(&target.place).or_fail(Kind::Refused, failed)?;
                planning.folder(Path::new(""), Some(&new), &live)?;
            }
            Err(_) => single::check_beside(&target.place)?,
        }
        return of(Way::Contents(planning.contents));
    }
    let (name, _) = beside(&target.place, unpacked);
    let Some((from, own)) = around(&target.from).or_fail(Kind::Refused, failed)?.zip(target.from.file_name())
    else {
        return Ok(None);
    };
    let around = around(&target.place).or_fail(Kind::Refused, failed)?;
    let waiting = match (&around, from.about(own).or_fail(Kind::Refused, failed)?) {
        (_, Some(found)) => Some(found),
        (Some(around), None) => around.about(&name).or_fail(Kind::Refused, failed)?,
        (None, None) => None,
    };
    let Some(waiting) = waiting else { return Ok(None) };
    if let Some((path, left)) = target.survey.left.iter().find(|(_, left)| **left != Left::Aside) {
        let path = if path.as_os_str().is_empty() { target.place.clone() } else { target.place.join(path) };
        let failure = refused(failed(), format!("`{}` would be in the way: {}", path.display(), left.why()));
        return Err(failure.help(free(&path, left)));
    }
    let waits = if from.about(own).or_fail(Kind::Refused, failed)?.is_some() {
        from.file(own)
    } else {
        around.as_ref().map_or_else(|| from.file(own), |around| around.file(&name))
    };
    let is_database = waiting.is_file()
        && waits.and_then(|waits| sqlite::mode(&waits)).or_fail(Kind::Refused, failed)?.is_some();
    let companions = match &around {
        Some(around) => companions(target, around, is_database).or_fail(Kind::Refused, failed)?,
        None => Vec::new(),
    };
    if single::is_written(target).or_fail(Kind::Refused, failed)? {
        single::check_written(target, &waiting)?;
        if let Some(first) = companions.first() {
            let first = target.place.with_file_name(&first.name);
            let why = format!(
                "with `{}`, which can't be moved away, it would be in another state",
                first.display()
            );
            return Err(not_allowed(&target.place, why));
        }
        return of(Way::Written);
    }
    let live = match &around {
        Some(around) => {
            around.about(target.place.file_name().unwrap_or_default()).or_fail(Kind::Refused, failed)?
        }
        None => None,
    };
    if live.is_none() {
        single::check_beside(&target.place)?;
    }
    let name = target.place.file_name().unwrap_or_default().to_owned();
    let entry = Entry {
        folder: OsString::new(),
        name,
        old: live.as_ref().map(Item::of),
        new: Some(Item::of(&waiting)),
    };
    of(Way::Beside { entry, companions })
}

/// What belongs to a file that is replaced, if that is a database. An encrypted one is known only by having a log.
fn companions(target: &Target, around: &Folder, is_database: bool) -> io::Result<Vec<Entry>> {
    let name = target.place.file_name().unwrap_or_default();
    let mut found = Vec::new();
    for companion in sqlite::COMPANIONS.into_iter().filter(|it| is_database || *it != sqlite::JOURNAL) {
        let name = sqlite::companion(name, companion);
        if let Some(live) = around.about(&name)? {
            found.push(Entry { folder: OsString::new(), name, old: Some(Item::of(&live)), new: None });
        }
    }
    Ok(found)
}

struct Planning<'a> {
    target: &'a Target,
    is_staged: bool,
    /// The folder of this restore, in the place.
    aside: OsString,
    contents: Contents,
}

impl Planning<'_> {
    /// Plans a folder that stays, and those in it.
    fn folder(&mut self, below: &Path, new: Option<&Folder>, live: &Folder) -> Result<()> {
        let place = self.target.place.join(below);
        let failed = || format!("`{}` can't be restored", place.display());
        let read = |folder: &Folder| -> Result<BTreeMap<OsString, Found>> {
            let entries = folder.entries().or_fail(Kind::Refused, failed)?;
            Ok(entries.into_iter().map(|entry| (entry.name.clone(), entry)).collect())
        };
        check_open(live, &place)?;
        let dress = new.map(|new| Ok::<_, io::Error>(Dress::of(&new.metadata()?, Extended::of(new)?.0)));
        let dress = dress.transpose().or_fail(Kind::Refused, failed)?;
        self.contents.folders.push(Stays { path: below.as_os_str().to_owned(), dress });
        let (had, has) = (read(live)?, new.map(read).transpose()?.unwrap_or_default());
        let mut names: BTreeSet<&OsString> = had.keys().chain(has.keys()).collect();
        // What was staged is looked at only after the place was surveyed.
        names.remove(&self.aside);
        for name in names {
            let path = below.join(name);
            if let Some(left) = self.target.survey.left.get(&path) {
                self.check_left(&path, left, has.get(name), new)?;
                continue;
            }
            if self.target.survey.spine.contains(&path) {
                let live = live.folder(name).or_fail(Kind::Refused, failed)?;
                let new = match (has.get(name).map(|found| found.sort), new) {
                    (Some(Sort::Folder), Some(new)) => Some(new.folder(name).or_fail(Kind::Refused, failed)?),
                    (None, _) | (_, None) => None,
                    (Some(_), _) => {
                        let why = "something in it is left alone, and the backup has no folder there";
                        return Err(in_the_way(&self.target.place.join(&path), why));
                    }
                };
                self.folder(&path, new.as_ref(), &live)?;
                continue;
            }
            let item = |folder: Option<&Folder>, has: bool| -> io::Result<Option<Item>> {
                let about = folder.filter(|_| has).map(|folder| folder.about(name)).transpose()?.flatten();
                Ok(about.as_ref().map(Item::of))
            };
            let old = item(Some(live), had.contains_key(name)).or_fail(Kind::Refused, failed)?;
            let new = item(new, has.contains_key(name)).or_fail(Kind::Refused, failed)?;
            if old.is_some() {
                check_movable(live, name, &self.target.place.join(&path))?;
            }
            let (folder, name) = (below.as_os_str().to_owned(), name.clone());
            self.contents.entries.push(Entry { folder, name, old, new });
        }
        Ok(())
    }

    /// Whether the backup's content at this path is that of a part of its own, which is taken out when it is staged.
    fn is_apart(&self, path: &Path) -> bool {
        let from = self.target.from.join(path);
        !self.is_staged && self.target.apart.iter().any(|apart| apart.starts_with(&from))
    }

    /// Fails if the backup holds something where something is left alone.
    fn check_left(&self, path: &Path, left: &Left, has: Option<&Found>, new: Option<&Folder>) -> Result<()> {
        let (Some(has), Some(new)) = (has, new) else { return Ok(()) };
        let place = self.target.place.join(path);
        // What the program itself needs, and what is excluded by now, stays, whatever an older backup holds; a part of its own is restored there.
        if matches!(left, Left::Own(_) | Left::Aside | Left::Excluded(_)) || self.is_apart(path) {
            return Ok(());
        }
        // As it is in an older backup, and only a link.
        if matches!(left, Left::Outward(_)) && has.sort == Sort::Link {
            return Ok(());
        }
        let failed = || format!("`{}` can't be restored", place.display());
        let is_empty = |name: &OsStr| -> io::Result<bool> { Ok(new.folder(name)?.entries()?.is_empty()) };
        match has.sort == Sort::Folder && is_empty(&has.name).or_fail(Kind::Refused, failed)? {
            true => Ok(()),
            false => {
                let why = format!("{}, and the backup has data for it", left.why());
                Err(in_the_way(&place, &why).help(free(&place, left)))
            }
        }
    }
}

/// How a place gets free of what is left alone there.
fn free(place: &Path, left: &Left) -> String {
    let name = word(place.display());
    match left {
        Left::Outward(_) => format!(
            "to restore it there, remove the link: `rm {name}`, then start the restore again; what it leads to stays, and is \
             not used any more"
        ),
        Left::Mount => format!("unmount it: `umount {name}`, then start the restore again"),
        _ => format!(
            "move it away: `mv {name} {}`, then start the restore again",
            word(format!("{}.away", place.display()))
        ),
    }
}

fn in_the_way(place: &Path, why: &str) -> Failure {
    refused(format!("`{}` can't be restored: {why}", place.display()), "both can't be; nothing was changed")
        .help(format!(
            "move what is there away with `mv` or `umount {}`, then start the restore again",
            place.display()
        ))
}

/// Fails if this user can't exchange what is in a folder.
fn check_open(folder: &Folder, place: &Path) -> Result<()> {
    if accessat(folder, ".", Access::WRITE_OK | Access::EXEC_OK, AtFlags::EACCESS).is_ok() {
        return Ok(());
    }
    Err(not_allowed(place, "this user may not write it"))
}

/// Fails if this user can't move something into another folder: of a folder, what is in it must be open to the mover.
fn check_movable(folder: &Folder, name: &OsStr, place: &Path) -> Result<()> {
    let failed = || format!("`{}` can't be restored", place.display());
    let Some(found) = folder.about(name).or_fail(Kind::Refused, failed)? else { return Ok(()) };
    let own = geteuid();
    if own.is_root() || found.uid() == own.as_raw() || !found.is_dir() {
        return Ok(());
    }
    match accessat(folder, name, Access::WRITE_OK, AtFlags::EACCESS) {
        Ok(()) => Ok(()),
        Err(_) => Err(not_allowed(place, format!("it belongs to the user {}", found.uid()))),
    }
}
