//! What restic says when it fails, in our words: its exit codes tell little before version 0.17, so its text is read, too.

use super::{Location, Password};
use crate::command::{Exit, Looked};
use crate::failure::{Failure, Kind};
use crate::machine::archive::TOO_LONG;
use crate::machine::files::TEMPORARY;

/// How many of the last lines of what it said are shown.
const LINES: usize = 5;
/// The longest of them that is shown, in characters.
const LONGEST: usize = 300;

/// What kept restic from being done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// It was killed by a signal.
    Killed,
    /// The machine or the service with the repository does not answer, or lets nobody in.
    Unreachable,
    /// This user may not read or write there.
    Forbidden,
    NoRepository,
    WrongPassword,
    Locked,
    NoRoom,
    /// The repository is there, and not this snapshot.
    NoSnapshot,
    /// It read something that is not what was written, or found something missing that others need.
    Damaged,
    /// None of those: it says nothing of what is stored.
    Unknown,
}

/// Whoever can't connect is also told that there may be no repository, so the first that is found counts.
const SAID: [(Trouble, &[&str]); 8] = [
    (
        Trouble::Unreachable,
        &[
            "connection refused",
            "Connection refused",
            "Connection closed by",
            "Connection timed out",
            "connection reset",
            "Could not resolve hostname",
            "Host key verification failed",
            "Permission denied (publickey",
            "no such host",
            "No route to host",
            "no route to host",
            "network is unreachable",
            "i/o timeout",
            "TLS handshake",
            "x509: ",
            "server misbehaving",
            "unable to start the sftp session",
            "connection lost",
            "401 Unauthorized",
            "403 Forbidden",
            "unexpected HTTP response",
            "Service Unavailable",
            "Bad Gateway",
            "GOAWAY",
            "stream error",
            "unexpected EOF",
        ],
    ),
    (Trouble::WrongPassword, &["wrong password"]),
    (Trouble::Locked, &["already locked"]),
    (Trouble::NoRoom, &["no space left on device", "disk quota exceeded"]),
    (Trouble::Forbidden, &["permission denied"]),
    (Trouble::NoRepository, &["Is there a repository at the following location"]),
    (
        Trouble::Damaged,
        &[
            "ciphertext verification failed",
            "invalid data returned",
            "Pack ID does not match",
            "hash does not match",
            "does not match id",
            "not found in repository",
            "not found in index",
            "repository contains errors",
            "LoadIndex returned errors",
            "is damaged",
            "Unmarshal: ",
            "pack header",
        ],
    ),
    (Trouble::NoSnapshot, &["no snapshot found", "no matching ID found", "no snapshot matched"]),
];

/// What kept it from being done; nothing if it was.
pub(super) fn trouble(looked: &Looked) -> Option<Trouble> {
    let of_text = || {
        let is_said = |words: &&[&str]| words.iter().any(|words| looked.stderr.contains(words));
        SAID.iter().find(|(_, words)| is_said(words)).map(|(trouble, _)| *trouble)
    };
    Some(match looked.exit {
        // A snapshot that `ls` does not find is no error before version 0.17.
        Exit::Status(0) if looked.stderr.contains("no snapshot matched") => Trouble::NoSnapshot,
        Exit::Status(0) => return None,
        Exit::Signal(_) => Trouble::Killed,
        Exit::Status(10) => Trouble::NoRepository,
        Exit::Status(11) => Trouble::Locked,
        Exit::Status(12) => Trouble::WrongPassword,
        _ => of_text().unwrap_or(Trouble::Unknown),
    })
}

/// Why it failed, for people.
pub(super) fn failure(
    trouble: Trouble,
    looked: &Looked,
    what: &str,
    location: &Location,
    password: &Password,
) -> Failure {
    let program = format!("restic -r {location} {}", password.as_option());
    let refused = |message: String| Failure::new(Kind::Refused, message).why(what);
    let said = |failure: Failure| last_lines(&looked.stderr).into_iter().fold(failure, Failure::why);
    // What it writes for a moment has this name: of the repository that says nothing.
    if looked.stderr.contains("restic-temp-") {
        let failure = refused("`restic` can't write its temporary files".into());
        return said(failure).help(TEMPORARY);
    }
    if looked.stderr.contains("file name too long") {
        return said(refused("`restic` can't write a path that is too long".into())).help(TOO_LONG);
    }
    match trouble {
        Trouble::NoRepository => no_repository(what, location, &program),
        Trouble::Unreachable => {
            let message = format!("the repository `{location}` can't be reached");
            said(Failure::new(Kind::Unreachable, message).why(what))
                .help(format!("see whether its machine answers, and what `{program} snapshots` says"))
        }
        Trouble::Forbidden => said(refused(format!("this user may not use the repository `{location}`")))
            .help("give it to this user, or work as the user to whom it belongs"),
        Trouble::WrongPassword => refused(format!("the password does not open the repository `{location}`"))
            .help("correct `repository_password_file` or `repository_password_command` in `site.toml`"),
        Trouble::Locked => {
            let by = looked.stderr.lines().find(|line| line.contains("locked")).unwrap_or_default();
            refused(format!("the repository `{location}` is locked by another process")).why(by.trim()).help(
                format!(
                    "wait until it is done; if that process is on another machine and gone: `{program} unlock \
                     --remove-all`"
                ),
            )
        }
        Trouble::NoRoom => refused(format!("there is no room left for the repository `{location}`"))
            .help("make room: remove old backups with `banister backup prune`, or others on that disk"),
        Trouble::NoSnapshot => refused(format!("the repository `{location}` has no such snapshot"))
            .help("see what it has with `banister backup list`"),
        Trouble::Damaged => said(Failure::new(Kind::CommandFailed, format!("{what}: data is damaged")))
            .help(format!("look at the repository with `{program} check --read-data`")),
        Trouble::Killed => Failure::new(Kind::CommandFailed, format!("{what}: `restic` {}", looked.exit))
            .why("that says nothing about the backup")
            .help("try again; the system's log says whether memory was short"),
        Trouble::Unknown => {
            said(Failure::new(Kind::CommandFailed, format!("{what}: `restic` failed ({})", looked.exit)))
                .help(format!("look at the repository with `{program} check`"))
        }
    }
}

