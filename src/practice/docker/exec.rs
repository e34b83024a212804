//! `docker exec`: the programs that are looked for in the containers of a Hoss server.

mod fetch;
mod inside;
mod postgres;
mod shell;

use super::engine::{self, Order};
use super::run::host_program;
use crate::failure::{Failure, Kind, Result};
use crate::output;
use crate::practice::world::World;
use inside::Inside;
use std::collections::BTreeMap;

/// Runs `docker exec` with these arguments.
pub fn run(world: &World, arguments: &[String]) -> Result<i32> {
    let mut environment = BTreeMap::new();
    let mut words = arguments.iter();
    let name = loop {
        let Some(word) = words.next() else {
            return Err(Failure::new(Kind::Invalid, "\"docker exec\" requires at least 2 arguments."));
        };
        match word.as_str() {
            "-e" | "--env" => {
                let pair = words.next().and_then(|pair| pair.split_once('='));
                environment.extend(pair.map(|(key, value)| (key.to_string(), value.to_string())));
            }
            "-u" | "--user" | "-w" | "--workdir" => _ = words.next(),
            word if word.starts_with('-') => {}
            _ => break word,
        }
    };
    let container = engine::find(world, name)?;
    if !container.running() {
        let message = format!("Error response from daemon: Container {} is not running", container.state.id);
        return Err(Failure::new(Kind::Refused, message));
    }
    let command: Vec<String> = words.cloned().collect();
    let inside = Inside {
        world,
        service: &container.spec.service,
        environment: container.spec.environment.clone().into_iter().chain(environment).collect(),
        mounts: &container.spec.mounts,
    };
    perform(&inside, &command)
}

/// Runs a program in a container, as far as there is a stand-in of it.
fn perform(inside: &Inside, command: &[String]) -> Result<i32> {
    let Some((program, arguments)) = command.split_first() else {
        return Err(Failure::new(Kind::Invalid, "\"docker exec\" requires at least 2 arguments."));
    };
    let name = program.rsplit('/').next().unwrap_or(program);
    match (inside.service, name) {
        (_, "sh" | "bash") => match arguments {
            [flag, line, ..] if flag.starts_with('-') && flag.ends_with('c') => {
                perform(inside, &shell::split(line, &inside.environment)?)
            }
            _ => Err(Failure::new(Kind::Refused, "a practice container has no interactive shell")),
        },
        (_, "env" | "printenv") if arguments.is_empty() => {
            inside.environment.iter().for_each(|(key, value)| output::line(format_args!("{key}={value}")));
            Ok(0)
        }
        ("db", "psql" | "pg_dump" | "pg_restore" | "pg_isready" | "createdb" | "dropdb") => {
            postgres::run(inside, name, arguments)
        }
        ("ldap", "slapcat") => {
            let data = inside.mounts.iter().find(|mount| mount.target == "/var/lib/ldap");
            let text = data.and_then(|mount| std::fs::read(mount.source.join("data.ldif")).ok());
            Ok(i32::from(output::print(text.unwrap_or_default()).is_err()))
        }
        ("rabbitmq", "rabbitmqctl") => {
            let containers = engine::order(inside.world, &Order::List)?;
            let sync =
                containers.iter().any(|container| container.spec.service == "sync" && container.running());
            let waiting = i32::from(inside.world.path("faults/busy-queue").exists());
            for queue in ["bucket_notifications", "api_notifications"] {
                match arguments.last().map(String::as_str) {
                    Some("messages") => output::line(waiting),
                    _ => output::line(format_args!("{queue}\t{}", i32::from(sync))),
                }
            }
            Ok(0)
        }
        (_, "curl" | "wget") => fetch::fetch(inside, arguments),
        // As in Alpine, which these images are made from.
        (_, "which") => {
            let known = ["sh", "nc", "timeout"];
            let (there, missing): (Vec<_>, Vec<_>) =
                arguments.iter().partition(|name| known.contains(&name.as_str()));
            there.iter().for_each(|name| output::line(format_args!("/usr/bin/{name}")));
            Ok(i32::from(!missing.is_empty()))
        }
        _ => host_program(inside.world, inside.mounts, command, None),
    }
}
