//! Services of a Compose project, as the `docker` command tells them.
//!
//! Containers are found by the labels that Compose puts on them, never by a part of their name.

mod container;
mod image;
mod project;

pub use image::LocalImage;
pub use project::{Project, project_name};

use crate::command::{Exit, Looked, Spec, feed, look};
use crate::failure::{Failure, Kind, Result};
use crate::units::Duration;
use container::Container;
use project::own;
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::PathBuf;

const PROJECT: &str = "com.docker.compose.project";
const SERVICE: &str = "com.docker.compose.service";
const FOLDER: &str = "com.docker.compose.project.working_dir";
const FILES: &str = "com.docker.compose.project.config_files";
/// Of a container made by `docker compose run`, `True`: it is not the service.
const ONE_OFF: &str = "com.docker.compose.oneoff";
/// Of a volume: its name in the Compose files.
pub(super) const VOLUME: &str = "com.docker.compose.volume";
/// Of all that a copy of a server has, for a moment: the project that it is a copy of.
pub(super) const COPY_OF: &str = "banister.copy-of";

/// How `docker` is asked.
#[derive(Clone, Copy)]
pub struct Docker<'a> {
    /// Variables added to our own; `DOCKER_HOST` for instance.
    pub environment: &'a BTreeMap<String, String>,
    pub within: Duration,
    pub stop: &'a dyn Fn() -> bool,
}

/// The container of a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    pub id: String,
    /// The container's name.
    pub name: String,
    pub project: String,
    pub service: String,
    /// `created`, `running`, `restarting`, `exited`, …
    pub state: String,
    pub running: bool,
    pub restarting: bool,
    /// How often Docker started it again by itself.
    pub restart_count: u64,
    /// RFC 3339.
    pub started_at: String,
    /// How it ended, if it did.
    pub exit_code: i64,
    /// `starting`, `healthy` or `unhealthy`; none if its image has no health check.
    pub health: Option<String>,
    /// The id of its image, with `sha256:` before it.
    pub image: String,
    /// What it was made from, as Compose named it: `hoss-core:0.2.13`.
    pub image_name: String,
    /// The folder of its Compose files.
    pub folder: Option<PathBuf>,
    /// The Compose files, as far as their whole paths are known.
    pub files: Vec<PathBuf>,
    pub mounts: Vec<Mount>,
}

/// What a container mounts. Docker Engine API, `MountPoint`.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Mount {
    /// `bind`, `volume`, `tmpfs`.
    #[serde(rename = "Type", default)]
    pub sort: String,
    /// The volume's name.
    #[serde(default)]
    pub name: String,
    /// Where it is on the machine of the daemon.
    #[serde(default)]
    pub source: String,
    /// Where it is in the container.
    #[serde(default)]
    pub destination: String,
    #[serde(rename = "RW", default)]
    pub writable: bool,
}