/// There may be none, or the disk with it is not there.
fn no_repository(what: &str, location: &Location, program: &str) -> Failure {
    let make = format!("make it once with `{program} init`, and keep the password elsewhere, too");
    let message = format!("there is no repository of restic at `{location}`");
    let failure = Failure::new(Kind::NotFound, message).why(what);
    match location {
        Location::Folder(folder) => {
            let failure = match folder.read_dir().map(|mut entries| entries.next().is_none()) {
                Ok(true) => failure.why("the folder is empty"),
                Ok(false) => failure.why("the folder holds something else"),
                Err(error) => failure.why(format!("the folder can't be read: {error}")),
            };
            failure.help(format!(
                "is its disk mounted? `findmnt --target {}` says what is there; if it is a new one: {make}",
                folder.display()
            ))
        }
        Location::Elsewhere(_) => failure.help(format!("correct `repository` in `site.toml`, or {make}")),
    }
}

/// The last lines that it said, without the stack of the program.
fn last_lines(said: &str) -> Vec<String> {
    let is_of_stack = |line: &&str| line.starts_with('\t') || line.starts_with("github.com/");
    let is_of_runtime = |line: &str| ["main.", "runtime."].iter().any(|start| line.starts_with(start));
    let lines: Vec<&str> =
        said.lines().filter(|line| !is_of_stack(line) && !is_of_runtime(line)).map(str::trim).collect();
    let lines: Vec<&str> = lines.into_iter().filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(LINES)..].iter();
    last.map(|line| line.chars().take(LONGEST).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As versions 0.14 to 0.18 say it.
    #[test]
    fn what_restic_says_is_told_apart_and_only_what_was_read_is_damage() {
        let of = |exit: Exit, said: &str| {
            trouble(&Looked { exit, stdout: String::new(), stderr: said.to_owned() })
        };
        let failed = Exit::Status(1);
        for (said, meant) in [
            (
                "Fatal: unable to open config file: client.Head: dial tcp 127.0.0.1:1: connect: connection refused\n\
                 Is there a repository at the following location?\nrest:http://127.0.0.1:1/",
                Trouble::Unreachable,
            ),
            (
                "subprocess ssh: ssh: Could not resolve hostname nas: Name or service not known\nFatal: unable to open \
                 repository at sftp:nas:/x: unable to start the sftp session, error: EOF",
                Trouble::Unreachable,
            ),
            (
                "Fatal: unable to open config file: stat /x/config: no such file or directory\nIs there a repository at \
                 the following location?\n/x",
                Trouble::NoRepository,
            ),
            (
                "Fatal: unable to open config file: stat /x/config: permission denied\nIs there a repository at the \
                 following location?\n/x",
                Trouble::Forbidden,
            ),
            ("Fatal: wrong password or no key found", Trouble::WrongPassword),
            ("repository is already locked by PID 1 on x by root", Trouble::Locked),
            ("write /x/data/00/tmp: no space left on device", Trouble::NoRoom),
            (
                "Load(<data/1>) returned error, retrying after 1s: unexpected HTTP response (503): 503 Service Unavailable",
                Trouble::Unreachable,
            ),
            ("Load(<data/1>) returned error: something", Trouble::Unknown),
            ("decrypting blob 897d failed: ciphertext verification failed", Trouble::Damaged),
            ("Fatal: load <index/41830fdfcb>: invalid data returned", Trouble::Damaged),
            ("id 9162 not found in repository", Trouble::Damaged),
            ("latest snapshot for criteria not found: no snapshot found Paths:[]", Trouble::NoSnapshot),
            ("unknown flag: --sparse", Trouble::Unknown),
            ("", Trouble::Unknown),
        ] {
            assert_eq!(of(failed.clone(), said), Some(meant), "{said}");
        }
        assert_eq!(
            of(Exit::Signal(9), "Load(<data/1>) ciphertext verification failed"),
            Some(Trouble::Killed)
        );
        assert_eq!(of(Exit::Status(12), ""), Some(Trouble::WrongPassword));
        assert_eq!(of(Exit::Status(0), "warning: something"), None);
        let none = "Ignoring \"latest\", no snapshot matched given filter (Paths:[] Tags:[[zzz]] Hosts:[])";
        assert_eq!(of(Exit::Status(0), none), Some(Trouble::NoSnapshot));
    }
}
