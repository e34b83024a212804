//! Unpacks an archive into a folder of its own.

use super::folders::Folders;
use super::keys::Keys;
use super::manifest::{Sort, text};
use super::place::parts;
use super::verify::{Begun, Contents, Sink, inspect, read};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::{free_space, private_folder, sync_folder_of};
use crate::machine::tree::{self, CAPABILITY, Extended};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions, Permissions};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

/// Reads the whole archive first, so that nothing is written of one that is damaged, leads out of its folder or does
/// not fit, or that `check` refuses; then unpacks it into `folder`, which is emptied before. Modes and times are those of the archive, owners
/// too if this is root. Programs that run as their owner or group lose that, unless the archive was made here.
///
/// Fails as [`super::verify_until`] does, and with [`Kind::Refused`] if there is too little room.
pub fn unpack(
    path: &Path,
    keys: &Keys,
    folder: &Path,
    stop: &dyn Fn() -> bool,
    check: &dyn Fn(&Contents) -> Result<()>,
) -> Result<Contents> {
    let room = free_space(folder)?.free;
    let mut contents = inspect(path, keys, room, stop)?;
    check(&contents)?;
    let failed = || format!("`{}` can't be emptied", folder.display());
    tree::remove(folder).or_fail(Kind::Refused, failed)?;
    private_folder(folder)?;
    let failed = || format!("nothing can be written into `{}`", folder.display());
    let folders = Folders::new(folder).or_fail(Kind::Refused, failed)?;
    let mut unpacking = Unpacking { folder, folders, is_own: contents.is_own, lost: Vec::new() };
    let (again, reading) = read(path, keys, room, stop, &mut unpacking)?;
    if !again.members.origin().is(&contents.members.origin()) {
        return Err(reading.refuse("it changed while it was read"));
    }
    contents.lost = unpacking.finish()?;
    Ok(contents)
}

/// The bits that make a program run as its owner or its group: they give rights away.
pub const RISEN: u32 = 0o6000;

/// Whether a file has such a bit, which is only believed if the archive was made here.
pub fn is_risen(sort: Sort, mode: u32) -> bool {
    sort == Sort::File && mode & RISEN != 0
}

struct Unpacking<'a> {
    folder: &'a Path,
    folders: Folders,
    is_own: bool,
    /// What could not be kept.
    lost: Vec<String>,
}

impl Unpacking<'_> {
    fn path(&self, name: &[u8]) -> PathBuf {
        let parts = parts(name).unwrap_or_default();
        parts.into_iter().fold(self.folder.to_owned(), |path, part| path.join(OsStr::from_bytes(part)))
    }

    fn finish(mut self) -> Result<Vec<String>> {
        let again = || "the folders of the backup can't be finished".to_owned();
        while let Some((name, header, extended)) = self.folders.pop().or_fail(Kind::Refused, again)? {
            let path = self.path(&name);
            let failed = || format!("`{}` can't be finished", path.display());
            let open = File::open(&path).or_fail(Kind::Refused, failed)?;
            let kept = self.attributes(&open, &text(&name), &header, &extended, !0);
            kept.and_then(|()| open.sync_all()).or_fail(Kind::Refused, failed)?;
        }
        sync_folder_of(self.folder).or_fail(Kind::Refused, || "the unpacked backup can't be kept".into())?;
        Ok(self.lost)
    }
}

/// What to do if the path of something is longer than the kernel takes: the data itself may have a shorter one.
pub const TOO_LONG: &str = "the paths where it is unpacked are too long: set `backups` in `site.toml` to a folder with a \
                            short path, such as `/b`, move the backup there and restore it from there";

/// With what to do about a path that is too long.
fn of_path(failure: Failure) -> Failure {
    match failure.why.last().is_some_and(|why| why.ends_with("(os error 36)")) {
        true => failure.help(TOO_LONG),
        false => failure,
    }
}

impl Sink for Unpacking<'_> {
    fn begin(&mut self, member: &Begun) -> Result<Option<File>> {
        self.make(member).map_err(of_path)
    }

    fn end(&mut self, member: &Begun, file: Option<File>) -> Result<()> {
        let Some(file) = file else { return Ok(()) };
        let path = self.path(member.name);
        let failed = || format!("`{}` can't be finished", path.display());
        let allowed = if self.is_own { !0 } else { !RISEN };
        self.attributes(&file, &text(member.name), member.header, member.extended, allowed)
            .and_then(|()| file.sync_all())
            .or_fail(Kind::Refused, failed)
    }
}

impl Unpacking<'_> {
    fn make(&mut self, member: &Begun) -> Result<Option<File>> {
        let path = self.path(member.name);
        let failed = || format!("`{}` can't be written", path.display());
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).or_fail(Kind::Refused, failed)?;
        }
        match member.sort {
            Sort::Folder => {
                std::fs::create_dir_all(&path).or_fail(Kind::Refused, failed)?;
                self.folders
                    .push(member.name, member.header, member.extended)
                    .or_fail(Kind::Refused, failed)?;
                Ok(None)
            }
            Sort::Link => {
                let target = OsStr::from_bytes(member.target.unwrap_or_default());
                symlink(target, &path).or_fail(Kind::Refused, failed)?;
                let (owner, group) = owners(member.header);
                if rustix::process::geteuid().is_root() {
                    lchown(&path, owner, group).or_fail(Kind::Refused, failed)?;
                }
                Ok(None)
            }
            Sort::File if let Some(first) = member.again => {
                std::fs::hard_link(self.path(first), &path).or_fail(Kind::Refused, failed)?;
                Ok(None)
            }
            Sort::File => {
                let mut options = OpenOptions::new();
                let file = options.write(true).create_new(true).mode(0o600).open(&path);
                file.or_fail(Kind::Refused, failed).map(Some)
            }
        }
    }
}

fn owners(header: &tar::Header) -> (Option<u32>, Option<u32>) {
    let number = |id: std::io::Result<u64>| id.ok().and_then(|id| u32::try_from(id).ok());
    (number(header.uid()), number(header.gid()))
}

impl Unpacking<'_> {
    /// Gives owner, mode, extended attributes and time.
    fn attributes(
        &mut self,
        file: &File,
        name: &str,
        header: &tar::Header,
        extended: &Extended,
        allowed: u32,
    ) -> std::io::Result<()> {
        let (owner, group) = owners(header);
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::fchown(file, owner, group)?;
        } else if owner.is_some_and(|owner| owner != rustix::process::geteuid().as_raw()) {
            self.lost.push(format!("`{name}`: its owner, the user {}", owner.unwrap_or_default()));
        }
        // After the owner: changing that takes special bits away.
        file.set_permissions(Permissions::from_mode(header.mode()? & 0o7777 & allowed))?;
        let mut extended = extended.clone();
        // It gives rights away, as setuid does.
        if !self.is_own && extended.0.remove(CAPABILITY).is_some() {
            self.lost.push(format!("`{name}`: {CAPABILITY} (the backup was not made here)"));
        }
        let lost = extended.set(file);
        self.lost.extend(lost.into_iter().map(|what| format!("`{name}`: {what}")));
        // What no clock can say is left as it is: it is the archive that is odd, and not what it holds.
        match UNIX_EPOCH.checked_add(Duration::from_secs(header.mtime()?)) {
            Some(when) => file.set_modified(when),
            None => Ok(()),
        }
    }
}
