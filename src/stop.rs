//! Whether to go on: what signals ask of a session, and what everything that waits looks at.

use serde::{Deserialize, Serialize};
use std::sync::atomic::{AtomicU8, Ordering};

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
pub struct Stop(AtomicU8);

impl Stop {
    pub const fn new() -> Stop {
        Stop(AtomicU8::new(0))
    }

    pub fn asked(&self) -> Asked {
        match self.0.load(Ordering::Relaxed) {
            0 => Asked::Nothing,
            1 => Asked::Finish,
            2 => Asked::Leave,
            _ => Asked::Cancel,
        }
    }

    /// Asks for it, unless something more urgent is asked already.
    pub fn ask(&self, asked: Asked) {
        self.0.fetch_max(asked as u8, Ordering::Relaxed);
    }

    /// Nothing is asked any more: what was to stop has stopped, and a person goes on with something else. Whether the
    /// program is to be left stays asked.
    pub fn clear(&self) {
        if self.asked() != Asked::Leave {
            self.0.store(0, Ordering::Relaxed);
        }
    }

    /// Whether anything is asked: what only looks or waits ends then.
    pub fn is_asked(&self) -> bool {
        self.asked() != Asked::Nothing
    }
}
