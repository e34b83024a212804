//! Where things are in a practice world: one folder, nothing outside of it.

use super::ports;
use crate::failure::{Context, Failure, Kind, Result};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

/// Where a world is seen from inside of a container that Docker runs.
pub const INSIDE: &str = "/practice";

/// The folder of a practice world.
#[derive(Clone, Debug)]
pub struct World {
    dir: PathBuf,
}

/// What was decided when the world was made; `world.json`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Settings {
    /// The banister binary, which is every stand-in and every service.
    pub program: PathBuf,
    /// The release that was installed first. Faults of a new release spare it.
    pub base: String,
    /// Whether its Docker is the machine's own.
    #[serde(default)]
    pub compose: bool,
    /// `DOCKER_HOST` when it was made, if that was set.
    #[serde(default)]
    pub docker_host: Option<String>,
}

/// A process as the kernel knows it: a number alone may be given to another process later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    pub pid: u32,
    /// In clock ticks since boot, from `/proc/PID/stat`.
    pub start: u64,
}

impl Process {
    /// The process with this number, unless there is none or it is a zombie.
    pub fn look(pid: u32) -> Option<Process> {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name stands in brackets and may hold anything; the state follows it.
        let fields: Vec<&str> = stat[stat.rfind(')')? + 1..].split_whitespace().collect();
        (fields.first()? != &"Z").then_some(Process { pid, start: fields.get(19)?.parse().ok()? })
    }

    pub fn alive(self) -> bool {
        Process::look(self.pid) == Some(self)
    }
}

impl World {
    pub fn new(dir: impl Into<PathBuf>) -> World {
        World { dir: dir.into() }
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// A file or folder of the world by its name.
    pub fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// The administrator's home.
    pub fn home(&self) -> PathBuf {
        self.dir.join("home")
    }

    /// The installation's configuration and data, `~/.hoss`.
    pub fn hoss(&self) -> PathBuf {
        self.home().join(".hoss")
    }

    pub fn checkout(&self) -> PathBuf {
        self.home().join("hybrid-object-store")
    }

    /// The words in `SERVICES` of its settings file; none if there is no such file yet.
    pub fn services(&self) -> Vec<String> {
        let bytes = std::fs::read(self.hoss().join(".env")).unwrap_or_default();
        let text = String::from_utf8_lossy(&bytes);
        let line = text.lines().find_map(|line| line.strip_prefix("SERVICES=")).unwrap_or_default();
        line.split_whitespace().map(str::to_owned).collect()
    }

    /// Whether the world is still there. When it is removed, all that runs in it ends itself.
    pub fn exists(&self) -> bool {
        self.dir.join("world.json").exists()
    }

    pub fn settings(&self) -> Result<Settings> {
        read_json(&self.path("world.json"))
    }

    /// The loopback port of each service, and of the `engine`.
    pub fn ports(&self) -> Result<BTreeMap<String, u16>> {
        read_json(&self.path("ports.json"))
    }

    /// The loopback port of one service.
    pub fn port(&self, service: &str) -> Result<u16> {
        self.ports()?.get(service).copied().ok_or_else(|| {
            Failure::new(Kind::NotFound, format!("`{service}` has no port in this practice server"))
        })
    }

    /// Whether this process is in a container that Docker runs.
    pub fn is_inside(&self) -> bool {
        self.dir == Path::new(INSIDE)
    }

    /// Where a service listens, as this process reaches it: at its loopback port, or in its container by its name.
    pub fn socket(&self, service: &str) -> Result<SocketAddr> {
        if !self.is_inside() {
            return Ok((Ipv4Addr::LOCALHOST, self.port(service)?).into());
        }
        let missing = || format!("there is no host `{service}`");
        let port = ports::inner(service).ok_or_else(|| Failure::new(Kind::NotFound, missing()))?;
        let mut found = (service, port).to_socket_addrs().or_fail(Kind::Unreachable, missing)?;
        found.next().ok_or_else(|| Failure::new(Kind::Unreachable, missing()))
    }

    /// Whether a path is inside the world, read without following links.
    pub fn owns(&self, path: &Path) -> bool {
        path.starts_with(&self.dir) && !path.components().any(|part| part == std::path::Component::ParentDir)
    }
}

pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T> {
    let text =
        std::fs::read(path).or_fail(Kind::NotFound, || format!("`{}` can't be read", path.display()))?;
    serde_json::from_slice(&text)
        .or_fail(Kind::Invalid, || format!("`{}` is not what was written", path.display()))
}

/// Writes a file so that a reader sees the old text or the new one, never half of it.
pub fn write_json<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let text = serde_json::to_vec_pretty(value).or_fail(Kind::Bug, || "a value has no JSON".into())?;
    write_whole(path, &text)
}

/// As [`write_json`], for any text.
pub fn write_whole(path: &Path, text: &[u8]) -> Result<()> {
    let failed = || format!("`{}` can't be written", path.display());
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(format!(".{}.new", std::process::id()));
    let new = path.with_file_name(name);
    let written = std::fs::write(&new, text).and_then(|()| std::fs::rename(&new, path));
    written.inspect_err(|_| _ = std::fs::remove_file(&new)).or_fail(Kind::Refused, failed)
}

/// Writes a file, with the folders above it.
pub fn write(path: &Path, text: impl AsRef<[u8]>) -> Result<()> {
    if let Some(folder) = path.parent() {
        make_folder(folder)?;
    }
    std::fs::write(path, text).or_fail(Kind::Refused, || format!("`{}` can't be written", path.display()))
}

/// Makes a folder with those above it; it may be there already.
pub fn make_folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path)
        .or_fail(Kind::Refused, || format!("the folder `{}` can't be made", path.display()))
}

/// The digest of bytes as the stand-ins write it: 64 hexadecimal digits of SHA-256.
pub fn digest(bytes: impl AsRef<[u8]>) -> String {
    use sha2::{Digest, Sha256};
    Sha256::digest(bytes.as_ref()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The present instant as Docker and the trace write it.
pub fn now() -> String {
    format!("{:.9}", jiff::Timestamp::now())
}
