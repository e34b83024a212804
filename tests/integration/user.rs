//! Who a record says did something.

use crate::support;

use std::process::Command;
use support::World;

#[test]
fn the_user_is_named_without_an_environment() {
    let world = World::new();
    world.write("runbooks/x.rhai", "//! Does nothing.\nfn main() { this_server().make(\"up\"); }\n");
    // A user whom only the system knows, and not `/etc/passwd`.
    world.write("bin/id", "#!/bin/sh\necho directory-user\n");
    let id = world.path().join("bin/id");
    assert!(Command::new("chmod").arg("+x").arg(&id).status().unwrap().success());
    let by = |world: &World| {
        let shown: serde_json::Value =
            serde_json::from_str(&world.banister(&["show", "--json"]).out).unwrap();
        shown.to_string()
    };
    let run = |path: &str, words: &[&str]| {
        let mut command = world.command(words);
        command.env_remove("USER").env("PATH", path);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    };
    let path = std::env::var("PATH").unwrap();
    run(&path, &["run", "x"]);
    let named = Command::new("id").arg("-un").output().unwrap();
    let named = String::from_utf8(named.stdout).unwrap();
    assert!(by(&world).contains(&format!("\"{}@", named.trim())), "{}", by(&world));
    assert!(!by(&world).contains("uid "));
    if !rustix::process::getuid().is_root() || Command::new("setpriv").arg("--version").output().is_err() {
        return;
    }
    let state = world.path().join("elsewhere");
    std::fs::create_dir(&state).unwrap();
    for folder in [&state, &world.path().join("web")] {
        assert!(Command::new("chown").args(["-R", "54321"]).arg(folder).status().unwrap().success());
    }
    assert!(Command::new("chmod").args(["-R", "a+rwX"]).arg(world.path()).status().unwrap().success());
    let like = world.command(&[]);
    let mut command = Command::new("setpriv");
    command.args(["--reuid", "54321", "--clear-groups", env!("CARGO_BIN_EXE_banister"), "run", "x"]);
    command.current_dir(world.path()).env_clear();
    command.envs(like.get_envs().filter_map(|(name, value)| Some((name, value?)))).env_remove("USER");
    command
        .env("PATH", format!("{}:{path}", world.path().join("bin").display()))
        .env("BANISTER_STATE", &state);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let mut shown = world.command(&["show"]);
    let shown = shown.env("BANISTER_STATE", &state).output().unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    assert!(shown.contains(" by directory-user@"), "{shown}");
}
