//! Commands that `site.toml` has before and after steps.

use crate::support;

use std::fs;
use std::time::{Duration, Instant};
use support::{Said, World, chance};

/// The trace of what make and the hooks did, without the ends.
fn begun(world: &World) -> Vec<String> {
    world.read("trace").lines().filter_map(|line| line.strip_suffix(" begin")).map(str::to_owned).collect()
}

/// A world whose server can be updated, with these hooks.
fn world(hooks: &str) -> World {
    let world = World::new();
    world.write("site.toml", &format!("{SERVER}hooks = {hooks}\n"));
    world.write("data/rows", "before");
    world.git(&["commit", "-q", "--allow-empty", "-m", "second"]);
    world.git(&["tag", "0.2.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    world
}

const SERVER: &str = "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\nbackup = [\"~/data\"]\n\
     health = [{ command = [\"true\"] }]\nhealthy = { stable = \"0s\" }\ntargets = { configure = \"config\" }\n";

const RUN: [&str; 3] = ["run", "update", "--yes"];

const HOOKS: &str = r#"{ before = { Build = [["sh", "-c", "echo off begin >> ../trace"]], "Back up" = [["sh", "-c", "echo quiet begin >> ../trace"]] }, after = { Start = [["sh", "-c", "echo on begin >> ../trace"], ["sh", "-c", "echo warm begin >> ../trace"]] } }"#;

const COURSE: [&str; 7] = ["quiet", "config", "off", "build", "up", "on", "warm"];

fn assert_done(said: &Said) {
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}

#[test]
fn they_run_in_the_checkout_before_and_after_their_steps() {
    let world = world(HOOKS);
    assert_done(&world.banister(&["check"]));
    let list = world.banister(&["list"]);
    let hooks = "hooks of web: before(\"Back up\"), before(\"Build\"), after(\"Start\")\n";
    assert!(list.out.ends_with(hooks), "{list:?}");
    assert_done(&world.banister(&RUN));
    assert_eq!(begun(&world), COURSE);
    let shown: serde_json::Value = serde_json::from_str(&world.banister(&["show", "--json"]).out).unwrap();
    let site = world.path().join("site.toml").display().to_string();
    for step in shown["steps"].as_array().unwrap() {
        let is_hooked = ["Build", "Back up", "Start"].contains(&step["name"].as_str().unwrap());
        assert_eq!(step["source"], if is_hooked { site.as_str() } else { "bundled" }, "{step}");
    }
    // The same step of another runbook has them, too.
    assert_done(&world.banister(&["run", "backup", "--yes"]));
    assert_eq!(begun(&world)[COURSE.len()..], ["quiet"]);
}

#[test]
fn a_plan_shows_them_as_calls_of_their_steps() {
    let world = world(HOOKS);
    let said = world.banister(&["plan", "update"]);
    assert_done(&said);
    for lines in [
        "\nBuild (changed by this site)\n  run(web, [\"sh\", \"-c\", \"echo off begin >> ../trace\"])\n  make(web, \"build\")\n",
        "\nStart (changed by this site)\n  make(web, \"up\")\n  run(web, [\"sh\", \"-c\", \"echo on begin >> ../trace\"])\n  run(",
    ] {
        assert!(said.out.contains(lines), "{lines}: {}", said.out);
    }
    assert_eq!(world.read("trace"), "");
    // A saved plan does not hold with other hooks.
    assert_done(&world.banister(&["plan", "update", "--out", "saved"]));
    let changed = world.read("site.toml").replace("warm", "cold");
    world.write("site.toml", &changed);
    assert_eq!(world.banister(&["run", "update", "--plan", "saved", "--yes"]).code, Some(2));
}

#[test]
fn those_of_a_file_that_overrides_the_step_are_inside_of_them() {
    let world = world(HOOKS);
    let line = |word: &str| format!("shell(server, \"echo {word} begin >> ../trace\");");
    world.write(
        "runbooks/update.rhai",
        &format!("before(\"Build\") {{ {} }}\nafter(\"Start\") {{ {} }}\n", line("inner"), line("inside")),
    );
    assert_done(&world.banister(&RUN));
    assert_eq!(
        begun(&world),
        ["quiet", "config", "off", "inner", "build", "up", "inside", "on", "warm"],
        "{}",
        world.read("trace")
    );
}

#[test]
fn they_are_taken_up_wherever_a_run_is_killed_and_nothing_is_done_twice() {
    let whole = world(HOOKS);
    assert_done(&whole.banister(&RUN));
    let journal = fs::read_to_string(whole.journals().pop().unwrap()).unwrap();
    let is_near = |n: &usize| {
        let lines = journal.lines().skip(n.saturating_sub(3)).take(5);
        lines.filter(|line| line.contains(" begin >> ../trace")).count() > 0
    };
    let places: Vec<usize> = (2..=whole.records()).filter(is_near).collect();
    assert!(places.len() > 12, "{places:?}");
    for record in chance::part(places, 4) {
        let world = world(HOOKS);
        world.crash(&RUN, &format!("after {record}"));
        let said = world.banister(&["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{record}: {}{}", said.out, said.err);
        assert_eq!(begun(&world), COURSE, "{record}");
    }
}

#[test]
fn one_that_runs_when_banister_is_killed_is_followed() {
    let hooks = r#"{ before = { Build = [["sh", "-c", "echo off begin >> ../trace; while test -e ../hold; do sleep 0.05; done; echo off end >> ../trace"]] } }"#;
    let world = world(hooks);
    world.write("hold", "");
    let mut child = world.command(&RUN).spawn().unwrap();
    let until = Instant::now() + Duration::from_secs(60);
    while !world.read("trace").contains("off begin") {
        assert!(Instant::now() < until, "the hook does not begin");
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    world.remove("hold");
    assert_done(&world.banister(&["resume", "--yes"]));
    assert_eq!(begun(&world), ["config", "off", "build", "up"]);
}

#[test]
fn one_that_fails_fails_its_step_which_can_be_rolled_back_or_tried_again() {
    let hooks = r#"{ after = { Build = [["sh", "-c", "test -e ../mended"]], "Roll web back to *" = [["sh", "-c", "echo back begin >> ../trace"]] } }"#;
    for direction in ["resume", "rollback", "at once"] {
        let world = world(hooks);
        let run = match direction {
            "at once" => world.banister(&["run", "update", "--yes", "--on-failure", "rollback"]),
            _ => world.banister(&RUN),
        };
        assert_eq!(run.code, Some(1), "{run:?}");
        assert!(run.err.contains("at   site.toml:9, step `Build`, on web"), "{run:?}");
        match direction {
            "resume" => {
                world.write("mended", "");
                assert_done(&world.banister(&["resume", "--yes"]));
                assert_eq!(begun(&world), ["config", "build", "up"]);
                continue;
            }
            "rollback" => assert_done(&world.banister(&["resume", "--rollback", "--yes"])),
            _ => {}
        }
        // The steps of the rollback have their hooks.
        assert_eq!(begun(&world), ["config", "build", "config", "build", "up", "back"], "{direction}");
        let status = world.banister(&["status", "--json"]);
        assert!(status.out.contains("0.1.0"), "{status:?}");
    }
}

#[test]
fn a_run_goes_on_with_those_that_it_began_with() {
    let world = world(
        r#"{ before = { Build = [["sh", "-c", "echo off begin >> ../trace"]] }, after = { Start = [["sh", "-c", "test -e ../mended"]] } }"#,
    );
    assert_eq!(world.banister(&RUN).code, Some(1));
    world.write("mended", "");
    world.write("site.toml", &format!("{SERVER}hooks = {{ before = {{ Start = [[\"true\"]] }} }}\n"));
    let said = world.banister(&["resume", "--yes"]);
    assert_ne!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("the script no longer matches this run"), "{said:?}");
    assert!(said.err.contains("resume --original"), "{said:?}");
    assert_done(&world.banister(&["resume", "--original", "--yes"]));
    assert_eq!(begun(&world), ["config", "off", "build", "up"]);
}

#[test]
fn a_step_that_no_runbook_has_is_told_with_the_one_that_was_meant() {
    for (hooks, told) in [
        (r#"{ before = { Biuld = [["true"]] } }"#, "did you mean `Build`?"),
        (r#"{ after = { "Roll lab back" = [["true"]] } }"#, "did you mean `Roll * back to *`?"),
        (r#"{ after = { "" = [["true"]] } }"#, "the steps are: "),
    ] {
        let world = world(hooks);
        let said = world.banister(&["check"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        for told in [told, "site.toml:9:", "no runbook has a step `", "^"] {
            assert!(said.out.contains(told), "{told}: {said:?}");
        }
        let run = world.banister(&RUN);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.err.contains("no runbook has a step `"), "{run:?}");
        assert_eq!(world.records(), 0);
    }
    // A step of the site's own runbook is one, and so is one whose name only a run knows.
    let world = world(r#"{ before = { "Empty the cache" = [["true"]], "Update web" = [["true"]] } }"#);
    world.write(
        "runbooks/tidy.rhai",
        "//! Tidies.\nfn main() { step \"Empty the cache\" { note(\"empty\"); } }\n",
    );
    assert_done(&world.banister(&["check"]));
    let said = world.banister(&["run", "tidy", "--json"]);
    assert_done(&said);
    assert!(said.out.contains("run(web, [\\\"true\\\"])") || said.out.contains("[\"true\"]"), "{said:?}");
}

#[test]
fn a_malformed_table_is_told_with_its_place() {
    for (hooks, column, told) in [
        (r#"{ before = { Build = ["true"] } }"#, 30, "a step has a list of commands, each a list of words"),
        (r#"{ before = { Build = [[]] } }"#, 30, "a command is empty"),
        (r#"{ before = { Build = [["true", 5]] } }"#, 30, "a step has a list of commands"),
        (r#"{ before = { Build = "true" } }"#, 30, "a step has a list of commands"),
        (r#"{ before = [["true"]] }"#, 20, "a table is expected here"),
        (r#"{ replace = { Build = [["true"]] } }"#, 11, "unknown key `replace`"),
        (r#"[["true"]]"#, 10, "a table is expected here"),
    ] {
        let world = world(hooks);
        let said = world.banister(&["check"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.out.contains(told), "{told}: {said:?}");
        assert!(said.out.contains(&format!("site.toml:9:{column}")), "{hooks}: {column}: {said:?}");
        assert_eq!(world.banister(&RUN).code, Some(2), "{hooks}");
    }
}

#[test]
fn what_they_print_is_shown_and_kept_without_secrets() {
    let secret = "c4nary-of-the-hook";
    let world =
        world(r#"{ after = { "Back up" = [["sh", "-c", "cat ../settings.env; test -e ../mended"]] } }"#);
    let site = world.read("site.toml") + "env_file = \"../settings.env\"\n";
    world.write("site.toml", &site);
    world.write("settings.env", &format!("DB_PASSWORD={secret}\n"));
    for arguments in [&["run", "backup", "-v"][..], &["resume", "--json"], &["show"], &["show", "--json"]] {
        let said = world.banister(arguments);
        let text = said.out + said.err.as_str();
        assert!(!text.contains(secret), "{arguments:?}: {text}");
        assert!(text.contains("‹secret›") || arguments[0] == "show", "{arguments:?}: {text}");
    }
    let journal = fs::read_to_string(world.journals().pop().unwrap()).unwrap();
    assert!(!journal.contains(secret), "{journal}");
}

#[test]
fn the_steps_of_a_restore_have_them_too() {
    let world =
        world(r#"{ before = { "Put files back" = [["sh", "-c", "echo files begin >> ../trace"]] } }"#);
    let site = world.read("site.toml").replace("targets = { ", "targets = { stop = \"stop\", ");
    world.write("site.toml", &site);
    assert_done(&world.banister(&["run", "backup", "--yes"]));
    let kept = fs::read_dir(world.path().join("kept")).unwrap().map(|entry| entry.unwrap().file_name());
    let backup =
        kept.map(|name| name.into_string().unwrap()).find(|name| !name.ends_with(".card.json")).unwrap();
    let said = world.banister(&["run", "restore", "--backup", &backup, "--yes"]);
    assert_done(&said);
    assert_eq!(begun(&world), ["stop", "files", "config", "up"]);
}
