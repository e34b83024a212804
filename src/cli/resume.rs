//! `banister resume`.

use super::arguments::{Answers, ResumeOptions};
use super::context::{Context, at_once};
use super::elsewhere;
use super::homes::{self, Found};
use super::request::{Request, Way};
use super::{background, view, work};
use crate::book;
use crate::event::RunState;
use crate::failure::{Failure, Kind, Result};
use crate::journal::Header;
use crate::journal::index::Index;
use crate::journal::run::{self, Glance, OpenRun};
use crate::lock::Holder;
use crate::output::word;
use crate::person::{Form, Question};
use crate::reach::inquiry::{self, Noted};
use crate::runner;
use crate::script::check;
use crate::script::layers::Layers;
use crate::script::layers::kinds::Kinds;
use crate::script::runbook::Runbook;
use crate::session::{self, Change, Direction, Restart};
use crate::site::Site;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// Goes on with a run.
pub fn resume(context: &Context, options: &ResumeOptions) -> Result<u8> {
    if let Some(found) = elsewhere(context, options)? {
        return elsewhere::resume(context, &found, options);
    }
    let mut found = context.find_runs(options.run.as_deref(), Glance::is_open)?;
    let mut unknown = Vec::new();
    if found.is_empty() {
        found.extend(in_books(context, &mut unknown)?);
    }
    // A runner works on it, or will again: there is nothing to do but to look on.
    if let Some(glance) = found.iter().find(|glance| runner::is_at_work(&glance.path)) {
        refuse_options(context, options, &glance.name)?;
        if options.answers.detach {
            background::tell(context, &glance.name);
            return Ok(0);
        }
        let site = Site::load(&glance.header.site).ok();
        // What is answered here is answered to whoever asks there.
        let answers = &options.answers;
        let is_there = answers.yes || !answers.answer.is_empty() || context.is_interactive();
        let person = is_there.then(|| context.person(answers));
        let session = runner::session(&glance.path).max(1);
        return view::view_with(
            context,
            &glance.path,
            session,
            site.map(Arc::new),
            person,
            !context.is_interactive(),
        );
    }
    let Some((glance, run)) = open(context, found)? else {
        match context.json {
            true => {
                println!("{}", json!({ "run": null, "state": "nothing_to_resume", "unknown": unknown }));
            }
            false => println!("there is nothing to resume"),
        }
        unknown.iter().for_each(|why| eprintln!("warning: it is unknown which runs are open there: {why}"));
        return Ok(0);
    };
    // What the whole of the journal says of it, in the format of today.
    let header = run.index.header.clone().unwrap_or(glance.header);
    let site = Arc::new(site_of(context, &header)?);
    let runbook = prepare(&site, &header, &glance.path, options.original)?;
    refuse_over_others(context, &site, &header, &run.index)?;
    let name = options.run.as_deref().unwrap_or(&glance.name);
    if !options.answers.is_foreground() {
        if let Some(step) = &options.from {
            restart(context, &run.index, step, name, &options.answers)?;
        }
        let way = match &options.from {
            Some(step) => Way::From(step.clone()),
            None if options.rollback => Way::Back,
            None => Way::On,
        };
        let request = Request {
            original: options.original,
            sessions: run.index.sessions,
            ..Request::new(context, &site, &options.answers, way)
        };
        return background::begin(context, site, run, request);
    }
    let direction = match &options.from {
        Some(step) => Direction::From(restart(context, &run.index, step, name, &options.answers)?),
        None if options.rollback => Direction::Back,
        None => Direction::On,
    };
    work::work(context, site, runbook, header, run, &options.answers, direction)
}

/// The run, if it is at its server: the one that is named, or the newest open one of all.
fn elsewhere(context: &Context, options: &ResumeOptions) -> Result<Option<Found>> {
    let here = match &options.run {
        Some(_) => None,
        None => context.find_run(None, Glance::is_open)?,
    };
    // A run on several servers is here, and while it is half-way none begins at the home of one of them.
    if let (Some(here), Ok(Some(site))) = (&here, context.site_if_any())
        && here.header.servers.len() > 1
        && context.servers(&site)?.iter().all(|server| here.header.servers.contains(&server.name))
    {
        return Ok(None);
    }
    let name = options.run.as_deref();
    homes::newest(
        context,
        name,
        here,
        |listed| listed.is_open,
        |here, failure| match here {
            // What is wrong with the options is told by who needs them.
            Some(_) if failure.kind == Kind::Invalid => Ok(None),
            // It may be older than one there, and is continued only by its name.
            Some(here) => {
                let resume = context.command(&format!("resume {}", word(&here.name)));
                Err(failure.help(format!("or continue the one that is here: `{resume}`")))
            }
            None => Err(failure),
        },
    )
}

