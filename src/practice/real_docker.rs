//! A practice server whose Docker is real: the stand-ins of `docker` and `docker-compose` hand over to the machine's
//! own, PostgreSQL and OpenLDAP are Debian's, and the other services are this program in containers.
//!
//! Its images are made on the spot (see [`images`]) and are called `banister-practice/NAME`, so that none of the
//! user's is replaced. What Compose is asked for is changed a little before it gets it: published ports are loopback
//! ports of this world, images are those made here, and every service sees this program.

pub mod client;
mod images;

use super::compose::call::{Call, PROJECT};
use super::compose::file::Project;
use super::docker::socket::SOCKET;
use super::world::{INSIDE, Settings, World, make_folder, write_json};
use super::world::{fault, ports};
use crate::failure::{Context, Failure, Kind, Result};
use client::{docker, hand_over};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs::Permissions;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

pub use images::prepare;

/// The label on every image that a world builds, with the world's folder.
const LABEL: &str = "banister.practice";
/// The services that this machine must reach, at a loopback port.
const PUBLISHED: &[&str] = &["reverse-proxy", "opensearch"];

/// Fails if there is no engine, or if it has what a practice server would clash with.
pub fn check(settings: &Settings) -> Result<()> {
    let containers =
        docker(settings, &["ps", "-aq", "--filter", "label=com.docker.compose.project=server"], b"");
    let containers = containers.map_err(|failure| {
        failure
            .help("start Docker, or set DOCKER_HOST; without one, type `banister demo` without `--compose`")
    })?;
    let networks = docker(settings, &["network", "ls", "-q", "--filter", "name=^web$"], b"")?;
    if containers.trim().is_empty() && networks.trim().is_empty() {
        return Ok(());
    }
    let message = "this Docker engine has a Compose project `server` or a network `web` already";
    Err(Failure::new(Kind::Refused, message)
        .why("a practice server has the same, and would get in the way of a real one")
        .help("use another engine: set DOCKER_HOST"))
}

/// Chooses this world's loopback ports.
pub fn choose_ports(world: &World) -> Result<()> {
    let mut chosen = BTreeMap::new();
    let mut held = Vec::new();
    for service in PUBLISHED {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))
            .or_fail(Kind::Refused, || "no port is free".into())?;
        let address = listener.local_addr().or_fail(Kind::Bug, || "a socket without an address".into())?;
        chosen.insert(service.to_string(), address.port());
        held.push(listener);
    }
    write_json(&world.path("ports.json"), &chosen)
}

/// Lets the services, which are other users, reach what of this world is theirs.
pub fn open_to_services(world: &World) -> Result<()> {
    let opened = || {
        std::fs::set_permissions(world.path("trace.jsonl"), Permissions::from_mode(0o666))?;
        std::fs::set_permissions(world.path("faults"), Permissions::from_mode(0o755))
    };
    opened().or_fail(Kind::Refused, || "the practice server's files can't be opened to its services".into())
}

/// `docker-compose` with these arguments; the exit status.
pub fn compose(world: &World, settings: &Settings, arguments: &[String]) -> Result<i32> {
    let call = Call::read(arguments)?;
    // Another project, as a drill makes it, is what its file says.
    if call.files.is_empty() || call.project.as_ref().is_some_and(|name| name != PROJECT) {
        return hand_over(settings, world, "docker-compose", arguments);
    }
    let version = std::env::var("VERSION").unwrap_or_default();
    let strikes = |name| {
        call.command.first().is_some_and(|it| it == "up")
            && fault::strikes(world, name, &version, 0).is_some()
    };
    if strikes("up-noop") {
        return Ok(0);
    }
    let mut project = call.load(world)?;
    adapt(&mut project, world, settings)?;
    if strikes("up") {
        // A port that is taken: Docker fails when it starts core, after Compose has replaced it.
        project.whole["services"]["core"]["ports"] =
            json!([format!("127.0.0.1:{}:8080", world.port("opensearch")?)]);
    }
    let file = world.path("compose.json");
    write_json(&file, &project.whole)?;
    let before = ["--project-directory", &project.folder.display().to_string(), "-p", &project.name, "-f"];
    let before = before.into_iter().map(str::to_owned).chain([file.display().to_string()]);
    let arguments: Vec<String> = before.chain(call.command).collect();
    hand_over(settings, world, "docker-compose", &arguments)
}

