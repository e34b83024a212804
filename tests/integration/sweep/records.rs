//! Runs of a practice server, killed all along their journals, in a world that is tidy or awkward: each ends in the world
//! of one that is not killed. Each gives how often it was killed.

use super::contents::{FAILS, assert_same, assert_tidy, damage, only_backup, state};
use super::round::{Round, Thin, shared, side_by_side};
use crate::support::awkward::Awkward;
use std::fmt::Debug;
use std::fs;

pub const RESUME: &[&str] = &["resume", "--yes"];
const BACK: &[&str] = &["resume", "--rollback", "--yes"];
const UPDATE: &[&str] = &["run", "update", "--yes"];

/// With `--still`, which does all that one without it does.
pub const BACKUP: &[&str] = &["run", "backup", "--still", "true", "--yes"];

fn kills(places: &[Vec<&String>]) -> usize {
    places.iter().map(Vec::len).sum()
}

/// An update from the first release to the newest.
pub fn update(awkward: &Awkward, thin: Thin) -> usize {
    let round = Round::within(awkward);
    let said = round.banister(UPDATE);
    assert_eq!(said.code, Some(0), "{said:?}");
    let (world, places) = (round.world(), round.places(0));
    assert_eq!(world.backups, ["after-0.2.14", "before-0.2.14"]);
    drop(round);
    let places = shared(&places, thin);
    side_by_side(&places, |places| {
        let round = Round::within(awkward);
        let said = round.killed_at(UPDATE, RESUME, places);
        assert_eq!(said.code, Some(0), "{places:?}: {said:?}");
        round.assert_is(&world, &format!("{places:?}"));
    });
    kills(&places)
}

