//! The folder in which all that is made for a backup lies while restic reads it. It is private, and always has the same
//! path, so that what did not change is found again.

use crate::failure::{Context, Kind, Result};
use crate::machine::archive::{Content, Member};
use crate::machine::backup::reference::Staged;
use crate::machine::files::{private_folder, sha256};
use crate::machine::tree;
use rustix::fs::{AtFlags, CWD, linkat};
use std::fs::{File, OpenOptions};
use std::io::{self, Seek};
use std::os::fd::AsRawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Removed when this is dropped.
pub struct Staging {
    pub folder: PathBuf,
}

impl Staging {
    /// Makes the folder of a server anew, in that of its backups.
    pub fn make(backups: &Path, server: &str) -> Result<Staging> {
        private_folder(backups)?;
        let failed = || format!("`{}` can't be used", backups.display());
        let backups = backups.canonicalize().or_fail(Kind::Refused, failed)?;
        let folder = backups.join(format!(".restic-{}", server.replace('/', "-")));
        let failed = || format!("`{}`, left by an earlier attempt, can't be removed", folder.display());
        tree::remove(&folder).or_fail(Kind::Refused, failed)?;
        private_folder(&folder)?;
        Ok(Staging { folder })
    }

    /// Puts a member there that is not on the disk by itself; none if it is.
    pub fn put(&self, member: &Member) -> Result<Option<Staged>> {
        let (is_tar, from) = match &member.content {
            Content::Path(_) => return Ok(None),
            Content::Bytes(_) => (false, None),
            Content::Output(file) => (false, Some(file)),
            Content::Tar(file) => (true, Some(file)),
        };
        let mut staged = Staged { name: member.name.clone(), is_tar, size: 0, sha256: String::new() };
        let path = self.folder.join(staged.file());
        let failed = || format!("`{}` can't be kept in `{}`", member.name, self.folder.display());
        private_folder(path.parent().unwrap_or(&self.folder))?;
        let put = match (&member.content, from) {
            (Content::Bytes(bytes), _) => write(&path, &mut &bytes[..]),
            (_, Some(file)) => link(file, &path).or_else(|_| {
                let mut file = file.try_clone()?;
                file.rewind()?;
                write(&path, &mut file)
            }),
            _ => Ok(()),
        };
        put.or_fail(Kind::Refused, failed)?;
        staged.size = path.metadata().or_fail(Kind::Refused, failed)?.len();
        staged.sha256 = sha256(&path)?;
        Ok(Some(staged))
    }

    /// Writes a file of our own.
    pub fn write(&self, name: &str, text: &[u8]) -> Result<PathBuf> {
        let path = self.folder.join(name);
        let failed = || format!("`{}` can't be written", path.display());
        private_folder(path.parent().unwrap_or(&self.folder))?;
        write(&path, &mut &text[..]).or_fail(Kind::Refused, failed)?;
        Ok(path)
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        _ = tree::remove(&self.folder);
    }
}

fn write(path: &Path, from: &mut dyn io::Read) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    io::copy(from, &mut file).map(drop)
}

/// Gives a file that has no name one: it need not be copied then.
fn link(file: &File, path: &Path) -> io::Result<()> {
    let unnamed = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(linkat(CWD, unnamed, CWD, path, AtFlags::SYMLINK_FOLLOW)?)
}
