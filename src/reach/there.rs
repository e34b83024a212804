//! A server on another machine: what is asked of it is asked of its agent, over a connection that may be lost.
//!
//! A look is asked again on the next connection. A change may have been begun: the gate is told that it is in doubt, and
//! asks the next agent what became of it, as it would after a crash of its own. An agent that is lost each time it is asked is
//! asked less and less often, and what says nothing that can be understood only a few times.

use super::link::Link;
use super::ssh;
use super::wire::What;
use crate::book::End;
use crate::clock::Deadline;
use crate::failure::{Failure, Kind, Result};
use crate::lock::Holder;
use crate::primitive::Told;
use crate::secret;
use crate::site::Server;
use crate::stop::{Asked, Stop};
use crate::sync::Mutex;
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a lost connection is tried again: as long as a server takes to start anew, and more.
const PATIENCE: Duration = Duration::from_secs(600);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);
/// The shortest.
const PAUSE: Duration = Duration::from_millis(250);
/// A connection that lasted no longer was in vain, and the next one waits.
const SHORT: Duration = Duration::from_secs(2);
/// What was said before one that lasted longer no longer counts.
const LONG: Duration = Duration::from_secs(60);
/// How often in a row something may be said that can't be understood.
const NONSENSE: u32 = 3;

pub struct There {
    server: Server,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    link: Option<Arc<Link>>,
    /// What the lock was taken with.
    held: Option<Holder>,
    /// The step that changes belong to.
    step: String,
    vain: Vain,
}

/// Connections that were lost before anything was done on them.
#[derive(Default)]
struct Vain {
    since: Option<Instant>,
    pause: Duration,
    nonsense: u32,
}

impl Vain {
    /// One that lived that long was not in vain: it was a network that failed, or a long command that outlives it.
    fn forget_after(&mut self, age: Duration) {
        if age > SHORT {
            (self.since, self.pause) = (None, Duration::ZERO);
        }
        if age > LONG {
            self.nonsense = 0;
        }
    }
}

impl There {
    pub fn new(server: Server) -> There {
        There { server, state: Mutex::default() }
    }

    pub fn step(&self) -> String {
        self.state.lock().step.clone()
    }

    pub fn set_step(&self, step: &str) {
        step.clone_into(&mut self.state.lock().step);
    }

    /// Asks something that may be asked twice.
    pub fn ask(&self, what: &What, stop: &Stop, tell: &dyn Fn(Told)) -> Result<Value> {
        let asked = match what {
            What::Inquire(inquiry) => inquiry.patience(),
            _ => None,
        };
        let patience = asked.unwrap_or(PATIENCE);
        loop {
            let link = match what {
                What::Inquire(_) => self.link(patience, stop, tell)?,
                _ => self.link(patience, stop, tell).map_err(resumable)?,
            };
            if let Ok(answer) = link.ask(what.clone(), stop, tell) {
                // What became of a call can be asked on and on while the call itself is in vain.
                if !matches!(what, What::AfterCrash(_) | What::End(_)) {
                    self.state.lock().vain = Vain::default();
                }
                return self.own(answer);
            }
        }
    }

    /// Asks for a change. Fails with [`Kind::InDoubt`] if the connection was lost meanwhile, and is there again.
    pub fn change(&self, what: What, stop: &Stop, tell: &dyn Fn(Told)) -> Result<Value> {
        let link = self.link(PATIENCE, stop, tell).map_err(resumable)?;
        if let Ok(answer) = link.ask(what, stop, tell) {
            self.state.lock().vain = Vain::default();
            return self.own(answer);
        }
        self.link(PATIENCE, stop, tell).map_err(resumable)?;
        Err(Failure::new(Kind::InDoubt, format!("the connection to `{}` was lost", self.server.name)))
    }

    /// An answer, whose secrets only this server knows.
    fn own(&self, answer: Result<Value>) -> Result<Value> {
        let own = |value| secret::of_server(value, &self.server.name);
        answer.map(Deadline::by_own_clock).map(own).map_err(|failure| secret::in_failure(failure, &own))
    }

    /// Takes the lock, and remembers it for the connections to come.
    pub fn hold(&self, holder: Holder, stop: &Stop, tell: &dyn Fn(Told)) -> Result<()> {
        self.ask(&What::Hold { holder: holder.clone() }, stop, tell)?;
        self.state.lock().held = Some(holder);
        Ok(())
    }

    /// Has the server's book say how the session leaves the run.
    pub fn close(&self, end: &End, stop: &Stop, tell: &dyn Fn(Told)) -> Result<()> {
        self.ask(&What::Close { end: end.clone() }, stop, tell).map(drop)
    }

    /// Hands the lock back, if there is somebody to hand it to; an agent that lost us does it by itself.
    pub fn release(&self) {
        let link = {
            let mut state = self.state.lock();
            state.held = None;
            state.link.clone()
        };
        if let Some(link) = link.filter(|link| !link.is_lost()) {
            let _ = link.ask(What::Release, &Stop::new(), &|_| {});
        }
    }

