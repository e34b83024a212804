//! Where a restore may put things: the site and the kind of a server say that, never the backup.

use crate::failure::{Failure, Kind, Result};
use crate::machine::part::Part;
use crate::machine::sqlite::of_companion;
use std::fmt;
use std::path::{Component, Path, PathBuf};

/// The key of `site.toml` that lists files and folders.
const PATHS: &str = "backup";

/// The places of a server.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The server's name.
    pub server: String,
    /// Files and folders; what is in them is allowed, too.
    pub paths: Vec<PathBuf>,
    /// Absent if only a script knows them.
    pub stores: Option<Vec<NamedStore>>,
}

/// What the site names that is no path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NamedStore {
    Volume(String),
    Database { service: String, database: String },
    Redis(String),
}

impl NamedStore {
    /// Where a part is put back; nothing for what is put elsewhere.
    pub fn of(part: &Part) -> Option<NamedStore> {
        match part {
            Part::Volume { volume, .. } => Some(NamedStore::Volume(volume.clone())),
            Part::Database { service, database, .. } => {
                Some(NamedStore::Database { service: service.clone(), database: database.clone() })
            }
            Part::Redis { service, .. } => Some(NamedStore::Redis(service.clone())),
            Part::Files { .. } | Part::Search { .. } | Part::Output { .. } => None,
        }
    }

    /// The key of `site.toml` that lists such ones.
    fn key(&self) -> &'static str {
        match self {
            NamedStore::Volume(_) => "volumes",
            NamedStore::Database { .. } => "databases",
            NamedStore::Redis(_) => "redis",
        }
    }
}

impl fmt::Display for NamedStore {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        match self {
            NamedStore::Volume(name) => write!(formatter, "volume {name}"),
            NamedStore::Database { service, database } => {
                write!(formatter, "database {database} of {service}")
            }
            NamedStore::Redis(service) => write!(formatter, "redis {service}"),
        }
    }
}

impl Places {
    /// Fails with [`Kind::Refused`] if there is none, or if a part of `archive` would be put where nothing of the server is. `path` finds a
    /// path as the backup writes it.
    pub fn check(&self, parts: &[Part], archive: &Path, path: &dyn Fn(&str) -> PathBuf) -> Result<()> {
        if parts.is_empty() {
            let message = format!("the archive `{}` holds nothing that can be restored", archive.display());
            return Err(Failure::new(Kind::Refused, message)
                .why("it has no manifest, and no layout that a kind of servers knows")
                .help("take another backup, see `banister backup list`"));
        }
        for part in parts {
            let is_foreign =
                |store: &NamedStore| self.stores.as_ref().is_some_and(|own| !own.contains(store));
            if let Some(store) = NamedStore::of(part).filter(is_foreign) {
                return Err(self.refuse(&store.to_string(), store.key(), archive));
            }
            let written = match part {
                Part::Files { path, .. } => path,
                Part::Search { folder, .. } => folder,
                Part::Volume { volume: name, .. } if !is_name(name) => name,
                Part::Database { database: name, .. } if !is_name(name) => name,
                Part::Database { service: name, .. } | Part::Redis { service: name, .. }
                    if !is_name(name) =>
                {
                    name
                }
                _ => continue,
            };
            let is_plain = matches!(part, Part::Files { .. } | Part::Search { .. });
            if !is_plain || !self.has(&path(written)) {
                return Err(self.refuse(written, PATHS, archive));
            }
        }
        Ok(())
    }

    fn has(&self, path: &Path) -> bool {
        // What goes upwards could lead anywhere.
        let is_straight = !path.components().any(|part| part == Component::ParentDir);
        // What belongs to a database that is a place is one, too.
        let database = of_companion(path.as_os_str()).map(|(database, _)| Path::new(database));
        let has = |place: &PathBuf| {
            path.starts_with(place) || database.is_some_and(|database| database == place && !place.is_dir())
        };
        is_straight && path.is_absolute() && self.paths.iter().any(has)
    }

    /// `key` is that of `site.toml` that lists what is like it.
    fn refuse(&self, written: &str, key: &str, archive: &Path) -> Failure {
        let server = &self.server;
        let message = format!("`{written}` in the archive `{}` is no place of `{server}`", archive.display());
        let mut places: Vec<String> = self.paths.iter().map(|path| format!("`{}`", path.display())).collect();
        places.extend(self.stores.iter().flatten().map(|store| format!("`{store}`")));
        let has = if places.is_empty() { "none".to_owned() } else { places.join(", ") };
        let moved = match key {
            PATHS => {
                "; if that data is elsewhere now, do so until it is restored, then move it there with `mv`"
            }
            _ => "",
        };
        Failure::new(Kind::Refused, message).why(format!("nothing was restored; its places are {has}")).help(format!(
            "take another backup, see `banister backup list`; if it is data of `{server}`, add it to `{key}` in \
             `site.toml`{moved}"
        ))
    }
}

/// Whether it is a name, and leads nowhere.
fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.starts_with('-') && !name.contains(['/', '\0', ',', ':', '='])
}
