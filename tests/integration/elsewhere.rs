//! Servers on other machines, over real OpenSSH on loopback.

mod backups;
mod book;
mod disk;
mod home;
mod homes;
mod hooks;
mod nonsense;
mod obstacles;
mod packets;
mod secrets;
mod shells;
use crate::support;
use crate::support::sshd;
mod versions;
mod words;
mod world;

use sshd::program;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use support::chance;
use support::said;
use world::Elsewhere;

fn wait(so: impl Fn() -> bool) {
    let until = Instant::now() + Duration::from_secs(60);
    while !so() {
        assert!(Instant::now() < until, "it does not come to that");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_command_runs_there_and_what_it_printed_comes_back() {
    let elsewhere = Elsewhere::bare();
    elsewhere.runbook(
        r#"fn main() { let made = this_server().make("config"); note(`took ${made.seconds >= 0.0}`); }"#,
    );
    let said = elsewhere.banister(&["run", "try"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(elsewhere.trace(), "config begin\nconfig end\n");
    assert!(said.out.contains("took true"), "{said:?}");
    // It was put there once, and its part of the run is kept there.
    let far = names(&elsewhere.far());
    assert_eq!(far.len(), 2, "{far:?}");
    assert!(far.contains(&"runs".to_owned()), "{far:?}");
    let shown = elsewhere.banister(&["lock", "show"]);
    assert_eq!(shown.out, "web: free\n", "{shown:?}");
}

#[test]
fn a_lost_connection_is_made_again_and_nothing_runs_twice() {
    let mut elsewhere = Elsewhere::new();
    elsewhere.runbook(
        r#"fn main() {
            let server = this_server();
            server.make("config");
            server.make("long");
            server.make("up");
        }"#,
    );
    let child = elsewhere.command(&["run", "try"]).spawn().unwrap();
    elsewhere.until(|trace| trace.contains("long begin"));
    // As when sshd is started anew in the middle of a build.
    elsewhere.host.stop();
    elsewhere.until(|trace| trace.contains("long end"));
    elsewhere.host.start();
    let said = said(child.wait_with_output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(elsewhere.trace(), ONCE);
    assert!(said.out.contains("the connection to `web` was lost"), "{said:?}");
}

/// An agent that hears nothing for too long leaves, and what it leaves goes on. Its caller was only slow, and must not take
/// that for the end of the call.
#[test]
fn a_caller_that_stood_still_for_longer_than_an_agent_waits_goes_on() {
    let elsewhere = Elsewhere::new();
    elsewhere.runbook(
        r#"fn main() {
            this_server().shell("echo begin >>../trace; sleep 26; echo end >>../trace");
        }"#,
    );
    let child = elsewhere.command(&["run", "try"]).spawn().unwrap();
    elsewhere.until(|trace| trace.contains("begin"));
    let pid = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::STOP).unwrap();
    std::thread::sleep(Duration::from_secs(23));
    rustix::process::kill_process(pid, rustix::process::Signal::CONT).unwrap();
    let said = said(child.wait_with_output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(elsewhere.trace(), "begin\nend\n");
    assert!(said.out.contains("the connection to `web` was lost"), "{said:?}");
}

/// It may be the last line for long: where the command is now is seen at once.
#[test]
fn what_a_command_printed_while_there_was_no_connection_is_shown_when_there_is_one_again() {
    let mut elsewhere = Elsewhere::new();
    let work = "long:\n\t@echo begin >> ../trace; echo first; until test -e ../away; do sleep 0.02; done; \
                echo second; echo said >> ../trace; until test -e ../go; do sleep 0.02; done\n";
    elsewhere.world.write("web/Makefile", work);
    elsewhere.runbook(r#"fn main() { this_server().make("long"); }"#);
    let mut child = elsewhere.command(&["run", "try", "-v"]).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    elsewhere.until(|trace| trace.contains("begin"));
    elsewhere.host.stop();
    elsewhere.world.write("away", "");
    elsewhere.until(|trace| trace.contains("said"));
    elsewhere.host.start();
    let go = elsewhere.world.path().join("go");
    let late = {
        let go = go.clone();
        std::thread::spawn(move || {
            std::thread::sleep(Duration::from_secs(40));
            _ = fs::write(go, "");
        })
    };
    assert!(lines.any(|line| line.trim().ends_with("second")), "it is not shown at all");
    assert!(!go.exists(), "it is shown only at the end");
    elsewhere.world.write("go", "");
    let rest: Vec<String> = lines.collect();
    assert!(child.wait().unwrap().success(), "{rest:?}");
    // It has nothing left to do.
    drop(late);
}

const ONCE: &str = "config begin\nconfig end\nlong begin\nlong end\nup begin\nup end\n";

#[test]
fn a_run_that_is_killed_at_any_record_ends_like_one_that_is_not() {
    let text = r#"fn main() {
        let server = this_server();
        server.make("config");
        step "Build" { server.make("build"); }
        server.set_env("NAME", "value", #{ file: "settings" });
        server.make("up");
    }"#;
    let whole = "config begin\nconfig end\nbuild begin\nbuild end\nup begin\nup end\n";
    let elsewhere = Elsewhere::new();
    elsewhere.runbook(text);
    elsewhere.world.write("web/settings", "NAME=old\n");
    let said = elsewhere.banister(&["run", "try"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let records = elsewhere.world.records();
    assert!(records > 8, "{records}");
    for n in chance::part((0..records).collect(), 12) {
        for when in ["before", "after"] {
            let place = format!("{when} {n}");
            let _ = fs::remove_dir_all(elsewhere.world.path().join("state"));
            elsewhere.world.write("trace", "");
            elsewhere.world.write("web/settings", "NAME=old\n");
            assert_eq!(elsewhere.crash(&["run", "try"], &place).code, Some(-9), "{place}");
            let mut said = elsewhere.banister(&["resume"]);
            if said.out.contains("nothing to resume") && elsewhere.world.records() == 0 {
                said = elsewhere.banister(&["run", "try"]);
            }
            assert_eq!(said.code, Some(0), "{place}: {said:?}");
            assert_eq!(elsewhere.trace(), whole, "{place}");
            assert_eq!(elsewhere.world.read("web/settings"), "NAME=value\n", "{place}");
            assert_eq!(elsewhere.banister(&["lock", "show"]).out, "web: free\n", "{place}");
        }
    }
}

#[test]
fn a_connection_that_is_cut_at_any_record_changes_nothing() {
    let elsewhere = Elsewhere::new();
    elsewhere.runbook(
        r#"fn main() {
            let server = this_server();
            server.make("config");
            server.set_env("NAME", "value", #{ file: "settings" });
            server.make("build");
            server.make("up");
        }"#,
    );
    let whole = "config begin\nconfig end\nbuild begin\nbuild end\nup begin\nup end\n";
    elsewhere.world.write("web/settings", "NAME=old\n");
    assert_eq!(elsewhere.banister(&["run", "try"]).code, Some(0));
    for n in chance::part((1..elsewhere.world.records()).collect(), 9) {
        let _ = fs::remove_dir_all(elsewhere.world.path().join("state"));
        elsewhere.world.write("trace", "");
        elsewhere.world.write("web/settings", "NAME=old\n");
        let child = elsewhere.command(&["run", "try"]).spawn();
        let child = child.unwrap();
        wait(|| elsewhere.world.records() >= n);
        elsewhere.host.cut();
        let said = said(child.wait_with_output().unwrap());
        assert_eq!(said.code, Some(0), "cut after {n}: {said:?}");
        assert_eq!(elsewhere.trace(), whole, "cut after {n}");
        assert_eq!(elsewhere.world.read("web/settings"), "NAME=value\n", "cut after {n}");
    }
}

#[test]
fn an_agent_that_is_killed_is_followed_by_another() {
    let elsewhere = Elsewhere::new();
    elsewhere.runbook(r#"fn main() { this_server().make("long"); this_server().make("up"); }"#);
    let child = elsewhere.command(&["run", "try"]).spawn().unwrap();
    elsewhere.until(|trace| trace.contains("long begin"));
    let agent = format!("{}.*/banister agent", elsewhere.far().display());
    assert!(Command::new("pkill").args(["-9", "-f", &agent]).status().unwrap().success());
    let said = said(child.wait_with_output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(elsewhere.trace(), "long begin\nlong end\nup begin\nup end\n");
}

#[test]
fn a_person_who_stops_it_stops_what_runs_there() {
    let elsewhere = Elsewhere::new();
    elsewhere.world.write("web/Makefile", "forever:\n\t@echo begin >> ../trace; sleep 600\n");
    elsewhere.runbook(r#"fn main() { this_server().make("forever"); }"#);
    let child = elsewhere.command(&["run", "try"]).spawn().unwrap();
    elsewhere.until(|trace| trace.contains("begin"));
    let pid = child.id().to_string();
    for _ in 0..2 {
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        std::thread::sleep(Duration::from_millis(300));
    }
    let said = said(child.wait_with_output().unwrap());
    assert_eq!(said.code, Some(130), "{said:?}");
    let left = Command::new("pgrep").args(["-f", "sleep 600"]).output().unwrap();
    let left = String::from_utf8(left.stdout).unwrap();
    let ours = left.lines().filter(|pid| {
        let folder = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        folder.starts_with(elsewhere.world.path())
    });
    assert_eq!(ours.count(), 0);
}

#[test]
fn what_is_wrong_with_a_connection_is_said_and_nothing_is_touched() {
    let elsewhere = Elsewhere::bare();
    elsewhere.runbook(r#"fn main() { this_server().make("config"); }"#);
    let fails = |expected: &str| {
        let said = elsewhere.banister(&["run", "try"]);
        assert!(matches!(said.code, Some(1 | 2 | 4)), "{expected}: {said:?}");
        assert!(said.err.contains(expected), "{expected}: {said:?}");
        assert_eq!(elsewhere.trace(), "", "{expected}");
        assert_eq!(elsewhere.world.records(), 0, "{expected}");
        said.err
    };
    let known = elsewhere.world.path().join("network/known_hosts");
    let right = fs::read_to_string(&known).unwrap();
    let other = elsewhere.network.host("other");
    let line = fs::read_to_string(&known).unwrap().lines().last().unwrap().to_owned();
    let key = line.split_once(' ').unwrap().1.to_owned();
    let address = right.split(' ').next().unwrap();
    fs::write(&known, format!("{address} {key}\n")).unwrap();
    assert!(fails("Host key verification failed").contains("accept it once by hand: `ssh far true`"));
    fs::write(&known, "").unwrap();
    fails("Host key verification failed");
    fs::write(&known, &right).unwrap();
    drop(other);

    let public = elsewhere.world.path().join("network/key.pub");
    let right = fs::read_to_string(&public).unwrap();
    fs::write(&public, "").unwrap();
    assert!(fails("Permission denied").contains("ssh-agent"));
    fs::write(&public, right).unwrap();

    // A file in the place of the folder of agents: nothing can be put there, even by root.
    let state = elsewhere.host.home().join(".local/state");
    fs::create_dir_all(&state).unwrap();
    fs::write(state.join("banister"), "").unwrap();
    assert!(fails("the agent can't be put on `web`").contains("set `agent`"));
    fs::remove_file(state.join("banister")).unwrap();

    let site = elsewhere.world.read("site.toml");
    elsewhere.world.write("site.toml", &site.replace("/web\"", "/nowhere\""));
    fails("nowhere` does not exist");
    elsewhere.world.write("site.toml", &site.replace("\"far\"", "\"-oProxyCommand=touch\""));
    fails("names no host");
    elsewhere.world.write("site.toml", &format!("{site}agent = \"/bin/echo\"\n"));
    fails("there is no agent of banister on `web`");
    elsewhere.world.write("site.toml", &site);

    // A file that was damaged there is put there again.
    assert_eq!(elsewhere.banister(&["lock", "show"]).code, Some(0));
    let agent = names(&elsewhere.far()).into_iter().find(|name| name.len() == 64).unwrap();
    let agent = elsewhere.far().join(agent).join("banister");
    fs::remove_file(&agent).unwrap();
    fs::write(&agent, "damaged").unwrap();
    assert_eq!(elsewhere.banister(&["run", "try"]).code, Some(0));
    assert_eq!(fs::read(&agent).unwrap(), fs::read(program()).unwrap());
    // In its place, and as long as it was.
    let file = fs::OpenOptions::new().write(true).open(&agent).unwrap();
    file.write_at(b"damaged", 0).unwrap();
    drop(file);
    assert_eq!(elsewhere.banister(&["lock", "show"]).code, Some(0));
    assert_eq!(fs::read(&agent).unwrap(), fs::read(program()).unwrap());
}

#[test]
fn who_holds_the_server_there_keeps_others_out() {
    let elsewhere = Elsewhere::new();
    let work =
        "long:\n\t@echo begin >> ../trace; until test -e ../go; do sleep 0.02; done; echo end >> ../trace\n";
    elsewhere.world.write("web/Makefile", work);
    elsewhere.runbook(r#"fn main() { this_server().make("long"); }"#);
    let holder = elsewhere.command(&["run", "try"]).spawn().unwrap();
    elsewhere.until(|trace| trace.contains("begin"));
    let mut other = elsewhere.command(&["run", "try"]);
    other.env("BANISTER_STATE", elsewhere.world.path().join("another"));
    let other = said(other.output().unwrap());
    assert_eq!(other.code, Some(4), "{other:?}");
    assert!(other.err.contains("the server is held by ops@"), "{other:?}");
    elsewhere.world.write("go", "");
    assert!(said(holder.wait_with_output().unwrap()).code == Some(0));
    assert_eq!(elsewhere.trace(), "begin\nend\n");
}

#[test]
fn a_connection_on_which_nothing_is_heard_is_given_up() {
    let elsewhere = Elsewhere::new();
    let work =
        "long:\n\t@echo begin >> ../trace; until test -e ../go; do sleep 0.02; done; echo end >> ../trace\n";
    elsewhere.world.write("web/Makefile", work);
    elsewhere.runbook(r#"fn main() { this_server().make("long"); }"#);
    let child = elsewhere.command(&["run", "try"]).spawn().unwrap();
    elsewhere.until(|trace| trace.contains("begin"));
    // As a network that drops every packet: nobody says that the connection is gone.
    elsewhere.host.hang();
    elsewhere.world.write("go", "");
    let said = said(child.wait_with_output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("the connection to `web` was lost"), "{said:?}");
    assert_eq!(elsewhere.trace(), "begin\nend\n");
}

#[test]
fn what_is_missing_there_is_said() {
    let elsewhere = Elsewhere::new();
    let origin = elsewhere.world.path().join("origin");
    fs::create_dir(&origin).unwrap();
    elsewhere.world.git(&["remote", "add", "origin", &origin.display().to_string()]);
    elsewhere.runbook(r#"fn main() { this_server().fetch(); }"#);
    let site = elsewhere.world.read("site.toml");
    let without = format!("{site}environment = {{ PATH = \"/nowhere\" }}\n");
    elsewhere.world.write("site.toml", &without);
    let said = elsewhere.banister(&["run", "try"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("git") && said.err.contains("on web"), "{said:?}");
}
