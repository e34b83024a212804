//! A site: the folder with `site.toml`, which names the servers.

use crate::failure::{Context, Failure, Kind, Result};
use crate::kind::Facts;
use crate::machine::archive::Keys;
use crate::machine::env_file::environment;
use crate::machine::git::Checkout;
use crate::machine::health::Check;
use crate::machine::notify::Notify;
use crate::machine::proof::Proof;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::{Deref, DerefMut};
use std::path::{Component, Path, PathBuf};

mod find;
mod floating;
mod ground;
mod hearers;
mod home;
pub mod hooks;
mod images;
mod installed;
mod keys;
mod maintenance;
mod make;
mod needs;
mod own;
mod places;
mod program;
mod remembered;
mod repository;
mod retention;
mod said;
mod secrets;
mod settings;
pub mod spot;
mod state;
mod table;
mod targets;
mod typed;
mod unattended;
pub mod window;

pub use find::find;
pub use floating::PinnedImage;
pub use hearers::hearers;
pub use home::Home;
pub use hooks::Hooks;
use installed::Installed;

pub use keys::{KEYS, documented, of_notify};
pub use maintenance::Maintenance;
pub use own::state_folder;
pub use table::Table;
pub use targets::Targets;
use typed::Typed;
pub use unattended::{Then, Unattended};
use window::Windows;

/// The file's name, unless another one is named.
pub const FILE: &str = "site.toml";

/// The servers of a site and where its own scripts are.
#[derive(Clone, Debug)]
pub struct Site {
    /// The path of `site.toml`, the same one however it was named: runs are known by it.
    pub file: PathBuf,
    /// Where notices of runs go.
    pub notify: Vec<Notify>,
    /// What happens where nobody is there, unless the command line says.
    pub unattended: Option<Unattended>,
    /// The file for metrics that is written when a run ends.
    pub metrics: Option<PathBuf>,
    /// When updates may begin.
    pub windows: Windows,
    /// Where runs on one server on another machine work.
    pub home: Home,
    /// By name, in the order of names.
    pub servers: BTreeMap<String, Server>,
    /// Their names, in the order in which the file has their tables.
    pub order: Vec<String>,
}

/// One installation: what its table means.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// The table's name in `site.toml`.
    #[serde(skip_deserializing)]
    pub name: String,
    /// The folder of `site.toml`, if both are on this machine.
    #[serde(skip)]
    pub site_folder: Option<PathBuf>,
    /// Where the other servers of the site have their backups, if those are on this machine.
    #[serde(skip)]
    pub neighbours: Vec<PathBuf>,
    /// What is known of its kind.
    #[serde(default)]
    pub facts: Facts,
    /// The keys that only its kind has, each with what it is if it was not typed.
    #[serde(default)]
    pub own: BTreeMap<String, serde_json::Value>,
    /// As it was typed, with what the kind says of keys that were not, and with its checkout as it is found here.
    #[serde(flatten)]
    pub table: Table,
}

impl Deref for Server {
    type Target = Table;

    fn deref(&self) -> &Table {
        &self.table
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Table {
        &mut self.table
    }
}

impl Server {
    /// Finds its checkout on this machine: `~` is its home, and what is relative is in `folder`.
    pub fn settle(&mut self, folder: &Path) {
        let written = self.checkout.to_string_lossy().into_owned();
        self.checkout =
            if written.starts_with('~') { self.path(&written) } else { folder.join(&self.checkout) };
        // What is kept in a run must not lead through a site's folder that may be moved.
        let around = self.checkout.parent().filter(|_| self.ssh.is_none());
        let around = around.filter(|around| around.components().any(|part| part == Component::ParentDir));
        if let (Some(around), Some(name)) =
            (around.and_then(|it| it.canonicalize().ok()), self.checkout.file_name())
        {
            self.checkout = around.join(name);
        }
    }

    /// Its checkout, in which those tags are releases that its table says.
    pub fn open_checkout(&self) -> Result<Checkout> {
        Ok(Checkout::open(&self.checkout)?
            .with(&self.releases)
            .in_environment(&self.environment)
            .with_edits(&self.edits))
    }

    /// Where its backups are, unless a script says otherwise.
    pub fn backup_folder(&self) -> PathBuf {
        match &self.backups {
            Some(folder) => self.path(&folder.to_string_lossy()),
            None if self.facts.backups.is_some() => {
                self.expanded(self.facts.backups.as_deref().unwrap_or_default())
            }
            None => self.home().join("backups").join(&self.name),
        }
    }

    /// To whom its backups are encrypted, and what they are read with.
    pub fn keys(&self) -> Keys {
        Keys {
            recipients: self.recipients.clone(),
            identity: self.identity.as_ref().map(|file| self.path(&file.to_string_lossy())),
            environment: self.environment.clone(),
        }
    }

    /// The home in which its commands run.
    pub fn home(&self) -> PathBuf {
        self.environment
            .get("HOME")
            .map(PathBuf::from)
            .or_else(|| std::env::var_os("HOME").map(PathBuf::from))
            .unwrap_or_default()
    }

    /// A path as a script or the site writes it: `~` is the server's home, and what is relative is in the checkout.
    pub fn path(&self, written: &str) -> PathBuf {
        match written.strip_prefix("~/") {
            _ if written == "~" => self.home(),
            Some(rest) => self.home().join(rest),
            None => self.checkout.join(written),
        }
    }

