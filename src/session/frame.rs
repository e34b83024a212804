//! Where in the course of a script we are: a step, a branch, a handler, or the whole.

use std::sync::atomic::{AtomicU32, Ordering};

/// One thread of control between two braces. It hands out the ordinals that make keys.
#[derive(Debug, Default)]
pub struct Frame {
    /// The key of the block, nothing for the whole.
    pub key: String,
    /// The names of the steps around what happens here, outermost first.
    pub steps: Vec<String>,
    next: AtomicU32,
}

impl Frame {
    /// A block inside this one, named `name` if it is a step.
    pub fn inner(&self, key: String, name: Option<&str>) -> Frame {
        let mut steps = self.steps.clone();
        steps.extend(name.map(str::to_owned));
        Frame { key, steps, next: AtomicU32::new(0) }
    }

    /// The next ordinal's key.
    pub fn next_key(&self) -> String {
        format!("{}/{}", self.key, self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// How many ordinals were handed out.
    pub fn used(&self) -> u32 {
        self.next.load(Ordering::Relaxed)
    }
}
