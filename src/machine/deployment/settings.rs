//! The `.env` of a project, as its Compose reads it: Compose 1 and podman-compose read by other rules than Compose 2.

use super::{Deployment, Program};
use crate::failure::Result;
use crate::machine::env_file::{Dialect, EnvFile};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// A settings file, which need not be there, and by whose rules it is read.
#[derive(Clone, Debug)]
pub struct SettingsFile {
    pub path: PathBuf,
    pub dialect: Dialect,
}

impl SettingsFile {
    /// The file, with these variables around it; nothing if there is none.
    pub fn open(&self, environment: &BTreeMap<String, String>) -> Result<Option<EnvFile>> {
        match self.path.exists() {
            true => EnvFile::read(&self.path, self.dialect, environment.clone()).map(Some),
            false => Ok(None),
        }
    }
}

impl Program {
    /// By whose rules it reads settings.
    pub fn dialect(&self) -> Dialect {
        if self.speaks_json() { Dialect::Compose } else { Dialect::Dotenv }
    }
}

impl Deployment<'_> {
    /// The settings that Compose reads.
    pub fn settings_file(&self) -> SettingsFile {
        SettingsFile { path: self.folder.join(".env"), dialect: self.dialect }
    }

    /// Whether a setting is another one by the rules of another dialect. Fails if the own one would refuse the file.
    pub fn reads_otherwise(&self, dialect: Dialect) -> Result<bool> {
        let own = self.settings_file();
        let Some(file) = own.open(self.environment)? else { return Ok(false) };
        // What the other one refuses it reads otherwise.
        let Ok(Some(other)) = (SettingsFile { dialect, ..own }).open(self.environment) else {
            return Ok(true);
        };
        let differs = |name: &&str| file.get(name).ok() != other.get(name).ok();
        Ok(file.names() != other.names() || file.names().iter().any(differs))
    }
}
