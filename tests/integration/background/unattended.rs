//! `unattended` in `site.toml`: what a run does where nobody is, and what is promised of it.

use super::{
    RUNBOOK, at_terminal, detached, ends, run_folder, said_by, shown, wait_for, wait_for_end, world,
};
use crate::support::World;
use std::fs;

/// A world whose site says it.
fn world_with(unattended: &str) -> World {
    let world = world();
    let site = world.read("site.toml");
    world.write("site.toml", &format!("unattended = \"{unattended}\"\n{site}"));
    world
}

/// The questions that were asked, as they were written down.
fn asked(world: &World) -> String {
    let entries = fs::read_dir(run_folder(world).join("asked")).into_iter().flatten().flatten();
    entries.map(|entry| fs::read_to_string(entry.path()).unwrap_or_default()).collect()
}

#[test]
fn the_site_says_what_happens_where_nobody_is_and_the_option_overrides_it() {
    let fails = RUNBOOK.replace("make(\"up\"", "make(\"fail\"");
    let world = world_with("rollback:1s");
    world.write("runbooks/three.rhai", &fails);
    detached(&world, &["run", "three", "--yes", "--detach"]);
    wait_for_end(&world);
    assert!(shown(&world).contains(r#""state":"rolled_back""#));
    assert_eq!(ends(&world), ["back", "build", "config", "one", "two"]);
    assert!(asked(&world).contains("the run is rolled back"), "{}", asked(&world));

    detached(&world, &["run", "three", "--yes", "--detach", "--unattended", "stop"]);
    wait_for_end(&world);
    assert!(shown(&world).contains(r#""state":"failed""#));
}

#[test]
fn a_rollback_is_promised_only_where_something_would_be_rolled_back() {
    // Nothing is declared or done yet.
    let world = world_with("rollback:1s");
    detached(&world, &["run", "three", "--detach"]);
    wait_for_end(&world);
    assert!(asked(&world).contains("the run stops: there is nothing to roll back"), "{}", asked(&world));
    assert!(shown(&world).contains(r#""state":"interrupted""#));

    // Something is done, and nothing declared.
    let world = world_with("rollback:1s");
    let runbook = "fn main() { let server = this_server();\n\
                   step \"Configure\" { server.make(\"config\"); }\n\
                   step \"Ask\" { confirm(\"Go on?\"); } }";
    world.write("runbooks/three.rhai", runbook);
    detached(&world, &["run", "three", "--detach"]);
    wait_for_end(&world);
    assert!(asked(&world).contains("there is nothing to roll back"), "{}", asked(&world));

    // Both.
    let world = world_with("rollback:1s");
    let later = RUNBOOK.replace("confirm(\"Go on?\");", "");
    world.write(
        "runbooks/three.rhai",
        &later.replace("server.make(\"up\"", "confirm(\"Go on?\"); server.make(\"up\""),
    );
    detached(&world, &["run", "three", "--detach"]);
    wait_for_end(&world);
    assert!(asked(&world).contains("the run is rolled back"), "{}", asked(&world));
    assert!(shown(&world).contains(r#""state":"rolled_back""#));
}

#[test]
fn who_sits_at_a_terminal_is_asked_also_if_others_are_not_waited_for() {
    let world = world_with("stop");
    let mut person = at_terminal(&world, &["run", "three"]);
    // The call is shown with the same text before it is asked.
    person.sees("[y/n]");
    person.types("y\n");
    person.sees("state: `three` is done on web");
    assert!(person.ends().success());
    wait_for_end(&world);
    detached(&world, &["run", "three", "--detach"]);
    wait_for("it stops", || shown(&world).contains(r#""state":"interrupted""#));
    wait_for_end(&world);
}

#[test]
fn a_plan_and_a_check_show_it_and_a_word_that_is_none_is_found() {
    let world = world_with("rollback:30m");
    let sentence = "unattended: the run is rolled back 30m after a question or failure that nobody answers, or stops where \
                    there is nothing to roll back\n";
    for command in [&["plan", "three"][..], &["check"]] {
        let said = said_by(&world, command);
        assert!(said.code == Some(0) && said.out.contains(sentence), "{said:?}");
    }
    assert!(said_by(&world, &["plan", "three", "--json"]).out.contains(r#""unattended":"rollback:30m""#));
    let world = world_with("rollback:soon");
    let said = said_by(&world, &["check"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(
        said.out.contains("unattended can't be \"rollback:soon\"") && said.out.contains("site.toml:1"),
        "{said:?}"
    );
}
