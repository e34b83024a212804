//! A practice server as a whole: made, taken up, disturbed by faults, looked at, ended.

mod faults;
mod health;
mod install;
pub mod linked;
mod programs;
mod rows;
mod running;
mod site;

pub use rows::Rows;
pub use running::running;

use super::docker::container::Container;
use super::docker::engine::{self, Order};
use super::origin::release;
use super::real_docker;
use super::world::fault::{self, Fault, Reach};
use super::world::folder::{absolute, new_folder};
use super::world::trace::{self, TraceLine};
use super::world::{self, Process, Settings, World, start};
use crate::failure::{Context, Failure, Kind, Result};
use serde_json::Value;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A practice server. Dropping it leaves it running; [`Practice::stop`] ends it.
#[derive(Debug)]
pub struct Practice {
    world: World,
    /// The port of its endpoint, `http://localhost:PORT`.
    pub port: u16,
}

impl Practice {
    /// Makes a practice server in a folder that is empty or not there, and waits until it is healthy: release
    /// 0.2.10, installed the documented way. `program` is the banister binary. Faults are names of [`fault::FAULTS`]; those
    /// of services and Compose strike only other releases than 0.2.10.
    pub fn create(dir: &Path, program: &Path, faults: &[&str]) -> Result<Practice> {
        Practice::create_with(dir, program, faults, false)
    }

    /// As [`Practice::create`], with the machine's own Docker and Compose, a real PostgreSQL and a real OpenLDAP. The
    /// first time its images are made, which needs `mmdebstrap` and, unless user namespaces are allowed, root.
    ///
    /// It does not end by itself when its folder is removed: [`Practice::stop`] removes what it has in the engine.
    pub fn create_in_docker(dir: &Path, program: &Path, faults: &[&str]) -> Result<Practice> {
        Practice::create_with(dir, program, faults, true)
    }

    fn create_with(dir: &Path, program: &Path, faults: &[&str], real_docker: bool) -> Result<Practice> {
        let faults: Vec<&Fault> = faults.iter().map(|name| fault::find(name)).collect::<Result<_>>()?;
        let world = World::new(new_folder(dir)?);
        let docker_host = std::env::var("DOCKER_HOST").ok().filter(|_| real_docker);
        let settings =
            Settings { program: absolute(program)?, base: release::BASE.into(), real_docker, docker_host };
        if real_docker {
            real_docker::check(&settings)?;
        }
        let practice = Practice::install(world, &settings)?;
        practice.suffer(&faults)?;
        Ok(practice)
    }

    fn install(world: World, settings: &Settings) -> Result<Practice> {
        let installed = install::begin(&world, settings).and_then(|port| {
            install::finish(&world, &install::Own::default())?;
            site::write(&world)?;
            Ok(Practice { world: world.clone(), port })
        });
        // Half a world is of no use, and must not leave processes behind.
        installed.inspect_err(|_| _ = Practice { world, port: 0 }.stop())
    }

    /// Turns faults on for the releases to come.
    fn suffer(&self, faults: &[&Fault]) -> Result<()> {
        for fault in faults {
            let reach = if fault.name == "disk-full" { Reach::Always } else { Reach::New };
            faults::turn_on(&self.world, fault, reach)?;
        }
        Ok(())
    }

    /// Takes up a practice server that was made before. It may be stopped: see [`Practice::start`].
    pub fn open(dir: &Path) -> Result<Practice> {
        let world = World::new(
            dir.canonicalize().or_fail(Kind::NotFound, || format!("`{}` is not there", dir.display()))?,
        );
        world.settings()?;
        let port = world.port("reverse-proxy")?;
        Ok(Practice { world, port })
    }

    /// The folder.
    pub fn dir(&self) -> &Path {
        self.world.dir()
    }

    /// The administrator's `HOME`.
    pub fn home(&self) -> PathBuf {
        self.world.home()
    }

    /// `~/.hoss`.
    pub fn hoss(&self) -> PathBuf {
        self.world.hoss()
    }

    /// The checkout; its `server` is where make is run.
    pub fn checkout(&self) -> PathBuf {
        self.world.checkout()
    }

    pub fn origin(&self) -> PathBuf {
        self.world.origin()
    }

    /// The site file, with this one server, `practice`.
    pub fn site(&self) -> PathBuf {
        self.world.site()
    }

