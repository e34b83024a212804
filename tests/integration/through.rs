//! An update through the releases that are required on the way: each an update of its own, whatever happens to the next.

use crate::support;

use support::releases::healthy;
use support::{Said, World, chance};

/// A server of release v1.0.0, whose origin has v1.0.1, v1.1.0, v1.1.1 and v1.2.0; the last of each minor is required. `recipe`
/// is what the target `up` does in the release `of`.
fn world(of: &str, recipe: &str) -> World {
    let world = World::new();
    world.git(&["tag", "-d", "0.1.0"]);
    world.git(&["tag", "v1.0.0"]);
    for tag in ["v1.0.1", "v1.1.0", "v1.1.1", "v1.2.0"] {
        let up = if tag == of { recipe } else { "echo up >> ../trace" };
        world.write(
            "web/Makefile",
            &format!("config build stop:\n\t@echo $@ >> ../trace\nup:\n\t@{up}\n\t@echo {tag} > ../runs\n"),
        );
        world.git(&["commit", "-q", "-a", "-m", &format!("What is new in {tag}")]);
        world.git(&["tag", tag]);
    }
    world.git(&["checkout", "-q", "v1.0.0"]);
    world.git(&["remote", "add", "origin", "."]);
    world.write(
        "site.toml",
        &format!(
            "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackup = [\"~/data\"]\nbackups = \"~/kept\"\n\
             health = [\"{}\", {{ command = [\"test\", \"!\", \"-e\", \"../ill\"], name = \"well\" }}]\n\
             healthy = {{ stable = \"20ms\", within = \"200ms\" }}\n\
             targets = {{ configure = \"config\", stop = \"stop\" }}\nreleases = {{ stops = \"each_minor\" }}\n",
            healthy()
        ),
    );
    world.write("data/file", "kept\n");
    world
}

fn through(world: &World) -> Said {
    world.banister(&["run", "update", "--through", "--yes"])
}

