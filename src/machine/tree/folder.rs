//! An open folder, and what is in it.

use rustix::fs::{
    AtFlags, Dir, FileType, Mode, OFlags, ResolveFlags, StatxFlags, fstat, openat, openat2, readlinkat, statx,
};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// What something in a folder is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    File,
    Folder,
    Link,
    /// A socket, a pipe or a device.
    Other,
}

/// Something in a folder.
#[derive(Clone, Debug)]
pub struct Entry {
    pub name: OsString,
    pub sort: Sort,
}

/// An open folder. Whatever its path leads to later, this stays the same folder.
#[derive(Debug)]
pub struct Folder {
    opened: OwnedFd,
    device: u64,
    inode: u64,
}

/// Whether this error says that something is on another mount, or in another subvolume, than the folder it is in.
pub fn is_border(error: &io::Error) -> bool {
    error.kind() == ErrorKind::CrossesDevices
}

/// How a folder is opened; reading its names is all that this allows.
const FOLDER: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);

impl Folder {
    /// Opens a folder by its path. A link in the place of its last part is not followed.
    pub fn open(path: &Path) -> io::Result<Folder> {
        let flags = (FOLDER | OFlags::NOFOLLOW).bits() as i32;
        let opened: OwnedFd = OpenOptions::new().read(true).custom_flags(flags).open(path)?.into();
        Folder::of(opened)
    }

    fn of(opened: OwnedFd) -> io::Result<Folder> {
        let found = fstat(&opened)?;
        Ok(Folder { opened, device: found.st_dev, inode: found.st_ino })
    }

    /// The same folder once more.
    pub fn again(&self) -> io::Result<Folder> {
        Folder::of(self.opened.try_clone()?)
    }

    /// What distinguishes it from every other folder on this machine, as long as it is there.
    pub fn identity(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    pub fn metadata(&self) -> io::Result<Metadata> {
        File::from(self.opened.try_clone()?).metadata()
    }

    /// What is in it, in the order of names. Where the file system gives no sorts they are asked for, one by one.
    pub fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut found = Vec::new();
        for entry in Dir::read_from(&self.opened)? {
            let entry = entry?;
            let name = OsStr::from_bytes(entry.file_name().to_bytes()).to_owned();
            if name == "." || name == ".." {
                continue;
            }
            let sort = match entry.file_type() {
                FileType::Unknown => match self.pin(&name) {
                    Ok(file) => sort(&file.metadata()?),
                    Err(error) if error.kind() == ErrorKind::NotFound => continue,
                    // Whoever enters it meets the border there.
                    Err(error) if is_border(&error) => Sort::Folder,
                    Err(error) => return Err(error),
                },
                FileType::RegularFile => Sort::File,
                FileType::Directory => Sort::Folder,
                FileType::Symlink => Sort::Link,
                _ => Sort::Other,
            };
            found.push(Entry { name, sort });
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// Opens what has this name without reading or following it: enough to ask what it is. Fails with a border, see
    /// [`is_border`], if something is mounted there; what a mount that does not answer holds is never asked for.
    pub fn pin(&self, name: &OsStr) -> io::Result<File> {
        self.open_in(name, OFlags::PATH, Mode::empty()).map(File::from)
    }

    /// What there is to know of what has this name; none if nothing has.
    pub fn about(&self, name: &OsStr) -> io::Result<Option<Metadata>> {
        match self.pin(name) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            pinned => pinned?.metadata().map(Some),
        }
    }

    /// Opens a folder in it. Fails with a border, see [`is_border`], if that begins another mount or subvolume.
    pub fn folder(&self, name: &OsStr) -> io::Result<Folder> {
        let folder = Folder::of(self.open_in(name, FOLDER, Mode::empty())?)?;
        // A subvolume has no mount of its own.
        if folder.device != self.device { Err(Errno::XDEV.into()) } else { Ok(folder) }
    }

    /// Opens the folder at a path below it, which must not lead over a border.
    pub fn below(&self, path: &Path) -> io::Result<Folder> {
        path.iter().try_fold(self.again()?, |folder, name| folder.folder(name))
    }

    /// Opens the folder around it, if it still is the one that is meant.
    pub fn around(&self, identity: (u64, u64)) -> io::Result<Folder> {
        let around = Folder::of(openat(&self.opened, "..", FOLDER | OFlags::CLOEXEC, Mode::empty())?)?;
        match around.identity() == identity {
            true => Ok(around),
            false => Err(io::Error::other("a folder was moved meanwhile")),
        }
    }

    /// Opens a file in it for reading. A pipe that took the file's place keeps nobody waiting.
    pub fn file(&self, name: &OsStr) -> io::Result<File> {
        self.open_in(name, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()).map(File::from)
    }

    /// Makes a file in it, for its owner only.
    pub fn create(&self, name: &OsStr) -> io::Result<File> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL;
        self.open_in(name, flags, Mode::RUSR | Mode::WUSR).map(File::from)
    }

