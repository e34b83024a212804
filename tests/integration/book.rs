//! What is open on a server and owed to it is known there, whoever asks: another state folder, another user, another
//! spelling of the site.

mod left;
use crate::support;

use serde_json::Value;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use support::{Said, World, chance, said};

/// A server with maintenance mode and an action of a release; its site is also reached by a link.
fn world() -> World {
    let world = World::new();
    let on = |word: &str| format!("[\"sh\", \"-c\", \"echo page {word} >> ../trace\"]");
    let site = format!(
        "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nhealth = [{{ command = [\"true\"] }}]\n\
         healthy = {{ stable = \"10ms\" }}\nbackup = [\"Makefile\"]\nbackups = \"../backups\"\n\
         maintenance = {{ begin = {}, end = {} }}\n",
        on("on"),
        on("off")
    );
    world.write("site/site.toml", &site.replace("checkout = \"web\"", "checkout = \"../web\""));
    std::os::unix::fs::symlink(world.path().join("site"), world.path().join("link")).unwrap();
    world.remove("site.toml");
    world.write(
        "site/releases/0.2.0.rhai",
        "//! The index.\nfn done(server) { shell(server, \"cat ../trace || true\").lines.contains(\"index\") }\n\
         fn apply_after(server) { shell(server, \"echo index >> ../trace\"); }\n",
    );
    world.write("web/file", "new");
    world.git(&["add", "-A"]);
    world.git(&["commit", "-q", "-m", "second"]);
    world.git(&["tag", "0.2.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    world
}

fn site(world: &World, name: &str) -> String {
    world.path().join(name).display().to_string()
}

/// What the second administrator types: with a state folder of their own, and the site by the link.
fn other(world: &World, arguments: &[&str]) -> Said {
    let link = site(world, "link");
    let mut command = world.command(&[&["--site", &link], arguments].concat());
    said(command.env("BANISTER_STATE", world.path().join("state-b")).env("USER", "bea").output().unwrap())
}

fn first(world: &World, arguments: &[&str]) -> Said {
    world.banister(&[&["--site", &site(world, "site")], arguments].concat())
}

fn crash(world: &World, arguments: &[&str], place: &str) -> Said {
    world.crash(&[&["--site", &site(world, "site")], arguments].concat(), place)
}

/// A place in the update at which the release is checked out, and all of it is owed.
fn half_way() -> String {
    static PLACE: OnceLock<String> = OnceLock::new();
    let find = || {
        let whole = world();
        assert_eq!(first(&whole, &["run", "update", "--yes"]).code, Some(0));
        let journal = std::fs::read_to_string(&whole.journals()[0]).unwrap();
        let at = journal.lines().position(|line| line.contains("\"name\":\"checkout\"")).unwrap();
        format!("before {}", at + 3)
    };
    PLACE.get_or_init(find).clone()
}

/// The first administrator's only run: its name and its folder.
fn run(world: &World) -> (String, PathBuf) {
    let path = world.journals().pop().unwrap().parent().unwrap().to_owned();
    (path.file_name().unwrap().to_string_lossy().into_owned(), path)
}

fn book(world: &World) -> Value {
    serde_json::from_str(&world.read("web/.git/banister/book.json")).unwrap_or_default()
}

fn status(world: &World) -> Value {
    let said = other(world, &["status", "--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    serde_json::from_str::<Value>(&said.out).unwrap()[0].clone()
}

/// Does `work` for each place, a few at once.
fn each(places: Vec<String>, work: impl Fn(&str) + Sync) {
    let places = Mutex::new(places);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                loop {
                    let Some(place) = places.lock().unwrap().pop() else { break };
                    work(&place);
                }
            });
        }
    });
}

/// Nothing is owed any more, maintenance mode is off, and what the release asks for was done once.
fn assert_settled(world: &World, place: &str) {
    let book = book(world);
    assert_eq!(book["open"], serde_json::json!([]), "{place}: {book}");
    assert_eq!(book["owed"], serde_json::json!([]), "{place}: {book}");
    let trace = world.read("trace");
    assert_eq!(trace.matches("index").count(), 1, "{place}: {trace}");
    let last = trace.lines().rfind(|line| line.starts_with("page"));
    assert_ne!(last, Some("page on"), "{place}: {trace}");
    let backups = std::fs::read_dir(world.path().join("backups")).unwrap();
    let names = backups.map(|backup| backup.unwrap().file_name().to_string_lossy().into_owned());
    assert!(names.into_iter().any(|name| name.contains("-after-0.2.0")), "{place}");
    let status = status(world);
    assert_eq!(status["release"], "0.2.0", "{place}: {status}");
    assert_eq!(status["half_way"], false, "{place}: {status}");
}

