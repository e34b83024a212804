//! `banister demo`, and each fault that it can be asked for: the exit code, the cause, the place, the state and the next
//! command; and what comes of typing that command.

use crate::support;

use banister::internals::practice::{FAULTS, Linked, Practice};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{Said, chance, said};

/// A person's home in which demos are made. What they leave is ended with it.
struct Home {
    folder: tempfile::TempDir,
}

impl Home {
    fn new() -> Home {
        let home = Home { folder: tempfile::tempdir().unwrap() };
        std::fs::create_dir(home.folder.path().join("tmp")).unwrap();
        home
    }

    fn banister(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_banister"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("BANISTER_FOREGROUND", "yes")
            .stdin(Stdio::null());
        command.env("PATH", std::env::var_os("PATH").unwrap()).env("USER", "ops");
        command.env("HOME", self.folder.path()).env("TMPDIR", self.folder.path().join("tmp"));
        said(command.output().unwrap())
    }

    /// The folders of demos that are still there.
    fn kept(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.folder.path().join("tmp")).unwrap();
        entries.map(|entry| entry.unwrap().path()).collect()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        for folder in self.kept() {
            if let Ok(practice) = Practice::open(&folder) {
                let _ = practice.stop();
            }
        }
    }
}

/// A demo with a fault, and what it left.
struct Demo {
    home: Home,
    practice: Practice,
    said: Said,
}

/// A demo with this fault, which is none if it is the turn of others: each is also a row of `faults`.
fn demo(fault: &str) -> Option<Demo> {
    let nth = FAULTS.iter().position(|known| known.name == fault).unwrap();
    chance::is_turn(nth, 3).then(|| failed_demo(fault))
}

fn failed_demo(fault: &str) -> Demo {
    let home = Home::new();
    let said = home.banister(&["demo", "--fault", fault]);
    let kept = home.kept();
    assert_eq!(kept.len(), 1, "the practice server is kept: {said:?}");
    let practice = Practice::open(&kept[0]).unwrap();
    practice.end_with_me().unwrap();
    Demo { home, practice, said }
}

/// The last line that is not the help of an error: the state, and what to type.
fn last_lines(said: &Said) -> (&str, &str) {
    let mut lines = said.out.lines().rev();
    let next = lines.next().unwrap_or_default();
    let state = lines.next().unwrap_or_default();
    let (Some(state), Some(next)) = (state.strip_prefix("state: "), next.strip_prefix("next:  ")) else {
        panic!("the last lines are not the state and the next command: {said:?}");
    };
    (state, next)
}

impl Demo {
    /// The demo failed with this in its error, in this step, and says so.
    fn failed(&self, causes: &[&str], place: &str, step: &str) {
        let said = &self.said;
        assert_eq!(said.code, Some(1), "{said:?}");
        for cause in causes {
            assert!(said.err.contains(cause), "{cause}: {said:?}");
        }
        assert!(said.err.contains(&format!("\n  at   {place}")), "{place}: {said:?}");
        let (state, next) = last_lines(said);
        // What touched nothing leaves no run: it is started again.
        let is_untouched = step.ends_with("; nothing was touched");
        // Of anything else it says how the server is.
        let rest = state.strip_prefix(&format!("`update` failed on practice{step}"));
        let rest = rest.unwrap_or_else(|| panic!("{said:?}"));
        assert!(if is_untouched { rest.is_empty() } else { rest.starts_with("; ") }, "{said:?}");
        assert_eq!(is_untouched, !next.starts_with("banister resume"), "{said:?}");
    }

    /// Types the next command, with more words after it.
    fn next(&self, more: &[&str]) -> Said {
        let (_, next) = last_lines(&self.said);
        self.type_in(next.split("   (").next().unwrap(), more)
    }

    /// Types the other command, that goes back.
    fn rollback(&self) -> Said {
        let (_, next) = last_lines(&self.said);
        let other = next.split_once("(or: ").and_then(|(_, rest)| rest.strip_suffix(')'));
        let other = other.unwrap_or_else(|| panic!("no way back is offered: {:?}", self.said));
        assert!(other.ends_with(" --rollback"), "{other}");
        self.type_in(other, &[])
    }

    fn type_in(&self, line: &str, more: &[&str]) -> Said {
        let words = line.strip_prefix("banister ").unwrap().split(' ');
        self.home.banister(&words.chain(more.iter().copied()).collect::<Vec<_>>())
    }

