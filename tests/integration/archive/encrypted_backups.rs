//! Encrypted backups, by the primitives and by the whole program.

use crate::support;

use super::encryption::{age, verify};
use super::names;
use banister::failure::Result;
use banister::internals::site::Server;
use banister::internals::stop::Stop;
use banister::primitive::Host;
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use support::World;
use support::accepted::accepted;

fn perform(server: &Server, attempt: &Path, name: &str, more: Value, plan: bool) -> Result<Value> {
    let mut arguments = json!({ "server": { "$server": "cloud" } });
    arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let stop = Stop::default();
    let host = Host { server: Some(server), folder: attempt, stop: &stop, tell: &|_| {}, hold: &|_| Ok(()) };
    let call = accepted(name, &arguments)?;
    if plan { call.predict(&host) } else { call.perform(&host) }
}

#[test]
fn a_backup_that_nobody_can_read_here_is_proven_by_its_digest() {
    let Some(held) = age() else { return };
    let checkout = held.folder.path().join("checkout");
    fs::create_dir(&checkout).unwrap();
    fs::write(checkout.join("data"), "rows").unwrap();
    let server = json!({ "kind": "plain", "checkout": checkout, "recipients": held.keys.recipients });
    let mut server: Server = serde_json::from_value(server).unwrap();
    server.facts = banister::internals::kind::Facts::of(None, &server.kind).unwrap();
    server.name = "cloud".into();
    server.identity = held.keys.identity.clone();
    let attempt = held.folder.path().join("attempt");
    let asked = json!({ "files": ["data"], "folder": "../kept" });
    let kept = held.folder.path().join("kept");

    let planned = perform(&server, &attempt, "backup", asked.clone(), true).unwrap();
    assert_eq!((&planned["verified"], &planned["readable"]), (&json!(true), &json!(true)));
    let saved = perform(&server, &attempt, "backup", asked.clone(), false).unwrap();
    assert_eq!((&saved["verified"], &saved["readable"]), (&json!(true), &json!(true)));
    assert!(saved["path"].as_str().unwrap().ends_with(".tar.zst.age"), "{saved}");

    server.identity = None;
    fs::remove_dir_all(&attempt).unwrap();
    let planned = perform(&server, &attempt, "backup", asked.clone(), true).unwrap();
    assert_eq!((&planned["verified"], &planned["readable"]), (&json!(true), &json!(false)));
    let saved = perform(&server, &attempt, "backup", asked.clone(), false).unwrap();
    assert_eq!((&saved["verified"], &saved["readable"]), (&json!(true), &json!(false)));
    assert_eq!(saved["members"], json!(1));
    assert_eq!(perform(&server, &attempt, "backup", asked.clone(), false).unwrap(), saved);
    let path = PathBuf::from(saved["path"].as_str().unwrap());
    let card: Value =
        serde_json::from_slice(&fs::read(format!("{}.card.json", path.display())).unwrap()).unwrap();
    assert_eq!((&card["level"], &card["sha256"]), (&json!("verified"), &saved["sha256"]));

    // Killed between the archive's name and the note of what it had to be: nothing proves it.
    let intent = attempt.join("backup.json");
    let mut kept_intent: Value = serde_json::from_slice(&fs::read(&intent).unwrap()).unwrap();
    kept_intent["written"] = Value::Null;
    fs::write(&intent, kept_intent.to_string()).unwrap();
    fs::write(&path, "half").unwrap();
    let again = perform(&server, &attempt, "backup", asked.clone(), false).unwrap();
    assert_eq!(again["path"], saved["path"]);
    verify(&path, &held.keys).unwrap();

    // A disk that gives other bytes than it took.
    let mut bytes = fs::read(&path).unwrap();
    bytes[300] ^= 1;
    fs::write(&path, bytes).unwrap();
    let failure = perform(&server, &attempt, "backup", asked, false).unwrap_err();
    assert!(failure.message.ends_with("differs from what was written when read back"), "{failure:?}");

    let before = names(&kept);
    let backup = json!({ "backup": path, "folder": "../kept" });
    let failure = perform(&server, &attempt, "unpack_backup", backup, false).unwrap_err();
    assert!(failure.help.unwrap().contains("`identity` in `site.toml`"));
    assert_eq!(names(&kept), before);
}

#[test]
fn a_site_with_recipients_has_backups_that_only_its_identity_opens() {
    let Some(held) = age() else { return };
    let world = World::new();
    let identity = held.keys.identity.clone().unwrap();
    let recipients = format!("recipients = {:?}", held.keys.recipients);
    let site = |more: &str| {
        world.write(
            "site.toml",
            &format!(
                "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nhealth = [{{ command = [\"true\"] }}]\nbackup = \
                 [\"~/data\"]\ntargets = {{ stop = \"stop\" }}\n{more}\n"
            ),
        );
    };
    world.write("data/rows", "all of them");
    site(&recipients);
    let said = world.banister(&["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let warned = said.out.contains("can't be restored here") || said.err.contains("can't be restored here");
    assert!(warned, "{said:?}");
    let backups = world.path().join("backups/web");
    let name = names(&backups).remove(0);
    assert!(name.ends_with(".tar.zst.age"), "{name}");
    let listed = world.banister(&["backup", "list"]);
    assert!(listed.out.contains(&name) && listed.out.contains("verified"), "{listed:?}");
    assert!(world.banister(&["status", "--json"]).out.contains(&name));

    let said = world.banister(&["backup", "verify"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.ends_with("is as it was written; it can't be looked into without `identity`\n"),
        "{said:?}"
    );
    let good = fs::read(backups.join(&name)).unwrap();
    for place in [0, 150, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[place] ^= 16;
        fs::write(backups.join(&name), bad).unwrap();
        let said = world.banister(&["backup", "verify"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("its bytes are not those that were written"), "{said:?}");
    }
    fs::write(backups.join(&name), &good).unwrap();

    world.write("data/rows", "newer");
    let before = names(&backups);
    for what in ["restore", "drill"] {
        let said = world.banister(&["backup", what, "--yes", "--abandon"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(
            said.err.contains("it is encrypted") && said.err.contains("`identity` in `site.toml`"),
            "{said:?}"
        );
        assert_eq!((world.read("data/rows").as_str(), names(&backups)), ("newer", before.clone()));
    }
    site(&format!("{recipients}\nidentity = {:?}", identity));
    let said = world.banister(&["backup", "verify"]);
    assert!(said.out.contains("is whole: 2 members as they were written"), "{said:?}");
    let said = world.banister(&["backup", "restore", "--yes", "--abandon"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("data/rows"), "all of them");

    for wrong in ["recipients = [\"age1x\", \"gpg:y\"]", "recipients = [\"AGE-SECRET-KEY-1CANARY\"]"] {
        site(wrong);
        let said = world.banister(&["status"]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains("`recipients`") && said.err.contains("help"), "{said:?}");
        assert!(!said.err.contains("CANARY"), "{said:?}");
    }
}
