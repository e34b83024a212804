//! `banister status --short`: a line for each server that needs attention, for the message of the day.

use crate::book;
use crate::cli::context::{Context, at_once, is_same_site};
use crate::cli::outcome;
use crate::cli::scheduled::refusal::{self, Refusal};
use crate::cli::show::about::length;
use crate::event::RunState;
use crate::failure::Result;
use crate::home::remembered::{self, Remembered};
use crate::home::seen;
use crate::journal::run::{Glance, Summary};
use crate::output::word;
use crate::reach::Reach;
use crate::reach::inquiry::{self, Noted};
use crate::runner::moved::moved;
use crate::runner::untaken;
use crate::secret;
use crate::site::{Server, Site};
use serde_json::json;
use std::collections::BTreeSet;

/// Prints them; nothing if nothing needs attention. It is quick: neither is health asked, nor another machine, which is said.
pub fn short(context: &Context) -> Result<u8> {
    let site = std::sync::Arc::new(context.site()?);
    let reach = context.reach(&site);
    let servers = context.servers(&site)?;
    let found = at_once(&servers, |server| attention(context, &site, reach.as_ref(), server));
    let mut list = Vec::new();
    for (server, needs) in servers.iter().zip(found) {
        let needs = needs?;
        if needs.is_empty() {
            continue;
        }
        let text = secret::show(&needs.join("; ")).replace(|c: char| c.is_control(), " ");
        if !context.json {
            println!("{}: {text}", context.style.bold(&server.name));
        }
        list.push(json!({ "name": server.name, "needs": text }));
    }
    let unasked: Vec<String> = servers
        .iter()
        .filter(|server| server.ssh.is_some())
        .map(|server| match seen::last(&context.state, &site, server) {
            Some(seen) => format!("{} (seen {})", server.name, age(&seen.at)),
            None => server.name.clone(),
        })
        .collect();
    match context.json {
        true => println!("{}", json!(list)),
        false if unasked.is_empty() || context.quiet => {}
        false => {
            println!(
                "not asked, as it is on another machine: {}; ask with `{}`",
                unasked.join(", "),
                context.command("status")
            );
        }
    }
    Ok(0)
}

/// How long ago something was, in words.
fn age(at: &str) -> String {
    match at.parse::<jiff::Timestamp>() {
        Ok(at) => {
            let seconds = jiff::Timestamp::now().duration_since(at).as_secs_f64();
            format!("{} ago", length(seconds))
        }
        Err(_) => "at an unknown time".into(),
    }
}

/// What needs somebody on a server, the most urgent first.
fn attention(context: &Context, site: &Site, reach: &dyn Reach, server: &Server) -> Result<Vec<String>> {
    let mut needs = Vec::new();
    let is_here = server.ssh.is_none();
    let noted = is_here.then(|| inquiry::noted(reach, server));
    let runs = context.find_runs(None, |glance| {
        let is_its = glance.header.servers.contains(&server.name);
        is_same_site(&glance.header.site, &site.file) && is_its
    })?;
    let read = |run: &Glance| Summary::as_far_as_readable(&run.path).0;
    let last = runs.first().map(read);
    let trouble = trouble(&runs);
    if let Some(run) = trouble.as_ref().filter(|run| outcome::needs_somebody(run)) {
        let (text, next) = outcome::lines(context, run);
        needs.push(format!("{text}; next: {next}"));
    }
    if let Some(run) = trouble.as_ref().filter(|run| outcome::went_wrong(run)) {
        let (text, _) = outcome::lines(context, run);
        needs.push(format!("{text}; see `{}`", context.command(&format!("show {}", word(&run.name)))));
    }
    // Those that were begun here and are at the server: it is not asked.
    let theirs = remembered::all(&context.state).into_iter().rev();
    let mut theirs = theirs.filter(|known| !known.over && known.is_at(site, server));
    let seen = if is_here { None } else { seen::last(&context.state, site, server) };
    let run_seen = seen.as_ref().and_then(|seen| seen.run.as_ref()).filter(|run| run.needs_somebody);
    if let Some((run, seen)) = run_seen.zip(seen.as_ref()) {
        needs.push(format!("{}, as seen {}; next: {}", run.text, age(&seen.at), run.next));
    } else if let Some(Remembered { run, runbook, .. }) = theirs.next() {
        let attach = context.command(&format!("attach {}", word(&run)));
        needs.push(format!("`{runbook}` ({run}) is at its server, and may be unfinished; see `{attach}`"));
    }
    match &noted {
        Some(Ok(noted)) => needs.extend(left(context, &server.name, noted, trouble.as_ref())),
        Some(Err(failure)) => needs.push(format!("what is unfinished is not known: {failure}")),
        None => {}
    }
    needs.extend(refusal::refusals(&context.state, &site.file, &server.name).iter().map(Refusal::line));
    let untaken = last.as_ref().map(|run| untaken::untaken(&run.path).len()).unwrap_or_default();
    if untaken > 0 {
        let of = if untaken == 1 { "a notice was" } else { "notices were" };
        needs.push(format!("{of} not taken: {}", context.command("show")));
    }
    Ok(needs)
}

/// The newest run that went wrong and was not made up for: by a later run of the same runbook, or by one that brought another
/// release. `runs` are those of one server, the newest first.
fn trouble(runs: &[Glance]) -> Option<Summary> {
    let mut seen = BTreeSet::new();
    for run in runs.iter().filter(|run| seen.insert(run.header.runbook.clone())) {
        let summary = Summary::as_far_as_readable(&run.path).0;
        if outcome::needs_somebody(&summary) || outcome::went_wrong(&summary) {
            return Some(summary);
        }
        if summary.state == RunState::Done && !moved(&run.path).is_empty() {
            return None;
        }
    }
    None
}

/// What others left unfinished on it, and what is owed to it.
fn left(context: &Context, server: &str, noted: &Noted, own: Option<&Summary>) -> Vec<String> {
    let Noted { book, orphans, .. } = noted;
    let is_other = |open: &&book::Open| {
        own.is_none_or(|own| own.name != open.run)
            && book.is_half_way(open)
            && open.state != RunState::Running
    };
    let mut found: Vec<String> = book
        .open
        .iter()
        .filter(is_other)
        .map(|open| format!("unfinished {}", book::describe(book, open)))
        .collect();
    let owed: Vec<&str> =
        book.owed.iter().filter(|owed| book.is_left(owed)).map(|owed| owed.text.as_str()).collect();
    found.extend(crate::cli::lock::overdue(context, server, noted));
    if !owed.is_empty() {
        found.push(format!("owed: {}", owed.join(", ")));
    }
    if !orphans.is_empty() {
        found.push("a command of an earlier run still runs".to_owned());
    }
    if !found.is_empty() {
        found.push(format!("see `{}`", context.command("status")));
    }
    found
}
