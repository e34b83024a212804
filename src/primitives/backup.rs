//! `backup(server, label: text = "", #{ files: array, databases: array, redis: array, volumes: array, search: map, dumps: map, project: text, version_file: text, not_included: array, folder: text, format: text, prefix: text })`
//!
//! Writes a backup of the server and reads it back.
//!
//! Its name is `SERVER-INSTANT-RELEASE-LABEL.FORMAT`; only its owner can read it, and it ends with a manifest with the
//! SHA-256 of every member. While it is being written its name begins with a dot and ends with `.part`. If the
//! site names `recipients` it is encrypted to them by `age` or `gpg`, whose name is added to its own.
//!
//! If the site names a `repository`, the backup is a snapshot there, by `restic`: what did not change is not stored again.
//! Its name ends with `.restic` and is that of a small file in `folder`, by which it is listed, verified and restored.
//! What was dumped for it is read back and compared, and its files and folders are compared with what `restic` stored.
//!
//! # Options
//! - `files`: files and folders. `~` is the server's home, and a relative path is in the checkout. In the archive
//!   they have the names given here, without a slash at the beginning, with `home` for `~` and `checkout` for `.`; for
//!   another name, give `#{ path: "~/.hoss/.env", name: "config/.env" }`. Default: `backup` of the site.
//! - `databases`: databases, each as `#{ name: "db/users.dump", service: "db", database: "users" }`: dumped in the
//!   container of that Compose service by `pg_dump -Fc`, or, with `engine: "mariadb"`, by `mariadb-dump` or `mysqldump`,
//!   and read through once, counting rows. Default: `databases` of the site.
//! - `redis`: Redis services, each as `#{ name: "redis.rdb", service: "redis" }`: all that it holds. Default: `redis` of
//!   the site.
//! - `volumes`: volumes of the Compose project, each as `#{ name: "volumes/keys", volume: "keys" }` with the name in
//!   the Compose files. They are read by a container of the image that mounts them. With `steady`, a command as an
//!   array, the volume is copied again until that prints the same before and after: for volumes that change while they
//!   are read. Default: `volumes` of the site.
//! - `search`: OpenSearch or Elasticsearch, as `#{ name: "search", service: "opensearch", port: 9200, folder:
//!   "~/snapshots", inside: "/mnt/snapshots" }`: a snapshot of all indices. `folder` and `inside` are where it may have
//!   repositories, on the server and in its container. Default: none.
//! - `dumps`: commands whose output is kept, by the member's name: each an array, or a map with it as `dump`. They run in
//!   the Makefile's folder. What loads them in a restore is said by `dumps` of the site.
//!   Default: `dumps` of the site.
//! - `project`: the Compose project, if the machine has several with such services. Default: the only one.
//! - `version_file`: a member with release and commit as JSON, `version` and `build`, for a tool that looks for one.
//!   Default: none.
//! - `not_included`: a description of the server's data that is not in the backup. Default: none.
//! - `folder`: its folder; made, for the owner only, if it is missing. Default: `backups` of the site, else
//!   `~/backups/SERVER`.
//! - `format`: `"tar.zst"` or `"tar.gz"`: an archive, also if the site names a `repository`. Default: what the kind says, else `"tar.zst"`.
//! - `prefix`: stands before each name in the archive. Default: what the kind says, else nothing.
//!
//! # Returns
//! - `path`: where it is.
//! - `bytes`: its size; in a repository, what it added there.
//! - `members`: how many members it has, besides the manifest.
//! - `release`: the release that is checked out, or `()`.
//! - `commit`: the commit that is checked out, shortened, or `()`.
//! - `sha256`: of the whole file; in a repository, of its manifest.
//! - `not_included`: as it was given, and what was left out of its folders.
//! - `changed`: what changed while it was read, and may be inconsistent in the backup; of a folder: something in it came
//!   or went.
//! - `verified`: `true`; every byte was read back and compared.
//! - `readable`: whether every member was compared, too: `false` if it is encrypted and no key is here to decrypt it.
//!
//! # Errors
//! `refused` if a database server that runs keeps its files among the files or in a volume, which must be dumped instead;
//! `refused` if a file, a folder or a volume is empty where the last backup has data, unless `may_be_empty` of the site
//! names it; `refused` if all backups are gone that were in the folder when the last one was made there;
//! `not_found` if a file, a service or a program is not there; `command_failed` if a dump fails, or the program that
//! encrypts; `timed_out` if a snapshot takes over an hour; `refused` if there is too little room, a snapshot is not
//! whole, something can't be read or written, the archive differs when read back, or `identity` is the key of no
//! recipient. The server is not changed, and the archive is removed, unless reading it back failed: then it is kept for
//! inspection.
//!
//! # After a crash
//! It is written again, under the same name. Unfinished parts are removed, also in the search service. A finished
//! archive is read back and used; one that can't be decrypted here is used only if its digest was recorded.
//!
//! # Example
//! ```rhai
//! let saved = this_server().backup("before the update", #{ files: ["~/.hoss/.env", "~/.hoss/core"] });
//! saved.verified
//! // => true
//! ```

