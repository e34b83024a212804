//! Runs whose journal can't be used, because it is damaged or a newer program wrote it: what is said of them, and what can
//! be done. They stand in the way of their own server only.

use super::context::Context;
use super::outcome;
use crate::event::RunState;
use crate::failure::{Failure, Kind, Result};
use crate::journal::file::Unread;
use crate::journal::run::{Glance, Summary};

/// Whether a run that can't be resumed may be abandoned; unless that is wanted, nothing new is begun on its server.
pub fn refuse_unless_abandoned(
    context: &Context,
    summary: &Summary,
    unread: &Unread,
    abandon: bool,
) -> Result<()> {
    if summary.state == RunState::Running {
        let message = format!("another process is working on the run `{}`", summary.name);
        return Err(Failure::new(Kind::Locked, message).help("see its progress with `banister show`"));
    }
    if abandon {
        return Ok(());
    }
    let (what, name) = (&summary.header.runbook, &summary.name);
    let message = format!("an earlier run may be unfinished: `{what}` ({name}) can't be read");
    let because = unread.failure();
    let failure =
        because.why.iter().fold(Failure::new(Kind::Locked, message).why(&because.message), Failure::why);
    Err(failure.help(format!(
        "{}\nto abandon that run and start again, add `--abandon`",
        help(context, summary, unread)
    )))
}

/// The failure of who wants to work on such a run, which could not be opened because of `failure`.
pub fn refuse(context: &Context, path: &std::path::Path, failure: Failure) -> Failure {
    let (summary, unread) = Summary::as_far_as_readable(path);
    let Some(unread) = &unread else { return failure };
    let anew = outcome::anew(context, &summary);
    let start = match summary.header.runbook.as_str() {
        "?" => String::new(),
        _ => format!("\nto abandon that run and start again: `{anew}`"),
    };
    unread.failure().clone().help(format!("{}{start}", help(context, &summary, unread)))
}

/// What can be done without giving the run up.
fn help(context: &Context, summary: &Summary, unread: &Unread) -> String {
    match unread {
        Unread::Newer(failure) => failure.help.clone().unwrap_or_default(),
        Unread::Damaged(_) => format!(
            "nothing was touched; show its readable part with `{}` and the state of the server with `{}`, or restore the run's \
             folder from a backup",
            context.command(&format!("show {}", summary.name)),
            context.command("status")
        ),
    }
}

/// In a few words, for a list.
pub fn briefly(glance: &Glance) -> String {
    let Some(unread) = &glance.unread else { return String::new() };
    let failure = unread.failure();
    let journal = glance.path.join("journal.jsonl");
    let message = failure.message.replace(&format!("`{}` ", journal.display()), "");
    match failure.why.first() {
        Some(why) => format!("{message}: {why}"),
        None => message,
    }
}
