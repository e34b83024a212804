//! `resume --from`: a run begins again at an earlier step.

mod support;

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
        "error: nobody is there to answer: These changes were made since step `Start` began:\n  \
         shell(web, \"echo start >> ../trace\")\n  make(web, \"fail\")\nMake them once more?\n  \
         help answer yes to all such questions with `--yes`, or run it in a terminal\n"
    );
    assert_eq!((world.records(), world.read("trace")), (records, "prepare\ninstall\nstart\n".into()));

    world.write("mended", "");
    let said = world.banister(&["resume", "--from", "Start", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains("note: begins again at step `Start`; changes that are made once more: 2"),
        "{said:?}"
    );
    assert_eq!(world.read("trace"), "prepare\ninstall\nstart\nstart\nfail end\nclean\n");
    let shown = world.banister(&["show"]);
    assert!(shown.out.contains("begun again at step `Start` by ops@"), "{shown:?}");
}

#[test]
fn a_rollback_undoes_what_was_changed_first() {
    let world = world();
    let said = world.banister(&["resume", "--from", "Install", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let said = world.banister(&["resume", "--rollback"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let expected = "prepare\ninstall\nstart\ninstall\nstart\nuninstall over one\nback to one\n";
    assert_eq!((world.read("trace").as_str(), world.read("version").as_str()), (expected, "one\n"));
}

#[test]
fn a_step_whose_findings_the_rollback_uses_is_refused() {
    let world = world();
    let said = world.banister(&["resume", "--from", "Prepare", "--yes"]);
    assert_eq!(
        (said.code, said.err.as_str()),
        (
            Some(2),
            "error: the rollback of this run uses what step `Prepare` and those after it found\n  \
             why  done again, they would find the server as it is now\n  \
             help begin again at `Install` or later, or roll back first: `banister resume --rollback`\n"
        )
    );
    let said = world.banister(&["resume", "--from", "Instal"]);
    assert_eq!(
        (said.code, said.err.as_str()),
        (
            Some(2),
            "error: this run has not begun a step `Instal`\n  \
             help name one of these with `banister resume --from STEP`: `Install`, `Start`, `Wait`\n"
        )
    );
    assert_eq!(world.banister(&["resume", "--rollback"]).code, Some(0));
    let said = world.banister(&["resume", "--from", "Start"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.out, "there is nothing to resume\n");
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
    let run = world.journals()[0].parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
    pty.sees(&format!("`banister repl --run {run}` opens the run for work by hand"));
    pty.sees(&format!("`banister resume {run} --from STEP` begins again at an earlier step"));
    pty.types("leave\r");
    assert_eq!(pty.ends().code(), Some(1));
}
