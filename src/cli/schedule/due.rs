//! What a timer or a line of a crontab calls.

use crate::cli::background;
use crate::cli::scheduled::kept::{self, Schedule};
use crate::cli::scheduled::refusal;
use crate::command::in_environment;
use crate::failure::{Failure, Kind, Result};
use crate::session;
use std::ffi::OsStr;
use std::path::Path;

/// `banister scheduled FILE -- WORDS`: becomes the same `--here`, in the environment in which it was scheduled.
pub fn begin(file: &Path, words: &[String]) -> Failure {
    let head = ["scheduled".as_ref(), "--here".as_ref(), file.as_os_str(), "--".as_ref()];
    let words: Vec<&OsStr> = head.into_iter().chain(words.iter().map(OsStr::new)).collect();
    let error = in_environment(&words, file);
    let message = format!("the run can't be started in the environment of `{}`", file.display());
    let failure = Failure::new(Kind::Refused, message)
        .why(error)
        .help("schedule it again with `banister schedule RUNBOOK --every WHEN`");
    if let Some(schedule) = schedule(file) {
        refusal::refuse(&schedule, &failure);
    }
    failure
}

/// `banister scheduled --here FILE -- WORDS`: `run` is the run, and `has_begun` says whether it began. One that did not is told.
pub fn here(file: &Path, run: impl FnOnce() -> Result<u8>, has_begun: impl Fn() -> bool) -> Result<u8> {
    let known = schedule(file);
    if let Some(schedule) = &known {
        session::begin_by(&schedule.name);
    }
    if let Some(schedule) = known.clone() {
        background::when_begun(Box::new(move || refusal::forget(&schedule)));
    }
    let ended = run();
    let Some(schedule) = known else { return ended };
    let failure = match &ended {
        _ if has_begun() => None,
        Err(failure) => Some(failure.clone()),
        // What its home says of it was shown.
        Ok(code @ 1..) => Some(Failure::new(Kind::Refused, format!("it ended with {code} before it began"))),
        Ok(0) => None,
    };
    match failure {
        Some(failure) => refusal::refuse(&schedule, &failure),
        // Also where there was nothing to do.
        None => refusal::forget(&schedule),
    }
    ended
}

/// The schedule whose environment this file holds.
fn schedule(file: &Path) -> Option<Schedule> {
    let state = file.parent()?.parent()?;
    let name = file.file_stem()?;
    kept::all(state).into_iter().find(|known| OsStr::new(&known.name) == name)
}
