//! SQLite databases among the files of a backup: each is held at one state while it is copied, with the log beside it.

use super::Writer;
use super::disk::note;
use crate::failure::{Failure, Kind, Result};
use crate::machine::archive::header::Attributes;
use crate::machine::archive::left::whole;
use crate::machine::archive::manifest::{Sort, text};
use crate::machine::files::unreadable;
use crate::machine::part::Part;
use crate::machine::sqlite::{self, Held, Hold, JOURNAL, LOG, SHARED, companion, copy_log, of_companion};
use crate::machine::tree::{Found, What};
use std::ffi::OsStr;
use std::fs::{File, Metadata};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{ErrorKind, Seek};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

impl Writer<'_> {
    /// Has SQLite hold a file at one state, if it is a database. One that can't be held is copied as any other file, and
    /// listed with the reason, unless no program has it open.
    pub(super) fn hold(
        &mut self,
        name: &[u8],
        found: &Found,
        file: &File,
        open: &Metadata,
    ) -> Result<Option<Hold>> {
        let failed = |error| unreadable(error, format!("`{}` can't be read", found.path.display()));
        let Some(mode) = sqlite::mode(file).map_err(failed)? else { return Ok(None) };
        self.databases.insert(name.to_vec(), false);
        let (folder, own) = found.folder().map_err(failed)?;
        let held = match Hold::begin(&folder, own, file, open, mode, self.watch.stop) {
            Err(error) if error.kind() == ErrorKind::Interrupted => {
                return Err(Failure::new(Kind::Interrupted, "the backup was interrupted"));
            }
            Err(error) => Held::Not(format!("SQLite can't be started: {error}")),
            Ok(held) => held,
        };
        match held {
            Held::Still(hold) => {
                self.databases.insert(name.to_vec(), true);
                Ok(Some(hold))
            }
            Held::Quiet => Ok(None),
            Held::Not(why) => {
                self.doubt(name, &why);
                Ok(None)
            }
        }
    }

    /// Lists what has a log as a database has, and does not begin as one: an encrypted one.
    fn doubt_unread(&mut self, database: &[u8], companion: &str, found: &Found) {
        let path = found.path.as_os_str().as_bytes().strip_suffix(companion.as_bytes()).unwrap_or_default();
        if companion != JOURNAL && Path::new(OsStr::from_bytes(path)).is_file() {
            self.databases.insert(database.to_vec(), false);
            self.doubt(database, "it has a log, and SQLite can't read it; it may be encrypted");
        }
    }

    /// Copies a database that is held, and its log, and lets it go.
    pub(super) fn put_held(&mut self, name: &[u8], found: &Found, file: &File, hold: Hold) -> Result<()> {
        let failed = |error| unreadable(error, format!("`{}` can't be read", found.path.display()));
        // As long as it is by now.
        let open = file.metadata().map_err(failed)?;
        self.is_held = true;
        let put = self.put_file(name, file, &open).and_then(|()| self.put_log(name, found, &hold));
        self.is_held = false;
        put?;
        if !hold.end() {
            self.doubt(
                name,
                "it was let go before it was copied: its writers can't wait longer, or SQLite ended",
            );
        }
        Ok(())
    }

    fn put_log(&mut self, name: &[u8], found: &Found, hold: &Hold) -> Result<()> {
        let failed =
            |error| unreadable(error, format!("the log of `{}` can't be read", found.path.display()));
        let (folder, own) = found.folder().map_err(failed)?;
        let Some((log, of)) = hold.log(&folder, own).map_err(failed)? else { return Ok(()) };
        let mut copy = copy_log(&log, self.folder).map_err(failed)?;
        copy.rewind().map_err(failed)?;
        let size = copy.metadata().map_err(failed)?.len();
        let name = [name, LOG.as_bytes()].concat();
        let path = companion(found.path.as_os_str(), LOG);
        if self.is_new(&name, Path::new(&path))? {
            self.put(&name, &[], &Attributes { size, ..Attributes::of(&of, Sort::File) }, copy)?;
        }
        Ok(())
    }

    /// Whether something belongs to a database that was found before it, and is copied with it or not at all.
    pub(super) fn is_copied_with_another(&mut self, name: &[u8], found: &Found) -> bool {
        let Some((database, companion)) = of_companion(OsStr::from_bytes(name)) else { return false };
        let Some(is_held) = self.databases.get(database.as_bytes()) else {
            self.doubt_unread(database.as_bytes(), companion, found);
            return false;
        };
        found.what == What::File && (*is_held || companion == SHARED)
    }

    /// Adds what belongs to a database that was named itself: its folder is not in the backup.
    pub(super) fn add_companions(&mut self, part: &str, found: &Found) -> Result<()> {
        if !found.below.is_empty() || !self.databases.contains_key(part.as_bytes()) {
            return Ok(());
        }
        for what in [LOG, JOURNAL] {
            let (name, path) = (format!("{part}{what}"), companion(found.path.as_os_str(), what));
            let path = Path::new(&path);
            let is_copied = self.from.contains_key(name.as_bytes());
            let is_wanted = is_copied || !self.databases[part.as_bytes()] && path.symlink_metadata().is_ok();
            if !is_wanted {
                continue;
            }
            let parts = &mut self.manifest.about.parts;
            let written = parts.iter().find_map(|known| match known {
                Part::Files { name, path } if name == part => Some(path.clone()),
                _ => None,
            });
            if let Some(written) = written
                && !parts.iter().any(|known| known.name() == name)
            {
                parts.push(Part::Files { name: name.clone(), path: format!("{written}{what}") });
            }
            if !is_copied {
                self.add_path(&name, path)?;
                self.beside.push((name, path.to_owned()));
            }
        }
        Ok(())
    }

    /// Lists a database that SQLite did not hold while it was copied.
    fn doubt(&mut self, name: &[u8], why: &str) {
        note(&mut self.manifest.about.unheld, format!("`{}` ({why})", text(name)));
    }

    /// Takes up the name of something for its folder.
    pub(super) fn count_name(names: &mut super::Names, part: &str, found: &Found) {
        let below = Path::new(found.below);
        let Some(name) = below.file_name() else { return };
        // These come and go with each transaction.
        if of_companion(name).is_some() {
            return;
        }
        let around = below.parent().map(|around| around.as_os_str().as_bytes()).unwrap_or_default();
        let mut hasher = DefaultHasher::new();
        (name, found.what == What::Folder).hash(&mut hasher);
        let sum = names.entry(whole(part, around)).or_default();
        *sum = sum.wrapping_add(hasher.finish());
    }

    /// Whether a folder changed only because a database in it was used: that has the same names otherwise.
    pub(super) fn is_only_used(&self, folder: &[u8], again: &super::Names) -> bool {
        let is_in = |database: &[u8]| {
            let rest = database.strip_prefix(folder).and_then(|rest| rest.strip_prefix(b"/"));
            rest.is_some_and(|rest| !rest.contains(&b'/'))
        };
        let has_held = self.databases.iter().any(|(database, is_held)| *is_held && is_in(database));
        has_held && self.names.get(folder) == again.get(folder)
    }
}
