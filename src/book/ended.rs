//! What runs on a server came to: a line for each, the newest last.

use super::{Open, Owed};
use crate::event::RunState;
use crate::failure::{Context, Kind, Result};
use crate::machine::installation;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How many lines are kept, and at how many the oldest go.
const KEPT: usize = 500;
const MOST: usize = 1_000;

/// How a session left a run, as the server is told it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct End {
    pub state: RunState,
    /// Whether the run may have changed any of its servers.
    pub changed: bool,
    /// Whether it is being rolled back.
    #[serde(default)]
    pub back: bool,
    /// The steps that ended, with the seconds that each took.
    pub steps: Vec<(String, f64)>,
}

/// A run that is not open any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Ended {
    pub run: String,
    pub runbook: String,
    pub purpose: String,
    pub by: String,
    /// RFC 3339, UTC.
    pub since: String,
    pub at: String,
    pub grant: u64,
    /// `done`, `rolled_back`, `abandoned`, or `superseded`: another began before it had changed anything.
    pub state: String,
    /// Who abandoned or superseded it, and why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_by: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<(String, f64)>,
}

impl Ended {
    /// Whether it ended as its script says.
    pub fn is_settled(&self) -> bool {
        ["done", "rolled_back"].contains(&self.state.as_str())
    }

    /// Whether somebody else ended it: it is not continued.
    pub fn is_by_others(&self) -> bool {
        ["abandoned", "superseded"].contains(&self.state.as_str())
    }
}

/// The runs that ended, the oldest first. A line that can't be read, as one that a crash cut off, is passed over: it says
/// nothing that anybody acts upon but that the run is not open, and that is in the book.
pub fn ended(folder: &Path) -> Result<Vec<Ended>> {
    let path = path(folder);
    match std::fs::read(&path) {
        Ok(text) => {
            let lines = text.split(|byte| *byte == b'\n');
            Ok(lines.filter_map(|line| serde_json::from_slice(line).ok()).collect())
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => {
            let is_file = path.is_file();
            Err(error).or_fail(Kind::Refused, || "can't read which runs ended here".into()).map_err(
                |failure| {
                    let shown = path.display();
                    failure.help(match is_file {
                        true => format!("ask as a user who may read `{shown}`"),
                        false => format!("move that file away: mv '{shown}' '{shown}.damaged'"),
                    })
                },
            )
        }
    }
}

/// What became of a run that is not open any more, if that is still known.
pub fn end_of(folder: &Path, run: &str) -> Result<Option<Ended>> {
    let is_dismissal = |line: &Ended| line.state.starts_with("dismissed ");
    Ok(ended(folder)?.into_iter().rfind(|line| line.run == run && !is_dismissal(line)))
}

/// So many of the last runs say how long the next one takes.
const LAST: usize = 5;

/// How long the last runs of a runbook took that were done: seconds of each, the newest last. That somebody was waited for
/// is no part of it where its steps say so.
pub fn took(folder: &Path, runbook: &str) -> Result<Vec<f64>> {
    let seconds = |line: &Ended| {
        let instant = |text: &str| text.parse::<jiff::Timestamp>().ok();
        let all = instant(&line.at)?.duration_since(instant(&line.since)?).as_secs_f64();
        let steps: f64 = line.steps.iter().map(|(_, seconds)| seconds).sum();
        Some(if line.steps.is_empty() { all } else { all.min(steps) }.max(0.0))
    };
    let ended = ended(folder)?;
    let done = ended.iter().filter(|line| line.state == "done" && line.runbook == runbook);
    let mut took: Vec<f64> = done.filter_map(seconds).collect();
    took.drain(..took.len().saturating_sub(LAST));
    Ok(took)
}

/// Notes runs that were not done.
pub fn close_all(folder: &Path, closed: Vec<Open>, state: &str, by: Option<String>) -> Result<()> {
    let line = |open| Ended { ended_by: by.clone(), ..line(open, state, Vec::new()) };
    add(folder, closed.into_iter().map(line).collect())
}

/// Notes a run that ended as its script says.
pub fn note_end(folder: &Path, open: Open, end: &End) -> Result<()> {
    add(folder, vec![line(open, end.state.name(), end.steps.clone())])
}

/// Notes that something owed was dismissed, and why.
pub fn note_dismissed(folder: &Path, owed: &Owed, by: String) -> Result<()> {
    let Owed { name, text, run, since, .. } = owed.clone();
    add(
        folder,
        vec![Ended {
            run,
            runbook: String::new(),
            purpose: text,
            by: owed.by.clone(),
            since,
            at: crate::units::now(),
            grant: 0,
            state: format!("dismissed {name}"),
            ended_by: Some(by),
            steps: Vec::new(),
        }],
    )
}

fn line(open: Open, state: &str, steps: Vec<(String, f64)>) -> Ended {
    let Open { run, runbook, purpose, by, since, grant, .. } = open;
    let (at, state) = (crate::units::now(), state.to_owned());
    Ended { run, runbook, purpose, by, since, at, grant, state, ended_by: None, steps }
}

/// Adds lines; one of a run that has the same line already takes its place. Called with the book held.
fn add(folder: &Path, new: Vec<Ended>) -> Result<()> {
    if new.is_empty() {
        return Ok(());
    }
    let mut all = ended(folder)?;
    for line in new {
        // Whoever was killed after this line and before the book left a run open that another one ended then.
        all.retain(|known| (&known.run, &known.state) != (&line.run, &line.state));
        all.push(line);
    }
    if all.len() > MOST {
        all.drain(..all.len() - KEPT);
    }
    let mut text = String::new();
    for line in &all {
        text +=
            &serde_json::to_string(line).or_fail(Kind::Bug, || "an ended run is not plain data".into())?;
        text.push('\n');
    }
    installation::write(&path(folder), text.as_bytes(), true)
}

fn path(folder: &Path) -> PathBuf {
    folder.join("ended.jsonl")
}
