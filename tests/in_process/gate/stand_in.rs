//! A stand-in for the reach: nothing is started and nothing is touched. It says what a model of the servers would say, and
//! counts.

use super::model::{AWKWARD, Model};
use banister::data::Arguments;
use banister::failure::{Failure, Kind, Result};
use banister::internals::journal::index::Index;
use banister::internals::journal::{Call, file};
use banister::internals::key::Key;
use banister::internals::lock::Holder;
use banister::internals::person::{Answer, Person};
use banister::internals::primitive::Given;
use banister::internals::reach::here::Here;
use banister::internals::reach::inquiry::Inquiry;
use banister::internals::reach::{Held, Reach};
use banister::internals::site::Server;
use banister::internals::stop::Stop;
use banister::primitive::{AnyPrimitive, Host, Probe, Sort, Told};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread::ThreadId;

/// What is found of a call that was cut off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    Happened,
    GoOn,
    Again,
    /// Nobody knows; a person is asked.
    Unknown,
}

pub struct StandIn {
    model: Mutex<Model>,
    found: Found,
    /// The place of a call that fails when it is performed.
    fails: Option<String>,
    /// Whether it looks in the journal each time if all is written down that has to be.
    witness: bool,
    seen: Mutex<Seen>,
    held: Arc<Mutex<BTreeSet<String>>>,
}

/// What it was asked for.
#[derive(Default)]
pub struct Seen {
    pub performed: Vec<Performed>,
    pub asked: Vec<Call>,
    /// The attempts that were asked how far they came, and those that were ended.
    pub probed: Vec<String>,
    pub ended: Vec<String>,
    /// What must not be.
    pub faults: Vec<String>,
    /// What each thread performed last.
    last: HashMap<ThreadId, String>,
}

/// A call that was performed.
#[derive(Clone)]
pub struct Performed {
    /// The name of the attempt's folder without the attempt.
    pub place: String,
    pub attempt: u32,
    pub sort: Sort,
    pub call: Call,
    /// Absent if it failed.
    pub outcome: Option<Value>,
}

impl StandIn {
    pub fn new(model: Model, found: Found) -> StandIn {
        let (seen, held) = (Mutex::default(), Arc::default());
        StandIn { model: Mutex::new(model), found, fails: None, witness: false, seen, held }
    }

    /// The same, which looks on at what is written down.
    pub fn witness(model: Model) -> StandIn {
        StandIn { witness: true, ..StandIn::new(model, Found::GoOn) }
    }

    /// The same, with which the call at this place fails.
    pub fn failing(model: Model, place: &str) -> StandIn {
        StandIn { fails: Some(place.into()), ..StandIn::new(model, Found::GoOn) }
    }

    pub fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    fn answer(&self, primitive: &dyn AnyPrimitive, arguments: &Arguments) -> Value {
        self.model.lock().unwrap().answer(primitive.name(), arguments)
    }

    /// The intent of a change is in the journal before it is performed, and how the one before ended.
    fn look_on(&self, name: &str, host: &Host) {
        let Some(run) = host.folder.parent().and_then(Path::parent) else { return };
        let mut index = Index::default();
        file::read(&run.join("journal.jsonl"), &mut |record| index.add(record)).unwrap();
        let open: Vec<String> = index.open_calls().map(|(key, call)| folder(key, call.attempt)).collect();
        let mut seen = self.seen();
        if !open.iter().any(|open| open == name) {
            seen.faults.push(format!("{name} is performed, and the journal has not begun it"));
        }
        let last = seen.last.insert(std::thread::current().id(), name.to_owned());
        if let Some(last) = last.filter(|last| last != name && open.contains(last)) {
            seen.faults.push(format!("{name} is performed, and how {last} ended is not in the journal"));
        }
    }
}

/// The name of an attempt's folder.
pub fn folder(key: Key, attempt: u32) -> String {
    format!("{}.{attempt}", key.folder_name())
}

