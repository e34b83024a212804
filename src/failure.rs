//! What went wrong, said once, for a script that may catch it and for the person who reads it.
//!
//! A failure has a kind, a message, the reasons behind it, and a help that names the next command to type. The
//! place in the admin's script is added at the gate; primitives don't know it.

use serde::{Deserialize, Serialize};

/// What sort of failure it is. Kinds are states of the world, not places in our code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Something that must be there is not: a file, a release, a server, a program.
    NotFound,
    /// A command ended with another status than 0.
    CommandFailed,
    /// Something did not happen within its time.
    TimedOut,
    /// A server, a port or a URL does not answer.
    Unreachable,
    /// The world is in a state in which the thing must not be done.
    Refused,
    /// The command line, the site or a script is wrong; nothing was touched.
    Invalid,
    /// A person said no, or nobody was there to ask.
    Declined,
    /// Another run holds the server.
    Locked,
    /// The journal and the script tell different stories.
    Mismatch,
    /// The journal can't be read or written.
    Journal,
    /// It was begun, and nobody knows how it ended. The gate asks a person; nothing else ever sees it.
    InDoubt,
    /// A plan came to something that only a run can know. Nothing but a plan ever sees it.
    Depends,
    /// Stopped by a signal; the run can be resumed.
    Interrupted,
    /// A bug of ours.
    Bug,
}

impl Kind {
    /// Whether a script's `try` may catch it. A script can catch what the world did, never what makes a run
    /// unsafe to go on with.
    pub fn catchable(self) -> bool {
        matches!(
            self,
            Kind::NotFound | Kind::CommandFailed | Kind::TimedOut | Kind::Unreachable | Kind::Refused
        )
    }

    /// The kind as scripts and JSON name it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::NotFound => "not_found",
            Kind::CommandFailed => "command_failed",
            Kind::TimedOut => "timed_out",
            Kind::Unreachable => "unreachable",
            Kind::Refused => "refused",
            Kind::Invalid => "invalid",
            Kind::Declined => "declined",
            Kind::Locked => "locked",
            Kind::Mismatch => "mismatch",
            Kind::Journal => "journal",
            Kind::InDoubt => "in_doubt",
            Kind::Depends => "depends",
            Kind::Interrupted => "interrupted",
            Kind::Bug => "bug",
        }
    }

    /// The program's exit status for a run that this kind of failure ended.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::NotFound | Kind::CommandFailed | Kind::TimedOut | Kind::Unreachable | Kind::Refused => 1,
            Kind::Journal | Kind::InDoubt | Kind::Depends => 1,
            Kind::Invalid => 2,
            Kind::Declined => 3,
            Kind::Locked => 4,
            Kind::Mismatch => 5,
            Kind::Bug => 70,
            Kind::Interrupted => 130,
        }
    }
}

/// What each exit status says.
pub const EXIT_CODES: [(u8, &str); 8] = [
    (0, "done"),
    (1, "a step failed"),
    (2, "the command line, the site or a script is wrong, and nothing was touched"),
    (3, "a person said no, or nobody was there to ask"),
    (4, "locked by another run"),
    (5, "journal and script differ"),
    (70, "a bug of banister"),
    (130, "interrupted, and resumable"),
];

/// A failure as it travels from where it happened to the person who reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Whether a script may catch it, and with which status the program ends.
    pub kind: Kind,
    /// Lower case, present tense, without a full stop, the thing in backticks.
    pub message: String,
    /// What stands behind it, outermost first: an operating system's error, the last answers of a check.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub why: Vec<String>,
    /// A sentence with the command to type.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// Where in the admin's script it happened, as `update.rhai:12`; added at the gate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<String>,
}

/// How the errors end that say that a disk, or what a user may have of it, is full.
const FULL: [&str; 2] = ["(os error 28)", "(os error 122)"];
const MAKE_ROOM: &str =
    "make room on that disk (`df -h` shows which is full), then `banister resume`, or start it again";

impl Failure {
    /// A failure with nothing but a message: lower case, without a full stop, the thing in backticks.
    pub fn new(kind: Kind, message: impl Into<String>) -> Failure {
        Failure { kind, message: message.into(), why: Vec::new(), help: None, at: None }
    }

    /// What went wrong and why, as one sentence without the help.
    pub(crate) fn in_words(&self) -> String {
        std::iter::once(&self.message).chain(&self.why).cloned().collect::<Vec<_>>().join(": ")
    }

    /// Adds a reason.
    pub fn why(mut self, why: impl ToString) -> Failure {
        self.why.push(why.to_string());
        self
    }

    /// Adds an error of the operating system as a reason, with what to do about a full disk.
    pub fn because(self, error: impl std::fmt::Display) -> Failure {
        let said = error.to_string();
        let is_full = FULL.iter().any(|code| said.ends_with(code));
        let help = self.help.clone().or_else(|| is_full.then(|| MAKE_ROOM.to_owned()));
        Failure { help, ..self }.why(said)
    }

    /// Adds the help: a sentence with the command to type.
    pub fn help(mut self, help: impl Into<String>) -> Failure {
        self.help = Some(help.into());
        self
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.message)?;
        self.why.iter().try_for_each(|why| write!(out, ": {why}"))
    }
}

impl std::error::Error for Failure {}

/// The result of anything that can fail for a reason outside the program.
pub type Result<T> = std::result::Result<T, Failure>;

/// Says what was being done when an operating system's or a library's error came.
pub trait Context<T> {
    /// `kind` and `message` as in [`Failure`]; the error itself becomes the reason.
    fn or_fail(self, kind: Kind, message: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: std::fmt::Display> Context<T> for std::result::Result<T, E> {
    fn or_fail(self, kind: Kind, message: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Failure::new(kind, message()).because(error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_status_is_explained() {
        use Kind::*;
        for kind in [
            NotFound,
            CommandFailed,
            TimedOut,
            Unreachable,
            Refused,
            Invalid,
            Declined,
            Locked,
            Mismatch,
            Journal,
            InDoubt,
            Depends,
            Interrupted,
            Bug,
        ] {
            assert!(EXIT_CODES.iter().any(|(code, _)| *code == kind.exit_code()), "{kind:?}");
        }
    }
}
