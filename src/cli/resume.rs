//! `banister resume`.

use super::arguments::ResumeOptions;
use super::context::{Context, at_once};
use super::work;
use crate::book;
use crate::event::RunState;
use crate::failure::{Failure, Kind, Result};
use crate::journal::Header;
use crate::journal::index::Index;
use crate::journal::run::{self, Glance, OpenRun};
use crate::lock::{self, Holder};
use crate::reach::inquiry::{self, Noted};
use crate::script::layers::Layers;
use crate::script::runbook::Runbook;
use crate::session;
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
    let mut unknown = Vec::new();
    let Some(summary) = found.map_or_else(|| in_books(context, &mut unknown), |found| Ok(Some(found)))?
    else {
        match context.json {
            true => {
                println!("{}", json!({ "run": null, "state": "nothing_to_resume", "unknown": unknown }));
            }
            false => println!("there is nothing to resume"),
        }
        unknown.iter().for_each(|why| eprintln!("warning: it is unknown which runs are open there: {why}"));
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
            Failure::new(Kind::Invalid, format!("the run `{name}` was abandoned")).help("begin a new one")
        );
    }
    if let Some(unread) = &summary.unread {
        return Err(super::unread::refuse(context, &summary.path, unread));
    }
    let site = Arc::new(site_of(context, &summary.header)?);
    let runbook = prepare(&site, &summary.header, &summary.path, options.original)?;
    let run = OpenRun::open(&summary.path)?;
    refuse_over_others(context, &site, &summary.header, &run.index)?;
    work::work(context, site, runbook, summary.header, run, &options.answers, options.rollback)
}

/// Makes sure, before anything is written, that nobody abandoned the run or worked on its servers since it did.
///
/// Fails with [`Kind::Locked`] if somebody did. What can't be asked is told by whoever works on it.
fn refuse_over_others(context: &Context, site: &Site, header: &Header, index: &Index) -> Result<()> {
    let reach = context.reach(site);
    let servers: Vec<_> = header.servers.iter().filter_map(|name| site.servers.get(name)).collect();
    let asked = at_once(&servers, |server| {
        let began = index.started.clone().unwrap_or_else(lock::now);
        let (runbook, again) = (header.runbook.clone(), session::has_seen(index, server));
        let holder = Holder::of(header.run.clone(), header.runbook.clone());
        inquiry::may_hold(reach.as_ref(), server, Holder { began, runbook, again, ..holder })
    });
    let refused =
        asked.into_iter().find_map(|asked| asked.err().filter(|failure| failure.kind == Kind::Locked));
    refused.map_or(Ok(()), Err)
}

/// A run of this user that is open by the books of the site's servers: the site may have been moved since it began.
///
/// Fails with [`Kind::Locked`] if one is open there that is somebody else's.
fn in_books(context: &Context, unknown: &mut Vec<String>) -> Result<Option<Glance>> {
    let Some(site) = context.site_if_any()? else { return Ok(None) };
    let reach = context.reach(&site);
    for server in context.servers(&site)? {
        let book = match inquiry::noted(reach.as_ref(), server) {
            Ok(Noted { book, .. }) => book,
            Err(failure) => {
                unknown.push(format!("{}: {failure}", server.name));
                continue;
            }
        };
        let Some(open) = book.half_way_beside("") else { continue };
        return match run::find(&context.state, &open.run).map(|path| Glance::read(&path)) {
            Ok(glance) if glance.is_open() => Ok(Some(glance)),
            _ => Err(book::refused(&server.name, &book, open).help(format!(
                "continue it where its journal is, or name its folder: `banister resume FOLDER`; to abandon it: \
                 `banister run {} --abandon`",
                open.runbook
            ))),
        };
    }
    Ok(None)
}

/// The site of a run; if its own file is not there any more, or can't be read, the site that this command is about, if it
/// has the same servers.
pub fn site_of(context: &Context, header: &Header) -> Result<Site> {
    let own = Site::load(&header.site);
    let Err(failure) = own else { return own };
    let other = context.site_if_any().ok().flatten();
    let other = other.filter(|site| header.servers.iter().all(|name| site.servers.contains_key(name)));
    other.ok_or_else(|| failure.help("if the site was moved, say where it is now with `--site FOLDER`"))
}

/// The runbook of a run in the folder `path`, in which no mistake was found; with `original` as it was when the run began.
pub fn prepare(site: &Site, header: &Header, path: &Path, original: bool) -> Result<Runbook> {
    let kind = match header.servers.first() {
        Some(server) => site.server(server)?.kind.clone(),
        None => String::new(),
    };
    let layers = match original {
        true => Layers::of_run(path, &kind),
        false => Layers::of_site(Some(site.folder()), &kind),
    };
    Runbook::load(Arc::new(layers), &header.runbook)
        .and_then(|runbook| runbook.check().map(|()| runbook))
        .map_err(|failure| if original { failure } else { mend_or_go_on(failure, &header.run) })
}

/// A script that can't work keeps nobody from going on with the one that the run began with.
fn mend_or_go_on(failure: Failure, run: &str) -> Failure {
    let mend = failure.help.clone().map(|help| format!("{help}\n")).unwrap_or_default();
    let original = format!("or go on with the scripts as they were: `banister resume {run} --original`");
    failure.help(format!("{mend}{original}"))
}
