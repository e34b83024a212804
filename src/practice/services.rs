//! The services of the practice server: each is the process of one container. One file per service says how it starts and
//! what it answers.

mod auth;
mod core;
mod db;
mod nc;
mod opensearch;
mod plain;
mod reverse_proxy;
mod service;

use super::docker::container::{Container, Mount, Spec, State};
use super::docker::image::{self, Image};
use super::world::{World, read_json, trace};
use crate::failure::{Context, Kind, Result};
use rustix::process::{Pid, getppid};
use service::Service;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Runs the service of a container; returns when it can't go on.
pub fn run(world: &World, name: &str) -> Result<()> {
    let service = match world.is_inside() {
        true => inside(world)?,
        false => {
            watch_over(world);
            let container: Container = read_json(&world.path("containers").join(format!("{name}.json")))?;
            let image = image::find(world, &container.spec.image_id)
                .unwrap_or_else(|| Image::from_registry(&container.spec.image, &container.spec.service));
            Service { world: world.clone(), container, image }
        }
    };
    trace::did(world, service.service(), format!("started {}", service.release()).trim());
    match service.service() {
        "db" => db::run(&service),
        "auth" => auth::run(&service),
        "core" => core::run(&service),
        "opensearch" => opensearch::run(&service),
        "reverse-proxy" => reverse_proxy::run(&service),
        _ if service.container.spec.command.first().is_some_and(|word| word == "nc") => nc::run(&service),
        _ => plain::run(&service),
    }
}

/// The service of the container that this process is in: its image's sources are in `/opt/source`, and Compose says
/// in the environment which service it is.
fn inside(world: &World) -> Result<Service> {
    signal_hook::flag::register_conditional_shutdown(
        signal_hook::consts::SIGTERM,
        143,
        Arc::new(AtomicBool::new(true)),
    )
    .or_fail(Kind::Bug, || "SIGTERM can't be listened for".into())?;
    let environment: BTreeMap<String, String> = std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let variable = |name: &str| environment.get(name).cloned().unwrap_or_default();
    let (service, image_name) = (variable("PRACTICE_SERVICE"), variable("PRACTICE_IMAGE"));
    let sources = Path::new("/opt/source");
    let image = match sources.exists() {
        true => Image::of_folder(&service, sources, &environment)?,
        false => Image::from_registry(&image_name, &service),
    };
    // Everything is where it says.
    let root = Mount { volume: None, source: "/".into(), target: "/".into() };
    let spec = Spec {
        name: service.clone(),
        project: String::new(),
        service,
        image: image_name,
        image_id: image.id.clone(),
        environment,
        labels: BTreeMap::new(),
        mounts: vec![root],
        ports: Vec::new(),
        command: Vec::new(),
        checked: false,
        restart: true,
    };
    let container = Container { spec, state: State::unknown() };
    Ok(Service { world: world.clone(), container, image })
}

/// Ends this process when its world or its engine is gone, so that nothing is left behind by a test that died.
fn watch_over(world: &World) {
    let world = world.clone();
    let engine = getppid();
    std::thread::spawn(move || {
        while world.exists() && getppid() == engine && engine != Pid::from_raw(1) {
            std::thread::sleep(Duration::from_millis(500));
        }
        std::process::exit(0);
    });
}
