//! Backup, restore and the way back with data, killed at every record of their journals and at random moments: `resume`
//! ends in the world of an undisturbed one.

#[path = "sweep/contents.rs"]
mod contents;
#[path = "sweep/round.rs"]
mod round;
mod support;

use banister::practice::Reach;
use contents::{FAILS, assert_same, assert_tidy, damage, only_backup, state};
use round::{Round, count, shared, side_by_side};
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use std::fmt::Debug;
use std::fs;
use std::mem::MaybeUninit;
use std::time::Duration;
use support::Said;

const RESUME: &[&str] = &["resume", "--yes"];

/// So long each session of a run lives, in each of a few worlds.
fn moments() -> Vec<Vec<Duration>> {
    (0..4).map(|world| (0..8).map(|n| Duration::from_millis((world * 8 + n) * 57 % 260)).collect()).collect()
}

/// Begins a run, and kills each of its sessions after so long, also if none of it was written down yet; at last lets it
/// end.
fn killed_after(round: &Round, begin: &[&str], moments: &[Duration]) -> Said {
    let earlier = round.records();
    for moment in moments {
        let arguments = if round.records() == earlier { begin } else { RESUME };
        let mut child = round.command(arguments).spawn().unwrap();
        std::thread::sleep(*moment);
        let _ = child.kill();
        let _ = child.wait();
    }
    round.resume_or_begin(begin, earlier)
}

