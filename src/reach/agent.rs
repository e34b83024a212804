//! The far side: performs on its machine what a banister elsewhere asks for on its standard input.
//!
//! It is the same program, and acts by the same [`Here`]: no primitive knows where its caller is. It serves one caller, and
//! one server. If the caller is lost, what the agent is in the middle of is done to its end, so that it can be asked
//! for afterwards; a command that runs under its own supervisor needs nobody, and is left to it. Then the agent hands the
//! lock back and ends. What a change came to is kept in the folder of its attempt, and told to whoever asks again.

use super::caller::{Caller, Heard};
use super::here::Here;
use super::inquiry::plain;
use super::lines;
use super::wire::{Attempt, Reply, Request, Said, Speaks, Task, Welcome, What};
use super::{Held, Reach};
use crate::command;
use crate::failure::{Context, Failure, Kind, Result};
use crate::journal::Outcome;
use crate::lock::{self, Holder, State};
use crate::machine::files::{kept, private_folder, write_private_durably};
use crate::primitive::{Given, Host, Probe, Sort, Told, changes_server};
use crate::primitives;
use crate::secret::{self, Unfit};
use crate::site::Server;
use crate::stop::{Asked, Stop};
use crate::sync::Mutex;
use serde_json::Value;
use std::collections::HashMap;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// The file in an attempt's folder that says what the change came to.
const OUTCOME: &str = "outcome";
/// So many requests are worked on at once. A run has a few for each branch of its `parallel`.
const AT_ONCE: usize = 512;

/// The agent, for one server.
struct Agent<W> {
    server: Server,
    /// Where it keeps the attempts of runs.
    state: PathBuf,
    output: Mutex<W>,
    held: Mutex<Option<Box<dyn Held>>>,
    /// What is to be told with the next call: which secrets can't be hidden.
    warning: Mutex<Option<String>>,
    working: Mutex<HashMap<u64, Arc<Work>>>,
    /// Whether the caller counts as gone.
    is_left: AtomicBool,
}

/// A request that is worked on.
struct Work {
    stop: Stop,
    /// The attempt's folder, if it is a change.
    change: Option<PathBuf>,
}

/// Serves a caller until it is gone. `state` is the state folder.
///
/// Fails with [`Kind::Invalid`] if what comes is no [`Hello`](super::wire::Hello), or one of a caller that it can't serve.
pub fn serve(
    state: &Path,
    input: impl BufRead + Send + 'static,
    mut output: impl Write + Send + 'static,
) -> Result<()> {
    let caller = Caller::of(input);
    let hello = caller.hello()?;
    let server = match hello.speaks.behind(Speaks::OURS) {
        None => hello.server(),
        // Which of the two is too old is said by the caller, who knows how it is mended.
        Some(_) => Err(Failure::new(Kind::Invalid, "they speak no protocol in common")),
    };
    let server = match server {
        Ok(server) => server,
        Err(failure) => {
            send(&mut output, &welcome(Some(failure.clone())))?;
            return Err(failure);
        }
    };
    secret::use_key_of(state);
    // What is said here must be understood by the next agent. If it can't be kept, that one will not believe it.
    let _ = secret::keep_key();
    let warning = server.learn_secrets();
    let agent = Arc::new(Agent {
        warning: Mutex::new(warning),
        server,
        state: state.join("agent"),
        output: Mutex::new(output),
        held: Mutex::default(),
        working: Mutex::default(),
        is_left: AtomicBool::new(false),
    });
    send(&mut *agent.output.lock(), &welcome(None))?;
    let left = loop {
        match caller.next() {
            Heard::Request(request) => agent.clone().take(*request),
            Heard::Unknown(id, failure) => agent.reply(id, Said::Failed(failure)),
            Heard::Gone => break Ok(()),
            Heard::Nonsense(failure) => break Err(failure),
        }
    };
    agent.leave();
    left
}

fn welcome(refuses: Option<Failure>) -> Welcome {
    Welcome { program: env!("CARGO_PKG_VERSION").into(), speaks: Speaks::OURS, refuses }
}

