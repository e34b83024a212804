//! `backup(server, label: text = "", #{ files: array, databases: array, volumes: array, search: map, dumps: map, project: text, version_file: text, not_included: array, folder: text, format: text, prefix: text })`
//!
//! Writes a backup of the server and reads it back.
//!
//! It is called `SERVER-INSTANT-RELEASE-LABEL.FORMAT`, is readable by its owner only, and ends with a manifest that
//! has the SHA-256 of every member. While it is being written its name begins with a dot and ends with `.part`.
//!
//! # Options
//! - `files`: files and folders. `~` is the server's home, and a relative path is in the checkout. In the archive
//!   they are called as they are written, without a slash at the beginning, with `home` for `~` and `checkout` for
//!   `.`; to call one
//!   otherwise, give `#{ path: "~/.hoss/.env", name: "config/.env" }`. Default: `backup` of the site.
//! - `databases`: PostgreSQL databases, each as `#{ name: "db/users.dump", service: "db", database: "users" }`: dumped by
//!   `pg_dump -Fc` in the container of that Compose service, and read through once, counting rows. Default: none.
//! - `volumes`: volumes of the Compose project, each as `#{ name: "volumes/keys", volume: "keys" }` with the name in the
//!   Compose files. They are read by a container of the image that mounts them. With `steady`, a command as an array,
//!   the volume is copied again until that prints the same before and after: for what is written to while it is read.
//!   Default: none.
//! - `search`: OpenSearch or Elasticsearch, as `#{ name: "search", service: "opensearch", port: 9200, folder:
//!   "~/snapshots", inside: "/mnt/snapshots" }`: a snapshot of all indices. `folder` and `inside` are where it may have
//!   repositories, on the server and in its container. Default: none.
//! - `dumps`: commands whose output is kept, as arrays, by the member's name. They run in the Makefile's folder.
//!   Default: `dumps` of the site.
//! - `project`: the Compose project, if the machine has several with such services. Default: the only one.
//! - `version_file`: a member with release and commit as JSON, `version` and `build`, that Hoss's own tool looks for.
//!   Default: none.
//! - `not_included`: what belongs to the server and is not in the backup, in words, for who will need it. Default: none.
//! - `folder`: where it goes; made, for the owner only, if it is not there. Default: `backups` of the site, else
//!   `~/backups/SERVER`.
//! - `format`: `"tar.zst"` or `"tar.gz"`. Default: `"tar.gz"` for Hoss, else `"tar.zst"`.
//! - `prefix`: stands before each name in the archive. Default: `"./"` for Hoss, else none.
//!
//! # Returns
//! - `path`: where it is.
//! - `bytes`: its size.
//! - `members`: how many members it has, besides the manifest.
//! - `release`: the release that is checked out, or `()`.
//! - `commit`: the commit that is checked out, shortened, or `()`.
//! - `sha256`: of the whole file.
//! - `not_included`: as it was given.
//! - `verified`: `true`; every member was read back and compared.
//!
//! # Errors
//! `not_found` if a file, a service or a program is not there; `command_failed` if a dump fails; `timed_out` if a
//! snapshot takes over an hour; `refused` if there is too little room, a snapshot is not whole, something can't be read
//! or written, or what is read back differs. The server is untouched, and of the archive nothing is left, unless
//! reading it back failed: then it stays, to be looked at.
//!
//! # After a crash
//! It is written again, under the same name. What was unfinished is removed, also in the search service; one that was
//! finished is read back, and is the backup.
//!
//! # Example
//! ```rhai
//! let saved = this_server().backup("before the update", #{ files: ["~/.hoss/.env", "~/.hoss/core"] });
//! saved.verified
//! // => true
//! ```

use crate::command::Spec;
use crate::data::{self, ServerName};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::{self, About, Content, Member, Watch};
use crate::machine::backup::{
    Asked, AskedDatabase, AskedFiles, AskedSearch, AskedVolume, Card, Place, gather,
};
use crate::machine::files::{free_space, private_folder, sha256, write_private_durably};
use crate::machine::git::Checkout;
use crate::primitive::{Act, AfterCrash, Host, Primitive, Told};
use crate::site::Server;
use crate::units::Size;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

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
    dumps: Option<BTreeMap<String, Vec<String>>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    databases: Vec<AskedDatabase>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    volumes: Vec<AskedVolume>,
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
    verified: bool,
}

impl Primitive for Backup {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "backup";
    const SOURCE: &'static str = include_str!("backup.rs");
    const ACT: Act<Self> = Act::Change { touches: &[], perform, predict, after_crash: AfterCrash::Repeat };
}

