//! What releases ask of an administrator: told, done exactly once, and noted on the server.

use crate::support;

use std::path::Path;
use support::worlds;
use support::{World, chance};

/// A server of release 0.1.0 whose checkout knows 0.2.0, 0.3.0 and 0.4.0.
fn world() -> World {
    let world = World::new();
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\nbackup = [\"~/data\"]\n\
         health = [{ command = [\"true\"] }]\nhealthy = { stable = \"10ms\" }\ntargets = { configure = \"config\" }\n",
    );
    world.write("data/rows", "before");
    for release in ["0.2.0", "0.3.0", "0.4.0"] {
        world.git(&["commit", "-q", "--allow-empty", "-m", release]);
        world.git(&["tag", release]);
    }
    world.git(&["checkout", "-q", "0.1.0"]);
    // Each writes a line when it is done; of one, only that line tells.
    world.write(
        "releases/0.2.0.rhai",
        "//! The index has another form now.\n\nfn apply(server) {\n    shell(server, \"echo index >> ../done\");\n}\n",
    );
    world.write(
        "releases/0.3.0/key.rhai",
        "//! A key.\nfn apply(server) { shell(server, \"echo key >> ../done\"); }\n",
    );
    world.write(
        "releases/0.3.0/users.rhai",
        "//! Users have names.\n\nfn apply_after(server) { shell(server, \"echo users >> ../done\"); }\n",
    );
    world
}

fn update(world: &World, to: &str) -> support::Said {
    world.banister(&["run", "update", "--yes", "--to", to])
}

#[test]
fn a_jump_over_several_releases_does_what_each_asks_for_once() {
    let world = world();
    let planned = world.banister(&["plan", "update", "--to", "0.4.0"]);
    assert_eq!(planned.code, Some(0), "{planned:?}");
    for told in ["Do what releases ask for", "The index has another form now.", "echo users"] {
        assert!(planned.out.contains(told), "{told}: {}", planned.out);
    }
    assert_eq!(world.read("done"), "");
    let said = update(&world, "0.4.0");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("done"), "index\nkey\nusers\n");
    // Between the checkout and what make does, and after all of that.
    let order = [
        "· Check out",
        "note: 0.2.0: The index",
        "· Configure",
        "· Wait until healthy",
        "note: 0.3.0: Users",
    ];
    let places: Vec<_> =
        order.iter().map(|told| said.out.find(told).unwrap_or_else(|| panic!("{told}"))).collect();
    assert!(places.is_sorted(), "{places:?} {}", said.out);
    assert!(world.read("web/.git/banister/actions.json").contains("\"0.3.0/users\""));
    // Later updates have nothing to do with it.
    world.git(&["checkout", "-q", "0.2.0"]);
    assert_eq!(update(&world, "0.3.0").code, Some(0));
    assert_eq!(world.read("done"), "index\nkey\nusers\n");
}

#[test]
fn files_may_have_helpers_of_the_same_name() {
    let world = world();
    for (file, word) in [("0.2.0", "index"), ("0.3.0/key", "key"), ("0.3.0/more", "more"), ("0.4.0", "last")]
    {
        let text = format!(
            "//! Of {word}.\nfn apply(server) {{ append(server); append(server); }}\n\
             private fn append(server) {{ shell(server, \"echo {word} >> ../done\"); }}\n"
        );
        world.write(&format!("releases/{file}.rhai"), &text);
    }
    let said = update(&world, "0.4.0");
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("done"), "index\nindex\nkey\nkey\nmore\nmore\nlast\nlast\nusers\n");
}

