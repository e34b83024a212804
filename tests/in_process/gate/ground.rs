//! A site of which no server is there, and runs on it.

use super::model::{AWKWARD, Model};
use super::stand_in::{Found, StandIn};
use super::story::Story;
use super::written::Written;
use crate::support::chance::{self, Chance};
use banister::data::Arguments;
use banister::failure::{Failure, Kind, Result};
use banister::internals::event::{Event, RunState};
use banister::internals::journal::Header;
use banister::internals::journal::run::{self, OpenRun};
use banister::internals::person::{Answer, Form, Person, Question};
use banister::internals::primitives;
use banister::internals::script::layers::{Kinds, Layers};
use banister::internals::script::runbook::{OnFailure, Runbook};
use banister::internals::secret::put_together;
use banister::internals::session::{self, Direction, Parts, Session};
use banister::internals::site::Site;
use banister::internals::stop::Stop;
use banister::primitive::Sort;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// A runbook with its parameters, and the servers that it is about.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    pub name: &'static str,
    pub runbook: &'static str,
    /// That of each server; of several, with blanks between.
    pub kind: &'static str,
    pub servers: &'static [&'static str],
    pub parameters: &'static [(&'static str, &'static str)],
    /// What the table of each server has besides, as `site.toml`.
    pub table: &'static str,
}

/// The sorts of records, or of calls, that a test has tried.
#[derive(Default)]
pub struct Tried(Mutex<BTreeSet<String>>);

pub struct Ground {
    folder: tempfile::TempDir,
    pub case: Case,
    pub site: Arc<Site>,
    pub layers: Arc<Layers>,
    pub header: Header,
    runbook: Runbook,
    runs: AtomicUsize,
}

/// How a session ended.
pub struct Ended {
    pub path: PathBuf,
    pub failure: Option<Failure>,
    pub state: RunState,
    pub standin: Arc<StandIn>,
}

impl Ended {
    pub fn story(&self) -> Story {
        Story::read(&self.path)
    }
}

impl Ground {
    pub fn new(case: Case) -> Ground {
        Ground::with(case, "")
    }

    /// The same with a runbook of the site's own.
    pub fn with(case: Case, runbook: &str) -> Ground {
        // In memory, if there is such a folder: whether a record outlives a power cut is another test's.
        let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
        let home = folder.path().display();
        let kinds: Vec<&str> = case.kind.split(' ').collect();
        let table = |(n, name): (usize, &&str)| {
            format!(
                "[servers.{name}]\nkind = \"{}\"\ncheckout = \"checkout\"\nendpoint = \"https://{name}.test\"\n\
                 environment = {{ HOME = \"{home}\" }}\n{}\n",
                kinds[n % kinds.len()],
                case.table
            )
        };
        let tables = case.servers.iter().enumerate().map(table);
        fs::write(folder.path().join("site.toml"), tables.collect::<String>()).unwrap();
        if !runbook.is_empty() {
            fs::create_dir(folder.path().join("runbooks")).unwrap();
            fs::write(folder.path().join("runbooks").join(format!("{}.rhai", case.runbook)), runbook)
                .unwrap();
        }
        let site = Arc::new(Site::load(&folder.path().join("site.toml")).unwrap());
        let layers = Arc::new(Layers::of_site(Some(site.folder()), Kinds::of(site.servers.values())));
        let runbook = Runbook::load(layers.clone(), case.runbook).unwrap();
        runbook.check().unwrap();
        let parameter = |(name, value): &(&str, &str)| {
            let value = value.replace("AWKWARD", AWKWARD);
            ((*name).to_owned(), if value == "true" { json!(true) } else { json!(value) })
        };
        let parameters: Arguments = case.parameters.iter().map(parameter).collect();
        let servers = case.servers.iter().map(|name| (*name).to_owned()).collect();
        let header = session::header(&site, case.runbook, parameters, servers);
        Ground { folder, case, site, layers, header, runbook, runs: AtomicUsize::new(0) }
    }

    /// Those of a run's records, or calls, that are tried: of so many one, others with each seed, and one of each sort that no
    /// runbook of the test had so far; in a long run each. What one runbook leaves out another one meets: all pass the same
    /// gate.
    pub fn some_of<T: Clone + Ord>(
        &self,
        items: Vec<T>,
        tried: &Tried,
        sort: impl Fn(&T) -> String,
    ) -> Vec<T> {
        let mut sorts: BTreeMap<String, Vec<T>> = BTreeMap::new();
        for item in &items {
            sorts.entry(sort(item)).or_default().push(item.clone());
        }
        let part = match (self.case.kind, self.case.runbook) {
            ("plain", "update") => 9,
            ("plain", _) => 19,
            _ => 47,
        };
        let mut some: BTreeSet<T> = chance::part(items, part).into_iter().collect();
        let mut tried = tried.0.lock().unwrap();
        let mut chance = Chance::of(chance::seed());
        for (sort, alike) in sorts {
            if tried.insert(sort) && !alike.iter().any(|item| some.contains(item)) {
                some.insert(alike[chance.below(alike.len())].clone());
            }
        }
        some.into_iter().collect()
    }

    pub fn model(&self) -> Model {
        Model::new(self.site.servers.values().map(|server| (server.name.clone(), server.kind.clone())))
    }