/// A server with a backup, damaged; what it was before, and the backup.
pub fn damaged(awkward: &Awkward) -> (Round, Vec<String>, String) {
    let round = Round::within(awkward);
    let said = round.banister(&["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let backup = only_backup(&round);
    let before = state(&round);
    damage(&round);
    (round, before, backup)
}

/// Puts back what was lost.
pub fn restore(awkward: &Awkward, thin: Thin) -> usize {
    let (round, before, backup) = damaged(awkward);
    let said = round.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_same(&state(&round), &before, "undisturbed");
    assert_tidy(&round, "undisturbed");
    let places = round.places(0);
    drop(round);
    let places = shared(&places, thin);
    side_by_side(&places, |places| {
        let (round, before, backup) = damaged(awkward);
        let said = round.killed_at(&["backup", "restore", &backup, "--yes"], RESUME, places);
        assert_eq!(said.code, Some(0), "{places:?}: {said:?}");
        assert_same(&state(&round), &before, places);
        assert_tidy(&round, places);
    });
    kills(&places)
}

/// One backup that is whole, and nothing else of what was done for it.
pub fn assert_one_backup(round: &Round, services: usize, place: &impl Debug) {
    only_backup(round);
    let snapshots = fs::read_dir(round.practice().hoss().join("backup/.opensearch")).unwrap();
    assert_eq!(snapshots.count(), 0, "{place:?}: a snapshot is left");
    assert_eq!(round.practice().processes().len(), services, "{place:?}: something is still stopped");
}

/// A backup for which users are locked out.
pub fn backup(awkward: &Awkward, thin: Thin) -> usize {
    let round = Round::within(awkward);
    let services = round.practice().processes().len();
    let said = round.banister(BACKUP);
    assert_eq!(said.code, Some(0), "{said:?}");
    let places = round.places(0);
    drop(round);
    let places = shared(&places, thin);
    side_by_side(&places, |places| {
        let round = Round::within(awkward);
        let said = round.killed_at(BACKUP, RESUME, places);
        assert_eq!(said.code, Some(0), "{places:?}: {said:?}");
        assert_one_backup(&round, services, places);
    });
    kills(&places)
}

/// A server whose update failed after it migrated; what it was before.
pub fn failed(awkward: &Awkward) -> (Round, Vec<String>) {
    let round = Round::within(awkward);
    let before = state(&round);
    let runbooks = round.practice().dir().join("runbooks");
    fs::create_dir(&runbooks).unwrap();
    fs::write(runbooks.join("fails.rhai"), FAILS).unwrap();
    let said = round.banister(&["run", "fails", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(round.practice().rows().unwrap().migrations["hoss_core"], 4, "{said:?}");
    (round, before)
}

/// An update that is done, of which the backup from before is wanted back.
pub fn regretted(awkward: &Awkward) -> (Round, Vec<String>, String) {
    let round = Round::within(awkward);
    let before = state(&round);
    let said = round.banister(UPDATE);
    assert_eq!(said.code, Some(0), "{said:?}");
    let backups = fs::read_dir(round.practice().hoss().join("backup/backups")).unwrap();
    let mut names = backups.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let name = names.find(|name| name.ends_with("before-0.2.14.tar.gz")).unwrap();
    (round, before, name)
}

/// A server with edited files, whose update failed after `make config` had overwritten them; what it was before.
pub fn overwritten(awkward: &Awkward) -> (Round, Vec<String>) {
    let round = Round::within(awkward);
    for (name, more) in [("traefik.yaml", "# edited\n"), ("ui/config.json", " ")] {
        let path = round.practice().hoss().join(name);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text + more).unwrap();
    }
    let before = state(&round);
    let runbooks = round.practice().dir().join("runbooks");
    fs::create_dir(&runbooks).unwrap();
    let early = FAILS
        .replace("    kind::build(server);\n    kind::start(server);\n", "    kind::configure(server);\n");
    let early = early.replace("    kind::await_health(server, \"0.2.13\");\n", "");
    fs::write(runbooks.join("fails.rhai"), early).unwrap();
    let said = round.banister(&["run", "fails", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(state(&round) != before, "nothing was overwritten");
    (round, before)
}

/// The way back of a run that stopped, in a world that `stopped` makes. With data, or with what administrators edit only.
pub fn way_back(
    awkward: &Awkward,
    thin: Thin,
    stopped: impl Fn(&Awkward) -> (Round, Vec<String>) + Sync,
) -> usize {
    let (round, before) = stopped(awkward);
    let earlier = round.records();
    let said = round.banister(BACK);
    assert!(said.out.contains("was rolled back"), "{said:?}");
    assert_same(&state(&round), &before, "undisturbed");
    assert_tidy(&round, "undisturbed");
    assert_eq!(round.practice().discover().unwrap()["version"], "0.2.10");
    let places = round.places(earlier);
    drop(round);
    let places = shared(&places, thin);
    side_by_side(&places, |places| {
        let (round, before) = stopped(awkward);
        let said = round.killed_at(BACK, BACK, places);
        assert!(
            said.out.contains("was rolled back") || said.out.contains("nothing to resume"),
            "{places:?}: {said:?}"
        );
        assert_same(&state(&round), &before, places);
        assert_tidy(&round, places);
        assert_eq!(round.practice().discover().unwrap()["version"], "0.2.10", "{places:?}");
    });
    kills(&places)
}

/// An update that is done, taken back with its data.
pub fn rollback(awkward: &Awkward, thin: Thin) -> usize {
    let (round, before, backup) = regretted(awkward);
    let said = round.banister(&["run", "rollback", "--backup", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_same(&state(&round), &before, "undisturbed");
    let world = round.world();
    let places = round.places(0);
    drop(round);
    let places = shared(&places, thin);
    side_by_side(&places, |places| {
        let (round, before, backup) = regretted(awkward);
        let said = round.killed_at(&["run", "rollback", "--backup", &backup, "--yes"], RESUME, places);
        assert_eq!(said.code, Some(0), "{places:?}: {said:?}");
        assert_same(&state(&round), &before, places);
        round.assert_is(&world, &format!("{places:?}"));
    });
    kills(&places)
}
