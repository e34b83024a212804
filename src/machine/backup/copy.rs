//! A copy of the server, made from a backup: a second Compose project beside the first, for a moment.
//!
//! Its containers have the images, commands and variables of the server's own; its folders are those of the unpacked
//! backup; network, volumes and what they write to are its own. The network leads nowhere, and the labels that a proxy
//! may read are left out: nothing that the copy does reaches the server, its users or the world.

mod compose_file;

use super::place::{answers, only_when_late, tidied};
use super::restore::put_back;
use super::store::Group;
use super::{Place, Unpacked};
use crate::command::Spec;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::compose::{COPY_OF, Project};
use crate::machine::files::{private_folder, write_private_durably};
use crate::machine::health::{self, Check, Report};
use crate::machine::part::Part;
use crate::machine::postgres::Postgres;
use crate::units::Duration;
use compose_file::ComposeFile;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What of a server is copied, and when the copy is healthy.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Copied {
    pub services: Vec<String>,
    /// In URLs and addresses, the host is a service.
    pub checks: Vec<Check>,
    /// By database of the backup, what is changed in the copy's before other services start: where it names what the
    /// copy's network does not have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub adapt: BTreeMap<String, String>,
    #[serde(default = "within")]
    pub within: Duration,
    #[serde(default = "stable")]
    pub stable: Duration,
}

fn within() -> Duration {
    Duration::seconds(600)
}

fn stable() -> Duration {
    Duration::seconds(2)
}

/// Starts a copy, waits until it is healthy, and removes it, also if this fails. What an attempt that was cut off left
/// is removed first.
///
/// Fails with [`Kind::NotFound`] if a service has no container, [`Kind::Refused`] if one can't be copied or the data
/// is not as the backup says, [`Kind::CommandFailed`] if Docker or Compose fails, [`Kind::TimedOut`] if the copy does
/// not become healthy.
pub fn copy(unpacked: &Unpacked, place: &Place, copied: &Copied, tell: &dyn Fn(&str)) -> Result<Report> {
    let original = original(place, &copied.services)?;
    let name = format!("{original}-copy-{}", unpacked.id);
    let folder = unpacked.folder.join("copy");
    remove(place, &original, &folder)?;
    let made = make(unpacked, place, copied, &original, &name, &folder, tell);
    let late = only_when_late();
    let removed = remove(&Place { stop: &late, ..*place }, &original, &folder);
    let help = match &removed {
        Ok(()) => "the copy is removed; nothing of the server was touched",
        Err(_) => "the server was not changed; the next full drill removes the rest of the copy",
    };
    tidied(made, removed).map_err(|failure| failure.help(help))
}

/// The Compose project that is copied.
fn original(place: &Place, services: &[String]) -> Result<String> {
    let first = services.first();
    let first = first.ok_or_else(|| Failure::new(Kind::Invalid, "a copy of no services can't be started"))?;
    Ok(place.docker().service(place.project, first)?.project)
}

fn make(
    unpacked: &Unpacked,
    place: &Place,
    copied: &Copied,
    original: &str,
    name: &str,
    folder: &Path,
    tell: &dyn Fn(&str),
) -> Result<Report> {
    let docker = place.docker();
    private_folder(folder)?;
    let mut project = ComposeFile::new(unpacked, place, original, folder);
    for service in &copied.services {
        let container = docker.service(&Project::Named(original.to_owned()), service)?;
        project.add(service, &docker.inspect(&container.id)?)?;
    }
    let file = folder.join("compose.json");
    let text = serde_json::to_vec_pretty(&project.file()).or_fail(Kind::Bug, || "no plain data".into())?;
    write_private_durably(&file, &text)?;
    let compose = |arguments: &[&str]| compose(place, name, &file, arguments);

    let named = Project::Named(name.to_owned());
    let path = |path: &str| project.moved(&(place.path)(path));
    let place = Place { project: &named, path: &path, ..*place };
    tell("making a copy of the server");
    compose(&["up", "--no-start"])?;
    put_back(Group::Volumes, unpacked, &place)?;
    let stores: BTreeSet<&str> = unpacked.parts.iter().filter_map(store).collect();
    if !stores.is_empty() {
        let start: Vec<&str> = ["up", "--detach"].into_iter().chain(stores).collect();
        compose(&start)?;
        tell("putting its data back");
        // A database that fills an empty folder is there for a moment, and starts once more when it is done.
        if let Some(service) = unpacked.parts.iter().find_map(database) {
            answers(&place, service, || put_back(Group::Databases, unpacked, &place))?;
        }
        adapt(unpacked, &place, &copied.adapt)?;
        put_back(Group::Search, unpacked, &place)?;
    }
    tell("starting it");
    compose(&["up", "--detach"])?;
    healthy(&place, name, copied, tell)
}

