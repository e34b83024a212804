//! The Compose file of a copy, derived from the containers that are copied: it fits whatever made them.

use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::backup::{Place, Unpacked};
use crate::machine::compose::{COPY_OF, Project};
use crate::machine::part::Part;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// What is copied from `Config` and `HostConfig` of a container as it is, and what Compose calls it. Docker Engine API,
/// `GET /containers/{id}/json`; Compose specification, "services".
const SAME: &[(&str, &str, &str)] = &[
    ("Config", "Entrypoint", "entrypoint"),
    ("Config", "Cmd", "command"),
    ("Config", "Env", "environment"),
    ("Config", "User", "user"),
    ("Config", "WorkingDir", "working_dir"),
    ("Config", "StopSignal", "stop_signal"),
    ("HostConfig", "CapAdd", "cap_add"),
    ("HostConfig", "ShmSize", "shm_size"),
];

pub(super) struct ComposeFile<'a> {
    unpacked: &'a Unpacked,
    place: &'a Place<'a>,
    /// The project that is copied.
    original: &'a str,
    /// For what the copy writes.
    folder: &'a Path,
    services: Map<String, Value>,
    volumes: Map<String, Value>,
    /// Where folders and files of this machine are that the copy has of its own.
    moved: BTreeMap<PathBuf, PathBuf>,
}

impl<'a> ComposeFile<'a> {
    pub(super) fn new(
        unpacked: &'a Unpacked,
        place: &'a Place<'a>,
        original: &'a str,
        folder: &'a Path,
    ) -> ComposeFile<'a> {
        let (services, volumes, moved) = (Map::new(), Map::new(), BTreeMap::new());
        ComposeFile { unpacked, place, original, folder, services, volumes, moved }
    }

    /// Adds a service like this container, as `docker inspect` tells it.
    pub(super) fn add(&mut self, service: &str, container: &Value) -> Result<()> {
        let host = &container["HostConfig"];
        let is_host = ["NetworkMode", "PidMode", "IpcMode"].iter().any(|mode| host[mode] == "host");
        if is_host || host["Privileged"] == true {
            return Err(refused(service, "it reaches this machine itself"));
        }
        let labels = self.labels();
        let mut copy = Map::from_iter([
            ("image".to_owned(), container["Image"].clone()),
            ("labels".to_owned(), labels),
            ("restart".to_owned(), "unless-stopped".into()),
        ]);
        for (group, name, called) in SAME {
            let value = escaped(&container[group][name]);
            let is_empty = value.is_null() || value == json!("") || value == json!([]) || value == json!(0);
            if !is_empty {
                copy.insert(called.to_string(), value);
            }
        }
        copy.extend(health_check(&container["Config"]["Healthcheck"]));
        let mut mounts = Vec::new();
        for mount in container["Mounts"].as_array().into_iter().flatten() {
            mounts.extend(self.mount(service, mount)?);
        }
        copy.insert("volumes".into(), mounts.into());
        copy.insert("networks".into(), json!({ "default": { "aliases": aliases(container) } }));
        self.services.insert(service.into(), copy.into());
        Ok(())
    }

    fn mount(&mut self, service: &str, mount: &Value) -> Result<Option<Value>> {
        let text = |name: &str| mount[name].as_str().unwrap_or_default();
        let target = escaped(&mount["Destination"]);
        match text("Type") {
            "volume" => {
                // A volume without a name in the Compose files is made anew by the image.
                let called = self.place.docker().called(text("Name"), self.original)?;
                let Some(volume) = called else { return Ok(None) };
                self.volumes.insert(volume.clone(), json!({ "labels": self.labels() }));
                Ok(Some(json!({ "type": "volume", "source": volume, "target": target })))
            }
            "bind" => {
                let (source, read_only) = (Path::new(text("Source")), mount["RW"] != true);
                let (source, read_only) = self.bound(service, source, read_only)?;
                let source = escaped(&json!(source.to_string_lossy()));
                Ok(Some(
                    json!({ "type": "bind", "source": source, "target": target, "read_only": read_only }),
                ))
            }
            // In memory: nothing of it is kept.
            "tmpfs" => Ok(Some(json!({ "type": "tmpfs", "target": target }))),
            other => Err(refused(service, &format!("it mounts something of the type `{other}`"))),
        }
    }

    /// What takes the place of a folder or file of this machine: that of the backup; itself, if it can't be written to;
    /// else an empty folder, or a file with the same content.
    fn bound(&mut self, service: &str, source: &Path, read_only: bool) -> Result<(PathBuf, bool)> {
        let failed = || format!("`{}` can't be copied", source.display());
        if let Some(restored) = self.restored(source) {
            return Ok((restored, read_only));
        }
        let metadata = source.metadata().or_fail(Kind::NotFound, failed)?;
        if !metadata.is_dir() && !metadata.is_file() {
            return Err(refused(service, &format!("it reaches this machine by `{}`", source.display())));
        }
        if read_only {
            return Ok((source.to_owned(), true));
        }
        if let Some(known) = self.moved.get(source) {
            return Ok((known.clone(), false));
        }
        let own = self.folder.join(self.moved.len().to_string());
        let made = if metadata.is_dir() { fs::create_dir(&own) } else { fs::copy(source, &own).map(drop) };
        made.or_fail(Kind::Refused, failed)?;
        // Before it is another's, and its mode can't be changed any more.
        fs::set_permissions(&own, metadata.permissions()).or_fail(Kind::Refused, failed)?;
        self.place.docker().give(
            &own,
            metadata.uid(),
            metadata.gid(),
            &Project::Named(self.original.to_owned()),
        )?;
        self.moved.insert(source.to_owned(), own.clone());
        Ok((own, false))
    }

    /// Where the backup has a folder or file of this machine.
    fn restored(&self, source: &Path) -> Option<PathBuf> {
        let parts = self.unpacked.parts.iter();
        let mut found = parts.filter_map(|part| match part {
            Part::Files { name, path } => {
                let inner = source.strip_prefix((self.place.path)(path)).ok()?;
                let member = self.unpacked.path(name);
                Some(if inner == Path::new("") { member } else { member.join(inner) })
            }
            _ => None,
        });
        found.find(|restored| restored.exists())
    }

    /// Where the copy has what is at `path` for the server.
    pub(super) fn moved(&self, path: &Path) -> PathBuf {
        self.moved.get(path).cloned().unwrap_or_else(|| path.to_owned())
    }

    fn labels(&self) -> Value {
        json!({ COPY_OF: self.original })
    }

    /// The whole Compose file.
    pub(super) fn file(&self) -> Value {
        json!({
            "services": self.services,
            "volumes": self.volumes,
            "networks": { "default": { "internal": true, "labels": self.labels() } },
        })
    }
}

