//! Calls of the program for one site, with a state folder and a home of their own, and nothing of the environment.

use super::{Said, said};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Makes of a command one that reaches its servers in another way.
pub type Route = Box<dyn Fn(&Command) -> Command + Send + Sync>;

pub struct Caller {
    folder: tempfile::TempDir,
    /// The folder of the site, once there is one.
    pub site: PathBuf,
    pub route: Option<Route>,
}

impl Caller {
    pub fn new() -> Caller {
        let folder = tempfile::tempdir().unwrap();
        Caller { site: folder.path().join("world"), folder, route: None }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folder of runs.
    pub fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    /// The program, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_banister"));
        command.arg("--site").arg(&self.site).args(arguments).current_dir(self.folder());
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", self.folder());
        command.env("BANISTER_STATE", self.state()).env("USER", "ops");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        match &self.route {
            Some(route) => route(&command),
            None => command,
        }
    }

    /// Runs the program to its end.
    pub fn banister(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().unwrap())
    }

    /// The same, killed where the journal is at `place`.
    pub fn crash(&self, arguments: &[&str], place: &str) -> Said {
        said(self.command(arguments).env("BANISTER_CRASH_AT", place).output().unwrap())
    }

    /// The text of each run's journal, the oldest first.
    pub fn journals(&self) -> Vec<String> {
        let runs = fs::read_dir(self.state().join("runs")).into_iter().flatten().flatten();
        let mut folders: Vec<PathBuf> = runs.map(|run| run.path()).collect();
        folders.sort_by_cached_key(|folder| super::began(&folder.join("journal.jsonl")));
        let text = |run: &PathBuf| fs::read_to_string(run.join("journal.jsonl")).unwrap_or_default();
        folders.iter().map(text).collect()
    }
}
