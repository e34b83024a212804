//! Killed at any record, an update of a file comes to the same end, and a rollback to the old one.

use super::forge;
use super::publisher::{Fault, assert_state, machine, program, sha256, state};
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

#[test]
fn a_download_that_is_killed_is_continued_where_it_was() {
    let forge = forge();
    forge.change(|shop| shop.fault = Fault::Stalled(9_000));
    let world = machine(&forge);
    let mut command = world.command(&["run", "update", "--to", "v2.0.0", "--yes"]);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = command.spawn().unwrap();
    let part = format!("srv/.banister/program/{}.part", sha256(&program("2.0.0", "good")));
    let until = std::time::Instant::now() + std::time::Duration::from_secs(15);
    while world.read(&part).len() < 9_000 {
        assert!(std::time::Instant::now() < until, "{}", world.read(&part).len());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(state(&world), ("1.0.0".into(), "1.0.0".into(), "of 1.0.0".into()));
    forge.change(|shop| shop.fault = Fault::Nothing);
    let said = world.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_state(&world, "2.0.0", &said);
    assert!(forge.fetched().last().unwrap().ends_with("bytes=9000-"), "{:?}", forge.fetched());
}
