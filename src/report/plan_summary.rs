//! A plan in a few lines: its steps, what each does to the server, how long it took last time, and what is not known.

use super::text::{Style, counted, elapsed, table};
use crate::script::plan::{Arm, Item, Plan, What};
use std::collections::BTreeMap;

/// So many steps are listed; a plan of more says how many there are.
const STEPS: usize = 10;

/// A step of the run itself, with all that is done in it.
#[derive(Default)]
struct Step {
    changes: usize,
    questions: usize,
    /// Whether all ways that the run may go have it.
    always: bool,
}

/// The summary. `took` has the seconds of steps by their names, as the last run of the runbook that was done took them.
pub fn lines(plan: &Plan, took: &BTreeMap<String, f64>, style: Style) -> String {
    let mut steps = Vec::new();
    collect(course(&plan.items), true, &mut steps);
    let rows = steps.iter().take(STEPS).map(|(name, step)| {
        let seconds = took.get(name).map(|seconds| format!("{} last time", elapsed(*seconds)));
        vec![style.bold(name), step.does(), seconds.unwrap_or_default()]
    });
    let rows: Vec<Vec<String>> = rows.collect();
    let mut out: String = table(&rows).lines().map(|line| format!("  {}\n", line.trim_end())).collect();
    if steps.len() > STEPS {
        out += &format!("  and {} more steps\n", steps.len() - STEPS);
    }
    let changes = plan.count(|what| matches!(what, What::Change { .. }));
    let questions = plan.count(|what| matches!(what, What::Ask { .. }));
    let most = if plan.ways > 1 { "at most " } else { "" };
    out += &format!("in all: {most}{}, {}\n", counted(changes, "change"), counted(questions, "question"));
    if changes > 0 && plan.failure.is_none() {
        out += match declares_rollback(&plan.items) {
            true => "rollback: declared, shown at the end\n",
            false => "rollback: none is declared; changes can't be rolled back\n",
        };
    }
    let unknown = unknown(course(&plan.items));
    if let Some((first, others)) = unknown.split_first() {
        let more = if others.is_empty() { String::new() } else { format!(", and {} more", others.len()) };
        out += &format!("not known yet: {first}{more}\n");
    }
    out
}

/// Whether a rollback is declared, on any way.
fn declares_rollback(items: &[Item]) -> bool {
    items.iter().any(|item| match &item.what {
        What::WayBack => true,
        What::Fork { arms, .. } => arms.iter().any(|arm| declares_rollback(&arm.items)),
        _ => false,
    })
}

/// What is before the rollback.
fn course(items: &[Item]) -> &[Item] {
    let end = items.iter().position(|item| item.what == What::WayBack).unwrap_or(items.len());
    &items[..end]
}

/// Adds the outermost steps, each once, in the order in which they first come.
fn collect(items: &[Item], always: bool, steps: &mut Vec<(String, Step)>) {
    let mut open: Option<usize> = None;
    for item in items {
        match &item.what {
            What::Step { name, .. } if item.depth == 0 => {
                let known = steps.iter().position(|(other, _)| other == name);
                open = Some(known.unwrap_or_else(|| {
                    steps.push((name.clone(), Step { always, ..Step::default() }));
                    steps.len() - 1
                }));
            }
            What::Change { .. } if item.depth > 0 => {
                if let Some((_, step)) = open.and_then(|open| steps.get_mut(open)) {
                    step.changes += 1;
                }
            }
            What::Ask { .. } if item.depth > 0 => {
                if let Some((_, step)) = open.and_then(|open| steps.get_mut(open)) {
                    step.questions += 1;
                }
            }
            What::Fork { arms, .. } => {
                let most = |is: fn(&What) -> bool| {
                    arms.iter().map(|arm| count(&arm.items, is)).max().unwrap_or_default()
                };
                if let Some((_, step)) = open.filter(|_| item.depth > 0).and_then(|open| steps.get_mut(open))
                {
                    step.changes += most(|what| matches!(what, What::Change { .. }));
                    step.questions += most(|what| matches!(what, What::Ask { .. }));
                }
                either(arms, steps);
            }
            _ => {}
        }
    }
}

/// Adds the steps of several ways, of which a run takes one: what each step does at most.
fn either(arms: &[Arm], steps: &mut Vec<(String, Step)>) {
    let mut most: Vec<(String, Step)> = Vec::new();
    for arm in arms {
        let mut own = Vec::new();
        collect(course(&arm.items), false, &mut own);
        for (name, step) in own {
            match most.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => {
                    known.changes = known.changes.max(step.changes);
                    known.questions = known.questions.max(step.questions);
                }
                None => most.push((name, step)),
            }
        }
    }
    for (name, step) in most {
        match steps.iter_mut().find(|(known, _)| *known == name) {
            Some((_, known)) => {
                known.changes += step.changes;
                known.questions += step.questions;
            }
            None => steps.push((name, step)),
        }
    }
}

/// How many items of a step are of a sort: those before the next step.
fn count(items: &[Item], is: fn(&What) -> bool) -> usize {
    let within = items.iter().take_while(|item| !(item.depth == 0 && matches!(item.what, What::Step { .. })));
    let each = |item: &Item| match &item.what {
        What::Fork { arms, .. } => arms.iter().map(|arm| count(&arm.items, is)).max().unwrap_or_default(),
        what => usize::from(is(what)),
    };
    within.map(each).sum()
}

impl Step {
    fn does(&self) -> String {
        let parts = [(self.changes, "change"), (self.questions, "question")];
        let parts = parts.into_iter().filter(|(n, _)| *n > 0).map(|(n, one)| counted(n, one));
        let parts: Vec<String> = parts.collect();
        let does = if parts.is_empty() { "reads".to_owned() } else { parts.join(", ") };
        if self.always { does } else { format!("{does}, in some cases") }
    }
}

/// What a run may find one way or another, each once.
fn unknown(items: &[Item]) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for item in items {
        let mut add = |text: &str| {
            if !found.iter().any(|known| known == text) {
                found.push(text.to_owned());
            }
        };
        match &item.what {
            What::Fork { question, .. } => add(question),
            What::Depends { on } => add(on),
            _ => {}
        }
    }
    found
}
