//! Tags as projects have them.

use super::{Awkward, Thing};
use std::path::Path;
use std::process::Command;

/// Adds them to an origin; `first` and `second` are its two oldest releases, and `checkout` was made at the first.
pub fn tag(awkward: &Awkward, origin: &Path, checkout: &Path, first: &str, second: &str) {
    let tags = |folder: &Path, name: &str, at: &str| {
        let mut git = Command::new("git");
        let done = git.arg("-C").arg(folder).args(["tag", "-f", name, at]).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    if awkward.has(Thing::Tags) {
        tags(origin, "v0.1.9", &format!("{first}^{{commit}}"));
        tags(origin, "client/v1.2.3", &format!("{second}^{{commit}}"));
        tags(origin, "nightly-2025.01.1", &format!("{second}^{{commit}}"));
        tags(origin, "v0.1.0.beta2", &format!("{first}^{{commit}}"));
    }
    if awkward.has(Thing::MovingTag) {
        tags(checkout, "latest", &format!("{first}^{{commit}}"));
        tags(origin, "latest", &format!("{second}^{{commit}}"));
    }
}
