//! The processes behind a run without a terminal: the runner, which works on it, and the watcher, which starts that again.

use super::context::{Attended, Context};
use super::request::{Request, Way};
use super::resume;
use super::work::{self, Ended};
use crate::event::{Event, Listener, RunState};
use crate::failure::{Failure, Kind, Result};
use crate::journal::index::Index;
use crate::journal::run::{self, OpenRun};
use crate::person::Person;
use crate::report::failure::render;
use crate::report::text::Style;
use crate::runner::courier::{AFTER_A_RUN, Courier};
use crate::runner::events::Events;
use crate::runner::journald::Journald;
use crate::runner::mailbox::Mailbox;
use crate::runner::notices::Noticing;
use crate::runner::{ending, follow, session, unit, watch, wishes};
use crate::session::{Direction, Restart, deadlines};
use crate::site::Site;
use crate::stop::{Asked, Stop};
use signal_hook::consts::SIGTERM;
use signal_hook::iterator::Signals;
use std::ffi::OsStr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// `banister watch-run FOLDER`; `unit` if systemd starts it as the main process of that.
pub fn watcher(run: &Path, unit: Option<&str>) -> Result<u8> {
    if let Some(unit) = unit {
        return Err(unit::enter(run, unit));
    }
    let is_over = || is_over(run);
    if unit::is_own() {
        unit::keep_alive();
        ending::listen(run)?;
        if is_over() {
            unit::say_ready();
            unit::remove(run, &is_over);
            return Ok(0);
        }
        unit::wait_for_boot(run);
    }
    // Whoever started it may have gone.
    let say = |line: &str| {
        crate::output::line(line);
        if line == watch::READY {
            unit::say_ready();
        }
    };
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| notify(run, &|| over.load(Ordering::SeqCst)));
        let watched = watch::watch(run, &say);
        if unit::is_own() && watched.is_ok() {
            unit::remove(run, &is_over);
        }
        over.store(true, Ordering::SeqCst);
        metrics(run);
        watched.map(|()| 0)
    })
}

/// Has the metrics written, if the site says where. What goes wrong is in the log, and is written by the next run.
fn metrics(run: &Path) {
    let Ok(site) = Request::read(run).and_then(|request| Site::load(&request.site)) else { return };
    let Some(file) = &site.metrics else { return };
    let arguments: [&OsStr; 5] =
        ["metrics".as_ref(), "--file".as_ref(), file.as_ref(), "--site".as_ref(), site.folder().as_ref()];
    if let Err(failure) = watch::and_then(run, &arguments) {
        eprint!("{}", render(&failure, Style { color: false }));
    }
}

/// Whether nothing is left to do for a runner: what it was asked for has ended, or the run was abandoned.
fn is_over(run: &Path) -> bool {
    let is_done = |request: Request| request.first <= session(run) && follow::has_ended(run);
    run::abandoned_by(run).is_some() || Request::read(run).is_ok_and(is_done)
}

/// Sends the run's notices, unless another watcher does.
fn notify(run: &Path, is_over: &(dyn Fn() -> bool + Sync)) {
    let places = || {
        let site = Request::read(run).and_then(|request| Site::load(&request.site));
        site.ok().map(|site| site.notify)
    };
    if places().unwrap_or_default().is_empty() {
        return;
    }
    // The one before may still be at what nobody took.
    let _courier = loop {
        match watch::take_courier(run) {
            Ok(Some(courier)) => break courier,
            Ok(None) if !is_over() => std::thread::sleep(std::time::Duration::from_secs(1)),
            _ => return,
        }
    };
    let complain = |said: &str| eprint!("{said}");
    Courier { run, places: &places, is_over, complain: &complain, patience: AFTER_A_RUN }.send();
}

