//! What ends a script, and what a rollback undoes.

use super::support::World;

fn world(body: &str) -> World {
    let world = World::new();
    let traced = "fn undo(part) { this_server().shell(`echo undo ${part} >> ../trace`); }\n\
                  fn fail() { this_server().make(\"fail\"); }\n";
    world.write("runbooks/mine.rhai", &format!("//! Mine.\nfn main() {{\n{body}\n}}\n{traced}"));
    world
}

#[test]
fn exit_is_refused_by_the_check_and_by_a_run() {
    for body in ["    exit(1);", "    exit();", "    step \"Check\" { exit(1); }", "    1.exit();"] {
        let world = world(body);
        for command in [&["check", "runbooks/mine.rhai"][..], &["run", "mine"], &["plan", "mine"]] {
            let said = world.banister(command);
            let all = format!("{}{}", said.out, said.err);
            assert_eq!(said.code, Some(2), "{body}: {all}");
            assert!(
                all.contains("`exit` is not available") && all.contains("`throw") && all.contains("`return`"),
                "{all}"
            );
        }
    }
    // What the check can't see.
    for call in ["call(Fn(\"exit\"), 1)", "Fn(\"exit\").call()", "Fn(\"exit\").call(0)"] {
        let world = world(&format!(
            "    on_failure {{ undo(1); }}\n    step \"Check\" {{ undo(0); try {{ {call}; }} catch {{ }} }}"
        ));
        let said = world.banister(&["run", "mine", "--on-failure", "rollback"]);
        let all = format!("{}{}", said.out, said.err);
        assert!(
            said.code == Some(1) && !all.contains("is done") && all.contains("`exit` is not available"),
            "{call}: {all}"
        );
    }
}

/// Rhai shares what a closure captured with whoever changes it later.
#[test]
fn a_closure_in_a_rollback_has_what_it_captured_when_that_was_declared() {
    let body = "    for part in [\"a\", \"b\", \"c\"] {
        let dir = #{ now: part };
        let closure = |x| undo(x + part + dir.now);
        let all = [closure];
        step `Do ${part}` { on_failure { closure.call(\"f\"); all[0].call(\"g\"); } this_server().make(\"build\"); }
        dir.now = \"later\";
    }
    fail();";
    let world = world(body);
    let said = world.banister(&["run", "mine", "--on-failure", "rollback"]);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    let trace = world.read("trace");
    let undone: Vec<&str> = trace.lines().filter_map(|line| line.strip_prefix("undo ")).collect();
    assert_eq!(undone, ["fcc", "gcc", "fbb", "gbb", "faa", "gaa"]);
}

#[test]
fn each_branch_has_its_own_copy_of_what_a_closure_captured() {
    let body = "    let n = 0;
    let next = || { n += 1; n };
    parallel([\"a\", \"b\", \"c\", \"d\"], |x| {
        let port = next.call();
        step `P ${x}` { this_server().shell(`echo ${x} ${port} >> ../trace`); fail(); }
    });";
    let world = world(body);
    assert_eq!(world.banister(&["run", "mine"]).code, Some(1));
    world.write("mended", "");
    let said = world.banister(&["resume"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let trace = world.read("trace");
    let mut ports: Vec<&str> = trace.lines().filter(|line| line.len() == 3).collect();
    ports.sort_unstable();
    assert_eq!(ports, ["a 1", "b 1", "c 1", "d 1"]);
}

/// Whether a journal has this text.
fn is_written(world: &World, text: &str) -> bool {
    world
        .journals()
        .iter()
        .any(|journal| std::fs::read_to_string(journal).is_ok_and(|all| all.contains(text)))
}

/// The first branch waits for the last, which is begun only if a place is free by then.
#[test]
fn a_branch_that_takes_long_keeps_nobody_waiting_but_its_own_place() {
    let body = "    let told = parallel([\"long\", \"short\", \"last\"], #{ at_most: 2 }, |x| {
        let wait = \"for i in $(seq 300); do test -e ../last && exit 0; sleep 0.1; done; exit 1\";
        let commands = #{ long: wait, short: \"true\", last: \"touch ../last\" };
        this_server().shell(commands[x]);
        x
    });
    this_server().run([\"sh\", \"-c\", \"echo $* > ../told\", \"sh\"] + told);";
    let world = world(body);
    let said = world.banister(&["run", "mine"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert_eq!(world.read("told"), "long short last\n");
}

/// What is replayed takes no time: the branch that ended last may be the first to have ended now.
#[test]
fn a_resume_begins_no_branch_that_was_not_begun_because_another_had_failed() {
    let body = "    let caught = \"\";
    try {
        parallel([\"fails\", \"waits\", \"never\"], #{ at_most: 2 }, |x| {
            if x == \"fails\" { for i in 0..100 { this_server().free_space(\".\"); } fail(); }
            this_server().shell(\"until test -e ../failed; do sleep 0.1; done; echo \" + x + \" >> ../trace\");
        });
    } catch (failure) { caught = failure.kind; }
    this_server().shell(`echo ${caught} >> ../trace`);
    step \"Last\" { fail(); }";
    let world = world(body);
    let failed = world.path().join("failed");
    let said = std::thread::scope(|scope| {
        let run = scope.spawn(|| world.banister(&["run", "mine"]));
        // Only once the failure is written down is the other branch let end.
        while !is_written(&world, "command_failed") {
            assert!(!run.is_finished(), "it has no failure");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        std::fs::write(&failed, "").unwrap();
        run.join().unwrap()
    });
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    world.write("mended", "");
    let said = world.banister(&["resume"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert_eq!(world.read("trace"), "waits\ncommand_failed\nfail end\n");
}

#[test]
fn a_runbook_has_one_main() {
    let world = World::new();
    world.write(
        "runbooks/mine.rhai",
        "//! Mine.\nfn main() {}\nfn main(tenant) { note(tenant ?? \"none\"); }\n",
    );
    for command in [&["check", "runbooks/mine.rhai"][..], &["run", "mine"]] {
        let said = world.banister(command);
        let all = format!("{}{}", said.out, said.err);
        assert!(said.code == Some(2) && all.contains("there are two functions `main`"), "{all}");
    }
}

#[test]
fn a_rollback_undoes_what_each_turn_of_a_loop_did_also_after_a_resume() {
    let loops = "    for part in [\"a\", \"b\", \"c\"] {\n        step `Do ${part}` {\n            on_failure { undo(part); }\n            \
                 this_server().make(\"build\");\n        }\n    }\n    fail();";
    let nested = "    let parts = [];\n    for part in [\"a\", \"b\", \"c\"] {\n        parts.push(part);\n        let map = #{ name: part };\n        \
                  step `Do ${part}` { step \"In it\" { on_failure { undo(map.name + parts.len()); } } }\n        map.name = \"z\";\n    }\n    \
                  step \"Fail\" { fail(); }";
    for (body, undone) in [(loops, "undo c\nundo b\nundo a\n"), (nested, "undo c3\nundo b2\nundo a1\n")] {
        let at_once = world(body);
        let said = at_once.banister(&["run", "mine", "--on-failure", "rollback"]);
        assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
        let later = world(body);
        assert_eq!(later.banister(&["run", "mine"]).code, Some(1));
        assert_eq!(later.banister(&["resume"]).code, Some(1));
        let said = later.banister(&["resume", "--rollback"]);
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
        for world in [at_once, later] {
            let trace = world.read("trace");
            let undoing: String = trace
                .lines()
                .filter(|line| line.starts_with("undo"))
                .map(|line| format!("{line}\n"))
                .collect();
            assert_eq!(undoing, undone);
        }
    }
}
