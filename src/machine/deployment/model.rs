//! What `config` of Compose prints: services, what they are made from and what they mount, and volumes.

use super::Program;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::yaml::{self, text};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// A project as its files mean it. There are no values of the environment in it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Model {
    /// The name of the project; nothing as long as only Compose's own defaults say it.
    pub project: Option<String>,
    /// What its files call it, if its containers are called otherwise.
    pub otherwise: Option<String>,
    pub files: Vec<PathBuf>,
    /// Those that are on.
    pub profiles: Vec<String>,
    /// By name; of profiles that are off there are none.
    pub services: BTreeMap<String, Part>,
    /// By the names in the files.
    pub volumes: BTreeMap<String, Named>,
}

/// A service.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Part {
    /// What it is made from, as `ghcr.io/a/b:1.2`; what Compose calls it, if it is built and not named.
    pub image: String,
    pub built: bool,
    pub mounts: Vec<Mounted>,
    /// How many containers the files ask for.
    pub replicas: u64,
    /// Whether others wait until it has ended well.
    pub one_shot: bool,
    /// Whether it may end well without being started again: a one-shot, or one that nothing says to restart.
    pub may_end: bool,
    /// Whether its image has the version of the server in its tag.
    pub versioned: bool,
    /// Whether that is a tag that moves from release to release, such as `latest`.
    pub floating: bool,
    /// Whether it has the image of the version, and no Compose file in which that could be moved: `extends`, say.
    pub left_behind: bool,
    /// Settings that say which database it has: `POSTGRES_DB`, `MARIADB_DATABASE`, `MYSQL_DATABASE`, `POSTGRES_USER`.
    #[serde(skip)]
    pub database: Option<String>,
}

/// What a service mounts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Mounted {
    /// Of a volume, its name in the files; nothing if it has none.
    pub volume: Option<String>,
    /// Of a folder or a file, where it is.
    pub source: Option<String>,
    /// Where it is in the container.
    pub target: String,
    pub read_only: bool,
    /// Whether it is neither a volume nor a folder or file of the machine, as memory.
    #[serde(skip)]
    pub passing: bool,
    /// The folder of the volume that is mounted, if it is not all of it.
    #[serde(skip)]
    pub subpath: Option<String>,
}

/// A volume.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Named {
    /// As `docker volume ls` lists it.
    pub name: String,
    /// Whether it is not made by the project.
    pub external: bool,
    /// What makes it, and how; may hold secrets.
    #[serde(skip)]
    pub driver: BTreeMap<String, String>,
}

/// In this order they say which database a service has.
const DATABASES: [&str; 4] = ["POSTGRES_DB", "MARIADB_DATABASE", "MYSQL_DATABASE", "POSTGRES_USER"];

impl Model {
    /// Reads what `config` printed. `profiles` are those that are on, which not every Compose minds there.
    pub fn parse(printed: &str, program: &Program, profiles: &[String]) -> Result<Model> {
        let whole: Value = match program.speaks_json() {
            true => serde_json::from_str(printed)
                .or_fail(Kind::Invalid, || "what Compose printed is not understood".into())?,
            false => yaml::parse(printed)?,
        };
        if !whole.is_object() {
            return Err(Failure::new(Kind::Invalid, "what Compose printed is not understood"));
        }
        let empty = Map::new();
        let written = whole.get("services").and_then(Value::as_object).unwrap_or(&empty);
        let is_on = |service: &Value| {
            let own = texts(service.get("profiles"));
            let on = |own: &String| profiles.contains(own) || profiles.iter().any(|profile| profile == "*");
            program.speaks_json() || own.is_empty() || own.iter().any(on)
        };
        let ends = awaited(written);
        let services = written.iter().filter(|(_, service)| is_on(service));
        Ok(Model {
            project: whole.get("name").and_then(Value::as_str).map(str::to_owned),
            profiles: profiles.to_vec(),
            services: services.map(|(name, it)| (name.clone(), part(it, ends.contains(name)))).collect(),
            volumes: volumes(whole.get("volumes")),
            ..Model::default()
        })
    }

    /// Gives the project its name, and with it what is named after it.
    pub fn call(&mut self, project: String, program: &Program) {
        for (name, volume) in &mut self.volumes {
            if volume.name.is_empty() {
                volume.name = if volume.external { name.clone() } else { format!("{project}_{name}") };
            }
        }
        for (name, service) in &mut self.services {
            if service.image.is_empty() {
                service.image = format!("{project}{}{name}", program.joint());
            }
        }
        self.project = Some(project);
    }
}

/// The services that others wait for until they have ended well.
fn awaited(services: &Map<String, Value>) -> BTreeSet<String> {
    let needs = services.values().filter_map(|service| service.get("depends_on")?.as_object()).flatten();
    let ended = needs.filter(|(_, how)| how["condition"] == "service_completed_successfully");
    ended.map(|(name, _)| name.clone()).collect()
}

fn part(service: &Value, one_shot: bool) -> Part {
    let restart = service.get("restart").map(text).unwrap_or_default();
    // Of two ways to write it the newer one counts.
    let replicas = service.pointer("/deploy/replicas").or(service.get("scale")).and_then(Value::as_u64);
    Part {
        image: service.get("image").map(text).unwrap_or_default().replace("$$", "$"),
        built: service.get("build").is_some_and(|build| !build.is_null()),
        mounts: service.get("volumes").and_then(Value::as_array).into_iter().flatten().map(mounted).collect(),
        replicas: replicas.unwrap_or(1),
        one_shot,
        versioned: false,
        floating: false,
        left_behind: false,
        may_end: one_shot || !restart.starts_with("always") && !restart.starts_with("unless-stopped"),
        database: database(service.get("environment")),
    }
}

