//! Backups in a repository of restic: taken, killed, verified, restored and pruned through the real program, and looked
//! at with restic itself.

pub mod world;

use crate::support;

use banister::internals::machine::archive::{About, Content, Member, Own, Watch};
use banister::internals::machine::backup::{Access, Order, Unpacked, take};
use banister::internals::machine::part::Part;
use banister::internals::machine::restic::{Location, Password, Repository};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};
use world::{Web, bytes_of, random, restic};

#[test]
fn what_went_into_the_repository_comes_back_and_all_else_stays() {
    let web = Web::new("exclude = [\"*.tmp\"]\n");
    let data = web.path().join("data");
    fs::create_dir(data.join("of a cache.tmp")).unwrap();
    fs::write(data.join("of a cache.tmp/file"), "excluded").unwrap();
    let names = ["a b", "new\nline", "*glob[x]?", "$HOME", "back\\slash", "ends ", "#", "-dash"];
    for name in names {
        fs::create_dir_all(data.join("odd").join(name)).unwrap();
        fs::write(data.join("odd").join(name).join("file"), name).unwrap();
    }
    let raw: std::ffi::OsString = std::os::unix::ffi::OsStringExt::from_vec(b"no-\xff\xfe-text".to_vec());
    fs::write(data.join(&raw), "raw").unwrap();
    fs::create_dir(data.join("empty")).unwrap();
    symlink("odd", data.join("inward")).unwrap();
    // What can't be in it: its names must exclude themselves and nothing else.
    symlink("/etc/passwd", data.join("*out$HOME[1] ")).unwrap();
    fs::write(data.join("xoutyHOME1"), "stays in").unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(data.join("socket")).unwrap();
    fs::set_permissions(data.join("odd/#/file"), fs::Permissions::from_mode(0o4751)).unwrap();
    let before = web.tree();
    let said = web.done(&["run", "backup", "--yes"]);
    assert!(
        said.err.contains("is not in the backup") || said.out.contains("is not in the backup"),
        "{said:?}"
    );

    fs::remove_dir_all(data.join("odd")).unwrap();
    fs::remove_file(data.join(&raw)).unwrap();
    fs::write(data.join("rows"), "lost").unwrap();
    fs::write(data.join("new"), "of later").unwrap();
    web.done(&["backup", "restore", "--yes"]);
    assert_eq!(web.tree(), before);
    assert_eq!(fs::metadata(data.join("odd/#/file")).unwrap().permissions().mode() & 0o7777, 0o4751);
    assert!(data.join("socket").symlink_metadata().is_ok() && data.join("*out$HOME[1] ").is_symlink());
    assert_eq!(web.read("loaded"), "the rows of a database\n", "its command loaded the dump");
    let left: Vec<_> = web.in_backups().into_iter().filter(|name| name.starts_with(".re")).collect();
    assert_eq!(
        left,
        [".restic-web.begun", ".restic-web.repository"],
        "nothing of the restore or of the staging folder is left"
    );
}

#[test]
fn it_is_listed_verified_and_drilled_and_restic_finds_it_by_its_tags() {
    let web = Web::new("");
    web.done(&["run", "backup", "--label", "by hand", "--yes"]);
    let card = web.cards().remove(0);
    assert_eq!((card["level"].as_str(), card["server"].as_str()), (Some("verified"), Some("web")), "{card}");
    assert!(card["bytes"].as_u64().unwrap() > 0, "{card}");
    let said = web.done(&["backup", "verify"]);
    assert!(said.out.contains("no damage found in what was read"), "{said:?}");
    assert!(said.out.contains("read 1 of 7 parts of the repository (part 1); the dumps whole"), "{said:?}");
    assert!(!said.out.contains("is whole"), "{said:?}");
    web.done(&["backup", "drill", "--yes"]);
    assert_eq!(web.cards()[0]["level"], "drilled");
    let snapshots: Value =
        serde_json::from_str(&restic(&web, &["snapshots", "--json", "--tag", "banister,server=web"]))
            .unwrap();
    assert_eq!((snapshots.as_array().unwrap().len(), &snapshots[0]["hostname"]), (1, &"web".into()));
    // Whoever has only restic gets at the dump.
    let staging = web.path().join("kept/.restic-web/parts/rows.sql").display().to_string();
    assert_eq!(restic(&web, &["dump", "latest", &staging]), "the rows of a database\n");
}

