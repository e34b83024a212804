//! `banister backup prune`: what is old goes, what is needed stays, whatever happens meanwhile.

use crate::support;

use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;
use support::{Said, World, chance};

const HOSS: &str = "kind = \"hoss\"\nendpoint = \"http://127.0.0.1:9\"";

/// A server whose backups `keep` is said of in the rest of its table.
fn site(world: &World, kind: &str, rest: &str) {
    let table = format!("[servers.web]\n{kind}\ncheckout = \"web\"\nbackups = \"~/kept\"\n");
    let more = "health = [{ command = [\"true\"] }]\nbackup = [\"~/data\"]\n";
    world.write("site.toml", &format!("{table}{more}{rest}\n"));
}

/// A server with a backup of each age in days, the oldest first. They are called `web-AGE.tar.zst`.
fn aged(rest: &str, days: &[i64]) -> World {
    let world = World::new();
    site(&world, "kind = \"plain\"", rest);
    world.write("data/rows", "all of them");
    assert_eq!(world.banister(&["run", "backup", "--yes"]).code, Some(0));
    let first = names(&world).remove(0);
    let archive = fs::read(folder(&world).join(&first)).unwrap();
    let card: Value = serde_json::from_str(&world.read(&format!("kept/{first}.card.json"))).unwrap();
    for days in days {
        let name = format!("web-{days}.tar.zst");
        fs::write(folder(&world).join(&name), &archive).unwrap();
        world.write(&format!("kept/{name}.card.json"), &card.to_string());
        change(&world, &name, "created", json!(days_ago(*days)));
    }
    fs::remove_file(folder(&world).join(&first)).unwrap();
    world.remove(&format!("kept/{first}.card.json"));
    world
}

fn folder(world: &World) -> PathBuf {
    world.path().join("kept")
}

