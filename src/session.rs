//! The gate: every effect of a script passes here, and no primitive can be reached around it.
//!
//! For each call the journal is asked first. *Done before*: the recorded outcome. *Differs*: stop and show both. *In
//! doubt* (begun, no outcome): what the primitive says under After a crash. *New*: the intent is written down and
//! synced, the call performed, the outcome written down and synced, and only then does the script go on.

mod belongs;
mod block;
mod written;
mod deadline;
mod doubt;
mod finish;
pub mod frame;
mod header;
mod hold;
mod installed;
mod lost;
mod passing;
mod replay;
mod restart;
mod rollback;
mod said;
mod typed;

pub use deadline::deadlines;
pub use frame::Frame;
pub use header::{begin_by, header, schedule, write_down};
pub use hold::has_seen;
pub use installed::lacks_only_a_backup;
pub use restart::{Change, Restart};
pub use rollback::{has_changed, is_untouched};
pub use written::Open;

use crate::data;
use crate::event::{Event, Listener, RunState};
use crate::failure::{Failure, Kind, Result};
use crate::journal::run::{self, OpenRun};
use crate::journal::{ANSWERED, Call, Entry, Header, Outcome};
use crate::key::Key;
use crate::person::{About, Person};
use crate::primitive::{AnyPrimitive, Given, Host, Sort, Told, changes_server};
use crate::primitives;
use crate::reach::{Held, Reach};
use crate::secret::Shown;
use crate::site::{Server, Site};
use crate::stop::{Asked, Stop};
use crate::sync::Mutex;
use passing::Passing;
use replay::Next;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Instant;
use written::Written;

/// A run while the program works on it.
pub struct Session {
    pub site: Arc<Site>,
    pub header: Header,
    pub stop: Arc<Stop>,
    reach: Arc<dyn Reach>,
    listener: Arc<dyn Listener>,
    person: Arc<dyn Person>,
    stepwise: bool,
    /// Whether something was recorded before this session.
    resumed: bool,
    /// Whether an `on_failure` block was declared that still counts.
    way_back: AtomicBool,
    written: Mutex<Written>,
    /// By server; what is empty is not held.
    locks: Mutex<BTreeMap<String, HeldOrNot>>,
    /// How many outermost steps have begun, or were gone through.
    outermost: AtomicUsize,
    /// Set while the script is only gone through to find what `on_failure` has to do.
    turned_back: AtomicBool,
    started: Instant,
    /// By which call each text was read that can't be put together any more.
    lost: Mutex<BTreeMap<char, String>>,
}

/// The lock of a server, which one branch takes while others wait for it.
type HeldOrNot = Arc<Mutex<Option<Box<dyn Held>>>>;

/// What a session is made of.
pub struct Parts {
    pub site: Arc<Site>,
    pub header: Header,
    pub stop: Arc<Stop>,
    pub reach: Arc<dyn Reach>,
    pub listener: Arc<dyn Listener>,
    pub person: Arc<dyn Person>,
    /// Whether the person is asked before each step.
    pub stepwise: bool,
}

/// Where a session takes up a run.
pub enum Direction {
    /// From where it stopped.
    On,
    /// From an earlier step.
    From(Restart),
    /// It is rolled back.
    Back,
}

impl Session {
    /// A session over a run in a folder, new or not, or over nothing (`run` absent), as a plan is.
    pub fn begin(parts: Parts, run: Option<OpenRun>, direction: Direction) -> Result<Session> {
        let mut run = run;
        let index = run.as_mut().map(|run| std::mem::take(&mut run.index)).unwrap_or_default();
        let (begun, resumed) = (index.header.is_some(), index.sessions > 0);
        let rollback = matches!(direction, Direction::Back) || index.rollback;
        let began = index.rollback;
        let failed = matches!(index.finished, Some((RunState::Failed, _)));
        let mut session = Session::over(parts, Written { run, index, ..Written::default() }, rollback);
        // First, so that no record is written before it is known what is secret in it.
        let unread = header::learn(&session.site, &mut session.header);
        if !begun {
            session.written.lock().run.iter().try_for_each(|run| run.describe(&session.header))?;
            session.write(Entry::Run(session.header.clone()), true)?;
        }
        // Before the record of this session, which hides that the one before it failed.
        let note = match direction {
            Direction::From(restart) => Some(session.restart(restart)?),
            _ => None,
        };
        if note.is_none() && failed && rollback == began {
            session.look_anew()?;
        }
        // One that is tried again may be killed, and has then said nothing of what it touched.
        session.written.lock().run.iter().try_for_each(|run| run::forget_untouched(&run.path))?;
        let by = crate::person::whoami();
        session.write(Entry::Session { by, pid: std::process::id(), rollback }, true)?;
        let Header { run, runbook, servers, .. } = session.header.clone();
        session.tell(&Event::RunStarted { run, runbook, servers, resumed });
        note.into_iter().for_each(|text| session.tell(&Event::Noted { text: text.into() }));
        unread.into_iter().for_each(|text| session.tell(&Event::Warned { text: text.into() }));
        Ok(session)
    }

