//! The practice server: a real server of the shape of Hoss in one folder, for demonstrations, examples and tests.
//!
//! Everything in it is real: a git origin and a checkout, a Makefile run by make, processes that listen on loopback
//! ports and answer as Hoss does, a database with rows. Only Docker is a stand-in: `docker` and `docker-compose` in
//! the world's `PATH` are this program, and so are the services. Nothing outside of the folder is touched, and when
//! the folder is removed, all its processes end themselves.
//!
//! ```text
//! DIR/origin.git                   the origin
//! DIR/home/hybrid-object-store     the checkout; everything is run in its `server`
//! DIR/home/.hoss                   configuration and data of the installation
//! DIR/bin                          docker, docker-compose, sudo and make of this world
//! DIR/site.toml                    the world as a site of banister
//! DIR/faults                       one switch per fault that is on
//! DIR/trace.jsonl                  what was called, see [`TraceLine`]
//! DIR/ALARM                        is there if something called what must never be called
//! ```

mod compose;
mod database;
mod docker;
mod entry;
mod install;
mod linked;
mod origin;
mod rehearsal;
mod release;
mod rows;
mod running;
mod service;
mod stack;
mod world;

pub use entry::entry;
pub use linked::{Linked, Size};
pub use rehearsal::{Original, Rehearsal};
pub use rows::Rows;
pub use running::running;
pub use world::Process;
pub use world::fault::{FAULTS, Fault, Reach};
pub use world::trace::TraceLine;

use crate::failure::{Context, Failure, Kind, Result};
use docker::container::Container;
use docker::engine::{self, Order};
use serde_json::Value;
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use world::folder::{absolute, new_folder};
use world::http::{self, Request};
use world::{Settings, World, fault, start, trace};

/// How long a practice server may take for anything before it is called broken.
const PATIENCE: Duration = Duration::from_secs(60);

/// A practice server. Dropping it leaves it running; [`Practice::stop`] ends it.
#[derive(Debug)]
pub struct Practice {
    world: World,
    /// The port of its endpoint, `http://localhost:PORT`.
    pub port: u16,
}

impl Practice {
    /// Makes a practice server in a folder that is empty or not there, and waits until it is healthy: release
    /// 0.2.10, installed the documented way. `program` is the banister binary. Faults are names of [`FAULTS`]; those
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

    fn create_with(dir: &Path, program: &Path, faults: &[&str], compose: bool) -> Result<Practice> {
        let faults: Vec<&Fault> = faults.iter().map(|name| fault::find(name)).collect::<Result<_>>()?;
        let world = World::new(new_folder(dir)?);
        let docker_host = std::env::var("DOCKER_HOST").ok().filter(|_| compose);
        let settings =
            Settings { program: absolute(program)?, base: release::BASE.into(), compose, docker_host };
        if compose {
            stack::check(&settings)?;
        }
        let practice = Practice::install(world, &settings)?;
        practice.suffer(&faults)?;
        Ok(practice)
    }

    fn install(world: World, settings: &Settings) -> Result<Practice> {
        let installed = install::begin(&world, settings).and_then(|port| {
            let practice = Practice { world: world.clone(), port };
            install::finish(&practice, &install::Own::default())?;
            install::write_site(&practice)?;
            Ok(practice)
        });
        // Half a world is of no use, and must not leave processes behind.
        installed.inspect_err(|_| _ = Practice { world, port: 0 }.stop())
    }

