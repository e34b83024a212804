//! A runbook killed at each of its records on practice servers, resumed, and compared with its undisturbed end.

use super::rehearse::{Undisturbed, told};
use crate::failure::{Context, Failure, Kind, Result};
use crate::practice::{Original, Rehearsal};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many practice servers share the places: a run that is killed at one goes on for some records until the next.
const WORLDS: usize = 8;

/// How often a run was killed. Fails with the first end that differs, and the places that led there.
pub fn sweep(original: &Original, program: &Path, runbook: &str, undisturbed: &Undisturbed) -> Result<usize> {
    let next = AtomicUsize::new(0);
    // Practice servers mostly wait.
    let threads = 2 * std::thread::available_parallelism().map_or(1, usize::from);
    let work = || {
        let mut kills = 0;
        loop {
            let first = next.fetch_add(1, Ordering::Relaxed);
            if first >= WORLDS {
                return Ok(kills);
            }
            let places: Vec<&String> = undisturbed.places.iter().skip(first).step_by(WORLDS).collect();
            kills += world(original, program, runbook, &undisturbed.contents, &places)?;
        }
    };
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let results = threads.into_iter().map(|thread| match thread.join() {
            Ok(kills) => kills,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        // All of them, so that none is left when the first has failed.
        results.collect::<Vec<Result<usize>>>().into_iter().sum()
    })
}

/// Kills one run at these places, one after the other.
fn world(
    original: &Original,
    program: &Path,
    runbook: &str,
    contents: &[String],
    places: &[&String],
) -> Result<usize> {
    let rehearsal = Rehearsal::new(original, program)?;
    let begin = ["run", runbook, "--yes"];
    let mut arguments: &[&str] = &begin;
    let mut killed: Vec<&str> = Vec::new();
    for place in places {
        let ended = rehearsal.banister(arguments, Some(place))?;
        arguments = &["resume", "--yes"];
        match ended.code {
            // SIGKILL.
            -9 => killed.push(place),
            // It was past that record already.
            0 => break,
            code => {
                return Err(told(
                    &format!("{}, it ended with exit code {code}", at(&killed)),
                    &rehearsal,
                    original,
                    &ended.said,
                ));
            }
        }
    }
    let ended = rehearsal.banister(arguments, None)?;
    if ended.code != 0 {
        return Err(told(
            &format!("{}, it ended with exit code {}", at(&killed), ended.code),
            &rehearsal,
            original,
            &ended.said,
        ));
    }
    let found = rehearsal.contents()?;
    if found != contents {
        let only = |these: &[String], others: &[String]| {
            these.iter().filter(|line| !others.contains(line)).cloned().collect::<Vec<_>>().join("; ")
        };
        let message = format!("{}, the end is another one", at(&killed));
        return Err(Failure::new(Kind::Refused, message)
            .why(format!("only then: {}", only(&found, contents)))
            .why(format!("only undisturbed: {}", only(contents, &found))));
    }
    Ok(killed.len())
}

fn at(places: &[&str]) -> String {
    format!("killed {}", places.join(", then "))
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
