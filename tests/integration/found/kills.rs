//! Updates of checkouts as they are found, killed: `resume` ends as an update that is not killed.

use super::edits::{BOTH, MINE, NEW, edited};
use super::ground::Found;
use super::submodules::{with_a_submodule, with_own_files_in_one_that_goes};
use crate::support;
use std::process::Stdio;
use std::time::Duration;
use support::chance::{Chance, is_long, part};

/// One of so many places is taken.
const PART: usize = 23;

/// Runs it in a world of `make` for each place, killed there and resumed; `judge` sees how each ended, and how the
/// undisturbed one did.
fn killed_along(make: &dyn Fn() -> Found, run: &[&str], judge: &dyn Fn(&Found, &str)) {
    let undisturbed = make();
    let said = undisturbed.world.banister(run);
    assert_eq!(said.code, Some(0), "{said:?}");
    judge(&undisturbed, "undisturbed");
    let records = undisturbed.world.records();
    let places = (1..records - 1).flat_map(|n| [format!("before {n}"), format!("after {n}")]);
    for place in part(places.collect(), PART) {
        let found = make();
        let said = found.world.crash(run, &place);
        assert_eq!(said.code, Some(-9), "{place}: {said:?}");
        ends(&found, run, &place);
        judge(&found, &place);
    }
}

/// Killed at moments instead, in calls as well as between them.
fn killed_any_time(make: &dyn Fn() -> Found, run: &[&str], judge: &dyn Fn(&Found, &str)) {
    let mut chance = Chance::of(support::chance::seed());
    for _ in 0..if is_long() { 40 } else { 1 } {
        let found = make();
        let moments: Vec<u64> = (0..6).map(|_| chance.below(900) as u64).collect();
        let place = format!("killed after {moments:?} ms");
        let mut words = run.to_vec();
        for moment in &moments {
            let mut command = found.world.command(&words);
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(*moment));
            let _ = child.kill();
            let _ = child.wait();
            if found.world.banister(&["runs", "--json"]).out.trim() != "[]" {
                words = vec!["resume", "--yes"];
            }
        }
        ends(&found, run, &place);
        judge(&found, &place);
    }
}

/// It is resumed, or, if nothing was begun, run, and ends well.
fn ends(found: &Found, run: &[&str], place: &str) {
    let said = found.world.banister(&[&["resume"], &run[2..]].concat());
    let said = if said.out.contains("nothing to resume") { found.world.banister(run) } else { said };
    assert_eq!(said.code, Some(0), "{place}: {said:?}");
}

const UPDATE: [&str; 3] = ["run", "update", "--yes"];

#[test]
fn own_commits_are_on_one_branch_wherever_it_is_killed() {
    let make = || {
        let found = Found::new();
        found.git("web", &["checkout", "-q", "main"]);
        found.world.write("web/mine", "1\n");
        found.git("web", &["add", "-A"]);
        found.git("web", &["commit", "-q", "-m", "Fix the port"]);
        found.release("0.2.0", &[("VERSION", "2\n")]);
        found
    };
    killed_along(&make, &[&UPDATE[..], &["--answer", "it is in 0.2.0"]].concat(), &|found, place| {
        assert_eq!((found.read("web/VERSION").as_str(), found.status().as_str()), ("2\n", ""), "{place}");
        let own = found.git("web", &["rev-parse", "main"]);
        let kept = found.git("web", &["for-each-ref", "--format=%(objectname)", "refs/heads/banister/"]);
        assert_eq!(kept, own, "{place}");
    });
}

#[test]
fn files_in_git_lfs_are_whole_wherever_it_is_killed() {
    let found = Found::new();
    if !found.try_git("web", &["lfs", "version"]).status.success() {
        eprintln!("LEFT OUT: git-lfs is not installed (`tests/run` installs it)");
        return;
    }
    let make = || {
        let found = Found::new();
        found.git("origin", &["lfs", "install", "--local"]);
        let attributes = "*.bin filter=lfs diff=lfs merge=lfs -text\n";
        found.release("0.2.0", &[(".gitattributes", attributes), ("model.bin", "large\n")]);
        found.git("web", &["lfs", "install", "--local"]);
        found
    };
    let judge = |found: &Found, place: &str| {
        assert_eq!(
            (found.read("web/model.bin").as_str(), found.status().as_str()),
            ("large\n", ""),
            "{place}"
        );
        assert_eq!(found.git("web", &["describe", "--tags"]), "0.2.0", "{place}");
    };
    killed_along(&make, &UPDATE, &judge);
    killed_any_time(&make, &UPDATE, &judge);
}

#[test]
fn own_files_in_a_submodule_that_goes_are_kept_wherever_it_is_killed() {
    let make = || with_own_files_in_one_that_goes("config build up stop:\n\t@true\n");
    let judge = |found: &Found, place: &str| {
        assert_eq!(found.read("web/.git/banister-kept/lib/data.keep"), "precious\n", "{place}");
        assert!(found.path("web/.git/banister-kept/lib/own.keep/.git/HEAD").exists(), "{place}");
        assert!(!found.path("web/.git/banister-kept-1").exists(), "{place}");
        assert!(!found.path("web/lib").exists(), "{place}");
        assert_eq!(
            (found.git("web", &["describe", "--tags"]).as_str(), found.status().as_str()),
            ("0.3.0", "")
        );
    };
    killed_along(&make, &UPDATE, &judge);
    killed_any_time(&make, &UPDATE, &judge);
}