#[test]
fn an_update_that_was_killed_anywhere_is_known_to_every_administrator() {
    let whole = world();
    let said = first(&whole, &["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_settled(&whole, "whole");
    let trace = whole.read("trace");
    let records = whole.records();
    let places = chance::part((0..records).collect(), 10).into_iter().enumerate();
    let places: Vec<String> = places
        .map(|(turn, record)| format!("{} {record}", if turn % 2 == 0 { "after" } else { "before" }))
        .collect();
    let (refused, resumed, abandoned, begun) =
        (AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0), AtomicUsize::new(0));
    each(places.clone(), |place| {
        let world = world();
        let said = crash(&world, &["run", "update", "--yes"], place);
        if said.code != Some(-9) || world.records() == 0 {
            return;
        }
        let (name, path) = run(&world);
        let book = book(&world);
        let owed = book["owed"].as_array().cloned().unwrap_or_default();
        let is_open = |open: &Value| open["run"] == name.as_str() && open["changed"] == true;
        let half_way =
            !owed.is_empty() || book["open"].as_array().is_some_and(|open| open.iter().any(is_open));
        // Whatever was done to the server is known there.
        let touched = !world.read("trace").is_empty() || !world.read("web/file").is_empty();
        assert!(half_way || !touched || book["open"] == serde_json::json!([]), "{place}: {book}");
        if !half_way {
            // Nothing was changed, or all was: another one begins.
            let said = other(&world, &["run", "update", "--yes"]);
            assert_eq!(said.code, Some(0), "{place}: {said:?}");
            assert_settled(&world, place);
            begun.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let shown = other(&world, &["lock", "show"]);
        assert!(shown.out.contains(&name) && !shown.out.contains("web: free"), "{place}: {shown:?}");
        let told = other(&world, &["status"]);
        assert!(told.out.contains(&name), "{place}: {told:?}");
        for owed in &owed {
            let what = owed["text"].as_str().unwrap();
            assert!(
                shown.out.contains(what) && told.out.contains(what),
                "{place}: {what}: {shown:?} {told:?}"
            );
        }
        let said = other(&world, &["run", "update", "--yes"]);
        assert_eq!(said.code, Some(4), "{place}: {said:?}");
        assert!(said.err.contains(&name), "{place}: {said:?}");
        let said = other(&world, &["resume"]);
        assert_eq!(said.code, Some(4), "{place}: {said:?}");
        refused.fetch_add(1, Ordering::Relaxed);
        let turn = places.iter().position(|other| other == place).unwrap();
        if turn % 4 < 2 {
            let said = other(&world, &["resume", &path.display().to_string(), "--yes"]);
            assert_eq!(said.code, Some(0), "{place}: {said:?}");
            assert_settled(&world, place);
            assert_eq!(world.read("trace"), trace, "{place}");
            resumed.fetch_add(1, Ordering::Relaxed);
            return;
        }
        if !owed.is_empty() {
            let said = other(&world, &["run", "update", "--yes", "--abandon"]);
            assert_eq!(said.code, Some(3), "{place}: {said:?}");
        }
        let said = other(&world, &["run", "update", "--yes", "--abandon=it is in the way"]);
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        assert_settled(&world, place);
        abandoned.fetch_add(1, Ordering::Relaxed);
        // Whoever began can't go on, or back, over that unseen.
        for more in [&["resume", "--yes"][..], &["resume", "--rollback", "--yes"]] {
            let said = first(&world, &[&more[..1], &[&name], &more[1..]].concat());
            assert_eq!(said.code, Some(4), "{place}: {said:?}");
            assert!(said.err.contains("bea") && said.err.contains("it is in the way"), "{place}: {said:?}");
        }
        assert_settled(&world, place);
    });
    let counts = [refused, resumed, abandoned, begun].map(AtomicUsize::into_inner);
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    let [refused, resumed, abandoned, begun] = counts;
    println!(
        "{records} records: {refused} refused, {resumed} resumed by another, {abandoned} abandoned by another, {begun} \
         started again; 0 lost, 0 twice"
    );
}

/// Kills a run of `long`, whose command goes on for a second.
fn killed_in_a_command(world: &World) -> String {
    world.write("site/runbooks/long.rhai", "fn main() { step \"Work\" { this_server().make(\"long\"); } }\n");
    let said = crash(world, &["run", "long"], "after 3");
    assert_eq!(said.code, Some(-9), "{said:?}");
    // The command is begun by whoever continues it; it is killed again while it works.
    let link = site(world, "site");
    let mut resume = world.command(&["--site", &link, "resume"]).spawn().unwrap();
    while !world.read("trace").contains("long begin") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    resume.kill().unwrap();
    resume.wait().unwrap();
    run(world).0
}

#[test]
fn a_command_that_goes_on_is_ended_or_waited_for_before_its_run_is_abandoned() {
    for (answer, end) in [("wait", "long begin\nlong end\n"), ("end", "long begin\n")] {
        let world = world();
        // The command goes on for as long as the file is there.
        world.write("hold", "");
        let name = killed_in_a_command(&world);
        let said = other(&world, &["run", "backup", "--yes", "--abandon=in the way"]);
        assert_eq!(said.code, Some(3), "{said:?}");
        assert!(said.err.contains("`make long`") || said.err.contains("make long"), "{said:?}");
        // It was not abandoned by that.
        assert_eq!(book(&world)["open"][0]["run"], name.as_str(), "{said:?}");
        let let_go = || {
            std::thread::sleep(std::time::Duration::from_millis(if answer == "wait" { 500 } else { 0 }));
            std::fs::remove_file(world.path().join("hold")).unwrap();
        };
        let asked = ["run", "backup", "--yes", "--abandon=in the way", "--answer", answer];
        let said = match answer {
            "wait" => std::thread::scope(|scope| {
                scope.spawn(let_go);
                other(&world, &asked)
            }),
            _ => {
                let said = other(&world, &asked);
                let_go();
                said
            }
        };
        assert_eq!(said.code, Some(0), "{said:?}");
        std::thread::sleep(std::time::Duration::from_millis(1_200));
        assert_eq!(world.read("trace"), end, "{answer}");
        let said = first(&world, &["resume", &name, "--rollback"]);
        assert_eq!(said.code, Some(4), "{said:?}");
        assert!(!said.out.contains("rolled back"), "{said:?}");
    }
}

#[test]
fn a_lock_that_is_released_by_force_ends_what_its_holder_still_runs() {
    let world = world();
    world.write("site/runbooks/long.rhai", "fn main() { step \"Work\" { this_server().make(\"long\"); } }\n");
    let link = site(&world, "site");
    let holder = world.command(&["--site", &link, "run", "long"]).spawn().unwrap();
    while !world.read("trace").contains("long begin") {
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    let said = other(&world, &["lock", "release"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    let said = other(&world, &["lock", "release", "--force"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let holder = holder.wait_with_output().unwrap();
    assert_ne!(holder.status.code(), Some(0));
    // What it left is known, and nobody begins over it by chance.
    let said = other(&world, &["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert_eq!(world.read("trace"), "long begin\n");
    let said = other(&world, &["run", "backup", "--yes", "--abandon=it was stuck"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn a_site_that_was_moved_finds_its_unfinished_run() {
    let world = world();
    crash(&world, &["run", "update", "--yes"], &half_way());
    let name = run(&world).0;
    std::fs::rename(world.path().join("site"), world.path().join("moved")).unwrap();
    world.remove("link");
    std::os::unix::fs::symlink(world.path().join("moved"), world.path().join("link")).unwrap();
    let moved = site(&world, "moved");
    let said = world.banister(&["--site", &moved, "run", "update", "--yes"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains(&name), "{said:?}");
    let said = world.banister(&["--site", &moved, "resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_settled(&world, "moved");
}

#[test]
fn what_cannot_be_read_is_unknown_and_never_free() {
    use std::os::unix::process::CommandExt;
    // Two administrators without root, of whom each has a home and a state folder; the checkout is the first one's.
    if !rustix::process::getuid().is_root() || !support::is_open_to_others(&std::env::temp_dir()) {
        eprintln!("SKIPPED: another user needs root, and a temporary folder that is open to others");
        return;
    }
    let world = world();
    world.write(".gitconfig", "[safe]\n\tdirectory = *\n");
    for (home, user) in [("home-a", 61_001), ("home-b", 61_002)] {
        world.write(&format!("{home}/.gitconfig"), "[safe]\n\tdirectory = *\n");
        let chown = |path: &std::path::Path| std::os::unix::fs::chown(path, Some(user), Some(user)).unwrap();
        chown(&world.path().join(home));
    }
    let chmod = |path: &str, mode: &str| {
        let done =
            std::process::Command::new("chmod").args(["-R", mode]).arg(world.path().join(path)).status();
        assert!(done.unwrap().success());
    };
    let own = |path: &str| {
        let mut done = std::process::Command::new("chown");
        done.args(["-R", "61001:61001"]).arg(world.path().join(path));
        assert!(done.status().unwrap().success());
    };
    std::fs::create_dir(world.path().join("backups")).unwrap();
    world.write("trace", "");
    ["web", "site", "backups", "trace"].into_iter().for_each(own);
    chmod("", "a+rX");
    let by = |user: u32, home: &str, arguments: &[&str], crash: Option<&str>| {
        let mut command = world.command(&[&["--site", &site(&world, "site")], arguments].concat());
        let home = world.path().join(home);
        command.uid(user).gid(user).env("HOME", &home).env("BANISTER_STATE", home.join("state"));
        crash.into_iter().for_each(|place| {
            command.env("BANISTER_CRASH_AT", place);
        });
        said(command.output().unwrap())
    };
    let killed = by(61_001, "home-a", &["run", "update", "--yes"], Some(&half_way()));
    assert_eq!(killed.code, Some(-9), "{killed:?}");
    let name = book(&world)["open"][0]["run"].as_str().unwrap().to_owned();
    // Who may read the checkout reads what is open and owed.
    for command in [&["status"][..], &["lock", "show"]] {
        let told = by(61_002, "home-b", command, None);
        assert!(told.out.contains(&name) && told.out.contains("back up after 0.2.0"), "{told:?}");
        // What still runs lies in a folder of the other's.
        assert!(told.out.contains("it is unknown whether it still runs something"), "{told:?}");
    }
    let refused = by(61_002, "home-b", &["run", "update", "--yes"], None);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    // Who may not, is not told that it is free.
    chmod("web/.git/banister", "go-rwx");
    for command in [&["status"][..], &["lock", "show"], &["lock", "release"]] {
        let told = by(61_002, "home-b", command, None);
        let text = format!("{}{}", told.out, told.err);
        assert!(text.contains("unknown") && !text.contains("free"), "{told:?}");
    }
    let refused = by(61_002, "home-b", &["run", "update", "--yes"], None);
    assert_ne!(refused.code, Some(0), "{refused:?}");
    assert!(refused.err.contains("unknown"), "{refused:?}");
    let resumed = by(61_001, "home-a", &["resume", "--yes"], None);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert_settled(&world, "two users");
}

#[test]
fn a_damaged_book_is_told_with_a_way_out() {
    let world = world();
    crash(&world, &["run", "update", "--yes"], &half_way());
    let path = world.path().join("web/.git/banister/book.json");
    let book = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, &book[..book.len() / 2]).unwrap();
    for command in [&["status"][..], &["lock", "show"]] {
        let told = first(&world, command);
        assert!(told.out.contains("unknown") && !told.out.contains("free"), "{told:?}");
    }
    let said = first(&world, &["resume", "--yes"]);
    assert!(said.err.contains("is damaged") && said.err.contains("mv '"), "{said:?}");
    let aside = path.with_extension("damaged");
    std::fs::rename(&path, aside).unwrap();
    let said = first(&world, &["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_settled(&world, "damaged");
    // A book of a later version is left alone.
    let newer = serde_json::json!({ "version": 9, "open": [], "owed": [] });
    std::fs::write(&path, newer.to_string()).unwrap();
    let said = first(&world, &["run", "backup", "--yes"]);
    assert_ne!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("newer version"), "{said:?}");
}

#[test]
fn of_a_rollback_that_failed_another_administrator_hears_that_it_is_one() {
    let world = world();
    crash(&world, &["run", "update", "--yes"], &half_way());
    // The way back ends at its first change.
    world.write("web/.git/index.lock", "");
    assert_eq!(first(&world, &["resume", "--rollback", "--yes"]).code, Some(1));
    let said = other(&world, &["status"]);
    assert!(said.out.contains(" failed in its rollback: update from 0.1.0 to 0.2.0"), "{said:?}");
    assert!(said.out.contains("; it owes the rest of its rollback, which settles: "), "{said:?}");
    world.remove("web/.git/index.lock");
    assert_eq!(first(&world, &["resume", "--yes"]).code, Some(0));
    let said = other(&world, &["status"]);
    assert!(!said.out.contains("unfinished"), "{said:?}");
}
