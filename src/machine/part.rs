//! What a backup is made of: enough is said of each part to check it and to put it back.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A part of a backup. `name` is where it is in the archive.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Part {
    /// A file, or a folder with all that is in it. `path` is as it was written: `~` is the server's home, and a
    /// relative path is in the checkout.
    Files { name: String, path: String },
    /// A volume of the Compose project. `volume` is its name in the Compose files.
    Volume { name: String, volume: String },
    /// A PostgreSQL database, as `pg_dump -Fc` writes it.
    Database {
        name: String,
        /// The service whose container runs PostgreSQL.
        service: String,
        database: String,
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
    },
    /// What a command printed; it is kept to be looked at, and nothing puts it back.
    Output { name: String },
}

impl Part {
    /// As in the manifest.
    pub fn kind(&self) -> &'static str {
        match self {
            Part::Files { .. } => "files",
            Part::Volume { .. } => "volume",
            Part::Database { .. } => "database",
            Part::Search { .. } => "search",
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
            | Part::Output { name } => name,
        }
    }
}
