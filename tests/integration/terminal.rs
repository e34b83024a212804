//! What is asked at a terminal: after a failure, and before each step.

use crate::support;

use support::terminal::Terminal;
use support::{Said, World};

const RUNBOOK: &str = "//! Fails until it is mended.
fn main() {
    let server = this_server();
    step \"Configure\" { server.make(\"config\"); }
    on_failure { server.make(\"up\"); }
    step \"Fail\" { server.make(\"fail\"); }
    step \"Build\" { server.make(\"build\"); }
}
";

/// Runs the program at a terminal of its own, on which each of `typed` is typed once the question before it is there.
fn at_terminal(world: &World, line: &str, prompt: &str, typed: &[&str]) -> Said {
    let mut terminal = Terminal::start(&world.command(&[]), line, "dumb");
    for typed in typed {
        terminal.sees(prompt);
        terminal.types(typed);
    }
    terminal.ends()
}

#[test]
fn after_a_failure_a_person_may_leave_or_go_back() {
    for (typed, code, traced, state) in [
        (&["leave\n"][..], 1, "config", "failed"),
        (&["retry\n", "rollback\n"], 0, "config up", "rolled_back"),
    ] {
        let world = World::new();
        world.write("runbooks/x.rhai", RUNBOOK);
        let said = at_terminal(&world, "run x", "[retry/rollback/leave] ", typed);
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
    let said = at_terminal(&world, "run x --step", "[y/n] ", &["y\n", "n\n"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(
        said.out.contains("Begin step `Configure`?") && said.out.contains("stopped before step `Fail`"),
        "{said:?}"
    );
    let said = at_terminal(&world, "resume --step", "[y/n] ", &["y\n", "y\n"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        !said.out.contains("Begin step `Configure`?") && said.out.contains("Begin step `Build`?"),
        "{said:?}"
    );
    // Nobody there: nothing is begun.
    let said = world.banister(&["run", "x", "--step"]);
    assert_eq!(said.code, Some(3), "{said:?}");
}
