//! Backup, restore and the way back with data, killed all along their journals, in a long run at every record, and at random moments: `resume`
//! ends in the world of an undisturbed one.

use crate::support;
use crate::sweep::contents;
use crate::sweep::records;
use crate::sweep::round;

use banister::internals::practice::Reach;
use contents::{assert_same, assert_tidy, state};
use records::{BACKUP, RESUME, assert_one_backup};
use round::{Round, Thin, count, side_by_side};
use rustix::fs::inotify::{self, CreateFlags, Reader, WatchFlags};
use std::fs;
use std::mem::MaybeUninit;
use std::time::Duration;
use support::awkward::Awkward;
use support::chance::{self, Chance};

/// So long each session of a run lives, in each of a few worlds.
fn moments() -> Vec<Vec<Duration>> {
    let mut chance = Chance::of(chance::seed());
    let mut moment = || Duration::from_micros(chance.below(260_000) as u64);
    (0..if chance::is_long() { 40 } else { 1 }).map(|_| (0..8).map(|_| moment()).collect()).collect()
}

fn damaged() -> (Round, Vec<String>, String) {
    records::damaged(&Awkward::tidy())
}

fn regretted() -> (Round, Vec<String>, String) {
    records::regretted(&Awkward::tidy())
}

#[test]
fn a_restore_that_is_killed_at_any_record_ends_like_one_that_is_not() {
    let kills = records::restore(&Awkward::tidy(), Thin::tidy());
    count(&format!("restore killed at {kills} places: 0 worlds differ"));
}

#[test]
fn a_restore_that_is_killed_at_any_moment_ends_like_one_that_is_not() {
    side_by_side(&moments(), |moments| {
        let (round, before, backup) = damaged();
        let said = round.killed_after(&["backup", "restore", &backup, "--yes"], moments);
        assert_eq!(said.code, Some(0), "{moments:?}: {said:?}");
        assert_same(&state(&round), &before, moments);
    });
}

#[test]
fn a_backup_that_is_killed_at_any_record_is_there_once_and_leaves_nothing_else() {
    let kills = records::backup(&Awkward::tidy(), Thin::tidy());
    count(&format!("backup killed at {kills} places"));
}

#[test]
fn a_backup_that_is_killed_at_any_moment_is_there_once_and_leaves_nothing_else() {
    side_by_side(&moments(), |moments| {
        let round = Round::new();
        let services = round.practice().processes().len();
        let said = round.killed_after(BACKUP, moments);
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
        assert!(said.err.contains("is a backup of practice. Restore it to other?"), "{said:?}");
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
    assert!(said.err.contains("error: the script does not declare a rollback here"), "{said:?}");
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

/// A release that migrates nothing takes no data back, but what administrators edit.
#[test]
fn a_way_back_without_data_that_is_killed_at_any_record_ends_like_one_that_is_not() {
    let kills = records::way_back(&Awkward::tidy(), Thin::tidy(), records::overwritten);
    count(&format!("way back without data killed at {kills} places: 0 worlds differ"));
}

#[test]
fn a_way_back_with_data_that_is_killed_at_any_record_ends_like_one_that_is_not() {
    let kills = records::way_back(&Awkward::tidy(), Thin::tidy(), records::failed);
    count(&format!("way back killed at {kills} places: 0 worlds differ"));
}

#[test]
fn a_rollback_that_is_killed_at_any_record_ends_like_one_that_is_not() {
    let kills = records::rollback(&Awkward::tidy(), Thin::tidy());
    count(&format!("rollback killed at {kills} places: 0 worlds differ"));
}

/// A program of another project went on with what it had of the old content.
#[test]
fn a_volume_that_a_running_container_uses_is_not_replaced() {
    let (round, before, backup) = damaged();
    let practice = round.practice();
    let docker = |words: &[&str]| {
        let mut command = std::process::Command::new(practice.dir().join("bin/docker"));
        let output = command.args(words).envs(practice.environment()).output().unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let image = docker(&["inspect", "--format", "{{.Config.Image}}", "server_core_1"]);
    let run = ["run", "-d", "--name", "other", "--network", "web", "-v", "server_auth-secrets:/keys"];
    let labels =
        ["--label", "com.docker.compose.project=other", "--label", "com.docker.compose.service=page"];
    let program = [image.trim(), "nc", "-ll", "-p", "8080", "-e", "sh", "-c", "true"];
    docker(&[&run[..], &labels, &program].concat());
    assert_eq!(docker(&["inspect", "--format", "{{.State.Status}}", "other"]).trim(), "running");
    assert!(docker(&["inspect", "other"]).contains("server_auth-secrets"));
    let secrets = practice.dir().join("volumes/server_auth-secrets/_data");
    let said = round.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let refused = "the volume `auth-secrets` can't be restored: `other` uses it and is running";
    assert!(said.err.contains(refused) && said.err.contains("docker stop other"), "{said:?}");
    // What the backup lacks would be gone.
    assert!(secrets.join("added").exists());
    docker(&["stop", "other"]);
    let said = round.banister(RESUME);
    assert_eq!(said.code, Some(0), "{said:?}");
    docker(&["rm", "other"]);
    assert_same(&state(&round), &before, "restored");
}