impl Docker<'_> {
    /// The containers of a project's services, of one service or of all: those that run and those that don't. Copies of
    /// servers only belong to a project that is named.
    pub fn services(&self, project: &Project, service: Option<&str>) -> Result<Vec<Service>> {
        match project {
            Project::Named(name) => self.labelled(Some(name), service),
            Project::In(folder) => {
                // Of all: which project it is must not depend on which of its containers are there.
                let mut all = own(folder, self.labelled(None, None)?)?;
                all.retain(|found| service.is_none_or(|service| found.service == service));
                Ok(all)
            }
        }
    }

    /// The names of what is meant.
    pub fn projects(&self, project: &Project) -> Result<BTreeSet<String>> {
        let folder = match project {
            Project::Named(name) => return Ok(BTreeSet::from([name.clone()])),
            Project::In(folder) => folder,
        };
        let all = self.labelled(None, None)?;
        let usual = project_name(folder);
        let is_anothers =
            all.iter().any(|found| Some(&found.project) == usual.as_ref() && found.folder.is_some());
        let found: BTreeSet<String> = own(folder, all)?.into_iter().map(|own| own.project).collect();
        // Its containers may all be removed, and its volumes there.
        Ok(if found.is_empty() && !is_anothers { usual.into_iter().collect() } else { found })
    }

    fn labelled(&self, project: Option<&str>, service: Option<&str>) -> Result<Vec<Service>> {
        let mut list: Vec<String> = ["ps", "--all", "--quiet", "--no-trunc"].map(String::from).into();
        let labels = [(PROJECT, project), (SERVICE, service)];
        for (label, value) in labels {
            let filter = value.map_or(format!("label={label}"), |value| format!("label={label}={value}"));
            list.extend(["--filter".into(), filter]);
        }
        let is_meant = |found: &Container| project.is_some() || found.label(COPY_OF).is_empty();
        let is_service = |found: &Container| found.label(ONE_OFF) != "True" && is_meant(found);
        Ok(self.listed(list)?.into_iter().filter(is_service).map(Service::from).collect())
    }

    /// All containers of this machine, also those that no Compose made, but no copies of servers.
    pub fn containers(&self) -> Result<Vec<Service>> {
        let list = ["ps", "--all", "--quiet", "--no-trunc"].map(String::from).into();
        let found = self.listed(list)?.into_iter().filter(|found| found.label(COPY_OF).is_empty());
        Ok(found.map(Service::from).collect())
    }

    fn listed(&self, list: Vec<String>) -> Result<Vec<Container>> {
        let ids = self.ask(list)?;
        if ids.trim().is_empty() {
            return Ok(Vec::new());
        }
        let inspect = ["inspect", "--type", "container"].into_iter().chain(ids.split_whitespace());
        let looked = self.run(inspect.map(String::from).collect())?;
        // One that has gone since it was listed makes the status 1, but the others are still told.
        serde_json::from_str(&looked.stdout).map_err(|_| refusal(&looked))
    }

    /// The one container of a service. Fails with [`Kind::NotFound`] if there is none and [`Kind::Refused`] if there
    /// are several: which one is meant can't be known.
    pub fn service(&self, project: &Project, service: &str) -> Result<Service> {
        only(self.services(project, Some(service))?, project, service)
    }

    /// Where a port of a container can be reached on this machine, as `127.0.0.1:9200`: if it is not published, then
    /// in its network.
    pub fn reachable(&self, id: &str, port: u16) -> Result<String> {
        match self.published(id, port) {
            Ok(published) => Ok(published),
            Err(failure) => self.address(id).map(|address| format!("{address}:{port}")).map_err(|_| failure),
        }
    }

    fn published(&self, id: &str, port: u16) -> Result<String> {
        let told = self.ask(["port".into(), id.to_owned(), format!("{port}/tcp")].into())?;
        let first = told.lines().next().unwrap_or_default().trim();
        match first.rsplit_once(':') {
            // Published on all addresses.
            Some(("0.0.0.0" | "[::]" | "::", outer)) => Ok(format!("127.0.0.1:{outer}")),
            Some(_) => Ok(first.to_owned()),
            None => {
                Err(Failure::new(Kind::Unreachable, format!("port {port} of the container is not published")))
            }
        }
    }

    /// All that `docker inspect` tells of a container.
    pub fn inspect(&self, id: &str) -> Result<Value> {
        self.described(["inspect", "--type", "container", id].map(String::from).into())
    }

    /// The one thing that docker describes in JSON, as a list.
    fn described(&self, arguments: Vec<String>) -> Result<Value> {
        let looked = self.run(arguments)?;
        let told: std::result::Result<Vec<Value>, _> = serde_json::from_str(&looked.stdout);
        told.ok().and_then(|mut told| told.pop()).ok_or_else(|| refusal(&looked))
    }

    /// The address of a container in its network, which only this machine reaches.
    pub fn address(&self, id: &str) -> Result<String> {
        let told = self.inspect(id)?;
        let networks = told["NetworkSettings"]["Networks"].as_object();
        let mut addresses = networks.into_iter().flat_map(|networks| networks.values());
        let address = addresses.find_map(|network| network["IPAddress"].as_str().filter(|a| !a.is_empty()));
        address.map(str::to_owned).ok_or_else(|| {
            let name = told["Name"].as_str().unwrap_or(id).trim_start_matches('/');
            Failure::new(Kind::Unreachable, format!("the container `{name}` has no address: does it run?"))
                .help(format!("see why with `docker logs {name}`"))
        })
    }

    /// The labels of a volume.
    pub fn volume_labels(&self, name: &str) -> Result<BTreeMap<String, String>> {
        let told = self.described(["volume", "inspect", name].map(String::from).into())?;
        Ok(serde_json::from_value(told["Labels"].clone()).unwrap_or_default())
    }

    /// The id of an image by its name, such as `hoss-core:0.2.13`.
    pub fn image(&self, name: &str) -> Result<String> {
        let arguments = ["image", "inspect", "--format", "{{.Id}}", name];
        Ok(self.ask(arguments.map(String::from).into())?.trim().to_owned())
    }

    /// Gives an image another name, too.
    pub fn tag(&self, image: &str, name: &str) -> Result<()> {
        self.ask(["tag", image, name].map(String::from).into()).map(drop)
    }

    /// Takes names of images away; an image goes with its last one. Of what can't be taken away the others are.
    pub fn untag(&self, names: &[String]) -> Result<()> {
        let words = ["image", "rm"].into_iter().map(String::from);
        self.ask(words.chain(names.iter().cloned()).collect()).map(drop)
    }

    /// The last lines that a container wrote, on either stream.
    pub fn log(&self, id: &str, lines: usize) -> Result<String> {
        let arguments = ["logs".into(), "--tail".into(), lines.to_string(), id.to_owned()];
        let looked = self.run(arguments.into())?;
        Ok(format!("{}{}", looked.stdout, looked.stderr))
    }

    /// Ends and removes a container, if it is there: that of an attempt that was cut off may still work.
    pub(super) fn forget_container(&self, name: &str) -> Result<()> {
        match self.ask(["rm", "--force", name].map(String::from).into()) {
            Err(failure) if failure.kind == Kind::NotFound => Ok(()),
            gone => gone.map(drop),
        }
    }

    /// What docker prints, if it ends well.
    pub(super) fn ask(&self, arguments: Vec<String>) -> Result<String> {
        done(self.run(arguments)?)
    }

    /// `docker` with these arguments, without a time limit.
    pub fn spec<'s>(&self, arguments: impl IntoIterator<Item = &'s str>) -> Spec {
        let mut spec = Spec::new(["docker"].into_iter().chain(arguments), "/");
        spec.environment = self.environment.clone();
        spec
    }

    /// Runs one of our own with this input; what it prints, if it ends well.
    pub(super) fn feed(&self, spec: Spec, input: &File) -> Result<String> {
        done(feed(&spec, input, None, self.stop)?)
    }

    /// The same, with what it prints going into a file.
    pub(super) fn pipe(&self, spec: Spec, input: &File, output: &File) -> Result<()> {
        done(feed(&spec, input, Some(output), self.stop)?).map(drop)
    }

    pub(super) fn run_spec(&self, spec: &Spec) -> Result<String> {
        done(look(spec, self.stop)?)
    }

    fn run(&self, arguments: Vec<String>) -> Result<Looked> {
        let mut spec = self.spec(arguments.iter().map(String::as_str));
        spec.within = Some(self.within);
        look(&spec, self.stop).map_err(|failure| match failure.kind {
            Kind::NotFound => {
                failure.help("install Docker, or `podman-docker` for Podman, or add its folder to PATH in the server's `environment`")
            }
            _ => failure,
        })
    }
}

