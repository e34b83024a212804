//! Primitives that run commands, as the gate calls them: through the real program and with real processes.

use crate::support::accepted::accepted;
use banister::failure::{Failure, Kind};
use banister::internals::command::{self, Attention, From, State, supervise_with};
use banister::internals::secret;
use banister::internals::site::Server;
use banister::internals::stop::{Asked, Stop};
use banister::primitive::{Host, Probe, Told};
use rustix::process::{Pid, Signal, kill_process, test_kill_process};
use serde_json::{Value, json};
use std::fs::{read_to_string, write};
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A server with an empty checkout, and the folder of one attempt. What still runs at the end is stopped.
struct Place {
    outer: TempDir,
    folder: PathBuf,
    server: Server,
    stop: Stop,
    told: Mutex<Vec<String>>,
}

impl Place {
    fn new() -> Place {
        supervise_with(env!("CARGO_BIN_EXE_banister"));
        let outer = tempfile::tempdir().unwrap();
        let settings = json!({
            "kind": "plain",
            "checkout": outer.path(),
            "environment": { "GREETING": "good evening" },
        });
        Place {
            folder: outer.path().join("logs/3.1"),
            server: serde_json::from_value(settings).unwrap(),
            outer,
            stop: Stop::new(),
            told: Mutex::default(),
        }
    }

    /// What a primitive of this place acts with.
    fn host<T>(&self, act: impl FnOnce(&Host) -> T) -> T {
        let tell = |told: Told| {
            if let Told::Progress(line) = told {
                self.told.lock().unwrap().push(line.to_string());
            }
        };
        let hold = |_: &str| Ok(());
        act(&Host {
            server: Some(&self.server),
            folder: &self.folder,
            stop: &self.stop,
            tell: &tell,
            hold: &hold,
        })
    }

    fn call(&self, name: &str, mut arguments: Value) -> Result<Value, Failure> {
        arguments["server"] = json!({ "$server": "cloud" });
        let call = accepted(name, &arguments)?;
        self.host(|host| call.perform(host))
    }

    fn shell(&self, line: &str) -> Result<Value, Failure> {
        self.call("shell", json!({ "line": line }))
    }

    fn probe(&self) -> Probe<Value> {
        self.probe_of("shell", json!({ "server": { "$server": "cloud" }, "line": "" }))
    }

    fn probe_of(&self, name: &str, arguments: Value) -> Probe<Value> {
        let call = accepted(name, &arguments).unwrap();
        self.host(|host| call.after_crash(host)).unwrap()
    }

    fn told(&self) -> Vec<String> {
        self.told.lock().unwrap().clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if command::state(&self.folder).is_ok_and(|state| state == State::Running) {
            let _ = command::follow(&self.folder, From::Now, &|| Attention::Cancel, &mut |_| {});
        }
    }
}

#[test]
fn a_command_runs_in_the_checkout_with_the_environment_of_its_server() {
    let place = Place::new();
    let outcome = place.shell("pwd; echo $GREETING; touch here").unwrap();
    assert_eq!(outcome["lines"][1], "good evening");
    assert!(outcome["seconds"].is_number());
    assert!(place.outer.path().join("here").exists());
    assert_eq!(place.told()[1], "good evening");
}

#[test]
fn what_was_done_by_a_command_that_ended_is_read_and_not_done_again() {
    let place = Place::new();
    let first = place.shell("echo ran >> ran; echo out").unwrap();
    assert!(matches!(place.probe(), Probe::GoOn));
    assert_eq!(place.shell("echo ran >> ran; echo out").unwrap(), first);
    assert_eq!(read_to_string(place.outer.path().join("ran")).unwrap(), "ran\n");
}

#[test]
fn a_command_that_fails_says_what_it_said_last_and_where_the_rest_is() {
    let place = Place::new();
    let failure = place.shell("seq 40; exit 3").unwrap_err();
    assert_eq!(failure.kind, Kind::CommandFailed);
    assert_eq!(failure.message, "`seq 40; exit 3` ended with status 3");
    assert_eq!((failure.why.len(), failure.why[14].as_str()), (15, "40"));
    let log = command::log(&place.folder).display().to_string();
    assert!(failure.help.unwrap().contains(&log));
}

#[test]
fn make_is_given_its_variables_as_text() {
    let place = Place::new();
    write(place.outer.path().join("Makefile"), "show:\n\t@echo '$(DETACH) $(JOBS) $(WORDS)'\n").unwrap();
    let variables = json!({ "DETACH": true, "JOBS": 4, "WORDS": "a b" });
    let outcome = place.call("make", json!({ "target": "show", "variables": variables })).unwrap();
    assert_eq!(outcome["lines"], json!(["true 4 a b"]));

    let place = Place::new();
    write(place.outer.path().join("Makefile"), "bad:\n\t@exit 1\n").unwrap();
    let failure = place.call("make", json!({ "target": "bad" })).unwrap_err();
    assert_eq!(failure.message, "`make bad` ended with status 2");
}

