//! What goes wrong with the machine in the middle of a backup, a restore or a way back with data: a full disk, a service
//! that stops, a container that is gone. Each case ends by itself, or stops and says what is wrong and what to type; and
//! once that is mended, what was offered leads to the end of an undisturbed one.

use crate::support;
use crate::sweep::contents;
use crate::sweep::round;

use banister::internals::machine::archive::{self, About};
use banister::internals::machine::part::Part;
use banister::internals::practice::Reach;
use contents::{FAILS, assert_same, damage, only_backup, state};
use round::{Round, count, side_by_side};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use support::Said;
use support::chance;

/// What is done when it happens.
#[derive(Clone, Copy, PartialEq)]
enum Work {
    Backup,
    /// While what writes stands still.
    Still,
    Restore,
    /// Killed before data is put back, and resumed.
    Resumed,
    Back,
}

/// What happens.
#[derive(Clone, Copy)]
enum Fault {
    /// The container is stopped.
    Stopped(&'static str),
    /// The container is removed.
    Gone(&'static str),
    /// The disk with the server's settings, data and backups has so many KiB left.
    Full(u32),
    /// The same, of a server whose backups are on a disk of their own.
    NoRoomForFiles(u32),
    /// The same of the disk with the volumes.
    NoRoomForVolumes(u32),
}

/// How it ends.
#[derive(Clone, Copy)]
enum End {
    /// The work gets through.
    Done,
    /// It stops, and the error has these words.
    Stops(&'static [&'static str]),
}

use End::{Done, Stops};
use Fault::{Full, Gone, NoRoomForFiles, NoRoomForVolumes, Stopped};
use Work::{Back, Backup, Restore, Resumed, Still};

struct Case {
    work: Work,
    fault: Fault,
    /// It happens just before the first call of `docker` that has these words; without any, before the work is begun.
    at: &'static str,
    /// The same for people.
    when: &'static str,
    end: End,
}

const fn case(work: Work, fault: Fault, at: &'static str, when: &'static str, end: End) -> Case {
    Case { work, fault, at, when, end }
}

/// A call that reaches the volume in this way.
macro_rules! volume {
    ($name:literal, $entry:literal) => {
        concat!("--volume server_", $name, " --entrypoint ", $entry)
    };
}

const DB: &str = "server_db_1";
const SEARCH: &str = "server_opensearch_1";
const LDAP: &str = "server_ldap_1";
const AUTH: &str = "server_auth_1";

#[rustfmt::skip]
const SERVICES: &[Case] = &[
    case(Backup, Stopped(DB), "", "the beginning", Stops(&["`server_db_1` does not run: it is exited", "docker logs server_db_1"])),
    case(Backup, Gone(DB), "", "the beginning", Stops(&["there is no container of the service `db`"])),
    case(Backup, Stopped(DB), "pg_dump -U \"${POSTGRES_USER:-postgres}\" -Fc hoss_auth", "the second dump", Stops(&["`server_db_1` does not run: it is exited", "db/postgres-hoss_auth-backup.dump"])),
    case(Backup, Stopped(DB), "exec pg_restore -f -", "counting rows", Stops(&["`server_db_1` does not run: it is exited", "is not running"])),
    case(Backup, Gone(AUTH), "", "the beginning", Stops(&["no container mounts the volume `server_auth-secrets`"])),
    case(Backup, Gone(LDAP), "", "the beginning", Stops(&["no container mounts the volume `server_ldap-vol0`"])),
    case(Backup, Stopped(LDAP), "slapcat", "listing LDAP", Stops(&["docker exec server_ldap_1 slapcat", "is not running"])),
    case(Backup, Gone(SEARCH), "", "the beginning", Stops(&["there is no container of the service `opensearch`"])),
    case(Backup, Stopped(SEARCH), "port ", "the snapshot", Stops(&["`server_opensearch_1` does not run: it is exited"])),
    case(Still, Stopped(DB), "exec pg_restore -f -", "counting rows", Stops(&["`server_db_1` does not run: it is exited", "is not running"])),
    case(Restore, Gone(DB), "", "the beginning", Done),
    case(Restore, Stopped(DB), "exec psql", "asking for databases", Stops(&["`server_db_1` does not run: it is exited"])),
    case(Restore, Stopped(DB), "pg_restore -U", "loading a dump", Stops(&["`server_db_1` does not run: it is exited", "is not running"])),
    case(Restore, Gone(AUTH), volume!("auth-secrets:/volume", "sh"), "the volume of auth", Done),
    case(Restore, Stopped(SEARCH), "port ", "the search index", Stops(&["`server_opensearch_1` does not run: it is exited"])),
    case(Resumed, Gone(DB), "", "crashed half-way", Stops(&["there is no container of the service `db`"])),
    case(Resumed, Gone(SEARCH), "", "crashed half-way", Stops(&["there is no container of the service `opensearch`"])),
    case(Back, Stopped(DB), "", "the beginning", Stops(&["server_db_1"])),
    case(Back, Gone(DB), "pg_restore -U", "loading a dump", Stops(&["there is no container of the service `db`"])),
    case(Back, Stopped(SEARCH), "port ", "the search index", Stops(&["`server_opensearch_1` does not run: it is exited"])),
];

#[rustfmt::skip]
const DISKS: &[Case] = &[
    case(Backup, Full(0), "", "the beginning", Stops(&["a backup needs up to", "make room"])),
    case(Backup, Full(0), "pg_dump -U \"${POSTGRES_USER:-postgres}\" -Fc hoss_core", "the first dump", Stops(&["db/postgres-hoss_core-backup.dump", "No space left on device"])),
    case(Backup, Full(0), "pg_dump -U \"${POSTGRES_USER:-postgres}\" -Fc hoss_auth", "the second dump", Stops(&["db/postgres-hoss_auth-backup.dump", "No space left on device"])),
    case(Backup, Full(0), volume!("auth-secrets:/volume:ro", "tar"), "the volume of auth", Stops(&["volumes/auth", "No space left on device"])),
    case(Backup, Full(0), "port ", "the snapshot", Stops(&["_snapshot", "No space left on device"])),
    case(Backup, Full(72), "port ", "writing the archive", Stops(&["the archive `", "No space left on device"])),
    case(Still, Full(0), "pg_dump -U \"${POSTGRES_USER:-postgres}\" -Fc hoss_core", "the first dump", Stops(&["No space left on device"])),
    case(Restore, Full(0), "", "the beginning", Stops(&["there is room for", "make room"])),
    case(Restore, Full(140), "", "unpacking", Stops(&["No space left on device"])),
    case(Restore, NoRoomForFiles(0), "stop server_", "files", Stops(&["can't be restored", "its disk has 0 B left", "make room on that disk"])),
    case(Restore, Full(0), "pg_restore -U", "loading a dump", Stops(&["No space left on device"])),
    case(Restore, NoRoomForVolumes(0), volume!("auth-secrets:/volume", "sh"), "the volume of auth", Stops(&["auth-secrets", "No space left on device"])),
    case(Restore, Full(0), "port ", "the search index", Stops(&["No space left on device"])),
    case(Back, Full(0), "", "the beginning", Stops(&["`make config` ended with status 2", "No space left on device"])),
    case(Back, Full(0), "exec psql", "unpacking", Stops(&["there is room for", "make room"])),
    case(Back, Full(0), "pg_restore -U", "loading a dump", Stops(&["No space left on device"])),
    case(Back, Full(0), "port ", "the search index", Stops(&["No space left on device"])),
];

impl Fault {
    fn name(self) -> String {
        match self {
            Stopped(container) => format!("{container} stopped"),
            Gone(container) => format!("{container} gone"),
            Full(0) => "disk full".into(),
            Full(left) => format!("disk full but for {left}K"),
            NoRoomForFiles(_) => "disk full, but of backups".into(),
            NoRoomForVolumes(_) => "disk of volumes full".into(),
        }
    }