/// The one container among those found of a service. Fails as [`Docker::service`] does.
pub(super) fn only(mut found: Vec<Service>, project: &Project, service: &str) -> Result<Service> {
    match (found.pop(), found.as_slice()) {
        (None, _) => Err(Failure::new(
            Kind::NotFound,
            format!("there is no container of the service `{service}` {project}"),
        )
        .help(
            "see what there is with `docker compose ls --all`; if its Compose files are elsewhere, name the \
             project in site.toml: `project = \"NAME\"`",
        )),
        (Some(only), []) => Ok(only),
        (Some(last), others) => {
            let all = others.iter().chain([&last]);
            let names: Vec<_> = all.map(|s| format!("{} ({}, {})", s.name, s.project, s.state)).collect();
            let message = format!("there are several containers of the service `{service}` {project}");
            Err(Failure::new(Kind::Refused, message).why(names.join(", ")).help(
                "name the project that is meant: `project = \"NAME\"` in site.toml, or remove the others with `docker rm NAME`",
            ))
        }
    }
}

fn done(looked: Looked) -> Result<String> {
    if looked.exit.success() { Ok(looked.stdout) } else { Err(refusal(&looked)) }
}

/// How many of the last lines that docker wrote are shown.
const SHOWN: usize = 5;

/// Why docker did not do it, in its own words.
fn refusal(looked: &Looked) -> Failure {
    let said = looked.stderr.lines().rfind(|line| !line.trim().is_empty()).unwrap_or_default();
    let said = said.trim().trim_end_matches('.').to_owned();
    let away = said.contains("Cannot connect") || said.contains("permission denied");
    let (kind, message) = match away {
        true => (Kind::Unreachable, "the Docker daemon does not answer"),
        // Podman says the same in its own words.
        false if ["No such", "no such", "image not known"].iter().any(|words| said.contains(words)) => {
            (Kind::NotFound, "docker knows no such thing")
        }
        false => (Kind::CommandFailed, "`docker` failed"),
    };
    let failure = Failure::new(kind, message);
    let failure = match (&looked.exit, said.is_empty()) {
        (Exit::Status(0), true) => failure.why("its output is not understood"),
        (exit, true) => failure.why(exit),
        _ => {
            // The last line is often only that there was an error before it.
            let lines: Vec<&str> = looked.stderr.lines().filter(|line| !line.trim().is_empty()).collect();
            let last = &lines[lines.len().saturating_sub(SHOWN)..];
            last.iter().fold(failure, |failure, line| failure.why(line.trim().trim_end_matches('.')))
        }
    };
    if away { failure.help("see whether you may use it with `docker info`") } else { failure }
}
