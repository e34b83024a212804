//! Where a restore may put things: the site and the kind of a server say that, never the backup.

use crate::failure::{Failure, Kind, Result};
use crate::machine::part::Part;
use crate::machine::sqlite::of_companion;
use std::path::{Component, Path, PathBuf};

/// The places of a server.
#[derive(Clone, Debug, Default)]
pub struct Places {
    /// The server's name.
    pub server: String,
    /// Files and folders; what is in them is allowed, too.
    pub paths: Vec<PathBuf>,
    /// Volumes, databases and Redis services, each as [`store`] writes it; absent if only a script knows them.
    pub stores: Option<Vec<String>>,
}

/// A volume, a database or a Redis service, in words; nothing for other parts.
pub fn store(part: &Part) -> Option<String> {
    match part {
        Part::Volume { volume, .. } => Some(format!("volume {volume}")),
        Part::Database { service, database, .. } => Some(format!("database {database} of {service}")),
        Part::Redis { service, .. } => Some(format!("redis {service}")),
        _ => None,
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
            let named = store(part).filter(|name| self.stores.as_ref().is_some_and(|it| !it.contains(name)));
            if let Some(name) = named {
                return Err(self.refuse(&name, archive));
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
                return Err(self.refuse(written, archive));
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

    fn refuse(&self, written: &str, archive: &Path) -> Failure {
        let server = &self.server;
        let message = format!("`{written}` in the archive `{}` is no place of `{server}`", archive.display());
        let mut places: Vec<String> = self.paths.iter().map(|path| format!("`{}`", path.display())).collect();
        places.extend(self.stores.iter().flatten().map(|store| format!("`{store}`")));
        let has = if places.is_empty() { "none".to_owned() } else { places.join(", ") };
        let key = match written.split(' ').next() {
            Some("database") => "databases",
            Some("redis") => "redis",
            Some("volume") => "volumes",
            _ => "backup",
        };
        let moved = match key {
            "backup" => {
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
