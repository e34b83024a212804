//! The stand-in of the Docker daemon: one process per world that keeps the world's containers running.
//!
//! Services are its children, not those of the command that asked for them: as with Docker, a container outlives
//! `docker-compose` and whoever killed it.

use super::container::{Container, Spec, State, Status};
use crate::failure::{Context, Failure, Kind, Result};
use crate::practice::world::{Process, World, digest, make_folder, now, read_json, write_json};
use crate::practice::world::{start, trace};
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Docker doubles the pause before each restart; so do we, from here to there, and start anew after a while.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);
const SETTLED: Duration = Duration::from_secs(10);

/// What can be asked of the engine.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Order {
    List,
    /// Makes a container; one of the same name is stopped and replaced.
    Create(Box<Spec>),
    Start(String),
    Stop(String),
    Kill(String),
    Remove(String),
    /// Stops all containers and ends the engine.
    Shutdown,
}

type Answer = std::result::Result<Vec<Container>, String>;

/// Gives the engine an order. It answers with the containers there are then.
pub fn order(world: &World, order: &Order) -> Result<Vec<Container>> {
    let to = world.socket("engine")?;
    let unreachable =
        || format!("Cannot connect to the Docker daemon at tcp://{to}. Is the docker daemon running?");
    let mut stream = TcpStream::connect(to).or_fail(Kind::Unreachable, unreachable)?;
    let mut line = serde_json::to_string(order).or_fail(Kind::Bug, || "an order has no JSON".into())?;
    line.push('\n');
    stream.write_all(line.as_bytes()).or_fail(Kind::Unreachable, unreachable)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer).or_fail(Kind::Unreachable, unreachable)?;
    let answer: Answer = serde_json::from_str(&answer).or_fail(Kind::Unreachable, unreachable)?;
    answer.map_err(|message| Failure::new(Kind::Refused, message))
}

/// The container with this name, identity or beginning of an identity.
pub fn find(world: &World, name: &str) -> Result<Container> {
    let all = order(world, &Order::List)?;
    named(&all, name)
        .cloned()
        .ok_or_else(|| Failure::new(Kind::NotFound, format!("Error: No such container: {name}")))
}

/// The same among these.
pub fn named<'a>(all: &'a [Container], name: &str) -> Option<&'a Container> {
    let wanted = name.trim_start_matches('/');
    all.iter().find(|container| {
        container.spec.name == wanted || (wanted.len() >= 4 && container.state.id.starts_with(wanted))
    })
}

/// A container with its process, if it has one now.
struct Held {
    container: Container,
    child: Option<Child>,
    /// When to start it again.
    due: Option<Instant>,
    pause: Duration,
    since: Instant,
}

struct Engine {
    world: World,
    held: BTreeMap<String, Held>,
    over: bool,
}

/// Is the engine until it is told to stop or its world is gone. `listener` takes the orders.
pub fn run(world: &World, listener: TcpListener) -> Result<()> {
    make_folder(&world.path("containers"))?;
    let engine = Arc::new(Mutex::new(Engine { world: world.clone(), held: BTreeMap::new(), over: false }));
    lock(&engine).recall();
    let own =
        Process::look(std::process::id()).ok_or_else(|| Failure::new(Kind::Bug, "no process of our own"))?;
    write_json(&world.path("engine.json"), &own)?;
    let shared = Arc::clone(&engine);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let shared = Arc::clone(&shared);
            std::thread::spawn(move || answer(&shared, stream));
        }
    });
    loop {
        std::thread::sleep(Duration::from_millis(25));
        let mut engine = lock(&engine);
        if engine.over {
            // The answer to whoever gave the order is on its way.
            std::thread::sleep(Duration::from_millis(50));
            return Ok(());
        }
        if !engine.world.exists() || engine.orphaned() {
            engine.end_all();
            return Ok(());
        }
        engine.tend();
    }
}

fn lock(engine: &Mutex<Engine>) -> MutexGuard<'_, Engine> {
    engine.lock().unwrap_or_else(PoisonError::into_inner)
}

fn answer(engine: &Mutex<Engine>, mut stream: TcpStream) -> Option<()> {
    let mut line = String::new();
    BufReader::new(stream.try_clone().ok()?).read_line(&mut line).ok()?;
    let order: Order = serde_json::from_str(&line).ok()?;
    let mut engine = lock(engine);
    let answer: Answer = engine.perform(order).map_err(|failure| failure.to_string());
    let mut text = serde_json::to_vec(&answer).ok()?;
    text.push(b'\n');
    stream.write_all(&text).ok()
}

impl Engine {
    fn perform(&mut self, order: Order) -> Result<Vec<Container>> {
        match order {
            Order::List => {}
            Order::Create(spec) => self.create(*spec)?,
            Order::Start(name) => self.start(&name)?,
            Order::Stop(name) => self.stop(&name, Duration::from_secs(2))?,
            Order::Kill(name) => self.stop(&name, Duration::ZERO)?,
            Order::Remove(name) => {
                self.stop(&name, Duration::from_secs(2))?;
                self.held.remove(&name);
                _ = std::fs::remove_file(self.file(&name));
                _ = std::fs::remove_file(self.world.path("logs").join(format!("{name}.log")));
            }
            Order::Shutdown => {
                self.end_all();
                self.over = true;
            }
        }
        Ok(self.held.values().map(|held| held.container.clone()).collect())
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.world.path("containers").join(format!("{name}.json"))
    }

    fn get(&mut self, name: &str) -> Result<&mut Held> {
        let missing = || Failure::new(Kind::NotFound, format!("No such container: {name}"));
        self.held.get_mut(name).ok_or_else(missing)
    }