    /// The run is over, like this, and the server runs this release with all its rows.
    fn ends(&self, said: &Said, state: &str, release: &str) {
        assert_eq!(said.code, Some(0), "{said:?}");
        let (told, next) = last_lines(said);
        match state {
            "was rolled back" => {
                assert!(
                    told.starts_with(&format!("`update` {state} on practice; {release} is checked out, "))
                );
                assert!([" was put back", " were put back"].iter().any(|end| told.ends_with(end)), "{told}");
            }
            _ => assert_eq!(told, format!("`update` {state} on practice")),
        }
        assert_eq!(next, format!("banister status --site {}", self.practice.dir().display()));
        assert_eq!(self.practice.discover().unwrap()["version"], release);
        assert_eq!(self.practice.rows().unwrap().tables["hoss_core.datasets"], 240);
        assert!(!self.practice.alarm());
        let resumed = self.home.banister(&["resume"]);
        assert_eq!((resumed.code, resumed.out.as_str()), (Some(0), "there is nothing to resume\n"));
    }

    /// The faults's cause is gone, and the next command ends well.
    fn mended(&self, fault: &str) {
        self.practice.switch(fault, false).unwrap();
        self.ends(&self.next(&["--yes"]), "is done", "0.2.14");
    }

    /// How often a make target was begun.
    fn begun(&self, target: &str) -> usize {
        let lines = self.practice.trace().unwrap();
        lines.iter().filter(|l| l.tool == "make" && l.event == "start" && l.args[0] == target).count()
    }
}

const WAIT: &str = " in step `Wait until healthy`";
const WAIT_PLACE: &str = ", step `Wait until healthy`, on practice";

/// The place of a call in the bundled scripts: the file, and the rest of the line.
fn at(demo: &Demo, file: &str, rest: &str) -> String {
    let place = demo.said.err.lines().find_map(|line| line.strip_prefix("  at   ")).unwrap_or_default();
    let line = place.strip_prefix(&format!("{file}:")).map(|rest| rest.split(',').next().unwrap());
    assert!(line.is_some_and(|line| line.parse::<u32>().is_ok()), "{place}");
    format!("{file}:{}{rest}", line.unwrap())
}