/// A server with a backup, damaged; what it was before, and the backup.
fn damaged() -> (Round, Vec<String>, String) {
    let round = Round::new();
    let said = round.banister(&["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let backup = only_backup(&round);
    let before = state(&round);
    damage(&round);
    (round, before, backup)
}

#[test]
fn a_restore_that_is_killed_at_any_record_ends_like_one_that_is_not() {
    let (round, before, backup) = damaged();
    let said = round.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_same(&state(&round), &before, "undisturbed");
    assert_tidy(&round, "undisturbed");
    let places = round.places(0);
    side_by_side(&shared(&places), |places| {
        let (round, before, backup) = damaged();
        let said = round.killed_at(&["backup", "restore", &backup, "--yes"], RESUME, places);
        assert_eq!(said.code, Some(0), "{places:?}: {said:?}");
        assert_same(&state(&round), &before, places);
        assert_tidy(&round, places);
    });
    count(&format!("restore killed at {} places: 0 worlds differ", places.len()));
}

#[test]
fn a_restore_that_is_killed_at_any_moment_ends_like_one_that_is_not() {
    side_by_side(&moments(), |moments| {
        let (round, before, backup) = damaged();
        let said = killed_after(&round, &["backup", "restore", &backup, "--yes"], moments);
        assert_eq!(said.code, Some(0), "{moments:?}: {said:?}");
        assert_same(&state(&round), &before, moments);
    });
}

/// With `--still`, which does all that one without it does.
const BACKUP: &[&str] = &["run", "backup", "--still", "true", "--yes"];

/// One backup that is whole, and nothing else of what was done for it.
fn assert_one_backup(round: &Round, services: usize, place: &impl Debug) {
    only_backup(round);
    let snapshots = fs::read_dir(round.practice().hoss().join("backup/.opensearch")).unwrap();
    assert_eq!(snapshots.count(), 0, "{place:?}: a snapshot is left");
    assert_eq!(round.practice().processes().len(), services, "{place:?}: something is still stopped");
}

#[test]
fn a_backup_that_is_killed_at_any_record_is_there_once_and_leaves_nothing_else() {
    let round = Round::new();
    let services = round.practice().processes().len();
    assert_eq!(round.banister(BACKUP).code, Some(0));
    let places = round.places(0);
    side_by_side(&shared(&places), |places| {
        let round = Round::new();
        let said = round.killed_at(BACKUP, RESUME, places);
        assert_eq!(said.code, Some(0), "{places:?}: {said:?}");
        assert_one_backup(&round, services, places);
    });
    count(&format!("backup killed at {} places", places.len()));
}

#[test]
fn a_backup_that_is_killed_at_any_moment_is_there_once_and_leaves_nothing_else() {
    side_by_side(&moments(), |moments| {
        let round = Round::new();
        let services = round.practice().processes().len();
        let said = killed_after(&round, BACKUP, moments);
        assert_eq!(said.code, Some(0), "{moments:?}: {said:?}");
        assert_one_backup(&round, services, moments);
    });
}

#[test]
fn once_a_backup_has_its_name_nothing_else_is_left() {
    let round = Round::new();
    let backup = round.practice().hoss().join("backup");
    let (archives, snapshots) = (backup.join("backups"), backup.join(".opensearch"));
    fs::create_dir_all(&archives).unwrap();
    let inotify = inotify::init(CreateFlags::NONBLOCK).unwrap();
    inotify::add_watch(&inotify, &archives, WatchFlags::MOVED_TO).unwrap();
    let snapshots = inotify::add_watch(&inotify, &snapshots, WatchFlags::DELETE).unwrap();
    assert_eq!(round.banister(&["run", "backup", "--yes"]).code, Some(0));
    let mut seen = Vec::new();
    let mut buffer = [MaybeUninit::uninit(); 1024];
    let mut reader = Reader::new(&inotify, &mut buffer);
    while let Ok(event) = reader.next() {
        let name = event.file_name().unwrap().to_str().unwrap();
        match event.wd() == snapshots {
            true => seen.push("no snapshot"),
            false if name.ends_with(".tar.gz") => seen.push("its name"),
            false => {}
        }
    }
    assert_eq!(seen, ["no snapshot", "its name"]);
}

/// A server whose update failed after it migrated; what it was before.
fn failed() -> (Round, Vec<String>) {
    let round = Round::new();
    let before = state(&round);
    let runbooks = round.practice().dir().join("runbooks");
    fs::create_dir(&runbooks).unwrap();
    fs::write(runbooks.join("fails.rhai"), FAILS).unwrap();
    let said = round.banister(&["run", "fails", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(round.practice().rows().unwrap().migrations["hoss_core"], 4);
    (round, before)
}

/// An update that is done, of which the backup from before is wanted back.
fn regretted() -> (Round, Vec<String>, String) {
    let round = Round::new();
    let before = state(&round);
    assert_eq!(round.banister(&["run", "update", "--yes"]).code, Some(0));
    let backups = fs::read_dir(round.practice().hoss().join("backup/backups")).unwrap();
    let mut names = backups.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let name = names.find(|name| name.ends_with("before-0.2.14.tar.gz")).unwrap();
    (round, before, name)
}

#[test]
fn an_update_that_is_done_is_taken_back_with_its_data() {
    let (round, before, backup) = regretted();
    let newer = state(&round);
    let said = round.banister(&["run", "rollback", "--backup", "practice-"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("several backups begin with `practice-`"), "{said:?}");
    let beginning = backup.strip_suffix("-before-0.2.14.tar.gz").unwrap();
    let said = round.banister(&["run", "rollback", "--backup", beginning]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("from 0.2.14 back to 0.2.10"), "{said:?}");
    assert_same(&state(&round), &newer, "asked");
    let said = round.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_same(&state(&round), &before, "taken back");
    assert_eq!(round.practice().discover().unwrap()["version"], "0.2.10");
    let said = round.banister(&["run", "rollback", "--backup", &backup]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("is of 0.2.10, which is installed"), "{said:?}");
}

#[test]
fn a_backup_of_another_server_is_asked_about() {
    let (round, before, backup) = regretted();
    let newer = state(&round);
    round.set("[servers.practice]", "[servers.other]");
    for arguments in [&["run", "rollback", "--backup", &backup][..], &["backup", "restore", &backup]] {
        let said = round.banister(arguments);
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(said.err.contains("is a backup of practice. Put it into other?"), "{said:?}");
    }
    assert_same(&state(&round), &newer, "asked");
    let said = round.banister(&["run", "rollback", "--backup", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_same(&state(&round), &before, "taken back");
}

#[test]
fn a_restore_has_no_way_back_and_says_so() {
    let (round, before, backup) = damaged();
    // Where the first of it is about to take its place.
    let said = round.crash(&["backup", "restore", &backup, "--yes"], "after \"put_back\"");
    assert_eq!(said.code, Some(-9), "{said:?}");
    let said = round.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("error: the script does not say what leads back from here"), "{said:?}");
    let said = round.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_same(&state(&round), &before, "resumed");
}

#[test]
fn a_backup_of_a_newer_release_does_not_fit() {
    let (round, before, backup) = regretted();
    assert_eq!(round.banister(&["run", "rollback", "--backup", &backup, "--yes"]).code, Some(0));
    let said = round.banister(&["backup", "restore", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("is of release 0.2.14, which is newer than 0.2.10"), "{said:?}");
    assert_same(&state(&round), &before, "refused");
    // Nor is it what stays because it fits.
    let said = round.banister(&["backup", "prune", "--count", "1", "--abandon", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let list = round.banister(&["backup", "list"]).out;
    assert!(list.contains("0.2.10 to 0.2.*") && list.contains("0.2.14 to 0.2.*"), "{list}");
}

#[test]
fn a_rollback_that_fails_leads_back_to_the_release_that_was_there() {
    let (round, _, backup) = regretted();
    let newer = state(&round);
    round.practice().switch_for("up", Reach::Always).unwrap();
    let said = round.banister(&["run", "rollback", "--backup", &backup, "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("state: `rollback` failed on practice in step `Put data back`"), "{said:?}");
    round.practice().switch("up", false).unwrap();
    let said = round.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_same(&state(&round), &newer, "back where it was");
    assert_tidy(&round, "back where it was");
    assert_eq!(round.practice().discover().unwrap()["version"], "0.2.14");
}

/// A server with edited files, whose update failed after `make config` had overwritten them; what it was before.
fn overwritten() -> (Round, Vec<String>) {
    let round = Round::new();
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

/// A release that migrates nothing takes no data back, but what administrators edit.
#[test]
fn a_way_back_without_data_that_is_killed_at_any_record_ends_like_one_that_is_not() {
    let back = &["resume", "--rollback", "--yes"];
    let (round, before) = overwritten();
    let earlier = round.records();
    let said = round.banister(back);
    assert!(said.out.contains("was rolled back"), "{said:?}");
    assert_same(&state(&round), &before, "undisturbed");
    assert_tidy(&round, "undisturbed");
    assert_eq!(round.practice().discover().unwrap()["version"], "0.2.10");
    let places = round.places(earlier);
    side_by_side(&shared(&places), |places| {
        let (round, before) = overwritten();
        let said = round.killed_at(back, back, places);
        assert!(
            said.out.contains("was rolled back") || said.out.contains("nothing to resume"),
            "{places:?}: {said:?}"
        );
        assert_same(&state(&round), &before, places);
        assert_tidy(&round, places);
        assert_eq!(round.practice().discover().unwrap()["version"], "0.2.10", "{places:?}");
    });
    count(&format!("way back without data killed at {} places: 0 worlds differ", places.len()));
}

#[test]
fn a_way_back_with_data_that_is_killed_at_any_record_ends_like_one_that_is_not() {
    let back = &["resume", "--rollback", "--yes"];
    let (round, before) = failed();
    let earlier = round.records();
    let said = round.banister(back);
    assert!(said.out.contains("was rolled back"), "{said:?}");
    assert_same(&state(&round), &before, "undisturbed");
    assert_eq!(round.practice().discover().unwrap()["version"], "0.2.10");
    let places = round.places(earlier);
    side_by_side(&shared(&places), |places| {
        let (round, before) = failed();
        let said = round.killed_at(back, back, places);
        assert!(
            said.out.contains("was rolled back") || said.out.contains("nothing to resume"),
            "{places:?}: {said:?}"
        );
        assert_same(&state(&round), &before, places);
        assert_eq!(round.practice().discover().unwrap()["version"], "0.2.10", "{places:?}");
    });
    count(&format!("way back killed at {} places: 0 worlds differ", places.len()));
}

#[test]
fn a_rollback_that_is_killed_at_any_record_ends_like_one_that_is_not() {
    let (round, before, backup) = regretted();
    let said = round.banister(&["run", "rollback", "--backup", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_same(&state(&round), &before, "undisturbed");
    let world = round.world();
    let places = round.places(0);
    side_by_side(&shared(&places), |places| {
        let (round, before, backup) = regretted();
        let said = round.killed_at(&["run", "rollback", "--backup", &backup, "--yes"], RESUME, places);
        assert_eq!(said.code, Some(0), "{places:?}: {said:?}");
        assert_same(&state(&round), &before, places);
        round.assert_is(&world, &format!("{places:?}"));
    });
    count(&format!("rollback killed at {} places: 0 worlds differ", places.len()));
}
