//! What the primitives that run a command have in common: performing it under a supervisor, and what a second attempt
//! after a crash does.
//!
//! A command is begun at most once per attempt; whoever comes later follows it or reads how it ended. What it prints
//! is a value here, and exact; what is shown of it while it runs is for eyes, and is never a value again.

mod setting;

pub use setting::{Setting, Variable};

use crate::command::{self, Attention, Exit, Followed, From, Spec, State, Survivor};
use crate::data;
use crate::failure::{Failure, Kind, Result};
use crate::primitive::{Host, Probe, Told};
use crate::stop::Asked;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::Path;

/// How many of its last lines a command's outcome holds; all of them are in its log.
const LINES: usize = 100;
/// How many of its last lines a failure shows.
const LINES_OF_FAILURE: usize = 15;
/// How many characters of a line a failure shows.
const LONGEST_REASON: usize = 2000;

/// How a command ended that did what it should.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    /// How long it ran.
    pub seconds: f64,
    /// The last lines of its output.
    pub lines: Vec<String>,
}

/// Runs a command in the folder of this attempt to its end, or follows it there if an earlier session began it.
///
/// Fails with [`Kind::CommandFailed`], [`Kind::TimedOut`] or [`Kind::NotFound`] (nothing ran) for what the command
/// did; with [`Kind::Interrupted`] if this session was asked to stop; with [`Kind::InDoubt`] if nobody wrote how it
/// ended.
pub fn perform(spec: &Spec, host: &Host) -> Result<Ended> {
    let folder = host.folder;
    let from = match command::state(folder)? {
        State::NotBegun => {
            command::start(folder, spec)?;
            From::Start
        }
        // An earlier session, or connection, showed the rest.
        State::Running => From::Last,
        State::Void | State::Ended(_) | State::CutOff { .. } => From::Start,
    };
    let attention = || match host.stop.asked() {
        Asked::Nothing | Asked::Finish => Attention::Go,
        Asked::Leave => Attention::Leave,
        Asked::Cancel => Attention::Cancel,
    };
    let mut show = |line: &str| (host.tell)(Told::Progress(line.into()));
    match command::follow(folder, from, &attention, &mut show)? {
        Followed::Ended(exit) if exit.success() => Ok(Ended {
            seconds: command::took(folder).unwrap_or_default().as_secs_f64(),
            lines: last_lines(folder, LINES),
        }),
        Followed::Ended(exit) => Err(failure(spec, host, &exit)),
        Followed::CutOff { survivors } => Err(Failure::new(Kind::InDoubt, doubt(&survivors))),
        Followed::Left => Err(Failure::new(Kind::Interrupted, format!("{} still runs", shown(spec)))
            .help("it continues in the background; follow it with `banister resume`")),
        Followed::Void => Err(failure(spec, host, &Exit::Cancelled)),
    }
}

/// What a plan may assume of the command.
pub fn predict(spec: &Spec) -> Value {
    let about = shown(spec);
    let unknown = |field| data::unknown(format!("{about}: {field}"));
    json!({ "seconds": unknown("seconds"), "lines": unknown("lines") })
}

/// Looks how far a command came whose end is not recorded. With `repeat` it may be run again if nobody can know, unless
/// something that it started still runs and would be in the way.
pub fn probe(host: &Host, repeat: bool) -> Result<Probe<Ended>> {
    Ok(match command::state(host.folder)? {
        State::CutOff { survivors } if repeat && survivors.is_empty() => Probe::Again,
        State::CutOff { survivors } => Probe::Unknown(doubt(&survivors)),
        // It was ended by who interrupted the run, and did not get through.
        State::Void | State::Ended(Exit::Cancelled) => Probe::Again,
        State::NotBegun | State::Running | State::Ended(_) => Probe::GoOn,
    })
}

fn failure(spec: &Spec, host: &Host, exit: &Exit) -> Failure {
    let kind = match exit {
        Exit::Cancelled if host.stop.is_asked() => Kind::Interrupted,
        Exit::Status(_) | Exit::Signal(_) | Exit::Cancelled => Kind::CommandFailed,
        Exit::TimedOut => Kind::TimedOut,
        Exit::NotStarted(_) => Kind::NotFound,
    };
    let message = match (exit, spec.within) {
        (Exit::TimedOut, Some(within)) => {
            format!("{} did not end within {within} and was stopped", shown(spec))
        }
        _ => format!("{} {exit}", shown(spec)),
    };
    let mut failure = Failure::new(kind, message);
    failure.why = last_lines(host.folder, LINES_OF_FAILURE).iter().map(|line| end_of(line)).collect();
    match kind {
        Kind::NotFound => failure,
        Kind::Interrupted => failure.help("`banister resume` runs it again"),
        _ => failure.help(format!("see its whole output in `{}`", command::log(host.folder).display())),
    }
}

/// What a person must know who is to say whether a command that was cut off did what it should.
fn doubt(survivors: &[Survivor]) -> String {
    let mut text = "it began, and nobody wrote how it ended".to_owned();
    if !survivors.is_empty() {
        let show = |survivor: &Survivor| format!("{} `{}`", survivor.pid, survivor.command_line);
        let list: Vec<String> = survivors.iter().map(show).collect();
        text.push_str(&format!("; of what it started, these processes still run: {}", list.join(", ")));
    }
    text
}

/// The command as it was written, in backticks.
fn shown(spec: &Spec) -> String {
    let arguments: Vec<&str> = spec.arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["/bin/sh", "-c", line] => format!("`{line}`"),
        arguments => format!("`{}`", arguments.join(" ")),
    }
}

fn last_lines(folder: &Path, count: usize) -> Vec<String> {
    command::tail(folder, count, &|line| line.to_owned())
}

/// Of a long line the end, as a reason: the log has all of it.
fn end_of(line: &str) -> String {
    match line.char_indices().rev().nth(LONGEST_REASON) {
        Some((at, last)) => format!("…{}", &line[at + last.len_utf8()..]),
        None => line.to_owned(),
    }
}
