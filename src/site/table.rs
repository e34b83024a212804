//! What `site.toml` says of a server, as it is typed. This is the one list of its keys: from it come what is checked, what is
//! documented and what is completed.

use super::{Hooks, Maintenance, Targets};
use crate::machine::backup::{AskedDatabase, AskedRedis, AskedVolume, Dump, Keep};
use crate::machine::env_file::Dialect;
use crate::machine::health::Check;
use crate::machine::proof::Proof;
use crate::machine::release::Rules;
use crate::units::{Duration, Size};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The table of a server. The comments are the only documentation that its keys have.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Its address for `ssh`, as `ops@cloud.example.org`, or a name from the user's own ssh configuration.
    /// Absent: this machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssh: Option<String>,
    /// The path of a banister that is installed there, of this version or of one that still understands it. Absent: this program
    /// is copied to its state folder there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<PathBuf>,
    /// The kind of server: a file of the same name in `stdlib/` defines its steps.
    pub kind: String,
    /// The git checkout; for a kind whose releases are tags of images, the folder with the Compose files; for one whose releases
    /// are files, a folder of the server, in which its commands run. `~` is the server's home.
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
    /// Which tags of the checkout are releases: `tags`, how they look, such as `"version/{n}.{n}.{n}"` (`{n}` is a number,
    /// `{}` any text); `not`, releases that are only installed with `--to` and a reason, such as `["2.7.0", "1.9.*"]`;
    /// `trials = true` to install prereleases, too; `stops`, which must be installed before later ones: `"each_major"`,
    /// `"each_minor"`, or an array such as `["24.8.0", "{n}.11"]`, in which two numbers are the last release with them;
    /// `min_age`, how old a release must be to be installed without `--to`, such as `"7d"`; `forge`, the project's address, such
    /// as `"https://github.com/OWNER/NAME"`, if the checkout's remote does not say it: its release pages are shown where the
    /// repository has no notes; and `type`, `"github"`, `"gitea"`, `"forgejo"` or `"gitlab"`, for a forge of your own.
    #[serde(default)]
    pub releases: Rules,
    /// Patterns of files of the repository that are edited on the server, such as `["env/*"]`: an update merges each release
    /// with the edits, shows them, and a rollback restores them. An update asks about other edited files.
    #[serde(default)]
    pub edits: Vec<String>,
    /// The folder of the Makefile, or of the Compose files, within the checkout.
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
    /// Commands before and after steps of any runbook, by the step's name, in which `*` is any text: `before` and `after` are
    /// tables of lists of commands, each a list of words, such as `{ after = { Start = [["systemctl", "restart", "agent"]] }
    /// }`. They run in the checkout as `run` does, an hour at most, also where a rollback has such a step. One that fails
    /// fails its step; one of which nobody knows how it ended is asked about. Where a run is of several servers, they belong
    /// to the steps that have the server's name, as `Update NAME`, to all in them, and to those of its branch of `parallel`.
    #[serde(default, skip_serializing_if = "Hooks::is_empty")]
    pub hooks: Hooks,
    /// The servers that this one needs, such as `["hub"]`: `update-linked` updates these first, and sees that this one is
    /// healthy before it continues. They are servers of this file.
    #[serde(default)]
    pub needs: Vec<String>,
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
    /// How long users may be blocked by `maintenance`, such as `"30m"`. Then an update in the background is rolled back, which
    /// unblocks them: at once where a question or a failure waits for somebody, else when the running command has ended.
    /// Who resumes a run after that decides alone. Runs with `--foreground`, and those that have nothing to roll back, are not
    /// stopped; `banister status` reports what is overdue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub longest_maintenance: Option<Duration>,
    /// Files and folders to back up, for kinds without built-in ones.
    #[serde(default)]
    pub backup: Vec<String>,
    /// Patterns of files and folders that are excluded from `backup`, as restic reads them: `*.log` at any depth,
    /// `/srv/data/cache/*` from the root, `**` for any number of folders, `!` before what is not to be excluded.
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
    /// What proves after an update that the data is still there: numbers that are taken before it and after its start, and
    /// of which none may be less. Tables with `rows`, a table of a database, with its `service` and `database`, and `engine` as in
    /// `databases`; or with `files`, a path; or with `volume`, a volume of the Compose project, whose files are counted; or with
    /// `command`, which prints one number. For instance
    /// `[{ rows = "public.users", service = "db", database = "app" }, { files = "uploads" }]`. Absent: of the tables of its
    /// databases that had rows, half still have some.
    #[serde(default)]
    pub proof: Vec<Proof>,
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
    /// The settings file, which is checked for new keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub env_file: Option<PathBuf>,
    /// By whose rules the settings file is read and edited: `"make"`, `"compose"` (Docker Compose), `"dotenv"`
    /// (python-dotenv) or `"shell"`; if not given, by those of its kind, or make's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dialect: Option<Dialect>,
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
