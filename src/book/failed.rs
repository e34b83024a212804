//! Releases that an update did not succeed with: the next update does not take them again automatically.

use super::Book;
use crate::machine::release::Release;
use serde::{Deserialize, Serialize};
use std::fmt;

/// So many are kept, the newest.
const KEPT: usize = 50;

/// A release whose update failed here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FailedRelease {
    pub release: String,
    pub run: String,
    pub by: String,
    /// RFC 3339, UTC.
    pub at: String,
    /// What became of the update: `rolled back` or `abandoned`.
    pub end: String,
}

impl fmt::Display for FailedRelease {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let FailedRelease { release, run, at, end, .. } = self;
        let day = at.split('T').next().unwrap_or(at);
        write!(out, "{release} failed here on {day} (run {run}, {end})")
    }
}

impl Book {
    /// Notes that an update to a release failed. Twice is the same as once.
    pub fn note_failed(&mut self, failed: FailedRelease) {
        let is_same = |known: &FailedRelease| (&known.release, &known.run) == (&failed.release, &failed.run);
        if self.failed.iter().any(is_same) {
            return;
        }
        self.failed.retain(|known| known.release != failed.release);
        self.failed.push(failed);
        self.failed.drain(..self.failed.len().saturating_sub(KEPT));
    }

    /// Forgets what failed of this release and of those before it: it is installed, and healthy.
    pub fn forget_failed(&mut self, installed: &str) {
        let parsed = installed.parse::<Release>().ok();
        let is_passed = |failed: &FailedRelease| {
            let other = failed.release.parse::<Release>().ok();
            let order = parsed.as_ref().zip(other).and_then(|(installed, other)| other.compare(installed));
            failed.release == installed || order.is_some_and(|order| order.is_le())
        };
        self.failed.retain(|failed| !is_passed(failed));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(release: &str) -> FailedRelease {
        let text = str::to_owned;
        let (run, by, at) = (text("r"), text("ops"), text("2026-01-02T03:04:05Z"));
        FailedRelease { release: text(release), run, by, at, end: text("abandoned") }
    }

    #[test]
    fn what_is_installed_ends_what_failed_before_it() {
        let mut book = Book::default();
        for release in ["v1.2", "v1.3", "v1.3", "v1.4", "nightly"] {
            book.note_failed(failed(release));
        }
        assert_eq!(book.failed.len(), 4);
        assert_eq!(book.failed[0].to_string(), "v1.2 failed here on 2026-01-02 (run r, abandoned)");
        book.forget_failed("1.3");
        let left: Vec<&str> = book.failed.iter().map(|failed| failed.release.as_str()).collect();
        assert_eq!(left, ["v1.4", "nightly"]);
        (0..100).for_each(|n| book.note_failed(failed(&format!("v2.{n}"))));
        assert_eq!(book.failed.len(), KEPT);
    }
}
