//! A rehearsal: a site's own scripts on a practice server, in a temporary folder, with nothing of the real server.
//!
//! A server of kind `hoss` gets a practice server like any other. Of any other kind nothing is known but what
//! `site.toml` says, so it gets a checkout whose make targets only note that they were called (see [`simple`]). Both
//! see no programs but those that an update is made of, and those that the site has in `tests/bin`: what a script would do
//! to this machine fails instead.

mod contents;
mod original;
mod server;
mod simple;
mod site_file;
mod tools;

pub use original::Original;

use super::world::start;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::files::TEMPORARY;
use serde_json::Value;
use server::Server;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A practice server with a site's scripts, and the runs on it.
pub struct Rehearsal {
    // Before its folder: dropped first.
    server: Server,
    program: PathBuf,
    folder: TempDir,
}

/// How a call of the program ended.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The exit code; negative, if a signal ended it.
    pub code: i32,
    /// What it said.
    pub said: String,
}

impl Rehearsal {
    /// Makes a practice server for a server of a site, with the site's scripts. `program` is banister.
    pub fn new(original: &Original, program: &Path) -> Result<Rehearsal> {
        let made = tempfile::Builder::new().prefix("banister-test-").tempdir();
        let folder = made.map_err(|error| {
            Failure::new(Kind::Refused, "there is no room for a practice server").why(error).help(TEMPORARY)
        })?;
        let tools = folder.path().join("tools");
        tools::link(&tools)?;
        let site = folder.path().join("site");
        let server = Server::create(original, &site, program)?;
        site_file::write(&server, original, &site, &tools)?;
        for name in ["runbooks", "stdlib", "releases"] {
            site_file::copy(&original.folder.join(name), &site.join(name))?;
        }
        site_file::copy(&original.folder.join("tests/bin"), &site.join("bin"))?;
        Ok(Rehearsal { server, program: program.to_owned(), folder })
    }

    /// The folder of its site.
    pub fn site(&self) -> PathBuf {
        self.folder.path().join("site")
    }

    /// The folder of its runs.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// Calls the program for its site, killed where the journal is at `kill`, if that is given: `after 7`, or `after` and
    /// a part of a record's text.
    pub fn banister(&self, arguments: &[&str], kill: Option<&str>) -> Result<Ended> {
        let mut command = Command::new(&self.program);
        command.arg("--site").arg(self.site()).args(arguments).current_dir(self.folder.path());
        command
            .env("BANISTER_STATE", self.state())
            // Nothing starts a run again that is killed on purpose.
            .env("BANISTER_FOREGROUND", "yes")
            .env_remove("BANISTER_CRASH_AT")
            .env_remove("BANISTER_SITE");
        command.env("HOME", self.home()).env("TERM", "dumb").stdin(Stdio::null());
        if let Some(place) = kill {
            command.env("BANISTER_CRASH_AT", place);
        }
        let output = command.output().or_fail(Kind::Refused, || "banister can't be started".into())?;
        let said = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
        let code = output.status.code().unwrap_or_else(|| 128 - start::code(output.status));
        Ok(Ended { code, said })
    }

    /// How many runs there were.
    pub fn runs(&self) -> usize {
        std::fs::read_dir(self.state().join("runs")).map_or(0, Iterator::count)
    }

    /// What `banister show --json` says of its last run.
    pub fn last_run(&self) -> Result<Value> {
        let shown = self.banister(&["show", "--json"], None)?;
        serde_json::from_str(&shown.said)
            .map_err(|_| Failure::new(Kind::NotFound, "there was no run yet").why(shown.said.trim()))
    }

    /// The home of the server's administrator.
    pub fn home(&self) -> PathBuf {
        self.site().join("home")
    }

    /// The release that is checked out.
    pub fn release(&self) -> Result<String> {
        self.server.release()
    }

    /// Whether it is healthy now.
    pub fn is_healthy(&self) -> Result<bool> {
        self.server.is_healthy()
    }

    /// The make targets that were called, in order.
    pub fn made(&self) -> Result<Vec<String>> {
        self.server.made()
    }

    /// Makes something go wrong from now on, or no more. For a Hoss, one of [`super::FAULTS`]; otherwise `health`, or a
    /// make target, which then fails. Fails with [`Kind::Invalid`] if there is no such fault.
    pub fn switch(&self, fault: &str, on: bool) -> Result<()> {
        self.server.switch(fault, on)
    }

    /// What is compared between an undisturbed end and another one: lines that say what there is.
    pub fn contents(&self) -> Result<Vec<String>> {
        contents::contents(&self.server, &self.home())
    }
}
