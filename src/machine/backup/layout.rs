//! The layout of archives that Hoss's own tool makes: they have no manifest, so their names say what they hold.
//! Source: hossadm 0.2.3, `backup.py`.

use crate::machine::archive::Entry;
use crate::machine::part::Part;
use std::collections::{BTreeMap, BTreeSet};

/// The volumes by their folder in the archive.
const VOLUMES: [(&str, &str); 3] = [
    ("volumes/auth", "auth-secrets"),
    ("volumes/ldap-vol0", "ldap-vol0"),
    ("volumes/ldap-vol1", "ldap-vol1"),
];

/// The parts that such an archive holds.
pub fn parts(members: &[Entry]) -> Vec<Part> {
    let names: Vec<&str> =
        members.iter().map(|member| member.name.trim_start_matches("./").trim_end_matches('/')).collect();
    let mut parts = Vec::new();
    let configuration: BTreeSet<&str> = names
        .iter()
        .filter_map(|name| name.strip_prefix("config/")?.split('/').next())
        .filter(|name| !name.is_empty())
        .collect();
    for name in configuration {
        parts.push(Part::Files { name: format!("config/{name}"), path: format!("~/.hoss/{name}") });
    }
    for name in &names {
        let database = name.strip_prefix("db/postgres-").and_then(|rest| rest.strip_suffix("-backup.dump"));
        parts.extend(database.map(|database| Part::Database {
            name: name.to_string(),
            service: "db".into(),
            database: database.into(),
            rows: BTreeMap::new(),
        }));
    }
    for (name, volume) in
        VOLUMES.into_iter().filter(|(name, _)| names.iter().any(|found| found.starts_with(name)))
    {
        parts.push(Part::Volume { name: name.into(), volume: volume.into() });
    }
    if names.iter().any(|name| name.starts_with("search/")) {
        parts.push(Part::Search {
            name: "search".into(),
            service: "opensearch".into(),
            port: 9200,
            folder: "~/.hoss/backup/.opensearch".into(),
            inside: "/mnt/snapshots".into(),
            snapshot: String::new(),
            documents: BTreeMap::new(),
        });
    }
    parts
}
