//! Goes through a runbook once for each way that a run may go, and tells what each way would do.

use super::fold::{Entry, fold};
use super::{Item, Plan, What};
use crate::data;
use crate::event::{Event, Listener};
use crate::failure::{Failure, Kind, Result};
use crate::journal::Header;
use crate::key::KeyBuf;
use crate::person::Nobody;
use crate::primitive::Sort;
use crate::primitives;
use crate::reach::planner::Planner;
use crate::script::engine::assumed::Assumed;
use crate::script::engine::here::Chooser;
use crate::script::engine::unknown::{depends, is_about_one};
use crate::script::runbook::{OnFailure, Runbook};
use crate::session::{Direction, Parts, Session};
use crate::site::Site;
use crate::stop::Stop;
use crate::sync::Mutex;
use rhai::EvalAltResult;
use std::collections::HashMap;
use std::sync::{Arc, MutexGuard};

/// At most so many ways are gone through: more would take a moment, but nobody could read them.
const WAYS: usize = 64;
/// A way that assumes more answers than this goes round in circles.
const ANSWERS: usize = 1_000;

/// Plans a run. Nothing is changed, neither here nor on a server.
pub fn explore(
    runbook: &Runbook,
    site: &Arc<Site>,
    header: &Header,
    planner: &Arc<Planner>,
    stop: &Arc<Stop>,
) -> Result<Plan> {
    let walk = |answers: Vec<usize>| -> Result<Vec<Entry>> {
        planner.begin_path();
        let way = Arc::new(Way { answers, ..Way::default() });
        let parts = Parts {
            site: site.clone(),
            header: header.clone(),
            stop: stop.clone(),
            reach: planner.clone(),
            listener: way.clone(),
            person: Arc::new(Nobody),
            stepwise: false,
        };
        let session = Arc::new(Session::begin(parts, None, Direction::On)?);
        let result = runbook.run(&session, &header.parameters, Some(way.clone()), OnFailure::Stop);
        if let Err(failure) = result {
            way.end(failure)?;
        }
        Ok(std::mem::take(&mut way.course().entries))
    };
    let (ways, whole) = ways(&walk)?;
    let ends = |way: &Vec<Entry>| match way.last() {
        Some(Entry::Item(Item { what: What::Stop { failure }, .. })) => Some(failure.clone()),
        _ => None,
    };
    let goes_back = |way: &&Vec<Entry>| {
        way.iter().any(|entry| matches!(entry, Entry::Item(Item { what: What::WayBack, .. })))
    };
    let (back, forth): (Vec<_>, Vec<_>) = ways.iter().partition(goes_back);
    // A way that comes to its rollback has gone well up to there.
    let failures = back.is_empty().then(|| forth.into_iter().map(ends).collect::<Option<Vec<Failure>>>());
    let failures_back: Option<Vec<Failure>> = back.into_iter().map(ends).collect();
    Ok(Plan {
        runbook: header.runbook.clone(),
        parameters: header.parameters.clone(),
        servers: header.servers.clone(),
        items: fold(&ways)?,
        ways: ways.len(),
        whole,
        failure: failures.flatten().and_then(|failures| failures.into_iter().next()),
        rollback_failure: failures_back.and_then(|failures| failures.into_iter().next()),
        warnings: planner.warnings(),
        facts: planner.facts(),
        scripts: runbook.layers().digests(),
    })
}

/// Every way there is, depth first; or, if there are too many, the first and those that answer one question of it
/// otherwise. The second value says whether these are all.
fn ways(walk: &dyn Fn(Vec<usize>) -> Result<Vec<Entry>>) -> Result<(Vec<Vec<Entry>>, bool)> {
    let mut ways: Vec<Vec<Entry>> = Vec::new();
    let mut open = vec![Vec::new()];
    while let Some(answers) = open.pop() {
        if ways.len() == WAYS {
            ways.truncate(1);
            let flipped: Vec<_> = flips(&ways[0], 0).into_iter().take(WAYS - 1).collect();
            for answers in flipped {
                ways.push(walk(answers)?);
            }
            return Ok((ways, false));
        }
        let given = answers.len();
        let way = walk(answers)?;
        // The one that is gone through next is pushed last.
        open.extend(flips(&way, given).into_iter().rev());
        ways.push(way);
    }
    Ok((ways, true))
}

