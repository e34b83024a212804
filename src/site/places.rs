//! The places that a restore of a server may replace.

use super::{HOSS, MASTODON, PLAIN, Server};
use crate::failure::Result;
use crate::machine::backup::{Places, store};
use crate::machine::part::Part;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Facts of WyssCenter/hybrid-object-store: what its own tool backs up of `~/.hoss`.
const OF_HOSS: [&str; 7] = [".env", "traefik.yaml", "core", "auth", "sync", "opensearch", "ui"];

/// Where `make env` has it, unless its administrator says otherwise.
const BACKUP_ROOT: &str = "~/.hoss/backup";

impl Server {
    /// Those of `backup` in `site.toml`, those that its kind always has, and those `given` by a script, in the form of
    /// `backup`.
    pub fn places(&self, given: &[String]) -> Places {
        let own = self.backup.iter().chain(given).map(|path| self.path(path));
        Places {
            server: self.name.clone(),
            paths: own.chain(self.places_of_kind()).collect(),
            stores: (self.kind == PLAIN).then(|| self.stores()),
        }
    }

    /// The stores that the site names, in the words of [`store`].
    fn stores(&self) -> Vec<String> {
        let rows = BTreeMap::new();
        let databases = self.databases.iter().cloned().map(|asked| Part::Database {
            name: asked.name,
            service: asked.service,
            database: asked.database,
            engine: asked.engine,
            rows: rows.clone(),
        });
        let redis = self.redis.iter().cloned().map(|it| Part::Redis { name: it.name, service: it.service });
        let volumes =
            self.volumes.iter().cloned().map(|it| Part::Volume { name: it.name, volume: it.volume });
        databases.chain(redis).chain(volumes).filter_map(|part| store(&part)).collect()
    }

    /// Fails with [`Kind::Refused`](crate::failure::Kind) if a part of `archive` is none of its places. Of a kind of the
    /// site's own only its scripts know all of them: then this says nothing.
    pub fn check_places(&self, parts: &[Part], archive: &Path) -> Result<()> {
        match [HOSS, MASTODON, PLAIN].contains(&self.kind.as_str()) {
            true => self.places(&[]).check(parts, archive, &|path| self.path(path)),
            false => Ok(()),
        }
    }

    /// Where a Hoss server has its backups, and its services what they need for them.
    pub(super) fn backup_root_of_hoss(&self) -> PathBuf {
        let settings = self.settings(None).ok();
        let root = settings.and_then(|settings| settings.get("BACKUP_ROOT").ok().flatten());
        self.path(root.as_deref().filter(|root| !root.is_empty()).unwrap_or(BACKUP_ROOT))
    }

    fn places_of_kind(&self) -> Vec<PathBuf> {
        match self.kind.as_str() {
            HOSS => {
                // What its own tool backed up does not say where: then where a new server has it.
                let roots = [self.backup_root_of_hoss(), self.path(BACKUP_ROOT)];
                let search = roots.map(|root| root.join(".opensearch"));
                OF_HOSS.iter().map(|name| self.path(&format!("~/.hoss/{name}"))).chain(search).collect()
            }
            MASTODON => {
                let settings = self.env_file.as_ref().map(|file| self.path(&file.to_string_lossy()));
                let settings = settings.unwrap_or_else(|| self.path(".env.production"));
                vec![settings, self.path("public/system")]
            }
            _ => Vec::new(),
        }
    }
}
