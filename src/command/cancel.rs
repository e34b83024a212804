//! Asking for a command's end.

use super::exit::{self, Exit};
use super::lock;
use super::mark::marked;
use super::process::{Identity, Process, all};
use super::state::{Seen, look};
use super::tree;
use crate::failure::{Context, Failure, Kind, Result};
use rustix::process::{Signal, pidfd_send_signal};
use std::io;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long a lock may be busy without a supervisor: a stage holds it for a few synced files.
const PATIENCE: Duration = Duration::from_secs(30);

/// Asks the supervisor to end the command and all that it started: a request to end, five seconds of grace, then the
/// kill. Does not wait for it; [`super::follow`] does. Only if the supervisor is dead, this process does that work
/// itself, and returns after it. Does nothing to a command that does not run.
pub fn cancel(folder: &Path) -> Result<()> {
    let until = Instant::now() + PATIENCE;
    while Instant::now() < until {
        match look(folder)? {
            Seen::Held if ask(folder) => return Ok(()),
            Seen::Held => std::thread::sleep(Duration::from_millis(5)),
            Seen::Alone(command) => return end_alone(folder, &command),
            _ => return Ok(()),
        }
    }
    let message = format!("nobody answers for the command in `{}`", folder.display());
    Err(Failure::new(Kind::TimedOut, message).why("its lock is held, and not by a living supervisor"))
}

/// Sends the request to the supervisor. False if there is none, for now.
pub(super) fn ask(folder: &Path) -> bool {
    let supervisor = lock::signer(folder).and_then(|identity| identity.open());
    supervisor.is_some_and(|handle| pidfd_send_signal(handle, Signal::TERM).is_ok())
}

/// Ends a command whose supervisor is dead, and writes so in its place.
pub(super) fn end_alone(folder: &Path, command: &Identity) -> Result<()> {
    let failure = || format!("cannot cancel the command in `{}`", folder.display());
    // Busy: another one is at it.
    let Some(_lock) = lock::take(folder).or_fail(Kind::Journal, failure)? else { return Ok(()) };
    let left = tree::end(&|| without_supervisor(folder, command), &mut || {});
    if command.open().is_some() {
        let pids: Vec<_> = left.iter().map(|process| process.pid.to_string()).collect();
        return Err(Failure::new(Kind::Refused, failure())
            .why(format!("processes {} run as another user, or hang in the kernel", pids.join(" "))));
    }
    let write = || -> io::Result<()> { exit::reserve(folder)?.write(&Exit::Cancelled) };
    write().or_fail(Kind::Journal, failure)
}

/// What is left of the tree: what carries the mark, the command itself, and what descends from these.
fn without_supervisor(folder: &Path, command: &Identity) -> Vec<Process> {
    let mut found = marked(folder);
    if command.open().is_some() {
        found.extend(all().into_iter().filter(|process| process.pid == command.pid));
    }
    let roots: Vec<_> = found.iter().map(|process| process.pid).collect();
    found.extend(tree::descendants(&roots));
    found.sort_by_key(|process| process.pid);
    found.dedup();
    found
}
