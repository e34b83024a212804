//! `banister resume`.

use super::arguments::ResumeOptions;
use super::context::Context;
use super::work;
use crate::event::RunState;
use crate::failure::{Failure, Kind, Result};
use crate::journal::Header;
use crate::journal::run::{Glance, OpenRun};
use crate::script::layers::Layers;
use crate::script::runbook::Runbook;
use crate::site::Site;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// Goes on with a run.
pub fn resume(context: &Context, options: &ResumeOptions) -> Result<u8> {
    let named = options.run.as_deref();
    // One that can't be read stands in the way of no other.
    let found = match context.find_run(named, |glance| glance.is_open() && glance.unread.is_none())? {
        None => context.find_run(named, Glance::is_open)?,
        found => found,
    };
    let Some(summary) = found else {
        match context.json {
            true => println!("{}", json!({ "run": null, "state": "nothing_to_resume" })),
            false => println!("there is nothing to resume"),
        }
        return Ok(0);
    };
    let name = &summary.name;
    if matches!(summary.state, RunState::Done | RunState::RolledBack) {
        let message = format!("the run `{name}` is {}", summary.state.name().replace('_', " "));
        return Err(Failure::new(Kind::Invalid, message).help("see what it did with `banister show`"));
    }
    if summary.header.by_hand {
        let message = format!("the run `{name}` was typed in a REPL: there is nothing to go on with");
        return Err(Failure::new(Kind::Invalid, message).help("see what it did with `banister show`"));
    }
    if !summary.is_open() {
        return Err(
            Failure::new(Kind::Invalid, format!("the run `{name}` was given up")).help("begin a new one")
        );
    }
    if let Some(unread) = &summary.unread {
        return Err(super::unread::refuse(context, &summary.path, unread));
    }
    let (site, runbook) = prepare(&summary.header, &summary.path, options.original)?;
    let run = OpenRun::open(&summary.path)?;
    work::work(context, site, runbook, summary.header, run, &options.answers, options.rollback)
}

/// The site and the runbook of a run in the folder `path`, in which no mistake was found; with `original` as it was when
/// the run began.
pub fn prepare(header: &Header, path: &Path, original: bool) -> Result<(Arc<Site>, Runbook)> {
    let site = Arc::new(Site::load(&header.site)?);
    let kind = match header.servers.first() {
        Some(server) => site.server(server)?.kind.clone(),
        None => String::new(),
    };
    let layers = match original {
        true => Layers::of_run(path, &kind),
        false => Layers::of_site(Some(site.folder()), &kind),
    };
    let runbook = Runbook::load(Arc::new(layers), &header.runbook)
        .and_then(|runbook| runbook.check().map(|()| runbook))
        .map_err(|failure| if original { failure } else { mend_or_go_on(failure, &header.run) })?;
    Ok((site, runbook))
}

/// A script that can't work keeps nobody from going on with the one that the run began with.
fn mend_or_go_on(failure: Failure, run: &str) -> Failure {
    let mend = failure.help.clone().map(|help| format!("{help}\n")).unwrap_or_default();
    let original = format!("or go on with the scripts as they were: `banister resume {run} --original`");
    failure.help(format!("{mend}{original}"))
}
