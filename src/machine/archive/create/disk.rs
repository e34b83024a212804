//! Puts what is on the disk into an archive.

use super::{Member, Names, Writer};
use crate::failure::{Failure, Kind, Result};
use crate::machine::archive::changed::{Stamp, doubts, settled, several};
use crate::machine::archive::header::Attributes;
use crate::machine::archive::left::{Left, Own, real, refuse, whole};
use crate::machine::archive::manifest::{Sort, text};
use crate::machine::archive::pax;
use crate::machine::archive::sparse::Map;
use crate::machine::files::unreadable;
use crate::machine::part::Part;
use crate::machine::tree::{Extended, Found, Next, What, is_border, walk};
use std::collections::BTreeMap;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

impl<'a> Writer<'a> {
    /// A file, a link, or a folder with all that is in it, up to other mounts.
    pub(super) fn add_path(&mut self, name: &str, path: &Path) -> Result<()> {
        walk(&real(path), &mut |found| self.add_found(name, found))
    }

    fn add_found(&mut self, part: &str, found: &Found) -> Result<Next> {
        let name = whole(part, found.below.as_bytes());
        let shown = found.path.display();
        Self::count_name(&mut self.names, part, found);
        if let Some(left) = Left::of(found, part, self.own_of(part))? {
            // What was named itself must not be missing without a word.
            if found.below.is_empty() && !matches!(left, Left::NoFile | Left::Outward(_)) {
                return Err(refuse(found, &left));
            }
            if let Left::Excluded(pattern) = left {
                *self.excluded.entry(pattern).or_default() += 1;
            } else if left != Left::Aside {
                self.leave_out(&name, &shown.to_string(), &left);
            }
            return Ok(Next::Pass);
        }
        let (Some(metadata), Some(sort)) = (found.metadata, sort(found.what)) else { return Ok(Next::Pass) };
        if self.is_copied_with_another(&name, found) {
            return Ok(Next::Pass);
        }
        if !self.is_new(&name, found.path)? {
            return Ok(Next::Enter);
        }
        let mut attributes = Attributes::of(metadata, sort);
        let mut stamp = Stamp::of(metadata);
        let failed = |error| unreadable(error, format!("`{shown}` can't be read"));
        if metadata.mtime() < 0 {
            self.lose(&name, "its time, which is before 1970");
        }
        // That it vanished since it was looked at, its folder shows: that has changed.
        let is_gone = |error: &io::Error| error.kind() == ErrorKind::NotFound && !found.below.is_empty();
        match sort {
            Sort::Folder => {
                let extended = match found.extended() {
                    Err(error) if is_gone(&error) => return Ok(Next::Pass),
                    extended => extended.map_err(failed)?,
                };
                self.keep_extended(&name, &mut attributes, extended);
                self.put(&[&name[..], b"/"].concat(), &[], &attributes, io::empty())?;
            }
            Sort::Link => {
                let target = match found.target() {
                    Err(error) if is_gone(&error) => return Ok(Next::Pass),
                    target => target.map_err(failed)?,
                };
                self.put(&name, target.as_bytes(), &attributes, io::empty())?;
            }
            Sort::File => {
                let file = match found.open() {
                    Err(error) if is_gone(&error) => return Ok(Next::Pass),
                    // Something was mounted on it since it was looked at.
                    Err(error) if is_border(&error) => {
                        self.leave_out(&name, &shown.to_string(), &Left::Mount);
                        return Ok(Next::Pass);
                    }
                    file => file.map_err(failed)?,
                };
                let (open, is_busy) = settled(&file, self.begun).map_err(failed)?;
                if !open.is_file() {
                    return Err(Failure::new(Kind::Refused, format!("`{shown}` changed while it was read")));
                }
                let is_again = self.inodes.contains_key(&(open.dev(), open.ino()));
                let hold = if is_again { None } else { self.hold(&name, found, &file, &open)? };
                if let Some(hold) = hold {
                    self.put_held(&name, found, &file, hold)?;
                    self.add_companions(part, found)?;
                    return Ok(Next::Enter);
                }
                stamp = Stamp::of(&open);
                self.put_file(&name, &file, &open)?;
                if is_busy {
                    self.note_changed(text(&name));
                }
                self.add_companions(part, found)?;
            }
        }
        if let Some(source) = self.from.get_mut(&name) {
            source.stamp = Some(stamp);
        }
        Ok(Next::Enter)
    }

    pub(super) fn put_file(&mut self, name: &[u8], file: &File, open: &Metadata) -> Result<()> {
        let failed = |error| unreadable(error, format!("`{}` can't be read", text(name)));
        let mut attributes = Attributes::of(open, Sort::File);
        if open.nlink() > 1 {
            let first = self.inodes.entry((open.dev(), open.ino())).or_insert_with(|| name.to_vec()).clone();
            match first == name {
                true => {}
                false if self.is_plain => {
                    self.lose(name, &format!("that it is another name of `{}`", text(&first)));
                }
                false => {
                    (attributes.is_again, attributes.size) = (true, 0);
                    let first = [self.prefix.as_bytes(), &first].concat();
                    return self.put(name, &first, &attributes, io::empty());
                }
            }
        }
        self.keep_extended(name, &mut attributes, Extended::of(file).map_err(failed)?);
        attributes.map = if self.is_plain { None } else { Map::of(file, open).map_err(failed)? };
        match attributes.map.clone() {
            None => self.put(name, &[], &attributes, file),
            Some(map) => {
                attributes.size = map.stored();
                self.put(name, &[], &attributes, map.content(file))
            }
        }
    }

