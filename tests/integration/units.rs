//! Runs as units of a real systemd: started again after a crash and after a boot, and gone when they are over.

mod logout;

use crate::support;

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};
use support::machine::{Machine, User};
use support::{Said, World};

const RUNBOOK: &str = r#"
//! Takes a long step between two others.
fn main() {
    let server = this_server();
    lock(server, "three steps");
    step "Configure" {
        server.make("config");
        server.run(["sh", "-c", "echo $DOCKER_HOST $ODD $BANISTER_UNIT >> ../environment"]);
    }
    step "Long" { server.make("long"); }
    step "Start" {
        server.make("up", #{ DETACH: true });
        server.run(["sh", "-c", "echo $DOCKER_HOST >> ../environment"]);
    }
}
"#;

/// A site in a machine.
struct Site {
    machine: Machine,
    user: User,
    folder: String,
}

impl Site {
    fn new(user: User) -> Option<Site> {
        let machine = Machine::boot()?;
        let world = World::new();
        world.write("runbooks/three.rhai", RUNBOOK);
        world.write("hold", "");
        let name = world.path().file_name().unwrap().to_str().unwrap().trim_start_matches('.').to_owned();
        let folder = format!("/srv/{name}");
        let copied = Command::new("cp").arg("-a").arg(world.path()).arg(machine.path(&folder)).status();
        assert!(copied.unwrap().success());
        machine.ask(User::Root, &["chmod", "755", &folder]);
        if user == User::Ops {
            machine.ask(User::Root, &["chown", "-R", "ops:", &folder]);
        }
        Some(Site { machine, user, folder })
    }

    fn command(&self, words: &[&str]) -> Command {
        let site = ["banister", "--site", &self.folder];
        let mut command = self.machine.command(self.user, &[&site, words].concat());
        command.env("BANISTER_STATE", format!("{}/state", self.folder));
        command.env("DOCKER_HOST", "unix:///somewhere").env("ODD", "odd");
        command
    }

    fn banister(&self, words: &[&str]) -> Said {
        support::said(self.command(words).output().unwrap())
    }

    fn begin(&self) {
        let said = self.banister(&["run", "three", "--yes", "--detach"]);
        assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    }

    fn read(&self, name: &str) -> String {
        self.machine.read(&format!("{}/{name}", self.folder))
    }

    fn release(&self) {
        fs::remove_file(self.machine.path(&format!("{}/hold", self.folder))).unwrap();
    }

    /// Processes, by their ids outside of the machine, that play this part.
    fn processes(&self, part: &str) -> Vec<u32> {
        super::background::processes_of(&format!("{}/state", self.folder), &[part])
    }

    fn kill(&self, part: &str) {
        let all = self.processes(part);
        assert!(!all.is_empty(), "{part}");
        for pid in all {
            kill_process(Pid::from_raw(pid as i32).unwrap(), Signal::KILL).unwrap();
        }
    }

    fn wait_for(&self, what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + Duration::from_secs(90);
        while !is_so() {
            assert!(Instant::now() < end, "{what}: {}", self.account());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn account(&self) -> String {
        let log = format!("cat {}/state/runs/*/runner.log", self.folder);
        let said = [
            self.banister(&["show"]).out,
            self.machine.run(User::Root, &["sh", "-c", &log]).out,
            self.machine.run(User::Root, &["systemctl", "list-units", "banister*", "--all"]).out,
            self.machine.run(User::Root, &["journalctl", "--no-pager", "-n", "40"]).out,
            self.read("trace"),
        ];
        said.join("\n")
    }

    fn state(&self) -> String {
        let said = self.banister(&["show", "--json"]);
        let shown: serde_json::Value = serde_json::from_str(&said.out).unwrap_or_default();
        shown["state"].as_str().unwrap_or_default().to_owned()
    }

    fn wait_for_long(&self) {
        self.wait_for("the long step begins", || self.read("trace").contains("long begin"));
    }

    /// The files of units in the places of systemd.
    fn unit_files(&self) -> String {
        let places = "find /etc/systemd /home/ops/.config /run/banister /run/user/4242/banister -name 'banister*.service' -o -name 'banister*.timer'";
        self.machine.run(User::Root, &["sh", "-c", places]).out
    }

    /// Waits for the end, as that of a run that nothing happened to.
    fn ends_well(&self) {
        self.wait_for("it is done", || self.state() == "done");
        let left = || {
            let files =
                self.machine.run(User::Root, &["sh", "-c", &format!("ls {}/state/runs/*/", self.folder)]);
            let of_units = |name: &&str| ["unit", "program", "environment"].contains(name);
            files.out.lines().filter(of_units).count()
        };
        self.wait_for("the unit is gone", || self.unit_files().is_empty() && left() == 0);
        let trace = self.read("trace");
        let ends: Vec<&str> = trace.lines().filter_map(|line| line.strip_suffix(" end")).collect();
        assert_eq!(ends, ["config", "long", "up"], "{trace}");
        assert_eq!(self.banister(&["lock", "show"]).out, "web: free\n");
        assert!(self.machine.run(User::Root, &["systemctl", "--failed", "-q"]).out.is_empty());
    }
}

#[test]
fn a_killed_runner_is_started_again_and_the_command_of_a_step_lives_through_it() {
    let Some(site) = Site::new(User::Root) else { return };
    site.begin();
    site.wait_for_long();
    let unit = site.unit_files();
    assert!(
        unit.contains("/etc/systemd/system/banister-") && unit.contains("multi-user.target.wants"),
        "{unit}"
    );
    assert_eq!(site.state(), "running");
    // The runner, then its watcher, which is the unit, then both.
    for parts in [&["run-here"][..], &["watch-run"], &["watch-run", "run-here"]] {
        let before: Vec<Vec<u32>> = parts.iter().map(|part| site.processes(part)).collect();
        parts.iter().for_each(|part| site.kill(part));
        site.wait_for("it is started again", || {
            let now: Vec<Vec<u32>> = parts.iter().map(|part| site.processes(part)).collect();
            now.iter().zip(&before).all(|(now, before)| now.len() == 1 && now != before)
        });
        site.wait_for("it is at work", || {
            site.banister(&["attach", "nothing"]).code != Some(0) && site.state() == "running"
        });
    }
    // What is installed may be replaced meanwhile.
    fs::remove_file(site.machine.path("/usr/local/bin/banister.old")).unwrap_or_default();
    let installed = site.machine.path("/usr/local/bin/banister");
    fs::rename(&installed, site.machine.path("/usr/local/bin/banister.old")).unwrap();
    fs::write(&installed, "").unwrap();
    site.kill("run-here");
    site.wait_for("it is started again", || !site.processes("run-here").is_empty());
    fs::rename(site.machine.path("/usr/local/bin/banister.old"), &installed).unwrap();
    site.release();
    site.ends_well();
    // The terminal's environment is that of the commands, and the command was begun once.
    assert_eq!(site.read("environment"), "unix:///somewhere odd\nunix:///somewhere\n");
    assert_eq!(site.read("trace").matches("long begin").count(), 1);
    // What became of it is in the journal of systemd, under its name.
    let run = site.machine.ask(User::Root, &["ls", &format!("{}/state/runs", site.folder)]);
    let found = ["journalctl", "-q", "-o", "cat", &format!("BANISTER_RUN={}", run.trim())];
    let said = site.machine.ask(User::Root, &found);
    assert!(said.starts_with("web: three has started\n") && said.ends_with("web: three is done\n"), "{said}");
}

#[test]
fn a_runner_and_a_unit_that_are_stopped_are_started_again() {
    let Some(site) = Site::new(User::Root) else { return };
    site.begin();
    site.wait_for_long();
    // Both have said that they are there.
    std::thread::sleep(Duration::from_millis(1500));
    let before = [site.processes("watch-run"), site.processes("run-here")];
    // The unit cannot look after the runner then: systemd has to look after the unit.
    for pid in before.iter().flatten() {
        kill_process(Pid::from_raw(*pid as i32).unwrap(), Signal::STOP).unwrap();
    }
    for (part, before) in ["watch-run", "run-here"].iter().zip(&before) {
        site.wait_for("it is started again", || {
            let now = site.processes(part);
            now.len() == 1 && now != *before
        });
    }
    // One that is awake stays, for longer than one that sleeps would.
    let now = [site.processes("watch-run"), site.processes("run-here")];
    std::thread::sleep(Duration::from_secs(35));
    assert_eq!([site.processes("watch-run"), site.processes("run-here")], now, "{}", site.account());
    site.release();
    site.ends_well();
    assert_eq!(site.read("trace").matches("long begin").count(), 1);
}

#[test]
fn a_schedule_is_a_timer_that_runs_and_is_removed() {
    for user in [User::Root, User::Ops] {
        let Some(site) = Site::new(user) else { return };
        site.release();
        let said = site.banister(&["schedule", "three", "--every", "Sat 02:00", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.out.contains("OnCalendar=Sat 02:00") && said.out.contains("02:00:00"), "{said:?}");
        let said = site.banister(&["schedule", "three", "--every", "Sat 02:00"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.out.contains("is scheduled so already"), "{said:?}");
        let said = site.banister(&["schedule", "three", "--every", "Sat 25:00", "--yes"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains("`Sat 25:00` is no time of a calendar"), "{said:?}");
        let list = site.banister(&["schedule", "--list", "--json"]).out;
        assert!(list.contains(r#""next":"Sat "#), "{list}");

        let said = site.banister(&["schedule", "three", "--every", "*:*:0/2", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        site.wait_for("it runs", || site.state() == "done");
        let said = site.banister(&["schedule", "--remove", "three", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        site.wait_for("nothing is at work", || site.processes("run-here").is_empty());
        site.wait_for("no unit is left", || site.unit_files().is_empty());
        let environment = site.read("environment");
        assert!(environment.starts_with("unix:///somewhere\nunix:///somewhere\n"), "{environment}");
        let runs = || site.banister(&["runs", "--json"]).out.matches(r#""run":"#).count();
        let before = runs();
        std::thread::sleep(Duration::from_secs(4));
        assert_eq!(runs(), before);
    }
}

#[test]
fn a_run_continues_after_a_reboot() {
    let Some(mut site) = Site::new(User::Root) else { return };
    site.begin();
    site.wait_for_long();
    // What the run needs may be started late.
    let late = format!(
        "printf '[Service]\\nType=oneshot\\nExecStart=/bin/sh -c \"sleep 3; echo booted >> {}/trace\"\\n[Install]\\nWantedBy=multi-user.target\\n' \
         > /etc/systemd/system/late.service; systemctl enable -q late.service",
        site.folder
    );
    site.machine.ask(User::Root, &["sh", "-c", &late]);
    site.machine.reboot();
    site.wait_for("it is at work again", || site.state() == "running");
    site.release();
    site.ends_well();
    assert_eq!(site.read("environment"), "unix:///somewhere odd\nunix:///somewhere\n");
    let trace = site.read("trace");
    assert_eq!(trace.matches("booted").count(), 1, "{trace}");
    assert!(trace.find("booted") < trace.rfind("long begin"), "{trace}");
}

#[test]
fn after_a_power_cut_a_run_asks_what_became_of_its_command() {
    let Some(mut site) = Site::new(User::Root) else { return };
    site.begin();
    site.wait_for_long();
    site.machine.cut_power();
    site.release();
    site.wait_for("it asks", || site.banister(&["show"]).out.contains("waits for an answer"));
    let said = site.banister(&["resume", "--answer", "again"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    site.ends_well();
}

#[test]
fn a_stopped_unit_is_no_end_of_the_run_and_resume_continues_it() {
    let Some(site) = Site::new(User::Root) else { return };
    site.begin();
    site.wait_for_long();
    let unit = site.machine.ask(User::Root, &["sh", "-c", "cd /etc/systemd/system; ls banister-*"]);
    site.machine.ask(User::Root, &["systemctl", "stop", unit.trim()]);
    assert_eq!((site.processes("run-here"), site.processes("watch-run")), (vec![], vec![]));
    assert_eq!(site.state(), "interrupted");
    let said = site.banister(&["attach"]);
    assert!(said.out.contains("no run works in the background"), "{said:?}");
    let said = site.banister(&["resume", "--detach"]);
    assert_eq!((said.code, said.err.as_str()), (Some(0), ""), "{said:?}");
    site.wait_for("it is at work again", || site.state() == "running");
    site.release();
    site.ends_well();
    assert_eq!(site.read("trace").matches("long begin").count(), 1);
}

#[test]
fn an_abandoned_run_leaves_no_unit() {
    let Some(site) = Site::new(User::Root) else { return };
    site.begin();
    site.wait_for_long();
    let unit = site.machine.ask(User::Root, &["sh", "-c", "cd /etc/systemd/system; ls banister-*"]);
    site.machine.ask(User::Root, &["systemctl", "stop", unit.trim()]);
    site.release();
    site.wait_for("the command ends", || site.read("trace").contains("long end"));
    let said = site.banister(&["run", "three", "--yes", "--abandon=test"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    site.wait_for("no unit is left", || site.unit_files().is_empty());
    assert_eq!(site.read("trace").matches("up end").count(), 1);
}

#[test]
fn the_run_of_a_user_without_a_session_lasts_and_continues_after_a_reboot() {
    let Some(mut site) = Site::new(User::Ops) else { return };
    // Without lingering, and nobody to ask for it: as without systemd, which is said.
    site.machine.ask(User::Root, &["systemctl", "mask", "--runtime", "--now", "polkit.service"]);
    let said = site.banister(&["run", "three", "--yes", "--detach"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("not started again after a reboot: lingering is off for ops"), "{said:?}");
    assert!(said.err.contains("sudo loginctl enable-linger ops"), "{said:?}");
    site.wait_for_long();
    site.release();
    site.wait_for("it is done", || site.state() == "done");
    site.machine
        .ask(User::Root, &["sh", "-c", &format!("cd {}; rm trace environment; touch hold", site.folder)]);

    site.machine.ask(User::Root, &["loginctl", "enable-linger", "ops"]);
    site.begin();
    site.wait_for_long();
    assert!(site.unit_files().contains("/home/ops/.config/systemd/user/banister-"), "{}", site.unit_files());
    site.kill("run-here");
    site.wait_for("it is started again", || !site.processes("run-here").is_empty());
    site.machine.reboot();
    site.wait_for("it is at work again", || site.state() == "running");
    site.release();
    site.ends_well();
}
