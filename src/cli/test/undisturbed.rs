//! What a rehearsal leaves: its end, the places in its journal, and what it said.

use crate::failure::{Context, Failure, Kind, Result};
use crate::practice::{Original, Rehearsal};

/// How an undisturbed run of a runbook ended.
pub struct Undisturbed {
    pub contents: Vec<String>,
    /// Where to kill another one.
    pub places: Vec<String>,
    pub records: usize,
}

/// A failure with what the program said went wrong, or with its last lines. Places are those of the real site.
pub fn told(message: &str, rehearsal: &Rehearsal, original: &Original, said: &str) -> Failure {
    /// Enough for the step that failed, and why.
    const LINES: usize = 25;
    let (site, folder) = (rehearsal.site().display().to_string(), original.folder.display().to_string());
    let said = said.replace(&site, &folder);
    let lines: Vec<&str> = said.lines().collect();
    let error = lines.iter().rposition(|line| line.starts_with("error:"));
    let from = error.unwrap_or(lines.len().saturating_sub(LINES));
    let state = lines.iter().filter(|line| line.starts_with("state:"));
    // What it says of going on and of logs leads nowhere: the practice server is gone.
    let rest = lines[from..]
        .iter()
        .filter(|line| !line.contains("`banister resume") && !line.contains("see its whole output"));
    let failure =
        state.chain(rest).fold(Failure::new(Kind::Refused, message), |failure, line| failure.why(line));
    match said.contains("not found") || said.contains("status 127") {
        true => failure.help(
            "a rehearsal can run only the programs of an update: put a replacement for yours into `tests/bin`",
        ),
        false => failure,
    }
}

/// The journal of the only run.
pub fn journal(rehearsal: &Rehearsal) -> Result<String> {
    let failed = || "the run of a rehearsal can't be read".to_owned();
    let mut runs = std::fs::read_dir(rehearsal.state().join("runs")).or_fail(Kind::Journal, failed)?;
    let run =
        runs.next().ok_or_else(|| Failure::new(Kind::Journal, failed()))?.or_fail(Kind::Journal, failed)?;
    std::fs::read_to_string(run.path().join("journal.jsonl")).or_fail(Kind::Journal, failed)
}

/// Where to kill a run with this journal: after each record, and before each that tells how a call ended; before another
/// one nothing happens that is not written down. A place is named by what its record is of, so that it is the same one in a
/// run that was killed before.
pub fn places(journal: &str) -> Vec<String> {
    let mut places = Vec::new();
    for (n, record) in journal.lines().enumerate().skip(1) {
        let begins = record.match_indices(',').nth(1).map_or(0, |(at, _)| at + 1);
        let named: String = record[begins..].chars().take(40).take_while(|c| *c != ',').collect();
        // It begins every session of a run.
        let named = if named.starts_with("\"session\"") { n.to_string() } else { named };
        if named.starts_with("\"ended\"") {
            places.push(format!("before {named}"));
        }
        places.push(format!("after {named}"));
    }
    places
}