use crate::data::{self, ServerName};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::{self, About, DataSource, Encryption, Held, Manifest, Watch};
use crate::machine::backup::{
    Asked, AskedDatabase, AskedFiles, AskedRedis, AskedSearch, AskedVolume, Card, Dump, ENDING, Intent,
    Workshop, Written, free_name, gather, leftover,
};
use crate::machine::files::{private_folder, sha256};
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive, Told};
use crate::site::Server;
use crate::units::Size;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

mod emptied;
mod room;
mod wanted;

mod into_repository;

pub struct Backup;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    #[serde(default)]
    label: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    files: Option<Vec<Part>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dumps: Option<BTreeMap<String, Dump>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    databases: Option<Vec<AskedDatabase>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    redis: Option<Vec<AskedRedis>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    volumes: Option<Vec<AskedVolume>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    search: Option<AskedSearch>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    version_file: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    not_included: Vec<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    format: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    prefix: Option<String>,
}

/// A file or a folder.
#[derive(Clone, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
enum Part {
    Path(String),
    Named(AskedFiles),
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    path: PathBuf,
    /// Tagged as a size.
    bytes: Value,
    members: usize,
    release: Option<String>,
    commit: Option<String>,
    sha256: String,
    not_included: Vec<String>,
    #[serde(default)]
    changed: Vec<String>,
    verified: bool,
    readable: bool,
}

impl Primitive for Backup {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "backup";
    const SOURCE: &'static str = include_str!("backup.rs");
    const ACT: Act<Self> =
        Act::Change { touches: &[Facet::Backups], perform, predict, after_crash: AfterCrash::Repeat };
}

