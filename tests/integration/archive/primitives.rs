//! The primitives, called as the gate calls them.

use super::names;
use crate::support::accepted::accepted;
use banister::failure::{Kind, Result};
use banister::internals::machine::archive::verify;
use banister::internals::site::Server;
use banister::internals::stop::Stop;
use banister::primitive::Host;
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Command;

fn server(folder: &Path, kind: &str) -> Server {
    let checkout = folder.join("checkout");
    fs::create_dir_all(&checkout).unwrap();
    let environment = json!({ "HOME": folder.join("home") });
    let server =
        json!({ "kind": kind, "checkout": checkout, "environment": environment, "env_file": ".env" });
    let mut server: Server = serde_json::from_value(server).unwrap();
    server.facts = banister::internals::kind::Facts::of(None, &server.kind).unwrap();
    server.name = "cloud".into();
    server
}

fn call(server: &Server, name: &str, more: Value, plan: bool) -> Result<Value> {
    let mut arguments = json!({ "server": { "$server": "cloud" } });
    arguments.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let stop = Stop::default();
    let attempt = tempfile::tempdir().unwrap();
    let host =
        Host { server: Some(server), folder: attempt.path(), stop: &stop, tell: &|_| {}, hold: &|_| Ok(()) };
    let call = accepted(name, &arguments)?;
    if plan { call.predict(&host) } else { call.perform(&host) }
}

fn git(folder: &Path, arguments: &[&str]) {
    let done = Command::new("git")
        .args(["-c", "user.name=T", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"])
        .args(arguments)
        .current_dir(folder)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[test]
fn a_backup_is_verified_and_named_after_server_release_and_label() {
    let folder = tempfile::tempdir().unwrap();
    let mut server = server(folder.path(), "plain");
    fs::create_dir_all(server.home().join(".config")).unwrap();
    fs::write(server.home().join(".config/a"), "a").unwrap();
    fs::write(server.checkout.join("b"), "b").unwrap();
    git(&server.checkout, &["init", "-q"]);
    git(&server.checkout, &["add", "b"]);
    git(&server.checkout, &["commit", "-qm", "one"]);
    git(&server.checkout, &["tag", "0.2.9"]);
    git(&server.checkout, &["tag", "-a", "0.2.10", "-m", "annotated"]);
    server.backup = vec!["~/.config".into(), "b".into()];
    server.environment.insert("WORD".into(), "dumped".into());
    server.dumps.insert("db/dump".into(), ["sh", "-c", "printf $WORD"].map(String::from).to_vec().into());
    let backups = server.home().join("backups/cloud");
    fs::create_dir_all(&backups).unwrap();
    fs::write(backups.join(".cloud-2026-01-01T000000Z.tar.zst.part"), "cut off").unwrap();

    let planned = call(&server, "backup", json!({}), true).unwrap();
    assert!(planned["path"]["$unknown"].is_string() && planned["verified"] == json!(true));
    assert_eq!(names(&backups), [".cloud-2026-01-01T000000Z.tar.zst.part"]);

    let done = call(&server, "backup", json!({ "label": "Before 0.2.11!" }), false).unwrap();
    let path = Path::new(done["path"].as_str().unwrap());
    let name = path.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("cloud-2") && name.ends_with("Z-0.2.10-before-0.2.11.tar.zst"), "{name}");
    assert_eq!(names(&backups), [name.to_owned(), format!("{name}.card.json")]);
    let manifest = verify(path).unwrap();
    let held: Vec<&str> = manifest.members.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(held, ["home/.config/", "home/.config/a", "b", "db/dump"]);
    assert_eq!(manifest.members[3].size, 6);
    assert_eq!(manifest.about.release.as_deref(), Some("0.2.10"));
    assert_eq!((&done["members"], &done["release"]), (&json!(4), &json!("0.2.10")));
    assert_eq!(done["commit"], json!(manifest.about.commit));
    assert_eq!(done["sha256"], json!(banister::internals::machine::files::sha256(path).unwrap()));
    assert_eq!(done["bytes"]["$size"], json!(format!("{}B", fs::metadata(path).unwrap().len())));

    // In the same second it may need another name; it never replaces one.
    call(&server, "backup", json!({ "label": "Before 0.2.11!" }), false).unwrap();
    assert_eq!(names(&backups).len(), 4, "two archives with their cards");
}

#[test]
fn a_backup_of_hoss_has_the_layout_of_its_own_restore() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), "hoss");
    fs::create_dir_all(server.home().join(".hoss")).unwrap();
    fs::write(server.home().join(".hoss/.env"), "A=1\n").unwrap();
    let files = json!({ "files": [{ "path": "~/.hoss/.env", "name": "config/.env" }], "folder": "~/saved" });
    let done = call(&server, "backup", files, false).unwrap();
    let path = done["path"].as_str().unwrap();
    assert!(path.ends_with(".tar.gz") && path.starts_with(server.home().join("saved").to_str().unwrap()));
    assert_eq!(verify(Path::new(path)).unwrap().members[0].name, "./config/.env");
    assert_eq!(done["commit"], Value::Null);

    let none = call(&server, "backup", json!({}), false).unwrap_err();
    assert_eq!(none.kind, Kind::Invalid);
    let missing = call(&server, "backup", json!({ "files": ["gone"] }), true).unwrap_err();
    assert_eq!(missing.kind, Kind::NotFound);
    let wrong = call(&server, "backup", json!({ "files": ["."], "format": "zip" }), true).unwrap_err();
    assert_eq!(wrong.kind, Kind::Invalid);
}

