//! A container, as `docker inspect` describes it.

use super::image::whole_id;
use super::{FILES, FOLDER, Mount, PROJECT, SERVICE, Service};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// What of `docker inspect` is used. Docker Engine API, `GET /containers/{id}/json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Container {
    id: String,
    name: String,
    #[serde(default)]
    image: String,
    #[serde(default)]
    restart_count: u64,
    state: ContainerState,
    config: Config,
    #[serde(default)]
    mounts: Vec<Mount>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ContainerState {
    status: String,
    #[serde(default)]
    running: bool,
    #[serde(default)]
    restarting: bool,
    #[serde(default)]
    started_at: String,
    #[serde(default)]
    exit_code: i64,
    health: Option<Health>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Health {
    status: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Config {
    #[serde(default)]
    image: String,
    labels: Option<BTreeMap<String, String>>,
}

impl Container {
    pub fn label(&self, name: &str) -> &str {
        self.config.labels.as_ref().and_then(|labels| labels.get(name)).map_or("", String::as_str)
    }
}

impl From<Container> for Service {
    fn from(container: Container) -> Service {
        let label = |name| container.label(name).to_owned();
        let folder = Some(label(FOLDER)).filter(|folder| !folder.is_empty()).map(PathBuf::from);
        let files = label(FILES);
        // Compose 1 has them as they were typed.
        let whole =
            |file: &str| folder.as_ref().map_or_else(|| PathBuf::from(file), |folder| folder.join(file));
        let files = files.split(',').filter(|file| !file.is_empty()).map(whole);
        let files = files.filter(|file| file.is_absolute()).collect();
        Service {
            files,
            project: label(PROJECT),
            service: label(SERVICE),
            name: container.name.trim_start_matches('/').to_owned(),
            id: container.id,
            state: container.state.status,
            running: container.state.running,
            restarting: container.state.restarting,
            restart_count: container.restart_count,
            started_at: container.state.started_at,
            exit_code: container.state.exit_code,
            // Podman and some versions of Docker say so instead of leaving it out.
            health: container
                .state
                .health
                .map(|health| health.status)
                .filter(|s| !s.is_empty() && s != "none"),
            image: whole_id(container.image),
            image_name: container.config.image,
            mounts: container.mounts,
            folder,
        }
    }
}
