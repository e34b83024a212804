//! What is counted before an update is counted again when the release is healthy.

use super::world::{Change, banister, crash, world};
use crate::support::chance::part;
use crate::support::{Said, World};
use serde_json::json;

const ROWS: &str = "{ rows = \"public.users\", service = \"db\", database = \"app\" }";
const NUMBER: &str = "{ command = [\"cat\", \"../number\"] }";

/// With these proofs, and 7 as the number of the command.
fn proven(proofs: &[&str]) -> World {
    let world = world(|_| {}, &format!("proof = [{}]\n", proofs.join(", ")));
    world.write("number", "7\n");
    world
}

fn update(world: &World) -> Said {
    banister(world, &["run", "update", "--yes", "--moved", "for the test"])
}

/// What it said, in one line.
fn text(said: &Said) -> String {
    format!("{} {}", said.out, said.err).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn lost(world: &World, words: &str) {
    let said = update(world);
    let message = format!("web is healthy, but its data is not all there: {words}");
    assert!(said.code == Some(1) && text(&said).contains(&message), "{words}: {said:?}");
    assert!(text(&said).contains("in step `Wait until healthy`"), "{said:?}");
    // Counted anew, and not taken from the journal.
    let said = banister(world, &["resume", "--yes"]);
    assert!(said.code == Some(1) && text(&said).contains(&message), "{words}: {said:?}");
}

fn rolled_back(world: &World) -> Said {
    let said = banister(world, &["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(world.read("running.json").contains("app:1.0"));
    said
}

#[test]
fn proofs_that_hold_are_named_with_their_numbers() {
    let world = proven(&[ROWS, "{ files = \"files\" }", "{ volume = \"media\" }", NUMBER]);
    world.write("volumes/shop_media/picture", "a picture");
    world.write("number.2.0", "8\n");
    let said = update(&world);
    assert_eq!(said.code, Some(0), "{said:?}");
    let words = "4 proofs hold: public.users 120 -> 120, files in files 2 -> 2, files in the volume media 1 -> 1, cat ../number 7 -> 8";
    assert!(text(&said).contains(words), "{said:?}");
}

#[test]
fn without_a_proof_it_says_so() {
    let world = world(|_| {}, "");
    let said = update(&world);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        text(&said).contains("nothing proves that the data of web is still there: `proof` in site.toml"),
        "{said:?}"
    );
}

#[test]
fn less_of_anything_is_a_failure() {
    for (proof, words) in [
        (ROWS, "public.users 120 -> 0"),
        ("{ files = \"files\" }", "files in files 2 -> 0"),
        (NUMBER, "cat ../number 7 -> 6"),
    ] {
        let world = proven(&[proof]);
        world.write("number.2.0", "6\n");
        world.write("empties", "2.0\n");
        lost(&world, words);
    }
}

#[test]
fn what_a_release_has_taken_is_restored_by_the_rollback() {
    let world = proven(&["{ files = \"files\" }"]);
    world.write("empties", "2.0\n");
    lost(&world, "files in files 2 -> 0");
    let said = rolled_back(&world);
    assert_eq!(world.read("web/files/one"), "a file");
    let words = "web has less than before the update, so its data is restored: files in files 2 -> 0";
    assert!(text(&said).contains(words), "{said:?}");
}

/// What is in no backup only a person can bring back.
#[test]
fn a_rollback_that_restores_less_than_there_was_before_fails_in_the_same_words() {
    let world = proven(&[NUMBER]);
    world.write("number.2.0", "6\n");
    lost(&world, "cat ../number 7 -> 6");
    for _ in 0..2 {
        let said = banister(&world, &["resume", "--rollback", "--yes"]);
        let words = "web is healthy, but its data is not all there: cat ../number 7 -> 6";
        assert!(said.code == Some(1) && text(&said).contains(words), "{said:?}");
        assert!(said.out.contains("✗ Drop what was replaced"), "{said:?}");
    }
    world.write("number", "7\n");
    let said = rolled_back(&world);
    assert!(text(&said).contains("1 proof holds: cat ../number 7 -> 7"), "{said:?}");
}

const RENAMED: Change = |file| file["volumes"]["rows"]["name"] = json!("store_rows");
const DATABASE: &str = "databases = [{ service = \"db\", database = \"app\" }]\n";

#[test]
fn without_any_setting_a_database_that_begins_anew_is_seen() {
    let world = world(RENAMED, DATABASE);
    lost(&world, "2 of 3 tables with rows in app in db are empty or gone: public.posts, public.tags");
    let said = rolled_back(&world);
    assert!(!text(&said).contains("is restored"), "{said:?}");
    assert!(text(&said).contains("1 proof holds: tables with rows in app in db 3 -> 3"), "{said:?}");
    assert!(world.read("volumes/shop_rows/rows").contains("public.users 120"));
}

#[test]
fn without_any_setting_a_database_that_is_there_is_seen() {
    let world = world(|_| {}, DATABASE);
    let said = update(&world);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(text(&said).contains("1 proof holds: tables with rows in app in db 3 -> 3"), "{said:?}");
}

#[test]
fn what_could_not_be_counted_before_proves_nothing() {
    let world = proven(&[NUMBER]);
    world.write("number", "many\n");
    world.write("number.2.0", "8\n");
    let said = update(&world);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(text(&said).contains("not compared: cat ../number (`many` is no number)"), "{said:?}");
    assert!(text(&said).contains("nothing proves that the data of web is still there"), "{said:?}");
}

#[test]
fn what_can_not_be_counted_afterwards_is_a_failure() {
    let world = proven(&[NUMBER]);
    world.write("number.2.0", "many\n");
    lost(&world, "cat ../number 7 -> unknown (`many` is no number)");
    // Once it can be counted, the run goes on.
    world.write("number", "7\n");
    let said = banister(&world, &["resume", "--yes"]);
    assert!(said.code == Some(0) && text(&said).contains("1 proof holds: cat ../number 7 -> 7"), "{said:?}");
}

/// What users did since then is not taken from them.
#[test]
fn a_rollback_of_what_was_proven_restores_no_data() {
    let world = proven(&["{ files = \"files\" }"]);
    world.write("releases/2.0.rhai", "//! Fails.\n\nfn apply_after(server) { shell(server, \"false\"); }\n");
    let said = update(&world);
    assert!(said.code == Some(1) && text(&said).contains("1 proof holds: files in files 2 -> 2"), "{said:?}");
    world.remove("web/files/two");
    let said = rolled_back(&world);
    assert!(!text(&said).contains("is restored"), "{said:?}");
    assert!(!world.path().join("web/files/two").exists());
}

/// Wherever it is killed, what counts is what was there before.
#[test]
fn a_killed_update_compares_with_what_was_counted_before() {
    let make = || {
        let world = proven(&[NUMBER]);
        world.write("number.2.0", "6\n");
        world
    };
    let whole = make();
    assert_eq!(update(&whole).code, Some(1));
    let journal = std::fs::read_to_string(whole.journals().last().unwrap()).unwrap();
    let counted = journal.lines().position(|line| line.contains("\"count_proofs\"")).unwrap();
    let records: Vec<usize> = (counted..whole.records()).collect();
    for record in part(records, 5) {
        let world = make();
        let place = format!("after {record}");
        crash(&world, &["run", "update", "--yes"], &place);
        let said = banister(&world, &["resume", "--yes"]);
        let words = "web is healthy, but its data is not all there: cat ../number 7 -> 6";
        assert!(said.code == Some(1) && text(&said).contains(words), "{place}: {said:?}");
    }
}

/// A new update to the release that is there already finishes what was abandoned, and does not take it for whole.
#[test]
fn an_abandoned_update_is_not_finished_without_its_data() {
    let world = proven(&[NUMBER]);
    world.write("number.2.0", "6\n");
    assert_eq!(update(&world).code, Some(1));
    let again = ["run", "update", "--yes", "--abandon=to try again"];
    let said = banister(&world, &again);
    assert!(
        said.code == Some(1) && text(&said).contains("its data is not all there: cat ../number 7 -> 6"),
        "{said:?}"
    );
    world.remove("number.2.0");
    world.write("number", "7\n");
    let said = banister(&world, &["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn a_proof_that_counts_nothing_or_two_things_is_refused() {
    for wrong in ["{}", "{ files = \"a\", volume = \"b\" }", "{ rows = \"a\" }", "{ command = [] }"] {
        let world = world(|_| {}, &format!("proof = [{wrong}]\n"));
        let said = banister(&world, &["check"]);
        assert!(
            said.code != Some(0) && text(&said).contains("a table of `proof` in site.toml counts one thing"),
            "{said:?}"
        );
    }
}

#[test]
fn a_plan_counts_nothing_that_only_a_run_can_know() {
    let world = proven(&[NUMBER]);
    let said = banister(&world, &["plan", "update"]);
    assert!(said.code == Some(0) && !said.out.contains("hold"), "{said:?}");
}

/// What the backup had must be there when it was restored.
#[test]
fn a_rollback_to_a_backup_compares_with_what_is_in_it() {
    let world = world(|_| {}, DATABASE);
    assert_eq!(update(&world).code, Some(0));
    let listed = banister(&world, &["backup", "list", "--json"]);
    let backups: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    let backups = backups.as_array().unwrap().iter();
    let name =
        backups.filter(|it| it["release"] == "1.0").map(|it| it["name"].as_str().unwrap()).next().unwrap();
    let said = banister(&world, &["run", "rollback", "--yes", "--backup", name]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(text(&said).contains("1 proof holds: tables with rows in app in db 3 -> 3"), "{said:?}");
}
