//! A practice server for one test, which is stopped when the test ends, however it ends.

use banister::internals::practice::Practice;
use std::ops::Deref;
use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

pub struct Server {
    practice: Practice,
    _folder: tempfile::TempDir,
}

impl Deref for Server {
    type Target = Practice;

    fn deref(&self) -> &Practice {
        &self.practice
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        _ = self.practice.stop();
    }
}

/// What a command said, and how it ended.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub out: String,
    pub errors: String,
}

pub fn server(faults: &[&str]) -> Server {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let program = Path::new(env!("CARGO_BIN_EXE_banister"));
    // A quote and a space in the path, for all that is written for shells.
    let practice = Practice::create(&folder.path().join("world"), program, faults);
    let practice = practice.unwrap_or_else(|failure| panic!("{failure}\n{:?}", failure.help));
    practice.end_with_me().expect("the owner is written");
    Server { practice, _folder: folder }
}

impl Server {
    /// Runs a program in the checkout's `server`, as an administrator would.
    pub fn run(&self, program: &str, arguments: &[&str]) -> Said {
        let own = self.dir().join("bin").join(program);
        let mut command = Command::new(if own.exists() { own } else { program.into() });
        command.args(arguments).current_dir(self.checkout().join("server")).envs(self.environment());
        command.env_remove("MAKEFLAGS").env_remove("MAKELEVEL").stdin(std::process::Stdio::null());
        said(command.output().expect("the program starts"))
    }

    /// Runs a command line with bash, in the same place.
    pub fn shell(&self, line: &str) -> Said {
        self.run("bash", &["-c", line])
    }

    /// Runs one statement in core's database; gives the bare rows.
    pub fn query(&self, statement: &str) -> String {
        self.good("docker", &["exec", "server_db_1", "psql", "-d", "hoss_core", "-Atc", statement])
    }

    /// As [`Server::run`], and it has to succeed; gives its output without the last newline.
    pub fn good(&self, program: &str, arguments: &[&str]) -> String {
        let said = self.run(program, arguments);
        assert_eq!(said.code, Some(0), "{program} {arguments:?}: {said:?}");
        said.out.trim_end().to_string()
    }

    pub fn check_out(&self, version: &str) {
        self.good("git", &["fetch", "--quiet", "--tags"]);
        self.good("git", &["checkout", "--quiet", version]);
    }

    /// The documented update, without waiting for what comes of it.
    pub fn update(&self, version: &str) {
        self.check_out(version);
        self.good("make", &["config"]);
        self.good("make", &["build"]);
        self.good("make", &["up", "DETACH=true"]);
    }

    pub fn version(&self) -> Option<String> {
        Some(self.discover().ok()?["version"].as_str()?.to_string())
    }

    /// How often core was started again by itself.
    pub fn core_restarts(&self) -> u32 {
        self.good("docker", &["inspect", "--format", "{{.RestartCount}}", "server_core_1"])
            .parse()
            .expect("a number")
    }

    pub fn core_log(&self) -> String {
        let said = self.run("docker", &["logs", "server_core_1"]);
        said.out + said.errors.as_str()
    }
}

fn said(output: Output) -> Said {
    Said {
        code: output.status.code(),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        errors: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Waits until it holds. The deadline is only there to end a test that hangs.
pub fn until(what: &str, held: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(120);
    while !held() {
        assert!(Instant::now() < end, "gave up waiting until {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