impl<W: Write + Send + 'static> Agent<W> {
    /// Answers a request, in a thread of its own if that may take time.
    fn take(self: Arc<Self>, request: Request) {
        let Request { id, what } = request;
        match what {
            What::Beat => self.reply(id, Said::Done(Value::Null)),
            What::Stop { id, asked } => {
                if let Some(work) = self.working.lock().get(&id) {
                    work.stop.ask(asked);
                }
            }
            what => {
                let change = match &what {
                    What::Perform(task) if is_change(task) => self.folder(task.attempt.as_ref()),
                    _ => None,
                };
                let work = Arc::new(Work { stop: Stop::new(), change });
                {
                    let mut working = self.working.lock();
                    if working.len() >= AT_ONCE {
                        drop(working);
                        let message = format!("more than {AT_ONCE} calls at once can't be worked on there");
                        return self.reply(id, Said::Failed(Failure::new(Kind::Refused, message)));
                    }
                    working.insert(id, work.clone());
                }
                std::thread::spawn(move || {
                    let said = match self.answer(id, what, &work) {
                        Ok(value) => Said::Done(value),
                        Err(failure) => Said::Failed(failure),
                    };
                    self.reply(id, said);
                    self.working.lock().remove(&id);
                });
            }
        }
    }

    fn answer(&self, id: u64, what: What, work: &Work) -> Result<Value> {
        match what {
            What::Perform(task) => self.perform(id, &task, work),
            What::Predict(task) => self.with_host(id, &task, work, |given, host| Here.predict(given, host)),
            What::AfterCrash(task) => {
                let probe = match self.kept(task.attempt.as_ref())? {
                    Some(Outcome::Done(value)) => Probe::Done(value),
                    Some(Outcome::Failed(_)) => Probe::GoOn,
                    None => self.with_host(id, &task, work, |given, host| Here.after_crash(given, host))?,
                };
                plain(&probe)
            }
            What::End(task) => {
                self.with_host(id, &task, work, |_, host| Here.end(host)).map(|()| Value::Null)
            }
            What::Hold { holder } => self.hold(id, holder, work),
            What::Close { end } => match &mut *self.held.lock() {
                Some(lock) => lock.end(&end, &work.stop, &|_: Told| {}).map(|()| Value::Null),
                None => Err(Failure::new(Kind::Bug, "an end without the lock")),
            },
            What::Release => {
                self.held.lock().take();
                Ok(Value::Null)
            }
            What::Inquire(inquiry) => Here.inquire(&self.server, &inquiry),
            What::Stop { .. } | What::Beat => Ok(Value::Null),
        }
    }

    fn perform(&self, id: u64, task: &Task, work: &Work) -> Result<Value> {
        let act = || self.with_host(id, task, work, |given, host| Here.perform(given, host));
        let Some(folder) = &work.change else { return act() };
        if let Some(outcome) = self.kept(task.attempt.as_ref())? {
            return match outcome {
                Outcome::Done(value) => Ok(value),
                Outcome::Failed(failure) => Err(failure),
            };
        }
        match &mut *self.held.lock() {
            Some(lock) => {
                lock.beat(&task.step, primitives::find(&task.primitive).is_none_or(changes_server))?
            }
            None => return Err(Failure::new(Kind::Bug, "a change without the lock")),
        }
        let result = act();
        let outcome = match &result {
            Ok(value) => Outcome::Done(value.clone()),
            // Not an end: it is gone on with.
            Err(failure) if matches!(failure.kind, Kind::Interrupted | Kind::InDoubt | Kind::Bug) => {
                return result;
            }
            Err(failure) => Outcome::Failed(failure.clone()),
        };
        secret::keep_key()?;
        let text =
            serde_json::to_string(&outcome).or_fail(Kind::Bug, || "an outcome is not plain data".into())?;
        private_folder(folder)?;
        write_private_durably(&folder.join(OUTCOME), text.as_bytes())?;
        result
    }

    /// What a change came to, if it came to an end.
    fn kept(&self, attempt: Option<&Attempt>) -> Result<Option<Outcome>> {
        self.folder(attempt).map_or(Ok(None), |folder| kept(&folder.join(OUTCOME)))
    }

    /// Takes the lock. An agent of the same run that lost its caller is let finish first.
    fn hold(&self, id: u64, mut holder: Holder, work: &Work) -> Result<Value> {
        holder.folder = self.run_folder(&holder.run);
        holder.pid = std::process::id();
        holder.from = lock::origin();
        let mut told = false;
        let mut tries = 0;
        let tell = |told: Told| self.reply(id, Said::Told(told));
        loop {
            match Here.hold(&self.server, holder.clone(), &work.stop, &tell) {
                Ok(held) => {
                    *self.held.lock() = held;
                    let State::Held(holder) = lock::look(&self.server.state_folder()?)? else {
                        return Err(Failure::new(Kind::Bug, "the lock is not held"));
                    };
                    return plain(&holder.before);
                }
                Err(failure) if failure.kind == Kind::Locked => {
                    match lock::look(&self.server.state_folder()?)? {
                        State::Held(other) if other.run == holder.run => {
                            let text = format!(
                                "waiting for the command of this run that still runs there: {}",
                                lock::describe(&other)
                            );
                            if !std::mem::replace(&mut told, true) {
                                tell(Told::Warning(text.into()));
                            }
                        }
                        // It may have been handed back in between; but what is half-way keeps it free and closed.
                        State::Free if tries < 3 => tries += 1,
                        // Another run has it, is half-way, or left a command behind that still works.
                        _ => return Err(failure),
                    }
                    if work.stop.is_asked() {
                        return Err(Failure::new(Kind::Interrupted, "interrupted"));
                    }
                    std::thread::sleep(Duration::from_millis(50));
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    fn with_host<T>(
        &self,
        id: u64,
        task: &Task,
        work: &Work,
        act: impl FnOnce(&Given, &Host) -> Result<T>,
    ) -> Result<T> {
        let primitive = primitives::find(&task.primitive).ok_or_else(|| {
            let message = format!(
                "the program that is `agent` on `{}` has no primitive `{}`",
                self.server.name, task.primitive
            );
            Failure::new(Kind::Refused, message).why("the script was written for a program with its own primitives").help(
                "install that program there instead, or remove `agent` from site.toml: then banister installs it there automatically",
            )
        })?;
        for (name, value) in &task.secrets {
            secret::keep(name, value);
        }
        let warning = self.server.learn_secrets();
        let before = self.warning.lock().take();
        let folder = self.folder(task.attempt.as_ref()).unwrap_or_default();
        if let Some(parent) = folder.parent().filter(|parent| *parent != Path::new("")) {
            private_folder(parent)?;
        }
        let tell = |told: Told| self.reply(id, Said::Told(told));
        before.or(warning).into_iter().for_each(|text| tell(Told::Warning(text.into())));
        let hold = |_: &str| Err(Failure::new(Kind::Bug, "the lock is taken by the caller"));
        let host =
            Host { server: Some(&self.server), folder: &folder, stop: &work.stop, tell: &tell, hold: &hold };
        let given = secret::given_to(task.arguments.clone(), primitive.secrets());
        let arguments = given.map_err(|(_, unfit)| self.unfit(&unfit))?;
        let result = act(&Given::new(primitive, &arguments), &host);
        // What was done may have made new ones.
        self.server.learn_secrets();
        result
    }

    /// Nothing is done with a text that can't be put together as it was.
    fn unfit(&self, unfit: &Unfit) -> Failure {
        let name = match unfit {
            Unfit::Lost(lost) => lost.name(),
            Unfit::Secret(name) => format!("`{name}`"),
        };
        Failure::new(
            Kind::NotFound,
            format!("{name} of `{}` has changed since it was read", self.server.name),
        )
        .help("nothing was done; read it again in the script, or put the earlier value back")
    }

    /// The caller is gone: changes are done to their end, and the lock is handed back.
    fn leave(&self) {
        self.is_left.store(true, Ordering::SeqCst);
        for work in self.working.lock().values() {
            let runs = |folder: &PathBuf| matches!(command::state(folder), Ok(command::State::Running));
            if work.change.as_ref().is_none_or(runs) {
                work.stop.ask(Asked::Leave);
            }
        }
        while self.working.lock().values().any(|work| work.change.is_some()) {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.held.lock().take();
    }

    fn run_folder(&self, run: &str) -> PathBuf {
        self.state.join("runs").join(run)
    }

    fn folder(&self, attempt: Option<&Attempt>) -> Option<PathBuf> {
        attempt.map(|attempt| self.run_folder(&attempt.run).join("logs").join(&attempt.folder))
    }

    fn reply(&self, id: u64, said: Said) {
        // A caller that was only slow must not take for an answer what only its silence interrupted: it connects again.
        let is_of_leaving = matches!(&said, Said::Failed(failure) if failure.kind == Kind::Interrupted);
        if !(is_of_leaving && self.is_left.load(Ordering::SeqCst)) {
            let is_last = !matches!(said, Said::Told(_));
            let mut output = self.output.lock();
            // What is too long would be taken for nonsense. What is only told can be left out.
            if let Err(too_long) = send(&mut *output, &Reply { id, said })
                && is_last
            {
                let _ = send(&mut *output, &Reply { id, said: Said::Failed(too_long) });
            }
        }
    }
}

/// That the caller is gone is noticed where its lines are read. Fails with [`Kind::Refused`] if it is longer than the caller
/// reads.
fn send(output: &mut impl Write, message: &impl serde::Serialize) -> Result<()> {
    let text = lines::written(message)?;
    let _ = output.write_all(&text).and_then(|()| output.flush());
    Ok(())
}

fn is_change(task: &Task) -> bool {
    primitives::find(&task.primitive).is_some_and(|primitive| primitive.sort() == Sort::Change)
}
