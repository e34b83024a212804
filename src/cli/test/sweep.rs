//! A runbook killed at each of its records on practice servers, resumed, and compared with its undisturbed end.

use super::undisturbed::{Undisturbed, told};
use crate::failure::{Failure, Kind, Result};
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
