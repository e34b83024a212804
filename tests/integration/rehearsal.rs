//! `banister test`: a site's scripts on a practice server, and its own tests.

use crate::support;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use support::World;

/// A site with a server of kind `plain` and a step of its own.
fn world() -> World {
    let world = World::new();
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\nbackup = [\"~/data\", \"/etc/web\"]\n\
         dumps = { \"rows.sql\" = [\"sh\", \"-c\", \"touch ~/dumped\"] }\nhealth = [\"http://localhost:1/\"]\n\
         targets = { configure = \"config\" }\nmaintenance = { begin = [\"touch\", \"began\"], end = [\"true\"] }\n",
    );
    world.write(
        "runbooks/update.rhai",
        "//! Ours.\n\nafter(\"Start\") { shell(server, \"notify started >> ~/told\"); }\n",
    );
    world.write(
        "tests/update.rhai",
        r#"//! The update of our server.

fn a_broken_build_is_mended(practice) {
    practice.stand_in("notify", "echo $1");
    practice.fail("build");
    let run = practice.run("update", #{ to: "0.2.0" });
    expect_equal(run.state, "failed");
    expect_equal(run.code, 1);
    practice.mend("build");
    expect_equal(practice.resume().state, "done");
    expect_equal(practice.release, "0.2.0");
    expect(practice.healthy, "it is not healthy");
    expect_equal(practice.read("told"), "started\n");
}

fn the_way_back_is_there(practice) {
    practice.stand_in("notify", "exit 0");
    practice.fail("up");
    let run = practice.run("update");
    expect_equal(run.state, "failed");
    practice.mend("up");
    expect_equal(practice.roll_back().state, "rolled_back");
    expect_equal(practice.release, "0.1.0");
}

fn killed_in_the_middle_it_goes_on(practice) {
    practice.stand_in("notify", "exit 0");
    practice.kill_at("Build");
    let run = practice.run("update");
    expect_equal(run.code, -9);
    expect_equal(practice.resume().state, "done");
    expect_equal(practice.made, ["config", "build", "up"]);
}

private fn helps(practice) { }
"#,
    );
    world
}

#[test]
fn a_sites_own_tests_say_what_they_expect_and_no_program_of_this_machine_is_called() {
    let world = world();
    let said = world.banister(&["test", "tests"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("tests/update.rhai: a broken build is mended"), "{said:?}");
    assert!(said.out.contains("all 3 passed"), "{said:?}");
    // A rehearsal has no `notify`: it says so, instead of calling one.
    let said = world.banister(&["test"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("✗ update") && said.out.contains("notify"), "{said:?}");
    let place = format!("{}/runbooks/update.rhai:3", world.path().display());
    assert!(said.out.contains(&place) && said.out.contains("tests/bin"), "{said:?}");
    world.write("tests/bin/notify", "#!/bin/sh\nexit 0\n");
    let program = world.path().join("tests/bin/notify");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let said = world.banister(&["test", "--quick"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for touched in ["dumped", "began", "web/began", "kept", "trace", "told"] {
        assert!(!world.path().join(touched).exists(), "{touched}");
    }
    assert_eq!(world.journals().len(), 0);
}

#[test]
fn what_a_servers_own_keys_name_is_not_run_and_not_touched() {
    let world = World::new();
    let real = world.path().join("real").display().to_string();
    world.write("real", &format!("#!/bin/sh\necho $0 $* >> {}/called\n", world.path().display()));
    fs::set_permissions(&real, fs::Permissions::from_mode(0o755)).unwrap();
    let site = world.read("site.toml").replace("kind = \"plain\"", "kind = \"mine\"");
    world.write(
        "site.toml",
        &format!(
            "{site}health = [\"http://localhost:1/\"]\nbackup = [\"Makefile\"]\nprefix = \"{0}\"\n\
             commands = {{ build = [\"{real}\", \"build\"], start = [\"{real}\", \"start\"] }}\n\
             version = {{ command = [\"{real}\", \"version\"] }}\n",
            world.path().display()
        ),
    );
    world.write(
        "stdlib/mine/kind.toml",
        &format!("extends = \"plain\"\n[keys.prefix]\ntype = \"text\"\nhelp = \"where it is\"\n[keys.told]\ntype = \"commands\"\n\
                  names = [\"who\"]\nhelp = \"who is told\"\ndefault = {{ who = [\"{real}\", \"told\"] }}\n"),
    );
    world.write(
        "stdlib/mine.rhai",
        "fn start(server) { base::start(server); server.run(server.told.who); server.run([\"sh\", \"-c\", `mkdir -p ${server.prefix} && touch ${server.prefix}/touched`]); }\n",
    );
    let said = world.banister(&["test", "--quick"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        (world.read("called").as_str(), world.path().join("touched").exists()),
        ("", false),
        "{said:?}"
    );
}

#[test]
fn what_is_expected_and_not_so_is_told_with_its_line() {
    let world = world();
    world.write(
        "tests/update.rhai",
        "fn fails(practice) {\n    expect_equal(practice.release, \"0.9.0\");\n}\n",
    );
    let said = world.banister(&["test", "tests/update.rhai"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("tests/update.rhai:2") && said.out.contains("0.9.0"), "{said:?}");
    let json: serde_json::Value =
        serde_json::from_str(&world.banister(&["test", "--json", "tests/update.rhai"]).out).unwrap();
    assert_eq!(json["cases"][0]["passed"], false, "{json}");
    world.write("tests/update.rhai", "fn fails(practice) {\n    practice.nothing();\n}\n");
    let said = world.banister(&["test", "tests/update.rhai"]);
    assert!(said.code == Some(1) && said.out.contains("update.rhai:2"), "{said:?}");
    world.write("tests/update.rhai", "fn fails(practice {\n");
    let said = world.banister(&["test", "tests/update.rhai"]);
    assert!(said.code == Some(2) && said.err.contains("update.rhai:1"), "{said:?}");
}

#[test]
fn a_rehearsal_is_killed_at_each_of_its_records_and_ends_as_the_undisturbed_one() {
    let world = world();
    world.write(
        "runbooks/update.rhai",
        "//! Ours.\n\nafter(\"Start\") { shell(server, \"echo started >> ~/told\"); }\n",
    );
    world.remove("tests");
    // As an administrator types it, runs elsewhere would be in the background.
    let said = support::said(world.command(&["test"]).env_remove("BANISTER_FOREGROUND").output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("at each of its") && said.out.contains("resumed: same end"), "{said:?}");
    let never = said.out.lines().find(|line| line.starts_with("steps that were never reached")).unwrap();
    assert!(never.contains("Roll ${server.name} back to ${back.release}"), "{never}");
    assert!(!never.contains("Build"), "{never}");
}

#[test]
fn a_sweep_finds_a_step_that_leaves_something_else_if_the_run_was_killed() {
    let world = world();
    world.remove("tests");
    // The number of the lock's grant tells how often the run was begun: nothing that a runbook may look at.
    world.write(
        "runbooks/update.rhai",
        "//! Ours.\n\nafter(\"Start\") { shell(server, \"touch ~/grant-$(cat .git/banister/grant)\"); }\n",
    );
    let said = world.banister(&["test"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("✗ update, killed") && said.out.contains("the end is another one"), "{said:?}");
    assert!(said.out.contains("grant-"), "{said:?}");
}
