//! The last lines of any run: the state, and the one command to type next.

mod left;
mod now;
pub mod servers;

use super::context::Context;
use crate::event::RunState;
use crate::failure::Kind;
use crate::journal::run::{self, Summary};
use crate::output::word;
use crate::primitive::Sort;
use crate::primitives;
use crate::runner::{self, answers, follow};
use crate::secret::show;
use crate::session::has_changed;
use crate::site::Site;
use now::Now;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Prints them. With the site of the run, a server that the run changed before it stopped is looked at first; one that was
/// left in a hurry is not.
pub fn print(context: &Context, summary: &Summary, site: Option<&Arc<Site>>) {
    if !context.json && context.attended.is_none() {
        let changed = servers::changed(summary);
        let failure = summary.index.finished.as_ref().and_then(|(_, failure)| failure.as_ref());
        let has_time = failure.is_some_and(|failure| failure.kind != Kind::Interrupted);
        let seen = match site.filter(|_| has_time && !changed.is_empty()) {
            Some(site) => now::look(context, site, &changed),
            None => BTreeMap::new(),
        };
        let (state, next) = lines_with(context, summary, &seen);
        // A name of several lines must not look like a line of its own.
        let line = |text: &str| show(text).replace('\n', " ");
        println!("{} {}", context.style.bold("state:"), line(&state));
        println!("{}  {}", context.style.bold("next:"), line(context.next.as_ref().unwrap_or(&next)));
    }
}

/// Whether the run is open and does not get on alone.
pub fn needs_somebody(run: &Summary) -> bool {
    run.is_open() && (run.state != RunState::Running || answers::waits(&run.path))
}

/// Whether it ended otherwise than it was meant to: nobody may have looked on when it was rolled back, or stopped before it
/// touched anything.
pub fn went_wrong(run: &Summary) -> bool {
    let has_ended = matches!(run.state, RunState::RolledBack | RunState::Failed | RunState::Interrupted);
    let is_known = run.is_open() || run.header.by_hand || run::abandoned_by(&run.path).is_some();
    has_ended && !is_known && run.index.failure().is_some()
}

/// The state in words, and the next command, by the journal.
pub fn lines(context: &Context, summary: &Summary) -> (String, String) {
    lines_with(context, summary, &BTreeMap::new())
}

/// The same, with what was seen of the servers afterwards.
fn lines_with(context: &Context, summary: &Summary, seen: &BTreeMap<String, Now>) -> (String, String) {
    // Of several each has a state of its own.
    let (on, each) = match summary.header.servers.as_slice() {
        [_, _, ..] => (String::new(), format!("; {}", servers::states(summary, seen))),
        one => (format!(" on {}", one.join("")), String::new()),
    };
    let left = if each.is_empty() { servers::left_alone(summary, seen) } else { String::new() };
    let runbook = &summary.header.runbook;
    // A run in a colleague's state folder is found by its path only.
    let is_own = summary.path.parent() == Some(run::folder(&context.state).as_path());
    let name = &if is_own { summary.name.clone() } else { word(summary.path.display()) };
    if summary.header.by_hand {
        let state = match summary.state {
            RunState::Running => "is open",
            RunState::Interrupted => "was interrupted",
            _ => "is done",
        };
        // There is no script that could be gone on with.
        return (format!("`{runbook}` {state}{on}"), context.command("status"));
    }
    if matches!(summary.state, RunState::Interrupted | RunState::Failed)
        && let Some(by) = run::abandoned_by(&summary.path)
    {
        let by = if by.is_empty() { "somebody".into() } else { by };
        return (format!("`{runbook}` was abandoned{on} by {by}{each}"), context.command("status"));
    }
    let step = open_step(summary).filter(|_| each.is_empty());
    let step = step.map(|step| format!(" in step `{step}`")).unwrap_or_default();
    match summary.state {
        RunState::Done => (format!("`{runbook}` is done{on}{each}"), context.command("status")),
        RunState::RolledBack => (
            format!("`{runbook}` was rolled back{on}{each}{}", servers::put_back(summary)),
            context.command("status"),
        ),
        RunState::Running if answers::waits(&summary.path) => (
            format!("`{runbook}` waits for an answer{on}{step}{each}"),
            context.command(&format!("attach {name}")),
        ),
        RunState::Running if runner::is_at_work(&summary.path) => {
            (format!("`{runbook}` is running{on}{step}{each}"), context.command(&format!("attach {name}")))
        }
        RunState::Running => (format!("`{runbook}` is running{on}{step}{each}"), context.command("status")),
        RunState::Damaged => (
            format!("what `{runbook}` did{on} is not known: its journal is damaged"),
            context.command(&format!("show {name}")),
        ),
        RunState::Newer => (
            format!("what `{runbook}` did{on} is not known: a newer banister wrote its journal"),
            context.command(&format!("show {name}")),
        ),
        // Between two starts of its runner, or after a boot before the first.
        RunState::Interrupted if !follow::has_ended(&summary.path) && runner::is_at_work(&summary.path) => {
            let state = format!("`{runbook}` was interrupted{on}{step}{each}, and is started again");
            (state, context.command(&format!("attach {name}")))
        }
        RunState::Interrupted if summary.index.rollback => (
            format!("the rollback of `{runbook}`{on} was interrupted{each}{left}"),
            context.command(&format!("resume {name}")),
        ),
        // It asks what now.
        RunState::Failed if runner::is_at_work(&summary.path) && answers::waits(&summary.path) => (
            format!("`{runbook}` failed{on}{step}{each}{left}, and waits for an answer"),
            context.command(&format!("attach {name}")),
        ),
        RunState::Failed if summary.index.rollback => (
            format!("the rollback of `{runbook}`{on} failed{each}{left}"),
            context.command(&format!("resume {name}")),
        ),
        RunState::Interrupted if run::is_untouched(&summary.path) => (
            format!("`{runbook}` stopped{on}{step}; nothing was touched"),
            helped(context, summary).unwrap_or_else(|| again(context, summary, &unanswered(summary))),
        ),
        RunState::Interrupted => (
            format!("`{runbook}` was interrupted{on}{step}{each}{left}"),
            context.command(&format!("resume {name}")),
        ),
        RunState::Failed if run::is_untouched(&summary.path) => (
            format!("`{runbook}` failed{on}{step}; nothing was touched"),
            helped(context, summary).unwrap_or_else(|| again(context, summary, "")),
        ),
        RunState::Failed if is_past_mending(summary) => {
            // What it owes is owed by the same work then.
            (
                format!("`{runbook}` failed{on}{step}{each}{left}"),
                again(context, summary, "--abandon=started-again"),
            )
        }
        RunState::Failed => (format!("`{runbook}` failed{on}{step}{each}{left}"), {
            let resume = context.command(&format!("resume {name}"));
            // Without a way back it would do nothing, and say that all is as before.
            match has_changed(&summary.index) && summary.index.way_back {
                true => format!("{resume}   (or: {resume} --rollback)"),
                false => resume,
            }
        }),
    }
}

