//! An update that is refused before anything is touched: what it says, and what it leaves.

mod support;

use support::releases::world;
use support::{Said, World};

/// Nothing was touched, it says so, and no run is left; gives the command that it names.
fn refused<'a>(world: &World, said: &'a Said, why: &str) -> &'a str {
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains(why), "{said:?}");
    assert!(said.err.contains("  help nothing was touched"), "{said:?}");
    let mut last = said.out.lines().rev();
    let next = last.next().unwrap().strip_prefix("next:  banister ").unwrap();
    let state = last.next().unwrap();
    assert!(
        state.starts_with("state: `update` failed on web") && state.ends_with("nothing was touched"),
        "{said:?}"
    );
    assert_eq!(world.read("trace"), "");
    let resumed = world.banister(&["resume"]);
    assert_eq!((resumed.code, resumed.out.as_str()), (Some(0), "there is nothing to resume\n"));
    assert!(!next.starts_with("resume"), "{said:?}");
    next
}

#[test]
fn a_release_that_is_not_there_is_refused_with_a_command_that_leads_on() {
    let world = world();
    let said = world.banister(&["run", "update", "--yes", "--to", "9.9.9"]);
    let next = refused(&world, &said, "web has no release 9.9.9; the newest before it is 0.2.0");
    assert_eq!(next, "plan update --server web");
    let planned = world.banister(&next.split(' ').collect::<Vec<_>>());
    assert!(planned.out.contains("checkout(web, \"0.2.0\")"), "{planned:?}");
}

#[test]
fn a_release_that_is_older_is_refused_as_that() {
    let world = world();
    let said = world.banister(&["run", "update", "--yes", "--to", "0.0.9"]);
    let next = refused(&world, &said, "0.0.9 is not newer than ");
    assert_eq!(next, "plan update --server web");
}

#[test]
fn a_checkout_that_was_edited_and_a_server_that_is_not_healthy_leave_no_run() {
    let world = world();
    let text = world.read("web/Makefile");
    world.write("web/Makefile", &format!("{text}# mine\n"));
    let said = world.banister(&["run", "update", "--yes", "--to", "0.2.0"]);
    let next = refused(&world, &said, "the checkout of web was changed by hand: modified: Makefile");
    assert_eq!(next, "run update --to 0.2.0");
    world.write("web/Makefile", &text);
    let site = world.read("site.toml");
    let (before, _) = site.split_once("health = ").unwrap();
    world.write("site.toml", &format!("{before}health = [\"http://127.0.0.1:1/\"]\n"));
    let said = world.banister(&["run", "update", "--yes", "--to", "0.2.0"]);
    let next = refused(&world, &said, "web is not healthy before the update");
    assert_eq!(next, "status --server web");
    // By its name, too, it is no run to resume.
    let runs: serde_json::Value = serde_json::from_str(&world.banister(&["runs", "--json"]).out).unwrap();
    let name = runs[0]["name"].as_str().or(runs[0]["run"].as_str()).unwrap();
    let said = world.banister(&["resume", name]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("touched nothing") && said.err.contains("banister run update"), "{said:?}");
}
