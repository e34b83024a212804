//! Backups of a time that has not come, and of several servers in one folder.

use crate::support;

use std::fs;
use std::path::{Path, PathBuf};
use support::World;

fn world() -> World {
    let world = World::new();
    let more = "kind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\nbackup = [\"~/data\"]\n\
                health = [{ command = [\"true\"] }]\n";
    world.write("site.toml", &format!("[servers.web]\n{more}\n[servers.web-staging]\n{more}"));
    world.write("data/rows", "before");
    world
}

fn archives(world: &World) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.path().join("kept")).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "zst")).collect();
    paths.sort();
    paths
}

fn back_up(world: &World, server: &str) -> PathBuf {
    fs::create_dir_all(world.path().join("kept")).unwrap();
    let before = archives(world);
    let said = world.banister(&["run", "backup", "--server", server, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    archives(world).into_iter().find(|path| !before.contains(path)).unwrap()
}

/// As if it had been made when the clock was so many days ahead, or behind.
fn made(archive: &Path, days: i64) {
    let then = jiff::Timestamp::now() + jiff::SignedDuration::from_hours(24 * days);
    made_at(archive, &then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
}

fn made_at(archive: &Path, then: &str) {
    let card = PathBuf::from(format!("{}.card.json", archive.display()));
    let mut text: serde_json::Value = serde_json::from_slice(&fs::read(&card).unwrap()).unwrap();
    text["created"] = then.into();
    fs::write(&card, text.to_string()).unwrap();
}

/// It was the newest for ever: `prune --count 1` removed the true newest.
#[test]
fn a_backup_from_the_future_is_set_apart_and_never_the_newest() {
    let world = world();
    let [old, newest, future] = [-9, -1, 365].map(|days| {
        let archive = back_up(&world, "web");
        made(&archive, days);
        archive
    });
    let said = world.banister(&["backup", "prune", "--server", "web", "--count", "1", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let name = future.file_name().unwrap().to_string_lossy().into_owned();
    assert!(said.out.contains(&format!("backups from the future stay and do not count, as the clock was wrong when they were made: {name}")), "{said:?}");
    assert_eq!((old.exists(), newest.exists(), future.exists()), (false, true, true));
    // Nor is it what is verified, drilled and restored if none is named.
    let said = world.banister(&["backup", "verify", "--server", "web"]);
    assert!(said.out.starts_with(&newest.display().to_string()), "{said:?}");
}

#[test]
fn two_servers_that_share_a_folder_see_each_its_own_backups() {
    let world = world();
    let web = back_up(&world, "web");
    let staging = back_up(&world, "web-staging");
    let listed: serde_json::Value =
        serde_json::from_str(&world.banister(&["backup", "list", "--json"]).out).unwrap();
    let listed: Vec<(&str, &str)> = listed
        .as_array()
        .unwrap()
        .iter()
        .map(|card| (card["of"].as_str().unwrap(), card["path"].as_str().unwrap()))
        .collect();
    assert_eq!(listed, [("web", web.to_str().unwrap()), ("web-staging", staging.to_str().unwrap())]);
    // `web-` begins both names.
    for (server, path) in [("web", &web), ("web-staging", &staging)] {
        let said = world.banister(&["backup", "verify", "--server", server, "web-"]);
        assert!(said.out.starts_with(&path.display().to_string()), "{server}: {said:?}");
        let said = world.banister(&["plan", "restore", "--server", server, "--backup", "web-"]);
        assert!(said.out.contains(&path.display().to_string()), "{server}: {said:?}");
    }
    let said = world.banister(&["backup", "prune", "--server", "web", "--count", "1", "--yes"]);
    assert!(said.out.contains("web has no old backups; kept: 1"), "{said:?}");
    // What another server still writes is not swept away with one's own.
    let part = world.path().join("kept/.web-staging-2026-01-01T000000Z.tar.zst.part");
    fs::write(&part, "half").unwrap();
    back_up(&world, "web");
    assert!(part.exists());
    back_up(&world, "web-staging");
    assert!(!part.exists());
}

#[test]
fn a_backup_that_would_stay_is_read_before_another_is_removed() {
    let world = world();
    let old = back_up(&world, "web");
    made(&old, -9);
    let newest = back_up(&world, "web");
    let mut bytes = fs::read(&newest).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&newest, bytes).unwrap();
    let said = world.banister(&["backup", "prune", "--server", "web", "--count", "1", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("is damaged"), "{said:?}");
    assert!(said.err.contains("no backup was removed: it is the one that would stay"), "{said:?}");
    assert!(old.exists() && newest.exists());
}

/// A copy of a file has another time, and an old backup that was copied is an old one.
#[test]
fn the_newest_is_the_one_that_was_made_last_and_not_the_one_that_was_copied_last() {
    let world = world();
    let old = back_up(&world, "web");
    made(&old, -9);
    let newest = back_up(&world, "web");
    let bytes = fs::read(&old).unwrap();
    fs::remove_file(&old).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(20));
    fs::write(&old, bytes).unwrap();
    let said = world.banister(&["backup", "verify", "--server", "web"]);
    assert!(said.out.starts_with(&newest.display().to_string()), "{said:?}");
    let name = newest.file_name().unwrap().to_string_lossy().into_owned();
    let said = world.banister(&["status", "--server", "web"]);
    assert!(said.out.contains(&format!("2, the newest {name}")), "{said:?}");
    // Nor is it one from the future.
    let future = back_up(&world, "web");
    made(&future, 365);
    let said = world.banister(&["status", "--server", "web"]);
    assert!(said.out.contains(&format!("3, the newest {name}")), "{said:?}");
}

/// Each server that shares the folder claimed it.
#[test]
fn a_backup_of_a_server_of_another_site_is_listed_once_under_its_own_name() {
    let world = world();
    let web = back_up(&world, "web");
    let text = fs::read_to_string(world.path().join("site.toml")).unwrap();
    world.write("site.toml", &text.replace("[servers.web]", "[servers.lab]"));
    let said = world.banister(&["backup", "list"]);
    let name = web.file_name().unwrap().to_string_lossy().into_owned();
    let lines: Vec<&str> = said.out.lines().filter(|line| line.contains(&name)).collect();
    assert!(lines.len() == 1 && lines[0].starts_with("web  "), "{said:?}");
}

/// They were in the order of their names, in which a label comes before none.
#[test]
fn of_two_backups_of_a_second_the_one_that_was_written_last_is_the_newest() {
    let world = world();
    let of = |label: &str| {
        let said = world.banister(&["run", "backup", "--server", "web", "--label", label, "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        archives(&world).iter().map(name).find(|name| name.contains(label)).unwrap()
    };
    let (first, last) = (of("zebra"), of("ant"));
    for name in [&first, &last] {
        made_at(&world.path().join("kept").join(name), "2026-01-01T00:00:00Z");
    }
    let said = world.banister(&["status", "--server", "web"]);
    assert!(said.out.contains(&format!("2, the newest {last}")), "{said:?}");
}
