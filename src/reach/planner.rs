//! Acts nowhere: looks are really performed, changes are noted, and what they will result in is predicted.
//!
//! A look at something that a planned change will have changed is not performed either, because what it would see
//! now is not what the run will see: its result is predicted too, as unknown where it can't be known.

use super::facts::Fact;
use super::inquiry::{self, Inquiry, Noted};
use super::{Held, Reach};
use crate::book;
use crate::data;
use crate::failure::Result;
use crate::journal::Call;
use crate::lock::{self, Holder, State};
use crate::person::{Answer, Person};
use crate::primitive::{Facet, Given, Host, Probe, Sort, Told};
use crate::site::Server;
use crate::stop::Stop;
use crate::sync::Mutex;
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

/// One plan. Looks and predictions are remembered over all its paths, so that each is performed once: one may fetch from an
/// origin, and there may be dozens of paths.
pub struct Planner {
    /// What looks and predictions are left to.
    reach: Arc<dyn Reach>,
    looks: Mutex<HashMap<String, Look>>,
    /// Those that this path has asked for.
    asked: Mutex<BTreeSet<String>>,
    facts: Mutex<Vec<Fact>>,
    warnings: Mutex<BTreeSet<String>>,
    /// The servers of which it is known who holds them, and what is open on them.
    held: Mutex<BTreeSet<String>>,
    /// What this path has changed so far.
    touched: Mutex<Vec<Touched>>,
}

/// A part of a server that a path has changed.
struct Touched {
    /// The server's name, and the machine that it is on.
    server: Option<(String, Option<String>)>,
    facet: Facet,
}

impl Touched {
    fn new(server: Option<&Server>, facet: Facet) -> Touched {
        Touched { server: server.map(|server| (server.name.clone(), server.ssh.clone())), facet }
    }

    /// Whether a look at the server that reads this part may see the change. Of other servers it may be the health, as they may
    /// need this one, and on the same machine what room there is, and the settings, as a link may make them one file. That a
    /// command of one server edits the settings of another is not assumed.
    fn is_seen_by(&self, server: Option<&Server>, reads: Facet) -> bool {
        let changed = [reads, Facet::Everything].contains(&self.facet);
        match (&self.server, server) {
            (Some((name, machine)), Some(server)) if *name != server.name => match reads {
                Facet::Services => changed,
                Facet::Space => changed && *machine == server.ssh,
                Facet::Settings => self.facet == reads && *machine == server.ssh,
                _ => false,
            },
            (Some(_), Some(_)) | (None, None) => changed,
            _ => false,
        }
    }
}

/// What was seen, and what was told meanwhile.
#[derive(Clone)]
struct Look {
    found: Result<Value>,
    told: Vec<Told>,
}

impl Planner {
    pub fn new(reach: Arc<dyn Reach>) -> Planner {
        Planner {
            reach,
            looks: Mutex::default(),
            asked: Mutex::default(),
            facts: Mutex::default(),
            warnings: Mutex::default(),
            held: Mutex::default(),
            touched: Mutex::default(),
        }
    }

    /// Forgets what was changed: another path begins.
    pub fn begin_path(&self) {
        self.touched.lock().clear();
        self.asked.lock().clear();
    }

    /// What was seen of what stays as it is while nobody changes it, in the order in which it was looked at.
    pub fn facts(&self) -> Vec<Fact> {
        self.facts.lock().clone()
    }

    /// What whoever reads the plan should know besides.
    pub fn warnings(&self) -> Vec<String> {
        self.warnings.lock().iter().cloned().collect()
    }

    fn is_touched(&self, server: Option<&Server>, reads: &[Facet]) -> bool {
        let touched = self.touched.lock();
        touched.iter().any(|touched| reads.iter().any(|facet| touched.is_seen_by(server, *facet)))
    }

    /// Looks once, whatever path asks for it: at what is there now, or at what will be there once it is changed.
    fn look(&self, given: &Given, host: &Host, touched: bool) -> Result<Value> {
        let Given { primitive, arguments, .. } = *given;
        let key = key(given, touched);
        let is_first = self.asked.lock().insert(key.clone());
        self.remembered(key, is_first, host, &|host| {
            let found = match touched {
                true => self.reach.predict(given, host),
                false => self.reach.perform(given, host),
            };
            if let (Ok(outcome), false, true) =
                (&found, touched, primitive.facets().iter().all(|facet| facet.is_steady()))
            {
                let call = Call { name: primitive.name().into(), arguments: arguments.clone() };
                let mut facts = self.facts.lock();
                facts.push(Fact { call, outcome: outcome.clone() });
            }
            found
        })
    }