    fn create(&mut self, spec: Spec) -> Result<()> {
        if self.held.contains_key(&spec.name) {
            self.perform(Order::Remove(spec.name.clone()))?;
        }
        let state = State {
            id: digest(format!("{} {} {}", spec.name, now(), std::process::id())),
            created: now(),
            status: Status::Created,
            pid: 0,
            process_start: 0,
            restart_count: 0,
            exit_code: 0,
            started_at: "0001-01-01T00:00:00Z".into(),
            finished_at: "0001-01-01T00:00:00Z".into(),
        };
        let name = spec.name.clone();
        let container = Container { spec, state };
        write_json(&self.file(&name), &container)?;
        let held = Held { container, child: None, due: None, pause: PAUSE, since: Instant::now() };
        self.held.insert(name, held);
        Ok(())
    }

    fn start(&mut self, name: &str) -> Result<()> {
        let held = self.get(name)?;
        if held.child.is_some() {
            return Ok(());
        }
        held.container.state.restart_count = 0;
        held.pause = PAUSE;
        self.launch(name)
    }

    /// Starts the process of a container, which has none.
    fn launch(&mut self, name: &str) -> Result<()> {
        let world = self.world.clone();
        let held = self.get(name)?;
        let spec = &held.container.spec;
        let environment: Vec<(String, String)> = spec.environment.clone().into_iter().collect();
        // The new process reads the file of its container, so it has to be there before.
        let child = start::service(&world, name, &environment)?;
        let state = &mut held.container.state;
        state.pid = child.id();
        state.process_start = Process::look(child.id()).map_or(0, |process| process.start);
        state.status = Status::Running;
        state.started_at = now();
        held.child = Some(child);
        held.due = None;
        held.since = Instant::now();
        self.save(name)
    }

    /// Ends the process of a container: asks it first, kills it after `grace`.
    fn stop(&mut self, name: &str, grace: Duration) -> Result<()> {
        let held = self.get(name)?;
        held.due = None;
        let Some(mut child) = held.child.take() else {
            if held.container.state.status == Status::Restarting {
                held.container.state.status = Status::Exited;
            }
            return self.save(name);
        };
        // Nobody else waits for this child, so its number can't have gone to another process.
        if let Some(pid) = Pid::from_raw(child.id() as i32)
            && !grace.is_zero()
        {
            _ = kill_process(pid, Signal::TERM);
        }
        let deadline = Instant::now() + grace;
        while Instant::now() < deadline && child.try_wait().is_ok_and(|status| status.is_none()) {
            std::thread::sleep(Duration::from_millis(2));
        }
        _ = child.kill();
        let status = child.wait().map(start::code).unwrap_or(-1);
        ended(&mut held.container.state, status, Status::Exited);
        self.save(name)
    }

    /// Notices what ended, and starts it again when it is time.
    fn tend(&mut self) {
        for name in self.held.keys().cloned().collect::<Vec<_>>() {
            let Some(held) = self.held.get_mut(&name) else { continue };
            if let Some(child) = &mut held.child
                && let Ok(Some(status)) = child.try_wait()
            {
                held.child = None;
                let restart = held.container.spec.restart;
                let status = start::code(status);
                ended(
                    &mut held.container.state,
                    status,
                    if restart { Status::Restarting } else { Status::Exited },
                );
                if restart {
                    held.pause = if held.since.elapsed() > SETTLED { PAUSE } else { held.pause };
                    held.due = Some(Instant::now() + held.pause);
                    held.pause = (held.pause * 2).min(LONGEST_PAUSE);
                    held.container.state.restart_count += 1;
                }
                trace::did(&self.world, &held.container.spec.service, format!("ended with {status}"));
                _ = self.save(&name);
            } else if held.due.is_some_and(|due| due <= Instant::now())
                && let Err(failure) = self.launch(&name)
            {
                crate::output::complain(format!("{name}: {failure}"));
            }
        }
    }

    /// Whether the world was to end with a process, and that process has ended.
    fn orphaned(&self) -> bool {
        let owner: Option<Process> = read_json(&self.world.path("owner.json")).ok();
        owner.is_some_and(|owner| !owner.alive())
    }

    /// After a start of the engine: the containers that ran before are started, as `restart: always` asks.
    fn recall(&mut self) {
        let files = std::fs::read_dir(self.world.path("containers")).into_iter().flatten().flatten();
        let known: Vec<Container> = files.filter_map(|file| read_json(&file.path()).ok()).collect();
        for mut container in known {
            let ran = matches!(container.state.status, Status::Running | Status::Restarting);
            let name = container.spec.name.clone();
            container.state.status = Status::Exited;
            let held = Held { container, child: None, due: None, pause: PAUSE, since: Instant::now() };
            self.held.insert(name.clone(), held);
            if ran && let Err(failure) = self.start(&name) {
                crate::output::complain(format!("{name}: {failure}"));
            }
        }
    }

    /// Ends every process without a trace in the containers' files: they ran, and will when the engine is back.
    fn end_all(&mut self) {
        for held in self.held.values_mut() {
            if let Some(mut child) = held.child.take() {
                _ = child.kill();
                _ = child.wait();
            }
            held.due = None;
        }
    }

    fn save(&mut self, name: &str) -> Result<()> {
        let path = self.file(name);
        let held = self.get(name)?;
        write_json(&path, &held.container)
    }
}

fn ended(state: &mut State, code: i32, status: Status) {
    state.status = status;
    state.pid = 0;
    state.process_start = 0;
    state.exit_code = code;
    state.finished_at = now();
}
