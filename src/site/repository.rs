//! Where the backups of a server go.

use super::{FILE, Server};
use crate::failure::{Failure, Kind, Result};
use crate::machine::backup::Access;
use crate::machine::restic::{Location, Password, Repository};
use std::path::PathBuf;

impl Server {
    /// What its backups are written to and read with. Fails with [`Kind::Invalid`] if what the site says of a repository
    /// is not whole.
    pub fn access(&self) -> Result<Access> {
        let repository = self.repository.as_ref().map(|written| -> Result<Repository> {
            let location = Location::read(written, &|path| self.path(path))?;
            Ok(Repository::new(location, self.password()?, self.environment.clone()))
        });
        let is_lone = self.repository_password_file.is_some() || self.repository_password_command.is_some();
        if repository.is_none() && is_lone {
            return Err(Failure::new(
                Kind::Invalid,
                "there is a password of a repository, and no `repository`",
            )
            .help(format!(
                "write `repository = \"restic:/mnt/nas/backups\"` into the same table of `{FILE}`"
            )));
        }
        let layout = self.facts.layout.clone();
        Ok(Access { keys: self.keys(), repository: repository.transpose()?, layout })
    }

    fn password(&self) -> Result<Password> {
        let invalid = |message: &str| {
            Err(Failure::new(Kind::Invalid, message).help(
                "name either a file, as `repository_password_file = \"~/.restic-password\"`, or a command that prints it, \
                 as `repository_password_command = [\"pass\", \"show\", \"restic\"]`",
            ))
        };
        match (&self.repository_password_file, &self.repository_password_command) {
            (Some(file), None) => Ok(Password::File(self.path(&file.to_string_lossy()))),
            (None, Some(command)) if command.first().is_some_and(|program| !program.is_empty()) => {
                Ok(Password::Command(command.clone()))
            }
            (None, Some(_)) => invalid("`repository_password_command` names no program"),
            (Some(_), Some(_)) => invalid("`repository` has a password file and a password command"),
            (None, None) => invalid("`repository` has no password"),
        }
    }

    /// The folder of its backups: the one that is given, as a script writes it, else that of the site.
    pub fn folder_of_backups(&self, given: Option<&str>) -> PathBuf {
        given.map_or_else(|| self.backup_folder(), |folder| self.path(folder))
    }
}