    /// The connection, made if there is none. One that was there before is waited for; the lock is taken again on it.
    fn link(&self, patience: Duration, stop: &Stop, tell: &dyn Fn(Told)) -> Result<Arc<Link>> {
        let mut state = self.state.lock();
        if let Some(link) = state.link.as_ref().filter(|link| !link.is_lost()) {
            return Ok(link.clone());
        }
        let link = match state.link.take() {
            None => self.connect(state.held.as_ref(), stop, tell)?,
            Some(lost) => {
                state.vain.forget_after(lost.age());
                let nonsense = lost.nonsense();
                drop(lost);
                self.after_loss(&mut state.vain, nonsense, patience, stop, tell)?;
                self.connect_again(state.held.as_ref(), patience, stop, tell)?
            }
        };
        state.link = Some(link.clone());
        Ok(link)
    }

    /// One try. The lock that this run had must have been in no other hands meanwhile.
    fn connect(&self, held: Option<&Holder>, stop: &Stop, tell: &dyn Fn(Told)) -> Result<Arc<Link>> {
        let link = Link::over(ssh::connect(&self.server)?)
            .map_err(|error| Failure::new(Kind::Refused, "there is no thread for a connection").why(error))?;
        let Some(holder) = held else { return Ok(link) };
        let lost = |_| {
            Failure::new(
                Kind::Unreachable,
                format!("the connection to `{}` was lost again", self.server.name),
            )
        };
        let holder = Holder { again: true, ..holder.clone() };
        let before = link.ask(What::Hold { holder: holder.clone() }, stop, tell).map_err(lost)??;
        if before.as_str() != Some(&holder.run) {
            let message = format!("another run held `{}` while the connection was lost", self.server.name);
            return Err(Failure::new(Kind::Locked, message).help("see what it did with `banister status`"));
        }
        Ok(link)
    }

    /// Tells that a connection is lost, and waits if that was so before. Fails with [`Kind::Interrupted`] if it was so too
    /// often.
    fn after_loss(
        &self,
        vain: &mut Vain,
        nonsense: Option<String>,
        patience: Duration,
        stop: &Stop,
        tell: &dyn Fn(Told),
    ) -> Result<()> {
        let name = &self.server.name;
        let since = *vain.since.get_or_insert_with(Instant::now);
        let mut pause = vain.pause;
        vain.pause = (pause * 2).clamp(PAUSE, LONGEST_PAUSE);
        let mut lost = format!("the connection to `{name}` was lost");
        if let Some(said) = nonsense {
            vain.nonsense += 1;
            pause = pause.max(Duration::from_secs(1));
            lost = format!("what runs on `{name}` said `{said}`, which is no message of banister");
        }
        if vain.nonsense >= NONSENSE {
            let help = "nothing there may write to the standard output of `banister agent`: see what starts it, and \
                        continue with `banister resume`";
            return Err(Failure::new(Kind::Interrupted, lost)
                .why(format!("{NONSENSE} times in a row"))
                .help(help));
        }
        if since.elapsed() > patience {
            let message = format!("the connection to `{name}` is lost each time that something is asked");
            return Err(Failure::new(Kind::Interrupted, message).help("continue with `banister resume`"));
        }
        tell(Told::Warning(format!("{lost}: connecting again").into()));
        wait(pause, stop);
        Ok(())
    }

    fn connect_again(
        &self,
        held: Option<&Holder>,
        patience: Duration,
        stop: &Stop,
        tell: &dyn Fn(Told),
    ) -> Result<Arc<Link>> {
        let until = Instant::now() + patience;
        let mut pause = PAUSE;
        loop {
            let failure = match self.connect(held, stop, tell) {
                Ok(link) => return Ok(link),
                Err(failure) if failure.kind == Kind::Locked => return Err(failure),
                Err(failure) => failure,
            };
            let is_over = failure.kind != Kind::Unreachable || Instant::now() > until;
            if is_over || stop.asked() > Asked::Nothing {
                let message =
                    format!("the connection to `{}` was lost, and is not there again", self.server.name);
                let why =
                    failure.why.iter().fold(
                        Failure::new(Kind::Interrupted, message).why(&failure.message),
                        |failure, why| failure.why(why),
                    );
                return Err(why.help(
                    "the command there continues in the background; follow it with `banister resume`",
                ));
            }
            let next = format!("{failure}; trying again in {}s", pause.as_secs_f64().ceil());
            tell(Told::Progress(next.into()));
            wait(pause, stop);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Waits, but not longer than nobody asks to stop.
fn wait(pause: Duration, stop: &Stop) {
    let until = Instant::now() + pause;
    while Instant::now() < until && stop.asked() == Asked::Nothing {
        std::thread::sleep(Duration::from_millis(50).min(pause));
    }
}

/// A call that can't be made did not fail: it is made when the run is resumed.
fn resumable(failure: Failure) -> Failure {
    match failure.kind {
        Kind::Unreachable => Failure { kind: Kind::Interrupted, ..failure },
        _ => failure,
    }
}
