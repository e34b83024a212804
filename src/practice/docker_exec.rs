//! `docker exec`: the programs that are looked for in the containers of a Hoss server.

use super::container::Mount;
use super::engine::{self, Order};
use super::world::World;
use super::world::http;
use super::{docker, docker_run, postgres};
use crate::failure::{Failure, Kind, Result};
use crate::output;
use std::collections::BTreeMap;

/// What a program in a container sees.
pub struct Inside<'a> {
    pub world: &'a World,
    pub service: &'a str,
    pub environment: BTreeMap<String, String>,
    pub mounts: &'a [Mount],
}

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
    let container = docker::find(world, name)?;
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
    inside.run(&command)
}

impl Inside<'_> {
    fn run(&self, command: &[String]) -> Result<i32> {
        let Some((program, arguments)) = command.split_first() else {
            return Err(Failure::new(Kind::Invalid, "\"docker exec\" requires at least 2 arguments."));
        };
        let program = program.rsplit('/').next().unwrap_or(program);
        match (self.service, program) {
            (_, "sh" | "bash") => match arguments {
                [flag, line, ..] if flag.starts_with('-') && flag.ends_with('c') => {
                    self.run(&self.split(line)?)
                }
                _ => Err(Failure::new(Kind::Refused, "a practice container has no interactive shell")),
            },
            (_, "env" | "printenv") if arguments.is_empty() => {
                self.environment.iter().for_each(|(key, value)| output::line(format_args!("{key}={value}")));
                Ok(0)
            }
            ("db", "psql" | "pg_dump" | "pg_restore" | "pg_isready" | "createdb" | "dropdb") => {
                postgres::run(self, program, arguments)
            }
            ("ldap", "slapcat") => {
                let data = self.mounts.iter().find(|mount| mount.target == "/var/lib/ldap");
                let text = data.and_then(|mount| std::fs::read(mount.source.join("data.ldif")).ok());
                Ok(i32::from(output::print(text.unwrap_or_default()).is_err()))
            }
            ("rabbitmq", "rabbitmqctl") => {
                let containers = engine::order(self.world, &Order::List)?;
                let sync = containers
                    .iter()
                    .any(|container| container.spec.service == "sync" && container.running());
                let waiting = i32::from(self.world.path("faults/busy-queue").exists());
                for queue in ["bucket_notifications", "api_notifications"] {
                    match arguments.last().map(String::as_str) {
                        Some("messages") => output::line(waiting),
                        _ => output::line(format_args!("{queue}\t{}", i32::from(sync))),
                    }
                }
                Ok(0)
            }
            (_, "curl" | "wget") => self.fetch(arguments),
            // As in Alpine, which these images are made from.
            (_, "which") => {
                let known = ["sh", "nc", "timeout"];
                let (there, missing): (Vec<_>, Vec<_>) =
                    arguments.iter().partition(|name| known.contains(&name.as_str()));
                there.iter().for_each(|name| output::line(format_args!("/usr/bin/{name}")));
                Ok(i32::from(!missing.is_empty()))
            }
            _ => docker_run::host_program(self.world, self.mounts, command, None),
        }
    }

    /// Splits a simple command line as a shell would. Pipes, redirections and the like are refused.
    fn split(&self, line: &str) -> Result<Vec<String>> {
        let mut words = Vec::new();
        let mut word: Option<String> = None;
        let mut quote = None;
        let mut characters = line.chars().peekable();
        while let Some(c) = characters.next() {
            match c {
                '\'' | '"' if quote == Some(c) => quote = None,
                '\'' | '"' if quote.is_none() => {
                    quote = Some(c);
                    word.get_or_insert_default();
                }
                '$' if quote != Some('\'') => {
                    let mut name = String::new();
                    while let Some(next) =
                        characters.next_if(|c| c.is_ascii_alphanumeric() || "_{}:-".contains(*c))
                    {
                        name.push(next);
                    }
                    let name = name.trim_matches(['{', '}']);
                    let (name, otherwise) = name.split_once(":-").unwrap_or((name, ""));
                    let value = self.environment.get(name).map_or(otherwise, String::as_str).to_owned();
                    word.get_or_insert_default().push_str(&value);
                }
                c if c.is_whitespace() && quote.is_none() => words.extend(word.take()),
                '|' | '&' | ';' | '<' | '>' | '`' | '(' if quote.is_none() => {
                    return Err(Failure::new(
                        Kind::Refused,
                        format!("a practice container's shell knows no `{c}`"),
                    ));
                }
                c => word.get_or_insert_default().push(c),
            }
        }
        words.extend(word);
        if words.first().is_some_and(|word| word == "exec") {
            words.remove(0);
        }
        Ok(words)
    }

    /// `curl` and `wget`: prints what a URL answers; status 22 for an HTTP error with `-f`, 7 without an answer.
    fn fetch(&self, arguments: &[String]) -> Result<i32> {
        let (mut method, mut headers, mut body, mut url, mut fail) = (None, vec![], String::new(), "", false);
        let mut words = arguments.iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "-X" | "--request" => method = words.next().cloned(),
                "-H" | "--header" => {
                    let header = words.next().and_then(|header| header.split_once(':'));
                    headers.extend(header.map(|(key, value)| (key.to_lowercase(), value.trim().to_string())));
                }
                "-d" | "--data" => body = words.next().cloned().unwrap_or_default(),
                "-o" | "-O" | "-m" | "--max-time" | "-w" => _ = words.next(),
                word if word.starts_with('-') => {
                    fail |= word == "--fail" || (!word.starts_with("--") && word.contains('f'))
                }
                word => url = word,
            }
        }
        let method = method.unwrap_or_else(|| if body.is_empty() { "GET".into() } else { "POST".into() });
        // In the container, `localhost` is the container.
        let own = format!("http://{}:", self.service);
        let url = url.replace("http://localhost:", &own).replace("http://127.0.0.1:", &own);
        match http::request(self.world, &method, &url, &headers, body.into()) {
            Err(failure) => {
                output::complain(format_args!("curl: (7) {failure}"));
                Ok(7)
            }
            Ok(response) if fail && response.status >= 400 => {
                output::complain(format_args!(
                    "curl: (22) The requested URL returned error: {}",
                    response.status
                ));
                Ok(22)
            }
            Ok(response) => Ok(i32::from(output::print(response.body).is_err())),
        }
    }
}