/// The first command that the help of the failure names: only it leads on where the same run would end the same.
fn helped(context: &Context, summary: &Summary) -> Option<String> {
    let (_, failure) = summary.index.finished.as_ref()?;
    let help = failure.as_ref()?.help.as_ref()?;
    let mut commands = help.split('`').skip(1).step_by(2).filter_map(|code| code.strip_prefix("banister "));
    let words = commands.find(|words| !words.starts_with("resume"))?;
    // It may name the server, of several, itself.
    let server = context.given_server.iter().map(|server| format!(" --server {}", word(server)));
    let named = server.clone().find(|named| words.contains(named.as_str()));
    Some(context.command(&named.map_or_else(|| words.to_owned(), |named| words.replace(&named, ""))))
}

/// The option that answers the question that nobody was there to answer, as the help of the failure names it.
fn unanswered(summary: &Summary) -> String {
    let failure = summary.index.finished.as_ref().and_then(|(_, failure)| failure.as_ref());
    let help = failure.and_then(|failure| failure.help.as_deref()).unwrap_or_default();
    let mut options = help.split('`').skip(1).step_by(2).filter(|code| code.starts_with("--"));
    let option = options.next().unwrap_or_default();
    // Which of several it is to be, is for a person to say, and a shell would take them for a pipe.
    match option.split_once(' ').filter(|(_, choices)| choices.contains('|')) {
        Some((name, _)) => format!("{name} TEXT"),
        None => option.to_owned(),
    }
}

/// Whether the script saw a change fail, did more, and then failed for it, as one that starts again what it had stopped:
/// what it saw is not tried again, so to go on could only end in the same failure.
fn is_past_mending(summary: &Summary) -> bool {
    let Some((_, Some(failure))) = &summary.index.finished else { return false };
    summary.index.failed().filter(|(key, ..)| !key.is_typed()).any(|(key, call, seen)| {
        let is_change =
            primitives::find(&call.name).is_some_and(|primitive| primitive.sort() == Sort::Change);
        let same = (&seen.message, &seen.why) == (&failure.message, &failure.why);
        is_change && same && summary.index.goes_on_after(key)
    })
}

/// What to type of a run that can't be read, after `show` said how far it can.
pub fn after_a_look(context: &Context, summary: &Summary) -> String {
    match (summary.state, summary.header.runbook.as_str()) {
        (RunState::Damaged, runbook) if runbook != "?" => anew(context, summary),
        _ => context.command("status"),
    }
}

/// The command that begins the same work anew.
pub fn anew(context: &Context, summary: &Summary) -> String {
    again(context, summary, "--abandon")
}

fn again(context: &Context, summary: &Summary, abandon: &str) -> String {
    let parameters = summary.header.parameters.iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        format!(" --{} {}", name.replace('_', "-"), word(text))
    });
    let parameters: String = parameters.collect();
    context.command(format!("run {}{parameters} {abandon}", word(&summary.header.runbook)).trim_end())
}

/// The innermost step that began and did not end.
fn open_step(summary: &Summary) -> Option<String> {
    summary.index.open_steps().last().map(|(_, block)| block.name.clone())
}