    /// Makes a folder in it, for its owner only, if there is none of that name, and opens it.
    pub fn make(&self, name: &OsStr) -> io::Result<Folder> {
        match rustix::fs::mkdirat(&self.opened, name, Mode::RWXU) {
            Err(Errno::EXIST) => {}
            made => made?,
        }
        self.folder(name)
    }

    /// Where a link in it points.
    pub fn target(&self, name: &OsStr) -> io::Result<OsString> {
        Ok(OsString::from_vec(readlinkat(&self.opened, name, Vec::new())?.into_bytes()))
    }

    /// Makes what is in it durable, and its names.
    pub fn sync(&self) -> io::Result<()> {
        Ok(rustix::fs::fsync(&self.opened)?)
    }

    fn open_in(&self, name: &OsStr, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        let flags = flags | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let resolve = ResolveFlags::NO_XDEV
            | ResolveFlags::BENEATH
            | ResolveFlags::NO_SYMLINKS
            | ResolveFlags::NO_MAGICLINKS;
        match openat2(&self.opened, name, flags, mode, resolve) {
            // An old kernel, or the filter of a container.
            Err(Errno::NOSYS | Errno::PERM) => self.open_compared(name, flags, mode),
            opened => Ok(opened?),
        }
    }

    /// As [`Folder::open_in`], where the kernel does not watch the border: the mounts are compared, first without
    /// asking anything of what is there.
    fn open_compared(&self, name: &OsStr, flags: OFlags, mode: Mode) -> io::Result<OwnedFd> {
        if name.as_bytes().contains(&b'/') || name == ".." {
            return Err(Errno::INVAL.into());
        }
        let own = mount(self.opened.as_fd())?;
        let compared = |opened: OwnedFd| match mount(opened.as_fd())? == own {
            true => Ok(opened),
            false => Err(io::Error::from(Errno::XDEV)),
        };
        let pin = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        match openat(&self.opened, name, pin, Mode::empty()) {
            Err(Errno::NOENT) if flags.contains(OFlags::CREATE) => {}
            pinned => drop(compared(pinned?)?),
        }
        compared(openat(&self.opened, name, flags, mode)?)
    }
}

impl AsFd for Folder {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.opened.as_fd()
    }
}

/// The number of the mount that something is on.
fn mount(opened: BorrowedFd) -> io::Result<u64> {
    let flags = AtFlags::EMPTY_PATH | AtFlags::STATX_DONT_SYNC;
    if let Ok(found) = statx(opened, "", flags, StatxFlags::MNT_ID)
        && found.stx_mask & StatxFlags::MNT_ID.bits() != 0
    {
        return Ok(found.stx_mnt_id);
    }
    let number = std::os::fd::AsRawFd::as_raw_fd(&opened);
    let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{number}"))?;
    let found = text.lines().find_map(|line| line.strip_prefix("mnt_id:")?.trim().parse().ok());
    found.ok_or_else(|| io::Error::other("the kernel does not say on which mount a file is"))
}

/// What metadata are of.
pub(super) fn sort(metadata: &Metadata) -> Sort {
    let found = metadata.file_type();
    match () {
        () if found.is_file() => Sort::File,
        () if found.is_dir() => Sort::Folder,
        () if found.is_symlink() => Sort::Link,
        () => Sort::Other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Without the kernel's help, as under an old one or in a container that filters the call.
    #[test]
    fn borders_and_links_are_seen_by_comparing_mounts_too() {
        let top = tempfile::tempdir().unwrap();
        std::fs::create_dir(top.path().join("inside")).unwrap();
        std::os::unix::fs::symlink("inside", top.path().join("link")).unwrap();
        let folder = Folder::open(top.path()).unwrap();
        let compared = |folder: &Folder, name: &str| {
            let flags = FOLDER | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            folder.open_compared(OsStr::new(name), flags, Mode::empty()).map(drop)
        };
        compared(&folder, "inside").unwrap();
        assert_eq!(compared(&folder, "none").unwrap_err().kind(), ErrorKind::NotFound);
        for name in ["link", "..", "inside/..", "/"] {
            assert!(compared(&folder, name).is_err(), "{name}");
        }
        // Another mount on every machine.
        let root = Folder::open(Path::new("/")).unwrap();
        assert!(is_border(&compared(&root, "proc").unwrap_err()));
        assert!(is_border(&root.folder(OsStr::new("proc")).unwrap_err()));
        assert!(is_border(&root.pin(OsStr::new("proc")).unwrap_err()));
    }
}
