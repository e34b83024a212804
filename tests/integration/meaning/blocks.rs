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
