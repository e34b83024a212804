//! The update of a practice server, killed all along its journal, in a long run at every record, at random moments, and with
//! its supervisors killed: `resume` ends in the world of an undisturbed update, and no make target runs twice. A few worlds
//! share the kills: each finds what those before it left. Each record alone is cut in `in_process/gate`.

pub mod contents;
pub mod plain;
pub mod records;
pub mod round;
use crate::support;

use round::{Round, Thin, World, count, side_by_side};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::Duration;
use support::awkward::Awkward;
use support::chance::{self, Chance};
use support::said;

/// In each world so many random moments, and so many supervisors.
const MOMENTS: usize = 12;
const SUPERVISORS: usize = 6;

/// One sweep at a time, and the world that an undisturbed update leaves.
fn expected() -> (MutexGuard<'static, ()>, &'static World) {
    static ALONE: Mutex<()> = Mutex::new(());
    static EXPECTED: OnceLock<World> = OnceLock::new();
    let alone = ALONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let expected = EXPECTED.get_or_init(|| {
        let undisturbed = Round::new();
        let said = undisturbed.banister(&["run", "update", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        undisturbed.world()
    });
    assert_eq!(expected.backups, ["after-0.2.14", "before-0.2.14"]);
    (alone, expected)
}

#[test]
fn an_update_that_is_killed_at_any_record_ends_like_one_that_is_not() {
    let kills = records::update(&Awkward::tidy(), Thin::tidy());
    count(&format!("update killed at {kills} places: 0 make targets ran twice, 0 worlds differ"));
}

#[test]
fn an_update_that_is_killed_at_any_moment_ends_like_one_that_is_not() {
    let (_alone, expected) = expected();
    let mut chance = Chance::of(chance::seed());
    let worlds = if chance::is_long() { 100 } else { 2 };
    let worlds: Vec<Vec<Duration>> = (0..worlds)
        .map(|_| (0..MOMENTS).map(|_| Duration::from_micros(chance.below(500_000) as u64)).collect())
        .collect();
    side_by_side(&worlds, |moments| {
        let round = Round::new();
        let place = format!("killed after {moments:?}");
        let said = round.killed_after(&["run", "update", "--yes"], moments);
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        round.assert_is(expected, &place);
    });
    count(&format!(
        "killed at up to {} random moments: 0 make targets ran twice, 0 worlds differ",
        MOMENTS * worlds.len()
    ));
}

/// A supervisor that is killed: which one of its session, how long after it was seen, and whether `banister` is killed, too.
type Kill = (usize, Duration, bool);

#[test]
fn what_nobody_knows_once_a_supervisor_was_killed_is_asked() {
    let (_alone, expected) = expected();
    let mut chance = Chance::of(chance::seed() + 1);
    let worlds = if chance::is_long() { 40 } else { 2 };
    // Later ones soon, so that there is still one when it is their turn.
    let mut kill = |world: usize, n: usize| {
        let nth = if n == 0 { world % 4 } else { chance.below(2) };
        (nth, Duration::from_micros(chance.below(120_000) as u64), chance.below(2) == 0)
    };
    let worlds: Vec<Vec<Kill>> =
        (0..worlds).map(|world| (0..SUPERVISORS).map(|n| kill(world, n)).collect()).collect();
    let (killed, asked) = (AtomicUsize::new(0), AtomicUsize::new(0));
    side_by_side(&worlds, |kills| {
        let round = Round::new();
        let mut next = ["run", "update", "--yes"].to_vec();
        let mut left = kills.iter();
        loop {
            let place = format!("supervisors killed: {kills:?}, {} not yet", left.len());
            let mut child = round.command(&next).spawn().unwrap();
            if let Some((nth, pause, both)) = left.next()
                && let Some(supervisor) = round.nth_supervisor(*nth, &mut child)
            {
                std::thread::sleep(*pause);
                killed.fetch_add(usize::from(round.kill(&supervisor)), Ordering::Relaxed);
                if *both {
                    let _ = child.kill();
                }
            }
            let said = said(child.wait_with_output().unwrap());
            next = ["resume", "--yes"].to_vec();
            match said.code {
                Some(0) => break,
                // The first time nobody is there to ask.
                Some(3) => {
                    let again = round.banister(&next);
                    assert_eq!(again.code, Some(3), "{place}: it is asked again, not guessed: {again:?}");
                    let has_asked = again.err.contains("was interrupted") && again.err.contains("--answer");
                    assert!(has_asked, "{place}: {again:?}");
                    asked.fetch_add(1, Ordering::Relaxed);
                    next.extend(["--answer", if round.last_target_ended_well() { "done" } else { "again" }]);
                }
                code => assert_eq!(code, Some(-9), "{place}: {said:?}"),
            }
        }
        round.assert_is(expected, &format!("supervisors killed: {kills:?}"));
    });
    count(&format!(
        "{} supervisors killed: {} times a person was asked, 0 make targets ran twice, 0 worlds differ",
        killed.into_inner(),
        asked.into_inner()
    ));
}
