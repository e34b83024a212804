//! `services(server, #{ service: text, project: text })`
//!
//! The containers of the server's Compose project, as reported by `docker`.
//!
//! # Options
//! - `service`: only those of this service. Default: of all.
//! - `project`: the project's name. Default: the name of the Makefile's folder, as Compose makes it.
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
use crate::failure::Result;
use crate::machine::compose::{Docker, project_name};
use crate::primitive::{Act, Facet, Host, Primitive};
use crate::units::Duration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

pub struct Services;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    project: Option<String>,
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
    let project = arguments.project.clone().or_else(|| project_name(&server.make_folder()));
    let docker = Docker {
        environment: &server.environment,
        within: Duration::seconds(60),
        stop: &|| host.stop.is_asked(),
    };
    let found = docker.services(project.as_deref(), arguments.service.as_deref())?;
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