/// What is to be done, once all defaults are known.
struct Plan {
    folder: PathBuf,
    format: String,
    prefix: String,
    asked: Asked,
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let server = host.server()?;
    let plan = plan(arguments, server)?;
    archive::sweep(&plan.folder, &format!("{}-", server.name.replace('/', "-")))?;
    let intent = match intended(host)? {
        Some(intent) => intent,
        None => {
            enough_room(&plan, server)?;
            intend(arguments, &plan, host)?
        }
    };
    let Intent { path, about } = intent;
    let stop = || host.stop.is_asked();
    let progress = |text| (host.tell)(Told::Progress(text));
    // Nothing has this name until it is whole.
    if !path.exists() {
        let warn = |text| (host.tell)(Told::Warning(text));
        let watch = Watch { stop: &stop, warn: &warn };
        private_folder(&plan.folder)?;
        let asked = complete(plan.asked, arguments, &about);
        let of_server = |path: &str| server.path(path);
        let place = place(arguments, server, &of_server, &stop);
        let gathered = gather(&asked, &place, &plan.folder, &progress)?;
        progress(format!("writing `{}`", path.display()));
        let about = About { parts: gathered.parts.clone(), ..about.clone() };
        archive::create(&path, &archive::Keys::default(), &gathered.members, about, &plan.prefix, &watch)?;
        gathered.tidy().into_iter().for_each(warn);
    }
    progress(format!("reading back `{}`", path.display()));
    let manifest = archive::verify_until(&path, &archive::Keys::default(), &stop)?;
    // What it is made of, and what was left out, is known only when it is written.
    let parts_aside = |about: About| About { parts: Vec::new(), not_included: Vec::new(), ..about };
    if parts_aside(manifest.about.clone()) != parts_aside(about.clone()) {
        let message = format!("`{}` read back is not what was written", path.display());
        return Err(Failure::new(Kind::Refused, message).help("check the disk, then run it again"));
    }
    let failed = || format!("`{}` can't be read", path.display());
    let sha256 = sha256(&path)?;
    Card::of(&path)?.about(&manifest.about).verified(sha256.clone()).keep()?;
    Ok(Outcome {
        bytes: json!({ data::SIZE: Size(path.metadata().or_fail(Kind::Refused, failed)?.len()) }),
        members: manifest.members.len(),
        release: about.release,
        commit: about.commit,
        sha256,
        not_included: manifest.about.not_included,
        verified: true,
        path,
    })
}

/// What an attempt is about to write: kept before it is begun, so that an attempt that is cut off is gone on with under
/// the same name.
#[derive(Serialize, Deserialize)]
struct Intent {
    path: PathBuf,
    about: About,
}

/// The file with the intent, in the folder of the attempt.
const INTENT: &str = "backup.json";

fn intended(host: &Host) -> Result<Option<Intent>> {
    let file = host.folder.join(INTENT);
    let failed = || format!("`{}` can't be read", file.display());
    match std::fs::read(&file) {
        Ok(text) => serde_json::from_slice(&text).map(Some).or_fail(Kind::Journal, failed),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).or_fail(Kind::Journal, failed),
    }
}

fn intend(arguments: &Arguments, plan: &Plan, host: &Host) -> Result<Intent> {
    let server = host.server()?;
    let position = Checkout::open(&server.checkout).and_then(|checkout| checkout.position()).ok();
    if position.is_none() {
        let checkout = server.checkout.display();
        (host.tell)(Told::Warning(format!("the backup names no release: `{checkout}` is no git checkout")));
    }
    let release = position.as_ref().and_then(|position| Some(position.release()?.tag().to_owned()));
    let commit = position.map(|position| position.short);
    let now = jiff::Timestamp::now();
    let about = About {
        server: server.name.clone(),
        kind: server.kind.clone(),
        release: release.clone(),
        commit: commit.clone(),
        created: now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        label: arguments.label.clone(),
        program: env!("CARGO_PKG_VERSION").into(),
        parts: Vec::new(),
        not_included: arguments.not_included.clone(),
    };
    let stem = [
        Some(server.name.replace('/', "-")),
        Some(now.strftime("%Y-%m-%dT%H%M%SZ").to_string()),
        release.or(commit),
        Some(slug(&arguments.label)),
    ];
    let stem: Vec<String> = stem.into_iter().flatten().filter(|part| !part.is_empty()).collect();
    let path = free_name(&plan.folder, &stem.join("-"), &plan.format);
    let intent = Intent { path, about };
    private_folder(host.folder)?;
    let text = serde_json::to_vec(&intent).or_fail(Kind::Bug, || "an intent is not plain data".into())?;
    write_private_durably(&host.folder.join(INTENT), &text)?;
    Ok(intent)
}

fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    enough_room(&plan(arguments, server)?, server)?;
    let unknown = |what: &str| data::unknown(format!("{what} of the backup of {}", server.name));
    // A plan may have moved the checkout before, so neither release nor commit is what it is now.
    Ok(json!({
        "path": unknown("path"), "bytes": unknown("size"), "members": unknown("members"),
        "release": unknown("release"), "commit": unknown("commit"), "sha256": unknown("digest"),
        "not_included": arguments.not_included, "verified": true,
    }))
}

