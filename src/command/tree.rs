//! Ending a command with all that it started, also what left its process group or session.

use super::process::{Process, Signalled, all};
use rustix::process::Signal;
use std::collections::HashSet;
use std::time::{Duration, Instant};

/// How long the processes have to end by themselves after they were asked to.
const GRACE: Duration = Duration::from_secs(5);
/// How long killed processes may take to disappear. Longer than that takes only one that the kernel holds, in a
/// file system that hangs for instance.
const PATIENCE: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(10);

/// Asks all to end, and kills after the grace what is left. `processes` says what the tree consists of now;
/// `meanwhile` is called between two looks, for a parent to reap. Returns what could not be killed: it runs as
/// another user, or hangs in the kernel.
pub(super) fn end(processes: &dyn Fn() -> Vec<Process>, meanwhile: &mut dyn FnMut()) -> Vec<Process> {
    for process in processes() {
        process.signal(Signal::TERM);
        // A stopped process would not notice.
        process.signal(Signal::CONT);
    }
    let until = Instant::now() + GRACE;
    let mut left = processes();
    while !left.is_empty() && Instant::now() < until {
        std::thread::sleep(TICK);
        meanwhile();
        left = processes();
    }
    kill(processes, meanwhile)
}

fn kill(processes: &dyn Fn() -> Vec<Process>, meanwhile: &mut dyn FnMut()) -> Vec<Process> {
    let until = Instant::now() + PATIENCE;
    let mut refused = HashSet::new();
    loop {
        meanwhile();
        let left = processes();
        if left.iter().all(|process| refused.contains(process)) || Instant::now() > until {
            return left;
        }
        for process in freeze(processes) {
            if process.signal(Signal::KILL) == Signalled::Refused {
                refused.insert(process);
            }
        }
        std::thread::sleep(TICK);
    }
}

/// Stops all, so that none can start another while they are killed one by one. Returns them.
fn freeze(processes: &dyn Fn() -> Vec<Process>) -> HashSet<Process> {
    let mut frozen = HashSet::new();
    loop {
        let fresh: Vec<_> = processes().into_iter().filter(|process| !frozen.contains(process)).collect();
        if fresh.is_empty() {
            return frozen;
        }
        for process in fresh {
            process.signal(Signal::STOP);
            frozen.insert(process);
        }
    }
}

/// All that descends from these processes, without themselves.
pub(super) fn descendants(roots: &[i32]) -> Vec<Process> {
    let mut others = all();
    others.retain(|process| !roots.contains(&process.pid));
    let mut found: Vec<Process> = Vec::new();
    loop {
        let is_child = |process: &Process| {
            roots.contains(&process.parent) || found.iter().any(|f| f.pid == process.parent)
        };
        let (children, rest): (Vec<_>, Vec<_>) = others.into_iter().partition(is_child);
        if children.is_empty() {
            return found;
        }
        found.extend(children);
        others = rest;
    }
}
