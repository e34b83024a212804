//! `banister repl --run`: where a run stopped.

use crate::support;

use std::process::{Command, Stdio};
use support::terminal::Terminal;
use support::worlds;
use support::{Said, World, said, type_into};

const RUNBOOK: &str = "//! Fails until it is mended.
fn main() {
    let server = this_server();
    let wanted = \"0.1.0\";
    on_failure { server.make(\"up\"); }
    step \"Configure\" { server.make(\"config\"); }
    step \"Fail\" {
        let target = \"fail\";
        let found = server.installed_release();
        server.make(target);
    }
    step \"Build\" { server.make(\"build\"); }
}
";

/// A run that stopped in `Fail`, and its name.
fn stopped() -> (World, String) {
    let world = World::new();
    world.write("runbooks/x.rhai", RUNBOOK);
    let said = world.banister(&["run", "x"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let name =
        said.out.lines().next().unwrap().strip_prefix("run ").unwrap().split(':').next().unwrap().to_owned();
    (world, name)
}

fn typed(world: &World, run: &str, lines: &str) -> Said {
    let mut command = world.command(&["repl", "--run", run]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    type_into(&mut child, lines);
    said(child.wait_with_output().unwrap())
}

fn ended(world: &World) -> String {
    let trace = world.read("trace");
    trace.lines().filter_map(|line| line.strip_suffix(" end")).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_failed_step_is_shown_with_what_it_saw_and_mended_by_hand_the_run_goes_on() {
    let (world, run) = stopped();
    let lines = "wanted + target + found\nserver == web\nserver.shell(\"touch ../mended\").lines\nthis_server().make(\"nothing\")\nresume\n";
    let said = typed(&world, &run, lines);
    assert_eq!(said.code, Some(0), "{said:?}");
    for shown in [
        format!("run {run}: x on web\n"),
        "state: `x` failed on web in step `Fail`; 0.1.0 is checked out, health unknown; ".into(),
        "error: `make fail` ended with status 2\n".into(),
        "the last output of make(web, \"fail\")\n".into(),
        "web: release 0.1.0; ".into(),
        "variables: found, server, target, wanted, web\n".into(),
        "next: resume, roll_back, skip \"Fail\", evidence, help\n".into(),
        "\"0.1.0fail0.1.0\"\ntrue\n[]\n".into(),
        "state: `x` is done on web\n".into(),
    ] {
        assert!(said.out.contains(&shown), "{shown}: {}", said.out);
    }
    assert_eq!(said.out.matches("state: `x` is done").count(), 1, "its state is said once: {said:?}");
    assert!(said.err.contains("`make nothing` ended with status 2"), "{said:?}");
    assert_eq!(ended(&world), "config fail build", "nothing of the script was done twice");
    let shown = world.banister(&["show", &run]);
    assert!(shown.out.contains("done by hand\n"), "{shown:?}");
    assert!(shown.out.contains("shell(web, \"touch ../mended\")  done, "), "{shown:?}");
    assert!(shown.out.contains("make(web, \"nothing\")  failed, "), "{shown:?}");
    assert!(!shown.out.contains("wanted + target"), "what only looked is not kept: {shown:?}");
    let json: serde_json::Value =
        serde_json::from_str(&world.banister(&["show", &run, "--json"]).out).unwrap();
    assert_eq!(json["steps"].as_array().unwrap().len(), 3, "{json}");
    assert_eq!(json["by_hand"][0]["calls"][0]["state"], "done", "{json}");
    let again = typed(&world, &run, "1\n");
    assert!(again.code == Some(2) && again.err.contains("is done"), "{again:?}");
}

#[test]
fn a_step_is_left_out_for_a_reason_and_stays_left_out() {
    let (world, run) = stopped();
    let said = typed(&world, &run, "skip \"Build\"\n");
    assert!(said.code == Some(1) && said.err.contains("the run did not stop in a step `Build`"), "{said:?}");
    let said = typed(&world, &run, "skip \"Fail\"\n");
    assert!(said.code == Some(1) && said.err.contains("nobody is there to answer: Why can step"), "{said:?}");
    world.write("runbooks/x.rhai", &RUNBOOK.replace("\"build\"", "\"none\""));
    let said = typed(&world, &run, "skip \"Fail\", \"it is built\"\n");
    assert_eq!(said.code, Some(1), "the next step fails now: {said:?}");
    assert!(said.out.contains("step `Fail` is left out: it is built"), "{said:?}");
    let states = said.out.matches("state: `x` failed on web in step `Build`").count();
    assert_eq!(states, 1, "its state is said once: {said:?}");
    world.write("runbooks/x.rhai", RUNBOOK);
    let resumed = world.banister(&["resume", &run]);
    assert_eq!(resumed.code, Some(0), "it stays left out: {resumed:?}");
    assert_eq!(ended(&world), "config build");
    let shown = world.banister(&["show", &run]);
    assert!(shown.out.contains("skipped: it is built (ops@"), "{shown:?}");
}

#[test]
fn a_run_is_taken_back_and_a_line_that_is_cut_off_is_brought_to_its_end_first() {
    let (world, run) = stopped();
    let lines = "on_failure { web.make(\"none\"); }\nlet a = server.make(\"config\")\nroll_back\n";
    let said = typed(&world, &run, lines);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("warning: `on_failure` does nothing here"), "{said:?}");
    assert!(said.out.contains("state: `x` was rolled back on web"), "{said:?}");
    assert_eq!(ended(&world), "config config up");

    let (world, run) = stopped();
    let mut command = world.command(&["repl", "--run", &run]);
    // The line's command goes on, and who typed it is gone.
    command.env("BANISTER_CRASH_AT", "before \"ended\":{\"key\":\"~0/0\"");
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    type_into(&mut child, "server.make(\"config\")\n");
    assert!(child.wait().unwrap().code().is_none());
    world.write("mended", "");
    let resumed = world.banister(&["resume", &run]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert!(resumed.out.contains("was typed and interrupted: it is finished now"), "{resumed:?}");
    assert_eq!(ended(&world), "config config fail build", "it is done once");
    let shown = world.banister(&["show", &run]);
    assert!(shown.out.contains("make(web, \"config\")  done, "), "{shown:?}");
}

#[test]
fn a_line_that_is_killed_anywhere_leaves_a_run_that_goes_on() {
    let places =
        ["\"typed\":", "\"begun\":{\"key\":\"~0/0\"", "\"ended\":{\"key\":\"~0/0\"", "\"finished\":"];
    for place in places.iter().flat_map(|place| ["before", "after"].map(|when| format!("{when} {place}"))) {
        let (world, run) = stopped();
        let mut command = world.command(&["repl", "--run", &run]);
        command.env("BANISTER_CRASH_AT", &place);
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        type_into(&mut child, "server.make(\"config\")\n");
        assert!(child.wait().unwrap().code().is_none(), "{place}: it was killed");
        world.write("mended", "");
        let resumed = world.banister(&["resume"]);
        assert_eq!(resumed.code, Some(0), "{place}: {resumed:?}");
        let never_begun = place.contains("typed") || place == "before \"begun\":{\"key\":\"~0/0\"";
        let expected = if never_begun { "config fail build" } else { "config config fail build" };
        assert_eq!(ended(&world), expected, "{place}");
        assert_eq!(world.read("trace").matches("begin").count(), expected.split(' ').count() - 1, "{place}");
        assert_eq!(world.banister(&["resume"]).out, "there is nothing to resume\n", "{place}");
    }
}

#[test]
fn nothing_is_changed_by_hand_while_a_command_of_the_run_goes_on() {
    let world = World::new();
    world.write("runbooks/x.rhai", "//! X.\nfn main() {\n    step \"Long\" { this_server().shell(\"until test -e ../go; do sleep 0.05; done; echo long >> ../done\"); }\n}\n");
    let said = world.crash(&["run", "x"], "after \"begun\":{\"key\":\"/0/0\"");
    assert!(said.code.is_some_and(|code| code < 0), "{said:?}");
    let run = world.journals()[0].parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    // It was killed before the command began: nothing runs, and the prompt may act.
    let said = typed(&world, &run, "web.make(\"config\").seconds < 100.0\n");
    assert!(said.code == Some(0) && said.out.contains("interrupted on web in step `Long`"), "{said:?}");
    let mut child = world.command(&["resume"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let begun = || {
        std::fs::read_dir(world.journals()[0].parent().unwrap().join("logs/0.0.0"))
            .is_ok_and(|files| files.flatten().any(|file| file.file_name() == "begun"))
    };
    while !begun() {
        assert_eq!(child.try_wait().unwrap(), None, "it goes on until it is told");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let refused = typed(&world, &run, "1\n");
    assert!(
        refused.code == Some(4) && refused.err.contains("another process is working on the run"),
        "{refused:?}"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    let said = typed(&world, &run, "web.installed_release()\nweb.make(\"config\")\n");
    assert!(
        said.out.contains("is still running: `resume` follows it") && said.out.contains("\"0.1.0\""),
        "{said:?}"
    );
    assert!(said.code == Some(1) && said.err.contains(" of this run is still running"), "{said:?}");
    world.write("go", "");
    let said = typed(&world, &run, "resume\n");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("done"), "long\n", "it ran once");
}

#[test]
fn what_is_saved_lies_on_the_step_that_failed_or_says_where_it_belongs() {
    let world = World::new();
    let site = world.read("site.toml");
    let more = "health = [{ command = [\"true\"] }]\nhealthy = { stable = \"100ms\" }\nbackup = [\"~/data\"]\nbackups = \"~/kept\"\n";
    world.write("site.toml", &format!("{site}{more}"));
    world.write("data/rows", "before");
    world.write(
        "web/Makefile",
        &world.read("web/Makefile").replace("build up:", "up:").replace("fail:", "build:"),
    );
    world.git(&["commit", "-qam", "second"]);
    world.git(&["tag", "0.1.1"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    let said = world.banister(&["run", "update", "--to", "0.1.1", "--yes"]);
    assert!(said.code == Some(1) && said.out.contains("in step `Build`"), "{said:?}");
    let run =
        said.out.lines().next().unwrap().strip_prefix("run ").unwrap().split(':').next().unwrap().to_owned();
    let lines = "server.shell(\"touch ../mended\", #{ within: 1.minutes })\nsave\nsave\nresume\n";
    let said = typed(&world, &run, lines);
    assert_eq!(said.code, Some(0), "{said:?}");
    let text = world.read("runbooks/update.rhai");
    assert!(
        text.starts_with("// Saved at ") && text.contains(&format!("`banister repl --run {run}`")),
        "{text}"
    );
    assert!(
        text.ends_with(
            "before(\"Build\") {\n    server.shell(\"touch ../mended\", #{ within: 1.minutes });\n}\n"
        ),
        "{text}"
    );
    let mend = world.read(&format!("runbooks/mend-{run}.rhai"));
    assert!(
        mend.contains("To be moved into `runbooks/update.rhai`") && mend.contains("// before(\"Build\") {"),
        "{mend}"
    );
    let checked = world.banister(&["check", "--json"]);
    assert_eq!((checked.code, checked.out.as_str()), (Some(0), "[]\n"), "{checked:?}");
    assert!(world.banister(&["list"]).out.contains("before(\"Build\")"));
}

/// The way of an administrator whose update stopped because the new release does not build.
#[test]
fn an_update_that_stopped_is_mended_at_the_prompt_and_what_was_done_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_banister"));
    let practice = worlds::server(&folder.path().join("world"), program, &["build"]);
    practice.end_with_me().unwrap();
    let command = |words: &[&str]| {
        let mut command = Command::new(program);
        command
            .args(words)
            .current_dir(practice.home())
            .env_clear()
            .env("BANISTER_FOREGROUND", "yes")
            .stdin(Stdio::null());
        command.envs(practice.environment()).env("USER", "ops").env("TMPDIR", folder.path());
        command
    };
    let banister = |words: &[&str]| said(command(words).output().unwrap());
    let stopped = banister(&["run", "update", "--yes"]);
    assert_eq!(stopped.code, Some(1), "{stopped:?}");
    let run = stopped.out.lines().next().unwrap().strip_prefix("run ").unwrap().split(':').next().unwrap();

    let mut terminal = Terminal::start(&command(&[]), &format!("--color never repl --run {run}"), "dumb");
    let evidence = terminal.sees("banister> ");
    for shown in [
        "in step `Build`",
        "./uploads.go:41:12: undefined: quota",
        "release 0.2.15 is checked out, 0.2.10 runs; ",
        "healthy",
        "skip \"Build\"",
    ] {
        assert!(evidence.contains(shown), "{shown}: {evidence}");
    }
    terminal.types("update.to\n");
    terminal.sees("\"0.2.15\"");
    terminal.types("server.shell(\"echo '{}' > server/core/program.json\", #{\nfolder: server.checkout })\n");
    terminal.sees("seconds");
    terminal.sees("banister> ");
    terminal.types("save\n");
    terminal.sees("from now on it runs before step `Build`");
    terminal.types("resume\n");
    terminal.sees("state:");
    terminal.sees("banister> ");
    terminal.types("server.is_healthy(#{ checks: kind::checks(server, update.to) }).healthy\n");
    terminal.sees("true");
    terminal.types("exit\n");
    let ended = terminal.ends();
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.out.contains("`update` is done on "), "{ended:?}");
    assert_eq!(practice.discover().unwrap()["version"], "0.2.15");

    let shown = banister(&["show", run]);
    assert!(shown.out.contains("done by hand") && shown.out.contains("echo '{}' > server/core"), "{shown:?}");
    let saved = std::fs::read_dir(practice.dir().join("runbooks")).unwrap();
    let names: Vec<_> = saved.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.contains(&"update.rhai".to_owned()), "{names:?}");
    let checked = banister(&["check"]);
    assert_eq!(checked.code, Some(0), "{checked:?}");
    practice.stop().unwrap();
}
