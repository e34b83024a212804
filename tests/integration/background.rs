//! Runs in the background: whoever dies, viewer, runner or watcher, they come to the same end.

mod frozen;
mod killed;
mod late;
mod mail;
pub mod notices;
mod unattended;

use crate::support;

use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use support::pty::Pty;
use support::{Said, World};

const RUNBOOK: &str = r#"
//! Takes three steps.
fn main() {
    let server = this_server();
    lock(server, "three steps");
    let at;
    step "Ask" { at = now(); confirm("Go on?"); }
    step "Configure" { server.make("config"); }
    parallel(["one", "two"], |name| {
        step `Branch ${name}` { server.run(["sh", "-c", `echo ${name} end >> ../trace`]); }
    });
    on_failure {
        step "Back" { server.run(["sh", "-c", "echo back end >> ../trace"]); }
    }
    step "Start" {
        step "Build" { server.make("build"); }
        server.make("up", #{ DETACH: true });
    }
    note(`done at ${at}`);
}
"#;

fn world() -> World {
    let world = World::new();
    world.write("runbooks/three.rhai", RUNBOOK);
    world
}

fn ends(world: &World) -> Vec<String> {
    let trace = world.read("trace");
    let mut ends: Vec<String> =
        trace.lines().filter_map(|line| line.strip_suffix(" end").map(str::to_owned)).collect();
    ends.sort_unstable();
    ends
}

/// Processes that play these parts for runs of the world.
fn processes(world: &World, parts: &[&str]) -> Vec<u32> {
    processes_of(&world.path().join("state").display().to_string(), parts)
}

/// The same for runs in a state folder.
pub(crate) fn processes_of(state: &str, parts: &[&str]) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let line = |pid: &u32| {
        String::from_utf8_lossy(&fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default()).into_owned()
    };
    pids.filter(|pid| {
        let line = line(pid);
        line.contains(state) && parts.iter().any(|part| line.split('\0').nth(1) == Some(part))
    })
    .collect()
}

pub(crate) fn kill(pid: u32) {
    let _ = kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::KILL);
}

/// Waits for what becomes true.
fn wait_for(what: &str, is_so: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Nobody works on a run of the world any more.
fn wait_for_end(world: &World) {
    wait_for("the run ends", || processes(world, &["run-here", "watch-run"]).is_empty());
}

fn shown(world: &World) -> String {
    said_by(world, &["show", "--json"]).out
}

fn run_folder(world: &World) -> PathBuf {
    world.journals().pop().unwrap().parent().unwrap().to_owned()
}

/// The program as people start it.
fn command(world: &World, arguments: &[&str]) -> Command {
    let mut command = world.command(arguments);
    command.env_remove("BANISTER_FOREGROUND");
    command
}

fn said_by(world: &World, arguments: &[&str]) -> Said {
    support::said(command(world, arguments).output().unwrap())
}

/// The same, whose runner is killed where the journal is at `place`.
fn killed_at(world: &World, place: &str, arguments: &[&str]) -> Said {
    support::said(command(world, arguments).env("BANISTER_CRASH_AT", place).output().unwrap())
}

/// The program at a terminal of its own.
fn at_terminal(world: &World, words: &[&str]) -> Pty {
    let words: Vec<&str> =
        [env!("CARGO_BIN_EXE_banister")].into_iter().chain(words.iter().copied()).collect();
    Pty::start(&command(world, &[]), &words, 40, 100)
}

fn detached(world: &World, arguments: &[&str]) -> Said {
    let said = said_by(world, arguments);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("works in the background"), "{said:?}");
    said
}

