//! What a backup is made of: enough is said of each part to check it and to put it back.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// A part of a backup. `name` is where it is in the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Part {
    /// A file, or a folder with all that is in it. `path` is as it was written: `~` is the server's home, and a
    /// relative path is in the checkout.
    Files { name: String, path: String },
    /// A volume of the Compose project. `volume` is its name in the Compose files.
    Volume { name: String, volume: String },
    /// A database: of PostgreSQL as `pg_dump -Fc` writes it, of MariaDB and MySQL as SQL.
    Database {
        name: String,
        /// The service whose container runs the database's server.
        service: String,
        database: String,
        #[serde(default, skip_serializing_if = "Engine::is_default")]
        engine: Engine,
        /// How many rows each table has in the dump.
        #[serde(default)]
        rows: BTreeMap<String, u64>,
    },
    /// A snapshot repository of OpenSearch or Elasticsearch, with one snapshot.
    Search {
        name: String,
        service: String,
        /// In its container.
        port: u16,
        /// The folder under which the service may have repositories: on this server, and in its container.
        folder: String,
        inside: String,
        snapshot: String,
        /// How many documents each index has.
        #[serde(default)]
        documents: BTreeMap<String, u64>,
        /// All that the snapshot holds.
        #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
        indices: BTreeSet<String>,
    },
    /// All that a Redis service holds, as an RDB file.
    Redis { name: String, service: String },
    /// What a command printed. The site, and never the backup, says what loads it.
    Output { name: String },
}

/// Which server of databases it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Engine {
    #[default]
    #[serde(alias = "postgresql")]
    Postgres,
    /// MariaDB, and MySQL, which has the same protocol and the same programs under other names.
    #[serde(alias = "mysql")]
    MariaDb,
}

impl Engine {
    /// So that what is as it always was is written as it always was.
    pub fn is_default(&self) -> bool {
        *self == Engine::default()
    }
}

impl Part {
    /// As in the manifest.
    pub fn kind(&self) -> &'static str {
        match self {
            Part::Files { .. } => "files",
            Part::Volume { .. } => "volume",
            Part::Database { .. } => "database",
            Part::Search { .. } => "search",
            Part::Redis { .. } => "redis",
            Part::Output { .. } => "output",
        }
    }

    pub fn is_files(&self) -> bool {
        matches!(self, Part::Files { .. })
    }

    /// Where it is in the archive.
    pub fn name(&self) -> &str {
        match self {
            Part::Files { name, .. }
            | Part::Volume { name, .. }
            | Part::Database { name, .. }
            | Part::Search { name, .. }
            | Part::Redis { name, .. }
            | Part::Output { name } => name,
        }
    }
}
