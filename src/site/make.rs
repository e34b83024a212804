//! Where make runs, and what decides which rules it sees.

use super::Server;
use std::path::{Path, PathBuf};

/// Variables by which make reads other files than those of its folder.
const STEERING: [&str; 3] = ["MAKEFLAGS", "GNUMAKEFLAGS", "MAKEFILES"];

impl Server {
    /// The folder in which make runs.
    pub fn make_folder(&self) -> PathBuf {
        self.checkout.join(&self.folder)
    }

    /// The same within a repository; `top` is its folder on this machine, links resolved.
    pub fn make_folder_within(&self, top: &Path) -> PathBuf {
        let checkout = self.checkout.canonicalize().unwrap_or_else(|_| self.checkout.clone());
        checkout.strip_prefix(top).unwrap_or(Path::new("")).join(&self.folder)
    }

    /// Whether a variable of its commands has make read other files, so that the Makefile alone says little.
    pub fn steers_make(&self) -> bool {
        let is_set = |name: &&str| self.environment.contains_key(*name) || std::env::var_os(name).is_some();
        STEERING.iter().any(is_set)
    }
}