/// The failure of a call that is to fail.
pub fn failure() -> Failure {
    Failure::new(Kind::CommandFailed, format!("it failed {AWKWARD}"))
        .why(AWKWARD)
        .why("")
        .help(format!("mend it {AWKWARD}"))
}

fn name(host: &Host) -> String {
    host.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

impl Reach for StandIn {
    fn perform(&self, given: &Given, host: &Host) -> Result<Value> {
        let Given { primitive, arguments, .. } = *given;
        if primitive.sort() == Sort::Session {
            return given.accepted()?.perform(host);
        }
        let name = name(host);
        if self.witness {
            self.look_on(&name, host);
        }
        if primitive.sort() == Sort::Change
            && host.server.is_some_and(|server| !self.held.lock().unwrap().contains(&server.name))
        {
            self.seen().faults.push(format!("{name} changes a server that is not held"));
        }
        // What is only looked at before a typed line changes anything has no folder.
        let (place, attempt) = name.rsplit_once('.').unwrap_or(("", "0"));
        let asks_to_fail = arguments.get("arguments").is_some_and(|words| words[0] == "fail");
        let result = match self.fails.as_deref() == Some(place) || asks_to_fail {
            true => Err(failure()),
            false => Ok(self.answer(primitive, arguments)),
        };
        self.seen().performed.push(Performed {
            place: place.into(),
            attempt: attempt.parse().unwrap(),
            sort: primitive.sort(),
            call: Call { name: primitive.name().into(), arguments: arguments.clone() },
            outcome: result.clone().ok(),
        });
        result
    }

    /// What a person takes as done happened.
    fn predict(&self, given: &Given, _: &Host) -> Result<Value> {
        Ok(self.answer(given.primitive, given.arguments))
    }

    fn after_crash(&self, given: &Given, host: &Host) -> Result<Probe<Value>> {
        self.seen().probed.push(name(host));
        Ok(match self.found {
            Found::Happened => Probe::Done(self.answer(given.primitive, given.arguments)),
            Found::GoOn => Probe::GoOn,
            Found::Again => Probe::Again,
            Found::Unknown => Probe::Unknown(AWKWARD.into()),
        })
    }

    fn end(&self, host: &Host) -> Result<()> {
        self.seen().ended.push(name(host));
        Ok(())
    }

    fn ask(&self, given: &Given, person: &dyn Person) -> Result<(Value, Option<Answer>)> {
        let mut answered = Here.ask(given, person)?;
        // Which two runs do not do at the same instant.
        if let Some(at) = answered.0.get_mut("at") {
            *at = "2026-01-01T00:00:00Z".into();
        }
        let (name, arguments) = (given.primitive.name().into(), given.arguments.clone());
        self.seen().asked.push(Call { name, arguments });
        Ok(answered)
    }

    fn hold(&self, server: &Server, _: Holder, _: &Stop, _: &dyn Fn(Told)) -> Result<Option<Box<dyn Held>>> {
        if !self.held.lock().unwrap().insert(server.name.clone()) {
            self.seen().faults.push(format!("{} is held twice", server.name));
        }
        Ok(Some(Box::new(HeldHere { server: server.name.clone(), held: self.held.clone() })))
    }

    fn inquire(&self, _: &Server, _: &Inquiry) -> Result<Value> {
        Err(Failure::new(Kind::Bug, "a run asks no such thing"))
    }
}

/// The lock of a server.
struct HeldHere {
    server: String,
    held: Arc<Mutex<BTreeSet<String>>>,
}

impl Held for HeldHere {
    fn beat(&mut self, _: &str, _: bool) -> Result<()> {
        Ok(())
    }

    fn end(&mut self, _: &banister::internals::book::End, _: &Stop, _: &dyn Fn(Told)) -> Result<()> {
        Ok(())
    }
}

impl Drop for HeldHere {
    fn drop(&mut self) {
        self.held.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).remove(&self.server);
    }
}
