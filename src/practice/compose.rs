//! The stand-in of `docker-compose` 1.29: the commands that Hoss's Makefile and an administrator use.

mod build;
pub mod call;
mod containers;
pub mod file;
mod up;

use super::docker;
use super::docker::engine::Order;
use super::world::World;
use crate::failure::{Failure, Kind, Result};
use crate::output;
use call::{Call, PROJECT};
use containers::{down, each, find, logs, ps};

/// Runs a command; the exit status.
pub fn run(world: &World, arguments: &[String]) -> i32 {
    match perform(world, arguments) {
        Ok(code) => code,
        Err(failure) => {
            output::complain(format_args!("ERROR: {failure}"));
            1
        }
    }
}

fn perform(world: &World, arguments: &[String]) -> Result<i32> {
    let call = Call::read(arguments)?;
    let Some((command, rest)) = call.command.split_first() else {
        output::line("Define and run multi-container applications with Docker.");
        return Ok(1);
    };
    if command == "version" {
        output::line("docker-compose version 1.29.2, build practice");
        return Ok(0);
    }
    if let Some(other) = call.project.as_ref().filter(|name| *name != PROJECT) {
        let message = format!("a practice server without a real Docker has no other project than {PROJECT}");
        return Err(Failure::new(Kind::Refused, message).why(format!("{other} was asked for")));
    }
    let project = call.load(world)?;
    let named: Vec<String> = rest.iter().filter(|word| !word.starts_with('-')).cloned().collect();
    let flag = |names: &[&str]| rest.iter().any(|word| names.contains(&word.as_str()));
    match command.as_str() {
        "config" if flag(&["--services"]) => project.services.keys().for_each(output::line),
        "config" if flag(&["-q", "--quiet"]) => {}
        // JSON is YAML.
        "config" => output::line(format_args!("{:#}", project.whole)),
        "build" => {
            let services = if named.is_empty() { project.in_order(&[])? } else { named };
            build::build(world, &project, &services)?;
        }
        "pull" => {
            project.services.keys().for_each(|name| output::line(format_args!("Pulling {name} ... done")))
        }
        "up" => return up::up(world, &project, &named, flag(&["-d", "--detach"])),
        "down" => down(world, &project, flag(&["-v", "--volumes"]))?,
        "ps" => ps(world, &project, rest, &named)?,
        "logs" => logs(world, &project, rest)?,
        "restart" => each(world, &project, &named, "Restarting", &[Order::Stop, Order::Start])?,
        "stop" => each(world, &project, &named, "Stopping", &[Order::Stop])?,
        "start" => each(world, &project, &named, "Starting", &[Order::Start])?,
        "kill" => each(world, &project, &named, "Killing", &[Order::Kill])?,
        "rm" => each(world, &project, &named, "Removing", &[Order::Remove])?,
        "exec" => {
            let rest: Vec<String> = rest.iter().filter(|word| *word != "-T").cloned().collect();
            let place = rest.iter().position(|word| project.services.contains_key(word));
            let place = place.ok_or_else(|| Failure::new(Kind::NotFound, "No such service"))?;
            let mut rest = rest;
            rest[place] = find(world, &project, &rest[place])?.spec.name;
            return Ok(docker::run(world, &[vec!["exec".to_string()], rest].concat()));
        }
        "port" => {
            let container = find(world, &project, named.first().map_or("", String::as_str))?;
            let wanted = named.get(1).map_or("", String::as_str);
            let ports = container.spec.published(world);
            let port = ports.iter().find(|(inner, _)| inner == wanted);
            output::line(port.map(|(_, outer)| format!("127.0.0.1:{outer}")).unwrap_or_default());
        }
        other => return Err(Failure::new(Kind::Invalid, format!("No such command: {other}"))),
    }
    Ok(0)
}