#[test]
fn a_backup_of_unchanged_data_costs_next_to_nothing() {
    let web = Web::new("");
    random(&web.path().join("data/large"), 8 << 20);
    web.done(&["run", "backup", "--yes"]);
    let first = bytes_of(&web.path().join("repo"));
    web.done(&["run", "backup", "--yes"]);
    let more = bytes_of(&web.path().join("repo")) - first;
    assert!(first > 8 << 20 && more < 64 << 10, "{first} bytes, then {more} more");
}

#[test]
fn pruning_forgets_the_snapshots_of_old_backups_and_of_nobody_else() {
    let web = Web::new("keep = { last = 1 }\n");
    // One by hand, and one of another server that shares the repository.
    restic(&web, &["backup", "--quiet", "--host", "web", &web.path().join("data").display().to_string()]);
    web.done(&["run", "backup", "--yes"]);
    let site = web.read("site.toml");
    web.write("site.toml", &site.replace("[servers.web", "[servers.web-2").replace("~/kept", "~/kept-2"));
    web.done(&["run", "backup", "--yes"]);
    web.write("site.toml", &site);
    for _ in 0..2 {
        web.done(&["run", "backup", "--yes"]);
    }
    assert_eq!((web.cards().len(), web.snapshots(&[])), (3, 5));
    // Killed after they were forgotten, and before that is noted.
    let said = web.crash(&["backup", "prune", "--yes"], "after \"prune_backups\"");
    assert_eq!(said.code, Some(-9), "{said:?}");
    web.done(&["resume"]);
    assert_eq!((web.cards().len(), web.snapshots(&[])), (1, 3));
    assert_eq!(web.snapshots(&["--tag", "server=web-2"]), 1);
    web.done(&["backup", "verify"]);
    assert!(restic(&web, &["check", "--read-data"]).contains("no errors"));
}

#[test]
fn killed_at_any_record_or_moment_a_backup_is_there_once() {
    let web = Web::new("keep = { last = 100 }\n");
    web.done(&["run", "backup", "--yes"]);
    let records = web.records();
    let mut taken = 1;
    let mut check = |why: &str| {
        taken += 1;
        let cards = web.cards();
        assert_eq!(cards.len(), taken, "{why}");
        assert!(cards.iter().all(|card| card["level"] == "verified"), "{why}: {cards:?}");
    };
    for record in 2..records {
        let said = web.crash(&["run", "backup", "--yes"], &format!("after {record}"));
        assert_eq!(said.code, Some(-9), "{said:?}");
        web.done(&["resume"]);
        check(&format!("after {record}"));
    }
    let begun = Instant::now();
    web.done(&["run", "backup", "--yes"]);
    check("undisturbed");
    let whole = begun.elapsed();
    let mut killed = 0;
    for (nr, part) in [0.15, 0.3, 0.45, 0.6, 0.8].into_iter().enumerate() {
        // One without a record is none yet.
        let runs =
            || web.journals().iter().filter(|path| path.metadata().is_ok_and(|it| it.len() > 0)).count();
        let before = runs();
        let mut command = web.command(&["run", "backup", "--yes"]);
        let mut child =
            command.process_group(0).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        sleep(whole.mul_f64(part));
        // restic dies with it, or goes on alone; both must do.
        let target = if nr % 2 == 0 { format!("-{}", child.id()) } else { child.id().to_string() };
        if let Some(status) = child.try_wait().unwrap() {
            let ended = child.wait_with_output().unwrap();
            assert!(status.success(), "{ended:?}");
        } else {
            let kill = Command::new("kill").args(["-9", "--", &target]).status().unwrap();
            assert!(kill.success());
            child.wait().unwrap();
            killed += 1;
            // It may have been killed before there was a run.
            web.done(if runs() > before { &["resume"] } else { &["run", "backup", "--yes"] });
        }
        check(&format!("after {part} of {whole:?}"));
    }
    assert!(killed >= 2, "{killed} were killed");
    sleep(Duration::from_secs(2));
    // What the attempts left in the repository goes with the next backup that is pruned.
    web.done(&["backup", "prune", "--last", "2", "--yes"]);
    assert_eq!((web.cards().len(), web.snapshots(&[])), (2, 2));
    web.done(&["backup", "verify"]);
}