/// `banister run-here FOLDER`: works on the run as its request says, and tells how that ended.
pub fn runner(context: Context, run: &Path) -> Result<u8> {
    let failed = |error: std::io::Error| {
        Failure::new(Kind::Refused, "this process can't have a session of its own").why(error)
    };
    crate::command::own_session().map_err(failed)?;
    let Some(_runner) = watch::take(run)? else {
        return Err(Failure::new(Kind::Locked, "another process works on the run"));
    };
    let request = Request::read(run)?;
    let told = Arc::new(Events::begin(run, request.verbose)?);
    let session = told.session;
    let noticing = Arc::new(Noticing::new(run.to_owned(), session, told));
    let events: Arc<dyn Listener> = Arc::new(Journald::new(noticing));
    crate::output::line(watch::READY);
    crate::lock::act_from(request.from.clone());
    let stop = Arc::new(Stop::new());
    watch::keep_watched(run.to_owned(), &stop);
    wishes::hear(run.to_owned(), request.first, session, &stop);
    leave_on_sigterm(&stop)?;
    let request_first = request.first;
    let worked = work_on(context, request, run, &events, &stop);
    let (code, failure) = match worked {
        Ok(code) => (code, None),
        Err(failure) => {
            eprint!("{}", render(&failure, Style { color: false }));
            // It would say that nothing was touched.
            let was_begun = session > request_first;
            let code = if was_begun && failure.kind == Kind::Invalid { 1 } else { failure.kind.exit_code() };
            (code, Some(failure))
        }
    };
    events.hear(&Event::RunnerEnded { code, failure });
    Ok(code)
}

/// Whoever ends this process wants it to end, and not the run: what works by itself goes on, and `resume` finds it.
fn leave_on_sigterm(stop: &Arc<Stop>) -> Result<()> {
    let failed = |error: std::io::Error| Failure::new(Kind::Bug, "signals can't be listened to").why(error);
    let mut signals = Signals::new([SIGTERM]).map_err(failed)?;
    let stop = stop.clone();
    std::thread::spawn(move || signals.forever().for_each(|_| stop.ask(Asked::Leave)));
    Ok(())
}

fn work_on(
    mut context: Context,
    request: Request,
    path: &Path,
    events: &Arc<dyn Listener>,
    stop: &Arc<Stop>,
) -> Result<u8> {
    let run = OpenRun::open(path)?;
    let ended = code_of_ended(&request, &run.index);
    if ended == Some(0) {
        return Ok(0);
    }
    let Some(header) = run.index.header.clone() else {
        return Err(Failure::new(Kind::Journal, "the run has no beginning"));
    };
    context.given_site = request.site.parent().map(Path::to_owned);
    context.given_server.clone_from(&request.server);
    let site = Arc::new(match Site::load(&header.site) {
        Ok(site) => site,
        Err(_) => Site::load(&request.site)?,
    });
    let runbook = resume::prepare(&site, &header, path, request.original)?;
    let answers = &request.answers;
    let listener = events.clone();
    let mut mailbox = Mailbox::new(path.to_owned(), request.first, listener.clone(), stop.clone());
    mailbox.earlier = request.earlier;
    mailbox.yes = answers.yes;
    mailbox.prepared.clone_from(&answers.answer);
    mailbox.unattended = answers.unattended();
    mailbox.asked_for.clone_from(&request.at);
    let mailbox = Arc::new(mailbox);
    for (of, until) in deadlines(&run.index) {
        mailbox.hear_deadline(&of, until);
    }
    mailbox.keep_deadlines();
    context.attended = Some(Attended { person: mailbox, listener });
    // A session has failed, and what was to come of it was lost with the process before this one.
    if let Some(code) = ended {
        let index = &run.index;
        let number = index.sessions - 1;
        let ended = Ended { code, number, way_back: index.way_back, is_back: index.rollback };
        let Some(next) = work::after(&context, answers, path, &ended, stop) else { return Ok(code) };
        let direction = if next.back { Direction::Back } else { Direction::On };
        let went_back = next.unattended;
        return work::work_until(&context, site, runbook, header, run, answers, direction, went_back, stop);
    }
    let is_back = request.way == Way::Back;
    let direction = match request.way {
        // It was gone back to in an earlier session.
        Way::From(_) | Way::On if run.index.sessions > request.sessions => Direction::On,
        Way::On => Direction::On,
        Way::Back => Direction::Back,
        Way::From(step) => {
            let restart = Restart::from(&run.index, &step, request.server.as_deref(), &run.name())?;
            Direction::From(restart)
        }
    };
    let went_back = run.index.rollback && !is_back;
    work::work_until(&context, site, runbook, header, run, &request.answers, direction, went_back, stop)
}

/// The exit code of what was done before this process was started: its last word was lost with the one before it.
fn code_of_ended(request: &Request, index: &Index) -> Option<u8> {
    let (state, failure) = index.finished.as_ref().filter(|_| index.sessions > request.sessions)?;
    Some(match (state, failure) {
        (RunState::Done, _) => 0,
        (RunState::RolledBack, _) => u8::from(request.way != Way::Back),
        (_, Some(failure)) if failure.kind != Kind::Invalid => failure.kind.exit_code(),
        _ => 1,
    })
}