    /// Takes up what the archive can hold of extended attributes.
    fn keep_extended(&mut self, name: &[u8], attributes: &mut Attributes, found: (Extended, usize)) {
        let (extended, odd) = found;
        if odd > 0 {
            self.lose(name, "extended attributes whose names are not UTF-8");
        }
        let bytes: usize = extended.0.iter().map(|(name, value)| name.len() + value.len()).sum();
        let names = || extended.0.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        match () {
            () if extended.is_empty() => {}
            () if self.is_plain => self.lose(name, &names()),
            // With some room for what else is said.
            () if bytes > pax::MOST / 3 => self.lose(name, &format!("{}, which are too long", names())),
            () => attributes.extended = extended,
        }
    }

    /// Notes what can't be kept of something.
    fn lose(&mut self, name: &[u8], what: &str) {
        note(&mut self.manifest.about.lost, format!("`{}`: {what}", text(name)));
    }

    /// Looks once more at all that was read, and notes what changed since, or is gone.
    pub(super) fn look_again(&mut self, members: &[Member]) -> Result<()> {
        let mut read: BTreeMap<Vec<u8>, Stamp> = BTreeMap::new();
        read.extend(self.from.drain().filter_map(|(name, source)| Some((name, source.stamp?))));
        let mut names = Names::new();
        let beside = self.beside.iter().map(|(name, path)| (name.as_str(), path.as_path()));
        let members = members.iter().filter_map(|member| Some((member.name.as_str(), member.path()?)));
        for (part, path) in members.chain(beside) {
            let own = self.own_of(part);
            let mut look = |found: &Found| -> Result<Next> {
                Self::count_name(&mut names, part, found);
                let is_left = Left::of(found, part, own)?.is_some();
                let name = whole(part, found.below.as_bytes());
                // What is not here came since: its folder has changed, too. Or it was part of another member.
                if let Some(before) = read.get(&name)
                    && found.metadata.map(Stamp::of) == Some(*before)
                {
                    read.remove(&name);
                }
                match (self.watch.stop)() {
                    true => Err(Failure::new(Kind::Interrupted, "the backup was interrupted")),
                    false => Ok(if is_left { Next::Pass } else { Next::Enter }),
                }
            };
            match walk(&real(path), &mut look) {
                // It is gone, and so is noted below.
                Err(failure) if failure.kind == Kind::NotFound => {}
                looked => looked?,
            }
        }
        read.retain(|name, _| !self.is_only_used(name, &names));
        for name in read.into_keys().map(|name| text(&name)) {
            self.note_changed(name);
        }
        // Some were noted when they were read, others only now.
        self.manifest.about.changed.sort();
        let about = &self.manifest.about;
        if let Some(doubts) = doubts(&about.changed, &about.unheld) {
            (self.watch.warn)(format!("in the backup, {doubts}"));
        }
        if let Some(lost) = several(&self.manifest.about.lost) {
            (self.watch.warn)(format!("the backup can't keep {lost}"));
        }
        Ok(())
    }

    /// Notes once that something changed while it was read.
    pub(super) fn note_changed(&mut self, name: String) {
        if self.noted.insert(name.clone()) {
            note(&mut self.manifest.about.changed, name);
        }
    }

    /// What is left out of a member. Patterns are of files: a snapshot would be none without a part of it.
    fn own_of(&self, member: &str) -> &'a Own {
        let of = |part: &&Part| part.name() == member;
        let part = self.manifest.about.parts.iter().find(of);
        if part.is_some_and(|part| !part.is_files()) { self.folders } else { self.own }
    }

    /// Leaves something out, and tells.
    pub(super) fn leave_out(&mut self, name: &[u8], shown: &str, left: &Left) {
        note(&mut self.manifest.about.not_included, text(name));
        (self.watch.warn)(format!("`{shown}` is not in the backup: {}", left.why()));
    }
}

fn sort(what: What) -> Option<Sort> {
    match what {
        What::File => Some(Sort::File),
        What::Folder => Some(Sort::Folder),
        What::Link => Some(Sort::Link),
        What::Other | What::Border => None,
    }
}

/// So many names are listed of what is left out, or changed meanwhile: the manifest has room for these. All are told.
const LISTED: usize = 1000;

/// Adds a name to a list of the manifest.
pub(super) fn note(list: &mut Vec<String>, name: String) {
    match list.len() {
        ..LISTED => list.push(name),
        LISTED => list.push("and more".to_owned()),
        _ => {}
    }
}
