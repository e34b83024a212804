//! What a run that stopped says of its server: what is checked out, what runs, whether it is healthy, and whether users are
//! served. Only what was seen is said.

use crate::support;

use serde_json::{Value, json};
use support::terminal::Terminal;
use support::{Said, World};

/// A site whose server runs 0.1.0 and is healthy while `well` is there. In the newer release 0.3.0 this make target does
/// something else than to leave a trace.
fn world(target: &str, recipe: &str, more: &str) -> World {
    let world = World::new();
    let targets = ["config", "build", "up"].map(|name| {
        let does = if name == target { recipe } else { "echo $@ >> ../trace" };
        format!("{name}:\n\t@{does}\n")
    });
    world.write("web/Makefile", &targets.concat());
    world.git(&["commit", "-q", "-a", "-m", "newer"]);
    world.git(&["tag", "0.3.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    world.git(&["remote", "add", "origin", "."]);
    let site = world.read("site.toml");
    let health = "health = [{ command = [\"test\", \"-e\", \"../well\"], name = \"web\" }]\n";
    let times = "healthy = { within = \"0s\", stable = \"0s\" }\n";
    world.write("site.toml", &format!("{site}backup = [\".\"]\n{health}{times}{more}"));
    world.write("well", "");
    world
}

const MAINTENANCE: &str =
    "maintenance = { begin = [\"touch\", \"../closed\"], end = [\"rm\", \"-f\", \"../closed\"] }\n";

fn update(world: &World) -> Said {
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    said
}

/// What the last lines say after what failed.
fn how(said: &Said) -> &str {
    let state = said.out.lines().rev().find_map(|line| line.strip_prefix("state: ")).unwrap();
    state.split_once("; ").unwrap_or_else(|| panic!("{said:?}")).1
}

/// The fields of `show --json` on the server.
fn left(world: &World) -> Value {
    let shown: Value = serde_json::from_str(&world.banister(&["show", "--json"]).out).unwrap();
    shown["server_states"][0]["left"].clone()
}

#[test]
fn a_failed_build_leaves_what_ran_before_and_its_users() {
    let world = world("build", "false", "");
    let said = update(&world);
    assert_eq!(how(&said), "0.3.0 is checked out, not started, healthy; users are served", "{said:?}");
    // Later only the journal tells.
    let journal = "0.3.0 is checked out, not started, health unknown; whether users are served is unknown";
    let shown = world.banister(&["show"]);
    assert_eq!(how(&shown), journal, "{shown:?}");
    assert!(world.banister(&["status"]).out.contains(&format!("in step `Build`; {journal}")));
    let expected = json!({ "checked_out": "0.3.0", "runs": null, "started": false, "healthy": null, "users": "unknown" });
    assert_eq!(left(&world), expected);
}

#[test]
fn a_failed_start_claims_nothing_of_what_runs() {
    let world = world("up", "rm ../well; false", "");
    let said = update(&world);
    let expected =
        "0.3.0 is checked out, what runs is unknown, not healthy; whether users are served is unknown";
    assert_eq!(how(&said), expected, "{said:?}");
    assert_eq!(left(&world)["started"], Value::Null);
}

#[test]
fn a_server_that_does_not_become_healthy_was_started() {
    let world = world("up", "rm ../well", "");
    let said = update(&world);
    let expected = "0.3.0 is checked out and was started, not healthy; whether users are served is unknown";
    assert_eq!(how(&said), expected, "{said:?}");
    let shown = world.banister(&["show"]);
    assert!(how(&shown).contains("was started, not healthy when last seen; "), "{shown:?}");
    let expected = json!({ "checked_out": "0.3.0", "runs": null, "started": true, "healthy": false, "users": "unknown" });
    assert_eq!(left(&world), expected);
}

#[test]
fn maintenance_mode_is_on_only_once_it_was_turned_on() {
    let on = world("up", "rm ../well; false", MAINTENANCE);
    let said = update(&on);
    assert!(how(&said).ends_with("; users are kept out: maintenance mode is on"), "{said:?}");
    assert!(on.path().join("closed").exists());
    assert_eq!(left(&on)["users"], "kept_out");

    let broken = world("up", "true", &MAINTENANCE.replace("touch", "false"));
    let said = update(&broken);
    let expected = "0.3.0 is checked out, not started, healthy; whether maintenance mode is on is unknown";
    assert_eq!(how(&said), expected, "{said:?}");
    assert_eq!(left(&broken)["users"], "unknown");

    // It is healthy, and was about to be opened.
    let opened = world("up", "true", &MAINTENANCE.replace("\"rm\", \"-f\"", "\"false\""));
    let said = update(&opened);
    let expected = "0.3.0 is checked out and was started, healthy; whether maintenance mode is on is unknown";
    assert_eq!(how(&said), expected, "{said:?}");
}

#[test]
fn a_rollback_that_fails_says_what_it_left() {
    let world = world("up", "rm ../well; false", "");
    update(&world);
    let said = world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let state = "the rollback of `update` on web failed; 0.1.0 is checked out and was started, not healthy; ";
    assert!(said.out.contains(&format!("state: {state}whether users are served is unknown\n")), "{said:?}");
}

#[test]
fn an_interrupted_run_says_what_it_saw_and_looks_at_nothing() {
    let world = world("build", "echo begun >> ../trace; sleep 30", "");
    let site = world.read("site.toml");
    // Whoever asks leaves a trace.
    world.write(
        "site.toml",
        &site.replace("[\"test\", \"-e\", \"../well\"]", "[\"sh\", \"-c\", \"echo asked >> ../asked\"]"),
    );
    let mut terminal = Terminal::start(&world.command(&[]), "run update --yes --color never", "dumb");
    terminal.sees("Build");
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while !world.read("trace").contains("begun") && std::time::Instant::now() < until {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let before = world.read("asked");
    terminal.types("\u{3}");
    terminal.sees("again");
    terminal.types("\u{3}");
    let said = terminal.ends();
    assert_eq!(said.code, Some(130), "{said:?}");
    let state = "state: `update` was interrupted on web in step `Build`; 0.3.0 is checked out, not started, health unknown";
    assert!(said.out.contains(state), "{said:?}");
    assert_eq!(world.read("asked"), before);
}

#[test]
fn a_server_that_was_only_backed_up_was_not_changed() {
    let world = world("", "", "");
    world.write(
        "runbooks/x.rhai",
        "//! Stops.\n\nfn main() {\n    this_server().backup(\"x\");\n    throw \"no\";\n}\n",
    );
    let said = world.banister(&["run", "x"]);
    assert_eq!((said.code, how(&said)), (Some(1), "the server was not changed"), "{said:?}");
}
