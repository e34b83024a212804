//! The secrets in a server's settings file. Whatever its commands print, these must not be seen in it.

use super::Server;
use crate::machine::env_file::EnvFile;
use crate::secret;
use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::SystemTime;

/// When each settings file was last changed as we read it.
static SEEN: Mutex<Option<HashMap<PathBuf, (SystemTime, u64)>>> = Mutex::new(None);

impl Server {
    /// Learns the secrets of the server's settings file, if it has one and it changed since they were learned last. What
    /// can't be read can't be learned, and is no failure here: whoever needs it will say so.
    pub fn learn_secrets(&self) {
        // One that is elsewhere keeps them there.
        if self.ssh.is_some() {
            return;
        }
        let Ok(path) = self.settings_file(None) else { return };
        let Ok(about) = path.metadata() else { return };
        let Ok(changed) = about.modified() else { return };
        let mut seen = SEEN.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let before = seen.get_or_insert_default().insert(path.clone(), (changed, about.len()));
        if before == Some((changed, about.len())) {
            return;
        }
        if let Ok(file) = EnvFile::read(&path, self.variables()) {
            self.keep_secrets(&file, "");
        }
    }

    /// Hides the secrets of a settings file from now on. `of` tells two files of one server apart.
    pub fn keep_secrets(&self, file: &EnvFile, of: &str) {
        for name in file.names().into_iter().filter(|name| self.is_secret(name)) {
            // One that only make can tell is in no text that we could show.
            if let Ok(Some(value)) = file.get(name) {
                secret::keep(format!("{} {name}{of}", self.name), &value);
            }
        }
    }
}