#[test]
fn own_files_in_a_submodule_come_back_wherever_a_rollback_is_killed() {
    let make = || {
        let found = with_own_files_in_one_that_goes("config build up stop:\n\t@test $@ != build\n");
        let said = found.world.banister(&UPDATE);
        assert_eq!((said.code, found.path("web/lib").exists()), (Some(1), false), "{said:?}");
        found
    };
    let judge = |found: &Found, place: &str| {
        assert_eq!(found.read("web/lib/data.keep"), "precious\n", "{place}");
        assert!(found.path("web/lib/own.keep/.git/refs/heads").is_dir(), "{place}");
        assert_eq!(
            (found.git("web", &["describe", "--tags"]).as_str(), found.status().as_str()),
            ("0.2.0", "")
        );
    };
    let back = ["resume", "--rollback", "--yes"];
    let mut chance = Chance::of(support::chance::seed());
    for _ in 0..if is_long() { 40 } else { 2 } {
        let found = make();
        let moment = chance.below(1_500) as u64;
        let mut command = found.world.command(&back);
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(moment));
        let _ = child.kill();
        let _ = child.wait();
        let said = found.world.banister(&back);
        let is_over = said.code == Some(0) || said.out.contains("nothing to resume");
        assert!(is_over, "killed after {moment} ms: {said:?}");
        judge(&found, &format!("killed after {moment} ms"));
    }
}

/// Runs it with a git that kills it where submodules are to be filled: HEAD has been moved by then.
fn killed_before_submodules_are_filled(found: &Found, words: &[&str]) {
    found.world.write(
        "bin/git",
        "#!/bin/sh\nPATH=${PATH#*:}\ncase \"$*\" in *\"submodule --quiet update\"*) kill -9 $PPID; exit 1;; esac\nexec git \"$@\"\n",
    );
    let program = found.path("bin/git");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", found.path("bin").display(), std::env::var("PATH").unwrap());
    let said = support::said(found.world.command(words).env("PATH", path).output().unwrap());
    assert_eq!(said.code, Some(-9), "{said:?}");
}

#[test]
fn a_submodule_is_filled_by_the_attempt_after_one_that_was_killed_before_it_was() {
    let back = ["resume", "--rollback", "--yes"];
    let found = with_own_files_in_one_that_goes("config build up stop:\n\t@test $@ != build\n");
    assert_eq!(found.world.banister(&UPDATE).code, Some(1));
    killed_before_submodules_are_filled(&found, &back);
    let said = found.world.banister(&back);
    assert_eq!((said.code, found.read("web/lib/data.keep").as_str()), (Some(0), "precious\n"), "{said:?}");
    assert!(!found.path("web/.git/banister-kept/lib").exists());

    // One that moves was taken from its old folder by then; the way back leads there, too.
    for (next, here, gone) in [(&["resume", "--yes"][..], "vendor", "lib"), (&back[..], "lib", "vendor")] {
        let found = with_a_submodule();
        found.updates_to("0.2.0");
        found.git("origin", &["mv", "lib", "vendor"]);
        found.release("0.3.0", &[]);
        killed_before_submodules_are_filled(&found, &UPDATE);
        let said = found.world.banister(next);
        assert_eq!(said.code, Some(0), "{next:?}: {said:?}");
        assert_eq!(found.read(&format!("web/{here}/lib.txt")), "lib 1\n", "{next:?}: {said:?}");
        assert!(!found.path("web").join(gone).exists(), "{next:?}: {said:?}");
        assert_eq!(found.status(), "", "{next:?}");
    }
}

#[test]
fn edits_are_carried_over_wherever_it_is_killed() {
    let make = || {
        let found = edited();
        found.release("0.2.0", &[("env/app", NEW)]);
        found
    };
    let run = [&UPDATE[..], &["--answer", "yes"]].concat();
    killed_along(&make, &run, &|found, place| {
        assert_eq!(
            (found.read("web/env/app"), found.read("web/env/same")),
            (BOTH.into(), MINE.into()),
            "{place}"
        );
        assert_eq!(found.git("web", &["describe", "--tags"]), "0.2.0", "{place}");
    });
}

#[test]
fn a_site_file_is_whole_whenever_adopt_is_killed() {
    let found = Found::new();
    let is_there = |program: &str, word: &str| {
        std::process::Command::new(program).arg(word).output().is_ok_and(|it| it.status.success())
    };
    if !is_there("docker-compose", "version") {
        eprintln!("LEFT OUT: docker-compose is not installed");
        return;
    }
    found.world.write(
        "shop/compose.yaml",
        "services:\n  app:\n    image: shop/app:1.2.0\n    volumes: [\"./data:/data\"]\n",
    );
    let before = found.read("site.toml");
    let adopt = ["adopt", "shop", "--site", "."];
    let mut chance = Chance::of(support::chance::seed());
    let mut whole = 0;
    for _ in 0..if is_long() { 100 } else { 3 } {
        found.world.write("site.toml", &before);
        let mut child =
            found.world.command(&adopt).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(chance.below(1_500) as u64));
        let _ = child.kill();
        let _ = child.wait();
        let after = found.read("site.toml");
        if after != before {
            assert!(after.starts_with(&before) && after.contains("[servers.shop]"), "{after}");
            assert!(after.parse::<toml::Table>().is_ok(), "{after}");
            whole += 1;
            continue;
        }
        let said = found.world.banister(&adopt);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(found.read("site.toml").contains("[servers.shop]"));
    }
    eprintln!("whole although killed: {whole}");
}
