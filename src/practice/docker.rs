//! The stand-in of the `docker` client: what an update looks at and does with containers, images, volumes and
//! networks.

use super::container::{Container, Status};
use super::docker_format::render;
use super::docker_words::Words;
use super::engine::{self, Order};
use super::image;
use super::world::World;
use super::{compose_up, docker_exec, docker_run, docker_store};
use crate::failure::{Failure, Kind, Result};
use crate::output;
use serde_json::{Value, json};

/// Runs a command; the exit status.
pub fn run(world: &World, arguments: &[String]) -> i32 {
    match perform(world, arguments) {
        Ok(code) => code,
        Err(failure) => {
            output::complain(&failure);
            1
        }
    }
}

fn perform(world: &World, arguments: &[String]) -> Result<i32> {
    let text: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let words = Words::read(arguments.get(1..).unwrap_or_default());
    let inner = Words::read(arguments.get(2..).unwrap_or_default());
    match text.as_slice() {
        [] | ["--help"] => output::line("Usage:  docker [OPTIONS] COMMAND"),
        ["--version" | "-v", ..] => output::line("Docker version 20.10.24, build practice"),
        ["version", ..] => {
            engine::order(world, &Order::List)?;
            let version =
                json!({ "Version": "20.10.24", "ApiVersion": "1.41", "Os": "linux", "Arch": "amd64" });
            let version = json!({ "Client": version, "Server": version });
            output::line(render(
                words.option(&["--format", "-f"]).unwrap_or("Docker version {{.Server.Version}}"),
                &version,
            )?);
        }
        ["info", ..] => {
            let count = engine::order(world, &Order::List)?.len();
            let root = world.dir().display().to_string();
            let info = json!({ "Containers": count, "ServerVersion": "20.10.24", "DockerRootDir": root, "Driver": "practice" });
            let template = words.option(&["--format", "-f"]);
            output::line(render(
                template.unwrap_or("Server Version: {{.ServerVersion}}\nDocker Root Dir: {{.DockerRootDir}}"),
                &info,
            )?);
        }
        ["ps", ..] => ps(world, &words)?,
        ["container", "ls" | "ps" | "list", ..] => ps(world, &inner)?,
        ["container", "prune", ..] => {
            output::line("Deleted Containers:");
            for container in engine::order(world, &Order::List)? {
                if matches!(container.state.status, Status::Exited | Status::Created) {
                    engine::order(world, &Order::Remove(container.spec.name))?;
                    output::line(container.state.id);
                }
            }
        }
        ["container", command, rest @ ..] => {
            let rest = rest.iter().map(|word| word.to_string());
            return perform(world, &[command.to_string()].into_iter().chain(rest).collect::<Vec<_>>());
        }
        ["inspect", ..] => return inspect(world, &words),
        [kind @ ("image" | "volume" | "network"), "inspect", ..] => {
            let mut inner = inner;
            inner.options.push(("--type".into(), kind.to_string()));
            return inspect(world, &inner);
        }
        ["exec", ..] => return docker_exec::run(world, &arguments[1..]),
        ["run", ..] => return docker_run::run(world, &arguments[1..]),
        ["port", ..] => return port(world, &words),
        ["logs", ..] => {
            let container = find(world, words.names.first().map_or("", String::as_str))?;
            let text = std::fs::read(world.path("logs").join(format!("{}.log", container.spec.name)))
                .unwrap_or_default();
            let lines = text.split_inclusive(|byte| *byte == b'\n');
            // Only seconds are asked for; a line that does not say when it was written is shown.
            let since = words.option(&["--since"]).and_then(|since| since.strip_suffix('s')?.parse().ok());
            let after =
                since.map(|seconds: i64| jiff::Timestamp::now() - jiff::SignedDuration::from_secs(seconds));
            let is_new = |line: &&[u8]| match (after, instant(line)) {
                (Some(after), Some(at)) => at >= after,
                _ => true,
            };
            let lines: Vec<&[u8]> = lines.filter(is_new).collect();
            let tail =
                words.option(&["--tail", "-n"]).and_then(|tail| tail.parse().ok()).unwrap_or(usize::MAX);
            _ = output::print(lines[lines.len().saturating_sub(tail)..].concat());
            if words.flag(&["--follow"]) {
                compose_up::show_logs(world, &[container], Some(0), true);
            }
        }
        ["start", ..] => each(world, &words, Order::Start)?,
        ["stop", ..] => each(world, &words, Order::Stop)?,
        ["kill", ..] => each(world, &words, Order::Kill)?,
        ["restart", ..] => {
            each(world, &words, Order::Stop)?;
            each(world, &words, Order::Start)?;
        }
        ["rm", ..] => {
            for name in &words.names {
                let container = find(world, name)?;
                if container.running() && !words.flag(&["-f", "--force"]) {
                    let message = format!("You cannot remove a running container {}.", container.state.id);
                    return Err(Failure::new(
                        Kind::Refused,
                        format!("Error response from daemon: {message}"),
                    ));
                }
            }
            each(world, &words, Order::Remove)?;
        }
        ["images", ..] => docker_store::images(world, &words)?,
        ["image", "ls" | "list", ..] => docker_store::images(world, &inner)?,
        ["tag", name, new] | ["image", "tag", name, new] => {
            image::tag(world, &docker_store::find_image(world, name)?.id, new)?
        }
        ["rmi", ..] => docker_store::remove_images(world, &words)?,
        ["image", "rm", ..] => docker_store::remove_images(world, &inner)?,
        ["image", "prune", ..] => docker_store::prune_images(world)?,
        [kind @ ("volume" | "network"), command, ..] => {
            return docker_store::entries(world, kind, command, &inner);
        }
        [other, ..] => {
            output::complain(format_args!("docker: '{other}' is not a docker command.\nSee 'docker --help'"));
            return Ok(1);
        }
    }
    Ok(0)
}

