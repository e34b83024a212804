//! What may become of a repository of restic, and of what stands for its backups here: told as it is, and never taken for
//! something else.

use crate::restic::world;

use crate::support::sshd;

use crate::support;

use banister::internals::machine::archive::{About, Content, Member, Own, Watch};
use banister::internals::machine::backup::{Order, take};
use banister::internals::machine::exclude::Exclude;
use banister::internals::machine::part::Part;
use banister::internals::machine::restic::{Location, Password, Repository};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::process::Command;
use support::Said;
use world::{Web, random, restic};

/// The only file that stands for a backup.
fn reference(web: &Web) -> std::path::PathBuf {
    let names = web.in_backups();
    let mut own = names.iter().filter(|name| name.ends_with(".restic"));
    let first = own.next().unwrap();
    assert!(own.next().is_none(), "{names:?}");
    web.path().join("kept").join(first)
}

fn failed(said: Said, what: &[&str]) {
    assert_eq!(said.code, Some(1), "{said:?}");
    for what in what {
        assert!(said.err.contains(what), "{what}: {said:?}");
    }
}

#[test]
fn only_what_was_read_and_is_wrong_is_called_damaged() {
    let web = Web::new("");
    web.done(&["run", "backup", "--yes"]);
    for (script, what) in [
        (
            "test \"$1\" = ls && { echo 'of another world' >&2; exit 1; }",
            "`restic` failed (ended with status 1)",
        ),
        ("test \"$1\" = dump && kill -9 $$", "`restic` was killed by signal 9"),
        ("test \"$1\" = check && kill -9 $$", "`restic` was killed by signal 9"),
        ("test \"$1\" = dump && { echo 'dial tcp: connection refused' >&2; exit 1; }", "can't be reached"),
        (
            "test \"$1\" = check && { echo 'stat /r/data: permission denied' >&2; exit 1; }",
            "may not use the repository",
        ),
    ] {
        let said = web.with_restic(&format!("{script}\nexec $RESTIC \"$@\""), &["backup", "verify"]);
        assert!(!said.err.contains("damaged"), "{script}: {said:?}");
        failed(said, &[what]);
        assert_eq!(web.cards()[0]["level"], "verified", "{script}: nothing is known against it");
    }
    // Its snapshot was removed, by somebody with restic.
    restic(&web, &["forget", "--quiet", "latest"]);
    // The list asks the repository, `status` does not, and says so.
    let said = web.done(&["backup", "list"]);
    assert!(
        said.out.contains("not in the repository any more") && !said.out.contains("verified"),
        "{said:?}"
    );
    assert_eq!(web.cards()[0]["missing"], true);
    assert!(web.done(&["status"]).out.contains(", not compared with the repository"));
    failed(web.banister(&["backup", "verify"]), &["the backup is not in the repository any more"]);
    assert_eq!(web.cards()[0]["level"], "taken");
}

#[test]
fn a_disk_that_is_not_mounted_is_asked_for_before_another_repository_is_made() {
    let web = Web::new("");
    web.done(&["run", "backup", "--yes"]);
    let (repo, away) = (web.path().join("repo"), web.path().join("away"));
    fs::rename(&repo, &away).unwrap();
    fs::create_dir(&repo).unwrap();
    let asked =
        ["there is no repository of restic at", "the folder is empty", "is its disk mounted? `findmnt"];
    failed(web.banister(&["backup", "verify"]), &asked);
    fs::remove_dir(&repo).unwrap();
    failed(web.banister(&["backup", "verify"]), &["can't be read: No such file", "is its disk mounted?"]);
    fs::rename(&away, &repo).unwrap();
    assert_eq!(web.cards()[0]["level"], "verified");
}