    /// `http://localhost:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://localhost:{}", self.port)
    }

    /// The variables with which an administrator of this world works: `HOME` and `PATH`.
    pub fn environment(&self) -> [(&'static str, OsString); 2] {
        start::environment(&self.world)
    }

    /// Turns a fault on or off, from now on and for every release. A fault with a release adds that release to the
    /// origin, or takes it away.
    pub fn switch(&self, name: &str, on: bool) -> Result<()> {
        let fault = fault::find(name)?;
        match on {
            true => faults::turn_on(&self.world, fault, Reach::Always),
            false => faults::turn_off(&self.world, fault),
        }
    }

    /// As [`Practice::switch`] to on, only for the releases that `reach` names.
    pub fn switch_for(&self, name: &str, reach: Reach) -> Result<()> {
        faults::turn_on(&self.world, fault::find(name)?, reach)
    }

    /// Turns a fault on that takes seconds, with this many: `slow-build` and `healthy-late`.
    pub fn switch_seconds(&self, name: &str, reach: Reach, seconds: u64) -> Result<()> {
        faults::turn_on(&self.world, fault::find(name)?, reach)?;
        fault::switch_on(&self.world, name, reach, Some(seconds))
    }

    /// What was called since the server was made, oldest first.
    pub fn trace(&self) -> Result<Vec<TraceLine>> {
        trace::read(&self.world)
    }

    /// Whether something called what must never be called, as `make reset`.
    pub fn alarm(&self) -> bool {
        self.world.path("ALARM").exists()
    }

    /// What is in the database, running or stopped.
    pub fn rows(&self) -> Result<Rows> {
        rows::read(&self.world)
    }

    /// What core says of itself, through the reverse proxy.
    pub fn discover(&self) -> Result<Value> {
        health::discover(&self.world)
    }

    /// Waits until core says that it runs this release and the other services answer too.
    pub fn wait_for(&self, version: &str) -> Result<()> {
        health::wait_for(&self.world, version)
    }

    /// Lets the server end when the process that calls this ends, even if that is killed.
    pub fn end_with_me(&self) -> Result<()> {
        let own = Process::look(std::process::id());
        let own = own.ok_or_else(|| Failure::new(Kind::Bug, "this process is not in `/proc`"))?;
        world::write_json(&self.world.path("owner.json"), &own)
    }

    /// Every process of this world that is alive now: the engine and its containers.
    pub fn processes(&self) -> Vec<Process> {
        let engine: Option<Process> = world::read_json(&self.world.path("engine.json")).ok();
        let files = std::fs::read_dir(self.world.path("containers")).into_iter().flatten().flatten();
        let containers = files.filter_map(|file| {
            let container: Container = world::read_json(&file.path()).ok()?;
            Some(Process { pid: container.state.pid, start: container.state.process_start })
        });
        engine.into_iter().chain(containers).filter(|process| process.alive()).collect()
    }

    /// Starts a server that was stopped, with the containers that ran then, and waits for its engine.
    pub fn start(&self) -> Result<()> {
        if self.world.in_real_docker().is_some() {
            return start::as_administrator(
                &self.world,
                &self.checkout().join("server"),
                "make",
                &["up", "DETACH=true"],
            );
        }
        if engine::order(&self.world, &Order::List).is_ok() {
            return Ok(());
        }
        install::start_engine(&self.world, &self.world.settings()?)
    }

    /// Ends all processes of this world, and only those: each is known by its number and its start. With the
    /// machine's own Docker, everything that it has there is removed.
    pub fn stop(&self) -> Result<()> {
        if let Some(settings) = self.world.in_real_docker() {
            return real_docker::remove(&self.world, &settings);
        }
        let processes = self.processes();
        // Without an answer the engine is gone, and its services end themselves when they notice.
        _ = engine::order(&self.world, &Order::Shutdown);
        let end = Instant::now() + Duration::from_secs(5);
        while processes.iter().any(|process| process.alive()) {
            if Instant::now() > end {
                let left = processes.iter().filter(|process| process.alive());
                for pid in left.filter_map(|process| rustix::process::Pid::from_raw(process.pid as i32)) {
                    _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
                }
            }
            if Instant::now() > end + Duration::from_secs(5) {
                return Err(Failure::new(Kind::TimedOut, "processes of the practice server do not end"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }
}