    fn over(parts: Parts, written: Written, rollback: bool) -> Session {
        let Parts { site, header, stop, reach, listener, person, stepwise } = parts;
        // What an earlier session declared is declared anew.
        person.hear_way_back(false);
        Session {
            site,
            header,
            stop,
            reach,
            listener,
            person,
            stepwise,
            resumed: written.index.sessions > 0,
            way_back: AtomicBool::new(false),
            written: Mutex::new(written),
            locks: Mutex::default(),
            outermost: AtomicUsize::new(0),
            turned_back: AtomicBool::new(rollback),
            started: Instant::now(),
            lost: Mutex::default(),
        }
    }

    /// After a failure a person has mended something; what the script saw before must not make it fail again. Only what
    /// nothing was done upon since is looked at anew.
    fn look_anew(&self) -> Result<()> {
        let is_look = |call: &Call| primitives::find(&call.name).is_some_and(|p| p.sort() == Sort::Look);
        let keys = self.written.lock().index.since_last_act(is_look);
        match keys.is_empty() {
            true => Ok(()),
            false => self.write(Entry::Anew { keys }, false),
        }
    }

    /// Calls a primitive at the next place of `frame`. `at` is the place in the script, for people.
    pub fn call(&self, frame: &Frame, at: &str, call: Call) -> Result<Value> {
        let located = |failure: Failure| Failure {
            at: failure.at.or_else(|| Some(self.place(frame, at, &call))),
            ..failure
        };
        let value = self.pass(frame, at, &call).map_err(located)?;
        self.hear_deadlines(&call, &value);
        Ok(value)
    }

    fn pass(&self, frame: &Frame, at: &str, call: &Call) -> Result<Value> {
        let primitive = primitives::find(&call.name)
            .ok_or_else(|| Failure::new(Kind::Bug, format!("the primitive `{}` is not there", call.name)))?;
        let server = match data::server_of(&call.arguments) {
            Some(name) => Some(self.site.server(name)?),
            None => None,
        };
        // Before anything of the server is compared, shown or written down.
        server.into_iter().for_each(|server| self.learn(server));
        let given = &Given::new(primitive, &call.arguments);
        // In a plan: what is not known yet can't be checked either.
        if given.is_known() {
            let accepted = given.accepted()?;
            server.into_iter().for_each(|server| accepted.learn(server));
        }
        if primitive.sort() == Sort::Session {
            // What only tells is not told again while the run is caught up with.
            let replayed = self.catches_up(frame);
            return self.perform(&Passing { key: Key::ROOT, at, call, given, server }, 0, replayed);
        }
        let key = frame.next_key();
        let passing = Passing { key: key.as_key(), at, call, given, server };
        match self.replay(&passing)? {
            Next::Return(value) => Ok(value),
            Next::Fail(failure) => Err(failure),
            Next::Perform { attempt, begun } => {
                let call = &self.exact(&passing)?;
                self.permit(frame, primitive, server)?;
                if !begun {
                    let begun = Entry::Begun { key: key.clone(), call: call.clone(), attempt, at: at.into() };
                    self.write(begun, primitive.sort() == Sort::Change)?;
                }
                let exact = &Given::new(primitive, &call.arguments);
                // What was accepted above serves, but if a secret had to be put in.
                let given = if call.arguments == *given.arguments { given } else { exact };
                self.act(&Passing { call, given, ..passing }, attempt)
            }
        }
    }

