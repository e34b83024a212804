//! `backup(server, label: text = "", #{ files: array, dumps: map, folder: text, format: text, prefix: text })`
//!
//! Writes a backup of the server and reads it back.
//!
//! It is called `SERVER-INSTANT-RELEASE-LABEL.FORMAT`, is readable by its owner only, and ends with a manifest that
//! has the SHA-256 of every member. While it is being written its name begins with a dot and ends with `.part`.
//!
//! # Options
//! - `files`: files and folders. `~` is the server's home, and a relative path is in the checkout. In the archive
//!   they are called as they are written, without a slash at the beginning, and with `home` for `~`; to call one
//!   otherwise, give `#{ path: "~/.hoss/.env", name: "config/.env" }`. Default: `backup` of the site.
//! - `dumps`: commands whose output is kept, as arrays, by the member's name. They run in the Makefile's folder.
//!   Default: `dumps` of the site.
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
//! - `verified`: `true`; every member was read back and compared.
//!
//! # Errors
//! `not_found` if a file or a program is not there; `command_failed` if a dump fails; `refused` if there is too little
//! room, something can't be read or written, or what is read back differs. The server is untouched, and of the
//! archive nothing is left, unless reading it back failed: then it stays, to be looked at.
//!
//! # After a crash
//! It is written again, under the same name. What was unfinished is removed; one that was finished is read back, and is
//! the backup.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! let saved = server.backup("before a test", #{ files: ["~/.hoss/.env", "server/VERSION"], folder: "~/tests" });
//! note(`saved to ${saved.path}`);
//! [saved.members, saved.release, saved.verified]
//! // => [2, "0.2.10", true]
//! ```

use crate::command::Spec;
use crate::data::{self, ServerName};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::archive::{self, About, Content, Member, Watch};
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
    Named { path: String, name: String },
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
    parts: Vec<String>,
    members: Vec<Member>,
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let server = host.server()?;
    let plan = plan(arguments, server)?;
    archive::sweep(&plan.folder, &format!("{}-", server.name.replace('/', "-")))?;
    let intent = match intended(host)? {
        Some(intent) => intent,
        None => {
            enough_room(&plan)?;
            intend(arguments, &plan, host)?
        }
    };
    let Intent { path, about } = intent;
    let stop = || host.stop.is_asked();
    // Nothing has this name until it is whole.
    if !path.exists() {
        let warn = |text| (host.tell)(Told::Warning(text));
        let watch = Watch { stop: &stop, warn: &warn };
        archive::create(&path, &plan.members, about.clone(), &plan.prefix, &watch)?;
    }
    (host.tell)(Told::Progress(format!("reading back `{}`", path.display())));
    let manifest = archive::verify_until(&path, &stop)?;
    if manifest.about != about {
        let message = format!("`{}` read back is not what was written", path.display());
        return Err(Failure::new(Kind::Refused, message).help("check the disk, then run it again"));
    }
    let failed = || format!("`{}` can't be read", path.display());
    Ok(Outcome {
        bytes: json!({ data::SIZE: Size(path.metadata().or_fail(Kind::Refused, failed)?.len()) }),
        members: manifest.members.len(),
        release: about.release,
        commit: about.commit,
        sha256: sha256(&path)?,
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
        parts: plan.parts.clone(),
        not_included: Vec::new(),
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
    enough_room(&plan(arguments, server)?)?;
    let unknown = |what: &str| data::unknown(format!("{what} of the backup of {}", server.name));
    // A plan may have moved the checkout before, so neither release nor commit is what it is now.
    Ok(json!({
        "path": unknown("path"), "bytes": unknown("size"), "members": unknown("members"),
        "release": unknown("release"), "commit": unknown("commit"), "sha256": unknown("digest"),
        "verified": true,
    }))
}

fn plan(arguments: &Arguments, server: &Server) -> Result<Plan> {
    let is_hoss = server.kind == "hoss";
    let files = arguments.files.clone().unwrap_or(server.backup.iter().cloned().map(Part::Path).collect());
    let dumps = arguments.dumps.as_ref().unwrap_or(&server.dumps);
    let (mut parts, mut members) = (Vec::new(), Vec::new());
    for part in files {
        let (path, name) = match part {
            Part::Named { path, name } => (path, name),
            Part::Path(path) => {
                let name = match path.strip_prefix('~') {
                    Some(rest) => format!("home{rest}"),
                    None => path.clone(),
                };
                (path, name.trim_start_matches("./").trim_matches('/').to_owned())
            }
        };
        members.push(Member { name, content: Content::Path(server.path(&path)) });
        parts.push(path);
    }
    for (name, command) in dumps {
        let mut spec = Spec::new(command.iter().cloned(), server.make_folder());
        spec.environment = server.environment.clone();
        members.push(Member { name: name.clone(), content: Content::Command(spec) });
        parts.push(name.clone());
    }
    if members.is_empty() {
        return Err(Failure::new(Kind::Invalid, format!("a backup of `{}` would be empty", server.name))
            .help("name files in `backup` or commands in `dumps` in `site.toml`, or give them as options"));
    }
    let folder = match (&arguments.folder, &server.backups) {
        (Some(folder), _) => server.path(folder),
        (None, Some(folder)) => server.path(&folder.to_string_lossy()),
        (None, None) => server.home().join("backups").join(&server.name),
    };
    let format = arguments.format.clone().unwrap_or(if is_hoss { "tar.gz" } else { "tar.zst" }.into());
    let format = format.trim_start_matches('.').to_owned();
    archive::Compression::of(Path::new(&format!("a.{format}")))?;
    let prefix = arguments.prefix.clone().unwrap_or(if is_hoss { "./" } else { "" }.into());
    Ok(Plan { folder, format, prefix, parts, members })
}

/// Fails if the files, uncompressed, would not fit; what a dump needs can't be known.
fn enough_room(plan: &Plan) -> Result<()> {
    let needed = archive::estimate(&plan.members)?;
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