#[test]
fn another_repository_in_the_place_of_the_first_is_told() {
    let web = Web::new("keep = { last = 1 }\n");
    for _ in 0..2 {
        web.done(&["run", "backup", "--yes"]);
    }
    let (repo, away) = (web.path().join("repo"), web.path().join("away"));
    fs::rename(&repo, &away).unwrap();
    restic(&web, &["init"]);
    let said = web.done(&["backup", "list"]);
    assert_eq!(said.out.matches("not in the repository any more").count(), 2, "{said:?}");
    let other = ["is another repository than the one with this backup", "mount the right disk there"];
    failed(web.banister(&["backup", "verify"]), &other);
    assert_eq!(web.cards()[1]["level"], "verified", "nothing is known against it");
    failed(web.banister(&["backup", "restore", "--yes"]), &other);
    // Else what is on the other disk would lose what stands for it here.
    let said = web.banister(&["backup", "prune", "--yes", "--abandon=tried"]);
    failed(said, &other);
    assert_eq!(web.cards().len(), 2);
    let said = web.done(&["run", "backup", "--yes", "--abandon=tried"]);
    let warned = "is another repository than before";
    assert!(said.out.contains(warned) || said.err.contains(warned), "{said:?}");
    fs::rename(&repo, web.path().join("second")).unwrap();
    fs::rename(&away, &repo).unwrap();
    let first = web.cards()[0]["name"].as_str().unwrap().to_owned();
    web.done(&["backup", "verify", &first]);
}

#[test]
fn each_part_of_the_repository_has_its_turn() {
    let web = Web::new("");
    random(&web.path().join("data/large"), 100 << 10);
    web.done(&["run", "backup", "--yes"]);
    let parts: Vec<Value> = (0..8)
        .map(|_| {
            let said = web.done(&["backup", "verify", "--json"]).out;
            let read = serde_json::from_str::<Value>(&said).unwrap()["read"].clone();
            assert_eq!((&read["of"], &read["dumps"]), (&7.into(), &1.into()));
            read["part"].clone()
        })
        .collect();
    assert_eq!(parts, [1, 2, 3, 4, 5, 6, 7, 1]);
}

#[test]
fn a_damaged_reference_is_named_and_hides_no_other_backup() {
    let web = Web::new("");
    web.done(&["run", "backup", "--yes"]);
    let damaged = reference(&web);
    let text = fs::read_to_string(&damaged).unwrap();
    fs::write(&damaged, &text[..text.len() / 2]).unwrap();
    web.done(&["run", "backup", "--yes"]);
    let cards = web.cards();
    // Its snapshot got another one meanwhile.
    assert_eq!(cards.len(), 3, "{cards:?}");
    let unreadable: Vec<_> = cards.iter().filter(|card| card["unreadable"].is_string()).collect();
    assert_eq!(unreadable.len(), 1, "{cards:?}");
    assert_eq!(unreadable[0]["path"], damaged.display().to_string());
    let said = web.done(&["backup", "list"]);
    assert!(said.out.contains("can't be read: the backup `"), "{said:?}");
    web.done(&["backup", "verify"]);
}

#[test]
fn the_manifest_is_kept_as_it_was_stored() {
    let web = Web::new("");
    web.done(&["run", "backup", "--yes"]);
    let file = reference(&web);
    let kept: Value = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
    let manifest = web.path().join("kept/.restic-web/banister/manifest.json").display().to_string();
    let stored = restic(&web, &["dump", "latest", &manifest]);
    assert_eq!(kept["manifest"].as_str().unwrap(), stored);
    // What a later version adds, and what another one writes in another order, is no damage.
    let other = stored.replacen('{', "{ \"of_later\": [1, 2],", 1);
    let mut changed = kept.clone();
    changed["manifest"] = other.clone().into();
    fs::write(&file, changed.to_string()).unwrap();
    let said = web.done(&["backup", "list"]);
    assert!(said.out.contains("it is not as it was written"), "its digest is of other bytes: {said:?}");
    let sum =
        Command::new("sh").args(["-c", "printf %s \"$0\" | sha256sum | cut -c-64", &other]).output().unwrap();
    changed["sha256"] = String::from_utf8(sum.stdout).unwrap().trim().into();
    fs::write(&file, changed.to_string()).unwrap();
    let cards = web.cards();
    assert!(cards.iter().all(|card| card["unreadable"].is_null()), "{cards:?}");
}

