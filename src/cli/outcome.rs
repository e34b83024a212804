//! The last lines of any run: the state, and the one command to type next.

use super::context::Context;
use crate::event::RunState;
use crate::failure::Result;
use crate::journal::run::Summary;
use std::path::Path;

/// Prints them for the run in `path`.
pub fn print(context: &Context, path: &Path) -> Result<()> {
    if context.json {
        return Ok(());
    }
    let summary = Summary::read(path)?;
    let (state, next) = lines(&summary);
    println!("{} {state}", context.style.bold("state:"));
    println!("{}  {next}", context.style.bold("next:"));
    Ok(())
}

/// The state in words, and the next command.
pub fn lines(summary: &Summary) -> (String, String) {
    let on = summary.header.servers.join(", ");
    let (runbook, run) = (&summary.header.runbook, &summary.name);
    let step = open_step(summary).map(|step| format!(" in step `{step}`")).unwrap_or_default();
    match summary.state {
        RunState::Done => (format!("`{runbook}` is done on {on}"), "banister status".into()),
        RunState::RolledBack => (format!("`{runbook}` was rolled back on {on}"), "banister status".into()),
        RunState::Running => (format!("`{runbook}` is running on {on}{step}"), "banister status".into()),
        RunState::Interrupted if summary.index.rollback => {
            (format!("the way back of `{runbook}` on {on} was interrupted"), format!("banister resume {run}"))
        }
        RunState::Failed if summary.index.rollback => {
            (format!("the way back of `{runbook}` on {on} failed"), format!("banister resume {run}"))
        }
        RunState::Interrupted => {
            (format!("`{runbook}` was interrupted on {on}{step}"), format!("banister resume {run}"))
        }
        RunState::Failed => (
            format!("`{runbook}` failed on {on}{step}"),
            format!("banister resume {run}   (or: banister resume {run} --rollback)"),
        ),
    }
}

/// The innermost step that began and did not end.
fn open_step(summary: &Summary) -> Option<String> {
    let index = &summary.index;
    let open = index.block_order.iter().filter_map(|key| index.block(key));
    open.rev().find(|block| block.seconds.is_none()).map(|block| block.name.clone())
}
