//! A closed world for tests through the real program: a folder with a site, its servers and its state, and nothing of
//! the environment.

pub mod accepted;
pub mod awkward;
pub mod caller;
pub mod chance;
pub mod docker;
pub mod machine;
pub mod program;
pub mod pty;
pub mod python;
pub mod releases;
pub mod restic;
pub mod sshd;
pub mod terminal;
pub mod words;
pub mod worlds;

use std::fs;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

pub struct World {
    folder: tempfile::TempDir,
}

/// What a call of the program gave.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

impl World {
    /// A site with one server of kind `plain`, whose Makefile traces what it does.
    pub fn new() -> World {
        let world = World { folder: tempfile::tempdir().unwrap() };
        world.write(
            "site.toml",
            "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\ntargets = { configure = \"config\", stop = \"stop\" }\n",
        );
        let traced = "echo $@ begin >> ../trace; sleep 0.0$(SLOW); echo $@ end >> ../trace";
        world.write(
            "web/Makefile",
            &format!("SLOW = 1\nconfig build up stop:\n\t@{traced}\nlong:\n\t@echo $@ begin >> ../trace; sleep 1; while test -e ../hold; do sleep 0.05; done; echo $@ end >> ../trace\nfail:\n\t@test -e ../mended\n\t@echo $@ end >> ../trace\n"),
        );
        world.git(&["init", "-q", "-b", "main"]);
        world.git(&["add", "-A"]);
        world.git(&["commit", "-q", "-m", "first"]);
        world.git(&["tag", "0.1.0"]);
        world
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn write(&self, name: &str, text: &str) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path().join(name)).unwrap_or_default()
    }

    pub fn remove(&self, name: &str) {
        let path = self.path().join(name);
        let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    }

    pub fn git(&self, arguments: &[&str]) {
        let status = Command::new("git")
            .args(["-c", "user.name=Test", "-c", "user.email=test@example.org", "-C"])
            .arg(self.path().join("web"))
            .args(arguments)
            .env("GIT_AUTHOR_DATE", "2026-01-01T00:00:00Z")
            .env("GIT_COMMITTER_DATE", "2026-01-01T00:00:00Z")
            .status()
            .unwrap();
        assert!(status.success(), "git {arguments:?}");
    }

    /// The program in the world, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_banister"));
        command.args(arguments).current_dir(self.path()).env_clear().stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap());
        // Most tests kill the process that they start, and not one in the background.
        command.env("BANISTER_FOREGROUND", "yes");
        // Nor are they units of the machine that the tests run on.
        command.env("BANISTER_SYSTEMD", "no");
        command.env("HOME", self.path()).env("BANISTER_STATE", self.path().join("state")).env("USER", "ops");
        // In memory, with all else that tests make.
        command.env("TMPDIR", std::env::temp_dir());
        command
    }

    /// Runs the program to its end.
    pub fn banister(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().unwrap())
    }

    /// The same, killed where the journal is at `place`.
    pub fn crash(&self, arguments: &[&str], place: &str) -> Said {
        said(self.command(arguments).env("BANISTER_CRASH_AT", place).output().unwrap())
    }

    /// The journals of all runs, the oldest first.
    pub fn journals(&self) -> Vec<PathBuf> {
        let Ok(runs) = fs::read_dir(self.path().join("state/runs")) else { return Vec::new() };
        let folders = runs.map(|run| run.unwrap().path()).filter(|path| path.is_dir());
        let mut paths: Vec<PathBuf> = folders.map(|folder| folder.join("journal.jsonl")).collect();
        paths.sort_by_cached_key(|path| began(path));
        paths
    }

    /// How many records the newest run has. One that begins has a folder before it has a journal.
    pub fn records(&self) -> usize {
        self.journals().last().map_or(0, |path| fs::read_to_string(path).unwrap_or_default().lines().count())
    }
}

/// The instant of a journal's first record, which is a run's age; its name is not.
pub fn began(journal: &Path) -> String {
    let text = fs::read(journal).unwrap_or_default();
    let line =
        String::from_utf8_lossy(text.split(|byte| *byte == b'\n').next().unwrap_or_default()).into_owned();
    let time = line.split("\"time\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or_default();
    // Milliseconds are written without zeros at their end.
    let (seconds, fraction) =
        time.trim_end_matches('Z').split_once('.').unwrap_or((time.trim_end_matches('Z'), ""));
    format!("{seconds}.{fraction:0<3}")
}

/// Types into a program and closes its input. One that refuses ends before it reads: what it said is looked at, and not
/// that nobody read what was typed.
pub fn type_into(child: &mut Child, text: &str) {
    let mut input = child.stdin.take().unwrap();
    match input.write_all(text.as_bytes()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {}
        written => written.unwrap(),
    }
}

/// Whether other users may go through a folder, and all above it.
pub fn is_open_to_others(folder: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    let folder = folder.canonicalize().unwrap();
    folder.ancestors().all(|folder| fs::metadata(folder).unwrap().permissions().mode() & 0o001 != 0)
}

pub fn said(output: Output) -> Said {
    use std::os::unix::process::ExitStatusExt;
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    let code = output.status.code().or_else(|| output.status.signal().map(|signal| -signal));
    Said { code, out: text(output.stdout), err: text(output.stderr) }
}
