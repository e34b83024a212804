//! What can be seen of a project without being told: where its version is written, its databases, and where its data is.

use super::place::images;
use super::{Deployment, Model, Mounted, Part, Place};
use crate::failure::Result;
use crate::machine::registry::Image;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    pub version: Option<Place>,
    pub databases: Vec<Store>,
    /// The services with Redis.
    pub redis: Vec<String>,
    /// Volumes that hold data, by their names in the files; external ones by their own names.
    pub volumes: Vec<String>,
    /// Files and folders that hold data: in the folder of the project relative to it.
    pub files: Vec<String>,
    /// What could not be known, a sentence each.
    pub unknown: Vec<String>,
}

/// A database in a service.
#[derive(Debug, PartialEq, Eq)]
pub struct Store {
    pub service: String,
    pub engine: Engine,
    pub database: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Postgres,
    Mariadb,
}

/// What a service is for, by its image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Database(Engine),
    Redis,
    /// Of others, and known to keep nothing that matters, as a proxy or a cache.
    Other,
    Application,
}

/// By the last part of the name of an image: what it is, or begins with and has `-`, `_` or nothing after it.
const ROLES: [(&str, Role); 37] = [
    ("postgres", Role::Database(Engine::Postgres)),
    ("postgresql", Role::Database(Engine::Postgres)),
    ("postgis", Role::Database(Engine::Postgres)),
    ("pgvector", Role::Database(Engine::Postgres)),
    ("pgvecto", Role::Database(Engine::Postgres)),
    ("timescaledb", Role::Database(Engine::Postgres)),
    ("mariadb", Role::Database(Engine::Mariadb)),
    ("mysql", Role::Database(Engine::Mariadb)),
    ("percona", Role::Database(Engine::Mariadb)),
    ("redis", Role::Redis),
    ("valkey", Role::Redis),
    ("memcached", Role::Other),
    ("traefik", Role::Other),
    ("nginx", Role::Other),
    ("caddy", Role::Other),
    ("haproxy", Role::Other),
    ("watchtower", Role::Other),
    ("autoheal", Role::Other),
    ("rabbitmq", Role::Other),
    ("mongo", Role::Other),
    ("mongodb", Role::Other),
    ("clickhouse", Role::Other),
    ("clickhouse-server", Role::Other),
    ("elasticsearch", Role::Other),
    ("opensearch", Role::Other),
    ("meilisearch", Role::Other),
    ("typesense", Role::Other),
    ("minio", Role::Other),
    ("etcd", Role::Other),
    ("kafka", Role::Other),
    ("cp-kafka", Role::Other),
    ("zookeeper", Role::Other),
    ("influxdb", Role::Other),
    ("couchdb", Role::Other),
    ("nats", Role::Other),
    ("busybox", Role::Other),
    ("gotenberg", Role::Other),
];

