//! What an update needs is fetched before it.

use super::ground::Found;
use super::submodules::with_a_submodule;
use std::fs;

fn says(found: &Found, words: &[&str], code: i32, told: &[&str]) {
    let said = found.world.banister(words);
    let all = format!("{}{}", said.out, said.err);
    assert_eq!(said.code, Some(code), "{said:?}");
    told.iter().for_each(|told| assert!(all.contains(told), "`{told}` is not in {said:?}"));
}

/// The origin, and with it the repositories of submodules, are there or not.
fn network(found: &Found, is_there: bool) {
    for name in ["origin", "lib", "inner"].map(|name| (found.path(name), found.path(&format!("{name}.away"))))
    {
        let (from, to) = if is_there { (name.1, name.0) } else { name };
        if from.exists() {
            fs::rename(from, to).unwrap();
        }
    }
}

#[test]
fn an_update_needs_no_origin_for_what_was_fetched_before_it_and_nothing_else_changed() {
    let found = with_a_submodule();
    // No window is open.
    let site = found.read("site.toml");
    found.world.write("site.toml", &format!("closed = \"2020-01-01..2099-01-01\"\n{site}"));
    let (head, trace) = (found.head(), found.read("trace"));
    says(
        &found,
        &["run", "prefetch"],
        0,
        &[
            "ready for 0.2.0 on web: commits, submodules and files in Git LFS (",
            "left to the update of web to 0.2.0: what its build fetches and builds",
        ],
    );
    assert_eq!((found.head(), found.status(), found.read("trace")), (head, String::new(), trace));
    assert!(!found.path("web/lib").exists());
    network(&found, false);
    says(&found, &["run", "update", "--to", "0.2.0", "--yes", "--now"], 0, &[]);
    assert_eq!(
        (found.read("web/VERSION"), found.read("web/lib/inner/inner.txt")),
        ("2\n".into(), "inner 1\n".into())
    );
    // One that fails changes nothing, and the update takes what is missing.
    found.world.write("site.toml", &site);
    says(&found, &["run", "prefetch"], 1, &["`prefetch` failed on web; nothing was touched"]);
    network(&found, true);
    says(
        &found,
        &["run", "prefetch"],
        0,
        &["web has 0.2.0, and nothing newer is to be installed: nothing was fetched"],
    );
    found.release("0.3.0", &[("VERSION", "3\n")]);
    says(&found, &["run", "update", "--yes"], 0, &[]);
    // From which release to which, where runs are listed.
    says(&found, &["runs"], 0, &["0.1.0 -> 0.2.0, took ", "0.2.0 -> 0.3.0, took "]);
    says(&found, &["status"], 0, &["0.2.0 -> 0.3.0, took "]);
    says(&found, &["runs", "--json"], 0, &["{\"from\":\"0.2.0\",\"server\":\"web\",\"to\":\"0.3.0\"}"]);
    assert_eq!(found.read("web/VERSION"), "3\n");
}

#[test]
fn what_is_held_back_is_not_fetched_and_an_open_update_is_not_disturbed() {
    let found = Found::new();
    found.release("0.2.0", &[("VERSION", "2\n")]);
    found.site("releases = { not = [\"0.2.0\"] }");
    let knows = |tag: &str| found.try_git("web", &["rev-parse", "--verify", "-q", tag]).status.success();
    says(&found, &["run", "prefetch"], 0, &["nothing was fetched"]);
    assert!(!knows("0.2.0"));
    found.site("releases = { min_age = \"9999d\" }");
    says(&found, &["run", "prefetch"], 0, &["nothing was fetched"]);
    assert!(!knows("0.2.0"));
    // By its name it is meant.
    says(&found, &["run", "prefetch", "--release", "0.2.0"], 0, &["ready for 0.2.0 on web"]);
    assert!(knows("0.2.0"));
    found.site("");
    says(&found, &["run", "prefetch", "--release", "9.9"], 1, &["there is no release `9.9` of web"]);
    found.release("0.3.0", &[("Makefile", "config build up stop:\n\t@test $@ != build\n")]);
    says(&found, &["run", "update", "--yes"], 1, &[]);
    says(&found, &["run", "prefetch"], 4, &["an earlier run is unfinished"]);
    says(&found, &["resume", "--rollback", "--yes"], 0, &[]);
    // It failed here.
    says(&found, &["run", "prefetch"], 0, &["ready for 0.2.0 on web"]);
    says(&found, &["metrics"], 0, &["banister_failed_release_info{server=\"web\",release=\"0.3.0\"} 1\n"]);
}

#[test]
fn one_that_is_killed_is_begun_anew_or_left_alone() {
    let found = Found::new();
    found.release("0.2.0", &[("VERSION", "2\n")]);
    // One after the other: while it fetches, and when it has.
    for place in ["after 13", "before 14"] {
        let said = found.world.crash(&["run", "prefetch"], place);
        assert_eq!(said.code, Some(-9), "{place}: {said:?}");
    }
    says(&found, &["resume"], 0, &["ready for 0.2.0 on web"]);
    let said = found.world.crash(&["run", "prefetch"], "before 12");
    assert_eq!(said.code, Some(-9), "{said:?}");
    found.updates_to("0.2.0");
}

#[test]
fn one_that_is_still_at_work_gives_way_to_the_update() {
    gives_way(false);
}

/// What it called goes on.
#[test]
fn one_that_was_killed_gives_way_to_the_update() {
    gives_way(true);
}

fn gives_way(is_killed: bool) {
    use std::os::unix::fs::PermissionsExt;
    let found = Found::new();
    found.release("0.2.0", &[("VERSION", "2\n")]);
    // A network on which a fetch takes very long.
    let path = std::env::var("PATH").unwrap();
    let git = format!(
        "#!/bin/sh\nPATH='{path}'\ncase \" $* \" in *\" fetch \"*) if [ -e \"$HOME/slow\" ]; then touch \"$HOME/fetches\"; sleep 300; fi ;; esac\nexec git \"$@\"\n"
    );
    found.world.write("bin/git", &git);
    fs::set_permissions(found.path("bin/git"), fs::Permissions::from_mode(0o755)).unwrap();
    found.world.write("slow", "");
    let command = |words: &[&str]| {
        let mut command = found.world.command(words);
        command.env("PATH", format!("{}:{path}", found.path("bin").display()));
        command
    };
    let began = command(&["run", "prefetch", "--detach"]).env_remove("BANISTER_FOREGROUND").output().unwrap();
    assert!(began.status.success(), "{began:?}");
    let end = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !found.path("fetches").exists() {
        assert!(std::time::Instant::now() < end, "it does not fetch");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    found.world.remove("slow");
    if is_killed {
        let state = found.path("state").display().to_string();
        let parts = crate::background::processes_of(&state, &["watch-run", "run-here"]);
        assert_eq!(parts.len(), 2);
        parts.into_iter().for_each(crate::background::kill);
    }
    let said = crate::support::said(command(&["run", "update", "--yes"]).output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    let told = said.err.contains("is ended: the next update fetches what is missing");
    assert_eq!(told, !is_killed, "{said:?}");
    assert_eq!(found.read("web/VERSION"), "2\n");
}