/// What is to be done, once all defaults are known.
struct Plan {
    folder: PathBuf,
    /// How the archive's name ends, also for an encryption.
    format: String,
    archive: crate::kind::Archive,
    asked: Asked,
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let server = host.server()?;
    let plan = plan(arguments, server)?;
    let left = leftover::remove(&plan.folder, &server.name, &host.run())?;
    left.removed.into_iter().for_each(|text| (host.tell)(Told::Progress(text.into())));
    left.kept.into_iter().for_each(|text| (host.tell)(Told::Warning(text.into())));
    if let Some(repository) = &server.access()?.repository
        && plan.format == ENDING
    {
        return into_repository::store(arguments, host, plan, repository);
    }
    archive::sweep(&plan.folder, &server.name.replace('/', "-"))?;
    let stop = || host.stop.is_asked();
    let progress = |text: String| (host.tell)(Told::Progress(text.into()));
    // The site may have got recipients meanwhile: what is not there yet is written for them.
    let ending = Path::new(&plan.format).extension();
    let holds = |intent: &Intent| intent.path.exists() || intent.path.extension() == ending;
    let begun = Intent::kept(host.folder)?.filter(holds);
    // Looked at before anything is gathered, which may take hours.
    let readable = match begun.as_ref().filter(|intent| intent.path.exists()) {
        Some(intent) => archive::is_readable(&intent.path, &server.keys(), &stop)?,
        None => archive::try_keys(&server.keys(), &stop)?,
    };
    let intent = match begun {
        Some(intent) => intent,
        None => {
            let held = room::enough(&plan, server)?;
            room::no_running_database(&plan, server)?;
            intend(arguments, &plan, host, held)?
        }
    };
    let Intent { path, about, written } = intent;
    let plan_folder = plan.folder.clone();
    let written = match written.filter(|_| path.exists()) {
        Some(written) => written,
        // It may have been killed just when the archive got its name: the archive is the backup then, if it can be
        // looked into.
        None if path.exists() && readable => Written::default(),
        None => {
            let written = write(arguments, host, plan, &path, &about)?;
            let intent = Intent { path: path.clone(), about: about.clone(), written: Some(written.clone()) };
            intent.keep(host.folder)?;
            written
        }
    };
    progress(format!("reading back `{}`", path.display()));
    let differs = || {
        let message = format!("`{}` differs from what was written when read back", path.display());
        Err(Failure::new(Kind::Refused, message).help("check the disk, then run it again"))
    };
    let failed = || format!("`{}` can't be read", path.display());
    let sha256 = sha256(&path)?;
    if written.sha256.as_ref().is_some_and(|written| *written != sha256) {
        return differs();
    }
    let (held, members) = match readable {
        true => {
            let (manifest, members) = archive::verify_until(&path, &server.keys(), &stop)?;
            (manifest.about, members.len())
        }
        false => (written.about, written.members),
    };
    if held.intended() != about.intended() {
        return differs();
    }
    if !readable {
        let why = format!("`{}` can't be restored here: its key is not here", path.display());
        (host.tell)(Told::Warning(why.into()));
    }
    Card::of(&path)?.about(&held).verified(sha256.clone()).keep()?;
    end(&held, &plan_folder, host)?;
    Ok(Outcome {
        bytes: json!({ data::SIZE: Size(path.metadata().or_fail(Kind::Refused, failed)?.len()) }),
        members,
        release: about.release,
        commit: about.commit,
        sha256,
        not_included: held.not_included,
        changed: held.changed,
        verified: true,
        readable,
        path,
    })
}

/// What is done when the backup is there and was read back: what is missing in it is told last, and that it is there is
/// remembered.
fn end(about: &About, folder: &Path, host: &Host) -> Result<()> {
    for lacking in &about.lacking {
        (host.tell)(Told::Warning(format!("in the backup, {lacking}").into()));
    }
    // The backup is there all the same.
    if let Err(failure) = host.server()?.remember_backups(folder) {
        (host.tell)(Told::Warning(failure.to_string().into()));
    }
    Ok(())
}

/// Writes the archive, which gets its name only when it is whole.
fn write(arguments: &Arguments, host: &Host, plan: Plan, path: &Path, about: &About) -> Result<Written> {
    let server = host.server()?;
    let progress = |text: String| (host.tell)(Told::Progress(text.into()));
    let (warn, stop) = (|text: String| (host.tell)(Told::Warning(text.into())), || host.stop.is_asked());
    private_folder(&plan.folder)?;
    // Of an attempt that was cut off, and nothing says what it had to be.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).or_fail(Kind::Refused, || format!("`{}` can't be removed", path.display()));
        }
        _ => {}
    }
    let asked = wanted::complete(plan.asked.clone(), arguments, about, &plan.archive.snapshot);
    let own = server.own_folders(Some(&plan.folder));
    let ground = server.ground(own.clone(), arguments.project.as_deref());
    let place = ground.place(&stop);
    let gathered =
        gather(&asked, &Workshop { place: &place, folder: &plan.folder, compressed: true, tell: &progress })?;
    let about = match emptied::gathered(about.clone(), &gathered, &plan, server) {
        Ok(about) => about,
        Err(failure) => return Err(gathered.fail(failure)),
    };
    progress(format!("writing `{}`", path.display()));
    let watch = Watch { stop: &stop, warn: &warn, own: &own };
    let created = archive::create(path, &server.keys(), &gathered.members, about, &plan.archive, &watch);
    let unnamed = match created {
        Ok(unnamed) => unnamed,
        Err(failure) => return Err(gathered.fail(failure)),
    };
    // Before the archive has its name: one that is there needs no tidying up, whenever we are killed.
    gathered.tidy().into_iter().for_each(warn);
    let created = unnamed.finish()?;
    let Manifest { about, members, .. } = created.manifest;
    Ok(Written { about, members: members.len(), sha256: Some(created.sha256) })
}

