//! `compare_mounts(server, to: text, #{ compose: array = [] })`
//!
//! Compares what the containers of a server mount with what they would mount in another release, as Docker Compose reports
//! its files: an application that finds its data no more begins anew beside it, and is healthy.
//!
//! The release's files are written into a temporary folder, with what git does not know linked into them, and are
//! removed again; a file over 1 MiB is left empty there. Where releases are tags of images, the setting with the version has
//! the other one while Compose is asked. The server's own files are not touched.
//!
//! What holds no data is not compared: memory, sockets, folders of the machine such as `/proc` and `/usr`, files that are
//! mounted read-only, files below `/etc`, and what is tracked by git.
//!
//! # Options
//! - `compose`: what stands before the command of Compose when the server is started, such as `["-f", "a.yaml"]`. A file of
//!   `-f` that is not there is left out, `~/` is the server's home. Default: the files that the labels of the containers name,
//!   if they are others than Compose finds itself.
//!
//! # Returns
//! A map:
//! - `compared`: whether there was something to compare: Compose, containers of the server, and Compose files.
//! - `why`: why it, or what a file that is gone says of it, could not be compared although containers are there; else empty.
//! - `lost`: an array of texts, each a difference that loses data's place: a volume, folder or file that a service mounts
//!   and does not mount at the same place in the release, unless that has no such service and another one mounts it there;
//!   another project; a volume that is external in only one of them, or that another driver makes. If Compose does not take
//!   the files of the release, that.
//! - `added`: an array of texts, what is mounted besides.
//!
//! # Errors
//! None for what can't be compared, as a release with more than 200,000 files or 256 MiB of text.
//!
//! # After a crash
//! It is compared again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! server.fetch();
//! server.compare_mounts("0.2.11").lost
//! // => []
//! ```

use crate::data::ServerName;
use crate::failure::{Failure, Kind, Result};
use crate::kind::Source;
use crate::machine::deployment::{Deployment, Model, Mounted, Place, Program, compare};
use crate::machine::git::Checkout;
use crate::machine::release::written_tag;
use crate::primitive::{Act, Facet, Host, Primitive};
use crate::site::Server;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

pub struct CompareMounts;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    to: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    compose: Vec<String>,
}

#[derive(Default, Serialize, Deserialize)]
pub struct Outcome {
    compared: bool,
    why: String,
    lost: Vec<String>,
    added: Vec<String>,
}

impl Primitive for CompareMounts {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "compare_mounts";
    const SOURCE: &'static str = include_str!("compare_mounts.rs");
    const ACT: Act<Self> =
        Act::Look { reads: &[Facet::Checkout, Facet::History, Facet::Settings], perform, predict };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    compared(arguments, host, false)
}

/// A plan fetches: what that will bring is read without bringing it into the checkout.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    Ok(json!(compared(arguments, host, true)?))
}

fn compared(arguments: &Arguments, host: &Host, is_plan: bool) -> Result<Outcome> {
    let server = host.server()?;
    let stop = || host.stop.is_asked();
    let deployment = server.deployment(&stop);
    let found = deployment.files_of_containers().and_then(|files| match files {
        Some(files) => Ok(Some((Program::find(&deployment.folder, &server.environment, &stop)?, files))),
        None => Ok(None),
    });
    let (program, files) = match found {
        Ok(Some(found)) => found,
        Ok(None) => return Ok(Outcome::default()),
        Err(failure) if failure.kind == Kind::NotFound => return Ok(Outcome::default()),
        // A machine on which Docker is installed and does not run, and nothing that would need it.
        Err(failure)
            if failure.kind == Kind::Unreachable
                && arguments.compose.is_empty()
                && !deployment.has_files().unwrap_or(true) =>
        {
            return Ok(Outcome::default());
        }
        Err(failure) => return not_compared(failure),
    };
    let mut absent = Vec::new();
    let pair = match server.facts.source {
        Source::Images => versions(arguments, server, &deployment, &program),
        Source::Files => Ok(None),
        Source::Git => {
            let Arguments { to, compose, .. } = arguments;
            releases(to, compose, server, &program, &files, is_plan, &mut absent, &stop)
        }
    };
    let Pair { now, then, folder, checkout } = match pair {
        Ok(Some(pair)) => pair,
        Ok(None) => return Ok(Outcome::default()),
        Err(failure) => return not_compared(failure),
    };
    let now = match now {
        Ok(now) => now,
        Err(failure) => return not_compared(failure),
    };
    let then = match then {
        Ok(then) => then,
        Err(failure) if failure.kind == Kind::Interrupted => return Err(failure),
        Err(failure) => {
            let lost = vec![format!("what {} mounts is not known: {}", arguments.to, failure.in_words())];
            return Ok(Outcome { compared: true, lost, ..Outcome::default() });
        }
    };
    let is_data = |mount: &Mounted| holds_data(mount, &folder, checkout.as_ref());
    let compared = compare(&now, &then, &arguments.to, &is_data);
    let absent: Vec<String> = absent.iter().map(|file| format!("`{}`", file.display())).collect();
    let why = match absent.as_slice() {
        [] => String::new(),
        absent => format!("the containers were made from {}, which is not there", absent.join(" and ")),
    };
    Ok(Outcome { compared: true, why, lost: compared.lost, added: compared.added })
}