#[test]
fn settings_are_read_and_set_and_secrets_stay_hidden() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), "plain");
    let env = server.checkout.join(".env");
    fs::write(&env, "HOST=example.org\nDB_PASSWORD=c4nary-of-archive\nOTHER_TOKEN=t0ken-of-archive").unwrap();
    let key = |key: &str| json!({ "key": key });
    assert_eq!(call(&server, "read_env", key("HOST"), false).unwrap(), json!("example.org"));
    assert_eq!(call(&server, "read_env", key("NONE"), false).unwrap(), Value::Null);
    let hidden = banister::internals::secret::show("c4nary-of-archive t0ken-of-archive").into_owned();
    assert!(!hidden.contains("archive"), "{hidden}");
    let secret = call(&server, "read_env", key("DB_PASSWORD"), false).unwrap();
    assert_eq!(secret, json!({ "$secret": "cloud DB_PASSWORD" }));

    let set = |key: &str, value: Value| json!({ "key": key, "value": value });
    let planned = call(&server, "set_env", set("PORT", json!(80)), true).unwrap();
    assert_eq!(planned, json!({ "changed": true }));
    assert!(!fs::read_to_string(&env).unwrap().contains("PORT"));
    assert_eq!(call(&server, "set_env", set("PORT", json!(80)), false).unwrap(), json!({ "changed": true }));
    assert_eq!(call(&server, "set_env", set("PORT", json!(80)), false).unwrap(), json!({ "changed": false }));
    call(&server, "set_env", set("TLS", json!(true)), false).unwrap();
    call(&server, "set_env", set("COPY_PASSWORD", secret), false).unwrap();
    let text = fs::read_to_string(&env).unwrap();
    assert!(text.ends_with("archive\nPORT=80\nTLS=true\nCOPY_PASSWORD=c4nary-of-archive\n"), "{text}");
    let unknown = call(&server, "set_env", set("A", json!({ "$unknown": "x" })), true).unwrap();
    assert_eq!(unknown["changed"]["$one_of"], json!([true, false]));
    assert_eq!(call(&server, "set_env", set("A", json!([])), false).unwrap_err().kind, Kind::Invalid);
}

#[test]
fn a_backup_that_was_cut_off_is_gone_on_with_under_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let server = server(folder.path(), "plain");
    fs::create_dir_all(&server.checkout).unwrap();
    fs::write(server.checkout.join("data"), "rows").unwrap();
    let attempt = folder.path().join("attempt");
    let stop = Stop::default();
    let host =
        Host { server: Some(&server), folder: &attempt, stop: &stop, tell: &|_| {}, hold: &|_| Ok(()) };
    let arguments =
        json!({ "server": { "$server": "cloud" }, "label": "first", "files": ["data"], "folder": "../kept" });
    let perform = || accepted("backup", &arguments).unwrap().perform(&host).unwrap();
    let kept = folder.path().join("kept");
    let names = || {
        let mut names: Vec<_> =
            fs::read_dir(&kept).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let first = perform();
    let name = names();
    // Killed after the archive got its name: it is the backup.
    assert_eq!((perform(), names()), (first.clone(), name.clone()));
    // Killed while it was written, or before: it gets the same name.
    let path = Path::new(first["path"].as_str().unwrap());
    let file = path.file_name().unwrap().to_str().unwrap();
    fs::rename(path, path.with_file_name(format!(".{file}.part"))).unwrap();
    assert_eq!((perform()["path"].clone(), names()), (first["path"].clone(), name.clone()));
    // Another attempt is another backup.
    fs::remove_dir_all(&attempt).unwrap();
    perform();
    assert_eq!(names().len(), 4, "two archives with their cards");
}
