//! What interrupts a run, and what is left of it.

use crate::support;

use rustix::process::{Pid, Signal, kill_process};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use support::{Said, World, said};

const RUNBOOK: &str = r#"
fn main() {
    let server = this_server();
    step "Build" { server.make("long"); }
    step "Start" { server.make("up"); }
}
"#;

/// Begins the run and waits until its long command runs.
fn begin(world: &World) -> Child {
    world.write("runbooks/long.rhai", RUNBOOK);
    let child =
        world.command(&["run", "long"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for(world, "long begin");
    child
}

fn wait_for(world: &World, line: &str) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !world.read("trace").contains(line) {
        assert!(Instant::now() < deadline, "no `{line}` in a minute");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

fn end(child: Child) -> Said {
    said(child.wait_with_output().unwrap())
}

fn assert_each_once(world: &World) {
    assert_eq!(world.read("trace"), "long begin\nlong end\nup begin\nup end\n");
}

#[test]
fn one_interrupt_lets_the_running_command_end_and_begins_no_other() {
    let world = World::new();
    let child = begin(&world);
    send(&child, Signal::INT);
    let said = end(child);
    assert_eq!(said.code, Some(130), "{said:?}");
    assert!(said.err.contains("stopping after the running command"), "{said:?}");
    assert!(said.out.contains("state: `long` was interrupted on web"), "{said:?}");
    assert_eq!(world.read("trace"), "long begin\nlong end\n");
    let shown = world.banister(&["lock", "show"]).out;
    assert!(shown.starts_with("web: held by nobody, but a run is unfinished\n"), "{shown}");
    assert_eq!(world.banister(&["resume"]).code, Some(0));
    assert_each_once(&world);
}

#[test]
fn two_interrupts_end_the_running_command_too() {
    let world = World::new();
    let child = begin(&world);
    send(&child, Signal::INT);
    std::thread::sleep(Duration::from_millis(100));
    send(&child, Signal::INT);
    let said = end(child);
    assert_eq!(said.code, Some(130), "{said:?}");
    assert_eq!(world.read("trace"), "long begin\n");
    assert_eq!(world.banister(&["resume"]).code, Some(0));
    assert_eq!(world.read("trace"), "long begin\nlong begin\nlong end\nup begin\nup end\n");
}

#[test]
fn a_command_goes_on_when_the_program_is_told_to_go_or_its_terminal_is_gone() {
    for signal in [Signal::TERM, Signal::HUP] {
        let world = World::new();
        let child = begin(&world);
        send(&child, signal);
        let said = end(child);
        assert_eq!(said.code, Some(130), "{said:?}");
        assert_eq!(world.banister(&["resume"]).code, Some(0));
        assert_each_once(&world);
    }
}

#[test]
fn a_command_goes_on_when_the_program_is_killed() {
    let world = World::new();
    let child = begin(&world);
    send(&child, Signal::KILL);
    end(child);
    let other = world.banister(&["run", "long", "--abandon"]);
    assert_eq!(other.code, Some(3), "{other:?}");
    assert!(
        other.err.contains("is still running on web. End it, wait for its end, or stop here?"),
        "{other:?}"
    );
    let other = world.banister(&["run", "long", "--abandon", "--answer", "wait", "--answer", "yes"]);
    assert_eq!(other.code, Some(0), "{other:?}");
    assert_eq!(world.read("trace"), "long begin\nlong end\nlong begin\nlong end\nup begin\nup end\n");
}

#[test]
fn two_resumes_at_once_do_not_work_on_one_run() {
    let world = World::new();
    let child = begin(&world);
    let run = world.journals()[0].parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let said = world.banister(&["resume", &run]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert_eq!(end(child).code, Some(0));
    assert_each_once(&world);
}

#[test]
fn nothing_is_begun_over_a_run_that_is_not_done() {
    let world = World::new();
    let child = begin(&world);
    send(&child, Signal::TERM);
    end(child);
    let said = world.banister(&["run", "long"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains("error: an earlier run is unfinished"), "{said:?}");
    assert!(said.err.contains("banister resume"), "{said:?}");
    wait_for(&world, "long end");
}

#[test]
fn a_run_outlives_the_shell_that_began_it() {
    let world = World::new();
    world.write("runbooks/long.rhai", RUNBOOK);
    let program = env!("CARGO_BIN_EXE_banister");
    let environment: Vec<_> = world
        .command(&[])
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    let mut shell = std::process::Command::new("sh");
    shell.args(["-c", &format!("{program} run long; exit 0")]).current_dir(world.path());
    let mut shell =
        shell.env_clear().envs(environment).stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    wait_for(&world, "long begin");
    send(&shell, Signal::KILL);
    shell.wait().unwrap();
    // Nobody reads what it says any more.
    drop(shell.stdout.take());
    wait_for(&world, "up end");
    let deadline = Instant::now() + Duration::from_secs(60);
    while !world.banister(&["runs", "--json"]).out.contains("\"state\":\"done\"") {
        assert!(Instant::now() < deadline, "{:?}", world.banister(&["show"]));
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_each_once(&world);
}

#[test]
fn a_command_goes_on_when_its_terminal_is_closed() {
    let world = World::new();
    world.write("runbooks/long.rhai", RUNBOOK);
    let program = env!("CARGO_BIN_EXE_banister");
    let environment: Vec<_> = world
        .command(&[])
        .get_envs()
        .filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())))
        .collect();
    let mut terminal = std::process::Command::new("script");
    terminal.args(["-qec", &format!("{program} run long"), "/dev/null"]).current_dir(world.path());
    terminal
        .env_clear()
        .envs(environment)
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut terminal = terminal.spawn().unwrap();
    wait_for(&world, "long begin");
    send(&terminal, Signal::KILL);
    terminal.wait().unwrap();
    wait_for(&world, "long end");
    // It left by itself, resumable; or it is just about to.
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        let said = world.banister(&["resume"]);
        match said.code {
            Some(0) => break,
            Some(4) => assert!(Instant::now() < deadline, "{said:?}"),
            _ => panic!("{said:?}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    assert_each_once(&world);
}

#[test]
fn a_reader_that_goes_away_is_no_reason_to_stop() {
    let world = World::new();
    world.write(
        "runbooks/many.rhai",
        "//! Many.\nfn main() { for n in 0..3000 { note(`${n}`); } this_server().make(\"up\"); }\n",
    );
    let mut child =
        world.command(&["run", "many"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(world.read("trace"), "up begin\nup end\n");
    for arguments in [&["doc"][..], &["show"], &["runs"], &["run", "none"], &["--help"]] {
        let mut child =
            world.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        drop(child.stderr.take());
        assert_ne!(child.wait().unwrap().code(), Some(101), "{arguments:?} panicked");
    }
}
