//! A run says which of its steps it does, and of how many.

use crate::support;

use support::World;

/// The steps that began, as they were told.
fn told(out: &str) -> Vec<&str> {
    out.lines().filter_map(|line| line.strip_prefix("· ")).collect()
}

#[test]
fn steps_are_counted_and_those_that_may_be_left_out_when_they_begin() {
    let world = World::new();
    world.write(
        "runbooks/x.rhai",
        r#"//! Counts.
/// extra: whether there is one more step [default: no]
fn main(extra) {
    step "One" { step "within" {} }
    if extra == true { step "Extra" {} }
    more([1, 2]);
    step "Last but one" { this_server().make("fail"); }
    on_failure { step "Undo" {} }
    step "Last" {}
}
fn more(items) {
    if items.is_empty() { return; }
    for item in items { step `Item ${item}` {} }
}
"#,
    );
    let said = world.banister(&["run", "x", "--extra", "true"]);
    assert_eq!(
        told(&said.out),
        ["One  step 1", "Extra  step 2", "Item 1  step 3", "Item 2  step 4", "Last but one  step 5 of 6"],
        "{said:?}"
    );
    assert!(said.out.contains("  · within\n"), "{said:?}");
    world.write("mended", "");
    let said = world.banister(&["resume"]);
    assert_eq!(told(&said.out), ["Last but one  step 5 of 6", "Last  step 6 of 6"], "{said:?}");
    let said = world.banister(&["run", "x", "--json"]);
    let last = said.out.lines().find(|line| line.contains(r#""name":"Last""#)).unwrap();
    assert!(last.contains(r#""number":5"#) && last.contains(r#""of":5"#), "{last}");
}

/// The places are those of the text that runs: of the bundled one with the site's hooks in it.
#[test]
fn the_steps_of_a_bundled_runbook_are_counted_also_with_hooks() {
    let world = World::new();
    world.write("web/VERSION", "2\n");
    world.git(&["add", "-A"]);
    world.git(&["commit", "-q", "-m", "second"]);
    world.git(&["tag", "0.2.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    world.git(&["remote", "add", "origin", "."]);
    let site = world.read("site.toml");
    let settings =
        "health = [{ command = [\"true\"] }]\nhealthy = { stable = \"100ms\" }\nbackup = [\".\"]\n";
    world.write("site.toml", &format!("{site}{settings}"));
    world.write(
        "runbooks/update.rhai",
        "after(\"Build\") {\n    step \"Warm up\" {}\n}\n\nbefore(\"Start\") {}\n",
    );
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        told(&said.out),
        [
            "Check  step 1 of 10",
            "Back up  step 2 of 10",
            "Review release notes  step 3 of 10",
            "Check out  step 4 of 10",
            "Configure  step 5 of 10",
            "Build  step 6 of 10",
            "Start  step 7 of 10",
            "Wait until healthy  step 8 of 10",
            "Back up again  step 9 of 10",
            "Remove kept images  step 10 of 10",
        ],
        "{said:?}"
    );
}