#[test]
fn it_is_done_once_wherever_the_update_is_killed() {
    let whole = world();
    assert_eq!(update(&whole, "0.4.0").code, Some(0));
    let records = whole.records();
    for record in chance::part((0..records).collect(), 9) {
        let world = world();
        let place = format!("after {record}");
        world.crash(&["run", "update", "--yes", "--to", "0.4.0"], &place);
        let said = world.banister(&["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        assert_eq!(world.read("done"), "index\nkey\nusers\n", "{place}");
    }
}

#[test]
fn an_update_that_was_given_up_leaves_what_it_did_noted() {
    let world = world();
    world.write("web/Makefile.broken", "");
    world.git(&["checkout", "-q", "0.4.0"]);
    world.write("web/Makefile", "config up:\n\t@true\nbuild:\n\t@false\n");
    world.git(&["commit", "-qam", "broken"]);
    world.git(&["tag", "0.5.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    world.remove("web/Makefile.broken");
    let said = update(&world, "0.5.0");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(world.read("done"), "index\nkey\n");
    world.git(&["checkout", "-q", "0.1.0"]);
    let said = world.banister(&["run", "update", "--yes", "--to", "0.4.0", "--abandon=it is built no more"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("done"), "index\nkey\nusers\n");
}

#[test]
fn after_going_back_it_is_done_again_unless_it_is_found_done() {
    let world = world();
    world.write(
        "releases/0.2.0.rhai",
        "//! The index.\nfn done(server) { shell(server, \"cat ../done || true\").lines.contains(\"index\") }\n\
         fn apply(server) { shell(server, \"echo index >> ../done\"); }\n",
    );
    world.git(&["checkout", "-q", "0.4.0"]);
    world.write("web/Makefile", "config up:\n\t@true\nbuild:\n\t@false\n");
    world.git(&["commit", "-qam", "broken"]);
    world.git(&["tag", "0.5.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    let said = update(&world, "0.5.0");
    assert_eq!(said.code, Some(1), "{said:?}");
    let said = world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = update(&world, "0.4.0");
    assert_eq!(said.code, Some(0), "{said:?}");
    // The key's file has no `done`: it was taken back with the configuration.
    assert_eq!(world.read("done"), "index\nkey\nkey\nusers\n");
}

#[test]
fn a_release_that_must_not_be_skipped_is_installed_first() {
    let world = world();
    world.write("releases/0.3.0.rhai", "//! Moves the data.\nfn is_stop(server) { true }\n");
    let said = update(&world, "0.4.0");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("0.3.0 must be installed on web before 0.4.0"), "{said:?}");
    assert!(
        said.out.ends_with("; nothing was touched\nnext:  banister run update --server web --to 0.3.0\n"),
        "{said:?}"
    );
    assert!(said.err.contains("banister run update --server web --to 0.3.0"), "{said:?}");
    assert_eq!(world.read("trace"), "");
    for release in ["0.3.0", "0.4.0"] {
        let said = world.banister(&["run", "update", "--yes", "--abandon"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.out.contains(release), "{release}: {said:?}");
    }
    assert!(world.banister(&["status"]).out.contains("0.4.0"));
}

#[test]
fn a_release_that_is_known_to_be_bad_is_left_out_or_needs_a_reason() {
    let world = world();
    world.write("releases/0.4.0.rhai", "fn known_bad(server) { \"it loses mail\" }\n");
    let said = update(&world, "0.4.0");
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("it loses mail"), "{said:?}");
    assert_eq!(world.read("trace"), "");
    let said = world.banister(&["run", "update", "--yes", "--abandon"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("0.4.0 is skipped: it is known to be bad: it loses mail"), "{said:?}");
    assert!(world.banister(&["status"]).out.contains("0.3.0"));
}

#[test]
fn mistakes_in_files_of_releases_are_found_in_them() {
    let world = world();
    world.write(
        "releases/0.2.0.rhai",
        "fn apply() { }\nfn aply_after(server) { }\nfn done(server) { nothing(server) }\n",
    );
    world.write("releases/notes.rhai", "//! Not a release.\n");
    let said = world.banister(&["check"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    let out = format!("{}{}", said.out, said.err);
    for told in [
        "`apply` of a release takes one argument, not 0",
        "0.2.0.rhai:1:4",
        "nothing calls `aply_after`",
        "did you mean `apply_after`?",
        "0.2.0.rhai:3:",
        "`releases/notes.rhai` is not named after a release",
    ] {
        assert!(out.contains(told), "{told}: {out}");
    }
    let said = update(&world, "0.4.0");
    assert_eq!(said.code, Some(2), "{said:?}");
}

#[test]
fn hoss_gets_the_secret_of_its_dex_as_a_setting_and_nobody_sees_it() {
    let world = World::new();
    let practice =
        worlds::server(&world.path().join("practice"), Path::new(env!("CARGO_BIN_EXE_banister")), &[]);
    practice.end_with_me().unwrap();
    let file = |name: &str| practice.dir().join("home/.hoss").join(name);
    let dex = std::fs::read_to_string(file("auth/config-dex.yaml")).unwrap();
    let secret = dex.lines().find_map(|line| line.trim().strip_prefix("secret: ")).unwrap().to_owned();
    let settings = std::fs::read_to_string(file(".env")).unwrap();
    let without: String = settings
        .lines()
        .filter(|line| !line.starts_with("AUTH_CLIENT_SECRET="))
        .map(|line| format!("{line}\n"))
        .collect();
    assert_ne!(without.len(), settings.len(), "{settings}");
    std::fs::write(file(".env"), &without).unwrap();
    world.write(
        "practice/runbooks/try.rhai",
        "import \"hoss/releases/0.2.10/client-secret\" as asks;\nfn main() { let server = this_server();\n\
         note(`${[asks::applies(server), asks::done(server)]}`); asks::apply(server); note(`${asks::done(server)}`);\n\
         note(`${server.read_yaml(\"~/.hoss/auth/config-dex.yaml\", \"staticClients\")}`); }",
    );
    let said = world.banister(&["--site", practice.dir().to_str().unwrap(), "run", "try", "--abandon"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("[true, false]"), "{said:?}");
    assert!(std::fs::read_to_string(file(".env")).unwrap().contains(&format!("AUTH_CLIENT_SECRET={secret}")));
    let journal = std::fs::read_to_string(world.journals().last().unwrap()).unwrap();
    assert!(journal.contains("staticClients"), "{journal}");
    assert!(!journal.contains(&secret) && !format!("{said:?}").contains(&secret), "{said:?} {journal}");
}
