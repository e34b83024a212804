//! `services(server, #{ service: text, project: text, data: bool })`
//!
//! The containers of the server's Compose project, as reported by `docker`.
//!
//! # Options
//! - `service`: only those of this service. Default: of all.
//! - `project`: the project's name. Default: the one whose Compose files are in the Makefile's folder, as its containers
//!   say; if none does, the one that has the folder's name.
//! - `data`: `true` for all that can write to the server's data: the containers of its project, also of one that has
//!   another name and whose Compose files are in the checkout, and those of others that mount a path of `backup` in
//!   `site.toml`, or what it is in. None if there is no `docker`, or it does not answer. Default: `false`.
//!
//! # Returns
//! An array of maps, by `service` and `name`: `project`, `service`, `name` (the container's), `state` (`"running"`,
//! `"exited"`, …), `image` (its id), `image_name` (the name of that image, as `"hoss-core:0.2.13"`), `restarts` (how
//! often Docker
//!   restarted it automatically).
//!
//! # Errors
//! `not_found` if there is no `docker`; `unreachable` if its daemon does not answer.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! this_server().services(#{ service: "db" }).map(|container| container.state)
//! // => ["running"]
//! ```

use crate::data::{self, ServerName};
use crate::failure::{Kind, Result};
use crate::machine::compose::{Docker, Mount, Project, Service};
use crate::primitive::{Act, Facet, Host, Primitive};
use crate::site::Server;
use crate::units::Duration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::PathBuf;

pub struct Services;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    data: bool,
}

#[derive(Serialize, Deserialize)]
pub struct Container {
    project: String,
    service: String,
    name: String,
    state: String,
    image: String,
    image_name: String,
    restarts: u64,
}

impl Primitive for Services {
    type Arguments = Arguments;
    type Outcome = Vec<Container>;
    const NAME: &'static str = "services";
    const SOURCE: &'static str = include_str!("services.rs");
    const ACT: Act<Self> = Act::Look { reads: &[Facet::Services], perform, predict };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Vec<Container>> {
    let server = host.server()?;
    let project = server.project(arguments.project.as_deref());
    let docker = Docker {
        environment: &server.environment,
        within: Duration::seconds(60),
        stop: &|| host.stop.is_asked(),
    };
    let found = match arguments.data {
        true => around(server, &docker, &project, arguments.service.as_deref())?,
        false => docker.services(&project, arguments.service.as_deref())?,
    };
    let mut containers: Vec<Container> = found
        .into_iter()
        .map(|found| Container {
            project: found.project,
            service: found.service,
            name: found.name,
            state: found.state,
            image: found.image,
            image_name: found.image_name,
            restarts: found.restart_count,
        })
        .collect();
    containers.sort_by(|a, b| (&a.service, &a.name).cmp(&(&b.service, &b.name)));
    Ok(containers)
}

/// The containers that can write to the data of a server.
fn around(
    server: &Server,
    docker: &Docker,
    project: &Project,
    service: Option<&str>,
) -> Result<Vec<Service>> {
    let all = match docker.containers() {
        Err(failure) if matches!(failure.kind, Kind::NotFound | Kind::Unreachable) => return Ok(Vec::new()),
        all => all?,
    };
    let real = |path: PathBuf| path.canonicalize().unwrap_or(path);
    let data: Vec<PathBuf> = server.backup.iter().map(|path| real(server.path(path))).collect();
    let checkout = real(server.checkout.clone());
    let ours = docker.projects(project)?;
    let mut volumes = Vec::new();
    for asked in &server.volumes {
        match docker.volume(project, &asked.volume) {
            Err(failure) if failure.kind == Kind::NotFound => {}
            found => volumes.push(found?.name),
        }
    }
    let uses = |mount: &Mount| {
        if mount.sort == "volume" && volumes.contains(&mount.name) {
            return true;
        }
        // What is in memory has no source.
        if mount.source.is_empty() {
            return false;
        }
        let mount = real(PathBuf::from(&mount.source));
        data.iter().any(|path| mount.starts_with(path) || path.starts_with(&mount))
    };
    let is_meant = |found: &Service| {
        let is_own = found.mounts.iter().filter(|mount| mount.writable).any(uses)
            || ours.contains(&found.project)
            || found.folder.as_ref().is_some_and(|folder| real(folder.clone()).starts_with(&checkout));
        is_own && service.is_none_or(|service| found.service == service)
    };
    Ok(all.into_iter().filter(is_meant).collect())
}

/// A plan assumes that the project keeps its services: Compose makes a container anew under its old name.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let containers = perform(arguments, host)?.into_iter().map(|container| {
        let unknown = |field: &str| data::unknown(format!("{field} of {}", container.name));
        json!({
            "project": container.project, "service": container.service, "name": container.name,
            "state": unknown("state"), "image": unknown("image"), "image_name": unknown("image name"), "restarts": unknown("restarts"),
        })
    });
    Ok(containers.collect())
}
