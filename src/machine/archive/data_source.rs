//! What a backup takes data from, as far as it notes how much there was.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How the text of a volume begins.
const VOLUME: &str = "volume ";

/// A file, a folder or a volume: its path as it was written, or `volume NAME`. That is also how it is stored, and sorted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DataSource(String);

impl DataSource {
    pub fn path(written: impl Into<String>) -> DataSource {
        DataSource(written.into())
    }

    /// `name` is that in the Compose files.
    pub fn volume(name: &str) -> DataSource {
        DataSource(format!("{VOLUME}{name}"))
    }

    /// The name of the volume, if it is one.
    pub fn as_volume(&self) -> Option<&str> {
        self.0.strip_prefix(VOLUME)
    }

    /// As `site.toml` names it: a path, or a volume by its name alone.
    pub fn written(&self) -> &str {
        self.as_volume().unwrap_or(&self.0)
    }
}

impl fmt::Display for DataSource {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}
