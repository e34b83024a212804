//! Compose files: several merged into one project, with the variables filled in.

use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::yaml;
use crate::output;
use crate::practice::docker::container::Mount;
use crate::practice::world::{World, digest};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// What the Compose files ask for.
#[derive(Clone, Debug)]
pub struct Project {
    /// The name of the first file's folder.
    pub name: String,
    /// The folder of the first file: all relative paths begin there.
    pub folder: PathBuf,
    pub services: BTreeMap<String, Value>,
    /// Networks that must be there already.
    pub external_networks: Vec<String>,
    /// Networks that the project makes.
    pub own_networks: Vec<String>,
    pub whole: Value,
}

/// How a service's image is built.
#[derive(Clone, Debug)]
pub struct Build {
    /// The folder of the Dockerfile: the sources of this service.
    pub folder: PathBuf,
    pub arguments: BTreeMap<String, String>,
}

/// Reads and merges the files. `variables` are the environment with the env file behind it.
pub fn load(files: &[PathBuf], cwd: &Path, variables: &BTreeMap<String, String>) -> Result<Project> {
    let first = files
        .first()
        .ok_or_else(|| Failure::new(Kind::Invalid, "Can't find a suitable configuration file"))?;
    let folder = cwd.join(first).parent().unwrap_or(cwd).components().collect::<PathBuf>();
    let mut whole = Value::Object(Map::new());
    let mut unset = BTreeSet::new();
    for file in files {
        let path = cwd.join(file);
        let text = std::fs::read_to_string(&path)
            .or_fail(Kind::NotFound, || format!(".{} can't be read", path.display()))?;
        let mut value = yaml::parse(&text).map_err(|failure| failure.why(path.display()))?;
        fill_in(&mut value, variables, &mut unset);
        normalise(&mut value);
        merge(&mut whole, value);
    }
    for name in unset {
        output::complain(format_args!(
            "WARNING: The {name} variable is not set. Defaulting to a blank string."
        ));
    }
    let services: BTreeMap<String, Value> =
        whole["services"].as_object().cloned().unwrap_or_default().into_iter().collect();
    for (name, service) in &services {
        if service["image"].is_null() && service["build"].is_null() {
            let message = format!(
                "The Compose file is invalid because: Service {name} has neither an image nor a build context specified. At least one must be provided."
            );
            return Err(Failure::new(Kind::Invalid, message));
        }
        if let Some(missing) = depends_on(service).into_iter().find(|name| !services.contains_key(name)) {
            let message = format!("Service '{name}' depends on service '{missing}' which is undefined.");
            return Err(Failure::new(Kind::Invalid, message));
        }
    }
    let networks = whole["networks"].as_object().cloned().unwrap_or_default();
    let external = |network: &Value| network["external"] == true;
    let name = folder.file_name().unwrap_or_default().to_string_lossy().to_lowercase();
    Ok(Project {
        name: name.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect(),
        folder,
        services,
        external_networks: networks
            .iter()
            .filter(|(_, n)| external(n))
            .map(|(name, _)| name.clone())
            .collect(),
        own_networks: networks.iter().filter(|(_, n)| !external(n)).map(|(name, _)| name.clone()).collect(),
        whole,
    })
}

/// Reads an env file: `KEY=VALUE` lines; quotes around a value are taken off.
pub fn env_file(text: &str) -> BTreeMap<String, String> {
    let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.trim().to_string(), value.trim().trim_matches(['"', '\'']).to_string()))
        .collect()
}

/// `$NAME`, `${NAME}`, `${NAME:-default}`; `$$` is a dollar.
fn fill_in(value: &mut Value, variables: &BTreeMap<String, String>, unset: &mut BTreeSet<String>) {
    match value {
        Value::String(text) if text.contains('$') => *text = filled(text, variables, unset),
        Value::Array(items) => items.iter_mut().for_each(|item| fill_in(item, variables, unset)),
        Value::Object(entries) => entries.values_mut().for_each(|entry| fill_in(entry, variables, unset)),
        _ => {}
    }
}

fn filled(text: &str, variables: &BTreeMap<String, String>, unset: &mut BTreeSet<String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find('$') {
        out.push_str(&rest[..dollar]);
        rest = &rest[dollar + 1..];
        let (expression, after) = if let Some(more) = rest.strip_prefix('$') {
            out.push('$');
            rest = more;
            continue;
        } else if let Some(braced) = rest.strip_prefix('{').and_then(|rest| rest.split_once('}')) {
            braced
        } else {
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            rest.split_at(end)
        };
        let (name, default) = expression.split_once(":-").map_or((expression, None), |(n, d)| (n, Some(d)));
        match (variables.get(name), default) {
            (Some(value), Some(default)) if value.is_empty() => out.push_str(default),
            (Some(value), _) => out.push_str(value),
            (None, Some(default)) => out.push_str(default),
            (None, None) => _ = unset.insert(name.to_string()),
        }
        rest = after;
    }
    out + rest
}

