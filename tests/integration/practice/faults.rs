//! Each fault does what its sentence says, and nothing else.

use super::setup::{server, until};
use banister::failure::Kind;
use banister::internals::practice::{FAULTS, Practice, Reach};
use std::path::Path;

#[test]
fn an_unknown_fault_is_refused_before_anything_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("world");
    let failure = Practice::create(&dir, Path::new(env!("CARGO_BIN_EXE_banister")), &["buidl"]).unwrap_err();
    assert_eq!(failure.kind, Kind::Invalid);
    assert!(failure.why.iter().any(|line| line.starts_with("slow-build: ")));
    assert!(!dir.exists());
}

#[test]
fn every_fault_can_be_turned_on_and_off() {
    let server = server(&[]);
    for fault in FAULTS {
        server.switch(fault.name, true).unwrap();
    }
    server.switch("fetch", false).unwrap();
    server.good("git", &["fetch", "--quiet", "--tags"]);
    let tags = server.good("git", &["tag"]);
    for version in FAULTS.iter().filter_map(|fault| fault.release) {
        assert!(tags.lines().any(|tag| tag == version), "{version} is not among {tags}");
    }
    for fault in FAULTS {
        server.switch(fault.name, false).unwrap();
    }
    server.update("0.2.14");
    server.wait_for("0.2.14").unwrap();
}

#[test]
fn build_fails_and_the_old_release_runs_on() {
    let server = server(&["build"]);
    server.check_out("0.2.15");
    server.good("make", &["config"]);
    let said = server.run("make", &["build"]);
    assert_eq!(said.code, Some(2));
    assert!(
        said.out.contains("undefined: quota") && said.errors.contains("'core' failed to build"),
        "{said:?}"
    );
    assert_eq!(server.version().as_deref(), Some("0.2.10"));
}

#[test]
fn slow_build_prints_a_line_each_second_and_succeeds() {
    let server = server(&["slow-build"]);
    server.switch_seconds("slow-build", Reach::New, 2).unwrap();
    server.check_out("0.2.17");
    let said = server.good("make", &["build"]);
    assert!(said.contains("compiling, 1 of 2\n") && said.contains("compiling, 2 of 2\n"), "{said}");
}

#[test]
fn crash_loop_never_answers_and_the_old_release_does_again() {
    let server = server(&["crash-loop"]);
    server.update("0.2.16");
    until("core was started again twice", || server.core_restarts() >= 2);
    assert_eq!(server.version(), None);
    assert!(server.core_log().contains("nil pointer dereference"));
    server.good("git", &["checkout", "--quiet", "0.2.10"]);
    server.good("make", &["up", "DETACH=true"]);
    server.wait_for("0.2.10").unwrap();
}

#[test]
fn healthy_late_answers_in_the_end() {
    let server = server(&[]);
    server.switch_seconds("healthy-late", Reach::New, 1).unwrap();
    server.update("0.2.11");
    server.wait_for("0.2.11").unwrap();
    assert!(server.core_log().contains("warming up for 1 s"));
}

#[test]
fn flapping_answers_and_ends_by_turns() {
    let server = server(&["flapping"]);
    server.update("0.2.11");
    for restarts in [1, 2] {
        until("core answers", || server.version().as_deref() == Some("0.2.11"));
        until("core has ended", || server.core_restarts() >= restarts);
    }
}

#[test]
fn wrong_version_reports_the_old_release_from_the_new_image() {
    let server = server(&["wrong-version"]);
    let image = || {
        server
            .good("docker", &["inspect", "--format", "{{.Config.Image}} {{.State.Status}}", "server_core_1"])
    };
    server.update("0.2.11");
    until("core answers", || image() == "hoss-core:0.2.11 running" && server.version().is_some());
    assert_eq!(server.version().as_deref(), Some("0.2.10"));
}

