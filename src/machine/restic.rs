//! A repository of restic, reached through the user's own program. What a backup is made of is left to
//! [`super::backup`].

// From bottom to top.
mod fault;
mod pattern;

mod location;
mod password;

mod identity;
mod snapshots;
mod version;

pub use fault::Trouble;
pub use location::Location;
pub use password::Password;
pub use pattern::{pattern, patterns_below};
pub use snapshots::{Snapshot, Tags};

use crate::command::{Exit, Looked, Spec, look, look_into};
use crate::failure::{Context, Failure, Kind, Result};
use std::collections::BTreeMap;
use std::fs::File;
use std::os::fd::OwnedFd;
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

    /// Runs restic to its end, and gives what it printed, 64 MiB at most. That it failed is for the caller to see.
    ///
    /// Fails with [`Kind::NotFound`] if there is no such program or no password, with [`Kind::CommandFailed`] if the
    /// command of the password fails, with [`Kind::Interrupted`] if `stop` ended it.
    pub fn run(&self, arguments: &[&str], stop: &dyn Fn() -> bool) -> Result<Looked> {
        let spec = self.spec(arguments, stop)?;
        is_there(look(&spec, stop))
    }

    /// As [`Repository::run`], for output of any size, which `read` reads as it comes: nothing keeps it.
    pub fn run_into<T: Send>(
        &self,
        arguments: &[&str],
        stop: &dyn Fn() -> bool,
        read: impl FnOnce(File) -> std::io::Result<T> + Send,
    ) -> Result<(Looked, std::io::Result<T>)> {
        let spec = self.spec(arguments, stop)?;
        let failed = || "the output of `restic` can't be read".to_owned();
        let (from, to) = std::io::pipe().or_fail(Kind::Refused, failed)?;
        std::thread::scope(|scope| {
            let reading = scope.spawn(move || {
                let from = File::from(OwnedFd::from(from));
                let rest = from.try_clone()?;
                let read = read(from);
                // What it still writes must not find a closed pipe.
                std::io::copy(&mut &rest, &mut std::io::sink())?;
                read
            });
            let to = File::from(OwnedFd::from(to));
            let looked = is_there(look_into(&spec, &to, stop));
            // Else whoever reads waits for more.
            drop(to);
            let read = reading.join().map_err(|_| Failure::new(Kind::Bug, failed()))?;
            Ok((looked?, read))
        })
    }

    fn spec(&self, arguments: &[&str], stop: &dyn Fn() -> bool) -> Result<Spec> {
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
        Ok(Spec { environment, ..Spec::new(words, "/") })
    }

    /// Runs restic, and gives what it printed; fails if it does, for `what`, such as `the snapshots can't be listed`. A
    /// lock that a dead program left is removed, once.
    pub fn ask(&self, arguments: &[&str], what: &str, stop: &dyn Fn() -> bool) -> Result<String> {
        let looked = self.run(arguments, stop)?;
        let looked = match self.trouble(&looked) {
            Some(Trouble::Locked) => {
                self.unlock(stop)?;
                self.run(arguments, stop)?
            }
            _ => looked,
        };
        match self.trouble(&looked) {
            None => Ok(looked.stdout),
            Some(_) => Err(self.failed(&looked, what)),
        }
    }

    /// What kept restic from being done; nothing if it was.
    pub fn trouble(&self, looked: &Looked) -> Option<Trouble> {
        let trouble = fault::trouble(looked);
        // Of a repository that is gone, as its disk was taken away meanwhile, nothing is damaged.
        match (trouble, &self.location) {
            (Some(Trouble::Damaged), Location::Folder(folder)) if !folder.join("config").exists() => {
                Some(Trouble::NoRepository)
            }
            _ => trouble,
        }
    }

    /// Removes the locks that dead programs left; those of living ones stay.
    pub fn unlock(&self, stop: &dyn Fn() -> bool) -> Result<()> {
        self.run(&["unlock", "--quiet"], stop).map(drop)
    }

    /// Why restic failed, for people.
    pub fn failed(&self, looked: &Looked, what: &str) -> Failure {
        let trouble = self.trouble(looked).unwrap_or(Trouble::Unknown);
        fault::failure(trouble, looked, what, &self.location, &self.password)
    }
}

/// What it printed, if there is such a program.
fn is_there(looked: Result<Looked>) -> Result<Looked> {
    let help = "install it with `apt-get install restic`";
    match looked {
        // As `env` says it.
        Ok(Looked { exit: Exit::Status(127), .. }) => {
            Err(Failure::new(Kind::NotFound, format!("there is no program `{PROGRAM}`")).help(help))
        }
        Err(failure) if failure.kind == Kind::NotFound => Err(failure.help(help)),
        looked => looked,
    }
}
