//! What the benchmarks share: whether all is measured, medians, and the memory of a child.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::fs;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// `whole` where measurements are asked for, as `cargo bench` does. Otherwise, as in `cargo test --bench`, one `short`
/// round shows that the benchmark still runs; its numbers say nothing.
pub fn either<T>(whole: T, short: T) -> T {
    if std::env::args().any(|argument| argument == "--bench") { whole } else { short }
}

pub fn median<T: Ord>(mut of: Vec<T>) -> T {
    of.sort();
    of.swap_remove(of.len() / 2)
}

/// The median of what the rounds took.
pub fn timed(rounds: usize, mut work: impl FnMut()) -> Duration {
    let once = |_| {
        let began = Instant::now();
        work();
        began.elapsed()
    };
    median((0..rounds).map(once).collect())
}

/// The medians of what several works took that take turns: what else the machine does is then in each of them.
pub fn in_turn<const N: usize>(rounds: usize, mut works: [&mut dyn FnMut(); N]) -> [Duration; N] {
    let mut times = [const { Vec::new() }; N];
    for _ in 0..rounds {
        for (work, times) in works.iter_mut().zip(&mut times) {
            let began = Instant::now();
            work();
            times.push(began.elapsed());
        }
    }
    times.map(median)
}

pub fn succeed(mut command: Command) {
    assert!(command.status().expect("it starts").success(), "{command:?}");
}

pub fn ratio(a: Duration, b: Duration) -> f64 {
    a.as_secs_f64() / b.as_secs_f64()
}

/// The most memory that a child took until it ended, in MB. It is looked at each millisecond: the high-water mark of a
/// process that has ended is not to be had.
pub fn peak(child: &mut Child) -> u64 {
    let mut highest = 0;
    while child.try_wait().expect("it is ours").is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let size = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0);
        highest = highest.max(size);
        std::thread::sleep(Duration::from_millis(1));
    }
    highest >> 10
}
