//! Folders of database servers among the files of a backup: a copy of what a running server keeps in them is no backup, as
//! it holds part of what that has in memory.

use super::archive::{Left, Own, real};
use super::tree::{Folder, Found, Next, What, walk};
use crate::failure::{Failure, Kind, Result};
use rustix::fs::{AtFlags, CWD, StatxFlags, makedev, statx};
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// The folder of a server that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Raw {
    pub folder: PathBuf,
    pub engine: Engine,
}

/// Whose files are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Postgres,
    MariaDb,
    Redis,
    /// LevelDB, RocksDB: what programs keep their own data in.
    Levels,
    Lmdb,
}

impl Engine {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Engine::Postgres => "PostgreSQL",
            Engine::MariaDb => "MariaDB or MySQL",
            Engine::Redis => "Redis",
            Engine::Levels => "LevelDB or RocksDB",
            Engine::Lmdb => "LMDB",
        }
    }

    /// What to write in `site.toml` instead.
    pub fn instead(self) -> &'static str {
        match self {
            Engine::Postgres => "databases = [{ service = \"SERVICE\", database = \"NAME\" }]",
            Engine::MariaDb => {
                "databases = [{ service = \"SERVICE\", database = \"NAME\", engine = \"mariadb\" }]"
            }
            Engine::Redis => "redis = [{ service = \"SERVICE\" }]",
            Engine::Levels | Engine::Lmdb => "dumps = { \"NAME\" = [\"COMMAND\"] }",
        }
    }
}

impl Raw {
    /// What is wrong with it.
    pub fn message(&self) -> String {
        let engine = self.engine.name();
        format!(
            "`{}` belongs to {engine}, which is running: a copy of its files is no backup",
            self.folder.display()
        )
    }

    /// What to do.
    pub fn help(&self) -> String {
        format!(
            "write `{}` in `site.toml`, and leave the files out with `exclude = [\"{}\"]`; or stop it while they are \
             copied: `banister run backup --still true`",
            self.engine.instead(),
            self.folder.display()
        )
    }
}

/// Fails with [`Kind::Refused`] if one is among these files and folders, each with the name of its part.
pub fn refuse<'a>(parts: impl Iterator<Item = (&'a str, PathBuf)>, own: &Own) -> Result<()> {
    for (name, path) in parts {
        if let Some(raw) = find(name, &path, own, None)? {
            return Err(Failure::new(Kind::Refused, raw.message()).help(raw.help()));
        }
    }
    Ok(())
}

/// The first one in a file or folder, without what is excluded; at most so much is looked at as can be `until` then.
pub fn find(name: &str, path: &Path, own: &Own, until: Option<Instant>) -> Result<Option<Raw>> {
    let mut raw = None;
    walk(&real(path), &mut |found| {
        let is_over = raw.is_some() || until.is_some_and(|until| Instant::now() >= until);
        if is_over || Left::of(found, name, own)?.is_some() {
            return Ok(Next::Pass);
        }
        if found.what == What::File {
            // What can't be read is told by whoever reads it.
            raw = of(found).ok().flatten();
        }
        Ok(Next::Enter)
    })?;
    Ok(raw)
}

/// The server whose files are among these names, and the folder among them; whoever uses it runs.
pub fn among<'a>(names: impl Iterator<Item = &'a str>) -> Option<(Engine, &'a str)> {
    let names: BTreeSet<&str> = names.collect();
    names.iter().find_map(|name| {
        let (folder, own) = name.rsplit_once('/').unwrap_or(("", name));
        let has = |other: &str| {
            let path = if folder.is_empty() { other.to_owned() } else { format!("{folder}/{other}") };
            names.contains(path.as_str())
        };
        let engine = match own {
            "PG_VERSION" if has("global/pg_control") && has("postmaster.pid") => Engine::Postgres,
            "ibdata1" if has("ib_logfile0") || has("#innodb_redo") || has("aria_log_control") => {
                Engine::MariaDb
            }
            _ if own.ends_with(".manifest") && folder.rsplit('/').next() == Some("appendonlydir") => {
                Engine::Redis
            }
            _ => return None,
        };
        Some((engine, folder))
    })
}

