//! A runbook on a practice server, undisturbed and killed at each record.

use super::Bench;
use super::reached::Reached;
use super::sweep::{self, places};
use crate::failure::{Failure, Kind, Result};
use crate::practice::{Original, Rehearsal};
use std::path::Path;

/// How an undisturbed run of a runbook ended.
pub struct Undisturbed {
    pub contents: Vec<String>,
    /// Where to kill another one.
    pub places: Vec<String>,
    pub records: usize,
}

/// Tells how it went.
pub fn rehearse(
    bench: &mut Bench,
    original: &Original,
    runbook: &str,
    sweeping: bool,
    reached: &mut Reached,
) {
    let program = bench.program.clone();
    let mut found = None;
    let went_well = bench.case(runbook, || {
        let undisturbed = undisturbed(original, &program, runbook, reached)?;
        let note = format!("done, with {} records", undisturbed.records);
        found = Some(undisturbed);
        Ok(note)
    });
    if let (true, true, Some(undisturbed)) = (went_well, sweeping, found) {
        bench.case(&format!("{runbook}, killed"), || {
            let kills = sweep::sweep(original, &program, runbook, &undisturbed)?;
            Ok(format!("{kills} times, at each of its {} records; resumed: same end", undisturbed.records))
        });
    }
}

fn undisturbed(
    original: &Original,
    program: &Path,
    runbook: &str,
    reached: &mut Reached,
) -> Result<Undisturbed> {
    let rehearsal = Rehearsal::new(original, program)?;
    let ended = rehearsal.banister(&["run", runbook, "--yes"], None)?;
    reached.see(&rehearsal.state())?;
    if ended.code != 0 {
        return Err(told(
            &format!("`{runbook}` ended with exit code {}", ended.code),
            &rehearsal,
            original,
            &ended.said,
        ));
    }
    let journal = sweep::journal(&rehearsal)?;
    Ok(Undisturbed {
        contents: rehearsal.contents()?,
        places: places(&journal),
        records: journal.lines().count(),
    })
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
