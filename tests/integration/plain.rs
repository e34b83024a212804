//! A server of kind `plain`, taken back to a backup: its data is the administrator's files, and nothing else has them.

use crate::support;

use std::fs;
use support::World;

/// A server that was updated after its only backup, and whose files changed since; the backup's name. It starts only
/// while there is a file `mended`.
fn updated() -> (World, String) {
    let world = World::new();
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\nbackup = [\"~/data\"]\n\
         health = [{ command = [\"true\"] }]\ntargets = { configure = \"config\", start = \"fail\", stop = \"stop\" }\n",
    );
    world.write("mended", "");
    world.write("data/rows", "before");
    assert_eq!(world.banister(&["run", "backup", "--yes"]).code, Some(0));
    let mut names: Vec<String> = names(&world, "kept");
    names.retain(|name| !name.ends_with(".card.json"));
    world.git(&["commit", "-q", "--allow-empty", "-m", "second"]);
    world.git(&["tag", "0.1.1"]);
    world.write("data/rows", "after");
    (world, names.remove(0))
}

fn names(world: &World, folder: &str) -> Vec<String> {
    let entries = fs::read_dir(world.path().join(folder)).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_rollback_of_a_plain_server_brings_the_files_of_the_backup() {
    let (world, backup) = updated();
    let said = world.banister(&["run", "rollback", "--backup", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("data/rows"), "before");
    assert!(!names(&world, ".").iter().any(|name| name.starts_with(".data")), "{:?}", names(&world, "."));
}

/// What was there before it dropped the files that it had taken the place of, and said that all was as before.
#[test]
fn a_rollback_of_a_plain_server_that_fails_brings_the_live_files_back() {
    let (world, backup) = updated();
    let before = names(&world, ".");
    world.remove("mended");
    let said = world.banister(&["run", "rollback", "--backup", &backup, "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("in step `Start`"), "{said:?}");
    assert_eq!(world.read("data/rows"), "before");
    world.write("mended", "");
    let said = world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("data/rows"), "after");
    let mut after = names(&world, ".");
    after.retain(|name| name != "trace");
    assert_eq!(after, before);
    assert!(!names(&world, "kept").iter().any(|name| name.starts_with('.')), "{:?}", names(&world, "kept"));
}