#[test]
fn a_secret_reaches_the_command_and_nobody_who_looks_on() {
    let place = Place::new();
    let secret = secret::keep("of supervised", "hunter2hunter2");
    let arguments = json!({
        "arguments": ["sh", "-c", "echo word: $WORD; echo $WORD > file; exit 1"],
        "environment": { "WORD": secret },
    });
    let failure = place.call("run", arguments).unwrap_err();
    // A script may catch it and read what was said; who looks on does not see it.
    assert_eq!(failure.why, ["word: hunter2hunter2"]);
    assert_eq!(place.told(), ["word: ‹secret›"]);
    let spec = read_to_string(place.host(|host| host.folder.join("spec"))).unwrap();
    assert!(spec.contains("of supervised") && !spec.contains("hunter2hunter2"), "{spec}");
    assert_eq!(read_to_string(place.outer.path().join("file")).unwrap(), "hunter2hunter2\n");

    let refused = place.call("make", json!({ "target": "up", "variables": { "WORD": secret } })).unwrap_err();
    assert_eq!(refused.kind, Kind::Invalid);
}

#[test]
fn a_command_that_is_late_or_not_there_says_so() {
    let place = Place::new();
    let failure = place.call("shell", json!({ "line": "sleep 600", "within": "200ms" })).unwrap_err();
    assert_eq!(failure.kind, Kind::TimedOut);
    assert_eq!(failure.message, "`sleep 600` did not end within 200ms and was stopped");

    let place = Place::new();
    let failure = place.call("run", json!({ "arguments": ["no-such-program"] })).unwrap_err();
    assert_eq!(failure.kind, Kind::NotFound);
}

#[test]
fn a_command_that_was_left_is_followed_to_its_end() {
    let place = Place::new();
    place.stop.ask(Asked::Leave);
    let line = "echo ran >> ran; while test ! -e go; do sleep 0.05; done";
    assert_eq!(place.shell(line).unwrap_err().kind, Kind::Interrupted);
    assert!(matches!(place.probe(), Probe::GoOn));
    write(place.outer.path().join("go"), "").unwrap();
    let resumed = place.host(|host| {
        let host = Host { stop: &Stop::new(), ..*host };
        let arguments = json!({ "server": { "$server": "cloud" }, "line": line });
        accepted("shell", &arguments).unwrap().perform(&host)
    });
    resumed.unwrap();
    assert_eq!(read_to_string(place.outer.path().join("ran")).unwrap(), "ran\n");
}

#[test]
fn a_command_that_was_cancelled_is_interrupted_and_begun_anew_by_the_next_attempt() {
    let place = Place::new();
    place.stop.ask(Asked::Cancel);
    assert_eq!(place.shell("sleep 600").unwrap_err().kind, Kind::Interrupted);
    assert!(matches!(place.probe(), Probe::Again));
}

#[test]
fn a_command_whose_end_nobody_wrote_is_left_to_a_person() {
    let place = Place::new();
    place.stop.ask(Asked::Leave);
    let line = "echo $$ > pid; while test ! -e go; do sleep 0.05; done";
    assert_eq!(place.shell(line).unwrap_err().kind, Kind::Interrupted);
    until(|| place.outer.path().join("pid").exists());
    let lock: Value = serde_json::from_str(&read_to_string(place.folder.join("lock")).unwrap()).unwrap();
    let supervisor = Pid::from_raw(lock["pid"].as_i64().unwrap() as i32).unwrap();
    kill_process(supervisor, Signal::KILL).unwrap();
    // Or it could still write how the command ended.
    until(|| test_kill_process(supervisor).is_err());
    write(place.outer.path().join("go"), "").unwrap();
    until(|| matches!(command::state(&place.folder).unwrap(), State::CutOff { .. }));
    assert!(matches!(place.probe(), Probe::Unknown(_)));
    assert_eq!(place.shell(line).unwrap_err().kind, Kind::InDoubt);
    // Unless it was said that it may be run twice.
    let repeated = json!({ "server": { "$server": "cloud" }, "arguments": ["true"], "repeat": true });
    assert!(matches!(place.probe_of("run", repeated), Probe::Again));
}

fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "it does not happen");
        std::thread::sleep(Duration::from_millis(5));
    }
}
