//! `docker ps` and `docker port`.

use super::container::{Container, Status};
use super::engine::{self, Order, find};
use super::format::render;
use super::words::Words;
use crate::failure::{Failure, Kind, Result};
use crate::output;
use crate::practice::world::World;
use serde_json::{Value, json};

/// `docker ps`.
pub fn ps(world: &World, words: &Words) -> Result<()> {
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

/// `docker port`.
pub fn port(world: &World, words: &Words) -> Result<i32> {
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