/// The container with this name, identity or beginning of an identity.
pub fn find(world: &World, name: &str) -> Result<Container> {
    let wanted = name.trim_start_matches('/');
    let mut all = engine::order(world, &Order::List)?.into_iter();
    all.find(|container| {
        container.spec.name == wanted || (wanted.len() >= 4 && container.state.id.starts_with(wanted))
    })
    .ok_or_else(|| Failure::new(Kind::NotFound, format!("Error: No such container: {name}")))
}

fn each(world: &World, words: &Words, order: fn(String) -> Order) -> Result<()> {
    for name in &words.names {
        engine::order(world, &order(find(world, name)?.spec.name))?;
        output::line(name);
    }
    Ok(())
}

/// One line of `docker ps`.
fn row(world: &World, container: &Container) -> Value {
    let (spec, state) = (&container.spec, &container.state);
    let labels: Vec<String> = spec.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let ports: Vec<String> = spec
        .published(world)
        .iter()
        .map(|(inner, outer)| format!("127.0.0.1:{outer}->{inner}/tcp"))
        .collect();
    let shown = match state.status {
        Status::Running => match container.health(world) {
            Some("starting") => "Up (health: starting)".to_string(),
            Some(health) => format!("Up ({health})"),
            None => "Up".to_string(),
        },
        Status::Restarting => format!("Restarting ({})", state.exit_code),
        Status::Created => "Created".to_string(),
        Status::Exited => format!("Exited ({})", state.exit_code),
    };
    json!({ "ID": &state.id[..12], "Names": spec.name, "Image": spec.image, "State": state.status, "Status": shown,
            "Labels": labels.join(","), "Ports": ports.join(", "), "CreatedAt": state.created,
            "Command": format!("\"{}\"", spec.command.join(" ")), "Networks": format!("{}_internal", spec.project) })
}

fn fits(world: &World, container: &Container, (key, wanted): (&str, &str)) -> bool {
    let spec = &container.spec;
    match key {
        "label" => match wanted.split_once('=') {
            Some((label, value)) => spec.labels.get(label).is_some_and(|found| found == value),
            None => spec.labels.contains_key(wanted),
        },
        "name" => spec.name.contains(wanted.trim_matches(['^', '$', '/'])),
        "id" => container.state.id.starts_with(wanted),
        "status" => json!(container.state.status) == wanted,
        "health" => container.health(world).unwrap_or("none") == wanted,
        "ancestor" => spec.image == wanted,
        "volume" => spec.mounts.iter().any(|mount| mount.volume.as_deref() == Some(wanted)),
        _ => false,
    }
}

