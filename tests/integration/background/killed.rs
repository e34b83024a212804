//! An update of which runner, watcher and viewers are killed, all at random: it ends like one that nobody disturbed, and no
//! command runs twice.

use super::{kill, processes_of};
use crate::support::chance::{self, Chance};
use crate::sweep::round::{Round, count, side_by_side};
use std::process::Child;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const UPDATE: &[&str] = &["run", "update", "--yes"];

/// A program that lets the run work in the background.
fn spawn(round: &Round, arguments: &[&str]) -> Child {
    let mut command = round.command(arguments);
    command.env_remove("BANISTER_FOREGROUND").env("BANISTER_SYSTEMD", "no").spawn().unwrap()
}

fn roles(round: &Round, role: &str) -> Vec<u32> {
    processes_of(&round.state().display().to_string(), &[role])
}

/// Kills until the run has ended. Gives how often each of runner, watcher and viewer was killed.
fn disturb(round: &Round, chance: &mut Chance, most: usize) -> [usize; 3] {
    let mut killed = [0; 3];
    let mut viewer = spawn(round, UPDATE);
    let end = Instant::now() + Duration::from_secs(240);
    loop {
        assert!(Instant::now() < end, "it does not end; killed {killed:?}");
        std::thread::sleep(Duration::from_millis(20 + chance.below(400) as u64));
        let (runners, watchers) = (roles(round, "run-here"), roles(round, "watch-run"));
        if let Ok(Some(_)) = viewer.try_wait() {
            if runners.is_empty() && watchers.is_empty() {
                // Nothing is left to do, or it is begun again by hand.
                let said = round.banister(&["runs", "--json"]);
                if said.out.contains(r#""state":"done""#) {
                    return killed;
                }
                viewer = spawn(round, if round.records() == 0 { UPDATE } else { &["resume", "--yes"] });
                continue;
            }
            viewer = spawn(round, &["attach"]);
            continue;
        }
        if killed.iter().sum::<usize>() >= most {
            continue;
        }
        match chance.below(3) {
            0 => runners.into_iter().for_each(|pid| {
                kill(pid);
                killed[0] += 1;
            }),
            1 => watchers.into_iter().for_each(|pid| {
                kill(pid);
                killed[1] += 1;
            }),
            _ => {
                viewer.kill().unwrap();
                killed[2] += 1;
            }
        }
    }
}

#[test]
fn an_update_whose_runner_watcher_and_viewers_are_killed_ends_like_one_that_is_not() {
    let round = Round::new();
    let said = round.banister(UPDATE);
    assert_eq!(said.code, Some(0), "{said:?}");
    let world = round.world();
    drop(round);
    let rounds: Vec<u64> = (0..if chance::is_long() { 40 } else { 3 }).collect();
    let total: [AtomicUsize; 3] = Default::default();
    side_by_side(&rounds, |n| {
        let mut chance = Chance::of(chance::seed() + n);
        let round = Round::new();
        let killed = disturb(&round, &mut chance, 20);
        for (total, killed) in total.iter().zip(killed) {
            total.fetch_add(killed, Ordering::Relaxed);
        }
        // Replays of a runner that was killed are sessions of the same run.
        round.assert_is(&world, &format!("round {n}"));
    });
    let [runners, watchers, viewers] = total.map(AtomicUsize::into_inner);
    count(&format!(
        "{} updates in the background: killed {runners} runners, {watchers} watchers, {viewers} viewers",
        rounds.len()
    ));
    assert!(runners >= rounds.len() && viewers >= 1, "{runners} {watchers} {viewers}");
}
