//! A site: the folder with `site.toml`, which names the servers.

use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::Keys;
use crate::machine::backup::{AskedDatabase, AskedRedis, AskedVolume, Dump, Keep};
use crate::machine::env_file::environment;
use crate::machine::health::Check;
use crate::units::Size;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

mod find;
mod ground;
mod keys;
mod maintenance;
mod make;
mod own;
mod places;
mod remembered;
mod repository;
mod retention;
mod said;
mod secrets;
mod targets;
mod settings;

pub use find::find;
pub use keys::{KEYS, Key, documented};
pub use maintenance::{Commands, Maintenance};
pub use own::state_folder;
pub use targets::Targets;

/// The file's name, unless another one is named.
pub const FILE: &str = "site.toml";

/// The kind of a Hoss server.
pub const HOSS: &str = "hoss";
/// The kind of a server of which only `site.toml` knows something.
pub const PLAIN: &str = "plain";
/// The kind of a Mastodon server.
pub const MASTODON: &str = "mastodon";

/// The servers of a site and where its own scripts are.
#[derive(Clone, Debug)]
pub struct Site {
    /// The path of `site.toml`, the same one however it was named: runs are known by it.
    pub file: PathBuf,
    /// By name, in the order of names.
    pub servers: BTreeMap<String, Server>,
}

/// What `site.toml` says.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SiteFile {
    servers: BTreeMap<String, Server>,
}

/// One installation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
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
    /// Its address for `ssh`, as `ops@cloud.example.org`, or a name from the user's own ssh configuration.
    /// Absent: this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh: Option<String>,
    /// The path of a banister that is installed there, of this same version. Absent: this program is copied to its state folder
    /// there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<PathBuf>,
    /// The kind of server: a file of the same name in `stdlib/` defines its steps.
    pub kind: String,
    /// The git checkout. `~` is the server's home.
    pub checkout: PathBuf,
    /// The URL under which users reach it, without a slash at the end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    /// Variables for its commands, added to those of banister.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// The branch that `update` follows instead of releases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// The folder of the Makefile, within the checkout.
    #[serde(default)]
    pub folder: PathBuf,
    /// The name of its Compose project, if the Compose files are not in the folder of the Makefile or below it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Make targets, for kinds without built-in ones: `configure` (none, if not given), `build` (`build`), `start`
    /// (`up`), and `stop`, which stops what writes to the data (if not given, the containers that use it are stopped). An
    /// empty name skips the step.
    #[serde(default)]
    pub targets: Targets,
    /// Health checks, for kinds without built-in ones: URLs, or tables as `wait_healthy` takes them.
    #[serde(default)]
    pub health: Vec<Check>,
    /// How long to wait until it is healthy, `within`, and how long it must stay healthy, `stable`.
    #[serde(default)]
    pub healthy: Healthy,
    /// Checks that succeed while nobody uses the server, in the form of `health`.
    #[serde(default)]
    pub idle: Vec<Check>,
    /// How users are blocked while it is updated: `"page"`, or a table with the commands `begin` and `end`, and `endpoint`,
    /// where the server answers meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub maintenance: Option<Maintenance>,
    /// Files and folders to back up, for kinds without built-in ones.
    #[serde(default)]
    pub backup: Vec<String>,
    /// Patterns of files and folders that are excluded from `backup`, as restic reads them: `*.log` at any depth,
    /// `/srv/data/cache/*` from the root, `**` for any number of folders, `!` before what is not to be excluded.
    /// Mastodon's default: the cache of remote media, `public/system/cache/*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exclude: Option<Vec<String>>,
    /// Paths of `backup`, and names of volumes, that may be empty although the last backup has files there. Any other that
    /// is makes the backup fail: its disk may not be mounted.
    #[serde(default)]
    pub may_be_empty: Vec<String>,
    /// Commands whose output is backed up, each with its member's name: an array, or a table with the commands `dump`,
    /// `load`, which loads it in a restore, and `drill`, which tries it; both get it on stdin.
    #[serde(default)]
    pub dumps: BTreeMap<String, Dump>,
    /// Databases to back up, for kinds without built-in ones: tables with the Compose `service`, the name of the `database`,
    /// and `engine`: `"postgres"`, if not given, or `"mariadb"`, also for MySQL. For instance
    /// `[{ service = "db", database = "wiki" }]`.
    #[serde(default)]
    pub databases: Vec<AskedDatabase>,
    /// Redis to back up: tables with the Compose `service`, such as `[{ service = "cache" }]`.
    #[serde(default)]
    pub redis: Vec<AskedRedis>,
    /// Volumes of the Compose project to back up: tables with the `volume`, as the Compose file names it, such as
    /// `[{ volume = "media" }]`.
    #[serde(default)]
    pub volumes: Vec<AskedVolume>,
    /// The folder of the backups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backups: Option<PathBuf>,
    /// The repository of restic that backups go into instead of archives: `"restic:/mnt/nas/backups"`, or after `restic:`
    /// what restic takes for another machine, such as `sftp:backup@nas:/srv/backups`, `rest:https://nas:8000/` or
    /// `s3:s3.amazonaws.com/bucket`, whose keys belong in `environment`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository: Option<String>,
    /// The file with the password of the repository.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_password_file: Option<PathBuf>,
    /// The command that prints the password of the repository, if there is no such file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repository_password_command: Option<Vec<String>>,
    /// Which backups to keep when old ones are removed, with the rules of `restic forget`: `last`, `hourly`, `daily`,
    /// `weekly`, `monthly` and `yearly` are numbers, `within` is a span such as `1y5m7d2h` (`m` is months) before the newest
    /// backup; `age` keeps those newer than this, such as `30d` or `90min`, counted from now, and `count` is the same as
    /// `last`, so only one of the two is given.
    /// A backup is removed only if no rule keeps it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub keep: Option<Keep>,
    /// The recipients of encrypted backups: public keys of `age` or SSH, or keys of `gpg` with `gpg:` before each.
    #[serde(default)]
    pub recipients: Vec<String>,
    /// The file with the key of one of them, without a passphrase, for `age`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identity: Option<PathBuf>,
    /// The settings file that make includes, and that is checked for new keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_file: Option<PathBuf>,
    /// Names of more settings that are secret, besides those with password, secret, token or key in their name.
    #[serde(default)]
    pub secrets: Vec<String>,
    /// Names of settings that are not secret although their name looks like it: `KEYSTORE_KEY`, the name of a key.
    #[serde(default)]
    pub not_secrets: Vec<String>,
    /// What must be free on the disk before an update begins.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub free_space: Option<Size>,
}