fn role(image: &str) -> Role {
    let Ok(image) = image.parse::<Image>() else { return Role::Application };
    let name = image.repository.rsplit('/').next().unwrap_or_default().to_owned();
    let is = |known: &str| {
        name.strip_prefix(known).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    ROLES.iter().find(|(known, _)| is(known)).map_or(Role::Application, |(_, role)| *role)
}

/// Folders of a machine that are no data of a project.
const MACHINE: [&str; 9] = ["/etc", "/proc", "/sys", "/dev", "/run", "/var/run", "/usr", "/lib", "/tmp"];

impl Deployment<'_> {
    /// Looks through the project.
    pub fn survey(&self, model: &Model) -> Result<Found> {
        let mut found = Found::default();
        self.find_version(model, &mut found)?;
        let mut kept = BTreeSet::new();
        for (name, service) in &model.services {
            match role(&service.image) {
                Role::Database(engine) => found.add_database(name, engine, service),
                Role::Redis => found.redis.push(name.clone()),
                Role::Application | Role::Other => {
                    for mount in &service.mounts {
                        self.add(mount, model, &mut kept, &mut found);
                    }
                }
            }
            if service.built {
                found.unknown.push(format!(
                    "`{name}` is built here: an update builds it again, and a change of its sources is not seen"
                ));
            }
        }
        found.volumes.sort();
        found.volumes.dedup();
        found.files.extend(kept);
        Ok(found)
    }

    /// The setting or the service that most of the application's images have their tag from.
    fn find_version(&self, model: &Model, found: &mut Found) -> Result<()> {
        let mut written = BTreeMap::new();
        for file in self.files()? {
            written.extend(images(&file)?);
        }
        // By where each is written, the services that have it.
        let mut candidates: Vec<(Place, Vec<String>)> = Vec::new();
        let mut stuck = Vec::new();
        for (service, image) in &written {
            let Some(part) = model.services.get(service) else { continue };
            if part.built || role(&part.image) != Role::Application {
                continue;
            }
            let place = match setting_in_tag(image) {
                Some(name) => Place::Setting(name),
                None if image.contains(['$', '@']) => {
                    stuck.push(service.clone());
                    found
                        .unknown
                        .push(format!("the version of `{service}` can't be moved: its image is `{image}`"));
                    continue;
                }
                None => Place::Services(vec![service.clone()]),
            };
            let is_same = |other: &(Place, Vec<String>)| match (&other.0, &place) {
                (Place::Services(_), Place::Services(_)) => {
                    let move_together = |it: &String| written.get(it).is_some_and(|it| is_of_one(it, image));
                    other.1.iter().any(move_together)
                }
                (one, other) => one == other,
            };
            match candidates.iter_mut().find(|it| is_same(it)) {
                Some((place, services)) => {
                    let is_known = services.iter().any(|it| written.get(it) == Some(image));
                    if let Place::Services(names) = place
                        && !is_known
                    {
                        names.push(service.clone());
                    }
                    services.push(service.clone());
                }
                None => candidates.push((place, vec![service.clone()])),
            }
        }
        let project = model.project.as_deref().unwrap_or_default();
        let rank = |(place, services): &(Place, Vec<String>)| {
            let is_named = services.iter().any(|name| name == project || name == "app" || name == "server");
            (matches!(place, Place::Setting(_)), services.len(), is_named)
        };
        let best = candidates.iter().rev().max_by_key(|it| rank(it));
        // An image that can't be moved may be the application's own: then that of another service is a guess.
        let is_guess = |it: &&(Place, Vec<String>)| {
            matches!(it.0, Place::Services(_)) && !rank(it).2 && !stuck.is_empty()
        };
        let best = best.filter(|it| !is_guess(it)).map(|(place, _)| place.clone());
        let others: Vec<String> = candidates
            .iter()
            .filter(|(place, _)| Some(place) != best.as_ref())
            .map(|(_, services)| services.join(" and "))
            .collect();
        match &best {
            None => {
                found.unknown.push("no image of an application has a tag that could be the version".into())
            }
            Some(Place::Setting(name)) if self.setting(name)?.is_none_or(|it| it.is_empty()) => {
                found.unknown.push(format!(
                    "`{name}` is not in `.env`: write the tag that runs into it, such as `{name}=1.2.3`"
                ));
            }
            Some(_) => {}
        }
        if !others.is_empty() {
            found.unknown.push(format!(
                "the tags of {} stay as they are: they are no part of the version",
                others.join(", ")
            ));
        }
        found.version = best;
        Ok(())
    }

    /// What a service of the application mounts.
    fn add(&self, mount: &Mounted, model: &Model, kept: &mut BTreeSet<String>, found: &mut Found) {
        if let Some(name) = &mount.volume {
            let Some(volume) = model.volumes.get(name) else { return };
            if name.contains("cache") {
                found.unknown.push(format!("the volume `{name}` is taken for a cache, and not backed up"));
            } else if !mount.read_only {
                found.volumes.push(if volume.external { volume.name.clone() } else { name.clone() });
            }
            return;
        }
        let Some(source) = mount.source.as_deref() else { return };
        let path = self.folder.join(source);
        let is_machine = MACHINE.iter().any(|folder| path.starts_with(folder));
        let is_data = path.metadata().is_ok_and(|found| found.is_dir() || found.is_file());
        let inside = path.strip_prefix(&self.folder).ok().map(Path::to_owned);
        match inside {
            Some(inside) if inside.as_os_str().is_empty() => found.unknown.push(format!(
                "`{source}` is mounted as a whole: name the folders in it that hold data in `backup`"
            )),
            Some(inside) if is_data => drop(kept.insert(inside.display().to_string())),
            None if is_data && !is_machine && !mount.read_only && path.parent().is_some() => {
                kept.insert(path.display().to_string());
            }
            _ if !is_data && !is_machine && !path.exists() => {
                found.unknown.push(format!("`{source}` is mounted, and there is nothing there"));
            }
            _ => {}
        }
    }
}

impl Found {
    fn add_database(&mut self, name: &str, engine: Engine, service: &Part) {
        let database = service.database.clone().or((engine == Engine::Postgres).then(|| "postgres".into()));
        match database {
            Some(database) => self.databases.push(Store { service: name.to_owned(), engine, database }),
            None => self.unknown.push(format!(
                "the name of the database in `{name}` is not in its environment: name it in `databases`"
            )),
        }
    }
}

