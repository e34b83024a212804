//! `banister run`.

use super::arguments::RunOptions;
use super::command_line::parameters;
use super::context::Context;
use super::request::{Request, Way};
use super::scheduled::PREFETCH;
use super::{background, elsewhere, unfinished, work};
use crate::data::Arguments;
use crate::failure::Result;
use crate::journal::run::OpenRun;
use crate::script::runbook::Runbook;
use crate::session::{self, Direction};

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
    if let Some((site, server)) = elsewhere::home_of(context, &options.answers)? {
        return elsewhere::run(context, &site, &server, options, parameters);
    }
    let (site, names, runbook) = context.prepare(&options.runbook)?;
    let reach = context.reach(&site);
    super::window::check(context, &site, &names, &runbook, options.now)?;
    let mut parameters = parameters(&runbook);
    if let Some(file) = &options.plan {
        parameters = super::plan::still_holds(file, &site, &runbook, &parameters, &names, reach.as_ref())?;
    }
    runbook.require(&parameters)?;
    runbook.require_servers(&names)?;
    super::stale::settle(context, &site, &runbook, &options.answers)?;
    if options.runbook != PREFETCH {
        super::give_way::give_way(context, &site, &names)?;
    }
    unfinished::settle(context, &site, &names, options)?;
    let mut header = session::header(&site, &options.runbook, parameters, names);
    if let Some(abroad) = &context.abroad {
        header.schedule.clone_from(&abroad.caller.schedule);
        header.by.clone_from(&abroad.caller.by);
        header.run = abroad.run.clone().unwrap_or(header.run);
    }
    let mut run = OpenRun::create(&context.state, &header.run)?;
    header.run = run.name();
    runbook.layers().keep(&run.path)?;
    if !options.answers.is_foreground() {
        session::write_down(&site, &header, &mut run)?;
        let request = Request::new(context, &site, &options.answers, Way::On);
        return background::begin(context, site, run, request);
    }
    background::begins();
    work::work(context, site, runbook, header, run, &options.answers, Direction::On)
}
