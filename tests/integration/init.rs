//! `banister init`: a site from what is found, and every command on the installation that it found.

use crate::support;

use serde_json::Value;
use std::fs;
use std::process::Command;
use support::{Said, World, said};

/// The one document that a command writes with `--json`.
fn document(said: &Said) -> Value {
    serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"))
}

fn next(said: &Said) -> &str {
    said.out.lines().last().unwrap_or_default().strip_prefix("next:  ").unwrap_or_else(|| panic!("{said:?}"))
}

/// A home with a generic server in it, of two releases, the older checked out, and no site.
fn home() -> World {
    let world = World::new();
    world.remove("site.toml");
    world.write(
        "web/Makefile",
        "PORT ?= 80\n.PHONY: all\nall:\n\t@echo build >> ../trace\nstart: all\n\t@echo up >> ../trace\n",
    );
    world.git(&["commit", "-qam", "Make it start"]);
    world.git(&["tag", "0.2.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    world.git(&["checkout", "-q", "0.2.0", "--", "Makefile"]);
    world.git(&["commit", "-qm", "Make it start, as the release before"]);
    world.git(&["tag", "0.1.1"]);
    world
}

#[test]
fn a_checkout_with_a_makefile_becomes_a_server_that_can_be_updated() {
    let world = home();
    let said = world.banister(&["init"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(next(&said), "set `health` and `backup` in it, then: banister status");
    let written = world.read("site.toml");
    assert!(written.contains("[servers.web]\n") && written.contains("kind = \"plain\"\n"), "{written}");
    assert!(
        written.contains(r#"targets = { configure = "", build = "all", start = "start", stop = "" }"#),
        "{written}"
    );

    // The guess of the health URL is wrong here: an update stops before anything happens.
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!((said.code, world.read("trace").as_str()), (Some(3), ""), "{said:?}");
    assert!(
        said.err.contains(
            "web is not healthy before the update: GET http://127.0.0.1:8080/ connection refused. "
        ),
        "{said:?}"
    );

    world.write(
        "site.toml",
        &written
            .replace(r#"["http://127.0.0.1:8080/"]"#, r#"[{ command = ["true"] }]"#)
            .replace("backup = []", r#"backup = ["Makefile"]"#),
    );
    let said = world.banister(&["check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = world.banister(&["plan", "update"]);
    assert_eq!((said.code, next(&said)), (Some(0), "banister run update"), "{said:?}");
    let said = world.banister(&["run", "update", "--to", "0.2.0", "--yes", "--abandon"]);
    assert_eq!((said.code, next(&said)), (Some(0), "banister status"), "{said:?}");
    assert_eq!(world.read("trace"), "build\nbuild\nup\n", "start builds, too");
    let said = world.banister(&["plan", "update"]);
    assert_eq!((said.code, next(&said)), (Some(0), "banister status"), "nothing is left to run: {said:?}");
}

#[test]
fn a_site_is_never_overwritten_and_a_checkout_is_never_made_dirty() {
    let world = home();
    world.write("site.toml", "# mine\n");
    let said = world.banister(&["init"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("site.toml` is there already"), "{said:?}");
    assert_eq!(world.read("site.toml"), "# mine\n");

    world.remove("site.toml");
    let said =
        support::said(world.command(&["init"]).current_dir(world.path().join("web")).output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(world.read(".config/banister/site.toml").contains("[servers.web]"), "{said:?}");
    assert!(!world.path().join("web/site.toml").exists());

    let empty = world.path().join("empty");
    fs::create_dir(&empty).unwrap();
    let said =
        support::said(world.command(&["init"]).current_dir(&empty).env("HOME", &empty).output().unwrap());
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("there is no installation in"), "{said:?}");
    assert!(said.err.contains("go to a git checkout with a Makefile"), "{said:?}");
}

#[test]
fn a_home_with_a_hoss_becomes_its_site() {
    let folder = tempfile::tempdir().unwrap();
    let kept = folder.path().join("kept");
    let banister = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_banister"));
        command
            .args(arguments)
            .env_clear()
            .env("BANISTER_FOREGROUND", "yes")
            .env("BANISTER_STATE", folder.path().join("state"));
        let path = std::env::var("PATH").unwrap();
        match kept.join("home").is_dir() {
            true => command
                .env("HOME", kept.join("home"))
                .env("PATH", format!("{}:{path}", kept.join("bin").display()))
                .current_dir(kept.join("home")),
            false => command.env("HOME", folder.path()).env("PATH", path).current_dir(folder.path()),
        };
        said(command.output().unwrap())
    };
    let said = banister(&["demo", "--keep", kept.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    fs::remove_file(kept.join("site.toml")).unwrap();

    let said = banister(&["init"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let written = fs::read_to_string(kept.join("home/site.toml")).unwrap();
    assert!(
        written.contains("[servers.hybrid-object-store]") && written.contains("kind = \"hoss\""),
        "{written}"
    );
    let status = document(&banister(&["status", "--json"]));
    let server = &status[0];
    assert_eq!(server["name"], "hybrid-object-store");
    assert_eq!(
        (&server["release"], &server["healthy"]),
        (&Value::from("0.2.14"), &Value::from(true)),
        "{server}"
    );
    let said = banister(&["plan", "update"]);
    assert!(said.out.contains("already runs 0.2.14"), "{said:?}");
}

/// A linked Hoss names the others in its own files.
#[test]
fn the_servers_that_a_hoss_is_linked_with_are_found() {
    let world = World::new();
    world.remove("site.toml");
    let banister = |folder: &str| {
        let path = world.path().join(folder);
        support::said(world.command(&["init"]).current_dir(&path).env("HOME", &path).output().unwrap())
    };
    for file in ["server/Makefile", "server/VERSION", ".git/HEAD"] {
        world.write(&format!("hub/hoss/{file}"), "");
        world.write(&format!("lab/hoss/{file}"), "");
    }
    world.write("hub/.hoss/.env", "EXTERNAL_HOSTNAME=https://hub.example.org\nSERVICES=auth core ui\n");
    world.write(
        "hub/.hoss/auth/config.yaml",
        "additional_allowed_servers: [https://archive.example.org, \"http://localhost:3000\"]\n",
    );
    world.write(
        "hub/.hoss/sync/config.yaml",
        "core_services:\n  - http://core:8080/v1\n  - https://archive.example.org/core/v1\n  - \
         https://lab.example.org:8443/core/v1\n",
    );
    let said = banister("hub");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains(
            "  and https://lab.example.org:8443, which ~/.hoss/sync/config.yaml names: its `ssh` and `checkout` are \
             guesses\n"
        ),
        "{said:?}"
    );
    let site = banister::internals::site::Site::load(&world.path().join("hub/site.toml")).unwrap();
    let servers: Vec<_> = site.servers.values().collect();
    let names: Vec<&str> = servers.iter().map(|server| server.name.as_str()).collect();
    assert_eq!(names, ["archive", "hoss", "lab"], "the one at localhost is a comment");
    let lab = servers[2];
    assert_eq!(lab.ssh.as_deref(), Some("lab.example.org"));
    assert_eq!(lab.endpoint.as_deref(), Some("https://lab.example.org:8443"));
    let written = world.read("hub/site.toml");
    assert!(
        written.contains("checkout = \"~/hoss\"") && written.contains("# [servers.server-3]"),
        "{written}"
    );

    world.write(
        "lab/.hoss/.env",
        "EXTERNAL_HOSTNAME=https://lab.example.org\nAUTH_SERVICE_ENDPOINT=https://hub.example.org/auth/v1\n",
    );
    let said = banister("lab");
    assert!(said.out.contains("which AUTH_SERVICE_ENDPOINT in ~/.hoss/.env names"), "{said:?}");
    assert!(world.read("lab/site.toml").contains("[servers.hub]"));

    // What can't be read is not passed over.
    world.remove("lab/site.toml");
    world.write("lab/.hoss/sync/config.yaml", "core_services: [a\n");
    let said = banister("lab");
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("sync/config.yaml"), "{said:?}");
    assert!(!world.path().join("lab/site.toml").exists());
}

/// What others read: the shapes that scripts around the program rely on.
#[test]
fn each_document_has_the_fields_that_are_promised() {
    let world = home();
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nhealth = [{ command = [\"true\"] }]\nbackup = \
         [\"Makefile\"]\ntargets = { build = \"all\", start = \"start\" }\n",
    );
    let ran = world.banister(&["run", "update", "--yes", "--json"]);
    assert_eq!(ran.code, Some(0), "{ran:?}");
    for line in ran.out.lines() {
        let event: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(event["event"].is_string(), "{line}");
    }

    let shown = document(&world.banister(&["show", "--json"]));
    assert_eq!((&shown["runbook"], &shown["state"]), (&Value::from("update"), &Value::from("done")));
    assert_eq!(shown["servers"], serde_json::json!(["web"]));
    let steps = shown["steps"].as_array().unwrap();
    let names: Vec<&str> = steps.iter().map(|step| step["name"].as_str().unwrap()).collect();
    assert_eq!(names[..4], ["Check", "Back up", "Review release notes", "Check out"]);
    for step in steps {
        assert_eq!((&step["server"], &step["state"]), (&Value::from("web"), &Value::from("done")), "{step}");
        assert!(step["seconds"].as_f64().is_some_and(|seconds| seconds < 60.0), "{step}");
        assert_eq!(step["source"], "bundled");
    }

    let runs = document(&world.banister(&["runs", "--json"]));
    assert_eq!(runs.as_array().unwrap().len(), 1);
    for field in ["run", "runbook", "state", "servers"] {
        assert_eq!(runs[0][field], shown[field], "{field}");
    }
    assert!(runs[0].get("steps").is_none());

    let status = document(&world.banister(&["status", "--json"]));
    let server = &status[0];
    assert_eq!((&server["name"], &server["release"]), (&Value::from("web"), &Value::from("0.2.0")));
    assert_eq!(server["commit"].as_str().map(str::len), Some(40));
    assert_eq!((&server["healthy"], &server["lock"]), (&Value::from(true), &Value::Null));
    assert_eq!(server["last_run"]["run"], shown["run"]);
    assert_eq!(server["backups"].as_array().map(Vec::len), Some(2), "{server}");

    let list = document(&world.banister(&["list", "--json"]));
    let names: Vec<_> =
        list.as_array().unwrap().iter().map(|entry| (&entry["name"], &entry["source"])).collect();
    assert!(names.contains(&(&Value::from("update"), &Value::from("bundled"))), "{list}");
}

#[test]
fn below_a_site_it_makes_no_second_one_unless_its_folder_is_named() {
    let world = home();
    world.write("site.toml", "# mine\n");
    world.write("below/.keep", "");
    let said = world.command(&["init"]).current_dir(world.path().join("below")).output().unwrap();
    let said = support::said(said);
    assert!(said.code == Some(2) && said.err.contains("this would make a second one"), "{said:?}");
    assert_eq!(world.read("site.toml"), "# mine\n");
    let named =
        world.command(&["init", "--site", "."]).current_dir(world.path().join("below")).output().unwrap();
    assert_eq!(named.status.code(), Some(0), "{named:?}");
    assert!(world.read("below/site.toml").contains("[servers.web]"));
}
