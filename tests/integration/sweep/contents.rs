//! What a backup of the practice server brings back, and damage to it.

use super::round::Round;
use crate::support::awkward::Thing;
use crate::support::awkward::data::{LIVE, check as live_check};
use banister::internals::machine::archive;
use std::fmt::Debug;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// An update that migrates, is healthy, and fails all the same.
pub const FAILS: &str = r#"//! Fails after it migrated.

import "kind" as kind;

fn main() {
    let server = this_server();
    let from = server.installed_release();
    let back = kind::way_back(server, from);
    lock(server, "an update that fails");
    server.fetch();
    back.backup = kind::back_up(server, "safe", back.parts);
    kind::keep_images(server, back);
    on_failure { kind::roll_back(server, back); }
    server.checkout("0.2.13");
    kind::build(server);
    kind::start(server);
    kind::await_health(server, "0.2.13");
    throw "it is not liked";
}
"#;

/// Every name below a folder, with its mode and content.
fn tree(folder: &Path, named: &str, found: &mut Vec<String>) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let about = path.symlink_metadata().unwrap();
        let name = format!("{named}/{}", path.file_name().unwrap().to_string_lossy());
        if name.contains(LIVE) {
            continue;
        }
        let content = match () {
            () if about.is_file() => format!("{:?}", fs::read(&path).unwrap()),
            () if about.is_symlink() => format!("{:?}", fs::read_link(&path).unwrap()),
            () => String::new(),
        };
        found.push(format!("{name} {:o} {content}", about.permissions().mode()));
        if about.is_dir() {
            tree(&path, &name, found);
        }
    }
}

/// Everything that a backup of the practice server brings back.
pub fn state(round: &Round) -> Vec<String> {
    let practice = round.practice();
    let mut found = vec![format!("rows {}", practice.rows().unwrap().content)];
    for name in ["core", "auth", "sync", "opensearch", "ui"] {
        tree(&practice.hoss().join(name), name, &mut found);
    }
    for name in [".env", "traefik.yaml"] {
        found
            .push(format!("{name} {:?}", fs::read_to_string(practice.hoss().join(name)).unwrap_or_default()));
    }
    let names =
        fs::read_dir(practice.hoss()).unwrap().map(|entry| format!("{:?}", entry.unwrap().file_name()));
    let mut names: Vec<String> = names.collect();
    names.sort();
    found.push(names.join(" "));
    for volume in ["server_auth-secrets", "server_ldap-vol0", "server_ldap-vol1"] {
        tree(&practice.dir().join("volumes").join(volume), volume, &mut found);
    }
    found.push(
        fs::read_to_string(practice.hoss().join("data/opensearch/metadata-index.json")).unwrap_or_default(),
    );
    tree(&practice.hoss().join("backup/.opensearch"), "snapshots", &mut found);
    // What its data lead to, and what is mounted in them.
    for name in ["outside", "nas"] {
        let folder = round.folder().join(name);
        if folder.exists() {
            tree(&folder, name, &mut found);
        }
    }
    if round.awkward.has(Thing::Sqlite) {
        found.push(live_check(&practice.hoss().join("core")));
    }
    found
}

/// Loses, edits and adds some of everything that it brings back.
pub fn damage(round: &Round) {
    let practice = round.practice();
    let program = practice.dir().join("bin/docker");
    let sql = |database: &str, statement: &str| {
        let mut command = Command::new(&program);
        command.args(["exec", "server_db_1", "psql", "-U", "postgres", "-d", database, "-c", statement]);
        assert!(command.envs(practice.environment()).stdout(Stdio::null()).status().unwrap().success());
    };
    sql("hoss_core", "DELETE FROM datasets");
    sql("hoss_auth", "DROP TABLE users");
    fs::remove_dir_all(practice.hoss().join("ui")).unwrap();
    fs::write(practice.hoss().join("core/config.yaml"), "damaged").unwrap();
    fs::write(practice.hoss().join("auth/added"), "damaged").unwrap();
    let secrets = practice.dir().join("volumes/server_auth-secrets/_data");
    fs::remove_file(secrets.join("private.pem")).unwrap();
    fs::write(secrets.join("added"), "damaged").unwrap();
    fs::remove_file(practice.hoss().join("data/opensearch/metadata-index.json")).unwrap();
}

/// The only archive there is, which is whole.
pub fn only_backup(round: &Round) -> String {
    let entries = fs::read_dir(round.practice().hoss().join("backup/backups")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names.filter(|name| !name.ends_with(".card.json")).collect();
    let [name] = names.as_slice() else { panic!("{names:?}") };
    archive::verify(&round.practice().hoss().join("backup/backups").join(name)).unwrap();
    name.clone()
}

/// Nothing is left of what a restore or a drill made for itself.
pub fn assert_tidy(round: &Round, place: &(impl Debug + ?Sized)) {
    let practice = round.practice();
    let mut left = Vec::new();
    let named = |folder: &Path, is_left: &dyn Fn(&str) -> bool| -> Vec<String> {
        let entries = fs::read_dir(folder).into_iter().flatten();
        let names = entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned());
        names.filter(|name| is_left(name)).collect()
    };
    let hoss = practice.hoss();
    left.extend(named(&hoss.join("backup/backups"), &|name| name.starts_with('.')));
    left.extend(named(&hoss.join("backup/.opensearch"), &|_| true));
    left.extend(named(&hoss.join("data/opensearch"), &|name| name.contains("banister")));
    left.extend(named(&hoss, &|name| name.contains(".old.") || name.contains(".new.")));
    for volume in ["server_auth-secrets", "server_ldap-vol0", "server_ldap-vol1"] {
        let data = practice.dir().join("volumes").join(volume).join("_data");
        left.extend(named(&data, &|name| name.starts_with(".banister")));
    }
    let mut list = Command::new(practice.dir().join("bin/docker"));
    list.args([
        "exec",
        "server_db_1",
        "psql",
        "-U",
        "postgres",
        "-qAt",
        "-c",
        "SELECT datname FROM pg_database",
    ]);
    let listed = list.envs(practice.environment()).output().unwrap();
    assert!(listed.status.success(), "{place:?}: {listed:?}");
    let databases = String::from_utf8(listed.stdout).unwrap();
    let is_left = |name: &&str| ["_old_", "_new_", "_drill_"].iter().any(|part| name.contains(part));
    left.extend(databases.lines().filter(is_left).map(str::to_owned));
    assert_eq!(left, Vec::<String>::new(), "{place:?}");
}

/// The server has the state that it had.
pub fn assert_same(is: &[String], was: &[String], place: &(impl Debug + ?Sized)) {
    for (is, was) in is.iter().zip(was) {
        assert_eq!(is, was, "{place:?}");
    }
    assert_eq!(is.len(), was.len(), "{place:?}: {is:#?}");
}