#[test]
fn a_demo_without_a_fault_leaves_nothing_behind() {
    let home = Home::new();
    let said = home.banister(&["demo"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(last_lines(&said).0, "`update` is done on practice");
    assert!(last_lines(&said).1.starts_with("banister demo --keep DIR"), "{said:?}");
    assert_eq!(home.kept(), Vec::<PathBuf>::new());
    assert!(!home.folder.path().join(".local").exists(), "its run is gone, too");
}

#[test]
fn a_demo_that_is_kept_is_a_site_like_any_other() {
    let home = Home::new();
    let folder = home.folder.path().join("tmp/mine");
    let said = home.banister(&["demo", "--keep", folder.to_str().unwrap()]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(last_lines(&said).1, format!("banister status --site {}", folder.display()));
    let status = home.banister(&["status", "--json", "--site", folder.to_str().unwrap()]);
    assert!(status.out.contains("\"healthy\":true") && status.out.contains("0.2.14"), "{status:?}");
}

#[test]
fn linked_servers_are_updated_for_real_and_are_a_site_like_any_other() {
    if !chance::is_turn(0, 2) {
        return;
    }
    let home = Home::new();
    let folder = home.folder.path().join("tmp/linked");
    let said = home.banister(&["demo", "--linked", "--keep", folder.to_str().unwrap()]);
    let linked = Linked::open(&folder).unwrap();
    linked.end_with_me().unwrap();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(last_lines(&said).0, "`update-linked` is done; archive, hub, lab: done");
    let status = home.banister(&["status", "--json", "--site", folder.to_str().unwrap()]);
    let servers: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    for (n, name) in ["archive", "hub", "lab"].iter().enumerate() {
        let server = &servers[n];
        let (told, healthy, release) = (&server["name"], &server["healthy"], &server["release"]);
        assert!(told == name && healthy == true && release == "0.2.14", "{status:?}");
    }
    // It says so before anything begins.
    let site = ["--site", folder.to_str().unwrap()];
    for words in [
        &["run", "update"][..],
        &["run", "update", "--detach"],
        &["schedule", "update", "--every", "Sat 02:00"],
    ] {
        let alone = home.banister(&[words, &site[..]].concat());
        assert_eq!(alone.code, Some(2), "{alone:?}");
        assert!(alone.err.contains("name one with `--server`: archive, hub, lab"), "{alone:?}");
        assert!(alone.out.is_empty(), "{alone:?}");
    }
    linked.stop().unwrap();
}

#[test]
fn linked_servers_of_a_demo_that_is_not_kept_are_gone() {
    if !chance::is_turn(1, 2) {
        return;
    }
    let home = Home::new();
    let said = home.banister(&["demo", "--linked"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(last_lines(&said).1.starts_with("banister demo --keep DIR"), "{said:?}");
    assert_eq!(home.kept(), Vec::<PathBuf>::new());
}

#[test]
fn every_fault_is_in_the_help_and_a_misspelt_one_is_told() {
    let home = Home::new();
    let help = home.banister(&["demo", "--help"]).out;
    for fault in FAULTS {
        assert!(help.contains(&format!("- {}:", fault.name)), "{}: {help}", fault.name);
    }
    let said = home.banister(&["demo", "--fault", "buidl"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("a similar value exists: 'build'"), "{said:?}");
    assert_eq!(home.kept(), Vec::<PathBuf>::new());
}

#[test]
fn a_build_that_fails_leaves_the_old_release_running_and_is_gone_back_from() {
    let Some(demo) = demo("build") else { return };
    let causes = ["error: `make build` ended with status 2", "undefined: quota", "see its whole output in"];
    demo.failed(&causes, &at(&demo, "hoss.rhai", ", step `Build`, on practice"), " in step `Build`");
    assert_eq!(demo.practice.discover().unwrap()["version"], "0.2.10");
    demo.ends(&demo.rollback(), "was rolled back", "0.2.10");
}

#[test]
fn a_slow_build_is_waited_for() {
    let Some(demo) = demo("slow-build") else { return };
    demo.ends(&demo.said, "is done", "0.2.17");
}

#[test]
fn a_core_that_crashes_again_and_again_is_told_with_its_log_and_gone_back_from() {
    let Some(demo) = demo("crash-loop") else { return };
    let causes =
        ["`practice` did not become healthy in 20s", "service core", "restarting", "nil pointer dereference"];
    demo.failed(&causes, &at(&demo, "hoss.rhai", WAIT_PLACE), WAIT);
    demo.ends(&demo.rollback(), "was rolled back", "0.2.10");
}

#[test]
fn a_core_that_answers_late_is_waited_for() {
    let Some(demo) = demo("healthy-late") else { return };
    demo.ends(&demo.said, "is done", "0.2.14");
}

#[test]
fn a_core_that_flaps_is_not_taken_for_healthy() {
    let Some(demo) = demo("flapping") else { return };
    let causes = ["did not become healthy in 20s", "service core", "all goroutines are asleep"];
    demo.failed(&causes, &at(&demo, "hoss.rhai", WAIT_PLACE), WAIT);
    demo.mended("flapping");
}

#[test]
fn a_core_of_the_old_release_is_not_taken_for_the_new_one() {
    let Some(demo) = demo("wrong-version") else { return };
    let causes = ["core `version` is \"0.2.10\", expected \"0.2.14\""];
    demo.failed(&causes, &at(&demo, "hoss.rhai", WAIT_PLACE), WAIT);
    demo.practice.switch("wrong-version", false).unwrap();
    let docker = demo.practice.dir().join("bin/docker");
    let mut restart = Command::new(docker);
    restart.args(["restart", "server_core_1"]).envs(demo.practice.environment());
    assert!(restart.stdout(Stdio::null()).status().unwrap().success());
    demo.mended("wrong-version");
}

#[test]
fn a_checkout_that_was_edited_stops_the_update_before_anything_is_touched() {
    let Some(demo) = demo("dirty-checkout") else { return };
    let causes = ["the checkout of practice was changed by hand", "server/ingress/traefik.yaml"];
    demo.failed(&causes, &at(&demo, "plain.rhai", ""), " in step `Check`; nothing was touched");
    assert!(!last_lines(&demo.said).1.contains("--rollback"), "there is nothing to go back from");
    assert_eq!(demo.practice.trace().unwrap().iter().filter(|line| line.tool == "make").count(), 0);
    demo.mended("dirty-checkout");
}

#[test]
fn an_origin_that_does_not_answer_is_told_in_gits_own_words() {
    let Some(demo) = demo("fetch") else { return };
    let causes = ["ls-remote", "does not appear to be a git repository", "try it by hand: `git "];
    demo.failed(&causes, &at(&demo, "plain.rhai", ", on practice"), "; nothing was touched");
    assert!(!last_lines(&demo.said).1.contains("--rollback"), "there is nothing to go back from");
    demo.mended("fetch");
}

#[test]
fn a_full_disk_stops_the_update_at_its_backup() {
    let Some(demo) = demo("disk-full") else { return };
    let causes = ["hoss_core-backup.dump", "No space left on device"];
    demo.failed(&causes, &at(&demo, "hoss.rhai", ", step `Back up`, on practice"), " in step `Back up`");
    let backups = demo.practice.hoss().join("backup/backups");
    let is_archive = |entry: &std::fs::DirEntry| !entry.file_name().to_string_lossy().ends_with(".card.json");
    let left =
        || std::fs::read_dir(&backups).map_or(0, |entries| entries.flatten().filter(is_archive).count());
    assert_eq!(left(), 0, "no half archive is left");
    assert!(!last_lines(&demo.said).1.contains("--rollback"), "there is nothing to go back from");
    demo.mended("disk-full");
    assert_eq!(left(), 2);
}

#[test]
fn a_migration_that_fails_is_told_from_the_log_and_gone_on_with() {
    let Some(demo) = demo("migration") else { return };
    let causes = ["did not become healthy in 20s", "service core", "migration 4 failed"];
    demo.failed(&causes, &at(&demo, "hoss.rhai", WAIT_PLACE), WAIT);
    demo.mended("migration");
    assert_eq!(demo.begun("build"), 1);
}

#[test]
fn a_start_that_fails_is_tried_again_and_nothing_before_it() {
    let Some(demo) = demo("up") else { return };
    let causes = ["error: `make up DETACH=true` ended with status 2", "Cannot start service core"];
    demo.failed(&causes, &at(&demo, "hoss.rhai", ", step `Start`, on practice"), " in step `Start`");
    demo.mended("up");
    assert_eq!((demo.begun("config"), demo.begun("build"), demo.begun("up")), (1, 1, 2));
}

#[test]
fn a_start_that_replaces_nothing_is_found_out() {
    let Some(demo) = demo("up-noop") else { return };
    let causes = ["core `version` is \"0.2.10\", expected \"0.2.14\""];
    demo.failed(&causes, &at(&demo, "hoss.rhai", WAIT_PLACE), WAIT);
    demo.practice.switch("up-noop", false).unwrap();
    demo.ends(&demo.rollback(), "was rolled back", "0.2.10");
    let site = demo.practice.dir().to_str().unwrap().to_owned();
    // It failed here once, so it is only taken if it is named.
    let again = ["run", "update", "--to", "0.2.14", "--yes", "--site", &site];
    demo.ends(&demo.home.banister(&again), "is done", "0.2.14");
}

#[test]
fn an_auth_service_that_is_down_is_named() {
    let Some(demo) = demo("auth-down") else { return };
    let causes = ["did not become healthy in 20s", "service auth", "the end of its log"];
    demo.failed(&causes, &at(&demo, "hoss.rhai", WAIT_PLACE), WAIT);
    demo.mended("auth-down");
}

#[test]
fn an_incompatible_release_is_installed() {
    let Some(demo) = demo("incompatible") else { return };
    demo.ends(&demo.said, "is done", "0.3.0");
}

#[test]
fn a_demo_that_kills_itself_says_so_before_and_is_gone_on_with() {
    let demo = failed_demo("kill");
    assert_eq!(demo.said.code, Some(-9), "{:?}", demo.said);
    assert_eq!(last_lines(&demo.said).0, "`update` was interrupted on practice in step `Build`");
    assert!(demo.said.out.contains("\nfault: banister now kills itself, in the middle of `make build`"));
    demo.ends(&demo.next(&[]), "is done", "0.2.14");
    assert_eq!((demo.begun("config"), demo.begun("build"), demo.begun("up")), (1, 1, 1));
}

#[test]
fn a_demo_that_killed_itself_is_gone_on_with_by_a_resume_that_names_only_the_site() {
    let home = Home::new();
    let folder = home.folder.path().join("tmp/mine");
    let folder = folder.to_str().unwrap();
    // Nothing but the events is on standard output.
    let said = home.banister(&["demo", "--fault", "kill", "--keep", folder, "--json"]);
    assert_eq!(said.code, Some(-9), "{said:?}");
    for line in said.out.lines() {
        assert!(line.starts_with('{') && line.ends_with('}'), "{line}");
    }
    assert!(
        said.err.contains("fault: banister now kills itself") && said.err.contains("next:  banister resume")
    );
    let said = home.banister(&["--site", folder, "resume"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        last_lines(&said),
        (
            "`update` is done on practice",
            format!("banister status --site {}", Path::new(folder).display()).as_str(),
        )
    );
}

#[test]
fn a_server_that_a_demo_left_is_listed_until_its_folder_is_removed() {
    let demo = failed_demo("build");
    let folder = demo.practice.dir().to_owned();
    let listed = || {
        let said = demo.home.banister(&["demo", "--list", "--json"]);
        let found: serde_json::Value = serde_json::from_str(&said.out).unwrap_or_else(|_| panic!("{said:?}"));
        found.as_array().unwrap().iter().find(|one| one["folder"] == folder.to_str().unwrap()).cloned()
    };
    assert!(listed().unwrap()["processes"].as_u64().unwrap() > 1);
    let said = demo.home.banister(&["demo", "--list"]);
    assert!(said.out.contains(&format!("to end it: rm -r {}\n", folder.display())), "{said:?}");
    std::fs::remove_dir_all(&folder).unwrap();
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while listed().is_some() && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    assert_eq!(listed(), None);
}
