//! Whether runner and watcher are alive. Who is stopped (`SIGSTOP`), or in a frozen cgroup, holds its lock and does nothing, for
//! ever; so each says once a second that it is there, by the time of its lock's file.

use std::fs::{File, metadata};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

/// Who says nothing for so long is taken for frozen.
const LONGEST_SILENCE: Duration = Duration::from_secs(30);

/// What passes between two looks counts for no more.
const LONGEST_LOOK: Duration = Duration::from_secs(2);

/// Says that the holder of this lock is alive.
pub fn beat(lock: &Path) -> io::Result<()> {
    let mut file = File::options().write(true).open(lock)?;
    file.set_modified(SystemTime::now())?;
    // From now on silence says something.
    if file.metadata()?.len() == 0 { file.write_all(b"beats\n") } else { Ok(()) }
}

/// Listens to the holder of a lock.
pub struct Beats {
    file: PathBuf,
    /// The listener's own lock, in the same folder.
    own: PathBuf,
    /// Whether the holder says that it is alive; one of an older program doesn't.
    beats: bool,
    last: Option<SystemTime>,
    silent: Duration,
    looked: Instant,
}

impl Beats {
    /// `own` is the lock of who listens.
    pub fn of(run: &Path, name: &str, own: &str) -> Beats {
        let (file, own) = (run.join(name), run.join(own));
        Beats { file, own, beats: false, last: None, silent: Duration::ZERO, looked: Instant::now() }
    }

    /// Of one that the listener started: it is missed also if it never took its lock.
    pub fn of_own(run: &Path, name: &str, own: &str) -> Beats {
        Beats { beats: true, ..Beats::of(run, name, own) }
    }

    /// Whether nothing was heard for too long. To be asked about once a second.
    ///
    /// A machine that slept must not look like a silence: `Instant` is `CLOCK_MONOTONIC`, which stands still meanwhile. Where
    /// this process was stopped itself, and perhaps the other one with it, the time between two looks is cut. The time of
    /// the file is compared with nothing but itself, so that a clock that is set changes nothing.
    pub fn are_missing(&mut self) -> bool {
        let passed = self.looked.elapsed().min(LONGEST_LOOK);
        self.looked = Instant::now();
        let found = metadata(&self.file).ok().filter(|file| file.len() > 0);
        let now = found.and_then(|file| file.modified().ok());
        if now.is_none() && !self.beats || now != self.last {
            (self.last, self.silent) = (now, Duration::ZERO);
            return false;
        }
        self.silent += passed;
        let is_late = self.silent > LONGEST_SILENCE;
        // Where nothing can be written, as on a disk that is full or read-only, the other one can't say anything either.
        if is_late && beat(&self.own).is_err() {
            self.silent = Duration::ZERO;
            return false;
        }
        is_late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn silence_counts_only_while_somebody_listens_and_after_a_first_beat() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["runner", "watcher"] {
            File::create(folder.path().join(name)).unwrap();
        }
        let mut beats = Beats::of(folder.path(), "runner", "watcher");
        let silent_for = |beats: &mut Beats, looks: usize| {
            (0..looks).any(|_| {
                beats.looked = Instant::now().checked_sub(Duration::from_secs(3600)).unwrap_or(beats.looked);
                beats.are_missing()
            })
        };
        assert!(!silent_for(&mut beats, 40), "it never said anything");
        beat(&folder.path().join("runner")).unwrap();
        assert!(!silent_for(&mut beats, 15), "an hour between two looks is no silence of an hour");
        beat(&folder.path().join("runner")).unwrap();
        assert!(!silent_for(&mut beats, 15));
        assert!(silent_for(&mut beats, 20));
        std::fs::remove_file(folder.path().join("watcher")).unwrap();
        assert!(!silent_for(&mut beats, 40), "who can't write hears nothing in a silence");
    }

    #[test]
    fn one_that_the_listener_started_is_missed_also_before_its_first_beat() {
        let folder = tempfile::tempdir().unwrap();
        File::create(folder.path().join("watcher")).unwrap();
        let silent = |mut beats: Beats| {
            (0..40).any(|_| {
                beats.looked = Instant::now().checked_sub(Duration::from_secs(3600)).unwrap_or(beats.looked);
                beats.are_missing()
            })
        };
        assert!(silent(Beats::of_own(folder.path(), "runner", "watcher")));
        assert!(!silent(Beats::of(folder.path(), "runner", "watcher")));
    }
}
