//! `resume --from`: a run starts again from an earlier step.

use crate::support;

use std::time::Duration;
use support::World;
use support::pty::Pty;

const PROGRAM: &str = env!("CARGO_BIN_EXE_banister");

/// What is traced has the number of the attempt, so that each is seen; what is to be undone is read from the server.
const RUNBOOK: &str = r#"//! Installs.
fn main() {
    let server = this_server();
    step "Prepare" { server.shell("echo prepare >> ../trace"); }
    let before = server.shell("cat ../version").lines[0];
    parallel([], |none| { step "Never" {} });
    on_failure { server.shell(`echo back to ${before} >> ../trace; echo ${before} > ../version`); }
    step "Install" {
        let here = server.shell("cat ../version").lines[0];
        on_failure { server.shell(`echo uninstall over ${here} >> ../trace`); }
        server.shell("echo two > ../version; echo install >> ../trace");
    }
    step "Start" { server.shell("echo start >> ../trace"); }
    step "Wait" { server.make("fail"); }
    step "Clean" { server.shell("echo clean >> ../trace"); }
}
"#;

fn world() -> World {
    let world = World::new();
    world.write("runbooks/install.rhai", RUNBOOK);
    world.write("version", "one\n");
    let said = world.banister(&["run", "install"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(world.read("trace"), "prepare\ninstall\nstart\n");
    world
}

#[test]
fn what_would_be_done_twice_is_shown_and_asked_and_then_done() {
    let world = world();
    let records = world.records();
    let said = world.banister(&["resume", "--from", "Start"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(
        said.err,
        "error: nobody is there to answer: These changes were made since step `Start` began:\n         \
         shell(web, \"echo start >> ../trace\")\n         make(web, \"fail\")\n       Make them again?\n  \
         help answer yes to all such questions with `--yes`, or run it in a terminal\n"
    );
    assert_eq!((world.records(), world.read("trace")), (records, "prepare\ninstall\nstart\n".into()));

    world.write("mended", "");
    let said = world.banister(&["resume", "--from", "Start", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("note: starting again from step `Start`; changes to repeat: 2"), "{said:?}");
    assert_eq!(world.read("trace"), "prepare\ninstall\nstart\nstart\nfail end\nclean\n");
    let shown = world.banister(&["show"]);
    assert!(shown.out.contains("started again from step `Start` by ops@"), "{shown:?}");
}

/// Also if that is decided beforehand, and however often it was started again.
#[test]
fn a_rollback_undoes_what_was_changed_first() {
    for (last, code) in [
        (&["resume", "--rollback"] as &[&str], 0),
        (&["resume", "--from", "Start", "--yes", "--on-failure", "rollback"], 1),
    ] {
        let world = world();
        for _ in 0..2 {
            world.write("version", "changed\n");
            let said = world.banister(&["resume", "--from", "Start", "--yes"]);
            assert_eq!(said.code, Some(1), "{said:?}");
        }
        let said = world.banister(last);
        assert_eq!(said.code, Some(code), "{said:?}");
        assert!(said.out.contains("was rolled back"), "{said:?}");
        let trace = world.read("trace");
        assert!(trace.ends_with("start\nuninstall over one\nback to one\n"), "{trace}");
        assert_eq!(world.read("version"), "one\n");
    }
}

/// What is refused is refused with the whole text, and nothing is done.
fn refused(world: &World, words: &[&str], text: &str) {
    let (records, trace) = (world.records(), world.read("trace"));
    let said = world.banister(words);
    assert_eq!((said.code, said.err.as_str(), said.out.as_str()), (Some(2), text, ""));
    assert_eq!((world.records(), world.read("trace")), (records, trace));
}

fn name(world: &World) -> String {
    world.journals()[0].parent().unwrap().file_name().unwrap().to_string_lossy().into_owned()
}

#[test]
fn a_step_that_is_before_a_declared_rollback_is_refused() {
    let world = world();
    let run = name(&world);
    for step in ["Prepare", "Install"] {
        let text = format!(
            "error: a rollback was declared in step `{step}` or later\n  \
             why  repeated, it would undo what it reads from the changed server\n  \
             help start again from a later step (`Start`, `Wait`), or roll back first with `banister resume {run} --rollback`\n"
        );
        refused(&world, &["resume", "--from", step, "--yes"], &text);
    }
    let text = format!(
        "error: this run has not begun a step `Instal`\n  \
         help name one of these with `banister resume {run} --from STEP`: `Start`, `Wait`\n"
    );
    refused(&world, &["resume", "--from", "Instal"], &text);
    let text =
        "error: this run is not about `nosuch`\n  help name one of its servers with `--server NAME`: `web`\n";
    refused(&world, &["resume", "--from", "Start", "--server", "nosuch"], text);
}

#[test]
fn a_step_of_several_branches_is_refused_and_so_is_one_of_a_rollback() {
    let world = World::new();
    world.write(
        "runbooks/install.rhai",
        "//! Installs.\nfn main() {\n    let server = this_server();\n    on_failure { server.make(\"fail\"); }\n    \
         parallel([\"a\", \"b\"], |it| { step \"Same\" { server.shell(\"true\"); } });\n    \
         step \"Last\" { server.make(\"fail\"); }\n}\n",
    );
    assert_eq!(world.banister(&["run", "install"]).code, Some(1));
    let run = name(&world);
    let text = format!(
        "error: several branches of this run have a step `Same`\n  \
         help name the server with `banister resume {run} --from 'Same' --server NAME`\n"
    );
    refused(&world, &["resume", "--from", "Same"], &text);
    assert_eq!(world.banister(&["resume", "--rollback"]).code, Some(1));
    let text = format!(
        "error: the rollback of this run has begun: no step can be started again\n  \
         help continue the rollback with `banister resume {run}`\n"
    );
    refused(&world, &["resume", "--from", "Last"], &text);
}

/// Killed at every record: what was begun once more is done once more, and nothing a third time.
#[test]
fn it_can_be_killed_at_any_moment() {
    let mut kills = 0;
    for point in 0.. {
        let world = world();
        world.write("mended", "");
        let record = world.records() + point / 2;
        let place = format!("{} {record}", if point % 2 == 0 { "before" } else { "after" });
        let said = world.crash(&["resume", "--from", "Start", "--yes"], &place);
        let done = "prepare\ninstall\nstart\nstart\nfail end\nclean\n";
        if said.code == Some(0) {
            assert_eq!(world.read("trace"), done);
            break;
        }
        kills += 1;
        // Before it is written down that it begins again, it does not.
        let trace = world.read("trace");
        let again = world.banister(&["resume"]);
        assert_eq!(again.code, Some(0), "{place}: {again:?}");
        let once = "prepare\ninstall\nstart\nfail end\nclean\n";
        let ended = world.read("trace");
        assert!(ended == done || ended == once && trace == "prepare\ninstall\nstart\n", "{place}: {ended}");
    }
    assert!(kills > 10, "{kills}");
}

/// A command that is cut off and still running is ended before the step begins again.
#[test]
fn what_is_still_running_is_ended_first() {
    let world = World::new();
    world.write(
        "runbooks/long.rhai",
        "//! Waits.\nfn main() { step \"Wait\" { this_server().make(\"long\"); } }\n",
    );
    let mut child = world.command(&["run", "long"]).spawn().unwrap();
    while world.read("trace") != "long begin\n" {
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let said = world.banister(&["resume", "--from", "Wait", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("trace"), "long begin\nlong begin\nlong end\n");
}

#[test]
fn the_question_after_a_failure_names_both_ways_to_mend_it() {
    let world = World::new();
    world.write("runbooks/install.rhai", RUNBOOK);
    world.write("version", "one\n");
    let mut pty = Pty::start(&world.command(&[]), &[PROGRAM, "run", "install"], 24, 80);
    pty.sees("[retry/rollback/leave]");
    let run = name(&world);
    pty.sees(&format!("`banister repl --run {run}` opens the run for work by hand"));
    pty.sees(&format!("`banister resume {run} --from STEP` starts again from an earlier step"));
    pty.types("leave\r");
    assert_eq!(pty.ends().code(), Some(1));
}
