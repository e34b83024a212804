//! What restic says when it fails, in our words: its exit codes tell little before version 0.17.

use super::{Location, Password};
use crate::command::{Exit, Looked};
use crate::failure::{Failure, Kind};

/// How many of the last lines of what it said are shown.
const LINES: usize = 5;

pub(super) fn is_done(looked: &Looked) -> bool {
    looked.exit == Exit::Status(0)
}

pub(super) fn is_locked(looked: &Looked) -> bool {
    looked.exit == Exit::Status(11) || looked.stderr.contains("already locked")
}

/// Why it failed.
pub(super) fn failure(looked: &Looked, what: &str, location: &Location, password: &Password) -> Failure {
    let (said, exit) = (&looked.stderr, &looked.exit);
    let program = format!("restic -r {location} {}", password.as_option());
    let refused = |message: String| Failure::new(Kind::Refused, message).why(what);
    if *exit == Exit::Status(10) || said.contains("Is there a repository at the following location") {
        return Failure::new(Kind::NotFound, format!("there is no repository of restic at `{location}`"))
            .why(what)
            .help(format!("make it once with `{program} init`, and keep the password elsewhere, too"));
    }
    if *exit == Exit::Status(12) || said.contains("wrong password") {
        return refused(format!("the password does not open the repository `{location}`"))
            .help("correct `repository_password_file` or `repository_password_command` in `site.toml`");
    }
    if is_locked(looked) {
        let by = said.lines().find(|line| line.contains("locked")).unwrap_or_default().trim().to_owned();
        return refused(format!("the repository `{location}` is locked by another process"))
            .why(by)
            .help(format!("wait until it is done; if that process is on another machine and gone: `{program} unlock --remove-all`"));
    }
    if said.contains("no space left on device") || said.contains("disk quota exceeded") {
        return refused(format!("there is no room left for the repository `{location}`"))
            .help("make room: remove old backups with `banister backup prune`, or others on that disk");
    }
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let message = format!("{what}: `restic` failed ({exit})");
    lines[lines.len().saturating_sub(LINES)..]
        .iter()
        .fold(Failure::new(Kind::CommandFailed, message), |failure, line| failure.why(line))
        .help(format!("look at the repository with `{program} check`"))
}
