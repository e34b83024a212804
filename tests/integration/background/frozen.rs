//! A runner or a watcher that is stopped is killed by the other one, and started again.

use super::{detached, ends, processes, wait_for_end, world};
use crate::support::World;
use rustix::process::{Pid, Signal, kill_process};
use std::time::{Duration, Instant};

fn stop(world: &World, part: &str) -> u32 {
    let [pid] = processes(world, &[part]).try_into().unwrap();
    kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::STOP).unwrap();
    pid
}

fn wait_for_another(world: &World, part: &str, than: u32) {
    let end = Instant::now() + Duration::from_secs(120);
    let is_there = || processes(world, &[part]).iter().any(|pid| *pid != than);
    while !is_there() || processes(world, &[part]).contains(&than) {
        assert!(Instant::now() < end, "no other {part}: {}", world.path().display());
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_runner_or_a_watcher_that_is_stopped_is_started_again_and_no_command_runs_twice() {
    let (runners, watchers, early) = (world(), world(), world());
    for world in [&runners, &watchers, &early] {
        world.write("hold", "");
        let script = "fn main() { let server = this_server(); server.make(\"config\"); server.make(\"long\"); server.make(\"up\"); }";
        world.write("runbooks/three.rhai", script);
        detached(world, &["run", "three", "--yes", "--detach"]);
        super::wait_for("it works", || world.read("trace").contains("long begin"));
        // Both have said that they are there.
        std::thread::sleep(Duration::from_millis(1500));
    }
    let (runner, watcher) = (stop(&runners, "run-here"), stop(&watchers, "watch-run"));
    // One is stopped as soon as it is there, most likely before it holds the run.
    let [first] = processes(&early, &["run-here"]).try_into().unwrap();
    super::kill(first);
    let second = loop {
        match processes(&early, &["run-here"]).as_slice() {
            [pid] if *pid != first => break stop(&early, "run-here"),
            _ => std::thread::yield_now(),
        }
    };
    wait_for_another(&runners, "run-here", runner);
    wait_for_another(&watchers, "watch-run", watcher);
    wait_for_another(&early, "run-here", second);
    for (world, part) in [(&runners, "runner"), (&watchers, "watcher"), (&early, "runner")] {
        let log = std::fs::read_to_string(super::run_folder(world).join("runner.log")).unwrap();
        let told = format!("warning: the {part} of this run says nothing any more, and is to be killed");
        assert_eq!(log.matches(&told).count(), 1, "{log}");
        world.remove("hold");
        wait_for_end(world);
        assert!(super::shown(world).contains(r#""state":"done""#));
        assert_eq!(ends(world), ["config", "long", "up"]);
        assert_eq!(world.read("trace").matches("long begin").count(), 1);
    }
}
