//! The update of a practice server, killed at every record of its journal, at random moments, and with its supervisors
//! killed: `resume` ends in the world of an undisturbed update, and no make target runs twice. A few worlds share the
//! records: each kill finds what those before it left. Each record alone is cut in `in_process/gate`.

pub mod contents;
pub mod plain;
pub mod records;
pub mod round;
use crate::support;

use round::{Round, WHOLE, World, count, side_by_side};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock};
use std::time::Duration;
use support::Said;
use support::awkward::Awkward;
use support::chance::Chance;

/// So many random moments, and so many supervisors.
const MOMENTS: usize = 50;
const SUPERVISORS: usize = 24;

/// Resumes. A kill leaves nothing that only a person could know, so that nobody is asked.
fn resume(round: &Round, place: &str) {
    let said = round.resume_or_begin(&["run", "update", "--yes"], 0);
    assert_eq!(said.code, Some(0), "{place}: {said:?}");
}

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
    let kills = records::update(&Awkward::tidy(), WHOLE);
    count(&format!("update killed at {kills} places: 0 make targets ran twice, 0 worlds differ"));
}

#[test]
fn an_update_that_is_killed_at_any_moment_ends_like_one_that_is_not() {
    let (_alone, expected) = expected();
    let mut chance = Chance::of(1);
    let moments: Vec<Duration> =
        (0..MOMENTS).map(|_| Duration::from_micros(chance.below(1_000_000) as u64)).collect();
    let late = AtomicUsize::new(0);
    side_by_side(&moments, |moment| {
        let round = Round::new();
        let place = format!("killed after {moment:?}");
        let mut child = round.command(&["run", "update", "--yes"]).spawn().unwrap();
        std::thread::sleep(*moment);
        let _ = child.kill();
        late.fetch_add(usize::from(child.wait().unwrap().success()), Ordering::Relaxed);
        resume(&round, &place);
        round.assert_is(expected, &place);
    });
    let late = late.into_inner();
    count(&format!(
        "killed at {} random moments, and {late} times too late: 0 make targets ran twice, 0 worlds differ",
        MOMENTS - late
    ));
}

#[test]
fn what_nobody_knows_once_a_supervisor_was_killed_is_asked() {
    let (_alone, expected) = expected();
    let mut chance = Chance::of(2);
    let rounds: Vec<(usize, Duration, bool)> = (0..SUPERVISORS)
        .map(|n| (n % 4, Duration::from_micros(chance.below(120_000) as u64), chance.below(2) == 0))
        .collect();
    let (killed, asked) = (AtomicUsize::new(0), AtomicUsize::new(0));
    side_by_side(&rounds, |(nth, pause, both)| {
        let round = Round::new();
        let place = format!("supervisor {nth} killed after {pause:?}, banister too: {both}");
        let mut child = round.command(&["run", "update", "--yes"]).spawn().unwrap();
        let mut ended = None;
        if let Some(supervisor) = round.nth_supervisor(*nth, &mut child) {
            std::thread::sleep(*pause);
            if round.kill(&supervisor) {
                killed.fetch_add(1, Ordering::Relaxed);
            }
            if *both {
                let _ = child.kill();
            }
        }
        let status = child.wait().unwrap();
        if let Some(code) = status.code() {
            ended = Some(Said { code: Some(code), out: String::new(), err: String::new() });
        }
        // The first time nobody is there to ask.
        let mut said = ended.unwrap_or_else(|| round.banister(&["resume", "--yes"]));
        if said.code == Some(3) {
            let again = round.banister(&["resume", "--yes"]);
            assert_eq!(again.code, Some(3), "{place}: it is asked again, not guessed: {again:?}");
            assert!(
                again.err.contains("was interrupted") && again.err.contains("--answer"),
                "{place}: {again:?}"
            );
            asked.fetch_add(1, Ordering::Relaxed);
            let answer = if round.last_target_ended_well() { "done" } else { "again" };
            said = round.banister(&["resume", "--yes", "--answer", answer]);
        }
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        round.assert_is(expected, &place);
    });
    count(&format!(
        "{} supervisors killed: {} times a person was asked, 0 make targets ran twice, 0 worlds differ",
        killed.into_inner(),
        asked.into_inner()
    ));
}