/// `/srv/a:/b:ro`, `data:/b`, `/b`, or the same as a table.
fn mounted(written: &Value) -> Mounted {
    if let Some(table) = written.as_object() {
        let field = |name: &str| table.get(name).map(text).filter(|text| !text.is_empty());
        let is_volume = field("type").as_deref() == Some("volume");
        return Mounted {
            volume: field("source").filter(|_| is_volume),
            source: field("source").filter(|_| !is_volume),
            target: field("target").unwrap_or_default(),
            read_only: table.get("read_only") == Some(&Value::Bool(true)),
            passing: !is_volume && field("type").is_some_and(|sort| sort != "bind"),
            subpath: table.get("volume").and_then(|volume| volume.get("subpath")).map(text),
        };
    }
    let written = text(written);
    let (source, rest) = match written.split_once(':') {
        Some((source, rest)) => (Some(source.to_owned()), rest),
        None => (None, written.as_str()),
    };
    let (target, options) = rest.split_once(':').unwrap_or((rest, ""));
    let is_path = source.as_ref().is_some_and(|source| source.starts_with(['/', '.', '~']));
    Mounted {
        volume: source.clone().filter(|_| !is_path),
        source: source.filter(|_| is_path),
        target: target.to_owned(),
        read_only: options.split(',').any(|option| option == "ro"),
        ..Mounted::default()
    }
}

fn volumes(written: Option<&Value>) -> BTreeMap<String, Named> {
    let written = written.and_then(Value::as_object).into_iter().flatten();
    let volume = |(name, volume): (&String, &Value)| {
        let external = volume.get("external");
        // An older form has the name in there.
        let named = volume.get("name").or(external.and_then(|external| external.get("name")));
        let is_external = external.is_some_and(|external| external != &Value::Bool(false));
        let options = volume.get("driver_opts").and_then(Value::as_object).into_iter().flatten();
        let options = options.map(|(name, value)| (name.clone(), text(value)));
        let driver =
            volume.get("driver").map(text).filter(|it| it != "local").map(|it| ("driver".into(), it));
        let driver = driver.into_iter().chain(options).collect();
        let named = Named { name: named.map(text).unwrap_or_default(), external: is_external, driver };
        (name.clone(), named)
    };
    written.map(volume).collect()
}

/// The name of its database, from its environment, which is a table or a list.
fn database(environment: Option<&Value>) -> Option<String> {
    let value = |name: &str| match environment? {
        Value::Object(table) => table.get(name).map(text),
        Value::Array(list) => {
            let begin = format!("{name}=");
            list.iter().filter_map(Value::as_str).find_map(|it| it.strip_prefix(&begin).map(str::to_owned))
        }
        _ => None,
    };
    let mut values = DATABASES.iter().filter_map(|name| value(name)).map(|value| value.replace("$$", "$"));
    values.find(|value| !value.is_empty())
}

fn texts(written: Option<&Value>) -> Vec<String> {
    written.and_then(Value::as_array).into_iter().flatten().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program(version: &str) -> Program {
        Program { words: vec!["docker-compose".into()], version: version.into() }
    }

    #[test]
    fn both_forms_of_a_project_mean_the_same() {
        let old = "services:\n  app:\n    depends_on:\n      init: {condition: service_completed_successfully}\n    \
                   environment: {SECRET: hidden}\n    image: a/app:1.0\n    restart: always\n    scale: 2\n    volumes:\n    \
                   - data:/data:rw\n    - /srv/x:/x:ro\n  db:\n    environment: [POSTGRES_DB=app$$1]\n    image: postgres:15\n  \
                   init:\n    build: {context: /srv}\n  off:\n    image: x\n    profiles: [debug]\nvolumes:\n  data: {}\n  \
                   kept: {external: true, name: other}\n  own: {external: true}\nversion: '2.4'\n";
        let new = r#"{"name": "shop", "services": {
            "app": {"depends_on": {"init": {"condition": "service_completed_successfully"}}, "environment": {"SECRET": "hidden"},
                "image": "a/app:1.0", "restart": "always", "deploy": {"replicas": 2}, "volumes": [
                {"type": "volume", "source": "data", "target": "/data"},
                {"type": "bind", "source": "/srv/x", "target": "/x", "read_only": true}]},
            "db": {"environment": {"POSTGRES_DB": "app$$1"}, "image": "postgres:15"},
            "init": {"build": {"context": "/srv"}}},
            "volumes": {"data": {"name": "shop_data"}, "kept": {"name": "other", "external": true}, "own": {"name": "own", "external": true}}}"#;
        let mut models = [("1.29.2", old), ("2.40.3", new)].map(|(version, printed)| {
            let mut model = Model::parse(printed, &program(version), &[]).unwrap();
            model.call(model.project.clone().unwrap_or("shop".into()), &program(version));
            model
        });
        assert_eq!(models[0].services["init"].image, "shop_init");
        assert_eq!(models[1].services["init"].image, "shop-init");
        models[0].services.get_mut("init").unwrap().image = "shop-init".into();
        let [old, new] = models;
        assert_eq!(old, new);
        let app = &new.services["app"];
        assert!(
            app.replicas == 2 && !app.may_end && new.services["init"].one_shot && new.services["db"].may_end
        );
        assert_eq!(new.services["db"].database.as_deref(), Some("app$1"));
        assert_eq!(new.volumes["data"].name, "shop_data");
        assert!(!serde_json::to_string(&new).unwrap().contains("hidden"));
        let on = Model::parse(
            "services: {off: {image: x, profiles: [debug]}}",
            &program("1.29.2"),
            &["debug".into()],
        );
        assert!(on.unwrap().services.contains_key("off"));
    }
}
