//! Folders of running database servers in `backup` are refused, before anything is copied, with what to write instead.

use crate::support;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use support::World;

const SITE: &str = "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\nbackup = [\"~/data\"]\n\
                    health = [{ command = [\"true\"] }]\nhealthy = { stable = \"10ms\" }\ntargets = { configure = \"config\", start = \"up\", stop = \"stop\" }\n";

/// A program that keeps a file open, and locked if that is said.
struct Keeper(Child);

impl Keeper {
    fn of(file: &Path, lock: bool) -> Keeper {
        let program = "import fcntl, sys, time\n\
                       file = open(sys.argv[1], 'r+b')\n\
                       if sys.argv[2] == 'lock': fcntl.lockf(file, fcntl.LOCK_EX)\n\
                       open(sys.argv[3], 'w')\n\
                       time.sleep(600)";
        let ready = tempfile::tempdir().unwrap();
        let ready = ready.path().join("ready");
        fs::create_dir_all(ready.parent().unwrap()).unwrap();
        let mut command = Command::new(support::python::python());
        command.args(["-c", program]).arg(file).arg(if lock { "lock" } else { "open" }).arg(&ready);
        let keeper = Keeper(command.stdin(Stdio::null()).spawn().unwrap());
        while !ready.exists() {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        keeper
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn world(folder: &str, files: &[(&str, &[u8])]) -> World {
    let world = World::new();
    world.write("site.toml", SITE);
    for (name, content) in files {
        let path = world.path().join("data").join(folder).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    world
}

/// Refused by both in the same words, with what to write; unless it is excluded.
fn refused(world: &World, folder: &str, engine: &str, instead: &str) {
    let path = world.path().join("data").join(folder);
    let told = format!(
        "`{}` belongs to {engine}, which is running: a copy of its files is no backup",
        path.display()
    );
    let help = format!("write `{instead}` in `site.toml`");
    let check = world.banister(&["check"]);
    assert_eq!(check.code, Some(2), "{check:?}");
    let backup = world.banister(&["run", "backup", "--yes"]);
    assert_eq!(backup.code, Some(1), "{backup:?}");
    for said in [format!("{}{}", check.out, check.err), backup.err] {
        let flat = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(&told) && flat.contains(&help), "{said}");
    }
    assert!(!world.path().join("kept").join("web").exists());
    world.write("site.toml", &format!("{SITE}exclude = [\"{}\"]\n", path.display()));
    let check = world.banister(&["check"]);
    assert_eq!(check.code, Some(0), "{check:?}");
    let backup = world.banister(&["run", "backup", "--yes"]);
    assert_eq!(backup.code, Some(0), "{backup:?}");
    world.write("site.toml", SITE);
}

/// The same once nothing runs.
fn taken(world: &World) {
    let check = world.banister(&["check"]);
    assert_eq!(check.code, Some(0), "{check:?}");
    let backup = world.banister(&["run", "backup", "--yes"]);
    assert_eq!(backup.code, Some(0), "{backup:?}");
}

#[test]
fn the_files_of_a_postgresql_that_runs_are_refused() {
    let files: [(&str, &[u8]); 3] =
        [("PG_VERSION", b"15\n"), ("global/pg_control", b"x"), ("postmaster.pid", b"1\n")];
    let world = world("pg", &files);
    refused(&world, "pg", "PostgreSQL", "databases = [{ service = \"SERVICE\", database = \"NAME\" }]");
    world.remove("data/pg/postmaster.pid");
    taken(&world);
}

#[test]
fn the_files_of_a_mariadb_that_runs_are_refused() {
    let world =
        world("db", &[("ibdata1", b"x"), ("ib_logfile0", b"x"), ("aria_log_control", b"\xfe\xfe\x0c")]);
    let keeper = Keeper::of(&world.path().join("data/db/ibdata1"), true);
    let instead = "databases = [{ service = \"SERVICE\", database = \"NAME\", engine = \"mariadb\" }]";
    refused(&world, "db", "MariaDB or MySQL", instead);
    drop(keeper);
    taken(&world);
}

#[test]
fn the_append_only_files_of_a_redis_that_runs_are_refused() {
    let files: [(&str, &[u8]); 3] = [
        ("dump.rdb", b"REDIS0011"),
        ("appendonlydir/appendonly.aof.manifest", b"file"),
        ("appendonlydir/appendonly.aof.1.incr.aof", b"*2"),
    ];
    let world = world("redis", &files);
    let keeper = Keeper::of(&world.path().join("data/redis/appendonlydir/appendonly.aof.1.incr.aof"), false);
    refused(&world, "redis", "Redis", "redis = [{ service = \"SERVICE\" }]");
    drop(keeper);
    taken(&world);
}

#[test]
fn the_files_of_an_embedded_store_that_is_locked_are_refused() {
    let world = world("level", &[("CURRENT", b"MANIFEST-000001\n"), ("LOCK", b"")]);
    let keeper = Keeper::of(&world.path().join("data/level/LOCK"), true);
    refused(&world, "level", "LevelDB or RocksDB", "dumps = { \"NAME\" = [\"COMMAND\"] }");
    drop(keeper);
    taken(&world);
}
