//! How a practice server is installed: as Hoss's documentation tells an administrator to.

use super::engine::{self, Order};
use super::world::{Settings, World, make_folder, write, write_json};
use super::{PATIENCE, Practice, entry, origin, release, rows, stack, start};
use crate::failure::{Context, Failure, Kind, Result};
use serde_json::Value;
use std::path::Path;
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

/// Sets everything up, from the clone to the first healthy `make up`; gives the endpoint's port.
pub fn install(world: &World, settings: &Settings) -> Result<u16> {
    write_json(&world.path("world.json"), settings)?;
    for folder in ["home", "faults", "images/tags", "volumes", "networks", "containers"] {
        make_folder(&world.path(folder))?;
    }
    write(&world.path("trace.jsonl"), "")?;
    entry::write_programs(world, settings)?;
    match settings.compose {
        true => {
            stack::choose_ports(world)?;
            stack::prepare(settings)?;
            stack::open_to_services(world)?;
        }
        false => start_engine(world, settings)?,
    }
    let port = world.port("reverse-proxy")?;

    // The clone is as old as the installation: newer releases have to be fetched.
    origin::create(world)?;
    let origin = world.path("origin.git").display().to_string();
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
    let env = world.hoss().join(".env");
    let text = std::fs::read_to_string(&env).or_fail(Kind::NotFound, || "`make env` wrote nothing".into())?;
    let hostname = format!("EXTERNAL_HOSTNAME=http://localhost:{port}\n");
    write(&env, text.replace("EXTERNAL_HOSTNAME=http://localhost\n", &hostname))?;
    make(&["config"])?;
    make(&["build"])?;
    make(&["up", "DETACH=true"])?;
    let practice = Practice { world: world.clone(), port };
    practice.wait_for(release::BASE)?;
    rows::fill(world)?;
    write_site(&practice)?;
    // What the set-up called is nobody's business; tests count from here. Services hold this file open.
    write(&world.path("trace.jsonl"), "")?;
    Ok(port)
}

fn write_site(practice: &Practice) -> Result<()> {
    let quoted = |text: &str| Value::from(text).to_string();
    let path = |path: &Path| quoted(&path.display().to_string());
    let [(_, home), (_, search)] = practice.environment();
    let text = format!(
        "# A practice server, made by `banister demo`. Nothing outside of this folder belongs to it.\n\
         [servers.practice]\n\
         # What sort of server it is: how it is built, backed up and asked for its health.\n\
         kind = \"hoss\"\n\
         # The git checkout it is built from.\n\
         checkout = {}\n\
         # Where it answers.\n\
         endpoint = {}\n\
         # Variables for every command that acts on this server. A server in daily use seldom needs any; this one\n\
         # has a home of its own, and its own `docker`, `docker-compose`, `make` and `sudo` first in PATH.\n\
         environment = {{ HOME = {}, PATH = {} }}\n\
         # A practice server starts within seconds, or not at all.\n\
         healthy = {{ within = \"20s\", stable = \"2s\" }}\n",
        path(&practice.checkout()),
        quoted(&practice.endpoint()),
        quoted(&home.to_string_lossy()),
        quoted(&search.to_string_lossy()),
    );
    write(&practice.site(), text)
}
