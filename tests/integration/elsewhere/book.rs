//! What is open on a server elsewhere and owed to it is known there, whoever asks and from wherever.

use super::world::Elsewhere;
use crate::support::{Said, World, chance, said};
use serde_json::Value;
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// A server elsewhere with maintenance mode and an action of a release; its site is also reached by a link. It has the
/// releases 0.1.0, which is checked out, 0.2.0 and 0.3.0.
fn elsewhere() -> Elsewhere {
    let elsewhere = Elsewhere::new();
    let world = &elsewhere.world;
    let on = |word: &str| format!("[\"sh\", \"-c\", \"echo page {word} >> ../trace\"]");
    let site = world.read("site.toml");
    world.write(
        "site/site.toml",
        &format!(
            "{site}health = [{{ command = [\"true\"] }}]\nhealthy = {{ stable = \"10ms\" }}\nbackup = [\"Makefile\"]\n\
             backups = \"{}\"\nmaintenance = {{ begin = {}, end = {} }}\n",
            world.path().join("backups").display(),
            on("on"),
            on("off")
        ),
    );
    world.remove("site.toml");
    std::os::unix::fs::symlink(world.path().join("site"), world.path().join("link")).unwrap();
    world.write(
        "site/releases/0.2.0.rhai",
        "//! The index.\nfn done(server) { shell(server, \"cat ../trace || true\").lines.contains(\"index\") }\n\
         fn apply_after(server) { shell(server, \"echo index >> ../trace\"); }\n",
    );
    for release in ["0.2.0", "0.3.0"] {
        world.write("web/file", release);
        world.git(&["add", "-A"]);
        world.git(&["commit", "-q", "-m", release]);
        world.git(&["tag", release]);
    }
    world.git(&["checkout", "-q", "0.1.0"]);
    elsewhere
}

const UPDATE: [&str; 5] = ["run", "update", "--to", "0.2.0", "--yes"];

fn command(elsewhere: &Elsewhere, site: &str, arguments: &[&str]) -> Command {
    let site = elsewhere.world.path().join(site).display().to_string();
    elsewhere.command(&[&["--site", &site], arguments].concat())
}

fn first(elsewhere: &Elsewhere, arguments: &[&str]) -> Said {
    said(command(elsewhere, "site", arguments).output().unwrap())
}

fn crash(elsewhere: &Elsewhere, arguments: &[&str], place: &str) -> Said {
    said(command(elsewhere, "site", arguments).env("BANISTER_CRASH_AT", place).output().unwrap())
}

/// What the second administrator types: with a state folder of their own, and the site by the link.
fn other(elsewhere: &Elsewhere, arguments: &[&str]) -> Said {
    let state = elsewhere.world.path().join("state-b");
    let mut command = command(elsewhere, "link", arguments);
    said(command.env("BANISTER_STATE", state).env("USER", "bea").output().unwrap())
}

/// The first administrator's run: its name and its folder.
fn run(world: &World) -> (String, String) {
    let path = world.journals().pop().unwrap().parent().unwrap().to_owned();
    (path.file_name().unwrap().to_string_lossy().into_owned(), path.display().to_string())
}

fn book(world: &World) -> Value {
    serde_json::from_str(&world.read("web/.git/banister/book.json")).unwrap_or_default()
}

/// Nothing is open or owed, users are served, and what the release asks for was done once.
fn assert_settled(elsewhere: &Elsewhere, place: &str) {
    let world = &elsewhere.world;
    let book = book(world);
    assert_eq!(book["open"], serde_json::json!([]), "{place}: {book}");
    assert_eq!(book["owed"], serde_json::json!([]), "{place}: {book}");
    let trace = world.read("trace");
    assert_eq!(trace.matches("index").count(), 1, "{place}: {trace}");
    assert_ne!(trace.lines().rfind(|line| line.starts_with("page")), Some("page on"), "{place}: {trace}");
    let backups = std::fs::read_dir(world.path().join("backups")).unwrap();
    let names = backups.map(|backup| backup.unwrap().file_name().to_string_lossy().into_owned());
    assert!(names.into_iter().any(|name| name.contains("-after-0.2.0")), "{place}");
    assert_eq!(world.read("web/file"), "0.2.0", "{place}");
}

