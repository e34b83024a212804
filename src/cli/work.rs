//! Works on a run: the part that `run` and `resume` share.

use super::arguments::{Answers, WhenFailed};
use super::context::Context;
use super::outcome;
use crate::event::{Event, Listener, RunState};
use crate::failure::{Failure, Kind, Result};
use crate::journal::Header;
use crate::journal::run::{self, OpenRun, Summary};
use crate::output::word;
use crate::person::{Form, Question};
use crate::report::failure::render;
use crate::report::json::JsonLines;
use crate::report::lines::Lines;
use crate::script::runbook::{OnFailure, Runbook};
use crate::session::{self, Direction, Parts, Session};
use crate::site::{Site, Then};
use crate::stop::{Asked, Stop};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Works on a run until it ends or is left, and prints the state and the next command. At a terminal a failure is not
/// the end: the person may mend what is wrong and go on.
pub fn work(
    context: &Context,
    site: Arc<Site>,
    runbook: Runbook,
    header: Header,
    run: OpenRun,
    answers: &Answers,
    direction: Direction,
) -> Result<u8> {
    let stop = Arc::new(Stop::new());
    super::signals::listen(&stop)?;
    let worked = work_until(context, site.clone(), runbook, header, run, answers, direction, false, &stop);
    // What nobody can write disturbs no run.
    if let Err(failure) = super::metrics::write(context, &site) {
        eprint!("{}", render(&failure, context.style));
    }
    worked
}

/// The same, for who listens to signals already; they are told to `stop`. `went_back` says that an earlier session began to
/// roll back by itself, which is no success.
#[expect(clippy::too_many_arguments, reason = "each is another part of a run")]
pub fn work_until(
    context: &Context,
    site: Arc<Site>,
    mut runbook: Runbook,
    header: Header,
    mut run: OpenRun,
    answers: &Answers,
    mut direction: Direction,
    mut went_back: bool,
    stop: &Arc<Stop>,
) -> Result<u8> {
    let person = context.person(answers);
    let reach = context.reach(&site);
    loop {
        let path = run.path.clone();
        let parts = Parts {
            site: site.clone(),
            header: header.clone(),
            stop: stop.clone(),
            reach: reach.clone(),
            listener: listener(context),
            person: person.clone(),
            stepwise: answers.step,
        };
        let number = run.index.sessions;
        let session = Arc::new(Session::begin(parts, Some(run), direction)?);
        let code = run_once(context, &session, &runbook, answers, &path);
        let ended =
            Ended { code, number, way_back: session.has_way_back(), is_back: session.is_turned_back() };
        drop(session);
        let Some(next) = after(context, answers, &path, &ended, stop) else {
            // That nobody was there, and it went back by itself, is no success.
            return Ok(if code == 0 && went_back { 1 } else { code });
        };
        went_back |= next.unattended;
        if !next.back {
            let mended = Runbook::load(runbook.layers().clone(), &runbook.name)
                .and_then(|runbook| runbook.check().map(|()| runbook));
            match mended {
                Ok(mended) => runbook = mended,
                // The run was touched, whatever is wrong with the script now.
                Err(failure) => {
                    listener(context).hear(&Event::Failed { failure });
                    return Ok(code);
                }
            }
        }
        direction = if next.back { Direction::Back } else { Direction::On };
        run = OpenRun::open(&path)?;
    }
}

/// How a session ended.
pub struct Ended {
    /// The exit code.
    pub code: u8,
    /// How many sessions there were before it.
    pub number: usize,
    /// Whether the script had said what is to be done if it fails.
    pub way_back: bool,
    /// Whether it was a rollback.
    pub is_back: bool,
}

/// Another session of the run.
pub struct Next {
    pub back: bool,
    /// Whether that is because nobody was there.
    pub unattended: bool,
}

