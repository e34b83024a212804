//! What `exclude` names is in no backup, and no restore touches it.

use crate::support;

use std::fs;
use std::path::PathBuf;
use support::{Said, World};

const SITE: &str = "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\nbackup = [\"~/data\"]\nEXCLUDE\n\
                    health = [{ command = [\"true\"] }]\nhealthy = { stable = \"10ms\" }\ntargets = { start = \"\", stop = \"stop\" }\n";

fn site(exclude: &str) -> String {
    SITE.replace("EXCLUDE", exclude)
}

fn world(exclude: &str) -> World {
    let world = World::new();
    world.write("site.toml", &site(exclude));
    for (name, text) in [
        ("rows", "rows"),
        ("app.log", "log"),
        ("deep/er/other.log", "log"),
        ("deep/er/rows", "rows"),
        ("cache/a/1", "cached"),
        ("cache/b", "cached"),
        ("cache/kept", "kept"),
    ] {
        world.write(&format!("data/{name}"), text);
    }
    world
}

fn good(said: Said) -> Said {
    assert_eq!(said.code, Some(0), "{said:?}");
    said
}

fn names(world: &World) -> Vec<String> {
    fn walk(folder: PathBuf, names: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => walk(path, names),
                false => names.push(path.display().to_string()),
            }
        }
    }
    let mut found = Vec::new();
    let top = world.path().join("data");
    walk(top.clone(), &mut found);
    let mut names: Vec<String> =
        found.iter().map(|name| name.trim_start_matches(&format!("{}/", top.display())).to_owned()).collect();
    names.sort();
    names
}

fn card(world: &World) -> serde_json::Value {
    let cards: serde_json::Value =
        serde_json::from_str(&world.banister(&["backup", "list", "--json"]).out).unwrap();
    cards[0].clone()
}

const EXCLUDE: &str = "exclude = [\"*.log\", \"~/data/cache/*\", \"!~/data/cache/kept\", \"nothing-of-it\"]";

#[test]
fn what_is_excluded_is_counted_and_a_restore_leaves_it_alone() {
    let world = world(EXCLUDE);
    let said = good(world.banister(&["run", "backup", "--yes"]));
    assert!(!said.out.contains("warning"), "{said:?}");
    let excluded: Vec<(String, u64)> = card(&world)["excluded"]
        .as_array()
        .unwrap()
        .iter()
        .map(|of| (of["pattern"].as_str().unwrap().to_owned(), of["count"].as_u64().unwrap()))
        .collect();
    let expected = [("*.log", 2), ("~/data/cache/*", 2), ("!~/data/cache/kept", 0), ("nothing-of-it", 0)];
    assert_eq!(excluded, expected.map(|(pattern, count)| (pattern.to_owned(), count)));
    let verified = good(world.banister(&["backup", "verify"]));
    assert!(verified.out.contains("excluded from it: `*.log` (2), `~/data/cache/*` (2)"), "{verified:?}");
    let name = card(&world)["path"].as_str().unwrap().to_owned();
    let listed = std::process::Command::new("tar").args(["-tf", &name]).output().unwrap();
    let listed = String::from_utf8(listed.stdout).unwrap();
    assert!(
        listed.contains("home/data/cache/kept\n") && listed.contains("home/data/deep/er/rows\n"),
        "{listed}"
    );
    assert!(
        !listed.contains(".log") && !listed.contains("cache/a") && !listed.contains("cache/b"),
        "{listed}"
    );

    world.write("data/rows", "changed");
    world.write("data/deep/er/other.log", "later");
    world.write("data/deep/er/new", "new");
    world.write("data/cache/a/2", "cached later");
    world.remove("data/cache/kept");
    let said = world.banister(&["backup", "restore"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    let data = world.path().join("data").display().to_string();
    assert!(said.err.contains(&format!("what `*.log` excludes in `{data}`, 2 in number")), "{said:?}");
    // The backup knows what it left out, whatever the site says by now.
    world.write("site.toml", &site(""));
    good(world.banister(&["resume", "--yes"]));
    let expected = [
        "app.log",
        "cache/a/1",
        "cache/a/2",
        "cache/b",
        "cache/kept",
        "deep/er/other.log",
        "deep/er/rows",
        "rows",
    ];
    assert_eq!(names(&world), expected);
    assert_eq!(
        (world.read("data/rows").as_str(), world.read("data/deep/er/other.log").as_str()),
        ("rows", "later")
    );
}

/// A backup from before has it, and the server has it too: what is there by now stays.
#[test]
fn what_is_excluded_later_stays_as_it_is_and_comes_back_where_nothing_is() {
    let world = world("");
    good(world.banister(&["run", "backup", "--yes"]));
    world.write("site.toml", &site(EXCLUDE));
    world.write("data/app.log", "later");
    world.remove("data/cache");
    good(world.banister(&["backup", "restore", "--yes"]));
    assert_eq!(world.read("data/app.log"), "later");
    assert_eq!(world.read("data/cache/a/1"), "cached");
}

#[test]
fn a_pattern_that_can_not_be_read_is_refused_and_one_that_excludes_all_is_warned_of() {
    let world = world("exclude = [\n  \"*.log\",\n  \"cache/[\",\n]");
    let said = world.banister(&["check"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    let text = format!("{}{}", said.out, said.err);
    assert!(text.contains("the pattern `cache/[` in `exclude` can't be read"), "{text}");
    assert!(text.contains("its `[` has no `]`"), "{text}");
    assert!(text.contains("site.toml:8"), "{text}");

    for (written, said) in [
        ("exclude = [\"\"]", "a pattern in `exclude` is empty"),
        ("dumps = { \"a.sql\" = [] }", "a command has at least the name of a program"),
    ] {
        world.write("site.toml", &site(written));
        let checked = world.banister(&["check"]);
        assert!(
            checked.code == Some(2) && format!("{}{}", checked.out, checked.err).contains(said),
            "{checked:?}"
        );
    }

    world.write("site.toml", &site("exclude = [\n  \"*.log\",\n  \"data\",\n]"));
    let said = world.banister(&["check"]);
    let text = format!("{}{}", said.out, said.err);
    assert!(
        text.contains("`data` in `exclude` excludes all of it") && text.contains("site.toml:8"),
        "{text}"
    );
    let said = world.banister(&["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("data` can't be backed up: `data` in `exclude` excludes it"), "{said:?}");
}