/// Brings both forms of `environment`, `labels` and `depends_on` to one, so that files can be merged.
fn normalise(file: &mut Value) {
    let services = file.get_mut("services").and_then(Value::as_object_mut);
    for service in
        services.into_iter().flat_map(|services| services.values_mut()).filter_map(Value::as_object_mut)
    {
        for key in ["environment", "labels"] {
            if let Some(Value::Array(items)) = service.get(key) {
                let pairs = items.iter().map(yaml::text).map(|item| match item.split_once('=') {
                    Some((key, value)) => (key.to_string(), value.into()),
                    None => (item, Value::Null),
                });
                let pairs: Map<String, Value> = pairs.collect();
                service.insert(key.into(), pairs.into());
            }
        }
        if let Some(Value::Object(map)) = service.get("depends_on") {
            let names: Vec<String> = map.keys().cloned().collect();
            service.insert("depends_on".into(), names.into());
        }
    }
}

/// A later file adds to maps and lists and overwrites the rest.
fn merge(into: &mut Value, from: Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            from.into_iter().for_each(|(key, value)| merge(into.entry(key).or_insert(Value::Null), value));
        }
        (Value::Array(into), Value::Array(from)) => {
            from.into_iter().for_each(|item| {
                if !into.contains(&item) {
                    into.push(item)
                }
            });
        }
        (_, Value::Null) => {}
        (into, from) => *into = from,
    }
}

/// The services that Compose starts before this one.
pub fn depends_on(service: &Value) -> Vec<String> {
    service["depends_on"].as_array().into_iter().flatten().map(yaml::text).collect()
}

/// A map of texts, as `environment` and `labels` are.
pub fn texts(value: &Value) -> BTreeMap<String, String> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.clone(), yaml::text(value))).collect()
}

impl Project {
    /// The names of these services and all that they depend on, those that others need first.
    pub fn in_order(&self, wanted: &[String]) -> Result<Vec<String>> {
        let mut order = Vec::new();
        let all: Vec<String> = self.services.keys().cloned().collect();
        for name in if wanted.is_empty() { &all } else { wanted } {
            self.visit(name, &mut order, 0)?;
        }
        Ok(order)
    }

    fn visit(&self, name: &str, order: &mut Vec<String>, depth: usize) -> Result<()> {
        let service = self
            .services
            .get(name)
            .ok_or_else(|| Failure::new(Kind::NotFound, format!("No such service: {name}")))?;
        if order.iter().any(|done| done == name) {
            return Ok(());
        }
        if depth > self.services.len() {
            return Err(Failure::new(Kind::Invalid, format!("Circular dependency of {name}")));
        }
        depends_on(service).iter().try_for_each(|needed| self.visit(needed, order, depth + 1))?;
        order.push(name.to_string());
        Ok(())
    }

    pub fn build(&self, name: &str) -> Option<Build> {
        let build = &self.services.get(name)?["build"];
        let context = match build {
            Value::String(context) => context.clone(),
            Value::Object(_) => yaml::text(&build["context"]),
            _ => return None,
        };
        let context = self.folder.join(context);
        // All of Hoss's contexts are the whole tree; a service's sources lie beside its Dockerfile.
        let dockerfile = yaml::text(&build["dockerfile"]);
        let folder = match Path::new(&dockerfile).parent() {
            Some(folder) if !dockerfile.is_empty() => context.join(folder),
            _ => context,
        };
        Some(Build { folder: folder.components().collect(), arguments: texts(&build["args"]) })
    }

    /// The name of a service's image.
    pub fn image(&self, name: &str) -> String {
        match &self.services[name]["image"] {
            Value::Null => format!("{}_{name}", self.name),
            image => yaml::text(image),
        }
    }

    /// A digest of all that is asked of a service's container.
    pub fn configuration_hash(&self, name: &str) -> String {
        digest(self.services[name].to_string())
    }

    /// The mounts of a service. A file or folder that the long form names has to be there, as Docker demands.
    pub fn mounts(&self, name: &str, world: &World) -> Result<Vec<Mount>> {
        let volumes = self.services[name]["volumes"].as_array().cloned().unwrap_or_default();
        volumes.iter().filter_map(|volume| self.mount(name, volume, world).transpose()).collect()
    }

    fn mount(&self, service: &str, volume: &Value, world: &World) -> Result<Option<Mount>> {
        let short = yaml::text(volume);
        let (source, target) = match volume {
            Value::Object(_) => (yaml::text(&volume["source"]), yaml::text(&volume["target"])),
            _ => match short.split_once(':') {
                Some((source, target)) => (source.to_string(), target.trim_end_matches(":ro").to_string()),
                None => return Ok(None),
            },
        };
        if !source.starts_with(['/', '.', '~']) {
            let name = format!("{}_{source}", self.name);
            let source = world.path("volumes").join(&name).join("_data");
            return Ok(Some(Mount { volume: Some(name), source, target }));
        }
        let source = match source.strip_prefix("~/") {
            Some(rest) => world.home().join(rest),
            None => self.folder.join(&source),
        };
        if source == Path::new("/var/run/docker.sock") {
            return Ok(None);
        }
        if volume.is_object() && !source.exists() {
            let message = format!(
                "Cannot create container for service {service}: invalid mount config for type \"bind\": bind source path does not exist: {}",
                source.display()
            );
            return Err(Failure::new(Kind::NotFound, message));
        }
        if !world.owns(&source) {
            let message = format!(
                "Cannot create container for service {service}: `{}` is outside of the practice server",
                source.display()
            );
            return Err(Failure::new(Kind::Refused, message));
        }
        Ok(Some(Mount { volume: None, source, target }))
    }
}
