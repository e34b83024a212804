//! The banister binary as a stand-in: `banister __practice DIR TOOL …`. Users never type this; the small scripts
//! in a world's `bin` do, and its engine.

use super::docker::engine;
use super::world::start::{self, MARK, MARK_OF_FILE};
use super::world::{World, ports, trace, write_json};
use super::{compose, docker, real_docker, services};
use crate::failure::{Context, Failure, Kind, Result};
use crate::output;
use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, getsockname, socket_with, sockopt};
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;

/// Does what a stand-in is asked for, if these arguments (without the program's own name) are for one.
pub fn entry(arguments: &[OsString]) -> Option<ExitCode> {
    let (mark, rest) = arguments.split_first()?;
    let (dir, tool, rest) = match (mark, rest) {
        (mark, [dir, tool, rest @ ..]) if mark == MARK => (dir.clone(), tool.clone(), rest),
        (mark, [file, rest @ ..]) if mark == MARK_OF_FILE => {
            let (dir, tool) = of_file(Path::new(file))?;
            (dir, tool, rest)
        }
        _ => return None,
    };
    let world = World::new(dir);
    let tool = tool.to_string_lossy();
    let code = match tool.as_ref() {
        "engine" => told(start_engine(&world)),
        "service" => told(services::run(&world, &rest.first().unwrap_or(&OsString::new()).to_string_lossy())),
        "make-stage" => told(Err(start::become_make(&world, rest))),
        "docker" | "docker-compose" | "sudo" | "make" => traced(&world, &tool, rest),
        other => told(Err(Failure::new(Kind::Bug, format!("`{other}` is no stand-in")))),
    };
    Some(ExitCode::from(u8::try_from(code).unwrap_or(1)))
}

/// The world that a program before the real one is of, and which program it is, whatever its file is called now: both are
/// in it, behind the line for the kernel.
fn of_file(file: &Path) -> Option<(OsString, OsString)> {
    let text = std::fs::read(file).ok()?;
    let mut lines = text.strip_suffix(b"\n")?.splitn(3, |byte| *byte == b'\n').skip(1);
    let (tool, dir) = (lines.next()?, lines.next()?);
    Some((OsStr::from_bytes(dir).to_owned(), OsStr::from_bytes(tool).to_owned()))
}

fn told(result: Result<()>) -> i32 {
    match result {
        Ok(()) => 0,
        Err(failure) => {
            output::complain(failure);
            1
        }
    }
}

/// Runs a command between two lines of the trace.
fn traced(world: &World, tool: &str, arguments: &[OsString]) -> i32 {
    let texts: Vec<String> =
        arguments.iter().map(|argument| argument.to_string_lossy().into_owned()).collect();
    trace::note(world, tool, &texts, "start", None);
    let real = world.in_real_docker();
    let code = match tool {
        "docker" | "docker-compose" if real.is_some() => real
            .map_or(Ok(1), |settings| match tool {
                "docker" => real_docker::client::hand_over(&settings, world, tool, &texts),
                _ => real_docker::compose(world, &settings, &texts),
            })
            .unwrap_or_else(|failure| told(Err(failure))),
        "docker" => docker::run(world, &texts),
        "docker-compose" => compose::run(world, &texts),
        "sudo" => sudo(world, &texts),
        _ => world
            .settings()
            .and_then(|settings| start::make(world, &settings.program, arguments))
            .unwrap_or_else(|failure| {
                output::complain(failure);
                127
            }),
    };
    trace::note(world, tool, &texts, "end", Some(code));
    code
}

/// Nothing is done with more rights than one's own: what `make patch` asks for is only looked at. Where Docker is the
/// machine's own, whoever may use it may do that as root.
fn sudo(world: &World, arguments: &[String]) -> i32 {
    let mut words = arguments.iter().map(String::as_str).skip_while(|word| word.starts_with('-'));
    match words.next() {
        None | Some("true") => 0,
        Some("chmod" | "chgrp") => {
            let strange =
                words.skip(1).find(|path| !world.owns(path.as_ref()) || !std::path::Path::new(path).exists());
            if let Some(path) = strange {
                output::complain(format_args!("sudo: `{path}` is not in this practice server"));
            }
            match strange {
                Some(_) => 1,
                None => as_root(world, arguments),
            }
        }
        Some(other) => {
            output::complain(format_args!("sudo: a practice server does not let `{other}` run as root"));
            1
        }
    }
}

fn as_root(world: &World, arguments: &[String]) -> i32 {
    let done = world.settings().and_then(|settings| match settings.real_docker {
        true => real_docker::as_root(world, &settings, arguments),
        false => Ok(()),
    });
    done.map_or_else(
        |failure| {
            output::complain(failure);
            1
        },
        |()| 0,
    )
}

fn start_engine(world: &World) -> Result<()> {
    // A session of its own: the engine outlives the terminal and the commands that use it.
    _ = rustix::process::setsid();
    let known = world.ports().unwrap_or_default();
    let mut ports = BTreeMap::new();
    let mut held = Vec::new();
    for name in ports::services() {
        let (port, socket) = reserve(known.get(name).copied().unwrap_or(0))?;
        ports.insert(name.to_string(), port);
        held.push(socket);
    }
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, known.get("engine").copied().unwrap_or(0)))
        .or_fail(Kind::Refused, || "the engine's port is taken; is it running already?".into())?;
    let own = listener.local_addr().or_fail(Kind::Bug, || "a socket without an address".into())?;
    ports.insert("engine".into(), own.port());
    write_json(&world.path("ports.json"), &ports)?;
    engine::run(world, listener)
}

/// Takes a loopback port without listening on it. While the socket lives, nobody is given this port by chance, and
/// a service of ours can still listen on it; until one does, connections are refused. Services come and go, so
/// their ports would otherwise be lost to another process now and then.
fn reserve(port: u16) -> Result<(u16, OwnedFd)> {
    let failed = || format!("port {port} can't be taken");
    let socket = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::CLOEXEC, None)
        .or_fail(Kind::Refused, failed)?;
    sockopt::set_socket_reuseaddr(&socket, true).or_fail(Kind::Refused, failed)?;
    bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port)).or_fail(Kind::Refused, failed)?;
    let address = getsockname(&socket).or_fail(Kind::Refused, failed)?;
    let address = SocketAddr::try_from(address).or_fail(Kind::Bug, || "not an address".into())?;
    Ok((address.port(), socket))
}
