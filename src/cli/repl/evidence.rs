//! What is known of a run that stopped: why, what its last command said, and how things are now.

use super::work::still_running;
use crate::cli::context::{Context, at_once};
use crate::cli::{outcome, show, status};
use crate::command;
use crate::event::RunState;
use crate::failure::{Failure, Result};
use crate::journal::Outcome;
use crate::journal::run::{self, Summary};
use crate::primitives;
use crate::report::failure::render;
use crate::script::repl::Repl;
use crate::secret;
use crate::site::Site;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much of a command's output is shown.
const LINES: usize = 15;

/// Prints it. `folder` is that of the run.
pub fn show(context: &Context, folder: &Path, repl: &Repl) -> Result<()> {
    let summary = Summary::read(folder)?;
    let style = context.style;
    let begun = summary.index.started.clone().unwrap_or_default();
    let on = summary.header.servers.join(", ");
    println!("{}", style.bold(&format!("run {}: {} on {on}", summary.name, summary.header.runbook)));
    println!("begun {begun} by {}", summary.header.by);
    let (state, _) = outcome::lines(context, &summary);
    println!("{} {}", style.bold("state:"), secret::show(&state));
    let output = last_output(&summary);
    if let Some((_, Some(failure))) = &summary.index.finished {
        // The reasons are the end of the output, which is shown longer.
        let why = if output.is_some() { Vec::new() } else { failure.why.clone() };
        print!("{}", render(&Failure { why, ..failure.clone() }, style));
    }
    if let Some((call, lines)) = output {
        println!("{}", style.bold(&format!("the last output of {call}")));
        lines.iter().for_each(|line| println!("  {}", secret::show(line)));
    }
    if let Some(call) = still_running(&summary)? {
        println!("{call} {}", style.warn("is still running: `resume` follows it"));
    }
    let by_hand = show::by_hand::text(&summary);
    if !by_hand.is_empty() {
        println!("{}", style.bold("done by hand since"));
        print!("{by_hand}");
    }
    servers(context, &summary)?;
    println!("{} {}", style.bold("variables:"), repl.variables().join(", "));
    println!("{} {}", style.bold("next:"), words(&summary));
    Ok(())
}

/// The call that ended the run, or was cut off with it, and the end of what it said, if it said anything here.
fn last_output(summary: &Summary) -> Option<(String, Vec<String>)> {
    let calls = summary.index.course().into_iter().rev().filter(|(key, _)| !key.is_typed());
    let mut ended_badly = calls.filter(|(_, record)| !matches!(record.outcome, Some(Outcome::Done(_))));
    let (key, record) = ended_badly.next()?;
    let folder: PathBuf = run::log(&summary.path, key, record.attempt);
    let lines = command::tail(&folder, LINES, &|line| crate::secret::show(line).into_owned());
    (!lines.is_empty()).then(|| (primitives::describe(&record.call), lines))
}

/// What is checked out on each server, and whether it is healthy.
fn servers(context: &Context, summary: &Summary) -> Result<()> {
    let site = Arc::new(Site::load(&summary.header.site)?);
    let reach = context.reach(&site);
    let servers: Vec<_> =
        summary.header.servers.iter().map(|name| site.server(name)).collect::<Result<Vec<_>>>()?;
    let found = at_once(&servers, |server| status::look(context, &site, &reach, server));
    for (server, looked) in servers.iter().zip(found) {
        let looked = looked?;
        let (release, health) = (looked.release(context.style), looked.health(context.style));
        println!("{} release {release}; {health}", context.style.bold(&format!("{}:", server.name)));
    }
    Ok(())
}

/// What can be typed to get on.
fn words(summary: &Summary) -> String {
    if matches!(summary.state, RunState::Done | RunState::RolledBack) {
        return "nothing is left to do in it".into();
    }
    let mut words = vec!["resume".to_owned()];
    if summary.index.way_back && !summary.index.rollback {
        words.push("roll_back".into());
    }
    let step = summary.index.open_steps().last();
    words.extend(step.map(|(_, block)| format!("skip \"{}\"", block.name)));
    words.push("evidence".into());
    words.push("help".into());
    words.join(", ")
}