/// The health gate's times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Healthy {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<crate::units::Duration>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stable: Option<crate::units::Duration>,
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

    /// Where its backups are, unless a script says otherwise.
    pub fn backup_folder(&self) -> PathBuf {
        match &self.backups {
            Some(folder) => self.path(&folder.to_string_lossy()),
            None if self.kind == HOSS => self.backup_root_of_hoss().join("backups"),
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
        let parsed: SiteFile = toml::from_str(&text).map_err(|error| {
            let (said, keys) = said::plainly(error.to_string().trim_end());
            let keys = keys.map(|keys| format!("; the keys there: {}", keys.join(", "))).unwrap_or_default();
            Failure::new(Kind::Invalid, format!("`{shown}` is not right"))
                .why(said)
                .help(format!("correct it and check again with `banister check`{keys}"))
        })?;
        // Links resolved: whoever names the site in another way must find the same runs, and the same scripts beside it.
        let file = file.canonicalize().or_else(|_| std::path::absolute(file)).unwrap_or_else(|_| file.into());
        check_text(&file)?;
        if parsed.servers.is_empty() {
            return Err(Failure::new(Kind::Invalid, format!("`{shown}` names no server"))
                .why("the table `servers` is empty")
                .help("write a table `[servers.NAME]` into it, then check it with `banister check`"));
        }
        let folder = file.parent().unwrap_or(Path::new("/")).to_owned();
        let mut servers = parsed.servers;
        for (name, server) in &mut servers {
            name.clone_into(&mut server.name);
            if server.kind == HOSS {
                // Facts of WyssCenter/hybrid-object-store: its Makefile is in `server/`, its settings in the home.
                if server.folder.as_os_str().is_empty() {
                    server.folder = "server".into();
                }
                server.env_file.get_or_insert_with(|| "~/.hoss/.env".into());
            }
            if server.kind == MASTODON {
                // What Mastodon fetched from other servers, it fetches again.
                server.exclude.get_or_insert_with(|| vec!["public/system/cache/*".into()]);
            }
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
        Ok(Site { file, servers })
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