/// What comes after a session: another one, as a person says or as is to be done where nobody is there; or nothing.
pub fn after(context: &Context, answers: &Answers, path: &Path, ended: &Ended, stop: &Stop) -> Option<Next> {
    let can_go_back = ended.way_back && !ended.is_back && !run::is_untouched(path);
    let person = context.person(answers);
    let time_left = person.time_left().filter(|_| can_go_back);
    let is_late = || person.time_left().is_some_and(|left| left.is_zero()) && stop.asked() <= Asked::Finish;
    // Whoever comes later may still roll it back.
    let goes_back = can_go_back
        && !lacks_only_a_backup(path)
        && (answers.unattended().then == Then::Rollback || time_left.is_some());
    let unattended = || {
        // What is over is not over once more.
        person.hear_way_back(false);
        stop.clear();
        Some(Next { back: true, unattended: true })
    };
    // Nobody answered what had to be answered. Who says no wants that it stops as it is.
    let is_missed = ended.code == Kind::Declined.exit_code() && person.was_missed();
    if is_missed && goes_back && stop.asked() == Asked::Nothing {
        return unattended();
    }
    let is_stopped = is_missed || ended.code == 1 || ended.code == Kind::Interrupted.exit_code();
    if is_stopped && can_go_back && is_late() {
        return unattended();
    }
    // Somebody may come before users have been kept out for too long.
    let is_asked = answers.on_failure == WhenFailed::Ask || time_left.is_some();
    if ended.code != 1 || !is_asked || !context.is_attended() {
        return None;
    }
    let form = match ended.way_back && !ended.is_back {
        true => Form::one_of(&["retry", "rollback", "leave"]),
        false => Form::one_of(&["retry", "leave"]),
    };
    let text = what_now(context, path, ended.is_back);
    let about = format!("failed.{}", ended.number);
    person.hear_way_back(can_go_back);
    match person.ask_about(&about, &Question { text, form }) {
        Ok(answer) if answer.text == "retry" => Some(Next { back: false, unattended: false }),
        Ok(answer) if answer.text == "rollback" => Some(Next { back: true, unattended: false }),
        Err(failure) if failure.kind == Kind::Declined && goes_back => unattended(),
        Err(failure) if failure.kind == Kind::Interrupted && goes_back && is_late() => unattended(),
        _ => None,
    }
}

fn lacks_only_a_backup(path: &Path) -> bool {
    session::lacks_only_a_backup(&Summary::as_far_as_readable(path).0)
}

/// What is asked after a failure: what each answer does, and what there is besides.
fn what_now(context: &Context, path: &Path, is_rollback: bool) -> String {
    let name = word(run::name(path));
    let by_hand = context.command(&format!("repl --run {name}"));
    match is_rollback {
        _ if run::is_untouched(path) => {
            "What now? `retry` starts the script again, as it is then.".to_owned()
        }
        true => format!(
            "What now? `retry` continues the rollback. After `leave`, `{by_hand}` opens the run for work by hand."
        ),
        false => format!(
            "What now? `retry` tries the failed step again, with the scripts as they are then. After `leave`, \
             `{by_hand}` opens the run for work by hand, and `{}` starts again from an earlier step.",
            context.command(&format!("resume {name} --from STEP")),
        ),
    }
}

/// What is shown of a run here.
pub fn report(context: &Context) -> Arc<dyn Listener> {
    match context.json {
        true => Arc::new(JsonLines),
        false => Arc::new(Lines::new(context.style, context.live, context.quiet, context.verbose)),
    }
}

/// Who hears what happens.
fn listener(context: &Context) -> Arc<dyn Listener> {
    let report = match &context.attended {
        Some(attended) => attended.listener.clone(),
        None => report(context),
    };
    match context.witness.clone() {
        None => report,
        Some(witness) => Arc::new(move |event: &Event| {
            report.hear(event);
            witness.hear(event);
        }),
    }
}

/// What is wrong is found in a script that has acted already: what it did stays done.
fn acted(failure: Failure) -> Failure {
    let help = failure.help.clone().map(|help| format!("{help}\n")).unwrap_or_default();
    failure.help(format!("{help}earlier changes remain; correct the script, then `banister resume`"))
}

/// One session of the run. Gives the exit code.
fn run_once(
    context: &Context,
    session: &Arc<Session>,
    runbook: &Runbook,
    answers: &Answers,
    path: &Path,
) -> u8 {
    let was_asked_to_go_back = session.is_turned_back();
    let on_failure = match answers.on_failure {
        // Nobody is waited for.
        _ if answers.unattended().wait() == Some(Duration::ZERO)
            && answers.unattended().then == Then::Rollback =>
        {
            OnFailure::RollbackAlone
        }
        WhenFailed::Ask | WhenFailed::Stop => OnFailure::Stop,
        WhenFailed::Rollback => OnFailure::Rollback,
    };
    // A way back ends what is still running by itself.
    let settled = if was_asked_to_go_back { Ok(()) } else { session.settle_typed() };
    let result = settled.and_then(|()| runbook.run(session, &session.header.parameters, None, on_failure));
    let code = match &result {
        // The runbook failed, although the way back went well.
        Ok(()) if session.is_turned_back() && !was_asked_to_go_back => 1,
        Ok(()) => 0,
        // Its exit code would say that nothing was touched.
        Err(failure) if failure.kind == Kind::Invalid && session.has_acted() => 1,
        Err(failure) => failure.kind.exit_code(),
    };
    let result = match result {
        Err(failure) if failure.kind == Kind::Invalid && code == 1 => Err(acted(failure)),
        other => other,
    };
    let summary = session.finish(result, path.to_owned());
    outcome::print(context, &summary, Some(&session.site));
    let code = match (&summary.index.finished, code) {
        // All was done, but a server could not be told.
        (Some((RunState::Interrupted, Some(failure))), 0) => failure.kind.exit_code(),
        _ => code,
    };
    // The process ends. To take the records of a long run apart would be felt.
    std::mem::forget(summary);
    code
}
