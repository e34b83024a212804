//! A repository of restic, reached through the user's own program. What a backup is made of is left to
//! [`super::backup`].

// From bottom to top.
mod fault;
mod pattern;

mod location;
mod password;

mod snapshots;

pub use location::Location;
pub use password::Password;
pub use pattern::{pattern, patterns_below};
pub use snapshots::{Snapshot, Tags};

use crate::command::{Exit, Looked, Spec, look_into};
use crate::failure::{Context, Failure, Kind, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek};
use std::sync::OnceLock;

/// The program.
const PROGRAM: &str = "restic";
/// How the names of its variables begin.
const VARIABLES: &str = "RESTIC_";
/// Those of them that say which repository it is, and how it is opened: only the site does.
const DECIDING: [&str; 6] = [
    "RESTIC_REPOSITORY",
    "RESTIC_REPOSITORY_FILE",
    "RESTIC_PASSWORD",
    "RESTIC_PASSWORD_FILE",
    "RESTIC_PASSWORD_COMMAND",
    "RESTIC_KEY_HINT",
];
/// So much of what it prints is believed where it is read into memory, in bytes.
const LARGEST: u64 = 64 << 20;

/// A repository.
#[derive(Clone, Debug)]
pub struct Repository {
    pub location: Location,
    pub password: Password,
    /// Variables of the server's commands: backends take their keys from there.
    pub environment: BTreeMap<String, String>,
    /// What its command printed, once it was asked.
    said: OnceLock<String>,
}

impl Repository {
    pub fn new(location: Location, password: Password, environment: BTreeMap<String, String>) -> Repository {
        Repository { location, password, environment, said: OnceLock::new() }
    }

    /// Runs restic to its end; what it prints goes into `output`. That it failed is for the caller to see.
    ///
    /// Fails with [`Kind::NotFound`] if there is no such program or no password, with [`Kind::CommandFailed`] if the
    /// command of the password fails, with [`Kind::Interrupted`] if `stop` ended it.
    pub fn run(&self, arguments: &[&str], output: &File, stop: &dyn Fn() -> bool) -> Result<Looked> {
        let mut environment = self.environment.clone();
        environment.retain(|name, _| !DECIDING.contains(&name.as_str()));
        environment.insert("RESTIC_REPOSITORY".into(), self.location.as_restic_takes_it());
        environment.extend([self.password.variable(&self.said, &self.environment, stop)?]);
        let inherited = std::env::vars_os().filter_map(|(name, _)| name.into_string().ok());
        let foreign = inherited.filter(|name| name.starts_with(VARIABLES) && !environment.contains_key(name));
        let mut words: Vec<String> = foreign.flat_map(|name| ["-u".to_owned(), name]).collect();
        if !words.is_empty() {
            words.insert(0, "env".into());
        }
        words.push(PROGRAM.into());
        words.extend(arguments.iter().map(|word| (*word).to_owned()));
        let spec = Spec { environment, ..Spec::new(words, "/") };
        let looked = look_into(&spec, output, stop).map_err(|failure| match failure.kind {
            Kind::NotFound => failure.help("install it with `apt-get install restic`"),
            _ => failure,
        })?;
        match looked.exit {
            Exit::Status(127) => {
                Err(Failure::new(Kind::NotFound, format!("there is no program `{PROGRAM}`"))
                    .help("install it with `apt-get install restic`"))
            }
            _ => Ok(looked),
        }
    }

    /// Runs restic, and gives what it printed; fails if it does, for `what`, such as `the snapshots can't be listed`. A
    /// lock that a dead program left is removed, once.
    pub fn ask(&self, arguments: &[&str], what: &str, stop: &dyn Fn() -> bool) -> Result<String> {
        let mut output = tempfile::tempfile().or_fail(Kind::Refused, || what.to_owned())?;
        self.do_into(arguments, &output, what, stop)?;
        let mut text = String::new();
        let read = output.rewind().and_then(|()| output.take(LARGEST).read_to_string(&mut text));
        read.or_fail(Kind::Refused, || what.to_owned())?;
        Ok(text)
    }

    /// As [`Repository::ask`], with what it prints in a file.
    pub fn do_into(
        &self,
        arguments: &[&str],
        output: &File,
        what: &str,
        stop: &dyn Fn() -> bool,
    ) -> Result<()> {
        let looked = self.run(arguments, output, stop)?;
        if fault::is_done(&looked) {
            return Ok(());
        }
        if !self.is_locked(&looked) {
            return Err(self.failed(&looked, what));
        }
        self.unlock(stop)?;
        let looked = self.run(arguments, output, stop)?;
        match fault::is_done(&looked) {
            true => Ok(()),
            false => Err(self.failed(&looked, what)),
        }
    }

    /// Whether it failed because of a lock.
    pub fn is_locked(&self, looked: &Looked) -> bool {
        fault::is_locked(looked)
    }

    /// Removes the locks that dead programs left; those of living ones stay.
    pub fn unlock(&self, stop: &dyn Fn() -> bool) -> Result<()> {
        let nothing = tempfile::tempfile().or_fail(Kind::Refused, || "no lock can be removed".into())?;
        self.run(&["unlock", "--quiet"], &nothing, stop).map(drop)
    }

    /// Why restic failed, for people.
    pub fn failed(&self, looked: &Looked, what: &str) -> Failure {
        fault::failure(looked, what, &self.location, &self.password)
    }
}
