//! SQLite databases in backups: whole although they are written to, named where they may not be, looked through by a
//! drill, and put back without the log of another time.

use crate::support;

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::World;

const SITE: &str = "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\nbackup = [\"~/data\"]\n\
                    health = [{ command = [\"true\"] }]\nhealthy = { stable = \"10ms\" }\ntargets = { start = \"\", stop = \"stop\" }\n";

/// Moves one from here to there, again and again: the sum of both tables never changes, and both have as many rows.
const WRITER: &str = "
import sqlite3, sys
base = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=60)
base.execute('PRAGMA journal_mode=' + sys.argv[2])
base.execute('PRAGMA synchronous=OFF')
n = base.execute('SELECT count(*) FROM one').fetchone()[0]
while True:
    base.execute('BEGIN IMMEDIATE')
    base.execute('INSERT INTO one VALUES (?, ?)', (n, 'x' * 300))
    base.execute('UPDATE sums SET one = one + 1')
    base.execute('INSERT INTO two VALUES (?, ?)', (n, 'y' * 300))
    base.execute('UPDATE sums SET two = two + 1')
    if n > 400:
        base.execute('DELETE FROM one WHERE n < ?', (n - 300,))
        base.execute('DELETE FROM two WHERE n < ?', (n - 300,))
    base.execute('COMMIT')
    n += 1
    if n % 40 == 0 and sys.argv[2] == 'WAL':
        base.execute('PRAGMA wal_checkpoint(' + ['TRUNCATE', 'PASSIVE', 'RESTART'][n // 40 % 3] + ')')
";

/// Says of a copy whether it is whole, and whether both tables are equal; the last row.
const READER: &str = "
import sqlite3, sys
base = sqlite3.connect(sys.argv[1], timeout=20)
print(base.execute('PRAGMA integrity_check').fetchone()[0])
sums = base.execute('SELECT one, two FROM sums').fetchone()
counts = [base.execute('SELECT count(*), max(n) FROM ' + name).fetchone() for name in ('one', 'two')]
print('equal' if sums[0] == sums[1] and counts[0] == counts[1] else (sums, counts))
print(counts[0][1])
";

const MAKE: &str = "
import sqlite3, sys
base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.execute('PRAGMA journal_mode=' + sys.argv[2])
base.executescript('CREATE TABLE one (n, text); CREATE TABLE two (n, text); CREATE TABLE sums (one, two);'
                   'INSERT INTO sums VALUES (0, 0); INSERT INTO one VALUES (0, 0); INSERT INTO two VALUES (0, 0);')
";

fn world() -> World {
    let world = World::new();
    world.write("site.toml", SITE);
    fs::create_dir_all(world.path().join("data")).unwrap();
    world
}

fn python(program: &str, path: &Path, more: &[&str]) -> Command {
    let mut command = Command::new(support::python::python());
    command.args(["-c", program]).arg(path).args(more).stdin(Stdio::null());
    command
}

fn make(path: &Path, mode: &str) {
    assert!(python(MAKE, path, &[mode]).stdout(Stdio::null()).status().unwrap().success());
}

fn read(path: &Path) -> Vec<String> {
    let output = python(READER, path, &[]).output().unwrap();
    let lines = |bytes| String::from_utf8(bytes).unwrap().lines().map(str::to_owned).collect::<Vec<_>>();
    [lines(output.stdout), lines(output.stderr)].concat()
}

/// A program that writes without a pause, killed in the end.
struct Writer(Child);

impl Writer {
    fn start(path: &Path, mode: &str) -> Writer {
        let writer = Writer(python(WRITER, path, &[mode]).stdout(Stdio::null()).spawn().unwrap());
        let until = Instant::now() + Duration::from_secs(30);
        let begun = fs::metadata(path).unwrap().len();
        let log = path.with_file_name(format!("{}-wal", path.file_name().unwrap().to_string_lossy()));
        while fs::metadata(path).unwrap().len() == begun && !log.exists() {
            assert!(Instant::now() < until, "nobody writes");
            std::thread::sleep(Duration::from_millis(5));
        }
        writer
    }

    fn is_there(&mut self) -> bool {
        self.0.try_wait().unwrap().is_none()
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn back_up(world: &World) -> PathBuf {
    let said = world.banister(&["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let mut names: Vec<PathBuf> = fs::read_dir(world.path().join("kept"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "zst"))
        .collect();
    names.sort_by_cached_key(|path| path.metadata().unwrap().modified().unwrap());
    names.pop().unwrap()
}

fn card(world: &World) -> serde_json::Value {
    let cards: serde_json::Value =
        serde_json::from_str(&world.banister(&["backup", "list", "--json"]).out).unwrap();
    cards[0].clone()
}

fn unpacked(archive: &Path) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let status = Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(folder.path()).status().unwrap();
    assert!(status.success());
    folder
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// How often; all hundred of them with `BANISTER_TEST_BACKUPS=100`.
fn rounds() -> usize {
    std::env::var("BANISTER_TEST_BACKUPS").ok().and_then(|count| count.parse().ok()).unwrap_or(6)
}

/// A copy of the file alone, or of file and log one after the other, was damaged in 12 and 17 of 30 tries.
fn written_to(mode: &str) {
    let world = world();
    let live = world.path().join("data/app.db");
    make(&live, mode);
    let mut writer = Writer::start(&live, mode);
    let mut last = String::new();
    for round in 0..rounds() {
        let archive = back_up(&world);
        let card = card(&world);
        assert_eq!(card["changed"], serde_json::json!([]), "{mode}, round {round}");
        assert_eq!(card["unheld"], serde_json::Value::Array(Vec::new()), "{mode}, round {round}");
        let copy = unpacked(&archive);
        let said = read(&copy.path().join("home/data/app.db"));
        assert_eq!(said[..2], ["ok", "equal"], "{mode}, round {round}: {said:?}");
        assert_ne!(said[2], last, "the writer is not heard of");
        last = said[2].clone();
        fs::remove_file(&archive).unwrap();
        assert!(writer.is_there(), "the writer gave up in {mode}, round {round}");
    }
}

#[test]
fn a_database_with_a_log_that_is_written_to_without_a_pause_is_whole_in_each_backup() {
    written_to("WAL");
}

#[test]
fn a_database_with_a_rollback_journal_that_is_written_to_without_a_pause_is_whole_in_each_backup() {
    written_to("DELETE");
}

#[test]
fn databases_that_nobody_uses_are_copied_byte_for_byte_and_nothing_is_made_beside_them() {
    let world = world();
    let data = world.path().join("data");
    make(&data.join("journal.db"), "DELETE");
    make(&data.join("log.db"), "WAL");
    make(&data.join("odd\nname.db"), "DELETE");
    fs::write(data.join("empty.db"), "").unwrap();
    let before = names(&data);
    let files: Vec<Vec<u8>> = before.iter().map(|name| fs::read(data.join(name)).unwrap()).collect();
    let archive = back_up(&world);
    let copy = unpacked(&archive);
    assert_eq!(names(&copy.path().join("home/data")), before);
    assert_eq!(names(&data), before);
    for (name, was) in before.iter().zip(&files) {
        assert!(fs::read(copy.path().join("home/data").join(name)).unwrap() == *was, "{name}");
        assert!(fs::read(data.join(name)).unwrap() == *was, "{name}");
    }
    assert_eq!(card(&world)["unheld"], serde_json::json!([]));
    let said = world.banister(&["backup", "drill", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(card(&world)["level"], "drilled");
}

#[test]
fn a_database_that_sqlite_can_not_hold_is_copied_and_named_with_the_reason() {
    let world = world();
    let data = world.path().join("data");
    // A transaction of a program that was killed: only that program may take it back.
    let cut = "
import os, sqlite3, sys
base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.execute('PRAGMA cache_size=1')
base.execute('CREATE TABLE big (text)')
base.execute('BEGIN')
for n in range(200): base.execute('INSERT INTO big VALUES (?)', ('z' * 1000,))
os.kill(os.getpid(), 9)
";
    make(&data.join("cut.db"), "DELETE");
    python(cut, &data.join("cut.db"), &[]).status().unwrap();
    assert!(data.join("cut.db-journal").exists());
    let odd: Vec<u8> = (0..8192u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fs::write(data.join("secret.db"), [b"SQLite format 3\0", &odd[..]].concat()).unwrap();
    fs::write(data.join("hidden.db"), &odd).unwrap();
    let lock = "
import sqlite3, sys, time
base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.execute('BEGIN EXCLUSIVE')
open(sys.argv[2], 'w')
time.sleep(600)
";
    make(&data.join("locked.db"), "DELETE");
    let locked = world.path().join("locked");
    let keeper = python(lock, &data.join("locked.db"), &[locked.to_str().unwrap()]).spawn().unwrap();
    let keeper = Writer(keeper);
    let own = "
import sqlite3, sys, time
base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.execute('PRAGMA locking_mode=EXCLUSIVE')
base.execute('PRAGMA journal_mode=WAL')
base.execute('CREATE TABLE more (text)')
open(sys.argv[2], 'w')
time.sleep(600)
";
    let kept = world.path().join("kept-for-itself");
    make(&data.join("own.db"), "DELETE");
    let owner = Writer(python(own, &data.join("own.db"), &[kept.to_str().unwrap()]).spawn().unwrap());
    while !locked.exists() || !kept.exists() {
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!data.join("own.db-shm").exists());
    let said = world.banister(&["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    drop((keeper, owner));
    let expected = [
        "`home/data/cut.db` (a transaction in it was cut off)",
        "`home/data/locked.db` (another program keeps it locked)",
        "`home/data/own.db` (a program keeps it for itself, with `locking_mode = EXCLUSIVE`)",
        "`home/data/secret.db` (SQLite can't read it; it may be encrypted)",
    ];
    assert_eq!(card(&world)["unheld"], serde_json::json!(expected));
    let told = format!(
        "4 databases were not copied by SQLite: {}, …; they may be inconsistent if they were in use",
        expected[..3].join(", ")
    );
    assert!(said.out.contains(&told), "{said:?}");
    let list = world.banister(&["backup", "list"]).out;
    assert!(list.contains("verified, 4 not copied by SQLite"), "{list}");
    let verified = world.banister(&["backup", "verify"]);
    assert!(verified.out.contains(&format!("when it was taken, {told}")), "{verified:?}");
    let name = card(&world)["name"].as_str().unwrap().to_owned();
    let asked = world.banister(&["backup", "restore", &name]);
    assert!(asked.err.contains(&told), "{asked:?}");
    // What was cut off is in the backup as it was, and whoever opens it takes it back.
    let copy = unpacked(&world.path().join("kept").join(&name));
    let said = read(&copy.path().join("home/data/cut.db"));
    assert_eq!(said[..2], ["ok", "equal"], "{said:?}");
}

/// An integrity check of the file alone says that all is well.
#[test]
fn a_database_that_is_named_itself_is_backed_up_and_restored_with_its_log_and_without_that_of_another_time() {
    let world = world();
    world.write("site.toml", &SITE.replace("~/data", "~/data/app.db"));
    let live = world.path().join("data/app.db");
    make(&live, "WAL");
    let writer = Writer::start(&live, "WAL");
    std::thread::sleep(Duration::from_millis(100));
    back_up(&world);
    let name = card(&world)["name"].as_str().unwrap().to_owned();
    let copy = unpacked(&world.path().join("kept").join(&name));
    let was = read(&copy.path().join("home/data/app.db"));
    assert_eq!(was[..2], ["ok", "equal"], "{was:?}");
    while read(&live)[2] == was[2] {
        std::thread::sleep(Duration::from_millis(10));
    }
    drop(writer);
    // The log of another time, and what a killed program left.
    let writer = Writer::start(&live, "WAL");
    std::thread::sleep(Duration::from_millis(100));
    drop(writer);
    fs::write(world.path().join("data/app.db-journal"), "stale").unwrap();
    let said = world.banister(&["backup", "restore", &name, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(read(&live), was);
    let left = names(&world.path().join("data"));
    assert!(left.iter().all(|name| name.starts_with("app.db")), "{left:?}");
    assert!(!left.contains(&"app.db-journal".to_owned()), "{left:?}");
}

#[test]
fn what_belongs_to_a_database_stays_with_it_whatever_a_pattern_says_of_its_name() {
    let world = world();
    world.write("site.toml", &format!("{SITE}exclude = [\"*-wal\", \"cache.db\"]\n"));
    let data = world.path().join("data");
    make(&data.join("app.db"), "WAL");
    make(&data.join("cache.db"), "WAL");
    let writers = [Writer::start(&data.join("app.db"), "WAL"), Writer::start(&data.join("cache.db"), "WAL")];
    std::thread::sleep(Duration::from_millis(100));
    let archive = back_up(&world);
    drop(writers);
    let copy = unpacked(&archive);
    assert!(names(&copy.path().join("home/data")).iter().all(|name| name.starts_with("app.db")));
    let was = read(&copy.path().join("home/data/app.db"));
    assert_eq!(was[..2], ["ok", "equal"], "{was:?}");
    let cache = fs::read(data.join("cache.db-wal")).unwrap();
    let name = archive.file_name().unwrap().to_str().unwrap().to_owned();
    let said = world.banister(&["backup", "restore", &name, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(read(&data.join("app.db")), was);
    assert!(fs::read(data.join("cache.db-wal")).unwrap() == cache);
}

#[test]
fn a_drill_names_the_database_that_is_damaged() {
    let world = world();
    let path = world.path().join("data/sub/app.db");
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    make(&path, "DELETE");
    let writer = Writer::start(&path, "DELETE");
    std::thread::sleep(Duration::from_millis(300));
    drop(writer);
    read(&path);
    let mut bytes = fs::read(&path).unwrap();
    let middle = 3 * 4096;
    bytes[middle..middle + 4096].fill(0xa5);
    fs::write(&path, bytes).unwrap();
    back_up(&world);
    let said = world.banister(&["backup", "drill", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("the database `home/data/sub/app.db` in the backup is damaged"), "{said:?}");
    assert_eq!(card(&world)["level"], "verified");
    let said = world.banister(&["backup", "list"]);
    assert!(said.out.contains("verified, last drill failed"), "{said:?}");
}

/// Killed while it holds a database, nothing of it goes on, nobody waits, and nothing of another owner is left.
#[test]
fn a_backup_that_is_killed_while_it_holds_a_database_leaves_nobody_waiting() {
    for mode in ["WAL", "DELETE"] {
        let world = world();
        let data = world.path().join("data");
        make(&data.join("app.db"), mode);
        // Long enough to be met in the middle.
        let fill = "
import os, sqlite3, sys
base = sqlite3.connect(sys.argv[1], isolation_level=None)
base.execute('PRAGMA synchronous=OFF')
base.execute('CREATE TABLE big (bytes)')
base.execute('BEGIN')
for n in range(120): base.execute('INSERT INTO big VALUES (?)', (os.urandom(1 << 19),))
base.execute('COMMIT')
";
        assert!(python(fill, &data.join("app.db"), &[]).status().unwrap().success());
        let mut writer = Writer::start(&data.join("app.db"), mode);
        let mut backup = world.command(&["run", "backup", "--yes"]).stdout(Stdio::null()).spawn().unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        let aide = loop {
            if let Some(aide) = aides(&data).pop() {
                break aide;
            }
            assert!(Instant::now() < until, "{mode}: the database is not held");
            std::thread::sleep(Duration::from_millis(1));
        };
        backup.kill().unwrap();
        backup.wait().unwrap();
        let until = Instant::now() + Duration::from_secs(10);
        while Path::new("/proc").join(&aide).join("cwd").exists() {
            assert!(Instant::now() < until, "{mode}: the child goes on");
            std::thread::sleep(Duration::from_millis(5));
        }
        assert_eq!(aides(&data), Vec::<String>::new());
        let before = fs::metadata(data.join("app.db")).unwrap().modified().unwrap();
        let log = data.join("app.db-wal");
        let length = fs::metadata(&log).map_or(0, |log| log.len());
        let until = Instant::now() + Duration::from_secs(30);
        while fs::metadata(data.join("app.db")).unwrap().modified().unwrap() == before
            && fs::metadata(&log).map_or(0, |log| log.len()) == length
        {
            assert!(Instant::now() < until && writer.is_there(), "{mode}: the writer waits");
            std::thread::sleep(Duration::from_millis(5));
        }
        let owner = fs::metadata(data.join("app.db")).unwrap().uid();
        for name in names(&data) {
            let Ok(found) = fs::metadata(data.join(&name)) else { continue };
            assert_eq!(found.uid(), owner, "{mode}: {name}");
        }
    }
}

/// The children that hold a database in a folder, by their numbers.
fn aides(folder: &Path) -> Vec<String> {
    let numbers = fs::read_dir("/proc").unwrap().flatten().map(|entry| entry.file_name());
    let numbers = numbers.filter(|name| name.as_bytes().iter().all(u8::is_ascii_digit));
    let is_aide = |number: &String| {
        let process = Path::new("/proc").join(number);
        let words = fs::read(process.join("cmdline")).unwrap_or_default();
        let is_role = words.split(|byte| *byte == 0).nth(1) == Some(b"__sqlite");
        is_role && fs::read_link(process.join("cwd")).is_ok_and(|cwd| cwd == folder)
    };
    numbers.map(|number| number.into_string().unwrap()).filter(is_aide).collect()
}

#[test]
fn a_database_that_a_link_leads_to_is_held_too() {
    let world = world();
    let elsewhere = world.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    make(&elsewhere.join("app.db"), "WAL");
    fs::remove_dir(world.path().join("data")).unwrap();
    std::os::unix::fs::symlink("elsewhere", world.path().join("data")).unwrap();
    world.write("site.toml", &SITE.replace("~/data", "~/data/app.db"));
    let _writer = Writer::start(&elsewhere.join("app.db"), "WAL");
    let archive = back_up(&world);
    assert_eq!(card(&world)["changed"], serde_json::json!([]));
    assert_eq!(card(&world)["unheld"], serde_json::json!([]));
    let copy = unpacked(&archive);
    let said = read(&copy.path().join("home/data/app.db"));
    assert_eq!(said[..2], ["ok", "equal"], "{said:?}");
}

/// The log and the shared memory that SQLite makes belong to whoever opens the database; its own program could then not
/// open it any more.
#[test]
fn an_ordinary_user_never_opens_the_database_of_another() {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not tried: this is not root");
        return;
    }
    let world = world();
    let data = world.path().join("data");
    make(&data.join("app.db"), "WAL");
    let mut writer = Writer::start(&data.join("app.db"), "WAL");
    let status = Command::new("chown").args(["-R", "54321:54321"]).arg(world.path()).status().unwrap();
    assert!(status.success());
    let status = Command::new("chown").args(["-R", "0:0"]).arg(&data).status().unwrap();
    assert!(status.success());
    let open = "chmod -R a+rwX \"$0\" && chmod a+rx \"$1\" \"$1\"/.. ";
    assert!(Command::new("sh").args(["-c", open]).arg(&data).arg(world.path()).status().unwrap().success());
    // Where others may not look the program is copied to.
    let program = world.path().join("banister");
    fs::copy(env!("CARGO_BIN_EXE_banister"), &program).unwrap();
    let mut command = Command::new("setpriv");
    command.args(["--reuid=54321", "--regid=54321", "--clear-groups"]).arg(&program);
    command.args(["run", "backup", "--yes"]).current_dir(world.path()).env_clear().stdin(Stdio::null());
    command.env("PATH", std::env::var_os("PATH").unwrap()).env("HOME", world.path());
    command.env("BANISTER_STATE", world.path().join("state")).env("USER", "ops");
    command.env("TMPDIR", world.path());
    let said = support::said(command.output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    let name = "`home/data/app.db` (it belongs to another user)";
    assert!(said.out.contains(&format!("{name} was not copied by SQLite")), "{said:?}");
    assert!(writer.is_there());
    for name in names(&data) {
        let Ok(found) = fs::metadata(data.join(&name)) else { continue };
        assert_eq!(found.uid(), 0, "{name}");
    }
}
