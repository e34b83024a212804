//! The stand-in of `docker-compose` 1.29: the commands that Hoss's Makefile and an administrator use.

use super::compose_file::{self, Project};
use super::compose_up;
use super::container::{Container, Status};
use super::engine::{self, Order};
use super::world::World;
use super::{build, docker};
use crate::failure::{Failure, Kind, Result};
use crate::output;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The Compose project of a Hoss server.
pub const PROJECT: &str = "server";

/// What stands before the command, and the command with its arguments.
pub struct Call {
    pub files: Vec<PathBuf>,
    env_file: Option<PathBuf>,
    pub project: Option<String>,
    pub command: Vec<String>,
}

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
    let call = read_call(arguments)?;
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
    let project = load(world, &call)?;
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
        "up" => return compose_up::up(world, &project, &named, flag(&["-d", "--detach"])),
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

pub fn read_call(arguments: &[String]) -> Result<Call> {
    let mut call = Call { files: vec![], env_file: None, project: None, command: vec![] };
    let mut rest = arguments.iter();
    while let Some(argument) = rest.next() {
        let (name, attached) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_string())),
            _ => (argument.as_str(), None),
        };
        let mut value = || {
            let missing = || Failure::new(Kind::Invalid, format!("{name} needs a value"));
            attached.clone().or_else(|| rest.next().cloned()).ok_or_else(missing)
        };
        match name {
            "-f" | "--file" => call.files.push(value()?.into()),
            "--env-file" => call.env_file = Some(value()?.into()),
            "-p" | "--project-name" => call.project = Some(value()?),
            "--project-directory" | "--ansi" | "--log-level" | "--profile" => _ = value()?,
            "-v" | "--version" => call.command = vec!["version".into()],
            _ if name.starts_with('-') => {}
            _ => {
                call.command = [vec![argument.clone()], rest.cloned().collect()].concat();
                break;
            }
        }
    }
    Ok(call)
}

/// Reads the files that a call names.
pub fn load(world: &World, call: &Call) -> Result<Project> {
    let failed = |error| Failure::new(Kind::NotFound, "the current folder is gone").why(error);
    let cwd = std::env::current_dir().map_err(failed)?;
    let env_file = cwd.join(call.env_file.clone().unwrap_or_else(|| ".env".into()));
    let mut variables: BTreeMap<String, String> = match std::fs::read(&env_file) {
        // Compose reads bytes.
        Ok(bytes) => compose_file::env_file(&String::from_utf8_lossy(&bytes)),
        Err(_) if call.env_file.is_none() => BTreeMap::new(),
        Err(error) => {
            let message = format!("Couldn't find env file: {}", env_file.display());
            return Err(Failure::new(Kind::NotFound, message).why(error));
        }
    };
    let own = std::env::vars_os()
        .filter_map(|(key, value)| Some((key.into_string().ok()?, value.into_string().ok()?)));
    variables.extend(own);
    let standard = vec![PathBuf::from("docker-compose.yaml")];
    let files = if call.files.is_empty() { &standard } else { &call.files };
    let mut project = compose_file::load(files, &cwd, &variables)?;
    if let Some(name) = call.project.as_ref().or_else(|| variables.get("COMPOSE_PROJECT_NAME")) {
        project.name = name.clone();
    }
    if !world.owns(&project.folder) {
        let message = format!(
            "`{}` is outside of the practice server `{}`",
            project.folder.display(),
            world.dir().display()
        );
        return Err(Failure::new(Kind::Refused, message));
    }
    Ok(project)
}

/// The containers of a project.
pub fn containers(world: &World, project: &Project) -> Result<Vec<Container>> {
    let all = engine::order(world, &Order::List)?;
    Ok(all.into_iter().filter(|container| container.spec.project == project.name).collect())
}

fn find(world: &World, project: &Project, service: &str) -> Result<Container> {
    let found = containers(world, project)?.into_iter().find(|container| container.spec.service == service);
    found.ok_or_else(|| Failure::new(Kind::NotFound, format!("No container found for {service}_1")))
}

