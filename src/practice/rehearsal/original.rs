//! The server of a site that is rehearsed for.

use std::path::PathBuf;

/// The server of a site that is rehearsed for.
#[derive(Clone, Debug)]
pub struct Original {
    /// The site's folder.
    pub folder: PathBuf,
    /// The server's name.
    pub name: String,
    /// Its table in `site.toml`.
    pub table: toml::Table,
}

impl Original {
    pub fn kind(&self) -> &str {
        self.table.get("kind").and_then(toml::Value::as_str).unwrap_or_default()
    }
}
