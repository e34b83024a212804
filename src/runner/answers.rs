//! Questions that wait, and their answers: files that are linked once, so that the first answer is the answer.

use super::place;
use crate::clock::Instant;
use crate::command::{read_file, write_once};
use crate::failure::{Context, Kind, Result};
use crate::person::Question;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::time::Duration;

/// A question that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    #[serde(flatten)]
    pub question: Question,
    pub since: Instant,
    /// How long it waits, in seconds; for ever if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seconds: Option<f64>,
    /// What happens then, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub then: Option<String>,
}

impl Waiting {
    /// How long it still waits.
    pub fn left(&self) -> Option<Duration> {
        let seconds = self.seconds.filter(|seconds| seconds.is_finite() && *seconds >= 0.0)?;
        Some(Duration::from_secs_f64(seconds.min(1e9)).saturating_sub(self.since.elapsed()))
    }
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    pub text: String,
    /// `user@host`, or `nobody` when the time is over.
    pub by: String,
    /// A number by chance, by which who gave it knows it again.
    pub id: String,
    /// Which of the answers on the command line it is, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prepared: Option<usize>,
}

/// Notes that a question waits. One that waited before a crash waits on, by the same clock.
pub fn wait_for(run: &Path, name: &str, waiting: Waiting) -> Result<Waiting> {
    let failed = || format!("the question `{name}` can't be written down");
    let folder = place::folder(run, "asked").or_fail(Kind::Journal, failed)?;
    if write_once(&folder, name, &waiting).or_fail(Kind::Journal, failed)? {
        return Ok(waiting);
    }
    let known: Option<Waiting> = read_file(&folder, name).or_fail(Kind::Journal, failed)?;
    Ok(known.filter(|known| known.question == waiting.question).unwrap_or(waiting))
}

/// The question of this name, if it waits or waited.
pub(super) fn asked(run: &Path, name: &str) -> Option<Question> {
    let waiting: Waiting = read_file(&run.join("asked"), name).ok()??;
    Some(waiting.question)
}

/// Whose an answer is that nobody can read.
pub(super) const UNREADABLE: &str = "somebody";

/// No answer is longer, in bytes.
const LONGEST: u64 = 64 << 10;

/// The answer to a question, if it is there. A file that is none is [`UNREADABLE`]'s.
pub fn answer(run: &Path, name: &str) -> Result<Option<Given>> {
    let path = run.join("answers").join(name);
    let failed = || format!("the answer to the question `{name}` can't be read");
    let file = match std::fs::symlink_metadata(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        file => file.or_fail(Kind::Journal, failed)?,
    };
    let is_fit = file.is_file() && file.len() <= LONGEST;
    let text = if is_fit { std::fs::read(&path).or_fail(Kind::Journal, failed)? } else { Vec::new() };
    Ok(Some(serde_json::from_slice(&text).unwrap_or_else(|_| {
        let (text, by, id) = (String::new(), UNREADABLE.to_owned(), String::new());
        Given { text, by, id, prepared: None }
    })))
}

/// Answers a question, and gives the answer that is there now: this one, or that of whoever came first.
pub fn give(run: &Path, name: &str, given: &Given) -> Result<Given> {
    let failed = || format!("the question `{name}` can't be answered");
    let folder = place::folder(run, "answers").or_fail(Kind::Journal, failed)?;
    if write_once(&folder, name, given).or_fail(Kind::Journal, failed)? {
        return Ok(given.clone());
    }
    Ok(answer(run, name)?.unwrap_or_else(|| given.clone()))
}

/// Whether a question of the newest request waits for an answer.
pub fn waits(run: &Path) -> bool {
    let entries = std::fs::read_dir(run.join("asked")).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let names: Vec<String> = names.filter(|name| !name.starts_with('.')).collect();
    let request = |name: &str| name.split('-').next().map(str::to_owned);
    let newest = names.iter().filter_map(|name| request(name)).max();
    let is_open = |name: &&String| request(name) == newest && !run.join("answers").join(name).exists();
    names.iter().any(|name| is_open(&name))
}

/// How many of the answers on the command line were given, as answers whose names begin so.
pub(super) fn prepared(run: &Path, begins: &str) -> usize {
    let entries = std::fs::read_dir(run.join("answers")).into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| {
        let name = entry.file_name().into_string().ok().filter(|name| name.starts_with(begins))?;
        answer(run, &name).ok()??.prepared
    });
    numbers.max().unwrap_or_default()
}

/// Whether one of the answers whose names begin so is this one's.
pub(super) fn is_any_by(run: &Path, begins: &str, by: &str) -> bool {
    let entries = std::fs::read_dir(run.join("answers")).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut given =
        names.filter(|name| name.starts_with(begins)).filter_map(|name| answer(run, &name).ok()?);
    given.any(|given| given.by == by)
}

/// A number by chance, for an answer.
pub fn new_id() -> String {
    let mut chance = [0; 8];
    let _ = rustix::rand::getrandom(&mut chance, rustix::rand::GetRandomFlags::empty());
    format!("{:016x}", u64::from_ne_bytes(chance))
}
