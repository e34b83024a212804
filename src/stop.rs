//! Whether to go on: what signals ask of a session, and what everything that waits looks at.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU8, AtomicUsize, Ordering};

/// What is asked, each more urgent than the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    /// Nothing: go on.
    Nothing,
    /// Stop at the next safe place: let the running command end, begin nothing new.
    Finish,
    /// Leave at once; a running command goes on by itself and is followed at the next resume.
    Leave,
    /// Stop the running command too.
    Cancel,
}

/// Shared by everything in the process that may have to stop.
#[derive(Debug, Default)]
pub struct Stop {
    asked: AtomicU8,
    /// How many calls are at work, as opposed to waiting for a person.
    working: AtomicUsize,
}

/// A call is at work until this is dropped.
pub struct Working<'a>(&'a Stop);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Stop {
    /// One of which nothing is asked yet.
    pub const fn new() -> Stop {
        Stop { asked: AtomicU8::new(0), working: AtomicUsize::new(0) }
    }

    /// The most urgent that is asked.
    pub fn asked(&self) -> Asked {
        match self.asked.load(Ordering::Relaxed) {
            0 => Asked::Nothing,
            1 => Asked::Finish,
            2 => Asked::Leave,
            _ => Asked::Cancel,
        }
    }

    /// Asks for it, unless something more urgent is asked already.
    pub fn ask(&self, asked: Asked) {
        self.asked.fetch_max(asked as u8, Ordering::Relaxed);
    }

    /// Nothing is asked any more: what was to stop has stopped, and a person goes on with something else. Whether the
    /// program is to be left stays asked.
    pub fn clear(&self) {
        if self.asked() != Asked::Leave {
            self.asked.store(0, Ordering::Relaxed);
        }
    }

    /// Notes that a call is at work, which would be stopped.
    pub fn begin_work(&self) -> Working<'_> {
        self.working.fetch_add(1, Ordering::SeqCst);
        Working(self)
    }

    /// Whether a call is at work.
    pub fn is_working(&self) -> bool {
        self.working.load(Ordering::SeqCst) > 0
    }

    /// Whether anything is asked: what only looks or waits ends then.
    pub fn is_asked(&self) -> bool {
        self.asked() != Asked::Nothing
    }
}
