//! The stand-in of Docker: its client, with what an update looks at and does with containers, images, volumes and
//! networks, and its engine.

pub mod container;
mod detached;
pub mod engine;
mod exec;
mod format;
pub mod image;
mod inspect;
mod list;
pub mod logs;
mod run;
pub mod socket;
mod store;
mod words;

use super::world::World;
use crate::failure::{Failure, Kind, Result};
use crate::output;
use container::Status;
use engine::Order;
use format::render;
use serde_json::json;
use words::Words;

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
        ["ps", ..] => list::ps(world, &words)?,
        ["container", "ls" | "ps" | "list", ..] => list::ps(world, &inner)?,
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
        ["inspect", ..] => return inspect::inspect(world, &words),
        [kind @ ("image" | "volume" | "network"), "inspect", ..] => {
            let mut inner = inner;
            inner.options.push(("--type".into(), kind.to_string()));
            return inspect::inspect(world, &inner);
        }
        ["exec", ..] => return exec::run(world, &arguments[1..]),
        ["run", ..] => return run::run(world, &arguments[1..]),
        ["port", ..] => return list::port(world, &words),
        ["logs", ..] => logs::logs(world, &words)?,
        ["start", ..] => each(world, &words, Order::Start)?,
        ["stop", ..] => each(world, &words, Order::Stop)?,
        ["kill", ..] => each(world, &words, Order::Kill)?,
        ["restart", ..] => {
            each(world, &words, Order::Stop)?;
            each(world, &words, Order::Start)?;
        }
        ["rm", ..] => {
            for name in &words.names {
                let container = engine::find(world, name)?;
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
        ["images", ..] => store::images(world, &words)?,
        ["image", "ls" | "list", ..] => store::images(world, &inner)?,
        ["tag", name, new] | ["image", "tag", name, new] => {
            image::tag(world, &store::find_image(world, name)?.id, new)?
        }
        ["rmi", ..] => store::remove_images(world, &words)?,
        ["image", "rm", ..] => store::remove_images(world, &inner)?,
        ["image", "prune", ..] => store::prune_images(world)?,
        [kind @ ("volume" | "network"), command, ..] => {
            return store::entries(world, kind, command, &inner);
        }
        [other, ..] => {
            output::complain(format_args!("docker: '{other}' is not a docker command.\nSee 'docker --help'"));
            return Ok(1);
        }
    }
    Ok(0)
}

fn each(world: &World, words: &Words, order: fn(String) -> Order) -> Result<()> {
    for name in &words.names {
        engine::order(world, &order(engine::find(world, name)?.spec.name))?;
        output::line(name);
    }
    Ok(())
}
