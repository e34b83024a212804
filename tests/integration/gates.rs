//! What an update asks before it goes on: whether the server is idle, and whether there is a way back from the point of
//! no return; and what it keeps for that way back.

use crate::sweep::round;

use round::Round;
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

/// Nothing was changed: the old release runs, and no make target was called.
fn assert_untouched(round: &Round, place: &str) {
    assert_eq!(round.practice().discover().unwrap()["version"], "0.2.10", "{place}");
    assert_eq!(round.made(), [], "{place}");
}

#[test]
fn who_uses_the_server_is_said_before_anything_is_touched() {
    let round = Round::new();
    round.practice().switch("busy-queue", true).unwrap();
    let said = round.banister(&["run", "update"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("practice is in use (queues printed \"1\")"), "{said:?}");
    assert!(said.err.contains("--wait-idle"), "{said:?}");
    assert_untouched(&round, "asked");
    let said = round.banister(&["run", "update", "--yes", "--wait-idle", "1s"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("`practice` did not become idle in 1s"), "{said:?}");
    assert_untouched(&round, "waited too long");
    let said = round.banister(&["run", "update", "--yes", "--wait-idle", "a while"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("`a while` is not a duration"), "{said:?}");
    assert_untouched(&round, "no duration");
    // A person who says yes goes on.
    let said = round.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn a_release_that_does_not_exist_is_refused_before_anything_is_touched() {
    let round = Round::new();
    for command in ["plan", "run"] {
        let said = round.banister(&[command, "update", "--to", "9.9.9"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        let why = "there is no release `9.9.9` of practice; the newest is 0.2.14";
        assert!(said.err.contains(why) || said.out.contains(why), "{said:?}");
    }
    assert_untouched(&round, "refused");
    assert_eq!(archives(&round), [] as [PathBuf; 0], "a backup was taken");
}

#[test]
fn a_dataset_that_is_being_deleted_is_a_use() {
    let round = Round::new();
    let mut docker = std::process::Command::new(round.practice().dir().join("bin/docker"));
    let columns = "id, uuid, name, namespace, size, delete_status";
    let values = "'900000', 'u', 'd', 'group-01', '1', 'IN_PROGRESS'";
    let statement = format!("INSERT INTO datasets ({columns}) VALUES ({values})");
    docker.args(["exec", "server_db_1", "psql", "-U", "postgres", "-d", "hoss_core", "-c", &statement]);
    assert!(docker.envs(round.practice().environment()).output().unwrap().status.success());
    let said = round.banister(&["run", "update"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("practice is in use (deletes answered \"1\", expected \"0\")"), "{said:?}");
    assert_untouched(&round, "asked");
}

#[test]
fn what_runs_is_told_beside_what_is_checked_out() {
    let round = Round::new();
    let release = |said: &str| {
        let line = said.lines().find(|line| line.trim_start().starts_with("release"));
        line.map(|line| line.split_once("release").unwrap().1.trim().to_owned()).unwrap_or_default()
    };
    assert_eq!(release(&round.banister(&["status"]).out), "0.2.10");
    round.practice().switch("build", true).unwrap();
    let said = round.banister(&["run", "update", "--yes", "--to", "0.2.15"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let said = round.banister(&["status"]);
    assert_eq!(release(&said.out), "0.2.15 is checked out, 0.2.10 runs", "{said:?}");
    let said = round.banister(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    assert_eq!((&status[0]["release"], &status[0]["runs"]), (&"0.2.15".into(), &"0.2.10".into()), "{said:?}");
}

#[test]
fn a_request_within_the_last_minute_is_a_use() {
    let round = Round::new();
    let proxy = round.practice().endpoint();
    banister::internals::machine::http::Request::get(format!("{proxy}/core/v1/namespace")).send().unwrap();
    let said = round.banister(&["run", "update"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("practice is in use (requests printed \"1\")"), "{said:?}");
    assert_untouched(&round, "asked");
}

#[test]
fn an_update_waits_until_nobody_uses_the_server() {
    let round = Round::new();
    round.practice().switch("busy-queue", true).unwrap();
    let said = std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(Duration::from_millis(1500));
            assert_untouched(&round, "while it waits");
            round.practice().switch("busy-queue", false).unwrap();
        });
        round.banister(&["run", "update", "--yes", "--wait-idle", "60.seconds"])
    });
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(round.practice().discover().unwrap()["version"], "0.2.14");
}

/// The site's own update, in which `step` does something else.
fn with_step(round: &Round, step: &str, instead: &str) {
    let bundled = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks/update.rhai")).unwrap();
    let (before, rest) = bundled.split_once(step).unwrap();
    let (_, after) = rest.split_once('\n').unwrap();
    let folder = round.practice().dir().join("runbooks");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("update.rhai"), format!("{before}{instead}\n{after}")).unwrap();
}

#[test]
fn new_code_is_not_started_without_a_backup_unless_a_person_says_why() {
    let round = Round::new();
    with_step(&round, "back.backup = kind::back_up(", "");
    let said = round.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("there is no good one: none was taken"), "{said:?}");
    assert_eq!(round.practice().discover().unwrap()["version"], "0.2.10");
    let said = round.banister(&["resume", "--yes", "--answer", ""]);
    assert_eq!(said.code, Some(3), "an empty answer says nothing: {said:?}");
    assert_eq!(round.practice().discover().unwrap()["version"], "0.2.10");
    let said = round.banister(&["resume", "--yes", "--answer", "a copy of the disk is in the safe"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(round.practice().discover().unwrap()["version"], "0.2.14");
    let journal = round.journals().concat();
    assert!(journal.contains("a copy of the disk is in the safe"), "{journal}");
}

/// All archives that there are, by name.
fn archives(round: &Round) -> Vec<PathBuf> {
    let entries = fs::read_dir(round.practice().hoss().join("backup/backups")).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        paths.filter(|path| path.extension().is_some_and(|end| end == "gz")).collect();
    paths.sort();
    paths
}

#[test]
fn a_backup_that_was_damaged_since_is_found_before_new_code_is_started() {
    let round = Round::new();
    with_step(
        &round,
        "step \"Configure\" {",
        "    step \"Fail\" { server.run([\"test\", \"-e\", \"/tmp/../mended\"]); }",
    );
    let said = round.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let [archive] = &archives(&round)[..] else { panic!("more than one backup") };
    let mut bytes = fs::read(archive).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(archive, bytes).unwrap();
    with_step(&round, "step \"Configure\" {", "    step \"Fail\" { server.run([\"true\"]); }");
    let said = round.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("is damaged"), "{said:?}");
    assert_eq!(round.practice().discover().unwrap()["version"], "0.2.10");
}

fn kept_images(round: &Round) -> String {
    let mut command = std::process::Command::new(round.practice().dir().join("bin/docker"));
    let listed = command.arg("images").envs(round.practice().environment()).output().unwrap();
    assert!(listed.status.success(), "{listed:?}");
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed.lines().filter(|line| line.contains("banister-kept")).collect()
}

#[test]
fn going_back_builds_nothing_because_the_old_images_were_kept() {
    let round = Round::new();
    round.practice().switch("crash-loop", true).unwrap();
    let site = fs::read_to_string(round.practice().site()).unwrap();
    let quick = site.replace("within = \"20s\"", "within = \"3s\"");
    assert_ne!(quick, site);
    fs::write(round.practice().site(), quick).unwrap();
    let said = round.banister(&["run", "update", "--yes", "--to", "0.2.16"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    // Of every service, not only of those whose image has a version in its name.
    let kept = kept_images(&round);
    let services =
        ["auth", "core", "db", "dex", "etcd-0", "ldap", "minio", "opensearch", "reverse-proxy", "sync", "ui"];
    for service in services {
        assert!(kept.contains(&format!("banister-kept/practice-{service}")), "{service}: {kept}");
    }
    let builds = |round: &Round| {
        round.made().iter().filter(|(target, rc)| target.starts_with("build") && rc.is_none()).count()
    };
    assert_eq!(builds(&round), 1);
    // Not even their own names are needed.
    let mut command = std::process::Command::new(round.practice().dir().join("bin/docker"));
    command.args(["image", "rm", "hoss-ui:0.2.10"]).envs(round.practice().environment());
    assert!(command.output().unwrap().status.success());
    let said = round.banister(&["resume", "--rollback", "--yes"]);
    assert!(said.out.contains("was rolled back"), "{said:?}");
    assert_eq!(round.practice().discover().unwrap()["version"], "0.2.10");
    assert_eq!(builds(&round), 1, "the way back built");
    assert_eq!(kept_images(&round), "");
}

#[test]
fn a_healthy_update_lets_the_old_images_go() {
    let round = Round::new();
    let said = round.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(kept_images(&round), "");
}

/// A server whose users are held off by a file.
fn with_maintenance() -> (Round, PathBuf) {
    let round = Round::new();
    let flag = round.practice().dir().join("maintenance");
    let file = round.practice().site();
    let site = fs::read_to_string(&file).unwrap();
    let (touch, remove) = (format!("[\"touch\", {flag:?}]"), format!("[\"rm\", \"-f\", {flag:?}]"));
    let site = site.replace("within = \"20s\"", "within = \"4s\"");
    fs::write(&file, format!("{site}maintenance = {{ begin = {touch}, end = {remove} }}\n")).unwrap();
    (round, flag)
}

#[test]
fn users_are_held_off_until_the_new_release_is_healthy_or_the_old_one_is_back() {
    let (round, flag) = with_maintenance();
    let said = round.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!flag.exists(), "users are held off after an update");
    let journal = round.journals().concat();
    let of = |word: &str| {
        journal.find(&format!("\"arguments\":[\"{word}\",")).unwrap_or_else(|| panic!("{journal}"))
    };
    let up = journal.find("\"target\":\"up\"").unwrap();
    assert!(of("touch") < up && up < of("rm"), "{journal}");

    let (round, flag) = with_maintenance();
    round.practice().switch("crash-loop", true).unwrap();
    let said = round.banister(&["run", "update", "--yes", "--to", "0.2.16"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(flag.exists(), "users reach a server that is not healthy");
    let said = round.banister(&["resume", "--rollback", "--yes"]);
    assert!(said.out.contains("was rolled back"), "{said:?}");
    assert!(!flag.exists(), "users are held off after a way back");
    assert_eq!(round.practice().discover().unwrap()["version"], "0.2.10");
}

#[test]
fn what_no_copy_can_be_started_of_is_said_before_a_full_drill() {
    let round = Round::new();
    assert_eq!(round.banister(&["run", "backup", "--yes"]).code, Some(0));
    let mut docker = std::process::Command::new(round.practice().dir().join("bin/docker"));
    docker.args(["rm", "--force", "server_minio_1"]).envs(round.practice().environment());
    assert!(docker.output().unwrap().status.success());
    let said = round.banister(&["backup", "drill", "--full"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("its object store has no container on this server"), "{said:?}");
    assert!(said.err.contains("Drill it without --full"), "{said:?}");
    assert!(!said.out.contains("Unpack"), "{said:?}");
    let said = round.banister(&["backup", "drill"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn a_server_that_stood_still_for_its_backup_runs_again_also_if_the_backup_fails() {
    let round = Round::new();
    let said = round.banister(&["run", "backup", "--still", "true", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("users are locked out of practice"), "{said:?}");
    let all = round.practice().processes().len();
    round.practice().switch("disk-full", true).unwrap();
    let said = round.banister(&["run", "backup", "--still", "true", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(round.practice().processes().len(), all);
    assert_eq!(round.practice().discover().unwrap()["alive"], "true");
}

#[test]
fn an_update_removes_old_backups_at_its_end_if_the_site_says_which() {
    let round = Round::new();
    let file = round.practice().site();
    let site = fs::read_to_string(&file).unwrap();
    fs::write(&file, format!("{site}keep = {{ count = 2 }}\n")).unwrap();
    for label in ["one", "two"] {
        let said = round.banister(&["run", "backup", "--label", label, "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    let said = round.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let names =
        archives(&round).into_iter().map(|path| path.file_name().unwrap().to_str().unwrap().to_owned());
    let names: Vec<String> = names.collect();
    let [before, after] = names.as_slice() else { panic!("{names:?}") };
    assert!(before.contains("-before-0.2.14") && after.contains("-after-0.2.14"), "{names:?}");
}
