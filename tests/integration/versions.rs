//! Which release runs, beside what is checked out: as the site says how to ask for it.

use crate::registry::server::{JSON, Server, reply};
use crate::support;

use std::path::PathBuf;
use support::World;

/// A server of v1.0.0 that knows v1.1.0, which runs what the file `runs` says. `version` is how it is asked for that.
fn world(version: &str) -> World {
    let world = World::new();
    world.git(&["tag", "-d", "0.1.0"]);
    for tag in ["v1.0.0", "v1.1.0"] {
        world.write(
            "web/Makefile",
            &format!("build stop:\n\t@true\nup:\n\t@echo {} > ../runs\n", tag.trim_start_matches('v')),
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
             health = [{{ command = [\"true\"], name = \"well\" }}]\nhealthy = {{ stable = \"20ms\" }}\n\
             targets = {{ stop = \"stop\" }}\nversion = {version}\n"
        ),
    );
    world.write("data/file", "kept\n");
    world.write("runs", "1.0.0\n");
    world
}

fn update_knows_what_runs(world: &World) {
    let status = world.banister(&["status"]);
    assert!(status.out.contains("v1.0.0") && !status.out.contains(" runs"), "{status:?}");
    world.write("runs", "0.9.1\n");
    let status = world.banister(&["status"]);
    assert!(status.out.contains("v1.0.0 is checked out, 0.9.1 runs"), "{status:?}");
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("v1.0.0 is checked out on web, but 0.9.1 runs"), "{said:?}");
    assert!(said.out.contains("nothing was touched"), "{said:?}");
    world.write("runs", "1.0.0\n");
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!((said.code, world.read("runs").trim()), (Some(0), "1.1.0"), "{said:?}");
    let status: serde_json::Value = serde_json::from_str(&world.banister(&["status", "--json"]).out).unwrap();
    assert_eq!((&status[0]["release"], &status[0]["runs"]), (&"v1.1.0".into(), &"v1.1.0".into()));
}

#[test]
fn a_command_says_which_release_runs() {
    update_knows_what_runs(&world("{ command = [\"cat\", \"../runs\"] }"));
    let json = "{ command = [\"sh\", \"-c\", \"printf '{\\\"app\\\": {\\\"version\\\": \\\"%s\\\"}}' $(cat ../runs)\"], json = \"app.version\" }";
    update_knows_what_runs(&world(json));
}

#[test]
fn an_answer_over_http_says_which_release_runs() {
    let folder = std::sync::Arc::new(std::sync::Mutex::new(PathBuf::new()));
    let of = folder.clone();
    let server = Server::start(move |seen, stream| {
        let runs = std::fs::read_to_string(of.lock().unwrap().join("runs")).unwrap_or_default();
        reply(seen, stream, 200, &[JSON], format!("{{\"version\":\"{}\"}}", runs.trim()));
    });
    let world =
        world(&format!("{{ http = \"http://{}/api/version\", json = \"version\" }}", server.authority()));
    *folder.lock().unwrap() = world.path().to_owned();
    update_knows_what_runs(&world);
}

#[test]
fn an_update_after_which_the_old_release_runs_is_not_done() {
    let world = world("{ command = [\"cat\", \"../runs\"] }");
    world.git(&["checkout", "-q", "-b", "later", "v1.1.0"]);
    world.write("web/Makefile", "build up stop:\n\t@true\n");
    world.git(&["commit", "-q", "-a", "-m", "v1.2.0"]);
    world.git(&["tag", "v1.2.0"]);
    world.git(&["checkout", "-q", "v1.0.0"]);
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("v1.2.0 was started on web, but 1.0.0 runs"), "{said:?}");
    let said = world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!((said.code, world.read("runs").trim()), (Some(0), "1.0.0"), "{said:?}");
}

#[test]
fn what_says_no_version_is_unknown_and_no_reason_to_refuse() {
    for (version, told) in [
        ("{ command = [\"true\"] }", "which release of web runs is unknown: true reports none"),
        ("{ command = [\"false\"] }", "which release of web runs is unknown: false reports none"),
        (
            "{ http = \"http://127.0.0.1:9/v\" }",
            "which release of web runs is unknown: http://127.0.0.1:9/v reports none",
        ),
        (
            "{ command = [\"echo\", \"{}\"], json = \"version\" }",
            "which release of web runs is unknown: echo {} reports none",
        ),
    ] {
        let world = world(version);
        let status = world.banister(&["status"]);
        assert!(status.code == Some(0) && !status.out.contains(" runs"), "{status:?}");
        let said = world.banister(&["run", "update", "--yes"]);
        assert!(said.code == Some(0) && said.out.contains(told), "{said:?}");
    }
    let wrong = world("\"1.0\"");
    assert_eq!(wrong.banister(&["check"]).code, Some(2));
}