fn plan(arguments: &Arguments, server: &Server) -> Result<Plan> {
    let is_hoss = server.kind == "hoss";
    let files = arguments.files.clone().unwrap_or(server.backup.iter().cloned().map(Part::Path).collect());
    let dumps = arguments.dumps.as_ref().unwrap_or(&server.dumps);
    let spec = |command: &[String]| {
        let mut spec = Spec::new(command.iter().cloned(), server.make_folder());
        spec.environment = server.environment.clone();
        spec
    };
    let asked = Asked {
        files: files.into_iter().map(Part::named).collect(),
        databases: arguments.databases.clone(),
        volumes: arguments.volumes.clone(),
        outputs: dumps.iter().map(|(name, command)| (name.clone(), spec(command))).collect(),
        search: arguments.search.clone(),
        // Known when the backup has a name.
        snapshot: String::new(),
        texts: Vec::new(),
    };
    let nothing = asked.files.is_empty() && asked.databases.is_empty() && asked.volumes.is_empty();
    if nothing && asked.outputs.is_empty() && arguments.search.is_none() {
        return Err(Failure::new(Kind::Invalid, format!("a backup of `{}` would be empty", server.name))
            .help("name files in `backup` or commands in `dumps` in `site.toml`, or give them as options"));
    }
    let folder = match &arguments.folder {
        Some(folder) => server.path(folder),
        None => server.backup_folder(),
    };
    let format = arguments.format.clone().unwrap_or(if is_hoss { "tar.gz" } else { "tar.zst" }.into());
    let format = format.trim_start_matches('.').to_owned();
    archive::Compression::of(Path::new(&format!("a.{format}")))?;
    let prefix = arguments.prefix.clone().unwrap_or(if is_hoss { "./" } else { "" }.into());
    Ok(Plan { folder, format, prefix, asked })
}

/// Adds what is called after the instant, or tells of the release.
fn complete(asked: Asked, arguments: &Arguments, about: &About) -> Asked {
    // Hoss's own tool takes the newest snapshot that is called so.
    let snapshot = format!("hoss-snap-{}", about.created.to_lowercase().replace(':', ""));
    let version = json!({ "version": about.release, "build": about.commit });
    let texts = arguments.version_file.iter().map(|name| (name.clone(), version.to_string())).collect();
    Asked { snapshot, texts, ..asked }
}

fn place<'a>(
    arguments: &'a Arguments,
    server: &'a Server,
    path: &'a dyn Fn(&str) -> PathBuf,
    stop: &'a dyn Fn() -> bool,
) -> Place<'a> {
    Place { environment: &server.environment, project: arguments.project.as_deref(), path, stop }
}

impl Part {
    /// With the name that it has in the archive.
    fn named(self) -> AskedFiles {
        let path = match self {
            Part::Named(files) => return files,
            Part::Path(path) => path,
        };
        let name = match path.strip_prefix('~') {
            Some(rest) => format!("home{rest}"),
            None => path.clone(),
        };
        match name.trim_start_matches("./").trim_matches('/') {
            "" | "." => AskedFiles { path, name: "checkout".to_owned() },
            name => AskedFiles { path, name: name.to_owned() },
        }
    }
}

/// Fails if the files, uncompressed, would not fit; what a dump needs can't be known.
fn enough_room(plan: &Plan, server: &Server) -> Result<()> {
    let paths = plan
        .asked
        .files
        .iter()
        .map(|files| Member { name: files.name.clone(), content: Content::Path(server.path(&files.path)) });
    let needed = archive::estimate(&paths.collect::<Vec<_>>())?;
    let free = free_space(&plan.folder)?.free;
    if needed <= free {
        return Ok(());
    }
    let folder = plan.folder.display();
    let message = format!("a backup needs up to {}, and `{folder}` has {}", Size(needed), Size(free));
    Err(Failure::new(Kind::Refused, message).help("make room, or give the option `folder`"))
}

/// A label as a part of a file's name.
fn slug(label: &str) -> String {
    let plain = |c: char| if c.is_alphanumeric() || c == '.' { c } else { ' ' };
    let words: String = label.to_lowercase().chars().map(plain).take(60).collect();
    words.split_whitespace().collect::<Vec<_>>().join("-")
}

/// A name that no archive has: two can be made in the same second.
fn free_name(folder: &Path, stem: &str, format: &str) -> PathBuf {
    let names = std::iter::once(format!("{stem}.{format}"))
        .chain((2..).map(|number: u32| format!("{stem}-{number}.{format}")));
    let mut paths = names.map(|name| folder.join(name));
    paths.find(|path| path.symlink_metadata().is_err()).unwrap_or_else(|| folder.join(stem))
}
