//! With `--json` every command prints one document, whatever comes of it.

use crate::support;

use serde_json::Value;
use support::World;

/// The one document that a command prints, and its exit code.
fn document(world: &World, words: &[&str]) -> (Value, i32) {
    let said = world.banister(&[&["--json"], words].concat());
    let found: Vec<Value> = serde_json::Deserializer::from_str(&said.out)
        .into_iter::<Value>()
        .collect::<Result<_, _>>()
        .unwrap_or_else(|error| panic!("{words:?}: {error}: {said:?}"));
    assert_eq!(found.len(), 1, "{words:?}: {said:?}");
    (found.into_iter().next().unwrap(), said.code.unwrap())
}

#[test]
fn every_command_prints_one_document() {
    let world = World::new();
    world.write("runbooks/x.rhai", "//! Is good.\nfn main() { this_server().make(\"up\"); }\n");
    for words in [
        "list",
        "status",
        "runs",
        "resume",
        "check",
        "lock show",
        "lock release",
        "lock release --force",
        "plan x",
        "backup list",
        "doc",
        "doc make",
        "doc --markdown",
        "man",
        "completions bash",
        "customize update",
    ] {
        let words: Vec<&str> = words.split(' ').collect();
        let (found, code) = document(&world, &words);
        assert_eq!(code, 0, "{words:?}: {found}");
    }
    assert_eq!(document(&world, &["resume"]).0["state"], "nothing_to_resume");
    assert_eq!(document(&world, &["lock", "release"]).0[0]["was"], "free");
}

#[test]
fn every_failure_before_there_is_another_document_is_one() {
    let world = World::new();
    for words in [
        "",
        "nothing",
        "run",
        "run nothing",
        "run update --plan nothing",
        "resume nothing",
        "show",
        "show nothing",
        "backup verify nothing",
        "backup restore nothing",
        "lock dismiss nothing --reason x",
        "doc nothing-at-all",
        "customize nothing",
        "init",
        "repl --run nothing",
        "--site /nothing status",
        "--server nothing status",
        "--server nothing run update",
        "demo --fault nothing",
        "test nothing",
    ] {
        let words: Vec<&str> = words.split(' ').filter(|word| !word.is_empty()).collect();
        let (found, code) = document(&world, &words);
        assert_ne!(code, 0, "{words:?}");
        assert!(found["failure"]["message"].is_string() && found["exit_code"] == code, "{words:?}: {found}");
    }
}

#[test]
fn init_says_what_it_wrote() {
    let world = World::new();
    world.remove("site.toml");
    let (found, code) = document(&world, &["init"]);
    assert_eq!(code, 0, "{found}");
    assert_eq!(found["kind"], "plain", "{found}");
    assert!(found["file"].as_str().is_some_and(|file| file.ends_with("/site.toml")), "{found}");
}
