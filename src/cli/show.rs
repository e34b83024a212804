//! `banister show`.

pub mod about;
pub mod answers;
pub mod by_hand;

use super::context::Context;
use super::elsewhere;
use super::homes::{self, Found};
use super::outcome;
use crate::event::{RunState, StepState};
use crate::failure::{Failure, Kind, Result};
use crate::journal::file::Unread;
use crate::journal::index::Restarted;
use crate::journal::run::{Glance, Summary};
use crate::key::Key;
use crate::report::failure::render;
use crate::report::text::{elapsed, table};
use crate::runner::moved::moved;
use crate::runner::untaken;
use crate::secret;
use serde_json::{Value, json};
use std::collections::{BTreeMap, HashMap};

/// Shows a run: its steps, why it stopped, and what to type next.
pub fn show(context: &Context, name: Option<&str>) -> Result<u8> {
    if let Some(found) = elsewhere(context, name)? {
        return elsewhere::show(context, &found);
    }
    let Some(glance) = context.find_run(name, |_| true)? else {
        return Err(Failure::new(Kind::NotFound, "there are no runs yet")
            .help("begin one with `banister run update`"));
    };
    let glance = glance.verified();
    let (summary, unread) = Summary::as_far_as_readable(&glance.path);
    let steps = steps(&summary);
    if context.json {
        let failure = unread.as_ref().map(Unread::failure).or(summary.index.failure());
        let mut document = head(&glance, failure);
        document["steps"] = steps
            .iter()
            .map(|step| {
                json!({
                    "name": step.name, "server": step.server, "state": step.state, "seconds": step.seconds,
                    "source": step.source, "skipped": step.skipped, "rollback": step.rollback,
                })
            })
            .collect();
        let state = |server: &String| {
            let mut state = json!({
                "name": server,
                "state": outcome::servers::state(&summary, server),
                "release": outcome::servers::release(&summary, server),
            });
            if let Some(left) = outcome::servers::left(&summary, server, &BTreeMap::new()) {
                state["left"] = left.json();
            }
            state
        };
        let restart =
            |restart: &Restarted| json!({ "step": restart.step, "by": restart.by, "time": restart.time });
        document["restarts"] = summary.index.restarts.iter().map(restart).collect();
        document["untaken_notices"] = json!(untaken::untaken(&summary.path));
        document["answers"] = answers::json(&summary);
        document["by_hand"] = by_hand::json(&summary);
        document["server_states"] = summary.header.servers.iter().map(state).collect();
        println!("{}", secret::show_value(document));
        return Ok(unread.is_some().into());
    }
    println!(
        "run {}: {} on {}{}",
        summary.name,
        summary.header.runbook,
        summary.header.servers.join(", "),
        answers::parameters(&summary)
    );
    let schedule = if summary.header.schedule.is_some() { ", by schedule" } else { "" };
    println!("begun {} by {}{schedule}", glance.started, summary.header.by);
    for restart in &summary.index.restarts {
        let text = format!("started again from step `{}` by {}, {}", restart.step, restart.by, restart.time);
        println!("{}", secret::show(&text));
    }
    let row = |step: &Step| {
        let state = match &step.skipped {
            Some(reason) => format!("skipped: {reason}"),
            None => json!(step.state).as_str().unwrap_or_default().to_owned(),
        };
        let seconds = step.seconds.map(elapsed).unwrap_or_default();
        vec![
            format!("{}{}", "  ".repeat(step.depth + 1), step.name),
            state,
            seconds,
            step.server.clone().unwrap_or_default(),
        ]
    };
    let begins_rollback = steps.iter().position(|step| step.rollback);
    let mut rows: Vec<Vec<String>> = steps.iter().map(row).collect();
    if let Some(at) = begins_rollback {
        rows.insert(at, vec!["  rollback".into(), String::new(), String::new(), String::new()]);
    }
    print!("{}", secret::show(&table(&rows)));
    let answered = answers::text(&summary);
    if !answered.is_empty() {
        print!("{}\n{answered}", context.style.bold("answered"));
    }
    let by_hand = by_hand::text(&summary);
    if !by_hand.is_empty() {
        print!("{}\n{by_hand}", context.style.bold("done by hand"));
    }
    if let Some(unread) = &unread {
        eprint!("{}", render(unread.failure(), context.style));
    } else if let Some(failure) = summary.index.failure() {
        print!("{}", render(failure, context.style));
    }
    for untaken in untaken::untaken(&summary.path) {
        println!("{} {}", context.style.warn("warning:"), secret::show(&untaken.line()));
    }
    let (state, next) = outcome::lines(context, &summary);
    println!("{} {}", context.style.bold("state:"), secret::show(&state));
    let next = match summary.state {
        RunState::Damaged | RunState::Newer => outcome::after_a_look(context, &summary),
        _ => next,
    };
    println!("{}  {}", context.style.bold("next:"), secret::show(&next));
    Ok(unread.is_some().into())
}

