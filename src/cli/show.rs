//! `banister show`.

pub mod by_hand;

use super::context::Context;
use super::outcome;
use crate::event::{RunState, StepState};
use crate::failure::{Failure, Kind, Result};
use crate::journal::key;
use crate::journal::run::{Glance, Summary};
use crate::report::failure::render;
use crate::report::text::{elapsed, table};
use crate::secret;
use serde_json::{Value, json};

/// Shows a run: its steps, why it stopped, and what to type next.
pub fn show(context: &Context, name: Option<&str>) -> Result<u8> {
    let Some(glance) = context.find_run(name, |_| true)? else {
        return Err(Failure::new(Kind::NotFound, "there are no runs yet")
            .help("begin one with `banister run update`"));
    };
    let summary = Summary::read(&glance.path)?;
    let steps = steps(&summary);
    if context.json {
        let failure = summary.index.finished.as_ref().and_then(|(_, failure)| failure.as_ref());
        let mut document = head(&glance, failure);
        document["steps"] = steps
            .iter()
            .map(|step| {
                json!({
                    "name": step.name, "server": step.server, "state": step.state, "seconds": step.seconds,
                    "source": step.source, "skipped": step.skipped,
                })
            })
            .collect();
        let state = |server: &String| {
            json!({
                "name": server,
                "state": outcome::servers::state(&summary, server),
                "release": outcome::servers::release(&summary, server),
            })
        };
        document["by_hand"] = by_hand::json(&summary);
        document["server_states"] = summary.header.servers.iter().map(state).collect();
        println!("{}", secret::show_value(document));
        return Ok(0);
    }
    println!("run {}: {} on {}", summary.name, summary.header.runbook, summary.header.servers.join(", "));
    println!("begun {} by {}", summary.index.started.clone().unwrap_or_default(), summary.header.by);
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
    print!("{}", secret::show(&table(&steps.iter().map(row).collect::<Vec<_>>())));
    let by_hand = by_hand::text(&summary);
    if !by_hand.is_empty() {
        print!("{}\n{by_hand}", context.style.bold("done by hand"));
    }
    if let Some((_, Some(failure))) = &summary.index.finished {
        print!("{}", render(failure, context.style));
    }
    let (state, next) = outcome::lines(context, &summary);
    println!("{} {}", context.style.bold("state:"), secret::show(&state));
    println!("{}  {}", context.style.bold("next:"), secret::show(&next));
    Ok(0)
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
        "by": glance.header.by,
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
}

/// The reason that a step was left out for.
fn skipped(summary: &Summary, step: &str) -> Option<String> {
    if let Some(skip) = summary.index.skip(step) {
        return Some(format!("{} ({})", skip.reason, skip.by));
    }
    let calls = summary.index.course();
    let is_in_it = |key: &str| key.rsplit_once('/').is_some_and(|(around, _)| around == step);
    let (_, record) =
        calls.into_iter().find(|(key, record)| record.call.name == "skipped" && is_in_it(key))?;
    Some(record.call.arguments.get("reason")?.as_str()?.to_owned())
}

/// The steps in the order in which they began; one that did not end is what stopped the run, or runs.
fn steps(summary: &Summary) -> Vec<Step> {
    let index = &summary.index;
    let unfinished = match summary.state {
        RunState::Running => StepState::Running,
        RunState::Interrupted => StepState::Interrupted,
        _ => StepState::Failed,
    };
    let only = match summary.header.servers.as_slice() {
        [only] => Some(only.clone()),
        _ => None,
    };
    let step = |key: &String| {
        let block = index.block(key)?;
        Some(Step {
            name: block.name.clone(),
            depth: key.matches('/').count().saturating_sub(1),
            server: index.server_of(key).map(str::to_owned).or_else(|| only.clone()),
            state: if block.seconds.is_some() { StepState::Done } else { unfinished },
            seconds: block.seconds,
            source: block.source.clone(),
            skipped: skipped(summary, key),
        })
    };
    let is_step = |key: &&String| !key.ends_with(']') && !key::is_typed(key);
    let mut keys: Vec<&String> = index.block_order.iter().filter(is_step).collect();
    keys.sort_by(|a, b| key::compare(a, b));
    keys.into_iter().filter_map(step).collect()
}
