//! Where in the course of a script we are: a step, a branch, a handler, or the whole.

use crate::key::KeyBuf;
use std::sync::atomic::{AtomicU32, Ordering};

/// One thread of control between two braces. It hands out the ordinals that make keys.
#[derive(Debug, Default)]
pub struct Frame {
    pub key: KeyBuf,
    /// The names of the steps around what happens here, outermost first.
    pub steps: Vec<String>,
    next: AtomicU32,
}

impl Frame {
    /// A block inside this one, named `name` if it is a step.
    pub fn inner(&self, key: KeyBuf, name: Option<&str>) -> Frame {
        let mut steps = self.steps.clone();
        steps.extend(name.map(str::to_owned));
        Frame { key, steps, next: AtomicU32::new(0) }
    }

    /// The next ordinal's key.
    pub fn next_key(&self) -> KeyBuf {
        self.key.as_key().child(self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// The key that comes next, which stays the next.
    pub fn coming_key(&self) -> KeyBuf {
        self.key.as_key().child(self.used())
    }

    /// How many ordinals were handed out.
    pub fn used(&self) -> u32 {
        self.next.load(Ordering::Relaxed)
    }
}
