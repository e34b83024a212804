//! The containers of a Compose project: looked for, shown, and given orders.

use super::file::Project;
use crate::failure::{Failure, Kind, Result};
use crate::output;
use crate::practice::docker::container::{Container, Status};
use crate::practice::docker::engine::{self, Order};
use crate::practice::docker::logs::show;
use crate::practice::world::World;

/// The containers of a project.
pub fn containers(world: &World, project: &Project) -> Result<Vec<Container>> {
    let all = engine::order(world, &Order::List)?;
    Ok(all.into_iter().filter(|container| container.spec.project == project.name).collect())
}

/// The container of a service.
pub fn find(world: &World, project: &Project, service: &str) -> Result<Container> {
    let found = containers(world, project)?.into_iter().find(|container| container.spec.service == service);
    found.ok_or_else(|| Failure::new(Kind::NotFound, format!("No container found for {service}_1")))
}

/// Gives the same orders to the containers of these services, or of all.
pub fn each(
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

/// `docker-compose down`.
pub fn down(world: &World, project: &Project, volumes: bool) -> Result<()> {
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

/// `docker-compose ps`.
pub fn ps(world: &World, project: &Project, arguments: &[String], named: &[String]) -> Result<()> {
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

/// `docker-compose logs`.
pub fn logs(world: &World, project: &Project, arguments: &[String]) -> Result<()> {
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
    show(world, &wanted, tail, follow);
    Ok(())
}