#[test]
fn an_update_elsewhere_that_was_killed_anywhere_is_known_to_every_administrator() {
    let whole = elsewhere();
    let said = first(&whole, &UPDATE);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_settled(&whole, "whole");
    let (trace, records) = (whole.trace(), whole.world.records());
    let places = chance::part((1..records).collect(), 24).into_iter().enumerate().collect::<Vec<_>>();
    let places = Mutex::new(places);
    let [half, resumed, abandoned, begun] = [0; 4].map(AtomicUsize::new);
    let one = |turn: usize, record: usize| {
        let place = &format!("{} {record}", if turn.is_multiple_of(2) { "after" } else { "before" });
        let elsewhere = elsewhere();
        assert_eq!(crash(&elsewhere, &UPDATE, place).code, Some(-9), "{place}");
        let (name, folder) = run(&elsewhere.world);
        let book = book(&elsewhere.world);
        let owed = book["owed"].as_array().cloned().unwrap_or_default();
        let is_changed = |open: &Value| open["run"] == name.as_str() && open["changed"] == true;
        if owed.is_empty() && !book["open"].as_array().is_some_and(|open| open.iter().any(is_changed)) {
            let said = other(&elsewhere, &UPDATE);
            assert_eq!(said.code, Some(0), "{place}: {said:?}");
            begun.fetch_add(1, Ordering::Relaxed);
            return assert_settled(&elsewhere, place);
        }
        half.fetch_add(1, Ordering::Relaxed);
        for command in [&["lock", "show"][..], &["status"]] {
            let told = other(&elsewhere, command);
            assert!(told.out.contains(&name) && !told.out.contains("free"), "{place}: {told:?}");
            for owed in &owed {
                assert!(told.out.contains(owed["text"].as_str().unwrap()), "{place}: {owed}: {told:?}");
            }
        }
        for command in [&UPDATE[..], &["resume"]] {
            let said = other(&elsewhere, command);
            assert_eq!(said.code, Some(4), "{place}: {said:?}");
            assert!(said.err.contains(&name) && said.err.contains("ops@"), "{place}: {said:?}");
        }
        if turn % 4 < 2 {
            let said = other(&elsewhere, &["resume", &folder, "--yes"]);
            assert_eq!(said.code, Some(0), "{place}: {said:?}");
            assert_eq!(elsewhere.trace(), trace, "{place}");
            resumed.fetch_add(1, Ordering::Relaxed);
        } else {
            let said = other(&elsewhere, &[&UPDATE[..], &["--abandon=it is in the way"]].concat());
            assert_eq!(said.code, Some(0), "{place}: {said:?}");
            abandoned.fetch_add(1, Ordering::Relaxed);
        }
        assert_settled(&elsewhere, place);
    };
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let Some((turn, record)) = places.lock().unwrap().pop() else { break };
                    one(turn, record);
                }
            });
        }
    });
    println!(
        "{records} records over ssh: {} half-way, {} resumed by another, {} abandoned by another, {} begun anew",
        half.into_inner(),
        resumed.into_inner(),
        abandoned.into_inner(),
        begun.into_inner()
    );
}

#[test]
fn nobody_goes_on_or_back_over_what_another_did_elsewhere() {
    let elsewhere = elsewhere();
    let killed = crash(&elsewhere, &UPDATE, "before 60");
    assert_eq!(killed.code, Some(-9), "{killed:?}");
    let name = run(&elsewhere.world).0;
    let said = other(&elsewhere, &["run", "update", "--yes", "--abandon=it is in the way"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(elsewhere.world.read("web/file"), "0.3.0");
    let records = elsewhere.world.records();
    for more in [&[][..], &["--rollback"]] {
        let said = first(&elsewhere, &[&["resume", &name, "--yes"], more].concat());
        assert_eq!(said.code, Some(4), "{said:?}");
        assert!(said.err.contains("bea") && said.err.contains("it is in the way"), "{said:?}");
        assert!(!said.out.contains("banister resume"), "{said:?}");
    }
    // Nothing was written into a run that may not be continued.
    assert_eq!(elsewhere.world.records(), records);
    let told = first(&elsewhere, &["status"]);
    assert!(told.out.contains("`update` was abandoned on web by bea@"), "{told:?}");
    assert!(told.out.contains("it is in the way") && !told.out.contains("banister resume"), "{told:?}");
    // What is abandoned there keeps its own administrator from nothing.
    let said = first(&elsewhere, &["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(elsewhere.world.read("web/file"), "0.3.0");
}

#[test]
fn nobody_goes_on_over_what_a_run_without_an_entry_did_elsewhere() {
    let elsewhere = elsewhere();
    crash(&elsewhere, &UPDATE, "before 60");
    let name = run(&elsewhere.world).0;
    // As an earlier banister leaves it, which keeps no book.
    let grant = elsewhere.world.read("web/.git/banister/grant");
    let number: u64 = grant.split(' ').next().unwrap().parse().unwrap();
    elsewhere.world.write("web/.git/banister/grant", &format!("{} 20260101-000000-old2", number + 1));
    for more in [&[][..], &["--rollback"]] {
        let said = first(&elsewhere, &[&["resume", &name, "--yes"], more].concat());
        assert_eq!(said.code, Some(4), "{said:?}");
        assert!(said.err.contains("20260101-000000-old2") && said.err.contains(&name), "{said:?}");
        assert!(said.err.contains("--abandon"), "{said:?}");
    }
    // A release by force lets in nobody but whoever comes next.
    elsewhere.world.write("web/.git/banister/grant", &format!("{}", number + 2));
    let said = first(&elsewhere, &["resume", &name, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_settled(&elsewhere, "by force");
}

#[test]
fn an_agent_that_dies_while_it_changes_or_closes_the_book_loses_nothing() {
    let whole = elsewhere();
    assert_eq!(first(&whole, &UPDATE).code, Some(0));
    let (trace, records) = (whole.trace(), whole.world.records());
    drop(whole);
    // In the middle, and at the end, where the book is closed before the last record.
    for (at, cut) in
        [(records / 2, false), (records / 3 * 2, true), (records - 2, false), (records - 2, true)]
    {
        let elsewhere = elsewhere();
        let child = command(&elsewhere, "site", &UPDATE).spawn().unwrap();
        while elsewhere.world.records() < at {
            std::thread::sleep(Duration::from_millis(2));
        }
        match cut {
            true => elsewhere.host.cut(),
            false => {
                let agent = format!("{}.*/banister agent", elsewhere.far().display());
                let _ = Command::new("pkill").args(["-9", "-f", &agent]).status().unwrap();
            }
        }
        let said = said(child.wait_with_output().unwrap());
        assert_eq!(said.code, Some(0), "{at} {cut}: {said:?}");
        assert_eq!(elsewhere.trace(), trace, "{at} {cut}");
        assert_settled(&elsewhere, &format!("{at} {cut}"));
        let shown = other(&elsewhere, &["lock", "show"]);
        assert_eq!(shown.out, "web: free\n", "{at} {cut}");
    }
}
