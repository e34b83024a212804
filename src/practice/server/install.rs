//! How a practice server is installed: as Hoss's documentation tells an administrator to.

use super::health::{self, PATIENCE};
use super::{programs, rows};
use crate::failure::{Context, Failure, Kind, Result};
use crate::practice::docker::engine::{self, Order};
use crate::practice::origin::{self, release};
use crate::practice::real_docker;
use crate::practice::world::{Settings, World, make_folder, start, write, write_json};
use std::time::{Duration, Instant};

/// Starts the engine and waits until it takes orders.
pub fn start_engine(world: &World, settings: &Settings) -> Result<()> {
    start::engine(world, &settings.program)?;
    let end = Instant::now() + PATIENCE;
    while engine::order(world, &Order::List).is_err() {
        if Instant::now() > end {
            let log = std::fs::read_to_string(world.path("logs/engine.log")).unwrap_or_default();
            return Err(Failure::new(Kind::TimedOut, "the practice server's engine does not start").why(log));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(())
}

/// What of a server is not as `make env` writes it.
#[derive(Debug, Default)]
pub struct Own {
    /// Settings by their name in `.env`.
    pub settings: Vec<(&'static str, String)>,
    /// Lines of files in `~/.hoss`: the file, the line, and what stands in its place.
    pub lines: Vec<(&'static str, &'static str, String)>,
}

/// Makes the world's folders and starts its engine; gives the endpoint's port.
pub fn begin(world: &World, settings: &Settings) -> Result<u16> {
    write_json(&world.path("world.json"), settings)?;
    for folder in ["home", "faults", "images/tags", "volumes", "networks", "containers"] {
        make_folder(&world.path(folder))?;
    }
    write(&world.path("trace.jsonl"), "")?;
    programs::write(world, settings)?;
    match settings.real_docker {
        true => {
            real_docker::choose_ports(world)?;
            real_docker::prepare(settings)?;
            real_docker::open_to_services(world)?;
        }
        false => start_engine(world, settings)?,
    }
    world.port("reverse-proxy")
}

/// Sets everything else up, from the clone to the first healthy `make up`.
pub fn finish(world: &World, own: &Own) -> Result<()> {
    // The clone is as old as the installation: newer releases have to be fetched.
    origin::create(world)?;
    let origin = world.origin().display().to_string();
    let checkout = world.checkout();
    start::as_administrator(
        world,
        &world.home(),
        "git",
        &["clone", "--quiet", &origin, &checkout.display().to_string()],
    )?;
    start::as_administrator(world, &checkout, "git", &["checkout", "--quiet", release::BASE])?;
    origin::grow(world)?;

    let server = checkout.join("server");
    let make = |arguments: &[&str]| start::as_administrator(world, &server, "make", arguments);
    make(&["setup"])?;
    make(&["env"])?;
    let hostname = [("EXTERNAL_HOSTNAME", world.endpoint()?)];
    for (name, value) in hostname.iter().chain(&own.settings) {
        edit(world, ".env", &format!("{name}="), &format!("{name}={value}"))?;
    }
    for (file, line, instead) in &own.lines {
        edit(world, file, line, instead)?;
    }
    make(&["config"])?;
    if world.in_real_docker().is_some() && real_docker::has_users() {
        make(&["patch"])?;
    }
    make(&["build"])?;
    make(&["up", "DETACH=true"])?;
    health::wait_for(world, release::BASE)?;
    rows::fill(world)?;
    // What the set-up called is nobody's business; tests count from here. Services hold this file open.
    write(&world.path("trace.jsonl"), "")
}

/// Replaces the line of a file in `~/.hoss` that begins like this.
fn edit(world: &World, file: &str, begins: &str, instead: &str) -> Result<()> {
    let path = world.hoss().join(file);
    let text = std::fs::read_to_string(&path)
        .or_fail(Kind::NotFound, || format!("`{}` can't be read", path.display()))?;
    if !text.lines().any(|line| line.starts_with(begins)) {
        return Err(Failure::new(Kind::Bug, format!("`{file}` has no line `{begins}`")));
    }
    let lines = text.lines().map(|line| if line.starts_with(begins) { instead } else { line });
    let mut edited = lines.collect::<Vec<_>>().join("\n");
    // The settings file ends without a newline once it was configured.
    edited.push_str(if text.ends_with('\n') { "\n" } else { "" });
    write(&path, edited)
}
