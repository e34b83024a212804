//! `banister resume`.

use super::arguments::ResumeOptions;
use super::context::Context;
use super::work;
use crate::event::RunState;
use crate::failure::{Failure, Kind, Result};
use crate::journal::run::{Glance, OpenRun};
use crate::script::layers::Layers;
use crate::script::runbook::Runbook;
use crate::site::Site;
use std::sync::Arc;

/// Goes on with a run.
pub fn resume(context: &Context, options: &ResumeOptions) -> Result<u8> {
    let Some(summary) = context.find_run(options.run.as_deref(), Glance::is_open)? else {
        println!("there is nothing to resume");
        return Ok(0);
    };
    let name = &summary.name;
    if matches!(summary.state, RunState::Done | RunState::RolledBack) {
        let message = format!("the run `{name}` is {}", summary.state.name().replace('_', " "));
        return Err(Failure::new(Kind::Invalid, message).help("see what it did with `banister show`"));
    }
    if !summary.is_open() {
        return Err(
            Failure::new(Kind::Invalid, format!("the run `{name}` was given up")).help("begin a new one")
        );
    }
    let site = Arc::new(Site::load(&summary.header.site)?);
    let kind = match summary.header.servers.first() {
        Some(server) => site.server(server)?.kind.clone(),
        None => String::new(),
    };
    let layers = match options.original {
        true => Layers::of_run(&summary.path, &kind),
        false => Layers::of_site(Some(site.folder()), &kind),
    };
    let runbook = Runbook::load(Arc::new(layers), &summary.header.runbook)
        .and_then(|runbook| runbook.check().map(|()| runbook))
        .map_err(|failure| if options.original { failure } else { mend_or_go_on(failure, name) })?;
    let run = OpenRun::open(&summary.path)?;
    work::work(context, site, runbook, summary.header, run, &options.answers, options.rollback)
}

/// A script that can't work keeps nobody from going on with the one that the run began with.
fn mend_or_go_on(failure: Failure, run: &str) -> Failure {
    let mend = failure.help.clone().map(|help| format!("{help}\n")).unwrap_or_default();
    let original = format!("or go on with the scripts as they were: `banister resume {run} --original`");
    failure.help(format!("{mend}{original}"))
}
