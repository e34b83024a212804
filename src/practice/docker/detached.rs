//! `docker run --detach`: a container that no Compose file asks for. The one program that it may be is busybox's `nc`,
//! which answers each connection by a program.

use super::container::{Mount, Spec};
use super::engine::{self, Order};
use super::store;
use crate::failure::{Failure, Kind, Result};
use crate::output;
use crate::practice::world::World;
use std::collections::BTreeMap;

/// What its options ask for.
#[derive(Default)]
pub struct Asked {
    name: String,
    network: String,
    restart: String,
    labels: BTreeMap<String, String>,
    environment: BTreeMap<String, String>,
}

impl Asked {
    pub fn knows(option: &str) -> bool {
        ["--name", "--network", "--restart", "-l", "--label", "-e", "--env"].contains(&option)
    }

    pub fn option(&mut self, name: &str, value: String) {
        match name {
            "--name" => self.name = value,
            "--network" => self.network = value,
            "--restart" => self.restart = value,
            "-l" | "--label" => _ = value.split_once('=').map(|(key, value)| self.label(key, value)),
            // A name alone is a variable of the client.
            _ => {
                let own = || std::env::var(&value).unwrap_or_default();
                let pair = value.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
                let (key, value) = pair.unwrap_or_else(|| (value.clone(), own()));
                self.environment.insert(key, value);
            }
        }
    }

    fn label(&mut self, key: &str, value: &str) {
        self.labels.insert(key.into(), value.into());
    }
}

/// Makes and starts the container; prints its identity.
pub fn run(
    world: &World,
    asked: Asked,
    image: &str,
    command: Vec<String>,
    mounts: Vec<Mount>,
) -> Result<i32> {
    let refused = |message: String| Err(Failure::new(Kind::Refused, format!("docker: {message}")));
    if command.first().is_none_or(|program| program != "nc") {
        return refused("a container of a practice server that stays can only be `nc`".into());
    }
    if engine::find(world, &asked.name).is_ok() {
        return refused(format!("Conflict. The container name \"/{}\" is already in use", asked.name));
    }
    if !world.path("networks").join(&asked.network).exists() {
        return refused(format!("network {} not found", asked.network));
    }
    let label = |name: &str| asked.labels.get(name).cloned().unwrap_or_default();
    let spec = Spec {
        name: asked.name.clone(),
        project: label("com.docker.compose.project"),
        service: label("com.docker.compose.service"),
        image: image.into(),
        image_id: store::find_image(world, image)?.id,
        environment: asked.environment,
        labels: asked.labels,
        mounts,
        ports: Vec::new(),
        command,
        checked: false,
        restart: asked.restart == "always",
    };
    engine::order(world, &Order::Create(Box::new(spec)))?;
    engine::order(world, &Order::Start(asked.name.clone()))?;
    output::line(engine::find(world, &asked.name)?.state.id);
    Ok(0)
}