/// Changes what is in the copy's databases.
fn adapt(unpacked: &Unpacked, place: &Place, statements: &BTreeMap<String, String>) -> Result<()> {
    for (name, statements) in statements {
        let is_meant = |part: &&Part| matches!(part, Part::Database { database, .. } if database == name);
        let service = unpacked.parts.iter().find(is_meant).and_then(database);
        let missing =
            || Failure::new(Kind::NotFound, format!("the backup has no database `{name}` to adapt"));
        let service = place.docker().service(place.project, service.ok_or_else(missing)?)?;
        Postgres { docker: place.docker(), container: &service.name }.sql(name, statements)?;
    }
    Ok(())
}

/// The service of a database.
fn database(part: &Part) -> Option<&str> {
    match part {
        Part::Database { service, .. } => Some(service),
        _ => None,
    }
}

/// The service that keeps a part.
fn store(part: &Part) -> Option<&str> {
    match part {
        Part::Database { service, .. } | Part::Redis { service, .. } | Part::Search { service, .. } => {
            Some(service)
        }
        _ => None,
    }
}

fn healthy(place: &Place, name: &str, copied: &Copied, tell: &dyn Fn(&str)) -> Result<Report> {
    let there = health::Place {
        folder: PathBuf::from("/"),
        environment: place.environment.clone(),
        project: Project::Named(name.to_owned()),
        inside: true,
    };
    let otherwise = "the copy that was started from the backup did not become healthy";
    let (within, stable) = (copied.within, copied.stable);
    health::wait(otherwise, &copied.checks, within, stable, &Arc::new(there), place.stop, &mut |line| {
        tell(line)
    })
}

/// Runs Compose, whichever version there is.
fn compose(place: &Place, name: &str, file: &Path, arguments: &[&str]) -> Result<()> {
    let docker = place.docker();
    let file = file.to_string_lossy();
    let options = ["--project-name", name, "--file", &file];
    let mut spec = match docker.run_spec(&docker.spec(["compose", "version"])) {
        Ok(_) => docker.spec(["compose"].into_iter().chain(options).chain(arguments.iter().copied())),
        Err(_) => {
            let words = ["docker-compose"].into_iter().chain(options).chain(arguments.iter().copied());
            Spec::new(words, "/")
        }
    };
    spec.environment = place.environment.clone();
    docker.run_spec(&spec).map(drop)
}

/// Removes every copy of a project: containers, volumes and networks, and the folder of this one.
fn remove(place: &Place, original: &str, folder: &Path) -> Result<()> {
    let docker = place.docker();
    let filter = format!("label={COPY_OF}={original}");
    let list: [(&[&str], &[&str]); 3] = [
        (&["ps", "--all", "--quiet"], &["rm", "--force", "--volumes"]),
        (&["volume", "ls", "--quiet"], &["volume", "rm", "--force"]),
        (&["network", "ls", "--quiet"], &["network", "rm"]),
    ];
    for (list, remove) in list {
        let found = docker.run_spec(&docker.spec(list.iter().copied().chain(["--filter", &filter])))?;
        if !found.trim().is_empty() {
            let all = remove.iter().copied().chain(found.split_whitespace());
            docker.run_spec(&docker.spec(all))?;
        }
    }
    docker.remove(folder, &Project::Named(original.to_owned()))
}