#[test]
fn a_restore_from_the_repository_that_is_killed_ends_like_one_that_is_not() {
    let web = Web::new("");
    web.write("data/folder/file", "kept");
    let before = web.tree();
    web.done(&["run", "backup", "--yes"]);
    for place in [
        "before \"unpack_backup\"",
        "after \"unpack_backup\"",
        "before \"put_back\"",
        "before \"drop_replaced\"",
    ] {
        web.write("data/rows", "lost");
        web.remove("data/folder");
        let said = web.crash(&["backup", "restore", "--yes"], place);
        assert_eq!(said.code, Some(-9), "{place}: {said:?}");
        web.done(&["resume", "--yes"]);
        assert_eq!(web.tree(), before, "{place}");
        let left: Vec<_> = web.in_backups().into_iter().filter(|name| name.starts_with(".restore")).collect();
        assert_eq!(left, [] as [String; 0], "{place}");
    }
}

#[test]
fn on_a_new_machine_they_are_found_in_the_repository() {
    let web = Web::new("");
    web.done(&["run", "backup", "--yes"]);
    web.remove("kept");
    web.remove("state");
    let before = web.tree();
    fs::write(web.path().join("data/rows"), "lost").unwrap();
    let cards = web.cards();
    assert_eq!((cards.len(), &cards[0]["level"]), (1, &"taken".into()), "{cards:?}");
    assert!(web.done(&["backup", "list"]).out.contains("  ?  "));
    web.done(&["backup", "verify"]);
    assert_eq!(web.cards()[0]["level"], "verified");
    let said = web.done(&["backup", "restore", "--yes"]);
    assert!(said.out.contains("It was made by another user, machine or program"), "{said:?}");
    assert_eq!(web.tree(), before);
}

