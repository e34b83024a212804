//! Metrics for Prometheus, and the line for the message of the day.

use crate::support::World;
use std::fs;
use std::os::unix::fs::PermissionsExt;

/// The value of a metric with these labels.
fn value(text: &str, metric: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(metric)?.trim().parse().ok())
}

/// The rules that `promtool check metrics` holds a file to, as far as we may break them.
fn check_format(text: &str) {
    let mut typed = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, sort) = rest.split_once(' ').unwrap();
            assert_eq!(sort, "gauge", "{line}");
            assert!(!typed.contains(&name), "{name} twice");
            assert!(!name.ends_with("_total") && !name.ends_with("_count"), "{name} is named like a counter");
            typed.push(name);
        } else if !line.starts_with("# HELP ") {
            let name = line.split(['{', ' ']).next().unwrap();
            assert_eq!(typed.last(), Some(&name), "{line}");
            assert!(line.rsplit(' ').next().unwrap().parse::<f64>().is_ok(), "{line}");
        }
    }
    assert!(text.ends_with('\n'));
}

const RUNBOOK: &str =
    "fn main() { let server = this_server();\nstep \"Configure\" { server.make(\"config\"); } }";

#[test]
fn metrics_are_written_when_a_run_ends_and_when_they_are_asked_for() {
    let world = World::new();
    let site = world.read("site.toml");
    world.write("site.toml", &format!("metrics = \"banister.prom\"\n{site}"));
    world.write("runbooks/conf.rhai", RUNBOOK);
    for background in [true, false] {
        world.remove("banister.prom");
        let mut command = world.command(&["run", "conf"]);
        if background {
            command.env_remove("BANISTER_FOREGROUND");
        }
        assert!(command.output().unwrap().status.success());
        let file = world.path().join("banister.prom");
        let end = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !file.exists() {
            assert!(std::time::Instant::now() < end, "nobody writes it");
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let text = world.read("banister.prom");
        check_format(&text);
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(
            value(&text, "banister_server_info{server=\"web\",kind=\"plain\",release=\"0.1.0\"}"),
            Some(1.0),
            "{text}"
        );
        assert_eq!(value(&text, "banister_open_run{server=\"web\"}"), Some(0.0), "{text}");
        assert_eq!(value(&text, "banister_backups{server=\"web\"}"), Some(0.0), "{text}");
        let of = "{server=\"web\",runbook=\"conf\"}";
        assert_eq!(value(&text, &format!("banister_last_run_success{of}")), Some(1.0), "{text}");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64();
        for name in ["last_success_timestamp_seconds", "last_run_timestamp_seconds"] {
            let at = value(&text, &format!("banister_{name}{of}")).unwrap();
            assert!((now - at).abs() < 60.0, "{name} {at} {now}");
        }
        assert!(value(&text, &format!("banister_last_run_duration_seconds{of}")).unwrap() < 60.0);
    }
    // A run that fails is told, and the last success stays.
    world.write("runbooks/conf.rhai", &RUNBOOK.replace("config", "fail"));
    assert_eq!(world.banister(&["run", "conf"]).code, Some(1));
    let said = world.banister(&["metrics"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    check_format(&said.out);
    assert!(said.out.contains("banister_last_run_success{server=\"web\",runbook=\"conf\"} 0\n"), "{said:?}");
    assert!(
        said.out.contains("banister_last_success_timestamp_seconds{server=\"web\",runbook=\"conf\"} "),
        "{said:?}"
    );
    assert_eq!(value(&said.out, "banister_open_run{server=\"web\"}"), Some(1.0), "{said:?}");
    let said = world.banister(&["metrics", "--file", &world.path().join("other.prom").display().to_string()]);
    assert!(
        said.code == Some(0) && said.out.is_empty() && world.read("other.prom").contains("banister_owed"),
        "{said:?}"
    );
    let said = world.banister(&["metrics", "--file", "/no/such/folder/x.prom"]);
    assert!(said.code != Some(0), "{said:?}");
    assert!(!fs::exists("/no/such").unwrap());
}

#[test]
fn metrics_reach_what_a_link_leads_to_and_replace_nothing_that_is_no_file() {
    let world = World::new();
    world.write("real/old.prom", "old");
    std::os::unix::fs::symlink("real/old.prom", world.path().join("link.prom")).unwrap();
    let file = |name: &str| world.path().join(name).display().to_string();
    let said = world.banister(&["metrics", "--file", &file("link.prom")]);
    assert_eq!(said.code, Some(0), "{said:?}");
    check_format(&world.read("real/old.prom"));
    assert!(world.path().join("link.prom").is_symlink());
    assert!(std::process::Command::new("mkfifo").arg(file("pipe")).status().unwrap().success());
    fs::create_dir(file("folder")).unwrap();
    for name in ["pipe", "folder", "/dev/null"] {
        let path = world.path().join(name).display().to_string();
        let said = world.banister(&["metrics", "--file", &path]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("is no file, and is not written to"), "{said:?}");
        assert!(!std::path::Path::new(&path).is_file());
    }
}

#[test]
fn a_folder_of_metrics_that_is_not_there_is_told_by_check_and_status() {
    let world = World::new();
    let site = world.read("site.toml");
    world.write("site.toml", &format!("metrics = \"gone/banister.prom\"\n{site}"));
    for command in ["check", "status"] {
        let said = world.banister(&[command]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.out.contains("gone/banister.prom`: its folder is not there; create it"), "{said:?}");
    }
    fs::create_dir(world.path().join("gone")).unwrap();
    for command in ["check", "status"] {
        let said = world.banister(&[command]);
        assert!(!said.out.contains("its folder is not there"), "{said:?}");
    }
}

/// As on a disk without room.
#[test]
fn a_command_whose_output_can_t_be_written_says_so_and_one_that_nobody_reads_does_not() {
    let world = World::new();
    world.write("runbooks/conf.rhai", RUNBOOK);
    let commands: [&[&str]; 12] = [
        &["status"],
        &["status", "--json"],
        &["metrics"],
        &["list"],
        &["plan", "conf"],
        &["check"],
        &["runs"],
        &["doc"],
        &["doc", "--markdown"],
        &["lock", "show"],
        &["completions", "bash"],
        &["run", "conf"],
    ];
    for words in commands {
        let full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let output = world.command(words).stdout(full).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{words:?}: {said}");
        assert!(said.contains("error: standard output can't be written\n"), "{words:?}: {said}");
        assert!(said.contains("No space left on device"), "{words:?}: {said}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = world.command(words).stdout(writer).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(0), "{words:?}: {said}");
        assert!(!said.contains("standard output"), "{words:?}: {said}");
    }
}

#[test]
fn the_message_of_the_day_is_empty_unless_somebody_is_needed() {
    let world = World::new();
    world.write("runbooks/conf.rhai", RUNBOOK);
    assert_eq!(world.banister(&["status", "--short"]).out, "");
    assert_eq!(world.banister(&["run", "conf"]).code, Some(0));
    let said = world.banister(&["status", "--short"]);
    assert!(said.code == Some(0) && said.out.is_empty() && said.err.is_empty(), "{said:?}");
    world.write(
        "runbooks/conf.rhai",
        &format!("{}server.make(\"fail\"); }} }}", RUNBOOK.strip_suffix(" } }").unwrap()),
    );
    assert_eq!(world.banister(&["run", "conf"]).code, Some(1));
    let said = world.banister(&["status", "--short"]);
    assert_eq!(said.out.lines().count(), 1, "{said:?}");
    assert!(said.out.starts_with("web: `conf` failed on web in step `Configure`"), "{said:?}");
    assert!(said.out.contains("; next: banister resume "), "{said:?}");
}