/// Gives the same orders to the containers of these services, or of all.
fn each(
    world: &World,
    project: &Project,
    named: &[String],
    doing: &str,
    orders: &[fn(String) -> Order],
) -> Result<()> {
    if let Some(unknown) = named.iter().find(|name| !project.services.contains_key(*name)) {
        return Err(Failure::new(Kind::NotFound, format!("No such service: {unknown}")));
    }
    for container in containers(world, project)? {
        if named.is_empty() || named.contains(&container.spec.service) {
            for order in orders {
                engine::order(world, &order(container.spec.name.clone()))?;
            }
            output::complain(format_args!("{doing} {} ... done", container.spec.name));
        }
    }
    Ok(())
}

fn down(world: &World, project: &Project, volumes: bool) -> Result<()> {
    each(world, project, &[], "Stopping", &[Order::Stop])?;
    each(world, project, &[], "Removing", &[Order::Remove])?;
    for network in &project.own_networks {
        output::complain(format_args!("Removing network {}_{network}", project.name));
        _ = std::fs::remove_file(world.path("networks").join(format!("{}_{network}", project.name)));
    }
    for network in &project.external_networks {
        output::complain(format_args!("Network {network} is external, skipping"));
    }
    let declared = project.whole["volumes"].as_object().into_iter().flatten().filter(|_| volumes);
    for (volume, _) in declared {
        output::complain(format_args!("Removing volume {}_{volume}", project.name));
        _ = std::fs::remove_dir_all(world.path("volumes").join(format!("{}_{volume}", project.name)));
    }
    Ok(())
}

fn ps(world: &World, project: &Project, arguments: &[String], named: &[String]) -> Result<()> {
    let flag = |name: &str| arguments.iter().any(|word| word == name);
    let shown: Vec<Container> = containers(world, project)?
        .into_iter()
        .filter(|container| named.is_empty() || named.contains(&container.spec.service))
        .collect();
    if flag("--services") {
        shown.iter().for_each(|container| output::line(&container.spec.service));
    } else if flag("-q") || flag("--quiet") {
        shown.iter().for_each(|container| output::line(&container.state.id));
    } else {
        output::line(format_args!("{:<24} {:<12} Ports", "Name", "State"));
        for container in shown {
            let state = match container.state.status {
                Status::Running => "Up".to_string(),
                Status::Restarting => "Restarting".to_string(),
                Status::Created => "Created".to_string(),
                Status::Exited => format!("Exit {}", container.state.exit_code),
            };
            let ports = container.spec.published(world);
            let ports: Vec<String> =
                ports.iter().map(|(inner, outer)| format!("127.0.0.1:{outer}->{inner}/tcp")).collect();
            output::line(format_args!("{:<24} {state:<12} {}", container.spec.name, ports.join(", ")));
        }
    }
    Ok(())
}

fn logs(world: &World, project: &Project, arguments: &[String]) -> Result<()> {
    let mut tail = None;
    let mut named = Vec::new();
    let mut follow = false;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        match word.split_once('=').unwrap_or((word, "")) {
            ("--tail", "") => tail = words.next().and_then(|number| number.parse().ok()),
            ("--tail", number) => tail = number.parse().ok(),
            ("-f" | "--follow", _) => follow = true,
            (name, _) if name.starts_with('-') => {}
            _ => named.push(word.clone()),
        }
    }
    let containers = containers(world, project)?;
    let wanted: Vec<Container> = containers
        .into_iter()
        .filter(|container| named.is_empty() || named.contains(&container.spec.service))
        .collect();
    output::line(
        "Attaching to ".to_string()
            + wanted.iter().map(|c| c.spec.name.as_str()).collect::<Vec<_>>().join(", ").as_str(),
    );
    compose_up::show_logs(world, &wanted, tail, follow);
    Ok(())
}
