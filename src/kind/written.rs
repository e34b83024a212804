//! What `kind.toml` says, as it is written. The comments above its keys are the only documentation that there is.

use super::OwnKey;
use super::fields::fields;
use crate::failure::{Failure, Kind, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A `kind.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Written {
    /// The kind whose functions and keys it inherits, such as `"plain"`; none, if it defines all functions itself.
    pub extends: Option<String>,
    /// Whether it has functions that show users a page, so that a server may say `maintenance = "page"`.
    pub maintenance_page: Option<bool>,
    /// Where backups are, if the server's table does not say: a path, in which `${NAME:-DEFAULT}` is a setting of
    /// `env_file`. If nothing is said: `~/backups/` and the name of the server.
    pub backups: Option<String>,
    /// Whether `configure`, `build`, `start` and `stop_writers`, as far as it inherits them, run the make targets that
    /// `targets` of the server's table names, so that `banister check` looks for them.
    pub make_targets: Option<bool>,
    /// Where releases come from: `"git"`, the tags of the checkout, or `"images"`, the tags of images that a registry has.
    /// Then `checkout` needs no git: it is the folder with the Compose files, and `version` of the server's table says where
    /// the version is written. Or `"files"`, files that a forge or a list publishes with digests: then `checkout` is any folder
    /// of the server, and `file`, `asset`, `sha256` and `versions` of its table are keys of the kind.
    pub source: Option<Source>,
    /// Whether `banister adopt` writes servers of this kind: Docker Compose projects whose releases come from its `source`.
    pub adopts: Option<bool>,
    /// Into which releases a backup can be restored: `"any"`, or `"first_two_numbers"` for those with the same.
    pub fits: Option<Fits>,
    /// How archives are written: `format` and `prefix`, as `backup` takes them, `any_tar`, whether they hold only what any
    /// `tar` can read, and `snapshot`, what the names of snapshots of a search index begin with.
    pub archive: Option<Archive>,
    /// What a restore may replace beside `backup` of the server's table: `paths`, in which `${NAME:-DEFAULT}` is a setting
    /// and `${env_file}` the settings file, and `stores`: `"site"` for the databases, volumes and Redis of that table, or
    /// `"any"` of the project. A kind with a function `back_up` of its own must say it.
    pub restores: Option<Restores>,
    /// What archives hold that another program made, without a manifest: tables with the `name` of members, in which `*`
    /// is any name, and one of `files` (the path where they belong), `database` (a table with its `database` and its `service`), `volume`, and
    /// `search` (a table with `service`, `port`, `folder` and `inside`, as for `backup`); in them `*` is the same name.
    /// `owner` is the number of the user and the group that they belong to.
    pub layout: Option<Vec<Member>>,
    /// How `banister init` recognises a server, for kinds that the program brings.
    pub detect: Option<Detect>,
    /// What the keys of a server's table are, if it does not say: a table, as `[defaults]` with `folder = "server"`.
    pub defaults: toml::Table,
    /// Keys of a server's table that only this kind has, each as `[keys.NAME]`: `type` (`"text"`, `"texts"`, `"number"`,
    /// `"bool"`, `"table"`, of texts, or `"commands"`, a table of commands, each an array of its words, or
    /// `"texts_and_commands"`), `help`, a sentence, `default`, of a table `names`, those that may be in it, and `needed`, whether a
    /// server needs it to be updated, unless it has the key that `instead` names. Its functions read one as `server.NAME`, which
    /// is `()` without a default.
    pub keys: BTreeMap<String, OwnKey>,
}

/// Into which releases a backup can be restored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fits {
    #[default]
    Any,
    FirstTwoNumbers,
}

/// Where releases come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    #[default]
    Git,
    Images,
    Files,
}

/// How archives are written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Archive {
    pub format: String,
    /// Stands before each name in the archive.
    pub prefix: String,
    /// Whether another tool restores it, too, with whichever `tar` an image has: then it holds nothing that such a one could
    /// misread.
    pub any_tar: bool,
    /// What the name of a snapshot of a search index begins with.
    pub snapshot: String,
}

impl Default for Archive {
    fn default() -> Archive {
        Archive {
            format: "tar.zst".into(),
            prefix: String::new(),
            any_tar: false,
            snapshot: "snapshot-".into(),
        }
    }
}

/// What a restore may replace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restores {
    pub paths: Vec<String>,
    pub stores: Stores,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stores {
    /// Those that the server's table names.
    Site,
    Any,
}

/// `[detect]` in `kind.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Detect {
    /// The files that all are in the checkout.
    pub files: Vec<String>,
    /// Which servers are meant, for people; nothing, if the name says it.
    pub about: String,
    /// The settings file, in the checkout or from `~/` on.
    pub settings: Option<String>,
    /// Where users reach it: the first of these URLs whose settings are all there.
    pub endpoint: Vec<String>,
    /// For each step, the names that its make target usually has.
    pub targets: BTreeMap<String, Vec<String>>,
    /// Lines for its table.
    pub table: String,
    /// What to do with the file then.
    pub next: Option<String>,
    pub links: Links,
}

/// Where its own files name other servers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Links {
    /// URLs that mean the server itself.
    pub own: Vec<String>,
    /// What the URL of a service has after that of its server.
    pub services: Vec<String>,
    /// Settings with the URL of a service of another server.
    pub settings: Vec<String>,
    /// Files with a list of such URLs.
    pub lists: Vec<List>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    pub file: String,
    pub key: String,
}

/// Members with a name, in which `*` is any name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Member {
    pub name: String,
    #[serde(flatten)]
    pub means: Means,
    /// The user and the group that they belong to: in the archive all is its administrator's, who could not read it
    /// otherwise.
    #[serde(default)]
    pub owner: Option<u64>,
}

/// What they are; `*` is the same name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// Files of this path.
    Files(String),
    Database {
        database: String,
        service: String,
    },
    Volume(String),
    Search {
        service: String,
        port: u16,
        folder: String,
        inside: String,
    },
}

impl Written {
    /// Reads a text; `shown` is the name of the file for people.
    pub fn parse(text: &str, shown: &str) -> Result<Written> {
        toml::from_str(text).map_err(|error: toml::de::Error| {
            let line = error.span().map(|span| text[..span.start].matches('\n').count() + 1);
            let failure = Failure::new(Kind::Invalid, format!("`{shown}` is not right"))
                .why(error.to_string().trim_end().to_owned())
                .help("correct it: `banister doc kind.toml` lists its keys; then check it with `banister check`");
            Failure { at: line.map(|line| format!("{shown}:{line}")), ..failure }
        })
    }
}

/// The keys of the file, each with its documentation.
pub fn documented() -> Vec<(String, String)> {
    let keys = fields(include_str!("written.rs"), "Written").into_iter();
    keys.map(|field| (field.name, field.comment.join(" "))).collect()
}
