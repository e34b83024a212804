//! The settings file of a server.

use super::{FILE, Server};
use crate::failure::{Failure, Kind, Result};
use crate::kind::filled;
use crate::machine::env_file::EnvFile;
use std::path::PathBuf;

impl Server {
    /// The settings: of the file given, of the one of the site, or of the one that its kind always has.
    pub fn settings(&self, given: Option<&str>) -> Result<EnvFile> {
        EnvFile::read(&self.settings_file(given)?, self.dialect.unwrap_or_default(), self.variables())
    }

    pub fn settings_file(&self, given: Option<&str>) -> Result<PathBuf> {
        match (given, &self.env_file) {
            (Some(given), _) => Ok(self.path(given)),
            (None, Some(file)) => Ok(self.path(&file.to_string_lossy())),
            (None, None) => Err(Failure::new(Kind::Invalid, format!("`{}` has no settings file", self.name))
                .help(format!("write `env_file` into its table in `{FILE}`, or give the option `file`"))),
        }
    }

    /// A path as `kind.toml` writes it, with the settings that it names: `${NAME:-DEFAULT}`, and `${env_file}`, the settings
    /// file.
    pub(super) fn expanded(&self, written: &str) -> PathBuf {
        let mut settings = None;
        let value = |name: &str| match (name, &self.env_file) {
            ("env_file", file) => file.as_ref().map(|file| file.to_string_lossy().into_owned()),
            // A server that is to be restored may have no settings yet.
            _ => settings
                .get_or_insert_with(|| self.settings(None).ok())
                .as_ref()
                .and_then(|settings| settings.get(name).ok().flatten()),
        };
        self.path(&filled(written, value).0)
    }
}
