//! A program of one's own with a primitive of one's own: `examples/embed`.

use crate::support;

use std::path::Path;
use std::process::Command;
use support::{Said as Printed, World, said};

const RUNBOOK: &str = "\
//! Write down what is installed.

fn main() {
    let server = this_server();
    let release = server.installed_release();
    step \"Build\" { server.make(\"build\"); }
    step \"Log\" {
        let logged = server.log_release(release, #{ file: \"~/log\" });
        note(`releases so far: ${logged.lines}`);
    }
    step \"Start\" { server.make(\"fail\"); }
}
";

fn world() -> World {
    let world = World::new();
    world.write("runbooks/log.rhai", RUNBOOK);
    world
}

/// The example in the world, in the place of banister.
fn command(world: &World, arguments: &[&str]) -> Command {
    let example = Path::new(env!("CARGO_BIN_EXE_banister")).with_file_name("examples").join("embed");
    assert!(example.exists(), "build it with: cargo build --example embed");
    let banister = world.command(arguments);
    let mut command = Command::new(example);
    command.args(arguments).current_dir(world.path()).env_clear();
    command.envs(banister.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(std::process::Stdio::null());
    command
}

fn embed(world: &World, arguments: &[&str]) -> Printed {
    said(command(world, arguments).output().unwrap())
}

#[test]
fn its_page_is_read_and_its_calls_are_checked() {
    let world = world();
    let printed = embed(&world, &["doc"]);
    assert!(
        printed.out.lines().any(|line| line.starts_with("log_release ") && line.contains(" Adds a line"))
            && printed.out.contains("\nmake "),
        "{printed:?}"
    );
    let printed = embed(&world, &["doc", "log_release"]);
    assert!(printed.out.starts_with("log_release(server, release: text, #{"), "{printed:?}");
    assert_eq!(embed(&world, &["check"]).code, Some(0));
    for (call, told) in [
        ("server.log_relaese(\"1\")", "nothing has a method `log_relaese`"),
        ("server.log_release()", "`log_release` takes 1 to 2 arguments, not 0"),
        ("server.log_release(5)", "`release` of `log_release` is text, not a number"),
        ("server.log_release(\"1\", #{ flie: \"x\" })", "`log_release` has no option `flie`"),
    ] {
        world.write("runbooks/bad.rhai", &format!("fn main() {{ let server = this_server(); {call}; }}\n"));
        let printed = embed(&world, &["check", "runbooks/bad.rhai"]);
        assert!(printed.code == Some(2) && printed.out.contains(told), "{call}: {printed:?}");
    }
}

#[test]
fn a_plan_asks_it_and_changes_nothing() {
    let world = world();
    let printed = embed(&world, &["plan", "log"]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert!(
        printed.out.contains("log_release(web, \"0.1.0\"") && printed.out.contains("releases so far: 1"),
        "{printed:?}"
    );
    assert_eq!(world.read("log"), "");
}

#[test]
fn it_is_done_once_however_often_the_run_is_killed_around_it() {
    for place in ["before \"log_release\"", "after \"log_release\"", "before \"lines\"", "after \"lines\""] {
        let world = world();
        // The one record has its name, the other what it came to.
        let killed = said(command(&world, &["run", "log"]).env("BANISTER_CRASH_AT", place).output().unwrap());
        assert_eq!(killed.code, Some(-9), "{place}: {killed:?}");
        let printed = embed(&world, &["resume"]);
        // The last step fails until it is mended.
        assert_eq!(printed.code, Some(1), "{place}: {printed:?}");
        assert_eq!(world.read("log"), "0.1.0\n", "{place}");
        world.write("mended", "");
        assert_eq!(embed(&world, &["resume"]).code, Some(0), "{place}");
        assert_eq!(world.read("log"), "0.1.0\n", "{place}");
        assert_eq!(world.read("trace"), "build begin\nbuild end\nfail end\n", "{place}");
    }
}

#[test]
fn what_it_began_and_may_have_done_is_looked_for_and_not_done_again() {
    let world = world();
    // Killed as soon as the intent is written down; then as if it had come to its end all the same.
    let killed = said(
        command(&world, &["run", "log"]).env("BANISTER_CRASH_AT", "after \"log_release\"").output().unwrap(),
    );
    assert_eq!(killed.code, Some(-9), "{killed:?}");
    world.write("log", "0.1.0\n");
    world.write("mended", "");
    let printed = embed(&world, &["resume"]);
    assert_eq!(printed.code, Some(0), "{printed:?}");
    assert!(printed.out.contains("releases so far: 1"), "{printed:?}");
    assert_eq!(world.read("log"), "0.1.0\n");
}

#[test]
fn the_plain_program_refuses_its_scripts_and_its_runs() {
    let world = world();
    assert_eq!(embed(&world, &["run", "log"]).code, Some(1));
    let records = world.records();
    for arguments in [&["check"][..], &["run", "log"], &["resume"]] {
        let printed = world.banister(arguments);
        assert_eq!(printed.code, Some(2), "{printed:?}");
        let text = format!("{}{}", printed.out, printed.err);
        assert!(text.contains("nothing has a method `log_release`"), "{printed:?}");
    }
    assert_eq!((world.records(), world.read("log").as_str()), (records, "0.1.0\n"));
}
