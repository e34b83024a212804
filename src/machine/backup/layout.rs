//! The layout of archives that Hoss's own tool makes: they have no manifest, so their names say what they hold.
//! Source: hossadm 0.2.3, `backup.py`.

use crate::failure::{Failure, Kind, Result};
use crate::machine::archive::Entry;
use crate::machine::part::{Engine, Part};
use std::collections::{BTreeMap, BTreeSet};

/// The volumes by their folder in the archive.
const VOLUMES: [(&str, &str); 3] = [
    ("volumes/auth", "auth-secrets"),
    ("volumes/ldap-vol0", "ldap-vol0"),
    ("volumes/ldap-vol1", "ldap-vol1"),
];

/// The users and groups that own them: in the archive all is its administrator's, who could not read it otherwise.
/// Source: hossadm 0.2.3, `docker.py`, `restore_auth` and `restore_ldap`.
const OWNERS: [(&str, u64); 3] =
    [("volumes/auth", 1001), ("volumes/ldap-vol0", 911), ("volumes/ldap-vol1", 911)];

/// The owner, and the group, of a member where it is put back.
pub fn owner(member: &str) -> Option<u64> {
    let name = member.trim_start_matches("./");
    let is_in =
        |folder: &str| name.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
    OWNERS.iter().find(|(folder, _)| is_in(folder)).map(|(_, owner)| *owner)
}

/// So many of them are believed.
const MOST: usize = 1000;

/// The parts that an archive with these members holds.
pub fn parts(members: impl Iterator<Item = Result<Entry>>) -> Result<Vec<Part>> {
    let (mut configuration, mut databases) = (BTreeSet::new(), BTreeSet::new());
    let (mut volumes, mut has_search) = (BTreeSet::new(), false);
    for member in members {
        let member = member?;
        let name = member.name.trim_start_matches("./").trim_end_matches('/');
        let file = name.strip_prefix("config/").and_then(|rest| rest.split('/').next());
        configuration.extend(file.filter(|file| !file.is_empty()).map(str::to_owned));
        let database = name.strip_prefix("db/postgres-").and_then(|rest| rest.strip_suffix("-backup.dump"));
        databases.extend(database.map(|database| (name.to_owned(), database.to_owned())));
        volumes.extend(VOLUMES.into_iter().filter(|(volume, _)| name.starts_with(volume)));
        has_search |= name.starts_with("search/");
        if configuration.len() + databases.len() > MOST {
            let message =
                format!("the archive holds more than {MOST} files of the configuration and databases");
            return Err(Failure::new(Kind::Refused, message).help("take another one: no Hoss wrote this"));
        }
    }
    let mut parts = Vec::new();
    for name in configuration {
        parts.push(Part::Files { name: format!("config/{name}"), path: format!("~/.hoss/{name}") });
    }
    for (name, database) in databases {
        let (service, engine, rows) = ("db".into(), Engine::Postgres, BTreeMap::new());
        parts.push(Part::Database { name, service, database, engine, rows });
    }
    for (name, volume) in VOLUMES.into_iter().filter(|known| volumes.contains(known)) {
        parts.push(Part::Volume { name: name.into(), volume: volume.into() });
    }
    if has_search {
        parts.push(Part::Search {
            name: "search".into(),
            service: "opensearch".into(),
            port: 9200,
            folder: "~/.hoss/backup/.opensearch".into(),
            inside: "/mnt/snapshots".into(),
            snapshot: String::new(),
            documents: BTreeMap::new(),
            indices: BTreeSet::new(),
        });
    }
    Ok(parts)
}
