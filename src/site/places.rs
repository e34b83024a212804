//! The places that a restore of a server may replace.

use super::Server;
use crate::failure::Result;
use crate::kind::Stores;
use crate::machine::backup::{NamedStore, Places};
use crate::machine::part::Part;
use std::path::{Path, PathBuf};

impl Server {
    /// Those of `backup` in `site.toml`, those that its kind always has, and those `given` by a script, in the form of
    /// `backup`.
    pub fn places(&self, given: &[String]) -> Places {
        let written = self.backup.iter().chain(given);
        // Of a link to a file, that is what a backup holds.
        let own = written.flat_map(|path| [Some(self.path(path)), self.linked_file(path)]).flatten();
        Places {
            server: self.name.clone(),
            paths: own.chain(self.places_of_kind()).collect(),
            stores: self.restores_what_the_site_names().then(|| self.stores()),
        }
    }

    fn stores(&self) -> Vec<NamedStore> {
        let databases = self
            .databases
            .iter()
            .cloned()
            .map(|asked| NamedStore::Database { service: asked.service, database: asked.database });
        let redis = self.redis.iter().cloned().map(|asked| NamedStore::Redis(asked.service));
        let volumes = self.volumes.iter().cloned().map(|asked| NamedStore::Volume(asked.volume));
        databases.chain(redis).chain(volumes).collect()
    }

    /// Fails with [`Kind::Refused`](crate::failure::Kind) if a part of `archive` is none of its places. Of a kind of the
    /// site's own only its scripts know all of them: then this says nothing.
    pub fn check_places(&self, parts: &[Part], archive: &Path) -> Result<()> {
        match self.facts.restores.is_some() {
            true => self.places(&[]).check(parts, archive, &|path| self.path(path)),
            false => Ok(()),
        }
    }

    /// Whether all stores that a restore may replace are in its table in `site.toml`, as all are that a backup holds.
    pub fn restores_what_the_site_names(&self) -> bool {
        self.facts.restores.as_ref().is_some_and(|restores| restores.stores == Stores::Site)
    }

    /// The file that a link leads to, if there is a link to a file.
    pub fn linked_file(&self, written: &str) -> Option<PathBuf> {
        let path = self.path(written);
        let is_link = path.symlink_metadata().is_ok_and(|found| found.is_symlink());
        path.canonicalize().ok().filter(|target| is_link && target.is_file())
    }

    fn places_of_kind(&self) -> impl Iterator<Item = PathBuf> {
        let paths = self.facts.restores.iter().flat_map(|restores| &restores.paths);
        let own = paths.map(|path| self.expanded(path));
        // As of those of the site: a `.env` may be a link to one that several projects share.
        own.flat_map(|path| [self.linked_file(&path.to_string_lossy()), Some(path)]).flatten()
    }
}