/// What works already is not told how to work: whoever wants it otherwise stops it first.
fn refuse_options(context: &Context, options: &ResumeOptions, run: &str) -> Result<()> {
    let ResumeOptions { rollback, from, original, answers, .. } = options;
    if !*rollback && from.is_none() && !*original && answers.unattended.is_none() {
        return Ok(());
    }
    let attach = context.command(&format!("attach {}", word(run)));
    Err(Failure::new(Kind::Locked, format!("the run `{run}` is at work, and takes no other options now"))
        .help(format!("see it, answer it, or stop it with Ctrl-C: `{attach}`")))
}

/// The earlier step from which the run starts again, if whoever asks for that wants what it does twice.
fn restart(context: &Context, index: &Index, step: &str, run: &str, answers: &Answers) -> Result<Restart> {
    let restart = Restart::from(index, step, context.given_server.as_deref(), &word(run))?;
    if restart.changes.is_empty() {
        return Ok(restart);
    }
    let line = |change: &Change| match change.ended {
        true => format!("\n  {}", change.text),
        false => format!("\n  {}  (interrupted; ended first if it is still running)", change.text),
    };
    let lines: String = restart.changes.iter().take(CHANGES).map(line).collect();
    let more = restart.changes.len().saturating_sub(CHANGES);
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    let text = format!("These changes were made since step `{step}` began:{lines}{more}\nMake them again?");
    match context.person(answers).ask(&Question { text, form: Form::Confirm })?.is_yes() {
        true => Ok(restart),
        false => Err(Failure::new(Kind::Declined, "nothing was done; the run has not changed")
            .help(format!("continue it where it stopped with `banister resume {}`", word(run)))),
    }
}

/// So many changes are listed in a question.
const CHANGES: usize = 15;

/// The first of these runs that can be opened. One that can't be read stands in the way of no other.
fn open(context: &Context, found: Vec<Glance>) -> Result<Option<(Glance, OpenRun)>> {
    let mut refused = None;
    for glance in found {
        refuse_over(&glance)?;
        let opened = match &glance.unread {
            Some(unread) => Err(unread.failure().clone()),
            None => OpenRun::open(&glance.path),
        };
        match opened {
            Ok(run) => return Ok(Some((glance, run))),
            Err(failure) if failure.kind == Kind::Journal => {
                refused.get_or_insert((glance.path, failure));
            }
            Err(failure) => return Err(failure),
        }
    }
    match refused {
        Some((path, failure)) => Err(super::unread::refuse(context, &path, failure)),
        None => Ok(None),
    }
}

/// Nothing is left to do in some runs.
fn refuse_over(run: &Glance) -> Result<()> {
    let name = &run.name;
    let message = match run.state {
        RunState::Done | RunState::RolledBack => {
            format!("the run `{name}` is {}", run.state.name().replace('_', " "))
        }
        _ if run.header.by_hand => {
            format!("the run `{name}` was typed in a REPL: there is nothing to continue")
        }
        RunState::Failed | RunState::Interrupted if run::is_untouched(&run.path) => {
            let message = format!("the run `{name}` touched nothing: there is nothing to resume");
            let again = format!("start it again with `banister run {}`", run.header.runbook);
            return Err(Failure::new(Kind::Invalid, message).help(again));
        }
        _ if !run.is_open() => {
            let message = format!("the run `{name}` was abandoned");
            return Err(Failure::new(Kind::Invalid, message).help("start a new one with `banister run NAME`"));
        }
        _ => return Ok(()),
    };
    Err(Failure::new(Kind::Invalid, message).help("see what it did with `banister show`"))
}

/// Makes sure, before anything is written, that nobody abandoned the run or worked on its servers since it did.
///
/// Fails with [`Kind::Locked`] if somebody did. What can't be asked is told by whoever works on it.
fn refuse_over_others(context: &Context, site: &Site, header: &Header, index: &Index) -> Result<()> {
    let reach = context.reach(site);
    let servers: Vec<_> = header.servers.iter().filter_map(|name| site.servers.get(name)).collect();
    let asked = at_once(&servers, |server| {
        let began = index.started.clone().unwrap_or_else(crate::units::now);
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
    header.servers.first().map(|server| site.server(server)).transpose()?;
    // One that is in the site no more is missed where the script comes to it.
    let kinds = Kinds::of(header.servers.iter().filter_map(|name| site.servers.get(name)));
    let layers = match original {
        true => Layers::of_run(path, kinds),
        false => Layers::of_site(Some(site.folder()), kinds).with_hooks(site),
    };
    let checked = if original { Ok(()) } else { check::refuse(&check::hooks(&layers, site)) };
    checked
        .and_then(|()| Runbook::load(Arc::new(layers), &header.runbook))
        .and_then(|runbook| runbook.check().map(|()| runbook))
        .map_err(|failure| if original { failure } else { mend_or_go_on(failure, &header.run) })
}

/// A script that can't work keeps nobody from going on with the one that the run began with.
fn mend_or_go_on(failure: Failure, run: &str) -> Failure {
    let mend = failure.help.clone().map(|help| format!("{help}\n")).unwrap_or_default();
    let original = format!("or continue with the scripts as they were: `banister resume {run} --original`");
    failure.help(format!("{mend}{original}"))
}