    /// The model after all that the journal says was changed.
    pub fn model_after(&self, path: &Path) -> Model {
        let mut model = self.model();
        let mut begun = std::collections::HashMap::new();
        Written::read(path).records.into_iter().for_each(|record| match record.entry {
            banister::internals::journal::Entry::Begun { key, call, .. } => drop(begun.insert(key, call)),
            banister::internals::journal::Entry::Ended {
                key,
                result: banister::internals::journal::Outcome::Done(_),
                ..
            } => {
                let is_change = |name: &str| primitives::find(name).is_some_and(|p| p.sort() == Sort::Change);
                if let Some(call) = begun.get(&key).filter(|call| is_change(&call.name)) {
                    let arguments = put_together(json!(call.arguments));
                    model.answer(&call.name, arguments.as_object().unwrap());
                }
            }
            _ => {}
        });
        model
    }

    /// The folder of a run that is not there yet.
    pub fn name(&self) -> String {
        format!("run-{}", self.runs.fetch_add(1, Ordering::Relaxed))
    }

    pub fn state(&self) -> &Path {
        self.folder.path()
    }

    /// A run whose journal is what is given.
    pub fn run_of(&self, journal: &[u8]) -> PathBuf {
        let path = run::folder(self.state()).join(self.name());
        fs::create_dir_all(&path).unwrap();
        fs::write(path.join("journal.jsonl"), journal).unwrap();
        path
    }

    pub fn parts(&self, header: Header, standin: &Arc<StandIn>, person: Arc<dyn Person>) -> Parts {
        Parts {
            site: self.site.clone(),
            header,
            stop: Arc::new(Stop::new()),
            reach: standin.clone(),
            listener: Arc::new(|_: &Event| {}),
            person,
            stepwise: false,
        }
    }

    /// Begins a run, and works on it until it ends.
    pub fn begin(&self, standin: StandIn, person: Answers, on_failure: OnFailure) -> Ended {
        let run = OpenRun::create(self.state(), &self.name()).unwrap();
        self.work(run, Arc::new(standin), person, false, on_failure)
    }

    /// A run from its beginning to its end at which nobody looks on.
    pub fn unobserved(&self) -> Ended {
        self.begin(StandIn::new(self.model(), Found::GoOn), Answers::new("stop"), OnFailure::Stop)
    }

    /// A run from its beginning to its end, with which nothing happens. What must not be is told.
    pub fn undisturbed(&self) -> Ended {
        let ended = self.begin(StandIn::witness(self.model()), Answers::new("stop"), OnFailure::Stop);
        assert_eq!(ended.failure, None, "{}", self.case.name);
        assert_eq!(ended.standin.seen().faults, Vec::<String>::new(), "{}", self.case.name);
        ended
    }

    /// Goes on with the run in this folder, or back.
    pub fn resume(&self, path: &Path, standin: StandIn, person: Answers, rollback: bool) -> Result<Ended> {
        let run = OpenRun::open(path)?;
        Ok(self.work(run, Arc::new(standin), person, rollback, OnFailure::Stop))
    }

    /// As `run` and `resume` do it.
    fn work(
        &self,
        run: OpenRun,
        standin: Arc<StandIn>,
        person: Answers,
        rollback: bool,
        on_failure: OnFailure,
    ) -> Ended {
        let path = run.path.clone();
        let header = run.index.header.clone().unwrap_or_else(|| self.header.clone());
        let parts = self.parts(header, &standin, Arc::new(person));
        let direction = if rollback { Direction::Back } else { Direction::On };
        let session = Arc::new(Session::begin(parts, Some(run), direction).unwrap());
        let settled = if session.is_turned_back() { Ok(()) } else { session.settle_typed() };
        let result =
            settled.and_then(|()| self.runbook.run(&session, &session.header.parameters, None, on_failure));
        let failure = result.clone().err();
        let state = session.finish(result, path.clone()).state;
        Ended { path, failure, state, standin }
    }

    pub fn runbook(&self) -> &Runbook {
        &self.runbook
    }
}

/// A person who says yes, gives awkward reasons, and has one word where there is a choice.
pub struct Answers {
    choice: &'static str,
    /// The question at which the person leaves, counted from 0.
    leaves_at: Option<usize>,
    asked: AtomicUsize,
}

impl Answers {
    pub fn new(choice: &'static str) -> Answers {
        Answers { choice, leaves_at: None, asked: AtomicUsize::new(0) }
    }

    pub fn leaving_at(nth: usize) -> Answers {
        Answers { leaves_at: Some(nth), ..Answers::new("stop") }
    }
}

impl Person for Answers {
    fn ask(&self, question: &Question) -> Result<Answer> {
        if self.leaves_at == Some(self.asked.fetch_add(1, Ordering::Relaxed)) {
            return Err(Failure::new(Kind::Declined, "nobody is there"));
        }
        let text = match question.form {
            Form::Confirm | Form::Done => "yes".to_owned(),
            Form::Line { .. } => format!("a reason {AWKWARD}"),
            Form::Choice { .. } => self.choice.to_owned(),
        };
        Ok(Answer { text, by: format!("somebody {AWKWARD}") })
    }
}

/// A call that was cut off, and what a person who is asked says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fate {
    pub found: Found,
    pub choice: &'static str,
}

/// All that a call can meet that was cut off.
pub const FATES: [Fate; 5] = [
    Fate { found: Found::GoOn, choice: "stop" },
    Fate { found: Found::Happened, choice: "stop" },
    Fate { found: Found::Again, choice: "stop" },
    Fate { found: Found::Unknown, choice: "again" },
    Fate { found: Found::Unknown, choice: "done" },
];