/// Changes what is asked for so that it can be had here.
fn adapt(project: &mut Project, world: &World, settings: &Settings) -> Result<()> {
    let known = world.ports()?;
    let names: Vec<String> = project.services.keys().cloned().collect();
    for name in names {
        let image = project.image(&name);
        let build = project.build(&name);
        let mounts = project.mounts(&name, world)?;
        let Some(service) = project.whole["services"][&name].as_object_mut() else { continue };
        match build {
            Some(build) => {
                let file = world.path("dockerfiles").join(&name);
                images::write_dockerfile(&build.folder.join("Dockerfile"), &file, &label(world))?;
                let context = project.folder.join(service["build"]["context"].as_str().unwrap_or("ui"));
                service.insert(
                    "build".into(),
                    json!({ "context": context, "dockerfile": file, "args": build.arguments }),
                );
                service.insert("image".into(), image.clone().into());
            }
            None => {
                service.insert("image".into(), images::own_name(&image).into());
                service.insert("entrypoint".into(), images::entrypoint(&name));
            }
        }
        let published = known.get(&name).zip(ports::inner(&name));
        let published = published.map(|(outer, inner)| format!("127.0.0.1:{outer}:{inner}"));
        service.insert("ports".into(), published.into_iter().collect());
        let own = [
            (settings.program.display().to_string(), "/banister"),
            (world.path("faults").display().to_string(), "/practice/faults"),
            (world.path("world.json").display().to_string(), "/practice/world.json"),
        ];
        debug_assert!(own[1].1.starts_with(INSIDE));
        let mut volumes: Vec<String> =
            own.into_iter().map(|(source, target)| format!("{source}:{target}:ro")).collect();
        volumes.push(format!("{}:/practice/trace.jsonl", world.path("trace.jsonl").display()));
        if name == "reverse-proxy" {
            volumes.push(format!("{}:{}", socket(settings)?, SOCKET));
        }
        for mount in mounts {
            let source = match &mount.volume {
                Some(volume) => volume.trim_start_matches(&format!("{}_", project.name)).to_owned(),
                None => mount.source.display().to_string(),
            };
            volumes.push(format!("{source}:{}", mount.target));
        }
        service.insert("volumes".into(), volumes.into());
        let environment = service.entry("environment").or_insert_with(|| Value::Object(Map::new()));
        environment["PRACTICE_SERVICE"] = name.clone().into();
        environment["PRACTICE_IMAGE"] = image.into();
        if name == "opensearch" && has_users() {
            service.insert("user".into(), "1000:1000".into());
        }
        // PostgreSQL waits for its clients after SIGTERM; its usual image asks for this one, too.
        if name == "db" {
            service.insert("stop_signal".into(), "SIGINT".into());
        }
        service.insert("stop_grace_period".into(), "5s".into());
        escape(&mut project.whole["services"][&name]);
    }
    Ok(())
}

/// Whether its administrator is not root. Then services that write to folders of this machine are other users, as in the
/// images that Hoss uses: as root's, they would write where none of those may.
pub fn has_users() -> bool {
    !rustix::process::geteuid().is_root()
}

/// Runs a program on files of this world as root, which whoever may use Docker can.
pub fn as_root(world: &World, settings: &Settings, arguments: &[String]) -> Result<()> {
    let mount = format!("{0}:{0}", world.dir().display());
    let image = images::own_name("alpine");
    let [program, rest @ ..] = arguments else { return Ok(()) };
    let fixed = ["run", "--rm", "--user", "0:0", "--volume", &mount, "--entrypoint", program, &image];
    let words: Vec<&str> = fixed.into_iter().chain(rest.iter().map(String::as_str)).collect();
    docker(settings, &words, b"").map(drop)
}