/// When a line of a log was written: it begins with that, or has it as `StartUTC`.
fn instant(line: &[u8]) -> Option<jiff::Timestamp> {
    let text = std::str::from_utf8(line).ok()?;
    let told: Option<Value> = serde_json::from_str(text).ok();
    let told = told.and_then(|told| Some(told["StartUTC"].as_str()?.to_owned()));
    told.as_deref().or(text.split(' ').next())?.parse().ok()
}

fn ps(world: &World, words: &Words) -> Result<()> {
    let asked = words.flag(&["-a", "--all"]) || words.filters().any(|(key, _)| key == "status");
    let shown: Vec<Container> = engine::order(world, &Order::List)?
        .into_iter()
        .filter(|container| asked || matches!(container.state.status, Status::Running | Status::Restarting))
        .filter(|container| words.filters().all(|filter| fits(world, container, filter)))
        .collect();
    let whole = words.flag(&["--no-trunc"]);
    if words.flag(&["-q", "--quiet"]) {
        shown.iter().for_each(|c| output::line(if whole { &c.state.id } else { &c.state.id[..12] }));
        return Ok(());
    }
    let template = match words.option(&["--format"]) {
        Some("json") => "{{json .}}",
        Some(template) => template,
        None => {
            output::line("CONTAINER ID\tIMAGE\tSTATUS\tNAMES");
            "{{.ID}}\t{{.Image}}\t{{.Status}}\t{{.Names}}"
        }
    };
    for container in &shown {
        let mut row = row(world, container);
        if whole {
            row["ID"] = container.state.id.clone().into();
        }
        output::line(render(template, &row)?);
    }
    Ok(())
}

fn inspect(world: &World, words: &Words) -> Result<i32> {
    let kind = words.option(&["--type"]);
    let mut found = Vec::new();
    let mut missing = Vec::new();
    for name in &words.names {
        let folder = |kind: &str| world.path(kind).join(name);
        let value = match kind {
            None | Some("container") => find(world, name).map(|container| container.inspect(world)).ok(),
            _ => None,
        };
        let value = value.or_else(|| match kind {
            None | Some("image") => image::find(world, name).map(|image| image.inspect(world)),
            _ => None,
        });
        let value = value.or_else(|| match kind {
            None | Some("volume") if folder("volumes").exists() => Some(volume(world, name)),
            None | Some("network") if folder("networks").exists() => {
                Some(json!({ "Name": name, "Driver": "bridge" }))
            }
            _ => None,
        });
        match value {
            Some(value) => found.push(value),
            None => missing.push(name),
        }
    }
    match words.option(&["--format", "-f"]) {
        Some(template) => found.iter().try_for_each(|value| render(template, value).map(output::line))?,
        None => output::line(format_args!("{:#}", Value::Array(found))),
    }
    for name in &missing {
        output::complain(format_args!("Error: No such {}: {name}", kind.unwrap_or("object")));
    }
    Ok(i32::from(!missing.is_empty()))
}

fn volume(world: &World, name: &str) -> Value {
    let place = world.path("volumes").join(name).join("_data");
    json!({ "Name": name, "Driver": "local", "Mountpoint": place, "Scope": "local", "Labels": {} })
}

fn port(world: &World, words: &Words) -> Result<i32> {
    let container = find(world, words.names.first().map_or("", String::as_str))?;
    let ports = container.spec.published(world);
    let Some(wanted) = words.names.get(1) else {
        ports
            .iter()
            .for_each(|(inner, outer)| output::line(format_args!("{inner}/tcp -> 127.0.0.1:{outer}")));
        return Ok(0);
    };
    match ports.iter().find(|(inner, _)| inner == wanted.trim_end_matches("/tcp")) {
        Some((_, outer)) => output::line(format_args!("127.0.0.1:{outer}")),
        None => {
            let message = format!("Error: No public port '{wanted}' published for {}", container.spec.name);
            return Err(Failure::new(Kind::NotFound, message));
        }
    }
    Ok(0)
}
