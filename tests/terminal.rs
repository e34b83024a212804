//! What is asked at a terminal: after a failure, and before each step.

mod support;

use std::process::Stdio;
use support::{Said, World, said, type_into};

const RUNBOOK: &str = "//! Fails until it is mended.
fn main() {
    let server = this_server();
    step \"Configure\" { server.make(\"config\"); }
    on_failure { server.make(\"up\"); }
    step \"Fail\" { server.make(\"fail\"); }
    step \"Build\" { server.make(\"build\"); }
}
";

/// Runs the program at a terminal of its own, on which `typed` is typed.
fn at_terminal(world: &World, line: &str, typed: &str) -> Said {
    let program = env!("CARGO_BIN_EXE_banister");
    let mut command = world.command(&[]);
    let environment: Vec<_> =
        command.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned()))).collect();
    // `script` is a part of every Debian; it gives a command a terminal.
    command = std::process::Command::new("script");
    command.args(["-qec", &format!("{program} {line}"), "/dev/null"]).current_dir(world.path());
    command.env_clear().envs(environment).env("TERM", "dumb").env("SHELL", "/bin/sh");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    type_into(&mut child, typed);
    said(child.wait_with_output().unwrap())
}

#[test]
fn after_a_failure_a_person_may_leave_or_go_back() {
    for (typed, code, traced, state) in
        [("leave\n", 1, "config", "failed"), ("retry\nrollback\n", 0, "config up", "rolled_back")]
    {
        let world = World::new();
        world.write("runbooks/x.rhai", RUNBOOK);
        let said = at_terminal(&world, "run x", typed);
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(said.out.contains("What now?") && said.out.contains("[retry/rollback/leave]"), "{said:?}");
        let trace = world.read("trace");
        let ended: Vec<&str> = trace.lines().filter_map(|line| line.strip_suffix(" end")).collect();
        assert_eq!(ended.join(" "), traced);
        assert!(world.banister(&["runs", "--json"]).out.contains(&format!("\"state\":\"{state}\"")));
    }
}

#[test]
fn each_step_may_be_asked_for() {
    let world = World::new();
    world.write("runbooks/x.rhai", RUNBOOK);
    world.write("mended", "");
    let said = at_terminal(&world, "run x --step", "y\nn\n");
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(
        said.out.contains("Begin step `Configure`?") && said.out.contains("stopped before step `Fail`"),
        "{said:?}"
    );
    let said = at_terminal(&world, "resume --step", "y\ny\n");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        !said.out.contains("Begin step `Configure`?") && said.out.contains("Begin step `Build`?"),
        "{said:?}"
    );
    // Nobody there: nothing is begun.
    let said = world.banister(&["run", "x", "--step"]);
    assert_eq!(said.code, Some(3), "{said:?}");
}
