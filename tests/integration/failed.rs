//! A release whose update failed here is not taken again automatically: that is noted on the server, and told.

use crate::support;

use support::{Said, World};

/// A server of v1.0.0 that knows v1.1.0 and v1.2.0; the latter makes it ill, unless it is `mended`. `more` is added to its
/// table in site.toml.
fn world(more: &str) -> World {
    let world = World::new();
    world.git(&["tag", "-d", "0.1.0"]);
    world.git(&["tag", "v1.0.0"]);
    for tag in ["v1.1.0", "v1.2.0"] {
        let ill = if tag == "v1.2.0" { "test -e ../mended || touch ../ill" } else { "true" };
        world.write(
            "web/Makefile",
            &format!("config build stop:\n\t@echo $@ >> ../trace\nup:\n\t@{ill}\n\t@echo {tag} > ../runs\n"),
        );
        world.git(&["commit", "-q", "-a", "-m", tag]);
        world.git(&["tag", tag]);
    }
    world.git(&["checkout", "-q", "v1.0.0"]);
    world.git(&["remote", "add", "origin", "."]);
    world.write(
        "site.toml",
        &format!(
            "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackup = [\"~/data\"]\nbackups = \"~/kept\"\n\
             health = [{{ command = [\"test\", \"!\", \"-e\", \"../ill\"], name = \"well\" }}]\n\
             healthy = {{ stable = \"20ms\", within = \"200ms\" }}\n\
             targets = {{ configure = \"config\", stop = \"stop\" }}\n{more}"
        ),
    );
    world.write("data/file", "kept\n");
    world
}

fn update(world: &World, more: &[&str]) -> Said {
    world.banister(&[&["run", "update", "--yes"], more].concat())
}

/// The update to v1.2.0 fails, and the server is well again afterwards.
fn fail(world: &World) -> String {
    let said = update(world, &["--to", "v1.2.0"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    world.remove("ill");
    let journals = world.journals();
    let run = journals.last().unwrap().parent().unwrap().file_name().unwrap().to_str().unwrap();
    run.to_owned()
}

fn status(world: &World) -> serde_json::Value {
    serde_json::from_str(&world.banister(&["status", "--json"]).out).unwrap()
}

fn failed(world: &World) -> Vec<(String, String)> {
    let status = status(world);
    let failed = status[0]["failed_releases"].as_array().unwrap().iter();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    failed.map(|failed| (text(&failed["release"]), text(&failed["end"]))).collect()
}

#[test]
fn a_release_that_was_rolled_back_is_left_out_until_it_is_named_and_installed() {
    let world = world("");
    let run = fail(&world);
    assert!(failed(&world).is_empty());
    let said = world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(failed(&world), [("v1.2.0".to_owned(), "rolled back".to_owned())]);

    let told = format!("(run {run}, rolled back); take it all the same with `--to v1.2.0`");
    let shown = world.banister(&["status"]).out;
    let line = format!(
        "(run {run}, rolled back); an update leaves it out; take it all the same: `banister run update --to v1.2.0 --server web`"
    );
    assert!(shown.contains("v1.2.0 failed here on 20") && shown.contains(&line), "{shown}");
    let planned = world.banister(&["plan", "update"]);
    assert!(
        planned.out.contains("note: v1.2.0 failed here on 20") && planned.out.contains(&told),
        "{planned:?}"
    );
    assert!(planned.out.contains("checkout(web, \"v1.1.0\")"), "{planned:?}");

    let said = update(&world, &[]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains(&told), "{said:?}");
    assert_eq!(status(&world)[0]["release"], "v1.1.0");
    let said = update(&world, &[]);
    assert!(said.code == Some(0) && said.out.contains("web already runs v1.1.0"), "{said:?}");
    assert!(said.out.contains(&told), "{said:?}");

    // It is mended, and no more is told of it.
    world.write("mended", "");
    let said = update(&world, &["--to", "v1.2.0"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(failed(&world).is_empty());
    assert!(!world.banister(&["status"]).out.contains("failed here"));
}

#[test]
fn a_release_that_was_abandoned_is_left_out_too() {
    let world = world("");
    fail(&world);
    world.git(&["checkout", "-q", "v1.0.0"]);
    let said = update(&world, &["--abandon=it does not become healthy"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("v1.2.0 failed here on 20") && said.out.contains(", abandoned); "), "{said:?}");
    assert_eq!(status(&world)[0]["release"], "v1.1.0");
    assert_eq!(failed(&world), [("v1.2.0".to_owned(), "abandoned".to_owned())]);
}

#[test]
fn what_was_refused_before_anything_was_changed_did_not_fail() {
    let world = world("");
    world.write("web/Makefile", "changed by hand\n");
    assert_eq!(update(&world, &[]).code, Some(1));
    world.git(&["checkout", "-q", "--", "Makefile"]);
    assert!(failed(&world).is_empty());
    let said = update(&world, &["--to", "v1.1.0"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn a_stop_that_failed_keeps_later_releases_away() {
    let world = world("releases = { stops = [\"v1.2.0\"] }\n");
    world.git(&["checkout", "-q", "v1.2.0"]);
    world.git(&["commit", "-q", "--allow-empty", "-m", "v1.3.0"]);
    world.git(&["tag", "v1.3.0"]);
    world.git(&["checkout", "-q", "v1.0.0"]);
    fail(&world);
    assert_eq!(world.banister(&["resume", "--rollback", "--yes"]).code, Some(0));
    for through in [&[][..], &["--through"]] {
        let said = update(&world, through);
        assert_eq!(said.code, Some(0), "{said:?}");
        let told = "and must be installed before newer releases; take it all the same with --to v1.2.0";
        assert!(said.out.contains(told) && said.out.contains("web already runs v1.0.0"), "{said:?}");
    }
}

#[test]
fn it_is_noted_once_wherever_the_rollback_is_killed() {
    let whole = world("");
    fail(&whole);
    let before = whole.records();
    assert_eq!(whole.banister(&["resume", "--rollback", "--yes"]).code, Some(0));
    let records = whole.records();
    for record in (before..records).step_by(2) {
        let world = world("");
        fail(&world);
        let place = format!("after {record}");
        world.crash(&["resume", "--rollback", "--yes"], &place);
        // One that was killed at its last record has nothing to resume.
        let said = world.banister(&["resume", "--rollback", "--yes"]);
        assert_eq!(failed(&world), [("v1.2.0".to_owned(), "rolled back".to_owned())], "{place}: {said:?}");
        assert_eq!(status(&world)[0]["release"], "v1.0.0", "{place}: {said:?}");
    }
}