#[test]
fn a_runner_that_is_killed_at_any_record_is_started_again_and_comes_to_the_same_end() {
    let world = world();
    let said = detached(&world, &["run", "three", "--yes", "--detach"]);
    assert!(said.out.contains("next:  banister attach "), "{said:?}");
    wait_for_end(&world);
    assert_eq!(ends(&world), ["build", "config", "one", "two", "up"]);
    let records = world.records();
    let mut kills = 0;
    for place in 1..records {
        world.remove("trace");
        world.remove("state");
        let said = killed_at(&world, &format!("after {place}"), &["run", "three", "--yes", "--detach"]);
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        // Whoever looks on sees nothing of it but that it is continued.
        let looked = said_by(&world, &["attach"]);
        assert_eq!(looked.code, Some(0), "{place}: {looked:?}");
        wait_for_end(&world);
        assert_eq!(ends(&world), ["build", "config", "one", "two", "up"], "{place}");
        let shown = shown(&world);
        assert!(shown.contains(r#""state":"done""#), "{place}: {shown}");
        assert_eq!(said_by(&world, &["lock", "show"]).out, "web: free\n", "{place}");
        kills += fs::read_dir(run_folder(&world).join("events")).unwrap().count() - 1;
    }
    assert!(kills >= records - 3, "{kills} of {records}");
    println!("killed {kills} times, after each of {records} records");
}

/// The terminal is only a viewer, with and without a person at it.
#[test]
fn a_run_goes_on_when_the_program_that_began_it_is_killed_at_any_record() {
    let world = world();
    let said = said_by(&world, &["run", "three", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("✓ Start") && said.out.contains("state: `three` is done on web"), "{said:?}");
    wait_for_end(&world);
    let records = world.records();
    for place in 1..records {
        world.remove("trace");
        world.remove("state");
        let mut child = command(&world, &["run", "three", "--yes"]).stdout(Stdio::null()).spawn().unwrap();
        wait_for("it comes there", || world.records() >= place);
        child.kill().unwrap();
        child.wait().unwrap();
        // Killed before it had started a runner, it left a run that is resumed.
        if processes(&world, &["run-here", "watch-run"]).is_empty() && shown(&world).contains("interrupted") {
            assert!(place <= 2, "{place}");
            assert_eq!(said_by(&world, &["resume", "--yes"]).code, Some(0), "{place}");
        }
        wait_for_end(&world);
        assert!(shown(&world).contains(r#""state":"done""#), "{place}");
        assert_eq!(ends(&world), ["build", "config", "one", "two", "up"], "{place}");
    }
}

#[test]
fn without_a_terminal_nobody_is_asked_and_with_one_a_failure_is() {
    let world = world();
    let said = said_by(&world, &["run", "three"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(
        said.err.contains("nobody is there to answer: Go on?") && said.err.contains("`--yes`"),
        "{said:?}"
    );
    world.write("runbooks/three.rhai", &RUNBOOK.replace("make(\"up\"", "make(\"fail\""));
    let said = said_by(&world, &["run", "three", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let mut person = at_terminal(&world, &["resume"]);
    person.sees("[retry/rollback/leave]");
    person.types("rollback\n");
    person.sees("state: `three` was rolled back");
    assert_eq!(person.ends().code(), Some(0));
    wait_for_end(&world);
    assert_eq!(ends(&world), ["back", "build", "config", "one", "two"]);
    assert_eq!(said_by(&world, &["run", "three", "--yes", "--json"]).code, Some(1));
}

#[test]
fn whoever_looks_on_from_the_beginning_or_late_sees_each_step_once() {
    let world = world();
    killed_at(&world, r#"after "block_end"#, &["run", "three", "--yes", "--detach"]);
    let said = said_by(&world, &["attach", "--json"]);
    wait_for_end(&world);
    let late = said_by(&world, &["attach"]);
    assert!(late.out.contains("no run works in the background"), "{late:?}");
    let ended = said.out.lines().filter(|line| line.contains(r#""event":"step_finished""#));
    let names: Vec<String> = ended
        .map(|line| {
            let event: serde_json::Value = serde_json::from_str(line).unwrap();
            event["name"].as_str().unwrap().to_owned()
        })
        .collect();
    let once: BTreeSet<&String> = names.iter().collect();
    assert_eq!((once.len(), names.len()), (6, 6), "{names:?}");
}

#[test]
fn a_question_waits_for_whoever_comes_and_the_first_answer_is_the_answer() {
    let world = world();
    detached(&world, &["run", "three", "--detach"]);
    let mut ann = at_terminal(&world, &["attach"]);
    ann.sees("Go on?");
    let mut bea = at_terminal(&world, &["attach"]);
    bea.sees("Go on?");
    bea.types("y\n");
    ann.sees("answered by ops@");
    ann.sees("state: `three` is done on web");
    bea.sees("state: `three` is done on web");
    assert!(ann.ends().success() && bea.ends().success());
    wait_for_end(&world);
    assert_eq!(ends(&world), ["build", "config", "one", "two", "up"]);
}

#[test]
fn an_answer_that_was_given_while_no_runner_was_there_is_taken() {
    let world = world();
    detached(&world, &["run", "three", "--detach"]);
    let asked = run_folder(&world).join("asked");
    let question = || -> Option<String> {
        let mut names =
            fs::read_dir(&asked).ok()?.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        names.find(|name| !name.starts_with('.'))
    };
    wait_for("it is asked", || question().is_some());
    let name = question().unwrap();
    processes(&world, &["watch-run"]).into_iter().for_each(kill);
    processes(&world, &["run-here"]).into_iter().for_each(kill);
    // A runner may just have replaced its watcher.
    wait_for("both are dead", || {
        processes(&world, &["run-here", "watch-run"]).into_iter().map(kill).count() == 0
    });
    let answers = run_folder(&world).join("answers");
    fs::create_dir_all(&answers).unwrap();
    fs::write(answers.join(name), r#"{"text":"yes","by":"ann@laptop","id":"1"}"#).unwrap();
    assert!(shown(&world).contains(r#""state":"interrupted""#));
    let said = said_by(&world, &["resume", "--detach"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    wait_for_end(&world);
    assert!(shown(&world).contains(r#""state":"done""#));
    assert!(fs::read_to_string(world.journals().pop().unwrap()).unwrap().contains("ann@laptop"));
}

#[test]
fn a_viewer_that_leaves_changes_nothing_and_ctrl_c_stops_the_run() {
    let world = world();
    world.write("hold", "");
    world.write(
        "runbooks/long.rhai",
        "fn main() { let server = this_server();\nstep \"Long\" { server.make(\"long\"); }\nstep \"Build\" { server.make(\"build\"); } }",
    );
    detached(&world, &["run", "long", "--detach"]);
    for signal in [Signal::HUP, Signal::TERM, Signal::QUIT, Signal::KILL] {
        let mut viewer = at_terminal(&world, &["attach"]);
        viewer.sees("step 1 of 2");
        kill_process(viewer.pid(), signal).unwrap();
        let ended = viewer.ends();
        assert_eq!(ended.success(), signal != Signal::KILL, "{signal:?}: {ended}");
    }
    assert!(shown(&world).contains(r#""state":"running""#));
    let mut viewer = at_terminal(&world, &["attach"]);
    viewer.sees("step 1 of 2");
    viewer.types("\x03");
    viewer.sees("stopping after the running command");
    // The runner looks for what viewers wish some times a second.
    std::thread::sleep(Duration::from_secs(1));
    world.remove("hold");
    viewer.sees("state: `long` was interrupted");
    assert_eq!(viewer.ends().code(), Some(130));
    wait_for_end(&world);
    assert_eq!(ends(&world), ["long"]);
    let said = said_by(&world, &["resume"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(ends(&world), ["build", "long"]);
}

#[test]
fn a_watcher_that_is_killed_is_replaced_and_resume_looks_on_while_a_runner_works() {
    let world = world();
    world.write("hold", "");
    world.write("runbooks/long.rhai", "fn main() { let server = this_server();\nserver.make(\"long\"); }");
    detached(&world, &["run", "long", "--detach"]);
    let before = processes(&world, &["watch-run"]);
    assert_eq!(before.len(), 1);
    kill(before[0]);
    wait_for("another one comes", || {
        let now = processes(&world, &["watch-run"]);
        !now.is_empty() && now != before
    });
    let runner = processes(&world, &["run-here"]);
    kill(runner[0]);
    wait_for("another one comes", || {
        let now = processes(&world, &["run-here"]);
        !now.is_empty() && now != runner
    });
    let resume = command(&world, &["resume"]).spawn().unwrap();
    std::thread::sleep(Duration::from_millis(200));
    world.remove("hold");
    assert!(resume.wait_with_output().unwrap().status.success());
    wait_for_end(&world);
    assert_eq!(world.read("trace"), "long begin\nlong end\n");
}

#[test]
fn where_nobody_is_a_run_waits_stops_or_is_rolled_back() {
    for (unattended, state, ended) in [
        ("stop", "interrupted", &[][..]),
        ("rollback", "rolled_back", &["back", "build", "config", "one", "two"]),
        ("rollback:1s", "rolled_back", &["back", "build", "config", "one", "two"]),
    ] {
        let world = world();
        let asks = RUNBOOK.replace("server.make(\"up\"", "confirm(\"Really?\"); server.make(\"up\"");
        let asks =
            if unattended == "stop" { RUNBOOK.to_owned() } else { asks.replace("confirm(\"Go on?\");", "") };
        world.write("runbooks/three.rhai", &asks);
        detached(&world, &["run", "three", "--detach", "--unattended", unattended]);
        wait_for_end(&world);
        let shown = shown(&world);
        assert!(shown.contains(&format!(r#""state":"{state}""#)), "{unattended}: {shown}");
        assert_eq!(ends(&world), ended, "{unattended}");
    }
    // A failure, too.
    let world = world();
    world.write("runbooks/three.rhai", &RUNBOOK.replace("make(\"up\"", "make(\"fail\""));
    detached(&world, &["run", "three", "--yes", "--detach", "--unattended", "rollback"]);
    wait_for_end(&world);
    assert!(shown(&world).contains(r#""state":"rolled_back""#));
    let said = said_by(&world, &["run", "three", "--unattended", "never"]);
    assert_eq!(said.code, Some(2), "{said:?}");
}

#[test]
fn a_no_is_asked_again_when_the_run_is_resumed() {
    let world = world();
    detached(&world, &["run", "three", "--detach"]);
    let mut person = at_terminal(&world, &["attach"]);
    person.sees("Go on?");
    person.types("n\n");
    assert_eq!(person.ends().code(), Some(3));
    wait_for_end(&world);
    // It touched nothing before.
    let said = said_by(&world, &["run", "three", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");

    let world = self::world();
    let later = RUNBOOK.replace("server.make(\"up\"", "confirm(\"Really?\"); server.make(\"up\"");
    world.write("runbooks/three.rhai", &later);
    detached(&world, &["run", "three", "--detach"]);
    let mut person = at_terminal(&world, &["attach"]);
    person.sees("Go on?");
    person.types("y\n");
    person.sees("Really? [y/n]");
    person.types("n\n");
    assert_eq!(person.ends().code(), Some(3));
    wait_for_end(&world);
    let mut person = at_terminal(&world, &["resume"]);
    person.sees("Really? [y/n]");
    person.types("y\n");
    assert!(person.ends().success());
    wait_for_end(&world);
    assert_eq!(ends(&world), ["build", "config", "one", "two", "up"]);
}

#[test]
fn a_failure_that_nobody_looks_at_is_rolled_back_after_its_time_also_if_the_runner_is_killed_meanwhile() {
    let fails = RUNBOOK.replace("make(\"up\"", "make(\"fail\"");
    let world = world();
    world.write("runbooks/three.rhai", &fails);
    detached(&world, &["run", "three", "--yes", "--detach", "--unattended", "rollback:3s"]);
    let asked = || {
        let names = fs::read_dir(run_folder(&world).join("asked")).into_iter().flatten().flatten();
        names.map(|name| name.file_name().into_string().unwrap()).any(|name| name.contains("-failed."))
    };
    wait_for("it is asked what now", asked);
    assert!(shown(&world).contains(r#""state":"failed""#));
    processes(&world, &["run-here"]).into_iter().for_each(kill);
    wait_for_end(&world);
    assert!(shown(&world).contains(r#""state":"rolled_back""#));
    assert_eq!(ends(&world), ["back", "build", "config", "one", "two"]);

    // That it went back by itself is no success.
    let world = self::world();
    world.write("runbooks/three.rhai", &fails);
    let said = said_by(&world, &["run", "three", "--yes", "--unattended", "rollback:1s"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("was rolled back"), "{said:?}");
}

/// Nobody goes back over a person's no.
#[test]
fn a_no_stops_a_run_that_would_be_rolled_back_where_nobody_is() {
    let world = world();
    let later = RUNBOOK.replace("server.make(\"up\"", "confirm(\"Really?\"); server.make(\"up\"");
    world.write("runbooks/three.rhai", &later.replace("confirm(\"Go on?\");", ""));
    detached(&world, &["run", "three", "--detach", "--unattended", "rollback:60s"]);
    let mut person = at_terminal(&world, &["attach"]);
    person.sees("Really? [y/n]");
    person.types("n\n");
    assert_eq!(person.ends().code(), Some(3));
    wait_for_end(&world);
    assert!(shown(&world).contains(r#""state":"interrupted""#));
    assert_eq!(ends(&world), ["build", "config", "one", "two"]);
}

#[test]
fn what_works_takes_answers_from_a_resume_and_nothing_else() {
    let world = world();
    detached(&world, &["run", "three", "--detach"]);
    let said = said_by(&world, &["resume", "--rollback"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains("is at work") && said.err.contains("banister attach "), "{said:?}");
    let said = said_by(&world, &["resume", "--detach"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = said_by(&world, &["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    wait_for_end(&world);
    assert_eq!(ends(&world), ["build", "config", "one", "two", "up"]);
}