/// The answers of a way with one of them, after the first `given`, otherwise.
fn flips(way: &[Entry], given: usize) -> Vec<Vec<usize>> {
    let mut before: Vec<usize> = Vec::new();
    let mut flips = Vec::new();
    for entry in way {
        let Entry::Assumed { answers, taken, .. } = entry else { continue };
        if before.len() >= given {
            flips.extend(
                (0..answers.len())
                    .filter(|other| other != taken)
                    .map(|other| before.iter().copied().chain([other]).collect::<Vec<_>>()),
            );
        }
        before.push(*taken);
    }
    // The last question first: its arms are the nearest to the way that was just gone through.
    flips.reverse();
    flips
}

/// One way while it is gone through.
#[derive(Default)]
struct Way {
    /// The answers to the first questions; those after them are answered with the first that is possible.
    answers: Vec<usize>,
    course: Mutex<Course>,
    assumed: Mutex<Assumed>,
}

#[derive(Default)]
struct Course {
    entries: Vec<Entry>,
    asked: usize,
    depth: usize,
    /// Where the calls that are open stand, by key.
    open: HashMap<KeyBuf, String>,
}

impl Way {
    fn course(&self) -> MutexGuard<'_, Course> {
        self.course.lock()
    }

    /// The way ends here, before the end of the runbook.
    fn end(&self, failure: Failure) -> Result<()> {
        let what = match failure.kind {
            Kind::Interrupted | Kind::Bug | Kind::Journal => return Err(failure),
            Kind::Depends => What::Depends { on: failure.message.clone() },
            // Rhai's own error for a value that is not what it must be; nobody knows yet what it will be.
            _ if is_about_one(&failure.message) => {
                What::Depends { on: "a value that only the run can know".into() }
            }
            _ => What::Stop { failure: failure.clone() },
        };
        let mut course = self.course();
        let at = failure.at.unwrap_or_default();
        course.depth = 0;
        course.push(at, what);
        Ok(())
    }
}

impl Course {
    fn push(&mut self, at: String, what: What) {
        self.entries.push(Entry::Item(Item { depth: self.depth, at, what }));
    }
}

impl Chooser for Way {
    fn choose(&self, about: &str, values: &[String]) -> std::result::Result<usize, Box<EvalAltResult>> {
        let mut course = self.course();
        let taken = self.answers.get(course.asked).copied().unwrap_or(0);
        course.asked += 1;
        if course.asked > ANSWERS {
            return Err(depends(format!("{about}, again and again")));
        }
        let depth = course.depth;
        course.entries.push(Entry::Assumed {
            question: about.into(),
            answers: values.to_vec(),
            taken,
            depth,
        });
        Ok(taken)
    }

    fn assumed(&self) -> MutexGuard<'_, Assumed> {
        self.assumed.lock()
    }
}

impl Listener for Way {
    fn hear(&self, event: &Event) {
        let mut course = self.course();
        match event {
            Event::StepStarted { name, depth, source, .. } => {
                course.depth = *depth;
                course.push(
                    crate::script::text::source::shown(source).into(),
                    What::Step { name: name.clone(), source: source.clone() },
                );
                course.depth += 1;
            }
            Event::StepFinished { depth, .. } => course.depth = *depth,
            Event::CallStarted { key, at, .. } => drop(course.open.insert(key.clone(), at.clone())),
            Event::CallFinished { key, name, text, outcome: Some(outcome), .. } => {
                let at = course.open.remove(key).unwrap_or_default();
                let Some(primitive) = primitives::find(name) else { return };
                let call = text.clone();
                // How services do after a change is a part of the plan; what is looked at besides is not.
                let is_open = data::contains(outcome, data::UNKNOWN) || data::contains(outcome, data::ONE_OF);
                let is_steady = primitive.facets().iter().all(|facet| facet.is_steady());
                match primitive.sort() {
                    Sort::Change => course.push(at, What::Change { call }),
                    Sort::Ask => course.push(at, What::Ask { call }),
                    Sort::Look if is_open && !is_steady => course.push(at, What::Look { call }),
                    Sort::Look | Sort::Session => {}
                }
            }
            Event::Noted { text } | Event::Printed { text } => {
                course.push(String::new(), What::Note { text: text.to_string() })
            }
            Event::Shown { title, text } => {
                course.push(String::new(), What::Text { title: title.to_string(), text: text.to_string() });
            }
            Event::Warned { text } => course.push(String::new(), What::Warning { text: text.to_string() }),
            Event::RollbackStarted => {
                course.depth = 0;
                course.push(String::new(), What::WayBack);
            }
            _ => {}
        }
    }
}
