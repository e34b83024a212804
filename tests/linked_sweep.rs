//! The update of linked practice servers, killed at every record of its journal: the end is that of an update that is not
//! killed, and no make target runs twice.
//!
//! A world is not made for each record: a part of the records is gone through in one world, killed at each of them, and
//! gone on with from there to the next. Every kill finds what those before it left.

#[path = "sweep/round.rs"]
mod round;
#[path = "linked/servers.rs"]
mod servers;
mod support;

use round::{count, side_by_side};
use servers::Servers;
use std::sync::atomic::{AtomicUsize, Ordering};

/// In so many worlds the records are gone through.
const PARTS: usize = 8;

/// The records of a run that tell of its course, and not of its sessions.
fn course(servers: &Servers) -> Vec<String> {
    let journal = servers.journals().pop().unwrap_or_default();
    let tells = |line: &&str| !line.contains("\"session\":{") && !line.contains("\"run\":{");
    journal.lines().filter(tells).map(str::to_owned).collect()
}

#[test]
fn an_update_of_linked_servers_that_is_killed_at_any_record_ends_like_one_that_is_not() {
    let undisturbed = Servers::new();
    let said = undisturbed.banister(&["run", "update-linked", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let (expected, records) = (undisturbed.left(), course(&undisturbed).len());
    drop(undisturbed);

    let kills = AtomicUsize::new(0);
    let parts: Vec<(usize, usize)> =
        (0..PARTS).map(|part| (records * part / PARTS, records * (part + 1) / PARTS)).collect();
    side_by_side(&parts, |(first, last)| {
        let servers = Servers::new();
        // The first records are those of the run and of its session.
        let said = servers.crash(&["run", "update-linked", "--yes"], &format!("after {}", first + 1));
        assert_eq!(said.code, Some(-9), "{first}: {said:?}");
        let mut before = 0;
        while course(&servers).len() < *last {
            let journal = servers.journals().pop().unwrap();
            let begun = course(&servers).last().is_some_and(|record| record.contains("\"begun\""));
            // The session's own record comes first.
            let next = journal.lines().count() + 1;
            // What was begun is done once without its end being written down, and once with it.
            let place = match begun && before != course(&servers).len() {
                true => format!("before {next}"),
                false => format!("after {next}"),
            };
            before = course(&servers).len();
            let said = servers.crash(&["resume", "--yes"], &place);
            kills.fetch_add(1, Ordering::Relaxed);
            if said.code == Some(0) {
                break;
            }
            assert_eq!(said.code, Some(-9), "{place}: {said:?}");
        }
        let said = servers.banister(&["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{first} to {last}: {said:?}");
        let left = servers.left();
        assert_eq!(left, expected, "killed at the records {first} to {last}");
    });
    let kills = kills.into_inner();
    assert!(kills >= records, "killed {kills} times only, at {records} records");
    count(&format!(
        "killed {kills} times at {records} records of linked servers: 0 make targets ran twice, 0 worlds differ"
    ));
}
