//! What changes while a backup reads it is in the backup as such, and is told wherever the backup is: by the run, the
//! list, `verify`, and the question of a restore.

use crate::support;

use std::fs;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use support::World;
use support::chance::Chance;

const SITE: &str = "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\nbackup = [\"~/data\"]\n\
                    health = [{ command = [\"true\"] }]\nhealthy = { stable = \"10ms\" }\ntargets = { start = \"\", stop = \"stop\" }\n";

fn world() -> World {
    let world = World::new();
    world.write("site.toml", SITE);
    world.write("data/quiet", "quiet");
    world.write("data/inner/quiet", "quiet");
    world
}

/// Bytes that nothing compresses, so that writing them is seen.
fn noise(length: usize) -> Vec<u8> {
    let mut chance = Chance::of(1);
    std::iter::repeat_with(|| chance.number() as u8).take(length).collect()
}

/// How long the archive is that is being written.
fn written(kept: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(kept) else { return 0 };
    let parts = entries.flatten().filter(|entry| entry.file_name().to_string_lossy().ends_with(".part"));
    parts.filter_map(|entry| Some(entry.metadata().ok()?.len())).max().unwrap_or(0)
}

/// Does something again and again while the backup is taken.
fn meanwhile<T>(again: impl Fn(u64) + Sync, of: impl FnOnce() -> T) -> T {
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0.. {
                if done.load(Ordering::Relaxed) {
                    break;
                }
                again(round);
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        let given = std::panic::catch_unwind(std::panic::AssertUnwindSafe(of));
        done.store(true, Ordering::Relaxed);
        given.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn listed(world: &World) -> serde_json::Value {
    serde_json::from_str(&world.banister(&["backup", "list", "--json"]).out).unwrap()
}

/// A file that was rewritten in place with its length unchanged was called whole, and nothing said otherwise.
#[test]
fn what_changes_while_it_is_read_is_told_by_the_run_the_list_verify_and_the_restore() {
    let world = world();
    let data = world.path().join("data");
    fs::write(data.join("aaa-gone"), "read first, then removed").unwrap();
    fs::write(data.join("aab-replaced"), "read first, then another file").unwrap();
    fs::write(data.join("busy"), noise(8 << 20)).unwrap();
    fs::create_dir(data.join("queue")).unwrap();
    fs::write(data.join("zzz"), noise(8 << 20)).unwrap();
    let kept = world.path().join("kept");
    let again = |round: u64| {
        let busy = fs::OpenOptions::new().write(true).open(data.join("busy")).unwrap();
        busy.write_all_at(&round.to_ne_bytes(), 4 << 20).unwrap();
        fs::write(data.join(format!("queue/{}", round % 2)), "job").unwrap();
        fs::remove_file(data.join(format!("queue/{}", round % 2))).unwrap();
        if written(&kept) > 1 << 20 {
            let _ = fs::remove_file(data.join("aaa-gone"));
            fs::write(data.join(".new"), "another").unwrap();
            fs::rename(data.join(".new"), data.join("aab-replaced")).unwrap();
        }
    };
    let said = meanwhile(again, || world.banister(&["run", "backup", "--yes"]));
    assert_eq!(said.code, Some(0), "{said:?}");
    let told = "changed while they were read: `home/data`, `home/data/aaa-gone`, `home/data/aab-replaced`, …; they may be inconsistent";
    let sentences = said.out.matches("they may be inconsistent").count()
        + said.err.matches("they may be inconsistent").count();
    assert_eq!(sentences, 1, "{said:?}");
    assert!(said.out.contains(told), "{said:?}");

    let cards = listed(&world);
    let changed: Vec<&str> =
        cards[0]["changed"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect();
    let expected =
        ["home/data", "home/data/aaa-gone", "home/data/aab-replaced", "home/data/busy", "home/data/queue"];
    assert_eq!(changed, expected);
    let list = world.banister(&["backup", "list"]).out;
    assert!(list.contains("verified, 5 changed"), "{list}");
    let verified = world.banister(&["backup", "verify"]);
    assert_eq!(verified.code, Some(0), "{verified:?}");
    assert!(verified.out.contains(&format!("when it was taken, 5 files {told}")), "{verified:?}");
    // Also if only the archive is left.
    let card = fs::read_dir(&kept)
        .unwrap()
        .flatten()
        .find(|entry| entry.path().extension().is_some_and(|e| e == "json"));
    fs::remove_file(card.unwrap().path()).unwrap();
    let name = listed(&world)[0]["name"].as_str().unwrap().to_owned();
    let said = world.banister(&["backup", "restore", &name]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains(&format!("In it, 5 files {told}.")), "{said:?}");
    let said = world.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn a_backup_in_which_nothing_changed_says_nothing_of_it() {
    let world = world();
    // Changed a moment ago is not changed meanwhile.
    world.write("data/fresh", "fresh");
    let said = world.banister(&["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!said.out.contains("inconsistent"), "{said:?}");
    assert_eq!(listed(&world)[0]["changed"], serde_json::json!([]));
    let list = world.banister(&["backup", "list"]).out;
    assert!(list.contains("verified") && !list.contains("changed"), "{list}");
}

/// It moves neither the time nor the length of the file as long as the page is dirty.
#[test]
fn what_a_program_changes_through_a_memory_map_is_told_too() {
    let world = world();
    // A memory map of a file in a tmpfs never moves its time.
    let Ok(disk) = tempfile::Builder::new().prefix("banister-map-").tempdir_in("/var/tmp") else { return };
    let of = Command::new("stat").args(["-f", "-c", "%T"]).arg(disk.path()).output().unwrap();
    let of = String::from_utf8(of.stdout).unwrap();
    if !["ext2/ext3", "xfs", "btrfs"].contains(&of.trim()) {
        eprintln!("not tried: /var/tmp is on {}", of.trim());
        return;
    }
    world.write("site.toml", &SITE.replace("~/data", &disk.path().display().to_string()));
    fs::write(disk.path().join("mapped"), noise(4 << 20)).unwrap();
    fs::write(disk.path().join("zzz"), noise(4 << 20)).unwrap();
    let script = "import mmap, sys, time\n\
                  with open(sys.argv[1], 'r+b') as file:\n    map = mmap.mmap(file.fileno(), 0)\n    round = 0\n    \
                  map[4096] = 1\n    print('dirty', flush=True)\n    \
                  while True:\n        round += 1\n        map[4096] = round % 256\n        time.sleep(0.001)\n";
    let mut writer = Command::new(support::python::python());
    writer.args(["-c", script]).arg(disk.path().join("mapped")).stdout(Stdio::piped());
    let mut writer = writer.spawn().unwrap();
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(writer.stdout.take().unwrap()), &mut line)
        .unwrap();
    let said = world.banister(&["run", "backup", "--yes"]);
    writer.kill().unwrap();
    writer.wait().unwrap();
    assert_eq!((line.trim(), said.code), ("dirty", Some(0)), "{said:?}");
    let name = format!("{}/mapped", disk.path().display());
    assert_eq!(listed(&world)[0]["changed"], serde_json::json!([name.trim_start_matches('/')]));
}
