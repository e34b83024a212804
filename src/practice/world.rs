//! Where things are in a practice world: one folder, nothing outside of it.

pub mod fault;
mod files;
pub mod folder;
pub mod http;
mod notation;
pub mod ports;
mod process;
pub mod start;
pub mod trace;

pub use files::{make_folder, read_json, write, write_json, write_whole};
pub use notation::{digest, now};
pub use process::Process;

use crate::failure::{Context, Failure, Kind, Result};
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
    #[serde(default, alias = "compose")]
    pub real_docker: bool,
    /// `DOCKER_HOST` when it was made, if that was set.
    #[serde(default)]
    pub docker_host: Option<String>,
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

    pub fn origin(&self) -> PathBuf {
        self.dir.join("origin.git")
    }

    /// The site file, with this one server, `practice`.
    pub fn site(&self) -> PathBuf {
        self.dir.join("site.toml")
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

    /// Its settings, if its Docker is the machine's own.
    pub fn in_real_docker(&self) -> Option<Settings> {
        self.settings().ok().filter(|settings| settings.real_docker)
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

    /// Where the reverse proxy answers: `http://localhost:PORT`.
    pub fn endpoint(&self) -> Result<String> {
        Ok(format!("http://localhost:{}", self.port("reverse-proxy")?))
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
