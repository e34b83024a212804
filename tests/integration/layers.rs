//! A site's file that lies on a bundled runbook or module.

use crate::support;

use std::fs;
use support::{World, chance};

/// The trace of what make did, without the ends.
fn begun(world: &World) -> Vec<String> {
    world.read("trace").lines().filter_map(|line| line.strip_suffix(" begin")).map(str::to_owned).collect()
}

/// A world whose server can be updated.
fn world(layer: &str) -> World {
    let world = World::new();
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\nbackup = [\"~/data\"]\n\
         health = [{ command = [\"true\"] }]\ntargets = { configure = \"config\" }\n",
    );
    world.write("data/rows", "before");
    world.git(&["commit", "-q", "--allow-empty", "-m", "second"]);
    world.git(&["tag", "0.2.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    world.write("runbooks/update.rhai", layer);
    world
}

const RUN: [&str; 3] = ["run", "update", "--yes"];

const HOOKS: &str = "//! Our update.

before(\"Build\") { server.make(\"config\"); }
after(\"Build\") {
    let made = update.to;
    note(`built ${made}`);
}
replace(\"Configure\") { note(\"configured by us\"); }
skip(\"Back up again\", \"the night backup does\");
";

#[test]
fn hooks_are_done_in_their_steps_and_see_what_the_steps_see() {
    let world = world(HOOKS);
    let said = world.banister(&RUN);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert_eq!(begun(&world), ["config", "build", "up"]);
    let all = format!("{}{}", said.out, said.err);
    for told in ["built 0.2.0", "configured by us", "the night backup does"] {
        assert!(all.contains(told), "{told}: {all}");
    }
    let shown: serde_json::Value = serde_json::from_str(&world.banister(&["show", "--json"]).out).unwrap();
    let site = world.path().join("runbooks/update.rhai").display().to_string();
    assert!(world.banister(&["show"]).out.contains("skipped: the night backup does"));
    for step in shown["steps"].as_array().unwrap() {
        let reason = (step["name"] == "Back up again").then_some("the night backup does");
        assert_eq!(step["skipped"].as_str(), reason, "{step}");
        let hooked = ["Build", "Configure", "Back up again"].contains(&step["name"].as_str().unwrap());
        let expected = if hooked { site.as_str() } else { "bundled" };
        assert_eq!(step["source"], expected, "{step}");
    }
    assert_eq!(world.banister(&["check"]).code, Some(0));
}

#[test]
fn a_plan_marks_the_steps_that_a_site_changes() {
    let world = world(HOOKS);
    let said = world.banister(&["plan", "update"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let marked = said.out.lines().filter_map(|line| line.strip_suffix(" (changed by this site)"));
    assert_eq!(
        marked.map(str::trim).collect::<Vec<_>>(),
        ["Configure", "Build", "Back up again"],
        "{said:?}"
    );
    assert!(said.out.contains("configured by us"), "{said:?}");
}

#[test]
fn an_error_in_a_hook_names_its_file_and_line() {
    let world = world("after(\"Build\") {\n    note(\"built\");\n    server.make(\"fail\");\n}\n");
    let said = world.banister(&RUN);
    assert_eq!(said.code, Some(1), "{}{}", said.out, said.err);
    let all = format!("{}{}", said.out, said.err);
    assert!(all.contains(&format!("{}:3", world.path().join("runbooks/update.rhai").display())), "{all}");
    // What was done is not done again.
    world.write("mended", "");
    let said = world.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert_eq!(begun(&world), ["config", "build", "up"]);
}

#[test]
fn a_function_replaces_the_bundled_one_which_stays_reachable_as_base() {
    let layer = "fn install(update, wait_idle) {\n    note(\"ours\");\n    base::install(update, wait_idle);\n    done();\n}\n\
                 fn done() { note(\"installed\"); }\n";
    let world = world(layer);
    let said = world.banister(&RUN);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    let all = format!("{}{}", said.out, said.err);
    let places: Vec<usize> = ["ours", "installed"].iter().map(|told| all.find(told).unwrap()).collect();
    assert!(places[0] < places[1], "{all}");
    assert_eq!(begun(&world), ["config", "build", "up"]);
}

#[test]
fn a_module_is_layered_in_the_same_way() {
    let world = world("after(\"Start\") { note(\"started\"); }\n");
    world.write(
        "stdlib/plain.rhai",
        "fn build(server) {\n    server.make(\"long\");\n    base::build(server);\n}\n",
    );
    let said = world.banister(&RUN);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert_eq!(begun(&world), ["config", "long", "build", "up"]);
}

#[test]
fn a_hook_that_was_cut_off_is_taken_up_and_nothing_is_done_twice() {
    let whole = world(HOOKS);
    assert_eq!(whole.banister(&RUN).code, Some(0));
    for record in chance::part((2..=whole.records()).collect(), 12) {
        let world = world(HOOKS);
        world.crash(&RUN, &format!("after {record}"));
        let said = world.banister(&["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{record}: {}{}", said.out, said.err);
        assert_eq!(begun(&world), ["config", "build", "up"], "{record}");
    }
}

#[test]
fn hooks_of_update_are_done_in_update_linked_too() {
    let world = World::new();
    world.write("runbooks/update.rhai", "before(\"Build\") { note(\"hooked\"); }\n");
    let said = world.banister(&["check"]);
    assert_eq!(said.code, Some(0), "{}", said.out);
    world.write("runbooks/update.rhai", "before(\"Build\") { mkae(1); }\n");
    let said = world.banister(&["check"]);
    assert!(said.out.contains("there is no function `mkae`"), "{}", said.out);
    assert!(said.out.contains("runbooks/update.rhai:1:19\n"), "{}", said.out);
    assert_eq!(said.code, Some(2));
    // The runbook that imports it is refused, too.
    assert_eq!(world.banister(&["run", "update-linked"]).code, Some(2));
}

#[test]
fn check_finds_what_lies_on_nothing_and_what_contradicts() {
    for (layer, place, message, help) in [
        ("before(\"Biuld\") { }\n", "1:8", "the bundled file has no step `Biuld`", "did you mean `Build`?"),
        (
            "replace(\"Build\") { }\nskip(\"Build\", \"no\");\n",
            "2:6",
            "`skip` contradicts the `replace` of the step `Build`",
            "the other is in line 1",
        ),
        (
            "fn install(update) { note(update); }\n",
            "1:4",
            "`install` has 1 parameter here",
            "the same parameters",
        ),
        (
            "fn more() { base::instal(1, 2); }\n",
            "1:13",
            "has no function `instal`",
            "did you mean `base::install`?",
        ),
        ("fn make(a) { note(a); }\n", "1:4", "`make` is a primitive", "give the function another name"),
        (
            "after(\"Build\") { }\nfn install(update, wait_idle) { note(update); note(wait_idle); }\n",
            "1:7",
            "stands in `install`, which this file replaces",
            "into the function itself",
        ),
    ] {
        let world = world(layer);
        let said = world.banister(&["check"]);
        assert_eq!(said.code, Some(2), "{layer}: {}", said.out);
        for told in [place, message, help] {
            assert!(said.out.contains(told), "{layer}: {told}: {}", said.out);
        }
        assert!(said.out.contains("     | ") && said.out.contains('^'), "{}", said.out);
        assert_eq!(world.banister(&RUN).code, Some(2), "{layer}");
        assert_eq!(world.records(), 0);
    }
}

#[test]
fn a_resume_with_the_scripts_of_the_run_has_both_layers() {
    let world = world("after(\"Build\") { server.make(\"fail\"); }\n");
    assert_eq!(world.banister(&RUN).code, Some(1));
    let kept = world.journals()[0].parent().unwrap().join("script");
    assert!(fs::read_to_string(kept.join("runbooks/update.rhai")).unwrap().starts_with("after("));
    // What the site says meanwhile does not count.
    world.write("runbooks/update.rhai", "before(\"Biuld\") { }\n");
    world.write("mended", "");
    assert_eq!(world.banister(&["resume", "--yes"]).code, Some(2));
    let said = world.banister(&["resume", "--yes", "--original"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
    assert!(fs::read_to_string(kept.join("base/runbooks/update.rhai")).unwrap().contains("fn install("));
}

#[test]
fn what_customize_writes_changes_nothing_and_is_never_written_over_a_file() {
    let world = World::new();
    for (name, file) in [("update", "runbooks/update.rhai"), ("plain", "stdlib/plain.rhai")] {
        let said = world.banister(&["customize", name]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let text = world.read(file);
        assert!(text.lines().all(|line| line.is_empty() || line.starts_with("//")), "{text}");
        assert!(
            name != "update" || text.contains("// replace(\"Build\") { kind::build(server); }\n"),
            "{text}"
        );
        let said = world.banister(&["check"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        world.write(file, "// mine\n");
        let said = world.banister(&["customize", name]);
        assert_eq!((said.code, world.read(file).as_str()), (Some(2), "// mine\n"), "{said:?}");
        assert!(said.err.contains("already"), "{said:?}");
    }
    assert_eq!(world.banister(&["customize", "updaet"]).code, Some(2));
}

#[test]
fn an_override_of_what_has_changed_since_is_told_with_both_versions_and_asked_about_once() {
    let world = world("replace(\"Build\") { server.make(\"build\"); }\n");
    let kept = "runbooks/.base/update.rhai";
    // The first run notes what it was written against.
    assert_eq!(world.banister(&RUN).code, Some(0));
    let now = world.read(kept);
    assert_eq!(world.banister(&["check"]).out.matches("has changed").count(), 0);

    // As if that had been an earlier program's.
    let before = now.replace("{ kind::build(update.server); }", "{\n    note(\"as it was\");\n}");
    let before =
        if before == now { now.replace("kind::build(server);", "note(\"as it was\");") } else { before };
    assert_ne!(before, now);
    world.write(kept, &before);
    world.git(&["checkout", "-q", "0.1.0"]);
    let said = world.banister(&["check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains("warning: the bundled step `Build` has changed since this was written"),
        "{said:?}"
    );
    assert!(said.out.contains("runbooks/update.rhai:1:9"), "{said:?}");
    let both = said.out.lines().find(|line| line.contains("as it was")).unwrap();
    assert!(both.contains(" | ") && both.contains("kind::build"), "{both}");
    let found: serde_json::Value = serde_json::from_str(&world.banister(&["check", "--json"]).out).unwrap();
    assert!(found[0]["versions"]["before"].as_str().unwrap().contains("as it was"), "{found}");

    let said = world.banister(&["plan", "update"]);
    assert!(said.code == Some(0) && said.err.contains("as it was"), "{said:?}");
    let said = world.banister(&["run", "update", "--abandon"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("nobody is there to answer: Are the site's files still right?"), "{said:?}");
    assert_eq!(world.read(kept), before);
    let said = world.banister(&["run", "update", "--yes", "--abandon"]);
    assert!(said.code == Some(0) && said.err.contains("as it was"), "{said:?}");
    assert_eq!(world.read(kept), now, "it is asked once");
    assert_eq!(world.banister(&["check"]).out.matches("has changed").count(), 0);
}

#[test]
fn list_says_what_a_site_overrides() {
    let world = world(
        "skip(\"Build\", \"none\");\nfn check(update, wait_idle) { base::check(update, wait_idle); mine(); }\nfn mine() {}\n",
    );
    let said = world.banister(&["list"]);
    assert!(
        said.out.contains("update of this site: skip(\"Build\"), fn check, fn mine (added)\n"),
        "{said:?}"
    );
    let list: serde_json::Value = serde_json::from_str(&world.banister(&["list", "--json"]).out).unwrap();
    let update = list.as_array().unwrap().iter().find(|one| one["name"] == "update").unwrap();
    assert_eq!(update["overrides"].as_array().unwrap().len(), 3, "{update}");
    assert_eq!(update["source"], "overridden");
}

#[test]
fn an_error_behind_hooks_of_several_lines_names_its_own_line() {
    let two = "//! Ours.\n\nbefore(\"Build\") {\n    note(\"one\");\n}\n\nafter(\"Start\") {\n    note(\"two\");\n    if server.name == \"web\" {\n        throw \"not liked\";\n    }\n}\n";
    let world = world(two);
    let said = world.banister(&RUN);
    assert_eq!(said.code, Some(1), "{said:?}");
    let place = format!("{}:10", world.path().join("runbooks/update.rhai").display());
    assert!(said.err.contains(&place), "{said:?}");
}

#[test]
fn definitions_for_editors_are_written_anew_and_never_over_ones_own() {
    let world = world("");
    world.remove("runbooks/update.rhai");
    let said = world.banister(&["customize", "update", "--json"]);
    let told: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let file = ".rhai/definitions/banister.d.rhai";
    assert!(told["definitions"].as_str().unwrap().ends_with(file), "{said:?}");
    let text = world.read(file);
    for primitive in banister::internals::primitives::all() {
        assert!(text.contains(&format!("\nfn {}(", primitive.name())), "{}", primitive.name());
    }
    for told in [
        "module hoss {",
        "    fn roll_back(server: ?, back: ?) -> ?;",
        "fn make(server: ?, target: String, variables: Map, options: Map) -> ?;",
    ] {
        assert!(text.contains(told), "{told}");
    }
    world.write(file, "// Mine.\n");
    world.remove("runbooks/update.rhai");
    assert_eq!(world.banister(&["customize", "update"]).code, Some(0));
    assert_eq!(world.read(file), "// Mine.\n");
}

#[test]
fn what_a_skipped_or_replaced_step_would_have_settled_is_dismissed_and_the_next_command_does_not_loop() {
    for (layer, name, owed) in [
        ("skip(\"Back up again\", \"the night backup does\");\n", "backup", "owed: back up after 0.2.0"),
        (
            "replace(\"Wait until healthy\") { note(\"seen by us\"); }\n",
            "install",
            "owed: configure, build and start",
        ),
    ] {
        let world = world(layer);
        let said = world.banister(&RUN);
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
        let dismiss = format!("banister lock dismiss {name} --reason WHY --server web");
        let next = || {
            let told = world.banister(&["status"]);
            assert!(
                told.out.contains(owed) && told.out.contains(&format!("need not be done: `{dismiss}`")),
                "{told:?}"
            );
            told.out.lines().find_map(|line| line.trim().strip_prefix("next")).unwrap().trim().to_owned()
        };
        assert_eq!(next(), dismiss);
        // The same once more settles no more, and says what does.
        let said = world.banister(&RUN);
        assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
        assert!(
            said.out.contains(&format!("banister lock dismiss '{name}' --reason WHY --server web")),
            "{said:?}"
        );
        assert_eq!(next(), dismiss);
        let typed: Vec<&str> = dismiss.split(' ').skip(1).collect();
        let said = world.banister(&typed);
        assert_eq!(said.code, Some(0), "{said:?}");
        let told = world.banister(&["status"]);
        assert!(!told.out.contains("owed") && !told.out.contains("dismiss"), "{told:?}");
    }
    let help = World::new().banister(&["lock", "dismiss", "--help"]).out;
    assert!(help.contains("skipped or replaced"), "{help}");
}
