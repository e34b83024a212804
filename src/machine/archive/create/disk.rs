//! Puts what is on the disk into an archive.

use super::{Member, Writer};
use crate::failure::{Failure, Kind, Result};
use crate::machine::archive::changed::{Stamp, changed, settled};
use crate::machine::archive::estimate::refuse;
use crate::machine::archive::header::Attributes;
use crate::machine::archive::left::{Left, whole};
use crate::machine::archive::manifest::{Sort, text};
use crate::machine::files::unreadable;
use crate::machine::tree::{Found, Next, What, is_border, walk};
use std::collections::BTreeMap;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

impl Writer<'_> {
    /// A file, a link, or a folder with all that is in it, up to other mounts.
    pub(super) fn add_path(&mut self, name: &str, path: &Path) -> Result<()> {
        walk(&real(path), &mut |found| self.add_found(name, found))
    }

    fn add_found(&mut self, part: &str, found: &Found) -> Result<Next> {
        let name = whole(part, found.below.as_bytes());
        let shown = found.path.display();
        if let Some(left) = Left::of(found, part, self.own)? {
            // What was named itself must not be missing without a word.
            if found.below.is_empty() && !matches!(left, Left::NoFile | Left::Outward(_)) {
                return Err(refuse(found, &left));
            }
            if left != Left::Aside {
                self.leave_out(&name, &shown.to_string(), &left);
            }
            return Ok(Next::Pass);
        }
        let (Some(metadata), Some(sort)) = (found.metadata, sort(found.what)) else { return Ok(Next::Pass) };
        if !self.is_new(&name, found.path)? {
            return Ok(Next::Enter);
        }
        let attributes = Attributes::of(metadata, sort);
        let mut stamp = Stamp::of(metadata);
        let failed = |error| unreadable(error, format!("`{shown}` can't be read"));
        match sort {
            Sort::Folder => self.put(&[&name[..], b"/"].concat(), &[], &attributes, io::empty())?,
            Sort::Link => {
                let target = found.target().map_err(failed)?;
                self.put(&name, target.as_bytes(), &attributes, io::empty())?;
            }
            Sort::File => {
                let file = match found.open() {
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
                stamp = Stamp::of(&open);
                self.put(&name, &[], &Attributes::of(&open, sort), &file)?;
                if is_busy {
                    self.note_changed(text(&name));
                }
            }
        }
        if let Some(source) = self.from.get_mut(&name) {
            source.stamp = Some(stamp);
        }
        Ok(Next::Enter)
    }

    /// Looks once more at all that was read, and notes what changed since, or is gone.
    pub(super) fn look_again(&mut self, members: &[Member]) -> Result<()> {
        let mut read: BTreeMap<Vec<u8>, Stamp> = BTreeMap::new();
        read.extend(self.from.drain().filter_map(|(name, source)| Some((name, source.stamp?))));
        let own = self.own;
        for member in members {
            let Some(path) = member.path() else { continue };
            let mut look = |found: &Found| -> Result<Next> {
                let is_left = Left::of(found, &member.name, own)?.is_some();
                let name = whole(&member.name, found.below.as_bytes());
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
        for name in read.into_keys().map(|name| text(&name)) {
            self.note_changed(name);
        }
        if let Some(changed) = changed(&self.manifest.about.changed) {
            (self.watch.warn)(format!("in the backup, {changed}"));
        }
        Ok(())
    }

    /// Notes once that something changed while it was read.
    pub(super) fn note_changed(&mut self, name: String) {
        if self.noted.insert(name.clone()) {
            note(&mut self.manifest.about.changed, name);
        }
    }

    /// Leaves something out, and tells.
    pub(super) fn leave_out(&mut self, name: &[u8], shown: &str, left: &Left) {
        note(&mut self.manifest.about.not_included, text(name));
        (self.watch.warn)(format!("`{shown}` is not in the backup: {}", left.why()));
    }
}

/// The path with links resolved in all but its last part: two parts that overlap are then known to be of one place.
fn real(path: &Path) -> PathBuf {
    match (path.parent().map(Path::canonicalize), path.file_name()) {
        (Some(Ok(folder)), Some(name)) => folder.join(name),
        _ => path.to_owned(),
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
