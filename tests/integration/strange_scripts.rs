//! What is called like a script and can't be read as one.

use crate::support;

use std::process::Command;
use support::World;

#[test]
fn a_script_that_can_not_be_read_stops_neither_check_nor_list_nor_another_runbook() {
    let world = World::new();
    world.write("runbooks/good.rhai", "//! Is good.\nfn main() { this_server().make(\"up\"); }\n");
    world.write("runbooks/latin.rhai", "");
    std::fs::write(
        world.path().join("runbooks/latin.rhai"),
        b"//! Fine.\nfn main() { note(\"Gr\xfc\xdfe\"); }\n",
    )
    .unwrap();
    std::fs::create_dir_all(world.path().join("runbooks/folder.rhai")).unwrap();
    std::fs::create_dir_all(world.path().join("stdlib/module.rhai")).unwrap();
    let pipe = world.path().join("runbooks/pipe.rhai");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());

    // Else it is found that a backup would save nothing.
    let site = world.read("site.toml");
    world.write("site.toml", &format!("{site}backup = [\".\"]\n"));
    let said = world.banister(&["check"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    for (name, why) in [
        ("runbooks/latin.rhai", "line 2 is not UTF-8"),
        ("runbooks/folder.rhai", "it is a folder"),
        ("runbooks/pipe.rhai", "it is no regular file"),
        ("stdlib/module.rhai", "it is a folder"),
    ] {
        let line = said.out.lines().find(|line| line.contains("error:") && line.contains(name));
        assert!(line.is_some_and(|line| line.ends_with(why)), "{name}: {said:?}");
    }
    assert!(said.out.contains("4 errors in "), "{said:?}");
    assert!(!said.out.contains("good.rhai"), "{said:?}");
    let found: serde_json::Value = serde_json::from_str(&world.banister(&["check", "--json"]).out).unwrap();
    assert_eq!(found.as_array().unwrap().len(), 4, "{found}");

    let said = world.banister(&["list"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for (name, summary) in [
        ("latin", "line 2 is not UTF-8"),
        ("folder", "it is a folder"),
        ("pipe", "regular file"),
        ("good", "Is good."),
    ] {
        let line = said.out.lines().find(|line| line.starts_with(&format!("{name} "))).unwrap();
        assert!(line.ends_with(summary), "{said:?}");
    }
    let said = world.banister(&["run", "good"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = world.banister(&["run", "latin"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("line 2 is not UTF-8"), "{said:?}");
}
