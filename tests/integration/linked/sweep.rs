//! An update of linked servers, killed again and again in one world: every kill finds what those before it left.

use super::servers::{Left, Servers};
use crate::support::awkward::Awkward;
use crate::sweep::round::{Thin, count, side_by_side};
use std::borrow::Borrow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

pub const UPDATE: [&str; 3] = ["run", "update-linked", "--yes"];

/// The records of a run that tell of its course, and not of its sessions.
pub fn course(servers: &Servers) -> Vec<String> {
    let journal = servers.journals().pop().unwrap_or_default();
    let tells = |line: &&str| !line.contains("\"session\":{") && !line.contains("\"run\":{");
    journal.lines().filter(tells).map(str::to_owned).collect()
}

/// What an update that nothing disturbs leaves, and how many records it has. That of tidy servers is done once for all tests.
pub fn undisturbed(awkward: &Awkward) -> Arc<(Vec<Left>, usize)> {
    static TIDY: OnceLock<Arc<(Vec<Left>, usize)>> = OnceLock::new();
    match awkward.things().is_empty() {
        true => TIDY.get_or_init(|| updated(awkward).into()).clone(),
        false => updated(awkward).into(),
    }
}

fn updated(awkward: &Awkward) -> (Vec<Left>, usize) {
    let servers = Servers::within(awkward);
    let said = servers.banister(&UPDATE);
    assert_eq!(said.code, Some(0), "{said:?}");
    (servers.left(), course(&servers).len())
}

/// Goes through the records in a few worlds, a part of the records in each. A run is killed `stride` records after it
/// went on: with 1 at every record, and where a call was begun also before its end is written down; with more, before
/// and after a record in turn. The last session of each world ends in the world of an undisturbed update. Gives how often it was killed.
pub fn killed<W: Borrow<Servers>>(
    named: &str,
    awkward: &Awkward,
    new: impl Fn(&Awkward) -> W + Sync,
    thin: Thin,
) -> usize {
    let Thin { worlds: parts, stride, first: offset } = thin;
    let undisturbed = undisturbed(awkward);
    let (expected, records) = (&undisturbed.0, undisturbed.1);
    let kills = AtomicUsize::new(0);
    let parts: Vec<(usize, usize)> =
        (0..parts).map(|part| (records * part / parts, records * (part + 1) / parts)).collect();
    side_by_side(&parts, |(first, last)| {
        let world = new(awkward);
        let servers = world.borrow();
        // The first records are those of the run and of its session.
        let said = servers.crash(&UPDATE, &format!("after {}", first + 1 + offset));
        assert_eq!(said.code, Some(-9), "{first}: {said:?}");
        let (mut before, mut is_before) = (0, false);
        while course(servers).len() < *last {
            let journal = servers.journals().pop().unwrap();
            let begun = course(servers).last().is_some_and(|record| record.contains("\"begun\""));
            is_before = match stride {
                // What was begun is done once without its end being written down, and once with it.
                1 => begun && before != course(servers).len(),
                _ => !is_before,
            };
            // The session's own record comes first.
            let next = journal.lines().count() + stride;
            let place = format!("{} {next}", if is_before { "before" } else { "after" });
            before = course(servers).len();
            let said = servers.crash(&["resume", "--yes"], &place);
            kills.fetch_add(1, Ordering::Relaxed);
            if said.code == Some(0) {
                break;
            }
            assert_eq!(said.code, Some(-9), "{place}: {said:?}");
        }
        let said = servers.banister(&["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{first} to {last}: {said:?}");
        assert_eq!(servers.left(), *expected, "killed at the records {first} to {last}");
    });
    let kills = kills.into_inner();
    assert!(kills + 2 * parts.len() >= records / stride, "killed {kills} times only, at {records} records");
    let every = if stride == 1 { String::new() } else { format!(", every {stride} of them") };
    count(&format!(
        "killed {kills} times at {records} records of {named}{every}: 0 make targets ran twice, 0 worlds differ"
    ));
    kills
}
