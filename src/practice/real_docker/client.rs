//! The machine's own `docker` and `docker-compose`.

use crate::failure::{Context, Failure, Kind, Result};
use crate::practice::world::start::{code, outer_path};
use crate::practice::world::{Settings, World};
use std::io::Write;
use std::process::{Command, Stdio};

/// The machine's own `docker`, with this input; what it prints.
pub fn docker(settings: &Settings, arguments: &[&str], input: &[u8]) -> Result<String> {
    let mut command = Command::new("docker");
    command.args(arguments).envs(engine_of(settings));
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child =
        command.spawn().or_fail(Kind::NotFound, || "there is no `docker` on this machine".into())?;
    let stdin = child.stdin.take();
    // Fed by a thread: docker may print before it has read everything. If it reads no further, its status says why.
    let output = std::thread::scope(|scope| {
        scope.spawn(move || stdin.map(|mut stdin| stdin.write_all(input)));
        child.wait_with_output()
    });
    let output = output.or_fail(Kind::Refused, || "`docker` can't be waited for".into())?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let message = format!("`docker {}` ended with {}", arguments.first().unwrap_or(&""), code(output.status));
    Err(Failure::new(Kind::CommandFailed, message).why(String::from_utf8_lossy(&output.stderr).trim()))
}

/// The last lines that a container wrote, on either stream; nothing if they can't be had.
pub fn log(settings: &Settings, container: &str, lines: usize) -> String {
    let mut command = Command::new("docker");
    command.args(["logs", "--tail", &lines.to_string(), container]).envs(engine_of(settings));
    let output = command.stdin(Stdio::null()).output();
    output.map_or(String::new(), |output| {
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into()
    })
}

/// Runs the machine's own program of a name that this world has too, with standard streams passed through.
pub fn hand_over(settings: &Settings, world: &World, program: &str, arguments: &[String]) -> Result<i32> {
    let folders = outer_path(world);
    let path = std::env::split_paths(&folders).map(|folder| folder.join(program)).find(|path| path.exists());
    let missing = || format!("there is no `{program}` on this machine");
    let mut command = Command::new(path.ok_or_else(|| Failure::new(Kind::NotFound, missing()))?);
    command.args(arguments).env("PATH", &folders).envs(engine_of(settings));
    // Whatever the client, the engine builds by itself.
    command.env("DOCKER_BUILDKIT", "0").env("COMPOSE_DOCKER_CLI_BUILD", "0");
    command.env("COMPOSE_HTTP_TIMEOUT", "120");
    Ok(code(command.status().or_fail(Kind::NotFound, missing)?))
}

/// Where the engine is, if that was said when the world was made.
pub fn engine_of(settings: &Settings) -> Option<(&'static str, &String)> {
    settings.docker_host.as_ref().map(|host| ("DOCKER_HOST", host))
}