    /// What is known of this, or what `find` finds now. `tells` says whether this path is still to be told what was told
    /// then: each path tells the same, so that they can be laid beside each other.
    fn remembered(
        &self,
        key: String,
        tells: bool,
        host: &Host,
        find: &dyn Fn(&Host) -> Result<Value>,
    ) -> Result<Value> {
        let known = self.looks.lock().get(&key).cloned();
        if let Some(Look { found, told }) = known {
            told.into_iter().filter(|_| tells).for_each(host.tell);
            return found;
        }
        let told = Mutex::new(Vec::new());
        let tell = |one: Told| {
            told.lock().push(one.clone());
            (host.tell)(one);
        };
        let listening =
            Host { server: host.server, folder: host.folder, stop: host.stop, tell: &tell, hold: host.hold };
        let found = find(&listening);
        let told = std::mem::take(&mut *told.lock());
        self.looks.lock().insert(key, Look { found: found.clone(), told });
        found
    }
}

/// One question to the world, as something to remember its answer by.
fn key(given: &Given, predicts: bool) -> String {
    format!("{} {} {predicts}", given.primitive.name(), Value::Object(given.arguments.clone()))
}

impl Reach for Planner {
    fn perform(&self, given: &Given, host: &Host) -> Result<Value> {
        let (primitive, is_known) = (given.primitive, given.is_known());
        // Some can foresee more than others of what they are given when it is not known yet.
        let is_lost = !is_known && given.accepted().is_err();
        let predict = || match is_lost {
            true => Ok(data::unknown(primitive.name())),
            false => self.remembered(key(given, true), true, host, &|host| self.reach.predict(given, host)),
        };
        match primitive.sort() {
            Sort::Session if !is_known => Ok(Value::Null),
            Sort::Look if !is_known => predict(),
            Sort::Look => self.look(given, host, self.is_touched(host.server, primitive.facets())),
            Sort::Session => self.reach.perform(given, host),
            Sort::Change | Sort::Ask => {
                let predicted = predict()?;
                let touched = primitive.facets().iter().map(|facet| Touched::new(host.server, *facet));
                self.touched.lock().extend(touched);
                Ok(predicted)
            }
        }
    }

    fn predict(&self, given: &Given, host: &Host) -> Result<Value> {
        self.reach.predict(given, host)
    }

    fn after_crash(&self, _: &Given, _: &Host) -> Result<Probe<Value>> {
        Ok(Probe::GoOn)
    }

    fn end(&self, _: &Host) -> Result<()> {
        Ok(())
    }

    fn ask(&self, given: &Given, _: &dyn Person) -> Result<(Value, Option<Answer>)> {
        if !given.is_known() {
            return Ok((data::unknown(given.primitive.name()), None));
        }
        let nowhere = Host {
            server: None,
            folder: std::path::Path::new(""),
            stop: &crate::stop::Stop::new(),
            tell: &|_: Told| {},
            hold: &|_: &str| Ok(()),
        };
        Ok((given.accepted()?.predict(&nowhere)?, None))
    }

    /// Takes nothing; a plan may be made while somebody works, but should say so.
    fn hold(&self, server: &Server, _: Holder, _: &Stop, _: &dyn Fn(Told)) -> Result<Option<Box<dyn Held>>> {
        let name = &server.name;
        if self.held.lock().contains(name) {
            return Ok(None);
        }
        let warn = |text| {
            self.warnings.lock().insert(text);
        };
        match inquiry::lock(self, server)? {
            State::Held(holder) => warn(format!("{name} is held by {}", lock::describe(&holder))),
            State::Unknown(why) => warn(format!("it is unknown whether somebody holds {name}: {why}")),
            State::Free | State::Left(_) => match inquiry::noted(self, server) {
                Ok(Noted { book, .. }) => {
                    if let Some(open) = book.half_way_beside("") {
                        warn(format!("{name} has an unfinished run: {}", book::describe(&book, open)));
                    }
                }
                Err(failure) => warn(failure.to_string()),
            },
        }
        self.held.lock().insert(name.clone());
        Ok(None)
    }

    fn inquire(&self, server: &Server, inquiry: &Inquiry) -> Result<Value> {
        self.reach.inquire(server, inquiry)
    }
}
