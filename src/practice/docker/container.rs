//! Containers: what Compose asked for, what became of it, and how `docker inspect` shows both.

use crate::practice::world::World;
use crate::practice::world::http::{self, Request};
use crate::practice::world::ports;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mount {
    /// The name of a volume; none for a folder or file of the machine.
    pub volume: Option<String>,
    /// On this machine.
    pub source: PathBuf,
    /// In the container.
    pub target: String,
}

/// What a container is made from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Spec {
    /// As in `server_core_1`.
    pub name: String,
    pub project: String,
    pub service: String,
    /// The image by name and by identity.
    pub image: String,
    pub image_id: String,
    pub environment: BTreeMap<String, String>,
    pub labels: BTreeMap<String, String>,
    pub mounts: Vec<Mount>,
    /// Ports in the container that are published, as `8080`.
    pub ports: Vec<String>,
    pub command: Vec<String>,
    /// Whether it has a health check.
    pub checked: bool,
    /// `restart: always`.
    pub restart: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    Created,
    Running,
    Restarting,
    Exited,
}

/// What became of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    pub id: String,
    pub created: String,
    pub status: Status,
    pub pid: u32,
    /// When the process started, see [`super::world::Process`].
    pub process_start: u64,
    pub restart_count: u32,
    pub exit_code: i32,
    pub started_at: String,
    pub finished_at: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Container {
    pub spec: Spec,
    pub state: State,
}

impl State {
    /// That of a container that looks at itself.
    pub fn unknown() -> State {
        State {
            id: String::new(),
            created: String::new(),
            status: Status::Running,
            pid: std::process::id(),
            process_start: 0,
            restart_count: 0,
            exit_code: 0,
            started_at: String::new(),
            finished_at: String::new(),
        }
    }
}

impl Spec {
    /// Where a path in the container is on this machine, if it is in a mount.
    pub fn outside(&self, inner: &str) -> Option<PathBuf> {
        let mounts = self.mounts.iter().filter_map(|mount| {
            let rest = Path::new(inner).strip_prefix(&mount.target).ok()?;
            let path =
                if rest.as_os_str().is_empty() { mount.source.clone() } else { mount.source.join(rest) };
            Some((mount.target.len(), path))
        });
        mounts.max_by_key(|(length, _)| *length).map(|(_, path)| path)
    }

    /// The published ports that lead somewhere: port in the container, port on this machine.
    pub fn published(&self, world: &World) -> Vec<(String, u16)> {
        let inner = ports::inner(&self.service).map(|port| port.to_string());
        let outer = world.port(&self.service).ok();
        let ports = self.ports.iter().filter(|port| Some(port.as_str()) == inner.as_deref());
        ports.filter_map(|port| Some((port.clone(), outer?))).collect()
    }
}

impl Container {
    pub fn running(&self) -> bool {
        self.state.status == Status::Running
    }

    /// `starting`, `healthy` or `unhealthy` if it has a health check, which is made now.
    pub fn health(&self, world: &World) -> Option<&'static str> {
        if !self.spec.checked {
            return None;
        }
        let answers = world.socket(&self.spec.service).is_ok_and(|to| {
            self.running()
                && http::send(to, &Request::new("GET", "/minio/health/live", ""))
                    .is_ok_and(|r| r.status == 200)
        });
        let started: Option<jiff::Timestamp> = self.state.started_at.parse().ok();
        let young =
            started.is_some_and(|started| jiff::Timestamp::now().duration_since(started).as_secs() < 10);
        Some(match (answers, young) {
            (true, _) => "healthy",
            (false, true) => "starting",
            (false, false) => "unhealthy",
        })
    }

    /// As `docker inspect` shows it.
    pub fn inspect(&self, world: &World) -> Value {
        let (spec, state) = (&self.spec, &self.state);
        let mut shown = json!({
            "Status": state.status, "Running": matches!(state.status, Status::Running | Status::Restarting),
            "Paused": false, "Restarting": state.status == Status::Restarting, "OOMKilled": false, "Dead": false,
            "Pid": state.pid, "ExitCode": state.exit_code, "Error": "", "StartedAt": state.started_at,
            "FinishedAt": state.finished_at,
        });
        if let Some(health) = self.health(world) {
            shown["Health"] = json!({ "Status": health, "FailingStreak": 0, "Log": [] });
        }
        let ports: BTreeMap<String, Value> = spec
            .published(world)
            .into_iter()
            .map(|(inner, outer)| {
                (format!("{inner}/tcp"), json!([{ "HostIp": "127.0.0.1", "HostPort": outer.to_string() }]))
            })
            .collect();
        let mounts: Vec<Value> = spec
            .mounts
            .iter()
            .map(|mount| {
                let kind = if mount.volume.is_some() { "volume" } else { "bind" };
                json!({ "Type": kind, "Name": mount.volume.clone().unwrap_or_default(), "Source": mount.source,
                        "Destination": mount.target, "RW": true })
            })
            .collect();
        let environment: Vec<String> =
            spec.environment.iter().map(|(key, value)| format!("{key}={value}")).collect();
        json!({
            "Id": state.id, "Created": state.created, "Name": format!("/{}", spec.name), "Image": spec.image_id,
            "RestartCount": state.restart_count, "Path": spec.service, "Args": spec.command, "State": shown,
            "Mounts": mounts,
            "Config": { "Hostname": &state.id[..12], "Image": spec.image, "Labels": spec.labels,
                        "Env": environment, "Cmd": spec.command },
            "HostConfig": { "RestartPolicy": { "Name": if spec.restart { "always" } else { "no" } } },
            "NetworkSettings": { "Ports": ports, "Networks": { format!("{}_internal", spec.project): {} } },
        })
    }
}