/// Publishers of images of many applications, which have nothing to do with each other.
const DISTRIBUTORS: [&str; 8] =
    ["library", "linuxserver", "bitnami", "bitnamilegacy", "hotio", "chainguard", "ubuntu", "rancher"];

/// Whether two images are of one application, whose images are released together: the same, or with one tag from one
/// publisher, as `ghcr.io/a/server:1.2` and `ghcr.io/a/web:1.2`.
fn is_of_one(one: &str, other: &str) -> bool {
    if one == other {
        return true;
    }
    let publisher = |image: &str| {
        let image: Image = image.parse().ok()?;
        let owner = image.repository.rsplit_once('/')?.0.to_owned();
        let is_distributor = DISTRIBUTORS.contains(&owner.as_str());
        let tag = image.tag.unwrap_or_else(|| "latest".to_owned());
        (!is_distributor).then_some((image.host, owner, tag))
    };
    publisher(one).is_some_and(|one| publisher(other) == Some(one))
}

/// The tag of an image as it is written, with the settings in it: `${VERSION:-latest}-cuda` of
/// `${REGISTRY:-lan:5000}/a:${VERSION:-latest}-cuda`.
fn tag(image: &str) -> Option<&str> {
    let (mut depth, mut found) = (0_usize, None);
    for (at, c) in image.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            // A port has a slash after it.
            '/' if depth == 0 => found = None,
            ':' if depth == 0 => found = Some(at + 1),
            _ => {}
        }
    }
    found.map(|at| &image[at..])
}

/// The only setting in the tag of an image as it is written.
fn setting_in_tag(image: &str) -> Option<String> {
    let tag = tag(image)?;
    let (before, after) = tag.split_once('$')?;
    let name = after.trim_start_matches('{');
    let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
    let is_tag = before.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    (end > 0 && is_tag && !after.contains('$')).then(|| name[..end].to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_service_is_for_is_known_by_its_image() {
        for (image, role) in [
            ("postgres:15-alpine", Role::Database(Engine::Postgres)),
            ("ghcr.io/immich-app/postgres:14-vectorchord0.4.3", Role::Database(Engine::Postgres)),
            ("docker.io/tensorchord/pgvecto-rs:pg14", Role::Database(Engine::Postgres)),
            ("bitnami/postgresql:16", Role::Database(Engine::Postgres)),
            ("lscr.io/linuxserver/mariadb:11", Role::Database(Engine::Mariadb)),
            ("redis:7", Role::Redis),
            ("nginx:1", Role::Other),
            ("postgrest/postgrest:v12", Role::Application),
            ("nextcloud:29", Role::Application),
        ] {
            assert_eq!(super::role(image), role, "{image}");
        }
    }

    #[test]
    fn images_of_one_publisher_with_one_tag_are_released_together() {
        let server = "ghcr.io/immich-app/immich-server:v1.2";
        assert!(is_of_one(server, "ghcr.io/immich-app/immich-machine-learning:v1.2"));
        assert!(is_of_one("penpotapp/frontend", "docker.io/penpotapp/backend:latest"));
        assert!(is_of_one("nginx:1", "nginx:1"));
        for other in ["ghcr.io/immich-app/postgres:14", "immich-app/immich-server:v1.2", "ghcr.io/b/a:v1.2"] {
            assert!(!is_of_one(server, other), "{other}");
        }
        assert!(!is_of_one("linuxserver/sonarr:latest", "linuxserver/radarr:latest"));
        assert!(!is_of_one("nextcloud:latest", "wordpress:latest"));
    }

    #[test]
    fn the_setting_is_that_of_the_tag() {
        let found = |image: &str| setting_in_tag(image);
        assert_eq!(found("ghcr.io/a/b:${VERSION:-release}").as_deref(), Some("VERSION"));
        assert_eq!(found("a:$TAG").as_deref(), Some("TAG"));
        assert_eq!(found("a:${TAG}-cuda").as_deref(), Some("TAG"));
        assert_eq!(found("a:v${TAG}").as_deref(), Some("TAG"));
        assert_eq!(found("${REGISTRY:-lan:5000}/a:${TAG:-1.2}").as_deref(), Some("TAG"));
        assert_eq!(found("${REPOSITORY}:${TAG}").as_deref(), Some("TAG"));
        assert_eq!(
            (found("${REPOSITORY}/a:1"), found("a:${MAJOR}.${MINOR}"), found("lan:5000/a"), found("a:1")),
            (None, None, None, None)
        );
        assert_eq!((tag("lan:5000/a"), tag("lan:5000/a:1.2")), (None, Some("1.2")));
    }
}