    fn is_of_a_disk(self) -> bool {
        matches!(self, Full(_) | NoRoomForFiles(_) | NoRoomForVolumes(_))
    }
}

/// A server, and what has to be true of it again in the end.
struct Scene<'a> {
    case: &'a Case,
    round: Round,
    before: Vec<String>,
    /// The backup that there was.
    earlier: String,
    mounts: Vec<PathBuf>,
}

impl Drop for Scene<'_> {
    fn drop(&mut self) {
        for mount in self.mounts.iter().rev() {
            // Whoever still uses it keeps it until it ends, with the practice server.
            let _ = Command::new("umount").arg("--lazy").arg(mount).status();
        }
    }
}

impl Scene<'_> {
    /// A server with a backup: to be backed up again, damaged, or after an update that failed.
    fn new(case: &Case) -> Scene<'_> {
        let round = Round::new();
        // What is not healthy by then does not become so.
        round.set("within = \"20s\"", "within = \"5s\"");
        let mut scene = Scene { case, round, before: Vec::new(), earlier: String::new(), mounts: Vec::new() };
        if case.fault.is_of_a_disk() {
            let hoss = scene.round.practice().hoss();
            scene.docker(&["stop", DB, SEARCH]);
            scene.mount(&hoss);
            scene.docker(&["start", DB, SEARCH]);
            if let NoRoomForFiles(_) = case.fault {
                scene.mount(&hoss.join("backup/backups"));
            }
            scene.mount(&scene.round.practice().dir().join("volumes"));
            scene.await_database();
            scene.round.practice().wait_for("0.2.10").unwrap();
        }
        scene.before = state(&scene.round);
        if case.work == Back {
            let runbooks = scene.round.practice().dir().join("runbooks");
            fs::create_dir(&runbooks).unwrap();
            fs::write(runbooks.join("fails.rhai"), FAILS).unwrap();
            let said = scene.round.banister(&["run", "fails", "--yes"]);
            assert_eq!(said.code, Some(1), "{said:?}");
            assert!(said.err.contains("it is not liked"), "{said:?}");
        } else {
            let said = scene.round.banister(&["run", "backup", "--yes", "--label", "earlier"]);
            assert_eq!(said.code, Some(0), "{said:?}");
        }
        scene.earlier = only_backup(&scene.round);
        if [Restore, Resumed].contains(&case.work) {
            damage(&scene.round);
        }
        scene
    }

    /// Puts a folder on a small disk of its own.
    fn mount(&mut self, folder: &Path) {
        let aside = folder.with_file_name("aside");
        fs::create_dir_all(folder).unwrap();
        fs::rename(folder, &aside).unwrap();
        fs::create_dir(folder).unwrap();
        let disk = ["-t", "tmpfs", "-o", "size=2m,mode=755", "tmpfs"];
        assert!(Command::new("mount").args(disk).arg(folder).status().unwrap().success());
        self.mounts.push(folder.to_owned());
        let both = [aside.join("."), folder.to_owned()];
        assert!(Command::new("cp").arg("-a").args(both).status().unwrap().success());
        fs::remove_dir_all(aside).unwrap();
    }

    fn by_hand(&self, program: &str, arguments: &[&str]) {
        let practice = self.round.practice();
        let mut command = Command::new(practice.dir().join("bin").join(program));
        command.args(arguments).current_dir(practice.checkout().join("server"));
        command.envs(practice.environment()).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().unwrap().success(), "{program} {arguments:?}");
    }

    fn docker(&self, arguments: &[&str]) {
        self.by_hand("docker", arguments);
    }

    fn disk(&self) -> PathBuf {
        match self.case.fault {
            NoRoomForVolumes(_) => self.round.practice().dir().join("volumes"),
            _ => self.round.practice().hoss(),
        }
    }

    /// What makes it happen, for a shell.
    fn script(&self) -> String {
        let docker = self.round.practice().dir().join("bin/practice-docker");
        match self.case.fault {
            Stopped(container) => format!("{} stop {container}", docker.display()),
            Gone(container) => format!("{0} stop {container} && {0} rm {container}", docker.display()),
            Full(left) | NoRoomForFiles(left) | NoRoomForVolumes(left) => format!(
                "cd {} && dd if=/dev/zero of=data.filler bs=4096 2>/dev/null; truncate -s -{left}K data.filler",
                self.disk().display()
            ),
        }
    }

    /// Lets it happen now, or at its call of `docker`.
    fn strike(&self) {
        let bin = self.round.practice().dir().join("bin");
        fs::rename(bin.join("docker"), bin.join("practice-docker")).unwrap();
        let (docker, here, gone) = (bin.join("practice-docker"), bin.join("strike"), bin.join("has-struck"));
        fs::write(&here, self.script()).unwrap();
        let at = self.case.at.replace('\'', "'\\''");
        let text = format!(
            "#!/bin/sh\ncase \"$*\" in *'{at}'*) mv {} {} 2>/dev/null && sh {1} >/dev/null;; esac\nexec {} \"$@\"\n",
            here.display(),
            gone.display(),
            docker.display()
        );
        let both = bin.join("both");
        fs::write(&both, text).unwrap();
        fs::set_permissions(&both, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        // At once: no call finds it half written.
        fs::rename(both, bin.join("docker")).unwrap();
        if self.case.at.is_empty() {
            self.docker(&["ps"]);
        }
    }

    fn has_struck(&self) -> bool {
        self.round.practice().dir().join("bin/has-struck").exists()
    }

    /// A person does what the error asks for.
    fn mend(&self) {
        match self.case.fault {
            Stopped(container) => self.docker(&["start", container]),
            Gone(_) => self.by_hand("make", &["up", "DETACH=true"]),
            Full(_) | NoRoomForFiles(_) | NoRoomForVolumes(_) => {
                fs::remove_file(self.disk().join("data.filler")).unwrap();
                // A database that could not write must be started again.
                self.docker(&["restart", DB]);
            }
        }
        self.await_database();
    }

    /// A person looks whether it answers.
    fn await_database(&self) {
        let practice = self.round.practice();
        let answers = || {
            let mut docker = Command::new(practice.dir().join("bin/docker"));
            docker.args(["exec", DB, "psql", "-U", "postgres", "-d", "hoss_core", "-c", "SELECT 1"]);
            docker.envs(practice.environment()).stdout(Stdio::null()).stderr(Stdio::null());
            docker.status().unwrap().success()
        };
        let end = Instant::now() + Duration::from_secs(60);
        while !answers() {
            assert!(Instant::now() < end, "the database does not come back");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn works(&self) -> Said {
        match self.case.work {
            Backup => self.round.banister(&["run", "backup", "--yes"]),
            Still => self.round.banister(&["run", "backup", "--still", "true", "--yes"]),
            Restore => self.round.banister(&["backup", "restore", &self.earlier, "--yes"]),
            Resumed => self.round.banister(&["resume", "--yes"]),
            Back => self.round.banister(&["resume", "--rollback", "--yes"]),
        }
    }

    /// Everything beside the server's state that must not be left.
    fn leftovers(&self) -> Vec<String> {
        let practice = self.round.practice();
        let names = |folder: PathBuf| -> Vec<String> {
            let entries = fs::read_dir(folder).into_iter().flatten();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
        };
        let mut left = names(practice.hoss().join("data/opensearch"));
        left.retain(|name| name != "metadata-index.json");
        left.extend(names(practice.hoss().join("backup/.opensearch")));
        let backups = names(practice.hoss().join("backup/backups"));
        left.extend(backups.into_iter().filter(|name| name.starts_with('.')));
        let mut databases = Command::new(practice.dir().join("bin/docker"));
        databases.args([
            "exec",
            DB,
            "psql",
            "-At",
            "-U",
            "postgres",
            "-c",
            "SELECT datname FROM pg_database",
        ]);
        let databases = databases.envs(practice.environment()).output().unwrap();
        let databases = String::from_utf8(databases.stdout).unwrap();
        let known = ["postgres", "hoss_core", "hoss_auth"];
        left.extend(databases.lines().filter(|name| !known.contains(name)).map(str::to_owned));
        left
    }

    /// The backups that there are, each of which is whole.
    fn backups(&self) -> BTreeSet<String> {
        let folder = self.round.practice().hoss().join("backup/backups");
        let names = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name());
        let names = names.map(|name| name.into_string().unwrap());
        let names: BTreeSet<String> =
            names.filter(|name| name.ends_with(".tar.gz") && !name.starts_with('.')).collect();
        for name in &names {
            archive::verify(&folder.join(name)).unwrap_or_else(|failure| panic!("{name}: {failure}"));
        }
        names
    }

    /// What a backup is of.
    fn parts(&self, name: &str) -> Vec<Part> {
        let file = self.round.practice().hoss().join("backup/backups").join(name);
        let About { mut parts, .. } = archive::verify(&file).unwrap().about;
        for part in &mut parts {
            if let Part::Search { snapshot, .. } = part {
                snapshot.clear();
            }
        }
        parts
    }

    /// The end of an undisturbed one.
    fn is_well(&self, said: &Said) {
        assert_eq!(said.code, Some(0), "{said:?}");
        self.round.practice().wait_for("0.2.10").unwrap();
        assert_same(&state(&self.round), &self.before, "in the end");
        assert_eq!(self.leftovers(), [""; 0], "{said:?}");
        let backups = self.backups();
        assert!(backups.contains(&self.earlier), "{backups:?}");
        if [Backup, Still].contains(&self.case.work) {
            assert_eq!(backups.len(), 2, "{backups:?}");
            let made = backups.iter().find(|name| **name != self.earlier).unwrap();
            assert_eq!(self.parts(made), self.parts(&self.earlier));
        } else {
            assert_eq!(backups.len(), 1, "{backups:?}");
        }
    }

    /// It says what is wrong and what to type, and nothing is lost.
    fn stops(&self, said: &Said, words: &[&str]) -> String {
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(self.has_struck(), "{said:?}");
        let error =
            said.err.lines().find(|line| line.starts_with("error: ")).unwrap_or_else(|| panic!("{said:?}"));
        for word in words {
            assert!(said.err.contains(word), "`{word}` is not in {said:?}");
        }
        assert_eq!(self.backups(), BTreeSet::from([self.earlier.clone()]));
        let folder = self.round.practice().hoss().join("backup/backups");
        let parts = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
        let parts: Vec<PathBuf> =
            parts.filter(|path| path.extension().is_some_and(|end| end == "part")).collect();
        assert!(parts.is_empty(), "{parts:?}");
        error.strip_prefix("error: ").unwrap().to_owned()
    }

    /// Types what was offered, where it was offered, and says yes.
    fn goes_on(&self, said: &Said) -> Said {
        let next = said.out.lines().last().and_then(|line| line.strip_prefix("next:  "));
        let next = next.unwrap_or_else(|| panic!("nothing to type: {said:?}"));
        // A restore says of no other way back, and what writes was started again after a still backup: that begins anew.
        assert!(!next.contains("--rollback"), "{said:?}");
        assert_eq!(next.starts_with("banister resume "), self.case.work != Still, "{said:?}");
        let words = next.strip_prefix("banister ").unwrap().split(' ');
        let typed: Vec<&str> = words.chain(["--yes"]).collect();
        // The site is named by `Round`, too.
        let site = typed.iter().position(|word| *word == "--site").unwrap();
        self.round.banister(&[&typed[..site], &typed[site + 2..]].concat())
    }
}

/// The record after which data is put back, of an undisturbed restore.
fn half_way() -> usize {
    let round = Round::new();
    assert_eq!(round.banister(&["run", "backup", "--yes"]).code, Some(0));
    let backup = only_backup(&round);
    let said = round.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let journal = round.journals().pop().unwrap();
    let puts = |line: &str| line.contains("\"put_back\"") && line.contains("\"databases\"");
    journal.lines().position(puts).unwrap()
}

/// What became of it: how the work ended, and what it said.
fn try_out(case: &Case, half_way: usize) -> [String; 2] {
    let scene = Scene::new(case);
    if case.work == Resumed {
        let crashed =
            scene.round.crash(&["backup", "restore", &scene.earlier, "--yes"], &format!("after {half_way}"));
        assert_eq!(crashed.code, Some(-9), "{crashed:?}");
    }
    scene.strike();
    let said = scene.works();
    let Stops(words) = case.end else {
        assert!(scene.has_struck(), "{said:?}");
        scene.is_well(&said);
        return ["done".into(), String::new()];
    };
    let error = scene.stops(&said, words);
    scene.mend();
    scene.is_well(&scene.goes_on(&said));
    ["stop, then done".into(), error]
}

fn all(cases: &[Case]) {
    let indices: Vec<usize> = chance::part((0..cases.len()).collect(), 4);
    let half_way = if indices.iter().any(|index| cases[*index].work == Resumed) { half_way() } else { 0 };
    let rows = Mutex::new(vec![None; cases.len()]);
    side_by_side(&indices, |index| {
        let ended = std::panic::catch_unwind(|| try_out(&cases[*index], half_way));
        rows.lock().unwrap()[*index] = ended.ok();
    });
    let rows = rows.into_inner().unwrap();
    let line = |cells: [&str; 5]| {
        format!("{:<9} {:<28} {:<22} {:<16} {}", cells[0], cells[1], cells[2], cells[3], cells[4])
    };
    let mut table = vec![line(["WORK", "FAULT", "AT", "END", "SAID"])];
    for index in &indices {
        let case = &cases[*index];
        let work = match case.work {
            Backup => "backup",
            Still => "still",
            Restore => "restore",
            Resumed => "resume",
            Back => "rollback",
        };
        let [end, said] = rows[*index].clone().unwrap_or(["FAILED".into(), String::new()]);
        table.push(line([work, &case.fault.name(), case.when, &end, &said]));
    }
    count(&table.join("\n"));
    assert!(indices.iter().all(|index| rows[*index].is_some()), "see the first panic above");
}

#[test]
fn a_service_that_is_down_or_gone_stops_the_work_clearly_and_once_it_is_back_resume_ends_it() {
    all(SERVICES);
}

#[test]
fn a_copy_that_was_cut_off_when_it_had_its_name_is_not_made_twice() {
    let round = Round::new();
    assert_eq!(round.banister(&["run", "backup", "--yes"]).code, Some(0));
    let (before, backup) = (state(&round), only_backup(&round));
    let hoss = round.practice().hoss();
    let said = round.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let journal = round.journals().pop().unwrap();
    let puts = |line: &str| line.contains("\"put_back\"") && line.contains("\"files\"");
    let begins = journal.lines().position(puts).unwrap();
    // Killed when the copy from another file system had its name, and the original was not removed yet.
    let said = round.crash(&["backup", "restore", &backup, "--yes"], &format!("after {begins}"));
    assert_eq!(said.code, Some(-9), "{said:?}");
    let entries = fs::read_dir(hoss.join("backup/backups")).unwrap().map(|entry| entry.unwrap().path());
    let is_unpacked = |path: &PathBuf| {
        path.is_dir() && path.file_name().unwrap().to_str().unwrap().starts_with(".restore-")
    };
    let names = entries.filter(is_unpacked);
    let [unpacked] = names.collect::<Vec<_>>().try_into().unwrap();
    let id = unpacked.to_str().unwrap().rsplit_once('-').unwrap().1.to_owned();
    let both = [unpacked.join("content/config/ui"), hoss.join(format!(".ui.new.{id}"))];
    assert!(Command::new("cp").arg("-a").args(both).status().unwrap().success());
    // And once more when all was in its place, but that was not written down.
    let said = round.crash(&["resume", "--yes"], &format!("before {}", begins + 2));
    assert_eq!(said.code, Some(-9), "{said:?}");
    let said = round.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_same(&state(&round), &before, "resumed");
}

#[test]
fn a_snapshot_of_the_old_index_that_failed_is_taken_anew() {
    let round = Round::new();
    assert_eq!(round.banister(&["run", "backup", "--yes"]).code, Some(0));
    let before = state(&round);
    damage(&round);
    round.practice().switch_for("snapshot-failed", Reach::Always).unwrap();
    let said = round.banister(&["backup", "restore", &only_backup(&round), "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("the snapshot `before` ended as FAILED"), "{said:?}");
    round.practice().switch("snapshot-failed", false).unwrap();
    let said = round.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_same(&state(&round), &before, "resumed");
}

const INSIDE: &str = "BANISTER_TEST_MOUNTS";

#[test]
fn a_disk_that_is_full_stops_the_work_clearly_and_once_there_is_room_resume_ends_it() {
    if std::env::var_os(INSIDE).is_some() {
        return all(DISKS);
    }
    let mount = ["--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"];
    let can = Command::new("unshare").args(mount).stderr(Stdio::null()).status();
    if !can.is_ok_and(|status| status.success()) {
        count(
            "SKIPPED: no full disk was tried, because a small tmpfs can't be mounted; run this test as root",
        );
        return;
    }
    // In a place of its own, what is mounted is gone with its last process, however that ends.
    let name =
        "machine_faults::a_disk_that_is_full_stops_the_work_clearly_and_once_there_is_room_resume_ends_it";
    let mut again = Command::new("unshare");
    again.arg("--mount").arg(std::env::current_exe().unwrap()).args(["--exact", name, "--nocapture"]);
    assert!(again.env(INSIDE, "yes").status().unwrap().success(), "see above");
}