/// The engine's socket on this machine, where the proxy looks for containers.
fn socket(settings: &Settings) -> Result<&str> {
    match settings.docker_host.as_deref() {
        None => Ok(SOCKET),
        Some(host) => host.strip_prefix("unix://").ok_or_else(|| {
            Failure::new(Kind::Refused, format!("`{host}` is no engine of this machine"))
                .help("set DOCKER_HOST to its socket: unix:///var/run/docker.sock")
        }),
    }
}

/// Compose fills in variables once more: every dollar is one.
fn escape(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('$') => *text = text.replace('$', "$$"),
        Value::Array(items) => items.iter_mut().for_each(escape),
        Value::Object(entries) => entries.values_mut().for_each(escape),
        _ => {}
    }
}

fn label(world: &World) -> String {
    format!("{LABEL}={}", world.dir().display())
}

/// The container of a service that runs now.
pub fn container(settings: &Settings, service: &str) -> Result<String> {
    let filter = format!("label=com.docker.compose.service={service}");
    let arguments = ["ps", "-q", "--filter", "label=com.docker.compose.project=server", "--filter", &filter];
    let ids = docker(settings, &arguments, b"")?;
    let first = ids.lines().next().map(str::to_owned);
    first.ok_or_else(|| Failure::new(Kind::NotFound, format!("no container of `{service}` runs")))
}

/// The last lines of every container's log.
pub fn logs(settings: &Settings) -> String {
    let filter = "label=com.docker.compose.project=server";
    let list = ["ps", "-a", "--filter", filter, "--format", "{{.Names}} {{.Status}}"];
    let listed = docker(settings, &list, b"").unwrap_or_else(|failure| failure.to_string());
    let told = listed.lines().map(|line| {
        let name = line.split(' ').next().unwrap_or_default();
        let log = client::log(settings, name, 3);
        format!("{line}: {}", log.trim().replace('\n', " / "))
    });
    told.collect::<Vec<_>>().join("\n")
}

/// How long the engine may need until all is removed.
const REMOVING: Duration = Duration::from_secs(90);

/// Removes everything that this world has in the engine: containers, volumes, networks and the images it built.
pub fn remove(world: &World, settings: &Settings) -> Result<()> {
    let list = |arguments: &[&str]| -> Result<Vec<String>> {
        let text = docker(settings, arguments, b"")?;
        Ok(text.split_whitespace().map(str::to_owned).collect())
    };
    let remove = |command: &[&str], names: Vec<String>| -> Result<()> {
        if names.is_empty() {
            return Ok(());
        }
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        docker(settings, &[command, &names].concat(), b"").map(drop)
    };
    let of_project = "label=com.docker.compose.project=server";
    let all = || -> Result<()> {
        remove(&["rm", "-fv"], list(&["ps", "-aq", "--filter", of_project])?)?;
        remove(&["volume", "rm", "-f"], list(&["volume", "ls", "-q", "--filter", of_project])?)?;
        for filter in [of_project, "name=^web$"] {
            let networks = list(&["network", "ls", "-q", "--filter", filter])?;
            for network in &networks {
                // The engine may keep the place of a container in a network that was killed while it joined it.
                let names = "{{range .Containers}}{{.Name}} {{end}}";
                for left in list(&["network", "inspect", "-f", names, network])? {
                    _ = docker(settings, &["network", "disconnect", "-f", network, &left], b"");
                }
            }
            remove(&["network", "rm"], networks)?;
        }
        Ok(())
    };
    // Of a run that was killed, the engine may still be making a container that no list had.
    let end = Instant::now() + REMOVING;
    while let Err(failure) = all() {
        if Instant::now() > end {
            return Err(failure);
        }
        std::thread::sleep(Duration::from_millis(300));
    }
    let built = format!("label={}", label(world));
    remove(&["rm", "-fv"], list(&["ps", "-aq", "--filter", &built])?)?;
    remove(&["rmi", "-f"], list(&["images", "-q", "--filter", &built])?)?;
    make_folder(&world.path("dockerfiles"))
}