    /// Turns faults on for the releases to come.
    fn suffer(&self, faults: &[&Fault]) -> Result<()> {
        for fault in faults {
            let reach = if fault.name == "disk-full" { Reach::Always } else { Reach::New };
            self.apply(fault, reach)?;
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
        self.world.path("origin.git")
    }

    /// The site file, with this one server, `practice`.
    pub fn site(&self) -> PathBuf {
        self.world.path("site.toml")
    }

    fn socket(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
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
        if on { self.apply(fault, Reach::Always) } else { self.withdraw(fault) }
    }

    /// As [`Practice::switch`] to on, only for the releases that `reach` names.
    pub fn switch_for(&self, name: &str, reach: Reach) -> Result<()> {
        self.apply(fault::find(name)?, reach)
    }

    /// Turns a fault on that takes seconds, with this many: `slow-build` and `healthy-late`.
    pub fn switch_seconds(&self, name: &str, reach: Reach, seconds: u64) -> Result<()> {
        self.apply(fault::find(name)?, reach)?;
        fault::switch_on(&self.world, name, reach, Some(seconds))
    }

    fn apply(&self, fault: &Fault, reach: Reach) -> Result<()> {
        if let Some(version) = fault.release {
            origin::add(&self.world, version)?;
        }
        match fault.name {
            "dirty-checkout" => {
                let path = self.edited_file();
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                world::write(&path, text.replace("level: INFO", "level: DEBUG"))?;
            }
            "fetch" => {
                _ = std::fs::rename(self.origin(), self.hidden_origin());
            }
            _ => {}
        }
        fault::switch_on(&self.world, fault.name, reach, None)
    }

    fn withdraw(&self, fault: &Fault) -> Result<()> {
        fault::switch_off(&self.world, fault.name);
        match (fault.name, fault.release) {
            ("dirty-checkout", _) => {
                let path = self.edited_file();
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                world::write(&path, text.replace("level: DEBUG", "level: INFO"))
            }
            ("fetch", _) => {
                _ = std::fs::rename(self.hidden_origin(), self.origin());
                Ok(())
            }
            (_, Some(version)) => origin::remove(&self.world, version),
            _ => Ok(()),
        }
    }

    /// The settings of a server whose Docker is the machine's own.
    fn in_docker(&self) -> Option<Settings> {
        self.world.settings().ok().filter(|settings| settings.compose)
    }

    /// What the fault `dirty-checkout` edits: a file that administrators do edit.
    fn edited_file(&self) -> PathBuf {
        self.checkout().join("server/ingress/traefik.yaml")
    }

    fn hidden_origin(&self) -> PathBuf {
        self.world.path("origin-away.git")
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
        let response = http::send(self.socket(), &Request::new("GET", "/core/v1/discover", ""))?;
        match response.status {
            200 => Ok(response.value()),
            status => Err(Failure::new(Kind::Unreachable, format!("discover answered {status}"))),
        }
    }

    /// Waits until core says that it runs this release and the other services answer too.
    pub fn wait_for(&self, version: &str) -> Result<()> {
        let end = Instant::now() + PATIENCE;
        while !self.healthy(version) {
            if Instant::now() > end {
                return Err(Failure::new(
                    Kind::TimedOut,
                    format!("the practice server does not come up at {version}"),
                )
                .why(self.logs()));
            }
            std::thread::sleep(Duration::from_millis(25));
        }
        Ok(())
    }

    fn healthy(&self, version: &str) -> bool {
        let answers = |path: &str| {
            http::send(self.socket(), &Request::new("GET", path, "")).is_ok_and(|r| r.status == 200)
        };
        let services = self.world.services();
        let here = |service: &str| services.iter().any(|there| there == service);
        let paths = [
            ("ui", "/ui/"),
            ("auth", "/auth/v1/ping"),
            ("dex", "/dex/.well-known/openid-configuration"),
            ("minio", "/minio/health/live"),
        ];
        self.discover().is_ok_and(|discover| discover["version"] == version)
            && paths.into_iter().all(|(service, path)| !here(service) || answers(path))
    }

    /// The last lines of every log, for a person who has to find out what went wrong.
    fn logs(&self) -> String {
        if let Some(settings) = self.in_docker() {
            return stack::logs(&settings);
        }
        let entries = std::fs::read_dir(self.world.path("logs")).into_iter().flatten().flatten();
        let mut parts: Vec<String> = entries
            .map(|entry| {
                let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
                let last: Vec<&str> = text.lines().rev().take(3).collect();
                format!("{}: {}", entry.file_name().to_string_lossy(), last.join(" / "))
            })
            .collect();
        parts.sort();
        parts.join("\n")
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
        if self.in_docker().is_some() {
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
        if let Some(settings) = self.in_docker() {
            return stack::remove(&self.world, &settings);
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