#[test]
fn dirty_checkout_and_fetch_are_what_git_says() {
    let server = server(&["dirty-checkout", "fetch"]);
    let status = || server.good("git", &["status", "--porcelain"]);
    assert_eq!(status(), " M server/ingress/traefik.yaml\n?? server/ingress/traefik.yaml.orig");
    assert_ne!(server.run("git", &["fetch", "--tags"]).code, Some(0));
    server.switch("dirty-checkout", false).unwrap();
    server.switch("fetch", false).unwrap();
    assert_eq!(status(), "");
    server.good("git", &["fetch", "--tags"]);
}

#[test]
fn disk_full_stops_a_dump_half_way() {
    let server = server(&["disk-full"]);
    let dump = ["exec", "server_db_1", "pg_dump", "-Fc", "-U", "postgres", "hoss_core"];
    let said = server.run("docker", &dump);
    assert_eq!(said.code, Some(1));
    assert!(said.errors.contains("No space left on device"), "{said:?}");
    server.switch("disk-full", false).unwrap();
    let whole = server.good("docker", &dump);
    assert!(!said.out.is_empty() && said.out.len() < whole.len() && whole.starts_with(&said.out));
}

#[test]
fn migration_fails_without_changing_anything() {
    let server = server(&["migration"]);
    let before = server.rows().unwrap();
    server.update("0.2.13");
    until("core was started again twice", || server.core_restarts() >= 2);
    assert!(server.core_log().contains("migration 4 failed"), "{}", server.core_log());
    assert_eq!(server.rows().unwrap(), before);
    server.switch("migration", false).unwrap();
    server.wait_for("0.2.13").unwrap();
    assert_eq!(server.rows().unwrap().identity, before.identity);
}

#[test]
fn migration_stuck_changes_the_database_for_good_and_then_fails() {
    let server = server(&["migration-stuck"]);
    let before = server.rows().unwrap();
    server.update("0.2.18");
    until("core has met the bad migration", || server.core_log().contains("migration 6 failed"));
    let after = server.rows().unwrap();
    assert_eq!(after.migrations["hoss_core"], 5);
    assert_eq!(after.identity, before.identity);
    assert_ne!(after.content, before.content);
}

#[test]
fn incompatible_installs_another_minor_release() {
    let server = server(&["incompatible"]);
    let before = server.rows().unwrap();
    server.update("0.3.0");
    server.wait_for("0.3.0").unwrap();
    assert_eq!(server.rows().unwrap().identity, before.identity);
}

#[test]
fn up_fails_when_it_comes_to_core() {
    let server = server(&["up"]);
    server.check_out("0.2.11");
    server.good("make", &["build"]);
    let said = server.run("make", &["up", "DETACH=true"]);
    assert_eq!(said.code, Some(2));
    assert!(said.errors.contains("Cannot start service core"), "{said:?}");
    let image = |name: &str| server.good("docker", &["inspect", "--format", "{{.Config.Image}}", name]);
    assert_eq!(
        (image("server_auth_1"), image("server_core_1")),
        ("hoss-auth:0.2.11".into(), "hoss-core:0.2.10".into())
    );
    server.good("git", &["checkout", "--quiet", "0.2.10"]);
    server.good("make", &["up", "DETACH=true"]);
    server.wait_for("0.2.10").unwrap();
}

#[test]
fn up_noop_says_that_all_is_well_and_replaces_nothing() {
    let server = server(&["up-noop"]);
    server.update("0.2.11");
    assert_eq!(server.version().as_deref(), Some("0.2.10"));
}

#[test]
fn auth_down_keeps_core_from_starting() {
    let server = server(&["auth-down"]);
    server.update("0.2.11");
    until("core has given up", || server.core_log().contains("gave up waiting for auth"));
    assert_eq!(server.version(), None);
    server.good("git", &["checkout", "--quiet", "0.2.10"]);
    server.good("make", &["up", "DETACH=true"]);
    server.wait_for("0.2.10").unwrap();
}