/// What the Compose files of a release mean, read beside the checkout. Nothing if nothing runs by Docker Compose. `compose` is what
/// stands before its command; a plan reads what a fetch will bring.
pub(super) fn model_of_release(
    server: &Server,
    to: &str,
    compose: &[String],
    is_plan: bool,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Model>> {
    let deployment = server.deployment(stop);
    let Some(files) = deployment.files_of_containers()? else { return Ok(None) };
    let program = Program::find(&deployment.folder, &server.environment, stop)?;
    let pair = releases(to, compose, server, &program, &files, is_plan, &mut Vec::new(), stop)?;
    pair.map(|pair| pair.then).transpose()
}

/// What the files mean now, and in the release.
struct Pair {
    now: Result<Model>,
    then: Result<Model>,
    /// Where relative paths begin.
    folder: PathBuf,
    checkout: Option<Checkout>,
}

/// Of a checkout: its files, and those of the release beside it. Nothing if Compose has none now. Files that the containers
/// were made from and that are gone are `absent`.
#[expect(clippy::too_many_arguments, reason = "each is another fact of the two")]
fn releases(
    to: &str,
    compose: &[String],
    server: &Server,
    program: &Program,
    files: &[PathBuf],
    is_plan: bool,
    absent: &mut Vec<PathBuf>,
    stop: &dyn Fn() -> bool,
) -> Result<Option<Pair>> {
    let checkout = server.open_checkout()?;
    let glimpse = match is_plan {
        true => match checkout.glimpse_of(to, &server.environment, stop) {
            Err(failure) if failure.kind == Kind::Unreachable => Some(checkout.double()?),
            glimpse => Some(glimpse?),
        },
        false => None,
    };
    let within = server.make_folder_within(checkout.folder());
    let here = Deployment { folder: checkout.folder().join(&within), ..server.deployment(stop) };
    let mut given = compose.to_vec();
    // Whoever started it may have named others than those that Compose finds.
    if given.is_empty() && !files.is_empty() && !is_same(files, &here.files()?) {
        let top = checkout.folder().canonicalize().unwrap_or_else(|_| checkout.folder().to_owned());
        let named = files.iter().map(|file| within_release(file, &top, &within));
        given.extend(named.flat_map(|file| ["-f".to_owned(), file.display().to_string()]));
        absent.extend(files.iter().filter(|file| !file.exists()).cloned());
    }
    let words = words(&given, server, &here.folder);
    if !has_files(&words, &here)? {
        return Ok(None);
    }
    let now = here.meant(program, &words);
    let known = glimpse.as_ref().map_or(&checkout, |glimpse| &glimpse.checkout);
    let beside = checkout.beside(known, known.commit_named_by(to)?, stop)?;
    let there = Deployment { folder: beside.folder().join(&within), ..server.deployment(stop) };
    let words = self::words(&given, server, &there.folder);
    // Without any, Compose would look for some in the folders around it.
    let then = match there.folder.is_dir() && has_files(&words, &there)? {
        true => there.meant(program, &words),
        false => Ok(Model::default()),
    };
    let then = then.map(|mut model| {
        let mounts = model.services.values_mut().flat_map(|part| &mut part.mounts);
        for source in mounts.filter_map(|mount| mount.source.as_mut()) {
            *source = beside.real(&there.folder.join(&*source)).display().to_string();
        }
        model
    });
    Ok(Some(Pair { now, then, folder: here.folder.clone(), checkout: Some(checkout) }))
}

/// Of tags of images: the same files with another version in the setting. A tag in a file is in no mount.
fn versions(
    arguments: &Arguments,
    server: &Server,
    deployment: &Deployment,
    program: &Program,
) -> Result<Option<Pair>> {
    let Ok(Place::Setting(setting)) = server.version_place() else { return Ok(None) };
    let named = deployment.name()?.map(|name| ["-p".to_owned(), name]).into_iter().flatten();
    let words: Vec<String> = named.collect();
    let mut environment = server.environment.clone();
    environment.insert(setting, written_tag(&arguments.to).to_owned());
    let there = Deployment { folder: deployment.folder.clone(), environment: &environment, ..*deployment };
    let (now, then) = (deployment.meant(program, &words), there.meant(program, &words));
    Ok(Some(Pair { now, then, folder: deployment.folder.clone(), checkout: None }))
}

/// Whether these are the same files, wherever links lead.
fn is_same(files: &[PathBuf], others: &[PathBuf]) -> bool {
    let real = |files: &[PathBuf]| -> BTreeSet<PathBuf> {
        files.iter().map(|file| file.canonicalize().unwrap_or_else(|_| file.clone())).collect()
    };
    real(files) == real(others)
}

/// A Compose file as it is named from the folder in which Compose is run, so that in the files of a release it is that of
/// the release; one outside of the checkout stays what it is.
fn within_release(file: &Path, top: &Path, within: &Path) -> PathBuf {
    let around = file.parent().and_then(|around| around.canonicalize().ok());
    let real =
        around.zip(file.file_name()).map_or_else(|| file.to_owned(), |(around, name)| around.join(name));
    let Ok(inside) = real.strip_prefix(top) else { return file.to_owned() };
    match inside.strip_prefix(within) {
        Ok(inside) => inside.to_owned(),
        Err(_) => within.components().map(|_| "..").collect::<PathBuf>().join(inside),
    }
}

/// What stands before the command in this folder.
fn words(given: &[String], server: &Server, folder: &Path) -> Vec<String> {
    let named = server.project.iter().flat_map(|name| ["-p".to_owned(), name.clone()]);
    let mut words: Vec<String> = named.collect();
    let mut given = given.iter();
    while let Some(word) = given.next() {
        let file = given.clone().next().filter(|_| word == "-f");
        let place =
            |file: &String| if file.starts_with("~/") { server.path(file) } else { folder.join(file) };
        if file.is_some_and(|file| !place(file).exists()) {
            given.next();
            continue;
        }
        words.push(if word.starts_with("~/") {
            server.path(word).display().to_string()
        } else {
            word.clone()
        });
    }
    words
}

fn has_files(words: &[String], deployment: &Deployment) -> Result<bool> {
    Ok(words.iter().any(|word| word == "-f") || deployment.has_files()?)
}

fn not_compared(failure: Failure) -> Result<Outcome> {
    match failure.kind {
        Kind::Interrupted => Err(failure),
        _ => Ok(Outcome { why: failure.in_words(), ..Outcome::default() }),
    }
}

/// Folders of a machine that are no data of a project.
const MACHINE: [&str; 7] = ["/proc", "/sys", "/dev", "/run", "/var/run", "/usr", "/lib"];

/// Whether something may be lost if a service has it no more.
fn holds_data(mount: &Mounted, folder: &Path, checkout: Option<&Checkout>) -> bool {
    let Some(source) = &mount.source else { return !mount.passing };
    let path = folder.join(source);
    let is_machine = MACHINE.iter().any(|top| path.starts_with(top)) && !path.starts_with("/dev/shm");
    let found = match path.metadata() {
        Ok(found) => found,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return false,
        // Where nobody may look there may be data.
        Err(_) => return !is_machine,
    };
    let is_setting = found.is_file() && (mount.read_only || path.starts_with("/etc"));
    let may_be_data = found.is_dir() || found.is_file();
    // Links resolved, as the folder of a checkout is.
    let real = path.canonicalize().unwrap_or(path);
    may_be_data
        && !is_machine
        && !is_setting
        && !checkout.is_some_and(|checkout| checkout.is_all_tracked(&real))
}