    /// Performs a call whose intent is written down, and writes down how it ended.
    fn act(&self, passing: &Passing, attempt: u32) -> Result<Value> {
        let Passing { key, at, call, given, server } = *passing;
        let sort = given.primitive.sort();
        let (name, text) = (call.name.clone(), passing.text());
        let _span = tracing::debug_span!("call", name = name.as_str(), at).entered();
        let server_name = server.map(|server| server.name.clone());
        self.tell(&Event::CallStarted {
            key: key.to_buf(),
            name: name.clone(),
            text: text.clone(),
            server: server_name,
            at: at.into(),
            replayed: false,
        });
        let began = Instant::now();
        let result = match sort {
            Sort::Ask => self.ask(key, given),
            _ => {
                let _working = self.stop.begin_work();
                self.perform(passing, attempt, false)
            }
        };
        let seconds = began.elapsed().as_secs_f64();
        let result = match result {
            // Nobody knows how it ended, although we are still here: its supervisor was killed.
            Err(failure) if failure.kind == Kind::InDoubt => {
                return self.settle(passing, attempt);
            }
            // Not an end: the call is gone on with at the next resume.
            Err(failure) if matches!(failure.kind, Kind::Interrupted | Kind::Declined | Kind::Bug) => {
                return Err(failure);
            }
            other => other,
        };
        let outcome = match &result {
            Ok(value) => Outcome::Done(value.clone()),
            Err(failure) => Outcome::Failed(failure.clone()),
        };
        let ended = Entry::Ended { key: key.to_buf(), attempt, seconds, result: outcome };
        self.write(ended, sort != Sort::Look)?;
        self.tell(&Event::CallFinished {
            key: key.to_buf(),
            name,
            text,
            seconds,
            replayed: false,
            outcome: result.as_ref().ok().cloned(),
            failure: result.as_ref().err().cloned(),
        });
        result
    }

    fn ask(&self, key: Key, given: &Given) -> Result<Value> {
        let person = About { about: key.folder_name(), person: self.person.as_ref() };
        let (value, answer) = self.reach.ask(given, &person)?;
        if let Some(answer) = answer {
            let decision =
                Entry::Decision { key: key.to_buf(), decision: ANSWERED.into(), by: answer.by.clone() };
            // Saved with the answer.
            self.write(decision, false)?;
            let question = given.accepted()?.question()?.text;
            self.tell(&Event::Answered { question, answer: answer.text, by: answer.by });
        }
        Ok(value)
    }

    /// Lets the reach perform the call.
    fn perform(&self, passing: &Passing, attempt: u32, silent: bool) -> Result<Value> {
        let Passing { key, given, server, .. } = *passing;
        self.with_host(server, key, attempt, silent, |host| self.reach.perform(given, host))
    }

    fn with_host<T>(
        &self,
        server: Option<&Server>,
        key: Key,
        attempt: u32,
        silent: bool,
        act: impl FnOnce(&Host) -> Result<T>,
    ) -> Result<T> {
        let folder = self.folder(key, attempt);
        let tell = |told: Told| match told {
            Told::Progress(line) => self.tell(&Event::Progressed { key: key.to_buf(), line }),
            Told::Note(text) if !silent => self.tell(&Event::Noted { text }),
            Told::Text { title, text } if !silent => self.tell(&Event::Shown { title, text }),
            Told::Warning(text) => self.tell(&Event::Warned { text }),
            Told::Note(_) | Told::Text { .. } => {}
        };
        let hold = |purpose: &str| match server {
            Some(server) => self.hold(server, purpose),
            None => Ok(()),
        };
        let result = act(&Host { server, folder: &folder, stop: &self.stop, tell: &tell, hold: &hold });
        // What was done may have made new ones.
        server.into_iter().for_each(|server| self.learn(server));
        result
    }

    /// Whether something new may be begun: nobody asked to stop, and the server is ours.
    fn permit(&self, frame: &Frame, primitive: &dyn AnyPrimitive, server: Option<&Server>) -> Result<()> {
        if self.turned_back.load(Ordering::Relaxed) && frame.key.as_key().in_course() {
            return Err(rollback::turned_back());
        }
        if self.stop.asked() >= Asked::Finish {
            return Err(Failure::new(Kind::Interrupted, "interrupted before the next call"));
        }
        if primitive.sort() == Sort::Change {
            self.open_for_change()?;
        }
        match (primitive.sort(), server) {
            (Sort::Change, Some(server)) => {
                let step = Shown::from(frame.steps.last().map_or("", String::as_str));
                self.own(server, step.as_str(), changes_server(primitive))
            }
            _ => Ok(()),
        }
    }

    /// The folder of an attempt.
    fn folder(&self, key: Key, attempt: u32) -> PathBuf {
        self.written.lock().run.as_ref().map(|run| run.log(key, attempt)).unwrap_or_default()
    }

    /// The run's folder; nothing for a plan.
    pub fn run_folder(&self) -> Option<PathBuf> {
        self.written.lock().run.as_ref().map(|run| run.path.clone())
    }

    /// Tells an event to whoever listens.
    pub fn tell(&self, event: &Event) {
        self.listener.hear(event);
    }

    /// A place for people: the line of the script, the step, the server.
    fn place(&self, frame: &Frame, at: &str, call: &Call) -> String {
        let step = frame.steps.last().map(|step| format!(", step `{step}`")).unwrap_or_default();
        let server =
            data::server_of(&call.arguments).map(|server| format!(", on {server}")).unwrap_or_default();
        format!("{at}{step}{server}")
    }
}
