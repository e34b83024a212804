//! `banister repl` at a terminal with editing.

use crate::support;

use std::os::unix::fs::PermissionsExt;
use support::World;
use support::terminal::Terminal;

fn start(world: &World, line: &str) -> Terminal {
    let mut terminal = Terminal::start(&world.command(&[]), line, "xterm");
    terminal.sees("banister> ");
    terminal
}

#[test]
fn ctrl_c_stops_a_command_and_clears_a_line_and_ctrl_d_leaves() {
    let world = World::new();
    let mut terminal = start(&world, "--color never repl");
    terminal.types("let kept = 41 +");
    terminal.types("\x03");
    terminal.sees("banister> ");
    terminal.types("let kept = 41;\r");
    terminal.sees("banister> ");
    terminal.types("web.shell(\"echo begun > ../begun; sleep 30; echo ended > ../ended\")\r");
    while world.read("begun").is_empty() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    terminal.types("\x03");
    terminal.sees("press Ctrl-C again to stop it now");
    terminal.types("\x03");
    terminal.sees("error: ");
    terminal.sees("banister> ");
    terminal.types("kept + 1\r");
    terminal.sees("42\r\n");
    terminal.sees("banister> ");
    terminal.types("\x04");
    let ended = terminal.ends();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert_eq!(world.read("ended"), "", "it was stopped");
    assert!(world.banister(&["lock", "show"]).out.contains("web: free"));
}

#[test]
fn lines_that_are_typed_ahead_while_a_command_runs_are_done_after_it() {
    let world = World::new();
    let mut terminal = start(&world, "--color never repl");
    terminal.types("web.shell(\"touch ../begun; sleep 1; echo done\").lines\r");
    while !world.path().join("begun").exists() {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    terminal.types("40 + 1\r40 + 2\r40 + 3\r");
    for answer in ["\"done\"", "41\r\n", "42\r\n", "43\r\n"] {
        terminal.sees(answer);
    }
    terminal.sees("banister> ");
    terminal.types("\x04");
    assert_eq!(terminal.ends().code, Some(0));
}

#[test]
fn a_line_goes_on_while_a_bracket_is_open_and_tab_completes() {
    let world = World::new();
    let mut terminal = start(&world, "--color never repl");
    terminal.types("let found = [\r40,\r2\r];\r");
    terminal.sees("];");
    terminal.sees("banister> ");
    terminal.types("found[0] + found[1]\r");
    terminal.sees("42\r\n");
    terminal.sees("banister> ");
    terminal.types("web.installed_r\t)\r");
    terminal.sees("installed_release()");
    terminal.sees("\"0.1.0\"\r\n");
    terminal.sees("banister> ");
    terminal.types("web.make(");
    terminal.sees("make(server, target: text");
    terminal.types("\x03");
    terminal.sees("banister> ");
    terminal.types("confirm(\"Go on?\")\r");
    terminal.sees("[y/n] ");
    terminal.types("y\r");
    terminal.sees("banister> ");
    terminal.types("\x04");
    assert_eq!(terminal.ends().code, Some(0));
}

#[test]
fn what_was_typed_comes_back_the_next_time_without_secrets() {
    let world = World::new();
    let mut terminal = start(&world, "--color never repl");
    terminal.types("let settings = #{ API_TOKEN: \"typed-c4nary\", n: 40 };\r");
    terminal.sees("banister> ");
    terminal.types("settings.n + 2\r");
    terminal.sees("42\r\n");
    terminal.sees("banister> ");
    terminal.types("\x04");
    terminal.ends();
    let history = world.read("state/history");
    assert_eq!(history.lines().nth(1), Some("\"settings.n + 2\""), "{history}");
    assert!(history.contains("‹secret›") && !history.contains("c4nary"), "{history}");
    let mode = std::fs::metadata(world.path().join("state/history")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let mut terminal = start(&world, "--color always repl");
    terminal.types("\x1b[A");
    terminal.sees("settings.n + \x1b[36m2\x1b[0m");
    terminal.types("\x03");
    terminal.sees("banister> ");
    terminal.types("\x04");
    assert_eq!(terminal.ends().code, Some(0));
}

#[test]
fn a_signal_that_ends_it_hands_everything_back() {
    let world = World::new();
    let mut terminal = start(&world, "repl");
    terminal.types("web.make(\"config\").seconds < 100.0\r");
    terminal.sees("true\r\n");
    terminal.sees("banister> ");
    let shown = world.banister(&["lock", "show", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown.out).unwrap();
    let pid = i32::try_from(shown[0]["holder"]["pid"].as_i64().unwrap()).unwrap();
    let pid = rustix::process::Pid::from_raw(pid).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert_eq!(terminal.ends().code, Some(130));
    assert!(world.banister(&["lock", "show"]).out.contains("web: free"));
    assert!(world.banister(&["runs", "--json"]).out.contains("\"state\":\"done\""));
}
