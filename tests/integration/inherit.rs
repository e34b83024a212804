//! What a command of a run is given: its output's end, its environment and its limits.

use crate::support;

use support::World;

/// The outcome of the last call of the newest run that has one.
fn outcome(world: &World) -> serde_json::Value {
    let text = std::fs::read_to_string(world.journals().last().unwrap()).unwrap();
    let records = text.lines().rev().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    records.filter_map(|record| record.pointer("/ended/result").cloned()).next().unwrap()
}

#[test]
fn a_command_inherits_no_secret_and_nothing_that_steers_banister() {
    let world = World::new();
    world.write(
        "runbooks/mine.rhai",
        "//! Mine.\nfn main() {\n    let server = this_server();\n    let token = secret(\"token\");\n    server.shell(\"env | grep BANISTER > ../seen; true\");\n    \
         server.shell(\"echo $GIVEN > ../given\", #{ environment: #{ GIVEN: token } });\n}\n",
    );
    let run = world
        .command(&["run", "mine"])
        .env("BANISTER_SECRET_TOKEN", "hunter2-and-more")
        .env("BANISTER_SECRET_OTHER", "another-of-them")
        .env("BANISTER_CRASH_AT", "never 1")
        .env("BANISTER_TEST_PAUSE", "1")
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    assert_eq!(world.read("given"), "hunter2-and-more\n");
    let seen = world.read("seen");
    let mut names: Vec<&str> = seen.lines().map(|line| line.split('=').next().unwrap()).collect();
    names.sort_unstable();
    // Where its runs are is for whoever calls banister; the mark is how what it leaves behind is found.
    assert_eq!(names, ["BANISTER_COMMAND", "BANISTER_STATE"], "{seen}");
}

#[test]
fn a_command_has_the_limit_for_core_files_that_banister_was_started_with_and_banister_leaves_none() {
    for (given, soft) in [("ulimit -S -c 64", "64"), ("ulimit -S -c 0", "0"), ("true", "")] {
        let world = World::new();
        let script = "ulimit -S -c > ../seen; for process in $(ps -o ppid= -p $$) $STARTER; do grep core /proc/$process/limits >> ../ours; done";
        world.write(
            "runbooks/mine.rhai",
            &format!(
                "//! Mine.\nfn main() {{ this_server().shell(\"{}\"); }}\n",
                script.replace('"', "\\\"")
            ),
        );
        let program = env!("CARGO_BIN_EXE_banister");
        let mut shell = std::process::Command::new("sh");
        // It becomes banister, so that its number is banister's.
        shell.args([
            "-c",
            &format!("{given}; ulimit -S -c > before; export STARTER=$$; exec {program} run mine"),
        ]);
        let template = world.command(&[]);
        for (name, value) in template.get_envs() {
            shell.env(name, value.unwrap());
        }
        let run = shell.current_dir(world.path()).output().unwrap();
        assert!(run.status.success(), "{run:?}");
        assert_eq!(world.read("seen"), world.read("before"));
        assert!(soft.is_empty() || world.read("seen").trim() == soft, "{}", world.read("seen"));
        let ours = world.read("ours");
        assert_eq!(ours.lines().count(), 2, "{ours}");
        let is_off = |line: &str| line.split_whitespace().nth(4) == Some("0");
        assert!(ours.lines().all(is_off), "{ours}");
    }
}

#[test]
fn of_a_line_without_bound_the_outcome_has_the_end_and_a_failure_a_reason() {
    let line = |length: usize| format!("head -c {length} /dev/zero | tr '\\\\0' x; printf ' the end'");
    for (shape, lines) in [
        (line(66_000), 1),
        (line(10_000_000), 1),
        (format!("seq 1 5; {}", line(66_000)), 6),
        (format!("{}; echo; echo 'and the end'", line(66_000)), 1),
    ] {
        let world = World::new();
        world.write(
            "runbooks/mine.rhai",
            &format!("//! Mine.\nfn main() {{ this_server().shell(\"{shape}\"); }}\n"),
        );
        let said = world.banister(&["run", "mine"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let outcome = outcome(&world);
        let told = outcome["done"]["lines"].as_array().unwrap();
        let last = told.last().unwrap().as_str().unwrap();
        assert!(last.ends_with("the end") && last.len() <= 66_000, "{shape}: {}", last.len());
        assert_eq!(told.len(), lines, "{shape}");
        world.write(
            "runbooks/mine.rhai",
            &format!("//! Mine.\nfn main() {{ this_server().shell(\"{shape}; exit 3\"); }}\n"),
        );
        let said = world.banister(&["run", "mine"]);
        assert_eq!(said.code, Some(1));
        assert!(
            said.err.contains("the end\n") && said.err.len() < 10_000,
            "{shape}: {} bytes",
            said.err.len()
        );
    }
}
