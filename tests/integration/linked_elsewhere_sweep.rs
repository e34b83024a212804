//! The update of linked servers that are reached over real OpenSSH, killed and cut off all along its journal: the end is
//! that of an update that nothing disturbs, and no make target runs twice.

use crate::linked::elsewhere;
use crate::linked::sweep;
use crate::support;
use crate::sweep::round;

use elsewhere::Elsewhere;
use round::{Thin, count, side_by_side};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use support::awkward::Awkward;
use support::chance::{self, Chance};
use support::said;

/// Each session connects to three hosts before it goes on, which takes too long to do at every record: the same update is
/// killed at each of them where the servers are on this machine.
fn thin() -> Thin {
    let few = || Thin { worlds: 1, stride: 23, first: Chance::of(chance::seed()).below(23) };
    if chance::is_long() { Thin { worlds: 4, stride: 3, first: 0 } } else { few() }
}

/// The connections are cut at each so many records.
const CUT_STRIDE: usize = 12;

/// At which of so many records they are cut first, in each of a few worlds; in a long run at each.
fn first_cuts() -> Vec<usize> {
    let all: Vec<usize> = (0..CUT_STRIDE).collect();
    chance::part(all, CUT_STRIDE)
}

#[test]
fn an_update_of_servers_elsewhere_that_is_killed_all_along_ends_like_one_that_is_not() {
    if !chance::is_turn(0, 3) {
        return;
    }
    sweep::killed("linked servers over ssh", &Awkward::tidy(), Elsewhere::within, thin());
}

#[test]
fn an_update_of_servers_elsewhere_whose_connections_are_cut_all_along_ends_like_one_that_is_not() {
    if !chance::is_turn(1, 3) {
        return;
    }
    let undisturbed = sweep::undisturbed(&Awkward::tidy());
    let (expected, records) = (&undisturbed.0, undisturbed.1);
    let (cuts, resumed) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let worlds = first_cuts();
    side_by_side(&worlds, |offset| {
        let world = Elsewhere::new();
        let servers = &world.servers;
        let mut child = servers.command(&sweep::UPDATE).spawn().unwrap();
        // Before a run there is nothing to go on with: who can't be reached then is told.
        let mut next = offset + 1;
        while child.try_wait().unwrap().is_none() {
            let now = sweep::course(servers).len();
            if now >= next {
                world.cut();
                cuts.fetch_add(1, Ordering::Relaxed);
                next = now + CUT_STRIDE - (now - next) % CUT_STRIDE;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        let mut said = said(child.wait_with_output().unwrap());
        // Who can't be reached for long is told as that, and the run is gone on with.
        if said.code != Some(0) {
            resumed.fetch_add(1, Ordering::Relaxed);
            assert!(said.err.contains("lost") || said.err.contains("reached"), "{offset}: {said:?}");
            said = servers.banister(&["resume", "--yes"]);
        }
        assert_eq!(said.code, Some(0), "{offset}: {said:?}");
        assert_eq!(servers.left(), *expected, "cut at every {CUT_STRIDE} records from {offset} on");
    });
    let (cuts, resumed) = (cuts.into_inner(), resumed.into_inner());
    assert!(cuts >= worlds.len(), "cut {cuts} times only, at {records} records");
    count(&format!(
        "cut all connections {cuts} times at {records} records of linked servers over ssh, {resumed} of {} \
         runs had to be resumed: 0 make targets ran twice, 0 worlds differ",
        worlds.len()
    ));
}
