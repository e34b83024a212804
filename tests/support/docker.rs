//! Practice servers with real containers: one at a time, because the Compose project of each is `server`.

use crate::support::{Said, said};
use banister::internals::practice::Practice;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard};

static ONE: Mutex<()> = Mutex::new(());

/// The right to be the only practice server, if there is an engine.
pub fn engine() -> Option<MutexGuard<'static, ()>> {
    alone(&ONE)
}

/// The right to be the only one of its sort, if there is an engine; `tests/run` sees to it. Without one the test says so and
/// is over.
pub fn alone(sort: &'static Mutex<()>) -> Option<MutexGuard<'static, ()>> {
    if std::env::var_os("BANISTER_TEST_DOCKER").is_none() {
        eprintln!("SKIPPED: real containers; run `tests/run` as root");
        return None;
    }
    Some(sort.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// A practice server in Docker; everything it has is removed when this is dropped.
pub struct Stack {
    pub practice: Practice,
    pub folder: tempfile::TempDir,
    _one: MutexGuard<'static, ()>,
}

impl Stack {
    /// None where there is no engine.
    pub fn create(faults: &[&str]) -> Option<Stack> {
        let one = engine()?;
        let folder = tempfile::tempdir().unwrap();
        let practice = Stack::make(folder.path(), faults);
        Some(Stack { practice, folder, _one: one })
    }

    fn make(folder: &Path, faults: &[&str]) -> Practice {
        let program = Path::new(env!("CARGO_BIN_EXE_banister"));
        let practice = Practice::create_in_docker(&folder.join("world"), program, faults).unwrap();
        be_content(&practice);
        practice
    }

    /// Removes all there is, the runs too, and makes a new server in the same folder: as a host that was lost, and one
    /// that was set up in its place.
    pub fn renew(&mut self) {
        self.practice.stop().unwrap();
        for name in ["world", "state"] {
            let _ = fs::remove_dir_all(self.folder.path().join(name));
        }
        self.practice = Stack::make(self.folder.path(), &[]);
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_banister"));
        command
            .args(arguments)
            .current_dir(self.practice.dir())
            .env_clear()
            .env("BANISTER_FOREGROUND", "yes")
            .env("TMPDIR", std::env::temp_dir())
            .stdin(Stdio::null());
        inherit_engine(&mut command);
        command.env("HOME", self.folder.path()).env("BANISTER_STATE", self.folder.path().join("state"));
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    pub fn banister(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().unwrap())
    }

    /// The same, killed where the journal is at `place`.
    pub fn crash(&self, arguments: &[&str], place: &str) -> Said {
        said(self.command(arguments).env("BANISTER_CRASH_AT", place).output().unwrap())
    }

    /// The newest run's journal.
    pub fn journal(&self) -> String {
        let runs = fs::read_dir(self.folder.path().join("state/runs")).unwrap();
        let journals = runs.map(|run| run.unwrap().path().join("journal.jsonl"));
        fs::read_to_string(journals.max_by_key(|path| crate::support::began(path)).unwrap()).unwrap()
    }

    /// Changes the site file: what stands there, to what shall.
    pub fn set(&self, from: &str, to: &str) {
        let before = fs::read_to_string(self.practice.site()).unwrap();
        let after = before.replace(from, to);
        assert_ne!(after, before, "`{from}` is not in the site file");
        fs::write(self.practice.site(), after).unwrap();
    }

    /// A make target, called by hand.
    pub fn make_target(&self, arguments: &[&str]) {
        let mut command = Command::new(self.practice.dir().join("bin/make"));
        command.args(arguments).current_dir(self.practice.checkout().join("server"));
        let output = command.envs(self.practice.environment()).stdin(Stdio::null()).output().unwrap();
        assert!(output.status.success(), "make {arguments:?}: {output:?}");
    }

    /// The folder of backups.
    pub fn backups(&self) -> PathBuf {
        self.practice.hoss().join("backup/backups")
    }

    /// The only archive there is.
    pub fn only_backup(&self) -> String {
        let names = fs::read_dir(self.backups()).unwrap();
        let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let names: Vec<String> = names.filter(|name| name.ends_with(".tar.gz")).collect();
        let [name] = names.as_slice() else { panic!("{names:?}") };
        name.clone()
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        let stopped = self.practice.stop();
        // A second panic would end the test program before the other stacks are removed.
        if !std::thread::panicking() {
            stopped.unwrap();
        }
    }
}

/// Shortens the window in which all must stay healthy: it is the longest part of most of what is done.
pub fn be_content(practice: &Practice) {
    let site = fs::read_to_string(practice.site()).unwrap();
    let soon = site.replace("stable = \"2s\"", "stable = \"200ms\"");
    assert_ne!(soon, site);
    fs::write(practice.site(), soon).unwrap();
}

/// Gives a command that inherits nothing else the engine and the programs.
pub fn inherit_engine(command: &mut Command) {
    for name in ["PATH", "DOCKER_HOST"] {
        command.envs(std::env::var_os(name).map(|value| (name, value)));
    }
}

/// `PATH` with Compose 1 before any other, if it is what is found then; else none, and it is said.
pub fn compose_1() -> Option<OsString> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folder = std::env::var_os("BANISTER_TEST_COMPOSE_1").map(PathBuf::from);
    let path = std::env::join_paths(folder.into_iter().chain(std::env::split_paths(&path))).unwrap();
    let version = |words: &[&str]| {
        let mut ask = Command::new("env");
        ask.args(words).args(["version", "--short"]).env("PATH", &path).env("DOCKER_CONFIG", "/nonexistent");
        let output = ask.output().ok().filter(|it| it.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    // The plugin comes first where it is installed for all users.
    let is_it = version(&["docker", "compose"]).is_none()
        && version(&["docker-compose"]).is_some_and(|version| version.starts_with('1'));
    if !is_it {
        eprintln!("SKIPPED: Compose 1 is not installed, or the plugin of `docker` is");
    }
    is_it.then_some(path)
}

/// What the machine's own docker prints.
pub fn docker(arguments: &[&str]) -> String {
    let output = Command::new("docker").args(arguments).output().unwrap();
    assert!(output.status.success(), "docker {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The name of a service's container, whatever it is.
pub fn container(service: &str) -> String {
    let label = format!("label=com.docker.compose.service={service}");
    let project = "label=com.docker.compose.project=server";
    let names = docker(&["ps", "--filter", project, "--filter", &label, "--format", "{{.Names}}"]);
    let names: Vec<&str> = names.lines().collect();
    let [name] = names.as_slice() else { panic!("{service}: {names:?}") };
    name.to_string()
}