fn installed(world: &World) -> String {
    let status = world.banister(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    status[0]["release"].as_str().unwrap().to_owned()
}

/// The names of the backups, without when they were made.
fn backups(world: &World) -> Vec<String> {
    let list: serde_json::Value =
        serde_json::from_str(&world.banister(&["backup", "list", "--json"]).out).unwrap();
    let all = list.as_array().unwrap().iter();
    all.map(|it| it["label"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_jump_over_a_stop_is_refused_with_the_commands_that_lead_on() {
    let world = world("", "");
    let said = world.banister(&["run", "update", "--to", "v1.2.0", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("v1.0.1 must be installed on web before v1.2.0"), "{said:?}");
    assert!(said.err.contains("`banister run update --server web --to v1.2.0 --through`"), "{said:?}");
    assert!(said.out.ends_with("next:  banister run update --server web --to v1.0.1\n"), "{said:?}");
    assert_eq!(world.read("trace"), "");
}

#[test]
fn each_stop_is_checked_backed_up_and_healthy_before_the_next_and_the_plan_shows_all() {
    let world = world("", "");
    let planned = world.banister(&["plan", "update", "--through"]);
    assert_eq!(planned.code, Some(0), "{planned:?}");
    let places = ["v1.0.1", "v1.1.1", "v1.2.0"].map(|stop| {
        let changes =
            [format!("Update to {stop}"), format!("checkout(web, \"{stop}\")"), format!("before {stop}")];
        for told in &changes {
            assert!(planned.out.contains(told), "{told}: {}", planned.out);
        }
        planned.out.find(&format!("checkout(web, \"{stop}\")")).unwrap()
    });
    assert!(places.is_sorted(), "{}", planned.out);
    assert_eq!(world.read("trace"), "");

    let said = through(&world);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!((installed(&world).as_str(), world.read("runs").trim()), ("v1.2.0", "v1.2.0"));
    let seen = [
        "Update to v1.0.1",
        "Check",
        "Back up",
        "Wait until healthy",
        "Update to v1.1.1",
        "Check",
        "Update to v1.2.0",
    ];
    let mut rest = said.out.as_str();
    for told in seen {
        let at = rest.find(told).unwrap_or_else(|| panic!("{told}: {said:?}"));
        rest = &rest[at..];
    }
    assert!(said.out.contains("web is updated from v1.0.0 to v1.2.0 in 3 updates"), "{said:?}");
    assert_eq!(world.read("trace").matches("build").count(), 3);
    assert_eq!(backups(&world).len(), 6, "{:?}", backups(&world));
    let again = through(&world);
    assert!(again.code == Some(0) && again.out.contains("web already runs v1.2.0"), "{again:?}");
}

#[test]
fn to_names_the_last_of_them() {
    let world = world("", "");
    let said = world.banister(&["run", "update", "--through", "--to", "v1.1.1", "--yes"]);
    assert_eq!((said.code, installed(&world).as_str()), (Some(0), "v1.1.1"), "{said:?}");
    assert!(said.out.contains("in 2 updates"), "{said:?}");
    let said = world.banister(&["run", "update", "--through", "true", "--to", "v9", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("there is no release `v9` of web"), "{said:?}");
    let said = world.banister(&["run", "update", "--through", "maybe"]);
    assert_eq!(said.code, Some(2), "{said:?}");
}

#[test]
fn what_fails_after_a_stop_is_rolled_back_to_the_stop_and_no_further() {
    let world = world("v1.1.1", "touch ../ill");
    let said = through(&world);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("v1.1.1 is checked out and was started, not healthy"), "{said:?}");
    assert!(said.out.contains("--rollback"), "{said:?}");
    world.remove("ill");
    let said = world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!((installed(&world).as_str(), world.read("web/Makefile").contains("up")), ("v1.0.1", true));
    assert!(said.out.contains("note: web has v1.0.1 again, on the way to v1.2.0"), "{said:?}");
    assert!(
        said.out.contains(
            "state: `update` was rolled back on web; v1.0.1 is checked out, no backup was put back\n"
        ),
        "{said:?}"
    );
    assert_eq!(world.read("runs").trim(), "v1.0.1");
}

#[test]
fn a_server_that_is_ill_between_two_stops_is_not_updated_further() {
    let world = world("", "");
    // As the update to v1.0.1 ends, so that only the next one sees it.
    world.write(
        "runbooks/update.rhai",
        "fn drop_way_back(update) {\n    base::drop_way_back(update);\n    shell(update.server, \"touch ../ill\");\n}\n",
    );
    let said = through(&world);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("web has v1.0.1, and is no longer healthy: well "), "{said:?}");
    assert!(said.out.contains("v1.0.1 is checked out"), "{said:?}");
    // What was reached is not rolled back any more.
    assert!(!said.out.contains("--rollback"), "{said:?}");
    let said = world.banister(&["resume", "--rollback", "--yes"]);
    assert_ne!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("nothing was rolled back"), "{said:?}");
    assert_eq!(installed(&world), "v1.0.1");
    world.remove("ill");
    world.remove("runbooks/update.rhai");
}

#[test]
fn it_goes_on_in_the_update_in_which_it_was_killed() {
    let whole = world("", "");
    assert_eq!(through(&whole).code, Some(0));
    let records = whole.records();
    for record in chance::part((1..records).collect(), 37) {
        let world = world("", "");
        let place = format!("after {record}");
        world.crash(&["run", "update", "--through", "--yes"], &place);
        let said = world.banister(&["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        assert_eq!(installed(&world), "v1.2.0", "{place}: {said:?}");
        assert_eq!(world.read("trace"), whole.read("trace"), "{place}: {said:?}");
        assert_eq!(backups(&world).len(), 6, "{place}: {said:?}");
    }
}

#[test]
fn a_rollback_after_a_kill_ends_at_the_last_stop_that_was_reached() {
    let whole = world("", "");
    assert_eq!(through(&whole).code, Some(0));
    let records = whole.records();
    for record in chance::part((1..records).collect(), 41) {
        let world = world("", "");
        let place = format!("before {record}");
        world.crash(&["run", "update", "--through", "--yes"], &place);
        let before = world.read("runs");
        let said = world.banister(&["resume", "--rollback", "--yes"]);
        let now = installed(&world);
        assert!(
            ["v1.0.0", "v1.0.1", "v1.1.1"].contains(&now.as_str()) || said.code != Some(0),
            "{place}: {said:?}"
        );
        // What runs is what is checked out, and healthy; nothing that was reached before was left again.
        if !world.read("runs").is_empty() && said.code == Some(0) {
            let reached = ["v1.0.0", "v1.0.1", "v1.1.1", "v1.2.0"];
            let at = |name: &str| reached.iter().position(|it| *it == name.trim()).unwrap_or_default();
            assert!(at(&now) + 1 >= at(&before), "{place}: {before} {now} {said:?}");
            let status = world.banister(&["status", "--json"]);
            assert!(status.out.contains("\"healthy\":true"), "{place}: {status:?}");
        }
    }
}
