//! What can be made to go wrong on a practice server.

use super::{World, write};
use crate::failure::{Failure, Kind, Result};

/// A fault to simulate when it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Fault {
    /// As typed: `banister demo --fault NAME`.
    pub name: &'static str,
    /// What happens, for people.
    pub sentence: &'static str,
    /// The release that brings it; it is the newest one then. Without one, any release does it.
    pub release: Option<&'static str>,
}

const fn fault(name: &'static str, release: Option<&'static str>, sentence: &'static str) -> Fault {
    Fault { name, sentence, release }
}

/// Every fault. Those that belong to a service or to Compose spare the release that was installed first, so that
/// the way back leads to a healthy server.
pub const FAULTS: &[Fault] = &[
    fault("build", Some("0.2.15"), "release 0.2.15 does not build"),
    fault("slow-build", Some("0.2.17"), "release 0.2.17 builds for 8 seconds, printing a line each second"),
    fault("crash-loop", Some("0.2.16"), "core of release 0.2.16 ends right after it starts, again and again"),
    fault(
        "migration-stuck",
        Some("0.2.18"),
        "release 0.2.18 migrates the database irreversibly, then fails at the next migration",
    ),
    fault(
        "incompatible",
        Some("0.3.0"),
        "release 0.3.0 changes the database irreversibly and can't read backups of 0.2",
    ),
    fault("healthy-late", None, "core of the new release answers only after 4 seconds"),
    fault(
        "flapping",
        None,
        "core of the new release becomes healthy, ends after a second and a half, and starts again",
    ),
    fault("wrong-version", None, "after the update core still reports the old release"),
    fault("dirty-checkout", None, "a file of the checkout was edited"),
    fault("fetch", None, "the origin of the checkout does not answer"),
    fault("disk-full", None, "the disk is full while the database is dumped: `pg_dump` stops half-way"),
    fault(
        "migration",
        None,
        "the first migration of the new release fails and changes nothing; core can't start",
    ),
    fault("up", None, "Compose fails when it comes to core, after it has replaced other services"),
    fault("up-noop", None, "Compose says that all is well but replaces nothing"),
    fault("auth-down", None, "the auth service of the new release can't start, so core can't either"),
    fault("snapshot-partial", None, "the snapshot of the search index lacks a part"),
    fault("snapshot-failed", None, "the snapshot of the search index fails"),
    fault("snapshot-slow", None, "the snapshot of the search index takes 2 seconds"),
    fault("busy-queue", None, "messages wait in the queues from which sync takes them"),
    fault("kill", None, "banister itself is killed in the middle of the update"),
];

/// The fault with that name.
pub fn find(name: &str) -> Result<&'static Fault> {
    FAULTS.iter().find(|fault| fault.name == name).ok_or_else(|| {
        let mut failure = Failure::new(Kind::Invalid, format!("there is no fault `{name}`"));
        failure.why = FAULTS.iter().map(|fault| format!("{}: {}", fault.name, fault.sentence)).collect();
        failure.help("type `banister demo --fault NAME` with one of these")
    })
}

/// Which releases a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every release but the one installed first.
    New,
    /// Every release.
    Always,
}

/// Turns a switch on: the file `faults/NAME`, holding the reach and perhaps a number of seconds.
pub fn switch_on(world: &World, name: &str, reach: Reach, seconds: Option<u64>) -> Result<()> {
    let reach = if reach == Reach::New { "new" } else { "always" };
    let seconds = seconds.map(|seconds| format!(" {seconds}")).unwrap_or_default();
    write(&world.path("faults").join(name), format!("{reach}{seconds}\n"))
}

/// Turns a switch off.
pub fn switch_off(world: &World, name: &str) {
    _ = std::fs::remove_file(world.path("faults").join(name));
}

/// Whether the fault strikes this release; if so, the seconds in its switch, or `default`.
pub fn strikes(world: &World, name: &str, version: &str, default: u64) -> Option<u64> {
    let text = std::fs::read_to_string(world.path("faults").join(name)).ok()?;
    let mut words = text.split_whitespace();
    let spared =
        words.next() == Some("new") && world.settings().is_ok_and(|settings| settings.base == version);
    let seconds = words.next().and_then(|word| word.parse().ok()).unwrap_or(default);
    (!spared).then_some(seconds)
}
