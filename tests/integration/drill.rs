//! Drills that find a backup to be none: the live data stays as it is, and nothing of the trial is left.

use crate::support;
use crate::sweep::contents;
use crate::sweep::round;

use contents::{assert_same, assert_tidy, damage, only_backup, state};
use round::Round;
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// The folder that a drill unpacked its backup into.
fn unpacked(round: &Round) -> PathBuf {
    let folder = round.practice().hoss().join("backup/backups");
    let mut paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.find(|path| path.file_name().unwrap().to_str().unwrap().starts_with(".restore-")).unwrap()
}

/// A drill of a good backup, whose contents are said to be others before anything is put back; what it says, once it
/// is gone on with.
fn with_other_contents(change: impl Fn(&mut Value)) -> support::Said {
    let round = Round::new();
    assert_eq!(round.banister(&["run", "backup", "--yes"]).code, Some(0));
    let backup = only_backup(&round);
    let before = state(&round);
    assert_eq!(round.banister(&["backup", "drill", &backup, "--yes"]).code, Some(0));
    assert_tidy(&round, "drilled");
    let places = round.places(0);
    // It is cut off as soon as it is recorded that the backup is unpacked.
    let is_unpacked = |place: &&String| {
        assert_eq!(round.crash(&["backup", "drill", &backup, "--abandon", "--yes"], place).code, Some(-9));
        fs::read_dir(round.practice().hoss().join("backup/backups"))
            .unwrap()
            .any(|entry| entry.unwrap().path().join("contents.json").exists())
    };
    let place = places.iter().filter(|place| place.starts_with("after")).find(is_unpacked).unwrap();
    let file = unpacked(&round).join("contents.json");
    let mut contents: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    contents["parts"].as_array_mut().unwrap().iter_mut().for_each(change);
    fs::write(&file, contents.to_string()).unwrap();
    let said = round.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(1), "{place}: {said:?}");
    let folder = unpacked(&round);
    fs::remove_dir_all(&folder).unwrap();
    fs::remove_file(format!("{}.of", folder.display())).unwrap();
    assert_tidy(&round, place);
    assert_same(&state(&round), &before, place);
    said
}

#[test]
fn a_drill_that_fails_at_the_search_index_leaves_no_index() {
    let said = with_other_contents(|part| {
        if part["kind"] == "search" {
            part["documents"]["metadata-index"] = json!(1);
        }
    });
    assert!(said.err.contains("the search index has other documents than the backup says"), "{said:?}");
}

#[test]
fn a_drill_that_fails_at_a_database_leaves_no_database() {
    let said = with_other_contents(|part| {
        if part["kind"] == "database" {
            part["rows"]["public.users"] = json!(1);
        }
    });
    assert!(said.err.contains("has other rows than the backup says"), "{said:?}");
}

/// Of a commit that is no release, only the commit says what fits; and no tag of an image is called like it.
#[test]
fn a_server_on_a_commit_of_its_own_is_restored_and_taken_back() {
    let round = Round::new();
    let mut commit = Command::new("git");
    commit.arg("-C").arg(round.practice().checkout());
    commit.args([
        "-c",
        "user.name=T",
        "-c",
        "user.email=t@example.org",
        "commit",
        "-q",
        "--allow-empty",
        "-m",
        "own",
    ]);
    assert!(commit.status().unwrap().success());
    assert_eq!(round.banister(&["run", "backup", "--yes"]).code, Some(0));
    let backup = only_backup(&round);
    let before = state(&round);
    damage(&round);
    let said = round.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_same(&state(&round), &before, "restored");
    assert_tidy(&round, "restored");
    let runbooks = round.practice().dir().join("runbooks");
    fs::create_dir(&runbooks).unwrap();
    fs::write(runbooks.join("fails.rhai"), contents::FAILS).unwrap();
    let said = round.banister(&["run", "fails", "--yes"]);
    assert!(said.code == Some(1) && said.err.contains("it is not liked"), "{said:?}");
    let said = round.banister(&["resume", "--rollback", "--yes"]);
    assert!(said.out.contains("was rolled back"), "{said:?}");
    assert_same(&state(&round), &before, "rolled back");
}
