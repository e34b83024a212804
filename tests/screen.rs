//! What a person sees at a terminal while a run goes on and asks.

mod support;

use banister::practice::Practice;
use rustix::process::{Signal, kill_process};
use std::process::Command;
use std::time::Duration;
use support::World;
use support::pty::Pty;

const PROGRAM: &str = env!("CARGO_BIN_EXE_banister");

/// One branch asks, and another works and reports.
const BOTH: &str = "//! Asks while it works.
fn main() {
    parallel([\"asks\", \"works\"], |name| {
        if name == \"asks\" {
            let answer = ask(\"Which of the many colours that there are shall the whole server have from now on?\");
            note(`the answer is ${answer}`);
        } else {
            for n in 0..2000 {
                if is_answered(n) { break; }
            }
        }
    });
}
fn is_answered(n) {
    note(`report ${n}`);
    this_server().shell(\"sleep 0.02; test -e ../answered && echo yes || true\").lines.len() > 0
}
";

const QUESTION: &str = "Which of the many colours that there are shall the whole server have from now on?";

fn world() -> World {
    let world = World::new();
    world.write("runbooks/both.rhai", BOTH);
    world
}

/// The question is there as a whole, with what was typed, and the cursor stands behind it.
fn assert_asks(pty: &Pty, question: &str, typed: &str) {
    let screen = pty.rows().join("\n");
    assert!(pty.text().contains(question), "the question is not whole:\n{screen}");
    assert!(
        pty.before_cursor().ends_with(typed),
        "`{}` is before the cursor:\n{screen}",
        pty.before_cursor()
    );
}

#[test]
fn a_question_of_an_update_stays_in_sight_while_another_branch_reports() {
    let folder = tempfile::tempdir().unwrap();
    let practice = Practice::create(folder.path(), PROGRAM.as_ref(), &[]).unwrap();
    practice.end_with_me().unwrap();
    let site = practice.site().parent().unwrap().to_owned();
    std::fs::create_dir_all(site.join("runbooks")).unwrap();
    std::fs::write(
        site.join("runbooks/both.rhai"),
        "//! Updates while another branch reports.
import \"update\" as one;
fn main() {
    parallel([\"update\", \"reports\"], |name| {
        if name == \"update\" {
            one::update(this_server(), (), (), ());
        } else {
            for n in 0..1000 { note(`report ${n}`); this_server().shell(\"echo begun; sleep 0.05; echo done\"); }
        }
    });
}
",
    )
    .unwrap();
    let mut like = Command::new(PROGRAM);
    like.current_dir(&site).env_clear().env("PATH", std::env::var_os("PATH").unwrap()).env("USER", "ops");
    like.env("HOME", folder.path()).env("BANISTER_STATE", folder.path().join("state"));
    for columns in [80, 100] {
        let words = [PROGRAM, "run", "both", "--abandon=tried"];
        let mut pty = Pty::start(&like, &words, 24, columns);
        pty.sees("[y/n]");
        let text = pty.text();
        let before = text.split("[y/n]").next().unwrap();
        let question = before.rsplit("  ").next().unwrap().trim().to_owned();
        let question = question[question.len().saturating_sub(30)..].to_owned();
        pty.types("ye");
        pty.read(Duration::from_millis(100));
        for _ in 0..100 {
            pty.read(Duration::from_millis(13));
            assert_asks(&pty, &question, "[y/n] ye");
        }
        pty.types("\x03");
        pty.ends();
        assert!(pty.has_own_modes());
    }
}

#[test]
fn what_is_typed_stays_behind_the_question_while_lines_are_reported_and_after_a_resize() {
    for columns in [80, 100] {
        let world = world();
        let mut pty = Pty::start(&world.command(&[]), &[PROGRAM, "run", "both"], 24, columns);
        pty.sees("report 3");
        pty.types("grün und");
        pty.sees("> grün und");
        for _ in 0..100 {
            pty.read(Duration::from_millis(11));
            assert_asks(&pty, QUESTION, "> grün und");
        }
        assert!(!pty.has_own_modes());
        for columns in [47, 120] {
            pty.resize(20, columns);
            pty.read(Duration::from_millis(200));
            for _ in 0..20 {
                pty.read(Duration::from_millis(11));
                assert_asks(&pty, QUESTION, "> grün und");
            }
        }
        pty.types("\x7f\x7f\x7fblau");
        pty.sees("> grün blau");
        pty.types("\x15漢字 gelb\r");
        pty.sees("the answer is 漢字 gelb");
        world.write("answered", "");
        assert_eq!(pty.ends().code(), Some(0), "{}", pty.text());
        assert!(pty.has_own_modes());
    }
}

#[test]
fn keys_typed_before_a_question_do_not_answer_it() {
    let world = World::new();
    world.write(
        "runbooks/x.rhai",
        "//! Works, then asks.
fn main() {
    this_server().shell(\"touch ../begun; sleep 0.7\");
    confirm(\"Really do it?\");
    note(\"done it\");
}
",
    );
    let mut pty = Pty::start(&world.command(&[]), &[PROGRAM, "run", "x"], 24, 80);
    while !world.path().join("begun").exists() {
        pty.read(Duration::from_millis(10));
    }
    pty.types("y\n");
    pty.sees("Really do it?");
    pty.read(Duration::from_millis(500));
    assert!(pty.is_running());
    assert_asks(&pty, "Really do it?", "[y/n] ");
    pty.types("maybe\r");
    pty.read(Duration::from_millis(100));
    assert_asks(&pty, "Really do it?", "[y/n] ");
    pty.types("y\r");
    assert_eq!(pty.ends().code(), Some(0));
    assert!(pty.text().contains("done it"), "{}", pty.text());
}

#[test]
fn questions_of_branches_are_asked_one_after_another() {
    let world = World::new();
    world.write(
        "runbooks/x.rhai",
        "//! Asks twice at once.
fn main() {
    parallel([\"one\", \"two\"], |name| { let said = ask(`What is ${name}?`); note(`${name} is ${said}`); });
}
",
    );
    let mut pty = Pty::start(&world.command(&[]), &[PROGRAM, "run", "x"], 24, 80);
    pty.sees("What is ");
    pty.read(Duration::from_millis(300));
    let first = if pty.text().contains("What is one? >") { "one" } else { "two" };
    let second = if first == "one" { "two" } else { "one" };
    assert!(!pty.text().contains(&format!("What is {second}? >")), "{}", pty.text());
    pty.types("1st\r");
    pty.sees(&format!("What is {second}? >"));
    assert_asks(&pty, &format!("What is {second}?"), "> ");
    pty.types("2nd\r");
    assert_eq!(pty.ends().code(), Some(0));
    assert!(
        pty.text().contains(&format!("{first} is 1st")) && pty.text().contains(&format!("{second} is 2nd"))
    );
}

#[test]
fn ctrl_c_and_a_signal_leave_a_question_unanswered_and_the_terminal_as_it_was() {
    for ends in ["\x03", "\x04", "TERM", "HUP"] {
        let world = World::new();
        world.write("runbooks/x.rhai", "//! Asks.\nfn main() { confirm(\"Really do it?\"); }\n");
        let mut pty = Pty::start(&world.command(&[]), &[PROGRAM, "run", "x"], 24, 80);
        pty.sees("[y/n]");
        assert!(!pty.has_own_modes());
        match ends {
            "TERM" => kill_process(pty.pid(), Signal::TERM).unwrap(),
            "HUP" => kill_process(pty.pid(), Signal::HUP).unwrap(),
            keys => pty.types(keys),
        }
        let code = pty.ends().code();
        assert!([Some(3), Some(130)].contains(&code), "{ends:?} {code:?}: {}", pty.text());
        assert!(pty.has_own_modes(), "{ends:?}");
        // A question that was left is a no: before anything was touched it leaves no run.
        let leads_on =
            if code == Some(3) { "nothing was touched next: banister run x" } else { "banister resume" };
        assert!(
            pty.text().split_whitespace().collect::<Vec<_>>().join(" ").contains(leads_on),
            "{}",
            pty.text()
        );
    }
}

#[test]
fn ctrl_z_gives_the_shell_its_terminal_and_fg_draws_the_question_again() {
    let world = world();
    let mut pty = Pty::start(&world.command(&[]), &["bash", "--norc", "--noediting", "-i"], 24, 80);
    pty.types("PS1='shell> '\n");
    pty.sees("shell> ");
    pty.types(&format!("{PROGRAM} run both\n"));
    pty.sees("report 3");
    pty.types("grün");
    pty.sees("> grün");
    for _ in 0..5 {
        pty.types("\x1a");
        pty.sees("Stopped");
        pty.read(Duration::from_millis(100));
        assert!(pty.has_own_modes());
        pty.types("clear; fg\n");
        pty.sees("> grün");
        pty.read(Duration::from_millis(200));
        for _ in 0..10 {
            pty.read(Duration::from_millis(11));
            assert_asks(&pty, QUESTION, "> grün");
        }
    }
    pty.types(" wie Gras\r");
    pty.sees("the answer is grün wie Gras");
    world.write("answered", "");
    // The prompt may be in the last row, whose blanks are not told.
    pty.sees("banister status shell>");
    assert!(pty.has_own_modes());
}
