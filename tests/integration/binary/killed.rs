//! Killed at any record, an update of a file comes to the same end, and a rollback to the old one.

use super::forge;
use super::publisher::{assert_state, machine, state};
use crate::support::World;
use crate::support::chance::part;

fn places(world: &World, words: &[&str]) -> Vec<String> {
    world.banister(words);
    let records = world.records();
    (0..records).flat_map(|n| [format!("before {n}"), format!("after {n}")]).collect()
}

#[test]
fn an_update_that_is_killed_at_any_record_is_resumed_to_the_new_file() {
    let forge = forge();
    let words = ["run", "update", "--to", "v2.0.0", "--yes"];
    let all = places(&machine(&forge), &words);
    for place in part(all, 9) {
        let world = machine(&forge);
        assert_eq!(world.crash(&words, &place).code, Some(-9), "{place}");
        // Either is there, whole.
        state(&world);
        let said = world.banister(&["resume", "--yes"]);
        if said.out.contains("nothing to resume") {
            assert!(place == "before 0" || world.read("units/app.service") == "2.0.0\n", "{place}: {said:?}");
            continue;
        }
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        assert_state(&world, "2.0.0", &said);
    }
}

#[test]
fn a_rollback_that_is_killed_at_any_record_is_resumed_to_the_old_file() {
    let forge = forge();
    let words = ["run", "update", "--to", "v3.0.0", "--yes"];
    let back = ["resume", "--rollback", "--yes"];
    let failed = || {
        let world = machine(&forge);
        assert_eq!(world.banister(&words).code, Some(1));
        world
    };
    let world = failed();
    let before = world.records();
    let all = places(&world, &back)
        .into_iter()
        .filter(|place| place.split_once(' ').unwrap().1.parse::<usize>().unwrap() >= before);
    for place in part(all.collect(), 9) {
        let world = failed();
        world.crash(&back, &place);
        state(&world);
        let said = world.banister(&back);
        if !said.out.contains("nothing to resume") {
            assert_eq!(said.code, Some(0), "{place}: {said:?}");
        }
        assert_state(&world, "1.0.0", &said);
    }
}

/// An update that is abandoned half-way: another one begins anew, whichever of the two files is there.
#[test]
fn an_update_after_an_abandoned_one_ends_with_the_new_file() {
    let forge = forge();
    let words = ["run", "update", "--to", "v2.0.0", "--yes"];
    for place in ["after \"download_file\"", "after \"install_file\"", "before \"wait_healthy\""] {
        let world = machine(&forge);
        assert_eq!(world.crash(&words, place).code, Some(-9), "{place}");
        let said = world.banister(&[
            "run",
            "update",
            "--to",
            "v2.0.0",
            "--yes",
            "--abandon=tried",
            "--unhealthy",
            "killed",
        ]);
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        let (runs, file, _) = state(&world);
        assert_eq!((runs.as_str(), file.as_str()), ("2.0.0", "2.0.0"), "{place}: {said:?}");
    }
}