fn intend(
    arguments: &Arguments,
    plan: &Plan,
    host: &Host,
    held: BTreeMap<DataSource, Held>,
) -> Result<Intent> {
    let server = host.server()?;
    let installed = server.installed();
    if let Err(failure) = &installed {
        (host.tell)(Told::Warning(format!("the backup names no release: {}", failure.message).into()));
    }
    let installed = installed.ok();
    let release = installed.as_ref().and_then(|installed| installed.release.clone());
    let commit = installed.and_then(|installed| installed.commit).map(|(_, short)| short);
    let now = jiff::Timestamp::now();
    let about = About {
        server: server.name.clone(),
        kind: server.kind.clone(),
        release,
        commit,
        created: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        label: arguments.label.clone(),
        program: env!("CARGO_PKG_VERSION").into(),
        not_included: arguments.not_included.clone(),
        ..About::default()
    };
    let about = emptied::add(about, held, plan, server)?;
    let path = free_name(&plan.folder, &about, &plan.format);
    let intent = Intent { path, about, written: None };
    intent.keep(host.folder)?;
    Ok(intent)
}

fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let plan = plan(arguments, server)?;
    let held = room::enough(&plan, server)?;
    emptied::add(About::default(), held, &plan, server)?;
    let readable = archive::try_keys(&server.keys(), &|| host.stop.is_asked())?;
    let unknown = |what: &str| data::unknown(format!("{what} of the backup of {}", server.name));
    // A plan may have moved the checkout before, so neither release nor commit is what it is now.
    Ok(json!({
        "path": unknown("path"), "bytes": unknown("size"), "members": unknown("members"),
        "release": unknown("release"), "commit": unknown("commit"), "sha256": unknown("digest"),
        "not_included": arguments.not_included,
        "changed": unknown("files changed meanwhile"), "verified": true, "readable": readable,
    }))
}

fn plan(arguments: &Arguments, server: &Server) -> Result<Plan> {
    let archive = &server.facts.archive;
    let asked = wanted::asked(arguments, server)?;
    let folder = match &arguments.folder {
        Some(folder) => server.path(folder),
        None => server.backup_folder(),
    };
    if arguments.format.is_none() && server.repository.is_some() {
        return Ok(Plan { folder, format: ENDING.into(), archive: archive.clone(), asked });
    }
    let format = arguments.format.clone().unwrap_or_else(|| archive.format.clone());
    let format = format.trim_start_matches('.').to_owned();
    let format = match server.keys().encryption() {
        Some(encryption) if Encryption::of(Path::new(&format)).is_none() => {
            format!("{format}.{}", encryption.ending())
        }
        _ => format,
    };
    let path = Path::new("a").with_extension(&format);
    archive::Compression::of(&path)?;
    if Encryption::of(&path) != server.keys().encryption() {
        return Err(Failure::new(
            Kind::Invalid,
            format!("`{format}` names an encryption that has no recipients"),
        )
        .help("name them in `recipients` in `site.toml`; the ending is added automatically"));
    }
    let prefix = arguments.prefix.clone().unwrap_or_else(|| archive.prefix.clone());
    Ok(Plan { folder, format, archive: crate::kind::Archive { prefix, ..archive.clone() }, asked })
}
