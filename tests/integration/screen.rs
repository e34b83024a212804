//! What a person sees at a terminal while a run goes on and asks.

use crate::support;

use rustix::process::{Signal, kill_process};
use std::process::Command;
use std::time::Duration;
use support::World;
use support::pty::Pty;
use support::worlds;

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
    let practice = worlds::server(folder.path(), PROGRAM.as_ref(), &[]);
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
    like.current_dir(&site)
        .env_clear()
        .env("BANISTER_FOREGROUND", "yes")
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("USER", "ops");
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
fn ctrl_c_and_a_signal_interrupt_a_question_ctrl_d_leaves_it_and_the_terminal_is_as_it_was() {
    // A question that was left is a no: before anything was touched it leaves no run. What was interrupted is resumed.
    let left = (3, "error: the question was left unanswered", "nothing was touched next: banister run x");
    let interrupted = (
        130,
        "error: interrupted before the question was answered",
        "was interrupted on web; the server was not changed next: banister resume",
    );
    for (ends, (code, error, leads_on)) in
        [("\x03", interrupted), ("\x04", left), ("TERM", interrupted), ("HUP", interrupted)]
    {
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
        assert_eq!(pty.ends().code(), Some(code), "{ends:?}: {}", pty.text());
        assert!(pty.has_own_modes(), "{ends:?}");
        let text = pty.text().split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(text.contains(error) && text.contains(leads_on), "{ends:?}: {text}");
        assert!(!text.contains("stopping after"), "no command runs: {text}");
        if code == 130 {
            assert_eq!(world.banister(&["resume", "--yes"]).code, Some(0));
        }
    }
}

#[test]
fn a_program_that_is_quit_at_a_question_leaves_the_terminal_as_it_was() {
    let world = World::new();
    world.write("runbooks/x.rhai", "//! Asks.\nfn main() { confirm(\"Really do it?\"); }\n");
    let mut pty = Pty::start(&world.command(&[]), &[PROGRAM, "run", "x"], 24, 80);
    pty.sees("[y/n]");
    pty.types("\x1c");
    assert_eq!(pty.ends().code(), None);
    assert!(pty.has_own_modes());
    assert_eq!(world.banister(&["resume", "--yes"]).code, Some(0));
}

#[test]
fn ctrl_c_at_a_question_says_that_it_waits_for_the_command_of_another_branch() {
    let world = World::new();
    world.write(
        "runbooks/x.rhai",
        "//! Asks while a command runs.
fn main() {
    parallel([\"asks\", \"works\"], |name| {
        if name == \"asks\" {
            confirm(\"Really do it?\");
        } else {
            this_server().shell(\"touch ../begun; sleep 2; touch ../ended\");
        }
    });
}
",
    );
    let mut pty = Pty::start(&world.command(&[]), &[PROGRAM, "run", "x"], 24, 80);
    pty.sees("[y/n]");
    while !world.path().join("begun").exists() {
        pty.read(Duration::from_millis(10));
    }
    pty.types("\x03");
    assert_eq!(pty.ends().code(), Some(130), "{}", pty.text());
    assert!(pty.text().contains("stopping after the running command"), "{}", pty.text());
    assert!(world.path().join("ended").exists());
}

#[test]
fn what_is_no_answer_is_said_and_a_suggestion_is_taken_with_enter() {
    let world = World::new();
    world.write(
        "runbooks/x.rhai",
        "//! Asks.
fn main() {
    confirm(\"Really do it?\");
    todo(\"Tell them.\");
    let when = ask(\"When?\", #{ choices: [\"now\", \"later\"], suggestion: \"now\" });
    let who = ask(\"Who?\", #{ choices: [\"all\", \"some\"] });
    note(`${when} for ${who}`);
}
",
    );
    for term in ["xterm", "dumb"] {
        let term = format!("TERM={term}");
        let mut pty = Pty::start(&world.command(&[]), &["env", &term, PROGRAM, "run", "x"], 24, 80);
        pty.sees("Really do it? [y/n]");
        pty.types("maybe\r");
        pty.sees("Really do it? `maybe` is no answer: type `y` or `n` [y/n]");
        pty.types("\r");
        pty.sees("Really do it? an empty line is no answer: type `y` or `n` [y/n]");
        pty.types("y\r");
        pty.sees("Tell them. type `done` when it is done:");
        pty.types("later\r");
        pty.sees("`later` is no answer: type `done` when it is done, or `stop`");
        pty.types("yes\r");
        pty.sees("When? [now/later, Enter: now]");
        pty.types("\r");
        pty.sees("Who? [all/some]");
        pty.types("none\r");
        pty.sees("Who? `none` is no answer: type one of: all, some [all/some]");
        pty.types("all\r");
        pty.sees("note: now for all");
        assert_eq!(pty.ends().code(), Some(0), "{}", pty.text());
        assert!(pty.has_own_modes());
    }
    let said = world.banister(&["run", "x", "--yes", "--answer", "maybe"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    for line in [
        "error: nobody is there to answer: When?\n",
        "`maybe`, given with `--answer`, is none of: now, later\n",
    ] {
        assert!(said.err.contains(line), "{said:?}");
    }
    let said = world.banister(&["run", "x", "--abandon=tried", "--yes", "--answer", "", "--answer", "some"]);
    assert!(said.code == Some(0) && said.out.contains("note: now for some"), "{said:?}");
}

#[test]
fn a_line_of_the_log_stands_above_a_question() {
    let world = world();
    world.write("runbooks/both.rhai", &BOTH.replace("note(`report ${n}`);", "debug(`report ${n}`);"));
    let mut pty = Pty::start(&world.command(&[]), &[PROGRAM, "run", "both", "-v"], 24, 80);
    pty.sees("report 3");
    pty.types("grün und");
    pty.sees("> grün und");
    for _ in 0..100 {
        pty.read(Duration::from_millis(11));
        assert_asks(&pty, QUESTION, "> grün und");
    }
    pty.types("\r");
    pty.sees("the answer is grün und");
    world.write("answered", "");
    assert_eq!(pty.ends().code(), Some(0), "{}", pty.text());
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

#[test]
fn a_call_that_is_another_one_now_is_asked_about_and_another_step_is_not() {
    let world = World::new();
    let runbook = |step: &str, target: &str| {
        let text = "//! Fails.\nfn main() { step \"STEP\" { web.make(\"TARGET\"); } step \"Fail\" { web.make(\"fail\"); } }\n";
        text.replace("STEP", step).replace("TARGET", target).replace("web.", "this_server().")
    };
    world.write("runbooks/x.rhai", &runbook("Configure", "config"));
    assert_eq!(world.banister(&["run", "x"]).code, Some(1));
    world.write("runbooks/x.rhai", &runbook("Settings", "config"));
    let mut pty = Pty::start(&world.command(&[]), &[PROGRAM, "resume"], 30, 100);
    assert_eq!(pty.ends().code(), Some(5), "{}", pty.text());
    assert!(pty.text().contains("the script asks for: step `Settings`"), "{}", pty.text());
    assert!(!pty.text().contains("asks what to do"), "{}", pty.text());
    world.write("runbooks/x.rhai", &runbook("Configure", "up"));
    for (keys, code) in [("\x03", 130), ("stop\r", 5)] {
        let mut pty = Pty::start(&world.command(&[]), &[PROGRAM, "resume"], 30, 100);
        pty.sees("[reuse/redo/skip/stop]");
        pty.types(keys);
        assert_eq!(pty.ends().code(), Some(code), "{}", pty.text());
        assert!(pty.text().contains("banister resume 2"), "{}", pty.text());
    }
}
