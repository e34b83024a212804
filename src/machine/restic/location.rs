//! Where a repository is.

use crate::failure::{Context, Failure, Kind, Result};
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// How `repository` begins in `site.toml`.
const PREFIX: &str = "restic:";
/// What restic takes besides folders.
const BACKENDS: [&str; 8] = ["sftp:", "rest:", "s3:", "b2:", "azure:", "gs:", "swift:", "rclone:"];

/// As restic takes it. Shown without the password that may be in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A folder of this machine.
    Folder(PathBuf),
    Elsewhere(String),
}

impl Location {
    /// Reads what `site.toml` says. `path` finds a folder that begins with `~`.
    pub fn read(written: &str, path: &dyn Fn(&str) -> PathBuf) -> Result<Location> {
        let wrong = || {
            Failure::new(Kind::Invalid, "`repository` is no repository of restic").help(
                "write it as `repository = \"restic:/mnt/nas/backups\"`, with a folder from `/` or `~/` on, or with what \
                 restic takes for another machine, such as `restic:sftp:backup@nas:/srv/backups` or \
                 `restic:rest:https://nas:8000/`",
            )
        };
        let rest = written.strip_prefix(PREFIX).filter(|rest| !rest.contains('\0')).ok_or_else(wrong)?;
        if rest.starts_with('/') || rest.starts_with("~/") {
            return Ok(Location::Folder(path(rest)));
        }
        let is_known = BACKENDS.iter().any(|backend| rest.len() > backend.len() && rest.starts_with(backend));
        if is_known { Ok(Location::Elsewhere(rest.to_owned())) } else { Err(wrong()) }
    }

    /// The same, with its password.
    pub fn as_restic_takes_it(&self) -> String {
        match self {
            Location::Folder(path) => path.display().to_string(),
            Location::Elsewhere(location) => location.clone(),
        }
    }

    /// Fails with [`Kind::Refused`] if it is a folder of another user: what this one writes there the other could not
    /// read, and his backups fail.
    pub fn check_owner(&self) -> Result<()> {
        let Location::Folder(folder) = self else { return Ok(()) };
        let Some(owner) = owner(folder)? else { return Ok(()) };
        let own = rustix::process::geteuid().as_raw();
        if owner == own {
            return Ok(());
        }
        let message = format!("the repository `{self}` belongs to the user with the number {owner}");
        Err(Failure::new(Kind::Refused, message)
            .why(format!("this user has the number {own}; what it writes there the other one can't read"))
            .help("work as that user, or name a repository of your own in `repository` in `site.toml`"))
    }
}

/// Whose repository is in the folder; nobody's, if there is none.
fn owner(folder: &Path) -> Result<Option<u32>> {
    match folder.join("config").metadata() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        found => {
            Ok(Some(found.or_fail(Kind::Refused, || format!("`{}` can't be read", folder.display()))?.uid()))
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let whole = self.as_restic_takes_it();
        match crate::secret::password_of(&whole) {
            Some(password) => out.write_str(&whole.replacen(&format!(":{password}@"), ":***@", 1)),
            None => out.write_str(&whole),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_location_is_read_as_restic_takes_it_and_shown_without_its_password() {
        let read =
            |written: &str| Location::read(written, &|path| PathBuf::from(path.replace('~', "/home/me")));
        assert_eq!(read("restic:/mnt/nas").unwrap().to_string(), "/mnt/nas");
        assert_eq!(read("restic:~/r").unwrap().to_string(), "/home/me/r");
        assert_eq!(read("restic:sftp:me@nas:/r").unwrap().to_string(), "sftp:me@nas:/r");
        let rest = read("restic:rest:https://me:pa55@nas:8000/me/").unwrap();
        assert_eq!(rest.to_string(), "rest:https://me:***@nas:8000/me/");
        assert_eq!(rest.as_restic_takes_it(), "rest:https://me:pa55@nas:8000/me/");
        for wrong in ["/mnt/nas", "restic:", "restic:backups", "restic:s3:", "restic:ftp:nas", "borg:/mnt"] {
            assert_eq!(read(wrong).unwrap_err().kind, Kind::Invalid, "{wrong}");
        }
    }
}