/// The run, if it is at its server: the one that is named, or the last one of all.
fn elsewhere(context: &Context, name: Option<&str>) -> Result<Option<Found>> {
    let here = match name {
        Some(_) => None,
        None => context.find_run(None, |_| true)?,
    };
    homes::newest(
        context,
        name,
        here,
        |_| true,
        |here, failure| match here {
            // One that is here can be shown.
            Some(_) => Ok(None),
            None => Err(failure),
        },
    )
}

/// What `runs --json` and `show --json` both say.
pub fn head(glance: &Glance, failure: Option<&Failure>) -> Value {
    json!({
        "run": glance.name,
        "runbook": glance.header.runbook,
        "parameters": glance.header.parameters,
        "state": glance.state,
        "servers": glance.header.servers,
        "started": glance.started,
        "ended": glance.last.as_ref().filter(|_| glance.state != RunState::Running),
        "by": glance.header.by,
        "schedule": glance.header.schedule,
        "releases": moved(&glance.path),
        "failure": failure,
    })
}

struct Step {
    name: String,
    depth: usize,
    server: Option<String>,
    state: StepState,
    seconds: Option<f64>,
    source: String,
    /// Why it was left out, if it was.
    skipped: Option<String>,
    /// Whether it is one of the rollback.
    rollback: bool,
}

/// The reasons that steps were left out for by the scripts, by the steps' keys.
fn skipped(summary: &Summary) -> HashMap<Key<'_>, &str> {
    let calls = summary.index.course().into_iter().rev().filter(|(_, record)| record.call.name == "skipped");
    let reasons =
        calls.filter_map(|(key, record)| Some((key.frame(), record.call.arguments.get("reason")?.as_str()?)));
    // The first of a step is collected last, and stays.
    reasons.collect()
}

/// The steps in the order of the script, then those of the rollback; one that did not end is what stopped the run, or runs.
fn steps(summary: &Summary) -> Vec<Step> {
    let index = &summary.index;
    let unfinished = match summary.state {
        RunState::Running => StepState::Running,
        RunState::Interrupted | RunState::Damaged | RunState::Newer => StepState::Interrupted,
        _ => StepState::Failed,
    };
    let only = match summary.header.servers.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    };
    let skipped = skipped(summary);
    let reason = |key: Key| match index.skip(key) {
        Some(skip) => Some(format!("{} ({})", skip.reason, skip.by)),
        None => skipped.get(&key).map(|reason| (*reason).to_owned()),
    };
    let step = |key: Key| {
        let block = index.block(key)?;
        Some(Step {
            name: block.name.clone(),
            // Those of the rollback are in it, wherever it was declared.
            depth: key.depth(),
            server: index.server_of(key).map(str::to_owned).or_else(|| only.clone()),
            state: if block.seconds.is_some() { StepState::Done } else { unfinished },
            seconds: block.seconds,
            source: block.source.to_string(),
            skipped: reason(key),
            rollback: key.in_handler(),
        })
    };
    let mut keys: Vec<Key> = index.block_order().filter(|key| !key.is_branch() && !key.is_typed()).collect();
    // What was declared last is rolled back first.
    let mut handlers: Vec<Key> = Vec::new();
    for key in &keys {
        handlers.extend(key.declaration().filter(|handler| !handlers.contains(handler)));
    }
    let begun = |key: &Key| handlers.iter().position(|handler| key.declaration() == Some(*handler));
    keys.sort_by_cached_key(|key| (begun(key), key.order()));
    keys.into_iter().filter_map(step).collect()
}