/// The running server whose folder a file marks.
fn of(found: &Found) -> io::Result<Option<Raw>> {
    let name = found.path.file_name().and_then(OsStr::to_str).unwrap_or_default();
    let is_marker = matches!(name, "PG_VERSION" | "ibdata1" | "CURRENT" | "data.mdb" | "dump.rdb")
        || name.ends_with(".manifest");
    if !is_marker {
        return Ok(None);
    }
    let (folder, _) = found.folder()?;
    let has = |name: &str| Ok::<_, io::Error>(folder.about(OsStr::new(name))?.is_some());
    let around = found.path.parent().unwrap_or(found.path);
    let engine = match name {
        "PG_VERSION" if has("postmaster.pid")? && has_control(&folder)? && is_worked_in(&folder)? => {
            Engine::Postgres
        }
        "ibdata1" if has("ib_logfile0")? || has("#innodb_redo")? || has("aria_log_control")? => {
            if !is_locked(&folder, name)? && !is_locked(&folder, "aria_log_control")? {
                return Ok(None);
            }
            Engine::MariaDb
        }
        "CURRENT" if begins(&folder, name, b"MANIFEST-")? && is_locked(&folder, "LOCK")? => Engine::Levels,
        "data.mdb" if is_locked(&folder, "lock.mdb")? => Engine::Lmdb,
        "dump.rdb" if begins(&folder, name, b"REDIS00")? && is_appended(&folder)? => Engine::Redis,
        _ if around.file_name() == Some(OsStr::new("appendonlydir")) && is_written_in(&folder)? => {
            Engine::Redis
        }
        _ => return Ok(None),
    };
    // The folder of its append-only files lies in that of all its files.
    let whole = if name.ends_with(".manifest") { around.parent().unwrap_or(around) } else { around };
    Ok(Some(Raw { folder: whole.to_owned(), engine }))
}

/// Whether a process works in a folder, or may do so: that is not said of another user's. The file that PostgreSQL leaves
/// while it runs is still there after a crash.
fn is_worked_in(folder: &Folder) -> io::Result<bool> {
    let found = folder.metadata()?;
    let is_it = |process: PathBuf| match identity(&process.join("cwd")) {
        Err(error) => error.kind() == ErrorKind::PermissionDenied,
        Ok(of) => of == (found.dev(), found.ino()),
    };
    let is_process =
        |name: &OsStr| name.to_str().is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()));
    let processes = std::fs::read_dir("/proc")?.flatten().filter(|entry| is_process(&entry.file_name()));
    Ok(processes.map(|entry| entry.path()).any(is_it))
}

/// Device and number of what something in `/proc` leads to, without asking a file system that may not answer.
fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = statx(CWD, path, AtFlags::STATX_DONT_SYNC, StatxFlags::INO)?;
    Ok((makedev(found.stx_dev_major, found.stx_dev_minor), found.stx_ino))
}

fn has_control(folder: &Folder) -> io::Result<bool> {
    match folder.folder(OsStr::new("global")) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        global => Ok(global?.about(OsStr::new("pg_control"))?.is_some()),
    }
}

fn begins(folder: &Folder, name: &str, with: &[u8]) -> io::Result<bool> {
    let mut head = Vec::new();
    folder.file(OsStr::new(name))?.take(with.len() as u64).read_to_end(&mut head)?;
    Ok(head == with)
}

/// Whether a process holds a lock on a file: these servers lock what they use, and the kernel lists it for every user.
fn is_locked(folder: &Folder, name: &str) -> io::Result<bool> {
    let Some(found) = folder.about(OsStr::new(name))? else { return Ok(false) };
    let locks = std::fs::read_to_string("/proc/locks")?;
    let (major, minor) = (rustix::fs::major(found.dev()), rustix::fs::minor(found.dev()));
    let is_it = |line: &str| {
        let mut words = line.split_whitespace();
        let Some(place) = words.find(|word| word.matches(':').count() == 2) else { return false };
        let mut numbers = place.split(':');
        let device = [numbers.next(), numbers.next()].map(|it| u32::from_str_radix(it.unwrap_or(""), 16));
        // Some file systems have another device for their files than for themselves.
        let is_there = if major == 0 { device[0] == Ok(0) } else { device == [Ok(major), Ok(minor)] };
        is_there && numbers.next() == Some(&found.ino().to_string())
    };
    Ok(locks.lines().any(is_it))
}

/// Whether a Redis keeps its append-only file beside a dump: then the dump alone is not what it has.
fn is_appended(folder: &Folder) -> io::Result<bool> {
    match folder.folder(OsStr::new("appendonlydir")) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        inner => is_written_in(&inner?),
    }
}

/// Whether a process has a file of a folder open for writing, as far as this user sees.
fn is_written_in(folder: &Folder) -> io::Result<bool> {
    let mut files = Vec::new();
    for entry in folder.entries()? {
        files.extend(folder.about(&entry.name)?.map(|found| (found.dev(), found.ino())));
    }
    let numbers = std::fs::read_dir("/proc")?.flatten().map(|entry| entry.path().join("fd"));
    let opened = numbers.filter_map(|fds| std::fs::read_dir(fds).ok()).flatten().flatten();
    Ok(opened
        .map(|entry| entry.path())
        .any(|path| identity(&path).is_ok_and(|found| files.contains(&found)) && is_writing(&path)))
}

fn is_writing(opened: &Path) -> bool {
    let info = PathBuf::from(opened.to_string_lossy().replace("/fd/", "/fdinfo/"));
    let mut text = String::new();
    let read = File::open(info).and_then(|mut file| file.read_to_string(&mut text));
    let flags = text.lines().find_map(|line| line.strip_prefix("flags:"));
    let flags = flags.and_then(|flags| u32::from_str_radix(flags.trim(), 8).ok());
    read.is_ok() && flags.is_some_and(|flags| flags & 3 != 0)
}
