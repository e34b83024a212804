//! Backups that lie on a server elsewhere are read there.

use super::Elsewhere;
use std::fs;
use std::path::PathBuf;

/// A server with something to back up, and the folder of its backups over there.
fn with_backups() -> (Elsewhere, PathBuf) {
    let elsewhere = Elsewhere::new();
    let site = elsewhere.world.read("site.toml");
    let more =
        "targets = { stop = \"stop\" }\nbackup = [\"Makefile\"]\nhealth = [{ command = [\"true\"] }]\n";
    elsewhere.world.write("site.toml", &format!("{site}{more}"));
    let folder = elsewhere.host.home().join("backups/web");
    (elsewhere, folder)
}

fn archives(folder: &PathBuf) -> Vec<String> {
    let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut archives: Vec<String> = names.filter(|name| name.ends_with(".tar.zst")).collect();
    archives.sort();
    archives
}

#[test]
fn each_command_on_backups_works_on_those_of_a_server_elsewhere() {
    let (elsewhere, folder) = with_backups();
    let works = |arguments: &[&str]| {
        let said = elsewhere.banister(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        said.out
    };
    works(&["run", "backup", "--label", "one"]);
    let listed = works(&["backup", "list"]);
    let archive = archives(&folder).remove(0);
    assert!(listed.contains(&archive), "{listed}");
    let path = folder.join(&archive);
    assert!(!elsewhere.world.path().join("backups").exists(), "it is not here");

    for named in [&["--server", "web"][..], &[&archive], &["--server", "web", path.to_str().unwrap()]] {
        let said = works(&[&["backup", "verify"], named].concat());
        assert!(said.contains(&format!("{archive} is whole: ")), "{named:?}: {said}");
    }
    works(&["backup", "drill"]);
    assert!(works(&["backup", "list"]).contains("drilled"));

    let makefile = elsewhere.world.read("web/Makefile");
    elsewhere.world.write("web/Makefile", "stop:\n");
    works(&["backup", "restore", "--yes"]);
    assert_eq!(elsewhere.world.read("web/Makefile"), makefile);

    works(&["run", "backup", "--label", "two"]);
    assert_eq!(archives(&folder).len(), 2);
    works(&["backup", "prune", "--count", "1", "--yes"]);
    let left = archives(&folder);
    assert!(left.len() == 1 && left[0].contains("two"), "{left:?}");

    let path = folder.join(&left[0]);
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).unwrap();
    let said = elsewhere.banister(&["backup", "verify"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains(&left[0]) && said.err.contains("damaged"), "{said:?}");
    assert!(works(&["backup", "list"]).contains("damaged"), "what was proven holds no more");
}