fn refused(service: &str, why: &str) -> Failure {
    Failure::new(Kind::Refused, format!("the service `{service}` can't be copied"))
        .why(why)
        .help("leave it out of the `services` that are copied")
}

/// Compose fills in variables: every dollar is doubled.
fn escaped(value: &Value) -> Value {
    match value {
        Value::String(text) => text.replace('$', "$$").into(),
        Value::Array(items) => items.iter().map(escaped).collect(),
        other => other.clone(),
    }
}

fn health_check(check: &Value) -> Option<(String, Value)> {
    let test = check.get("Test")?;
    let mut copy = Map::from_iter([("test".to_owned(), escaped(test))]);
    let times = [("Interval", "interval"), ("Timeout", "timeout"), ("StartPeriod", "start_period")];
    for (name, called) in times {
        // Nanoseconds.
        if let Some(time) = check[name].as_u64().filter(|time| *time > 0) {
            copy.insert(called.into(), format!("{}ms", time / 1_000_000).into());
        }
    }
    if let Some(retries) = check["Retries"].as_u64().filter(|retries| *retries > 0) {
        copy.insert("retries".into(), retries.into());
    }
    Some(("healthcheck".into(), copy.into()))
}

/// The names by which others in its network reach a container, besides its service's.
fn aliases(container: &Value) -> BTreeSet<&str> {
    let id = container["Id"].as_str().unwrap_or_default();
    let networks = container["NetworkSettings"]["Networks"].as_object();
    let all = networks.into_iter().flat_map(|networks| networks.values());
    let names = all.flat_map(|network| network["Aliases"].as_array().into_iter().flatten());
    names.filter_map(Value::as_str).filter(|name| !id.starts_with(name)).collect()
}
