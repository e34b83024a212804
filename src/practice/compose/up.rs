//! `docker-compose up`: makes, replaces and starts the containers of a project, and leaves alone what is right.

use super::build;
use super::containers::containers;
use super::file::{Project, texts};
use crate::failure::{Failure, Kind, Result};
use crate::machine::yaml;
use crate::output;
use crate::practice::docker::container::{Container, Spec, Status};
use crate::practice::docker::engine::{self, Order};
use crate::practice::docker::image::{self, Image};
use crate::practice::docker::logs;
use crate::practice::world::fault;
use crate::practice::world::{World, make_folder, write};
use std::collections::BTreeMap;

/// The label in which Compose keeps the digest of what was asked of a container.
const HASH: &str = "com.docker.compose.config-hash";

/// Brings the services up; in the foreground, shows their logs until a signal comes, and stops them then.
pub fn up(world: &World, project: &Project, wanted: &[String], detached: bool) -> Result<i32> {
    let version = std::env::var("VERSION").unwrap_or_default();
    let services = project.in_order(wanted)?;
    if fault::strikes(world, "up-noop", &version, 0).is_some() {
        let existing = containers(world, project)?;
        existing
            .iter()
            .for_each(|container| output::complain(format_args!("{} is up-to-date", container.spec.name)));
        return Ok(0);
    }
    make_networks(world, project)?;
    for name in &services {
        have_image(world, project, name)?;
    }
    for name in &services {
        if name == "core" && fault::strikes(world, "up", &version, 0).is_some() {
            return Err(Failure::new(
                Kind::CommandFailed,
                "for core  Cannot start service core: driver failed programming external connectivity on endpoint",
            ));
        }
        bring_up(world, project, name)
            .map_err(|failure| Failure::new(failure.kind, format!("for {name}  {failure}")))?;
    }
    if detached {
        return Ok(0);
    }
    let shown = containers(world, project)?;
    let names: Vec<&str> = shown.iter().map(|container| container.spec.name.as_str()).collect();
    output::line(format_args!("Attaching to {}", names.join(", ")));
    logs::show(world, &shown, None, true);
    output::line("Gracefully stopping...");
    for container in shown {
        engine::order(world, &Order::Stop(container.spec.name))?;
    }
    Ok(0)
}

fn make_networks(world: &World, project: &Project) -> Result<()> {
    for network in &project.external_networks {
        if !world.path("networks").join(network).exists() {
            let message = format!(
                "Network {network} declared as external, but could not be found. Please create the network manually using `docker network create {network}` and try again."
            );
            return Err(Failure::new(Kind::NotFound, message));
        }
    }
    for network in &project.own_networks {
        let name = format!("{}_{network}", project.name);
        let file = world.path("networks").join(&name);
        if !file.exists() {
            output::complain(format_args!("Creating network \"{name}\" with the default driver"));
            write(&file, "")?;
        }
    }
    Ok(())
}

/// An image that isn't there is built without being asked for, or pulled.
fn have_image(world: &World, project: &Project, name: &str) -> Result<()> {
    let tag = project.image(name);
    if image::find(world, &tag).is_some() {
        return Ok(());
    }
    if project.build(name).is_none() {
        output::complain(format_args!("Pulling {name} ({tag})..."));
        return image::store(world, &Image::from_registry(&tag, name), &tag);
    }
    build::build(world, project, &[name.to_string()])?;
    output::complain(format_args!(
        "WARNING: Image for service {name} was built because it did not already exist. To rebuild this image you must use `docker-compose build` or `docker-compose up --build`."
    ));
    Ok(())
}

fn bring_up(world: &World, project: &Project, name: &str) -> Result<()> {
    let wanted = spec(world, project, name)?;
    let container = wanted.name.clone();
    let existing = containers(world, project)?.into_iter().find(|other| other.spec.name == container);
    let same = |other: &Container| {
        other.spec.labels.get(HASH) == wanted.labels.get(HASH) && other.spec.image_id == wanted.image_id
    };
    let doing = match &existing {
        Some(other) if same(other) && matches!(other.state.status, Status::Running | Status::Restarting) => {
            output::complain(format_args!("{container} is up-to-date"));
            return Ok(());
        }
        Some(other) if same(other) => "Starting",
        Some(_) => "Recreating",
        None => "Creating",
    };
    output::complain(format_args!("{doing} {container} ... "));
    for mount in &wanted.mounts {
        if let Some(volume) = &mount.volume
            && !mount.source.exists()
        {
            output::complain(format_args!("Creating volume \"{volume}\" with local driver"));
        }
        if !mount.source.exists() {
            make_folder(&mount.source)?;
        }
    }
    if doing != "Starting" {
        engine::order(world, &Order::Create(Box::new(wanted)))?;
    }
    engine::order(world, &Order::Start(container.clone()))?;
    output::complain(format_args!("{doing} {container} ... done"));
    Ok(())
}

/// What a service's container is to be.
fn spec(world: &World, project: &Project, name: &str) -> Result<Spec> {
    let service = &project.services[name];
    let image = project.image(name);
    let image_id = image::find(world, &image)
        .map(|image| image.id)
        .ok_or_else(|| Failure::new(Kind::NotFound, format!("No such image: {image}")))?;
    let mut labels: BTreeMap<String, String> = texts(&service["labels"]);
    let own = [
        ("com.docker.compose.project", project.name.clone()),
        ("com.docker.compose.service", name.to_string()),
        ("com.docker.compose.container-number", "1".into()),
        ("com.docker.compose.oneoff", "False".into()),
        ("com.docker.compose.project.working_dir", project.folder.display().to_string()),
        (HASH, project.configuration_hash(name)),
    ];
    labels.extend(own.map(|(key, value)| (key.to_string(), value)));
    let list = |value: &serde_json::Value| -> Vec<String> {
        match value.as_array() {
            Some(items) => items.iter().map(yaml::text).collect(),
            None => yaml::text(value).split_whitespace().map(str::to_string).collect(),
        }
    };
    // `80:80` publishes the second.
    let inner = |port: &String| port.rsplit(':').next().unwrap_or(port).to_string();
    Ok(Spec {
        name: format!("{}_{name}_1", project.name),
        project: project.name.clone(),
        service: name.into(),
        image,
        image_id,
        environment: texts(&service["environment"]),
        labels,
        mounts: project.mounts(name, world)?,
        ports: list(&service["ports"]).iter().map(inner).collect(),
        command: list(&service["command"]),
        checked: service["healthcheck"].is_object(),
        restart: service["restart"] == "always",
    })
}
