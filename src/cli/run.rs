//! `banister run`.

use super::arguments::{RunOptions, parameters};
use super::context::Context;
use super::work;
use crate::data::Arguments;
use crate::event::RunState;
use crate::failure::{Failure, Kind, Result};
use crate::journal::run::{self, OpenRun, Summary};
use crate::script::runbook::Runbook;
use crate::session;
use crate::site::Site;

/// Begins a run and works on it.
pub fn run(context: &Context, options: &RunOptions, matches: &clap::ArgMatches) -> Result<u8> {
    run_with(context, options, &|runbook| parameters(runbook, matches))
}

/// As [`run`], with parameters from elsewhere.
pub fn run_with(
    context: &Context,
    options: &RunOptions,
    parameters: &dyn Fn(&Runbook) -> Arguments,
) -> Result<u8> {
    let (site, names, runbook) = context.prepare(&options.runbook)?;
    let reach = context.reach(&site);
    let mut parameters = parameters(&runbook);
    if let Some(file) = &options.plan {
        parameters = super::plan::still_holds(file, &site, &runbook, &parameters, &names, reach.as_ref())?;
    }
    refuse_unfinished(context, &site, &names, options.abandon)?;
    super::stale::settle(context, &site, &runbook, &options.answers)?;
    let mut header = session::header(&site, &options.runbook, parameters, names);
    let run = OpenRun::create(&context.state, &header.run)?;
    header.run = run.name();
    runbook.layers().keep(&run.path)?;
    work::work(context, site, runbook, header, run, &options.answers, false)
}

/// An update that stopped half-way is gone on with, or given up in so many words; a second one is not begun over it.
fn refuse_unfinished(context: &Context, site: &Site, servers: &[String], abandon: bool) -> Result<()> {
    for glance in run::all(&context.state)? {
        // A server of the same name may be in another site.
        let is_theirs = glance.header.site == site.file
            && glance.header.servers.iter().any(|server| servers.contains(server));
        if !is_theirs || !glance.is_open() {
            continue;
        }
        let (summary, unread) = Summary::as_far_as_readable(&glance.path);
        if let Some(unread) = unread {
            super::unread::abandon_or_refuse(context, &summary, &unread, abandon)?;
            continue;
        }
        // What stopped before its first change is not half-way.
        let changed = crate::session::has_changed(&summary.index);
        if (abandon || !changed) && glance.state != RunState::Running {
            run::abandon(&glance.path, &crate::person::whoami())?;
            continue;
        }
        let (state, next) = super::outcome::lines(context, &summary);
        let message = format!("an earlier run is not done: {state} ({})", glance.name);
        let help = format!("{next}; to give it up and begin anew, add `--abandon`");
        return Err(Failure::new(Kind::Locked, message).help(help));
    }
    Ok(())
}
