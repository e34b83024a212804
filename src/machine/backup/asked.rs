//! What a backup is to hold. A part that is given no name in the archive has one that says what it is.

use crate::command::Spec;
use crate::machine::part::Engine;
use serde::{Deserialize, Serialize};

/// What a backup is to hold.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub files: Vec<AskedFiles>,
    pub volumes: Vec<AskedVolume>,
    pub databases: Vec<AskedDatabase>,
    pub redis: Vec<AskedRedis>,
    pub search: Option<AskedSearch>,
    /// What the snapshot of the search service is called.
    pub snapshot: String,
    /// Commands whose output is kept, by the member's name.
    pub outputs: Vec<(String, Spec)>,
    /// Texts, by the member's name.
    pub texts: Vec<(String, String)>,
}

/// A file, or a folder with all that is in it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedFiles {
    pub name: String,
    /// As it was written.
    pub path: String,
}

/// A volume of the Compose project.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedVolume {
    #[serde(default)]
    pub name: String,
    /// Its name in the Compose files.
    pub volume: String,
    /// A command that prints the same before and after the copy, unless something was written meanwhile: then the
    /// volume is copied again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub steady: Option<Vec<String>>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedDatabase {
    #[serde(default)]
    pub name: String,
    pub service: String,
    pub database: String,
    #[serde(default, skip_serializing_if = "Engine::is_default")]
    pub engine: Engine,
}

/// All that a Redis service holds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedRedis {
    #[serde(default)]
    pub name: String,
    pub service: String,
}

/// The indices of a search service. `folder` and `inside` are where it may have repositories, on this machine and in
/// its container.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskedSearch {
    pub name: String,
    pub service: String,
    pub port: u16,
    pub folder: String,
    pub inside: String,
}

fn name_or(given: &str, otherwise: impl FnOnce() -> String) -> String {
    if given.is_empty() { otherwise() } else { given.to_owned() }
}

impl AskedVolume {
    pub fn named(self) -> AskedVolume {
        AskedVolume { name: name_or(&self.name, || format!("volumes/{}", self.volume)), ..self }
    }
}

impl AskedDatabase {
    pub fn named(self) -> AskedDatabase {
        let ending = match self.engine {
            Engine::Postgres => "dump",
            Engine::MariaDb => "sql",
        };
        AskedDatabase {
            name: name_or(&self.name, || format!("databases/{}.{ending}", self.database)),
            ..self
        }
    }
}

impl AskedRedis {
    pub fn named(self) -> AskedRedis {
        AskedRedis { name: name_or(&self.name, || format!("databases/{}.rdb", self.service)), ..self }
    }
}
