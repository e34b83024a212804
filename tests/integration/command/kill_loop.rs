//! Random kills of everything that takes part in a command, at random moments. Whatever was killed: the command ran
//! at most once, and what is told of it is true.
//!
//! `BANISTER_TEST_ROUNDS` says how many rounds; how long they take has no meaning.

use super::{Place, kill, supervisor};
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::process::Child;
use std::time::Duration;

/// Some milliseconds, and a status that nothing else gives.
const SCRIPT: &str = "echo start >> ran; sleep 0.004; echo end >> ran; exit 7";

fn random(below: u64) -> u64 {
    RandomState::new().hash_one(below) % below
}

/// As the library's own, for what the roles do themselves.
pub fn pause() {
    if let Some(longest) = std::env::var("BANISTER_TEST_PAUSE").ok().and_then(|text| text.parse::<u64>().ok())
    {
        std::thread::sleep(Duration::from_micros(random(longest)));
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Target {
    Starter,
    Supervisor,
    /// The stage, or the command that it became.
    Stage,
    All,
}

/// The child of the supervisor that is not reaped yet.
fn stage(supervisor: i32) -> Option<i32> {
    std::fs::read_dir("/proc").ok()?.find_map(|entry| {
        let pid = entry.ok()?.file_name().to_str()?.parse().ok()?;
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let parent: i32 = stat.rsplit_once(") ")?.1.split(' ').nth(1)?.parse().ok()?;
        (parent == supervisor).then_some(pid)
    })
}

/// Kills, and says what was really there to be killed.
fn strike(target: Target, place: &Place, followers: &mut [Child]) -> Vec<Target> {
    let wants = |part| target == part || target == Target::All;
    let supervisor = supervisor(&place.folder);
    let stage = supervisor.and_then(stage);
    let mut killed = Vec::new();
    if wants(Target::Starter) {
        for follower in followers {
            if let Ok(None) = follower.try_wait() {
                follower.kill().unwrap();
                killed.push(Target::Starter);
            }
        }
    }
    for (part, pid) in [(Target::Supervisor, supervisor), (Target::Stage, stage)] {
        if let (true, Some(pid)) = (wants(part), pid) {
            kill(pid, Signal::KILL);
            killed.push(part);
        }
    }
    killed
}

#[test]
fn whatever_is_killed_a_command_runs_at_most_once_and_no_answer_is_wrong() {
    let rounds = std::env::var("BANISTER_TEST_ROUNDS").ok().and_then(|text| text.parse().ok()).unwrap_or(60);
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for _ in 0..rounds {
        round(&mut |what| *counts.entry(what).or_default() += 1);
    }
    println!("{rounds} rounds: {counts:?}");
}

fn round(count: &mut dyn FnMut(&'static str)) {
    let place = Place::new();
    let play = |role| play(&place, role);
    let target = [Target::Starter, Target::Supervisor, Target::Stage, Target::All][random(4) as usize];
    let mut killed = Vec::new();
    let mut followers = vec![play("starter")];
    for _ in 0..3 {
        std::thread::sleep(Duration::from_micros(random(50_000)));
        killed.extend(strike(target, &place, &mut followers));
        if random(2) == 0 {
            break;
        }
        for _ in 0..=random(2) {
            if place.outer.path().join("intent").exists() {
                followers.push(play("resumer"));
                count("resumers");
            }
        }
    }
    for follower in &mut followers {
        follower.wait().unwrap();
    }
    killed.iter().for_each(|_| count("kills"));

    if !place.outer.path().join("intent").exists() {
        assert_eq!(place.text("ran"), "", "it ran without an intent");
        return count("killed before the intent");
    }
    // Two more, unharmed, at the same time as whatever still runs.
    let mut last = [play("resumer"), play("resumer")];
    for resumer in &mut last {
        assert!(resumer.wait().unwrap().success(), "a resumer failed; killed: {killed:?}");
        count("resumers");
    }
    check(&place, &killed, count);
}

fn play(place: &Place, role: &str) -> Child {
    place.role(role, SCRIPT).env("BANISTER_TEST_PAUSE", "3000").spawn().unwrap()
}

/// Compares what the followers told with what the command noted.
fn check(place: &Place, killed: &[Target], count: &mut dyn FnMut(&'static str)) {
    let ran = place.text("ran");
    let (starts, ends) = (ran.matches("start").count(), ran.matches("end").count());
    assert!(starts <= 1, "it ran {starts} times; killed: {killed:?}");
    let mut answers: Vec<String> = std::fs::read_dir(place.outer.path())
        .unwrap()
        .filter_map(|entry| {
            let name = entry.unwrap().file_name().into_string().unwrap();
            name.starts_with("result.").then(|| place.text(&name).split(" {").next().unwrap().into())
        })
        .collect();
    answers.sort();
    answers.dedup();
    assert_eq!(answers.len(), 1, "the followers disagree; killed: {killed:?}");
    match answers[0].as_str() {
        "Ended(Status(7))" => {
            assert_eq!((starts, ends), (1, 1), "the answer is wrong; killed: {killed:?}");
            count("result read");
        }
        "Ended(Signal(9))" => {
            assert!(killed.contains(&Target::Stage), "the answer is wrong; killed: {killed:?}");
            count(if starts == 0 { "killed before exec, said so" } else { "killed, said so" });
        }
        "CutOff" => {
            assert!(killed.contains(&Target::Supervisor), "the answer is wrong; killed: {killed:?}");
            count(if starts == 0 { "unknown, had not run" } else { "unknown" });
        }
        wrong => panic!("the answer is wrong: {wrong}; killed: {killed:?}"),
    }
}