#[test]
fn damage_in_the_repository_is_found_and_the_backup_is_no_longer_called_verified() {
    let web = Web::new("");
    random(&web.path().join("data/large"), 100 << 10);
    web.done(&["run", "backup", "--yes"]);
    // The list of what it holds lies, too, in a pack.
    for pack in world::files_below(&web.path().join("repo/data")) {
        let mut bytes = fs::read(&pack).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::set_permissions(&pack, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&pack, bytes).unwrap();
    }
    let said = web.banister(&["backup", "verify"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("data in the repository is damaged"), "{said:?}");
    assert!(said.err.contains("ciphertext verification failed"), "what restic says: {said:?}");
    assert_eq!(web.cards()[0]["level"], "taken");
    let said = web.banister(&["backup", "restore", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(web.read("data/rows"), "all of them", "nothing was restored");
}

#[test]
fn what_can_go_wrong_with_a_repository_is_said_with_what_to_do() {
    let web = Web::new("");
    let site = web.read("site.toml");
    let file = "repository_password_file = \"~/password\"";
    let with = |password: &str| web.write("site.toml", &site.replace(file, password));
    let refused = |what: &str, help: &str| {
        let said = web.banister(&["run", "backup", "--yes"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains(what) && said.err.contains(help), "{what}: {said:?}");
        let state = "the server was not changed";
        assert!(said.out.contains(state) || said.err.contains(state), "{said:?}");
        let abandoned = web.banister(&["resume"]);
        assert_ne!(abandoned.code, Some(0), "it is still so: {abandoned:?}");
        world::abandon(&web);
    };
    web.write("wrong", "wrong");
    with("repository_password_file = \"~/wrong\"");
    refused("the password does not open the repository", "correct `repository_password_file`");
    with("repository_password_file = \"~/none\"");
    refused("the password of the repository can't be read", "correct `repository_password_file`");
    with("repository_password_command = [\"false\"]");
    refused(
        "`false`, which prints the password of the repository, failed",
        "correct `repository_password_command`",
    );
    with("repository_password_command = [\"true\"]");
    refused("printed nothing", "correct `repository_password_command`");
    web.write("site.toml", &site.replace("restic:~/repo", "restic:~/none"));
    refused("there is no repository of restic at", "is its disk mounted?");
    assert!(!web.path().join("none").exists());
    web.write("site.toml", &site);
    // A lock of a living process on another machine can't be told from one of a dead one.
    let lock = world::lock_of_another_machine(&web);
    refused("is locked by another process", "unlock --remove-all");
    fs::remove_file(lock).unwrap();
    with("repository_password_command = [\"cat\", \"../password\"]");
    web.write(
        "site.toml",
        &web.read("site.toml").replace("../password", &web.path().join("password").display().to_string()),
    );
    web.done(&["run", "backup", "--yes"]);
    assert_eq!(web.cards().len(), 1);
    // An environment of the caller's must not decide.
    web.write("site.toml", &site);
    let mut command = web.command(&["run", "backup", "--yes"]);
    command
        .env("RESTIC_PASSWORD", "wrong")
        .env("RESTIC_REPOSITORY", "/none")
        .env("RESTIC_PASSWORD_COMMAND", "false");
    let said = support::said(command.output().unwrap());
    assert_eq!((said.code, web.cards().len()), (Some(0), 2), "{said:?}");
    web.assert_no_password();
}

#[test]
fn mistakes_in_the_site_are_found_with_their_line() {
    let web = Web::new("");
    let site = web.read("site.toml");
    let repository = "repository = \"restic:~/repo\"";
    for (from, to, what) in [
        (repository, "repository = \"~/repo\"", "`repository` is no repository of restic"),
        (repository, "repository = \"restic:repo\"", "`repository` is no repository of restic"),
        (repository, "", "there is a password of a repository, and no `repository`"),
        ("repository_password_file = \"~/password\"", "", "`repository` has no password"),
        (
            "repository_password_file = \"~/password\"",
            "repository_password_file = \"~/password\"\nrepository_password_command = [\"x\"]",
            "a password file and a password command",
        ),
        (
            "repository_password_file = \"~/password\"",
            "repository_password_command = []",
            "`repository_password_command` names no program",
        ),
        (
            "repository_password_file = \"~/password\"",
            "repository_password_file = \"~/none\"",
            "there is no file `~/none`",
        ),
    ] {
        web.write("site.toml", &site.replace(from, to));
        let said = web.banister(&["check"]);
        assert!(said.out.contains(what) && said.out.contains("site.toml:"), "{to}: {said:?}");
    }
    web.write("site.toml", &site);
    if rustix::process::getuid().is_root() {
        std::os::unix::fs::chown(web.path().join("repo/config"), Some(54_321), None).unwrap();
        let said = web.banister(&["check"]);
        assert!(said.out.contains("belongs to the user with the number 54321"), "{said:?}");
        let said = web.banister(&["run", "backup", "--yes"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("belongs to the user with the number 54321"), "{said:?}");
    }
}

/// The user of a server that is not root's can't read everything.
#[test]
fn a_file_that_cannot_be_read_makes_no_backup_and_no_room_leaves_none() {
    if !rustix::process::getuid().is_root() {
        eprintln!("left out: only root can make files that another user can't read");
        return;
    }
    let web = Web::new("");
    fs::write(web.path().join("data/private"), "of root").unwrap();
    fs::set_permissions(web.path().join("data/private"), fs::Permissions::from_mode(0o600)).unwrap();
    web.give_to(54_321);
    std::os::unix::fs::chown(web.path().join("data/private"), Some(0), Some(0)).unwrap();
    let said = web.as_user(54_321, &["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("the backup would be incomplete") && said.err.contains("data/private"),
        "{said:?}"
    );
    let said = web.as_user(54_321, &["backup", "list"]);
    assert!(said.out.contains("there are no backups yet"), "{said:?}");
    assert_eq!(web.snapshots(&[]), 0, "the incomplete one is forgotten");

    let web = Web::new("");
    let small = web.path().join("repo");
    fs::remove_dir_all(&small).unwrap();
    fs::create_dir(&small).unwrap();
    let mounted =
        Command::new("mount").args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"]).arg(&small).status().unwrap();
    if !mounted.success() {
        eprintln!("left out: nothing can be mounted here");
        return;
    }
    let tried = std::panic::catch_unwind(|| {
        restic(&web, &["init"]);
        random(&web.path().join("data/large"), 6 << 20);
        let said = web.banister(&["run", "backup", "--yes"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("there is no room left for the repository"), "{said:?}");
        assert_eq!(web.cards().len(), 0);
    });
    assert!(Command::new("umount").arg(&small).status().unwrap().success());
    tried.unwrap();
}

/// A volume is a tar, a text is made, and of two folders one may be in the other under another name.
#[test]
fn parts_of_every_form_come_back_under_their_names() {
    let web = Web::new("");
    let folder = web.path();
    web.write("data/inner/deep", "inner");
    web.write("volume/keys/one", "key");
    symlink("keys/one", folder.join("volume/link")).unwrap();
    fs::set_permissions(folder.join("volume/keys/one"), fs::Permissions::from_mode(0o640)).unwrap();
    let tar = folder.join("volume.tar");
    let made =
        Command::new("tar").arg("-cf").arg(&tar).arg("-C").arg(folder.join("volume")).arg(".").status();
    assert!(made.unwrap().success());
    let member = |name: &str, content: Content| Member { name: name.into(), content };
    let members = [
        member("volumes/keys", Content::Tar(fs::File::open(&tar).unwrap())),
        member("version.json", Content::Bytes(b"{}".to_vec())),
        member("all", Content::Path(folder.join("data"))),
        member("other/name", Content::Path(folder.join("data/inner"))),
    ];
    let files = |name: &str, path: &str| Part::Files { name: name.into(), path: path.into() };
    let parts = vec![
        Part::Volume { name: "volumes/keys".into(), volume: "keys".into() },
        files("all", "~/data"),
        files("other/name", "~/data/inner"),
    ];
    let created = "2026-01-02T03:04:05Z".to_owned();
    let about = About { server: "web".into(), kind: "plain".into(), created, parts, ..About::default() };
    let location = Location::Folder(folder.join("repo"));
    let repository = Repository::new(location, Password::File(folder.join("password")), BTreeMap::new());
    let (own, stop) = (Own::default(), || false);
    let watch = Watch { stop: &stop, warn: &|warning| panic!("{warning}"), own: &own };
    let kept = folder.join("kept");
    let order = Order {
        repository: &repository,
        folder: &kept,
        members: &members,
        about,
        watch: &watch,
        tell: &|_| {},
    };
    let reference = take(order).unwrap();
    let path = kept.join("web.restic");
    reference.keep(&path).unwrap();
    let access = Access { repository: Some(repository), ..Access::default() };
    let into = folder.join("unpacked");
    let unpacked = Unpacked::make(&path, &access, &into, "1", &stop, &|_| Ok(())).unwrap();
    let read = |name: &str| fs::read_to_string(unpacked.path(name)).unwrap();
    assert_eq!(
        [read("all/rows"), read("all/inner/deep"), read("other/name/deep"), read("version.json")],
        ["all of them", "inner", "inner", "{}"]
    );
    assert_eq!(read("volumes/keys/keys/one"), "key");
    let key = unpacked.members.iter().find(|member| member.name.ends_with("keys/one")).unwrap();
    assert_eq!(key.mode, 0o640);
    assert!(unpacked.path("volumes/keys/link").is_symlink());
    assert!(!into.join("restic").exists());
}

/// What changes while it is stored is known.
#[test]
fn what_changed_while_it_was_stored_is_listed() {
    let web = Web::new("");
    random(&web.path().join("data/large"), 60 << 20);
    let log = web.path().join("data/log");
    fs::write(&log, "").unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                fs::write(&log, format!("{:?}", std::time::Instant::now())).unwrap();
                sleep(Duration::from_millis(5));
            }
        });
        let said = web.banister(&["run", "backup", "--yes"]);
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(said.code, Some(0), "{said:?}");
    });
    let card = web.cards().remove(0);
    assert!(card["changed"].to_string().contains("data/log"), "{card}");
    assert!(!card["changed"].to_string().contains("large"), "{card}");
}

/// An update takes two, rolls back from one, and continues if it is killed.
#[test]
fn an_update_backs_up_into_the_repository_and_rolls_back_from_it() {
    let web = Web::new("");
    web.git(&["commit", "-q", "--allow-empty", "-m", "second"]);
    web.git(&["tag", "0.2.0"]);
    web.git(&["checkout", "-q", "0.1.0"]);
    let said = web.done(&["run", "update", "--to", "0.2.0", "--yes"]);
    assert_eq!(web.cards().len(), 2, "{said:?}");
    let releases: Vec<Value> = web.cards().iter().map(|card| card["release"].clone()).collect();
    assert_eq!(releases, ["0.1.0", "0.2.0"]);
    assert!(
        Path::new(web.cards()[0]["path"].as_str().unwrap()).extension().is_some_and(|end| end == "restic")
    );
    let first = web.cards()[0]["name"].as_str().unwrap().to_owned();
    fs::write(web.path().join("data/rows"), "of the new release").unwrap();
    assert_eq!(web.banister(&["plan", "rollback", "--backup", &first]).code, Some(0));
    web.done(&["run", "rollback", "--backup", &first, "--yes"]);
    assert_eq!((web.cards().len(), web.read("data/rows").as_str()), (3, "all of them"));
    let head =
        Command::new("git").arg("-C").arg(web.path().join("web")).args(["describe", "--tags"]).output();
    assert_eq!(String::from_utf8(head.unwrap().stdout).unwrap().trim(), "0.1.0");
}
