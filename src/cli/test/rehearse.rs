//! A runbook on a practice server, undisturbed and killed at each record.

use super::Bench;
use super::reached::Reached;
use super::sweep;
use super::undisturbed::{Undisturbed, journal, places, told};
use crate::failure::Result;
use crate::practice::{Original, Rehearsal};
use std::path::Path;

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
    let written = journal(&rehearsal)?;
    Ok(Undisturbed {
        contents: rehearsal.contents()?,
        places: places(&written),
        records: written.lines().count(),
    })
}