#[test]
fn what_changed_during_a_backup_is_known_on_a_new_machine() {
    let web = Web::new("keep = { last = 1 }\n");
    let log = web.path().join("data/log");
    fs::write(&log, "").unwrap();
    let script =
        format!("test \"$1 $2\" = 'backup --json' && echo more >> {}\nexec $RESTIC \"$@\"", log.display());
    let said = web.with_restic(&script, &["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(web.cards()[0]["changed"], serde_json::json!(["home/data/log"]));
    web.remove("kept");
    web.remove("state");
    assert_eq!(web.cards()[0]["changed"], serde_json::json!(["home/data/log"]));
    // What says so goes with the backup.
    assert_eq!(web.snapshots(&[]), 2);
    web.done(&["backup", "verify"]);
    web.done(&["run", "backup", "--yes"]);
    let said = web.done(&["backup", "prune", "--yes"]);
    assert_eq!(web.snapshots(&[]), 1, "{said:?}");
}

#[test]
fn what_pruning_frees_in_the_repository_is_what_restic_says() {
    let web = Web::new("keep = { last = 1 }\nmay_be_empty = [\"~/data\"]\n");
    random(&web.path().join("data/large"), 3 << 20);
    web.done(&["run", "backup", "--yes"]);
    // All that the first one added, the second one needs.
    web.done(&["run", "backup", "--yes"]);
    let said = web.done(&["backup", "prune", "--yes"]);
    assert!(said.out.contains("which freed ") && said.out.contains(" kB"), "{said:?}");
    assert!(!said.out.contains("MB; kept"), "{said:?}");
    web.remove("data/large");
    web.done(&["run", "backup", "--yes"]);
    let said = web.done(&["backup", "prune", "--yes"]);
    assert!(said.out.contains("which freed 3.") && said.out.contains("MB"), "{said:?}");
}

#[test]
fn a_file_with_holes_has_them_after_a_restore() {
    let web = Web::new("");
    let image = web.path().join("data/image");
    let file = fs::File::create(&image).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, b"the end", 20 << 20).unwrap();
    drop(file);
    let long_ago = std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    fs::File::open(&image).unwrap().set_modified(long_ago).unwrap();
    let before = web.tree();
    web.done(&["run", "backup", "--yes"]);
    fs::write(&image, "lost").unwrap();
    web.done(&["backup", "restore", "--yes"]);
    assert_eq!(web.tree(), before);
    let found = fs::metadata(&image).unwrap();
    assert_eq!((found.len(), found.modified().unwrap()), ((20 << 20) + 7, long_ago));
    assert!(found.blocks() * 512 < 1 << 20, "it takes {} bytes", found.blocks() * 512);
}

#[test]
fn a_link_that_leads_out_and_came_during_the_backup_is_left_out_and_named() {
    let web = Web::new("");
    let data = web.path().join("data");
    let script = format!(
        "test \"$1 $2\" = 'backup --json' && ln -sf /etc/passwd {0}/late && mkfifo {0}/pipe 2>/dev/null\nexec $RESTIC \"$@\"",
        data.display()
    );
    let said = web.with_restic(&script, &["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    web.remove("data/late");
    web.remove("data/pipe");
    fs::write(data.join("rows"), "lost").unwrap();
    let said = web.done(&["backup", "restore", "--yes"]);
    assert!(said.out.contains("`home/data/late`: it is a link to `/etc/passwd`, outside of it"), "{said:?}");
    assert!(said.out.contains("`home/data/pipe`: it is no file"), "{said:?}");
    assert_eq!(web.read("data/rows"), "all of them");
    assert!(data.join("late").symlink_metadata().is_err() && data.join("pipe").symlink_metadata().is_err());
}

/// Nobody knows who wrote what is found in a repository.
#[test]
fn a_foreign_backup_gives_no_rights_away() {
    let web = Web::new("");
    let file = web.path().join("data/program");
    fs::write(&file, "a program").unwrap();
    let is_set =
        Command::new("setcap").arg("cap_net_raw+ep").arg(&file).status().is_ok_and(|done| done.success());
    let plain = web.path().join("data/risen");
    fs::write(&plain, "another").unwrap();
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o4755)).unwrap();
    web.done(&["run", "backup", "--yes"]);
    let capabilities = || {
        let mut value = [0; 64];
        rustix::fs::lgetxattr(&file, "security.capability", &mut value).is_ok()
    };
    // Of one that was made here they are kept.
    fs::write(&file, "changed").unwrap();
    web.done(&["backup", "restore", "--yes"]);
    assert_eq!((capabilities(), fs::metadata(&plain).unwrap().mode() & 0o7777), (is_set, 0o4755));
    web.remove("kept");
    web.remove("state");
    fs::write(&file, "changed").unwrap();
    let said = web.done(&["backup", "restore", "--yes"]);
    assert!(said.out.contains("These lose their setuid and setgid bits: home/data/risen"), "{said:?}");
    assert_eq!((capabilities(), fs::metadata(&plain).unwrap().mode() & 0o7777), (false, 0o755));
    if is_set {
        assert!(said.out.contains("`home/data/program`: security.capability"), "{said:?}");
    } else {
        eprintln!("left out: no capability can be set here");
    }
}

/// Nothing of the server waits for either of them.
#[test]
fn a_drill_or_a_prune_that_failed_blocks_neither_a_backup_nor_a_restore() {
    let web = Web::new("keep = { last = 1 }\n");
    for _ in 0..2 {
        web.done(&["run", "backup", "--yes"]);
    }
    let site = web.read("site.toml");
    web.write("site.toml", &site.replace("drill = [\"grep\", \"rows\"]", "drill = [\"false\"]"));
    failed(web.banister(&["backup", "drill", "--yes"]), &["`false`"]);
    web.done(&["run", "backup", "--yes"]);
    let script = "test \"$1\" = forget && { echo of another world >&2; exit 1; }\nexec $RESTIC \"$@\"";
    failed(web.with_restic(script, &["backup", "prune", "--yes"]), &["old snapshots can't be removed"]);
    web.write("data/rows", "lost");
    web.done(&["backup", "restore", "--yes"]);
    assert_eq!(web.read("data/rows"), "all of them");
}

#[test]
fn an_age_in_minutes_is_not_taken_for_months_and_one_rule_is_given_once() {
    let web = Web::new("");
    let site = web.read("site.toml");
    for (keep, what) in [
        ("{ age = \"6m\" }", "write `6min`, or `180d`"),
        ("{ last = 2, count = 3 }", "`last` and `count` of `keep` are the same rule"),
    ] {
        web.write("site.toml", &site.replace("backup = [", &format!("keep = {keep}\nbackup = [")));
        let said = web.banister(&["check"]);
        assert!(said.out.contains(what) || said.err.contains(what), "{keep}: {said:?}");
        assert_ne!(said.code, Some(0), "{said:?}");
    }
    web.write("site.toml", &site);
    let said = web.banister(&["backup", "prune", "--age", "6m", "--yes"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("write `6min`, or `180d`"), "{said:?}");
    web.done(&["backup", "prune", "--age", "6min", "--yes"]);
    web.done(&["backup", "prune", "--age", "180d", "--yes"]);
}

/// What is there of a search service is made for the backup: patterns are about the server's own folders.
#[test]
fn patterns_of_exclude_leave_nothing_out_of_what_was_made_for_the_backup() {
    let web = Web::new("");
    let home = web.path();
    web.write("data/rows.dat", "excluded");
    web.write("snapshot/indices/part.dat", "kept");
    let path = |name: &str| Content::Path(home.join(name));
    let members = [
        Member { name: "data".into(), content: path("data") },
        Member { name: "search".into(), content: path("snapshot") },
    ];
    let search = Part::Search {
        name: "search".into(),
        service: "search".into(),
        port: 9200,
        folder: "~/snapshot".into(),
        inside: "/snapshot".into(),
        snapshot: "one".into(),
        documents: BTreeMap::new(),
        indices: Default::default(),
    };
    let parts = vec![Part::Files { name: "data".into(), path: "~/data".into() }, search];
    let created = "2026-01-02T03:04:05Z".to_owned();
    let about = About { server: "web".into(), kind: "plain".into(), created, parts, ..About::default() };
    let repository = Repository::new(
        Location::Folder(home.join("repo")),
        Password::File(home.join("password")),
        BTreeMap::new(),
    );
    let own = Own::default().excluding(Exclude::new(["*.dat"], home).unwrap());
    let watch = Watch { stop: &|| false, warn: &|warning| panic!("{warning}"), own: &own };
    let kept = home.join("kept");
    let reference = take(Order {
        repository: &repository,
        folder: &kept,
        members: &members,
        about,
        watch: &watch,
        tell: &|_| {},
    });
    let (data, made) =
        (&reference.as_ref().unwrap().inventory.trees[0], &reference.as_ref().unwrap().inventory.trees[1]);
    assert_eq!((data.files, made.files), (1, 1));
    let stored = restic(&web, &["ls", "latest"]);
    assert!(stored.contains("indices/part.dat") && !stored.contains("rows.dat"), "{stored}");
}

#[test]
fn a_repository_on_another_machine_is_used_through_ssh() {
    let web = Web::new("");
    let network = sshd::Network::new(web.path());
    let mut nas = network.host("nas");
    let repo = web.path().join("repo").display().to_string();
    let site = web.read("site.toml");
    web.write("site.toml", &site.replace("restic:~/repo", &format!("restic:sftp:nas:{repo}")));
    let path = format!("{}:{}", network.bin().display(), std::env::var("PATH").unwrap());
    // Killed at the moment at which restic begins that.
    let run = |arguments: &[&str], killed_at: &str| {
        let script = format!("test \"$1\" = '{killed_at}' && kill -9 $PPID\nexec $RESTIC \"$@\"");
        let mut command = web.command(arguments);
        command.env("PATH", format!("{}:{path}", web.other_restic(&script).display()));
        support::said(command.output().unwrap())
    };
    let done = |arguments: &[&str]| {
        let said = run(arguments, "");
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        said
    };
    let cards = || serde_json::from_str::<Vec<Value>>(&done(&["backup", "list", "--json"]).out).unwrap();
    let before = web.tree();
    let said = run(&["run", "backup", "--yes"], "backup");
    assert_eq!(said.code, Some(-9), "{said:?}");
    let said = done(&["resume"]);
    assert_eq!(cards().len(), 1, "{said:?}");
    let said = done(&["backup", "verify"]);
    assert!(said.out.contains("read 1 of 7 parts of the repository"), "{said:?}");
    web.write("data/rows", "lost");
    assert_eq!(run(&["backup", "restore", "--yes"], "restore").code, Some(-9));
    done(&["resume", "--yes"]);
    assert_eq!(web.tree(), before);
    nas.stop();
    let unreached = ["the repository `sftp:nas:", "can't be reached"];
    failed(run(&["backup", "verify"], ""), &unreached);
    failed(run(&["run", "backup", "--yes"], ""), &unreached);
    nas.start();
    done(&["resume"]);
    let levels: Vec<Value> = cards().iter().map(|card| card["level"].clone()).collect();
    assert_eq!(levels, ["verified", "verified"]);
}

#[test]
fn a_folder_of_temporary_files_that_is_missing_says_nothing_of_the_repository() {
    let web = Web::new("");
    let said = web.command(&["run", "backup", "--yes"]).env("TMPDIR", "/nonexistent").output().unwrap();
    let what = [
        "`restic` can't write its temporary files",
        "or name another folder for temporary files with `TMPDIR`",
    ];
    failed(support::said(said), &what);
}