    /// The checks that say whether it is healthy: those given, else its own. Fails if there are none: a server of
    /// which nothing is known is not healthy.
    pub fn checks(&self, given: Option<&[Check]>) -> Result<Vec<Check>> {
        let checks = given.unwrap_or(&self.health).to_vec();
        if checks.is_empty() {
            let message = format!("there are no health checks for `{}`", self.name);
            return Err(Failure::new(Kind::Invalid, message).help(
                "give it some in site.toml, as `health = [\"http://localhost/\"]`, or with the option `checks`; \
                 read how they are written with `banister doc wait_healthy`",
            ));
        }
        Ok(checks)
    }

    /// The environment that its commands see.
    pub fn variables(&self) -> BTreeMap<String, String> {
        environment().into_iter().chain(self.environment.clone()).collect()
    }
}

/// Fails for a path that isn't UTF-8: what is recorded of a run is text, and must lead back to the same place.
pub fn check_text(path: &Path) -> Result<()> {
    if path.to_str().is_some() {
        return Ok(());
    }
    let message = format!("the path `{}` is not UTF-8, and can't be written down", path.display());
    Err(Failure::new(Kind::Invalid, message)
        .why("nothing was touched")
        .help("rename the folder, for instance with `convmv -f latin1 -t utf8`"))
}

impl Site {
    /// Reads `site.toml`.
    pub fn load(file: &Path) -> Result<Site> {
        let shown = file.display();
        let text =
            std::fs::read_to_string(file).or_fail(Kind::Invalid, || format!("can't read `{shown}`"))?;
        // Links resolved: whoever names the site in another way must find the same runs, and the same scripts beside it.
        let file = file.canonicalize().or_else(|_| std::path::absolute(file)).unwrap_or_else(|_| file.into());
        check_text(&file)?;
        let Typed { notify, home, unattended, metrics, windows, mut servers, order } =
            typed::servers(&text, &shown.to_string(), file.parent())?;
        if servers.is_empty() {
            return Err(Failure::new(Kind::Invalid, format!("`{shown}` names no server"))
                .why("the table `servers` is empty")
                .help("write a table `[servers.NAME]` into it, then check it with `banister check`"));
        }
        let folder = file.parent().unwrap_or(Path::new("/")).to_owned();
        for (name, server) in &mut servers {
            match &server.ssh {
                None => {
                    server.site_folder = Some(folder.clone());
                    server.settle(&folder);
                    check_text(&server.checkout)?;
                }
                Some(ssh) => check_elsewhere(server, ssh).map_err(|failure| Failure {
                    at: Some(format!("{shown}, server `{name}`")),
                    ..failure
                })?,
            }
            let kept = server.keep.map_or(Ok(()), |keep| keep.check_written());
            kept.and_then(|()| server.access().map(drop))
                .and_then(|()| server.check_excluded())
                .and_then(|()| server.keys().check())
                .and_then(|()| server.check_page())
                .and_then(|()| server.proof.iter().try_for_each(Proof::check))
                .map_err(|failure| {
                    let place = format!("{shown}, server `{name}`");
                    Failure { at: Some(place), ..failure }
                })?;
            if let Some(endpoint) = &mut server.endpoint {
                endpoint.truncate(endpoint.trim_end_matches('/').len());
            }
        }
        let backups: Vec<(String, PathBuf)> = servers
            .values()
            .filter(|server| server.ssh.is_none())
            .map(|server| (server.name.clone(), server.backup_folder()))
            .collect();
        for server in servers.values_mut() {
            let others = backups.iter().filter(|(name, _)| *name != server.name);
            server.neighbours = others.map(|(_, folder)| folder.clone()).collect();
        }
        let metrics = metrics.map(|file| folder.join(file));
        Ok(Site { file, notify, home, unattended, metrics, windows, servers, order })
    }

    /// The folder that holds `site.toml`.
    pub fn folder(&self) -> &Path {
        self.file.parent().unwrap_or(Path::new("."))
    }

    /// The server of this name.
    pub fn server(&self, name: &str) -> Result<&Server> {
        self.servers.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.servers.keys().map(String::as_str).collect();
            Failure::new(Kind::Invalid, format!("there is no server `{name}` in `{}`", self.file.display()))
                .help(format!("the servers there are: {}", names.join(", ")))
        })
    }
}

/// What is said of a server on another machine must mean something there.
fn check_elsewhere(server: &Server, ssh: &str) -> Result<()> {
    let invalid = |message: String| Err(Failure::new(Kind::Invalid, message));
    if ssh.is_empty() || ssh.starts_with('-') || ssh.contains(char::is_whitespace) {
        return invalid(format!(
            "`ssh = {ssh:?}` names no host: write it as for `ssh`, such as `ops@example.org`"
        ));
    }
    if server.agent.as_ref().is_some_and(|agent| !agent.is_absolute()) {
        return invalid("`agent` is the path of a program on that machine, from `/` on".into());
    }
    let checkout = server.checkout.display().to_string();
    if !checkout.starts_with(['~', '/']) {
        let message =
            format!("`checkout = {checkout:?}` is on another machine: write it from `/` or `~/` on");
        return invalid(message);
    }
    Ok(())
}