fn days_ago(days: i64) -> String {
    let then = jiff::Timestamp::now() - jiff::SignedDuration::from_hours(24 * days);
    then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Changes what the card of a backup says.
fn change(world: &World, name: &str, field: &str, to: Value) {
    let file = format!("kept/{name}.card.json");
    let mut card: Value = serde_json::from_str(&world.read(&file)).unwrap();
    card[field] = to;
    world.write(&file, &card.to_string());
}

/// Everything in the folder of backups, but for the cards of archives that are there.
fn names(world: &World) -> Vec<String> {
    let entries = fs::read_dir(folder(world)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    let all = names.clone();
    names.retain(|name| {
        name.strip_suffix(".card.json").is_none_or(|archive| !all.iter().any(|n| n == archive))
    });
    names.sort();
    names
}

fn prune(world: &World, more: &[&str]) -> Said {
    world.banister(&[&["backup", "prune", "--yes"], more].concat())
}

/// Prunes, and compares what is left.
fn assert_left(world: &World, more: &[&str], expected: &[i64]) -> Said {
    let said = prune(world, more);
    assert_eq!(said.code, Some(0), "{said:?}");
    let mut expected: Vec<String> = expected.iter().map(|days| format!("web-{days}.tar.zst")).collect();
    expected.sort();
    assert_eq!(names(world), expected, "{said:?}");
    said
}

const DAYS: [i64; 6] = [60, 50, 40, 20, 10, 1];

#[test]
fn a_backup_goes_only_if_it_is_neither_among_the_newest_nor_young() {
    let world = aged("keep = { count = 2, age = \"30d\" }", &DAYS);
    let said = assert_left(&world, &[], &[20, 10, 1]);
    assert!(said.out.contains("removed: 3, which freed "), "{said:?}");
    assert!(said.out.contains(", verified\n  web-50.tar.zst  "), "{said:?}");
    let world = aged("keep = { count = 4, age = \"15d\" }", &DAYS);
    assert_left(&world, &[], &[40, 20, 10, 1]);
    // What is typed holds in the place of what the site says.
    assert_left(&world, &["--age", "15d"], &[10, 1]);
    assert_left(&world, &["--count", "1"], &[1]);
}

#[test]
fn one_of_count_and_age_suffices_and_without_either_nothing_goes() {
    assert_left(&aged("keep = { count = 1 }", &DAYS), &[], &[1]);
    assert_left(&aged("keep = { age = \"45d\" }", &DAYS), &[], &[40, 20, 10, 1]);
    let world = aged("", &DAYS);
    let said = prune(&world, &[]);
    assert_eq!((said.code, names(&world).len()), (Some(2), 6), "{said:?}");
    assert!(said.err.contains("nothing says which backups of `web` stay"), "{said:?}");
    assert!(said.err.contains("`keep = { count = 7, age = \"30d\" }`"), "{said:?}");
    // It changed nothing, so it stands in nobody's way.
    assert_eq!(prune(&world, &["--count", "3"]).code, Some(0));
    let said = world.banister(&["run", "prune", "--count", "2", "--yes"]);
    assert_eq!((said.code, names(&world).len()), (Some(0), 2), "{said:?}");
    for wrong in ["{}", "{ count = 0 }", "{ age = \"0s\", count = 3 }", "{ days = 3 }", "{ count = -1 }"] {
        site(&world, "kind = \"plain\"", &format!("keep = {wrong}"));
        let said = prune(&world, &[]);
        assert_eq!(said.code, Some(2), "{wrong}: {said:?}");
        assert!(said.err.contains("site.toml") && said.err.contains("help"), "{wrong}: {said:?}");
    }
    assert_eq!(names(&world).len(), 2);
}

#[test]
fn nothing_goes_without_a_yes_and_a_plan_names_what_would() {
    let world = aged("keep = { count = 4 }", &DAYS);
    let said = world.banister(&["plan", "prune"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for (name, is_shown) in [("web-60.tar.zst", true), ("web-50.tar.zst", true), ("web-40.tar.zst", false)] {
        assert_eq!(said.out.contains(name), is_shown, "{said:?}");
    }
    assert!(!said.out.contains('‹'), "nothing is unknown: {said:?}");
    let said = world.banister(&["backup", "prune"]);
    assert_eq!((said.code, names(&world).len()), (Some(3), 6), "{said:?}");
    assert!(said.out.contains("web-60.tar.zst"), "{said:?}");
    assert_left(&world, &[], &[40, 20, 10, 1]);
    // Nobody is asked if nothing would go.
    let said = world.banister(&["backup", "prune"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("web has no old backups; kept: 4"), "{said:?}");
}

#[test]
fn a_kept_plan_no_longer_holds_when_another_backup_became_old() {
    let world = aged("keep = { count = 4 }", &DAYS);
    assert_eq!(world.banister(&["plan", "prune", "--out", "plan.json"]).code, Some(0));
    assert_eq!(world.banister(&["run", "backup", "--yes"]).code, Some(0));
    let said = world.banister(&["run", "prune", "--plan", "plan.json", "--yes"]);
    assert_eq!((said.code, names(&world).len()), (Some(2), 7), "{said:?}");
    assert!(said.err.contains("the plan no longer holds"), "{said:?}");
}

#[test]
fn the_last_proven_backup_of_what_is_installed_stays_whatever_its_age() {
    let world = aged("keep = { count = 1 }", &DAYS);
    for days in [20, 10, 1] {
        change(&world, &format!("web-{days}.tar.zst"), "level", json!("taken"));
    }
    assert_left(&world, &[], &[40, 1]);

    // Hoss reads only a backup of a release with the same first two numbers, and of none that is newer.
    let world = aged("", &DAYS);
    site(&world, HOSS, "keep = { age = \"5d\" }");
    for (days, release) in
        [(60, "0.1.0"), (50, "0.1.0"), (40, "0.1.0"), (20, "0.1.7"), (10, "0.2.1"), (1, "0.2.2")]
    {
        change(&world, &format!("web-{days}.tar.zst"), "release", json!(release));
    }
    change(&world, "web-40.tar.zst", "level", json!("taken"));
    change(&world, "web-50.tar.zst", "level", json!("drilled"));
    assert_left(&world, &[], &[50, 1]);
    // Of a commit that is no release nobody knows what fits.
    world.git(&["commit", "-q", "--allow-empty", "-m", "second"]);
    change(&world, "web-1.tar.zst", "created", json!(days_ago(7)));
    assert_left(&world, &[], &[50, 1]);
    world.git(&["tag", "0.2.4"]);
    assert_left(&world, &[], &[1]);
}

#[test]
fn a_backup_that_was_found_damaged_proves_nothing() {
    let world = aged("keep = { count = 1 }", &DAYS);
    for days in [10, 1] {
        let path = folder(&world).join(format!("web-{days}.tar.zst"));
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        assert_eq!(world.banister(&["backup", "verify", path.to_str().unwrap()]).code, Some(1));
    }
    assert_left(&world, &[], &[20, 1]);
    for days in [20, 1] {
        change(&world, &format!("web-{days}.tar.zst"), "level", json!("taken"));
    }
    assert_left(&world, &["--age", "1h"], &[20, 1]);
    // Nor is it put back unless it is named.
    let list = world.banister(&["backup", "list"]);
    let row =
        list.out.lines().find(|line| line.contains("web-1.tar.zst")).unwrap_or_else(|| panic!("{list:?}"));
    assert!(row.contains(" damaged "), "{list:?}");
    let said = world.banister(&["backup", "restore"]);
    assert!(said.err.contains("the newest backup, `web-1.tar.zst`, is damaged: "), "{said:?}");
    assert!(said.err.contains("web-20.tar.zst? "), "{said:?}");
}

/// A folder in the place of the new card keeps it from being written.
#[test]
fn what_was_found_is_told_also_if_the_card_can_not_be_written() {
    let world = aged("", &[10, 1]);
    let path = folder(&world).join("web-1.tar.zst");
    fs::create_dir(folder(&world).join(".web-1.tar.zst.card.json.new")).unwrap();
    let said = world.banister(&["backup", "verify", "web-1."]);
    assert!(said.code == Some(0) && said.out.contains("web-1.tar.zst is whole"), "{said:?}");
    assert!(said.err.contains("warning: the list of backups will not know of this"), "{said:?}");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let said = world.banister(&["backup", "verify", "web-1."]);
    assert!(said.code == Some(1) && said.err.contains("is damaged"), "{said:?}");
    assert!(said.err.contains("the list of backups still says otherwise"), "{said:?}");
}

#[test]
fn the_newest_backup_is_none_of_another_server() {
    let world = aged("", &[10, 1]);
    change(&world, "web-1.tar.zst", "server", json!("lab"));
    let said = world.banister(&["backup", "verify"]);
    assert!(said.code == Some(0) && said.out.contains("web-10.tar.zst is whole"), "{said:?}");
}

#[test]
fn what_is_not_known_to_be_a_backup_of_this_server_stays() {
    let world = aged("keep = { count = 1 }", &DAYS);
    change(&world, "web-60.tar.zst", "server", json!("lab"));
    change(&world, "web-50.tar.zst", "server", Value::Null);
    world.remove("kept/web-40.tar.zst.card.json");
    fs::copy(folder(&world).join("web-40.tar.zst"), folder(&world).join("other.tar.gz")).unwrap();
    world.write("kept/notes.txt", "of the admin");
    world.write("kept/.web-9.tar.zst.part", "half");
    // A crash removed an archive, and not its card.
    fs::remove_file(folder(&world).join("web-20.tar.zst")).unwrap();
    assert!(names(&world).contains(&"web-20.tar.zst.card.json".to_owned()));
    let said = prune(&world, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let left = [
        ".web-9.tar.zst.part",
        "notes.txt",
        "other.tar.gz",
        "web-1.tar.zst",
        "web-40.tar.zst",
        "web-50.tar.zst",
        "web-60.tar.zst",
    ];
    assert_eq!(names(&world), left);
    assert!(said.out.contains("archives that no card calls backups of web stay: 4"), "{said:?}");
    // Its own manifest says whose it is, once it was looked into.
    assert_eq!(world.banister(&["backup", "verify", "web-40"]).code, Some(0));
    change(&world, "web-40.tar.zst", "created", json!(days_ago(40)));
    assert_eq!(prune(&world, &[]).code, Some(0));
    assert!(!names(&world).contains(&"web-40.tar.zst".to_owned()));
}

#[test]
fn while_a_run_is_not_done_its_way_back_stays() {
    let world = aged("keep = { count = 1 }", &DAYS);
    world.write(
        "runbooks/half.rhai",
        "fn main() { let server = this_server(); server.make(\"config\"); server.make(\"fail\"); }\n",
    );
    assert_eq!(world.banister(&["run", "half"]).code, Some(1));
    let said = prune(&world, &[]);
    assert_eq!((said.code, names(&world).len()), (Some(4), 6), "{said:?}");
    assert!(said.err.contains("an earlier run is unfinished: `half` failed on web"), "{said:?}");
    assert!(said.err.contains("banister resume "), "{said:?}");
    world.write("mended", "");
    assert_eq!(world.banister(&["resume"]).code, Some(0));
    assert_left(&world, &[], &[1]);
}

/// How the outcome of a prune begins in its journal.
const REMOVED: &str = "\"removed\":[";

/// What the journal of the last run says was removed.
fn told(world: &World) -> String {
    let journal = fs::read_to_string(world.journals().last().unwrap()).unwrap();
    let (_, removed) = journal.split_once(REMOVED).unwrap_or_else(|| panic!("{journal}"));
    removed.split(']').next().unwrap().to_owned()
}

#[test]
fn a_prune_that_is_killed_at_any_record_ends_like_one_that_is_not() {
    let made = || {
        let world = aged("keep = { count = 3 }", &DAYS);
        world.remove("state");
        world
    };
    let world = made();
    assert_left(&world, &[], &[20, 10, 1]);
    let (records, expected) = (world.records(), told(&world));
    assert_eq!(expected.matches(".tar.zst").count(), 3, "{expected}");
    let places: Vec<String> =
        (0..records).flat_map(|n| [format!("before {n}"), format!("after {n}")]).collect();
    for place in chance::part(places, 3) {
        let world = made();
        let said = world.crash(&["backup", "prune", "--yes"], &place);
        assert_eq!(said.code, Some(-9), "{place}: {said:?}");
        let said = world.banister(&["resume", "--yes"]);
        if said.out.contains("nothing to resume") && world.records() == 0 {
            assert_eq!(place, "before 0");
            continue;
        }
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        assert_eq!(names(&world).len(), 3, "{place}: {said:?}");
        assert_eq!(told(&world), expected, "{place}");
        assert_left(&world, &[], &[20, 10, 1]);
    }
}

/// The outcome is not written down yet when it is killed; then some of what it removed is put back.
#[test]
fn a_prune_that_is_killed_between_two_files_goes_on_with_what_is_left() {
    let journal = {
        let world = aged("keep = { count = 3 }", &DAYS);
        assert_left(&world, &[], &[20, 10, 1]);
        fs::read_to_string(world.journals().last().unwrap()).unwrap()
    };
    let place = format!("before {}", journal.lines().position(|line| line.contains(REMOVED)).unwrap());
    // By how many files of the three backups are gone; with an odd number the last one's card is there.
    for gone in 0..=6 {
        let world = aged("keep = { count = 3 }", &DAYS);
        let files =
            [60, 50, 40].map(|days| [".tar.zst", ".tar.zst.card.json"].map(|end| format!("web-{days}{end}")));
        let kept: Vec<(String, Vec<u8>)> = files
            .into_iter()
            .flatten()
            .map(|name| (name.clone(), fs::read(folder(&world).join(&name)).unwrap()))
            .collect();
        assert_eq!(world.crash(&["backup", "prune", "--yes"], &place).code, Some(-9));
        assert_eq!(names(&world).len(), 3);
        for (name, bytes) in &kept[gone..] {
            fs::write(folder(&world).join(name), bytes).unwrap();
        }
        let said = world.banister(&["resume", "--yes"]);
        assert_eq!((said.code, names(&world).len()), (Some(0), 3), "{gone}: {said:?}");
        assert_eq!(told(&world).matches(".tar.zst").count(), 3, "{gone}");
    }

    // Meanwhile all that it kept was found to be damaged: what is left of the others is needed now.
    let world = aged("keep = { count = 3 }", &DAYS);
    let read = |end: &str| fs::read(folder(&world).join(format!("web-40.tar.zst{end}"))).unwrap();
    let (archive, card) = (read(""), read(".card.json"));
    assert_eq!(world.crash(&["backup", "prune", "--yes"], &place).code, Some(-9));
    fs::write(folder(&world).join("web-40.tar.zst"), archive).unwrap();
    fs::write(folder(&world).join("web-40.tar.zst.card.json"), card).unwrap();
    for days in [20, 10, 1] {
        change(&world, &format!("web-{days}.tar.zst"), "level", json!("taken"));
    }
    let said = world.banister(&["resume", "--yes"]);
    assert_eq!((said.code, names(&world).len()), (Some(0), 4), "{said:?}");
    assert!(said.out.contains("removed: 2, which freed ") && said.out.contains("kept: 4"), "{said:?}");
}

#[test]
fn a_run_that_prunes_before_it_is_done_keeps_its_own_way_back() {
    let world = aged("keep = { count = 1 }", &DAYS);
    world.write(
        "runbooks/careful.rhai",
        "import \"kind\" as kind;\nfn main() {\n    let server = this_server();\n    let folder = kind::backup_folder(server);\n    \
         let safe = kind::back_up(server, \"before\", ());\n    kind::back_up(server, \"after\", ());\n    \
         if server.keep != () { server.prune_backups(#{ folder: folder, needed: [safe.path] }); }\n    \
         throw \"not yet\";\n}\n",
    );
    let said = world.banister(&["check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = world.banister(&["plan", "careful"]);
    assert!(said.out.contains("prune_backups"), "{said:?}");
    assert_eq!(world.banister(&["run", "careful"]).code, Some(1));
    let left = names(&world);
    assert!(left.len() == 2 && left.iter().any(|name| name.contains("before")), "{left:?}");
    // A server whose site says nothing prunes nothing.
    let world = aged("", &DAYS);
    world.write(
        "runbooks/careful.rhai",
        "fn main() { let server = this_server(); if server.keep != () { server.prune_backups(); } }\n",
    );
    assert_eq!(world.banister(&["run", "careful"]).code, Some(0));
    assert_eq!(names(&world).len(), 6);
}

#[test]
fn a_prune_is_told_to_programs_as_other_runs_are() {
    let world = aged("keep = { count = 5 }", &DAYS);
    let said = prune(&world, &["--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let events: Vec<Value> = said.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let removed = events.iter().any(|event| event.to_string().contains("removed: 1, which freed "));
    assert!(events.len() > 4 && removed, "{said:?}");
}
