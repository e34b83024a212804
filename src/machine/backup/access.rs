//! What backups are read with.

use crate::failure::{Failure, Kind, Result};
use crate::kind::Layout;
use crate::machine::archive::Keys;
use crate::machine::restic::Repository;
use std::path::Path;

/// What backups are written to and read with: the keys of archives, and the repository, if they go into one.
#[derive(Clone, Debug, Default)]
pub struct Access {
    pub keys: Keys,
    pub repository: Option<Repository>,
    /// Of archives that another program made.
    pub layout: Layout,
}

impl Access {
    /// The repository that the backup `path` is in.
    pub fn repository(&self, path: &Path) -> Result<&Repository> {
        self.repository.as_ref().ok_or_else(|| {
            let message = format!("`{}` is in a repository, and `site.toml` names none", path.display());
            Failure::new(Kind::Invalid, message)
                .help("name it in `repository` in the server's table, with its password")
        })
    }
}
