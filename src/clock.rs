//! Deadlines that outlive the process, suspended machines and clocks that are set.

use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs::read_to_string;
use std::time::Duration;

/// An instant: seconds since the boot, which no clock that is set changes and which count on while the machine is suspended;
/// after another boot the wall clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Instant {
    boot: String,
    since_boot: f64,
    /// Seconds since 1970.
    wall: f64,
}

impl Instant {
    pub fn now() -> Instant {
        let boot = read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        let uptime = read_to_string("/proc/uptime").unwrap_or_default();
        let since_boot = uptime.split(' ').next().and_then(|seconds| seconds.parse().ok());
        let wall = jiff::Timestamp::now().as_millisecond() as f64 / 1000.0;
        Instant { boot: boot.trim().to_owned(), since_boot: since_boot.unwrap_or_default(), wall }
    }

    /// How long ago it was. Never less than nothing: a machine may start in the past.
    pub fn elapsed(&self) -> Duration {
        self.until(&Instant::now())
    }

    fn until(&self, now: &Instant) -> Duration {
        let seconds = match now.boot == self.boot {
            true => now.since_boot - self.since_boot,
            false => now.wall - self.wall,
        };
        // What comes from a file may be no time.
        Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default()
    }
}

/// An instant that comes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deadline {
    #[serde(flatten)]
    since: Instant,
    /// How long after that.
    seconds: f64,
}

impl Deadline {
    /// So long from now on.
    pub fn after(time: Duration) -> Deadline {
        Deadline { since: Instant::now(), seconds: time.as_secs_f64() }
    }

    /// The same for another machine, whose clocks say nothing of this one's: reckoned from now on.
    pub fn anew(&self) -> Deadline {
        Deadline::after(self.left())
    }

    /// An answer of another machine, with its deadline reckoned by the clocks of this one. It was made [anew](Deadline::anew)
    /// there just before.
    pub fn by_own_clock(answer: Value) -> Value {
        let is_one = |members: &serde_json::Map<String, Value>| {
            members.len() == 4
                && ["boot", "since_boot", "wall", "seconds"].iter().all(|key| members.contains_key(*key))
        };
        if !answer.as_object().is_some_and(is_one) {
            return answer;
        }
        let own = Deadline::deserialize(&answer).map(|there| Deadline::after(there.time()));
        own.and_then(serde_json::to_value).unwrap_or(answer)
    }

    /// How long it is until then; nothing once it is over.
    pub fn left(&self) -> Duration {
        self.time().saturating_sub(self.since.elapsed())
    }

    /// How long it is over.
    pub fn overdue(&self) -> Duration {
        self.since.elapsed().saturating_sub(self.time())
    }

    /// What comes from a file may be no time.
    fn time(&self) -> Duration {
        Duration::try_from_secs_f64(self.seconds.min(1e9)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wall_clock_counts_only_after_another_boot() {
        let began = Instant { boot: "a".into(), since_boot: 10.0, wall: 1000.0 };
        let at = |boot: &str, since_boot, wall| Instant { boot: boot.into(), since_boot, wall };
        assert_eq!(began.until(&at("a", 70.0, 9_000_000.0)), Duration::from_secs(60));
        assert_eq!(began.until(&at("b", 1.0, 1030.0)), Duration::from_secs(30));
        assert_eq!(began.until(&at("b", 1.0, 3.0)), Duration::ZERO);
        for odd in [f64::MAX, f64::NEG_INFINITY, f64::NAN] {
            assert_eq!(began.until(&at("b", 1.0, odd)), Duration::ZERO);
        }
    }

    #[test]
    fn a_deadline_of_another_machine_does_not_depend_on_its_clock() {
        let there = serde_json::json!({ "boot": "b", "since_boot": 5.0, "wall": 3.0, "seconds": 600.0 });
        let here: Deadline = serde_json::from_value(Deadline::by_own_clock(there)).unwrap();
        assert!(here.overdue().is_zero() && here.left() > Duration::from_secs(500), "{here:?}");
        let other = serde_json::json!({ "boot": "b", "text": "of a call" });
        assert_eq!(Deadline::by_own_clock(other.clone()), other);
    }
}
