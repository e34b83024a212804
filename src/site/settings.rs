//! The settings file of a server.

use super::{FILE, Server};
use crate::failure::{Failure, Kind, Result};
use crate::machine::env_file::EnvFile;
use std::path::PathBuf;

impl Server {
    /// The settings: of the file given, of the one of the site, or of the one that its kind always has.
    pub fn settings(&self, given: Option<&str>) -> Result<EnvFile> {
        EnvFile::read(&self.settings_file(given)?, self.variables())
    }

    pub fn settings_file(&self, given: Option<&str>) -> Result<PathBuf> {
        match (given, &self.env_file) {
            (Some(given), _) => Ok(self.path(given)),
            (None, Some(file)) => Ok(self.path(&file.to_string_lossy())),
            (None, None) if self.kind == "hoss" => Ok(self.path("~/.hoss/.env")),
            (None, None) => Err(Failure::new(Kind::Invalid, format!("`{}` has no settings file", self.name))
                .help(format!("write `env_file` into its table in `{FILE}`, or give the option `file`"))),
        }
    }
}
