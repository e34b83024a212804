//! Commands that still run although nobody can continue their run: they are listed, and can be ended.

use crate::support;

use serde_json::Value;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};
use support::World;

/// A world with a command that is ended with it, also if a test fails.
struct Endless(World);

impl std::ops::Deref for Endless {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl Drop for Endless {
    fn drop(&mut self) {
        if is_running(&self.0) {
            let _ = std::process::Command::new("kill").args(["-9", self.0.read("pid").trim()]).status();
        }
    }
}

/// A run whose `make` goes on although banister was killed, and its name.
fn killed() -> (Endless, String) {
    let world = Endless(World::new());
    let makefile = world.read("web/Makefile");
    let runs = "endless:\n\t@echo $$$$ > ../pid; exec sleep 600\n";
    world.write("web/Makefile", &format!("{makefile}{runs}"));
    world.git(&["commit", "-q", "-a", "-m", "endless"]);
    world.write(
        "runbooks/x.rhai",
        "//! Never ends.\n\nfn main() {\n    this_server().make(\"endless\");\n}\n",
    );
    let mut child: Child =
        world.command(&["run", "x"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while world.read("pid").trim().is_empty() && Instant::now() < until {
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let run = std::fs::read_dir(world.path().join("state/runs")).unwrap().next().unwrap().unwrap();
    let name = run.file_name().into_string().unwrap();
    assert!(is_running(&world), "{name}");
    (world, name)
}

/// Whether the command still runs; a zombie of it doesn't.
fn is_running(world: &World) -> bool {
    let pid = world.read("pid");
    let line = std::fs::read(format!("/proc/{}/cmdline", pid.trim())).unwrap_or_default();
    line.starts_with(b"sleep\0")
}

fn orphans(world: &World) -> Value {
    let said = world.banister(&["status", "--json"]);
    let status: Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
    status[0]["orphans"].clone()
}

/// It is listed with its run and can be ended; after that there is nothing to end.
fn is_listed_and_ended(world: &World, run: &str, command: &str, state: &str) {
    let found = orphans(world);
    assert_eq!(found[0]["run"], run, "{found}");
    assert_eq!((&found[0]["command"], &found[0]["state"]), (&command.into(), &state.into()), "{found}");
    let begins = format!("  still running: `{command}` of the run {run} ({state}), since 20");
    for words in [&["status"][..], &["lock", "show"], &["lock", "release"]] {
        let said = world.banister(words);
        let line =
            said.out.lines().find(|line| line.starts_with(&begins)).unwrap_or_else(|| panic!("{said:?}"));
        assert!(line.ends_with("; end it with `banister lock end`"), "{said:?}");
        assert!(!said.out.contains("  free\n"), "{said:?}");
    }
    let said = world.banister(&["lock", "end"]);
    assert_eq!((said.code, said.out), (Some(0), format!("web: ended `{command}` of the run {run}\n")));
    assert!(!is_running(world));
    assert_eq!(orphans(world), Value::Array(Vec::new()));
    let said = world.banister(&["lock", "end", "--json"]);
    let json: Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!(json, serde_json::json!([{ "server": "web", "ended": [] }]));
}

#[test]
fn a_command_of_an_open_run_is_told_with_the_run_and_not_ended_here() {
    let (world, run) = killed();
    assert_eq!(orphans(&world), Value::Array(Vec::new()));
    let said = world.banister(&["status"]);
    assert!(said.out.contains(&format!("unfinished run {run}")), "{said:?}");
    let said = world.banister(&["lock", "end"]);
    assert_eq!(said.out, "web: no command of an earlier run is running\n");
    assert!(is_running(&world));
}

#[test]
fn a_command_of_a_run_whose_journal_is_gone_is_listed_and_can_be_ended() {
    let (world, run) = killed();
    world.remove(&format!("state/runs/{run}"));
    // Its own words are gone with the folder; the program is seen.
    is_listed_and_ended(&world, &run, "make", "its journal is gone");
}

#[test]
fn a_command_of_an_abandoned_run_is_listed_and_can_be_ended() {
    let (world, run) = killed();
    let folder = world.path().join("state/runs").join(&run);
    // It is abandoned by somebody who can't see that it still runs something.
    std::fs::rename(&folder, world.path().join("aside")).unwrap();
    world.write(
        "runbooks/y.rhai",
        "//! Does little.\n\nfn main() {\n    this_server().make(\"config\");\n}\n",
    );
    let said = world.banister(&["run", "y", "--abandon=over", "--answer", "anyway"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    std::fs::rename(world.path().join("aside"), &folder).unwrap();
    is_listed_and_ended(&world, &run, "make endless", "abandoned");
}

#[test]
fn a_command_that_the_server_does_not_know_is_found_where_it_works() {
    let (world, run) = killed();
    world.remove("web/.git/banister");
    is_listed_and_ended(&world, &run, "make endless", "unknown");
}
