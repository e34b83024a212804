//! Works on a run: the part that `run` and `resume` share.

use super::arguments::{Answers, WhenFailed};
use super::context::Context;
use super::outcome;
use crate::event::Listener;
use crate::failure::Result;
use crate::journal::Header;
use crate::journal::run::OpenRun;
use crate::reach::here::Here;
use crate::report::json::JsonLines;
use crate::report::lines::Lines;
use crate::script::runbook::{OnFailure, Runbook};
use crate::session::{Parts, Session};
use crate::site::Site;
use crate::stop::Stop;
use std::sync::Arc;

/// Works on a run until it ends, and prints the state and the next command.
pub fn work(
    context: &Context,
    site: Arc<Site>,
    runbook: &Runbook,
    header: Header,
    run: OpenRun,
    answers: &Answers,
    rollback: bool,
) -> Result<u8> {
    let stop = Arc::new(Stop::new());
    super::signals::listen(&stop)?;
    let listener: Arc<dyn Listener> = match context.json {
        true => Arc::new(JsonLines),
        false => Arc::new(Lines::new(context.style, context.live, context.quiet, context.verbose)),
    };
    let parameters = header.parameters.clone();
    let path = run.path.clone();
    let parts =
        Parts { site, header, stop, reach: Arc::new(Here), listener, person: context.person(answers) };
    let session = Arc::new(Session::begin(parts, Some(run), rollback)?);
    let was_asked_to_go_back = session.is_turned_back();
    let on_failure = match answers.on_failure {
        WhenFailed::Stop => OnFailure::Stop,
        WhenFailed::Rollback => OnFailure::Rollback,
    };
    let result = runbook.run(&session, &parameters, None, on_failure);
    let code = match &result {
        // The runbook failed, although the way back went well.
        Ok(()) if session.is_turned_back() && !was_asked_to_go_back => 1,
        Ok(()) => 0,
        Err(failure) => failure.kind.exit_code(),
    };
    let summary = session.finish(result, path);
    drop(session);
    outcome::print(context, &summary);
    Ok(code)
}
