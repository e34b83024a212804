//! Hoss's own tool reads our archives, and we read its: the layout is the same.

use crate::sweep::contents;
use crate::sweep::round;

use contents::{assert_same, damage, only_backup, state};
use round::Round;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Unpacks an archive as Hoss's own tool does, and looks for what its restore takes, each thing in its place.
const READS: &str = r#"
import json, os, sys, tarfile

archive, folder, release, commit = sys.argv[1:]
with tarfile.open(archive, "r:gz") as tar:
    names = tar.getnames()
    tar.extractall(folder)

wrong = [name for name in names if name != "." and not name.startswith("./")]
assert not wrong, f"not below the root: {wrong}"

def file(*parts):
    path = os.path.join(folder, *parts)
    assert os.path.isfile(path), f"no file {path}"
    assert os.path.getsize(path) > 0, f"{path} is empty"
    return path

with open(file("version.json")) as text:
    about = json.load(text)
assert about["version"] == release, about
assert commit.startswith(about["build"]) and about["build"], about

file("config", ".env")
file("config", "traefik.yaml")
for service in ("core", "auth", "sync"):
    file("config", service, "config.yaml")
file("config", "auth", "config-dex.yaml")
file("config", "opensearch", "opensearch.yaml")
file("config", "ui", "config.json")

file("volumes", "auth", "private.pem")
file("volumes", "ldap-vol0", "data.ldif")
assert os.path.isdir(os.path.join(folder, "volumes", "ldap-vol1"))

for database in ("hoss_core", "hoss_auth"):
    file("db", f"postgres-{database}-backup.dump")

with open(file("search", "index.latest"), "rb") as pointer:
    newest = int.from_bytes(pointer.read(), "big")
with open(file("search", f"index-{newest}")) as text:
    snapshots = json.load(text)["snapshots"]
assert snapshots, "the repository lists no snapshot"
for snapshot in snapshots:
    file("search", f"snap-{snapshot}.json")
"#;

/// Packs a folder as Hoss's own tool does.
const PACKS: &str = r#"
import shutil, sys
shutil.make_archive(sys.argv[1], "gztar", sys.argv[2])
"#;

fn python(program: &str, arguments: &[&Path]) -> Result<(), String> {
    let output = Command::new(crate::support::python::python())
        .args(["-W", "ignore", "-c", program])
        .args(arguments)
        .output();
    let output = output.unwrap();
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

/// A server with a backup, and the backup's path.
fn backed_up() -> (Round, PathBuf) {
    let round = Round::new();
    let said = round.banister(&["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let path = round.practice().hoss().join("backup/backups").join(only_backup(&round));
    (round, path)
}

/// Unpacks an archive and looks for everything; what is missing is the failure.
fn read_by_python(round: &Round, archive: &Path, folder: &Path) -> Result<(), String> {
    let discover = round.practice().discover().unwrap();
    let text = |name: &str| PathBuf::from(discover[name].as_str().unwrap());
    python(READS, &[archive, folder, &text("version"), &text("build")])
}

#[test]
fn an_archive_of_ours_has_all_that_the_restore_of_hosss_own_tool_takes() {
    let (round, archive) = backed_up();
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    read_by_python(&round, &archive, &whole).unwrap();
    // What lacks a thing, or has it elsewhere, is found out.
    for (n, name) in ["version.json", "config/.env", "volumes/auth/private.pem", "search/index.latest"]
        .into_iter()
        .enumerate()
    {
        let base = folder.path().join(format!("lacks-{n}"));
        let (from, to) = (whole.join(name), folder.path().join("elsewhere"));
        std::fs::rename(&from, &to).unwrap();
        python(PACKS, &[&base, &whole]).unwrap();
        let failure =
            read_by_python(&round, &base.with_extension("tar.gz"), &folder.path().join(n.to_string()));
        assert!(failure.unwrap_err().contains(&format!("/{name}")), "{name} is not missed");
        std::fs::rename(&to, &from).unwrap();
    }
}

#[test]
fn an_archive_that_hosss_own_tool_made_is_restored() {
    let (round, archive) = backed_up();
    let folder = tempfile::tempdir().unwrap();
    let unpacked = folder.path().join("unpacked");
    read_by_python(&round, &archive, &unpacked).unwrap();
    // It has neither our manifest nor our seal.
    std::fs::remove_file(unpacked.join("manifest.json")).unwrap();
    let base = folder.path().join("hoss-backup-2026-01-01T000000Z");
    python(PACKS, &[&base, &unpacked]).unwrap();
    let made = base.with_extension("tar.gz");
    let path = made.to_str().unwrap();
    let said = round.banister(&["backup", "verify", path]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("it has no manifest"), "{said:?}");

    let before = state(&round);
    damage(&round);
    let said = round.banister(&["backup", "restore", path, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_same(&state(&round), &before, "restored");
    assert_eq!(round.practice().discover().unwrap()["version"], "0.2.10");
}
