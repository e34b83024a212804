//! Data, backups and temporary files that are not where they were: a disk that is not mounted leaves an empty folder, which
//! is not taken for what was in it, and what can't be read or written is told with what to do.

use crate::support;

use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use support::{Said, World};

const SITE: &str = "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\nbackup = [\"~/data\", \"~/settings\"]\n\
                    health = [{ command = [\"true\"] }]\nhealthy = { stable = \"10ms\" }\ntargets = { start = \"\", stop = \"stop\" }\n";

fn world() -> World {
    let world = World::new();
    world.write("site.toml", SITE);
    world.write("settings", "one");
    fill(&world, 40);
    world
}

fn fill(world: &World, files: usize) {
    (0..files).for_each(|nr| world.write(&format!("data/rows-{nr}"), "some rows"));
}

fn empty(world: &World) {
    world.remove("data");
    fs::create_dir(world.path().join("data")).unwrap();
}

fn back_up(world: &World) -> Said {
    world.banister(&["run", "backup", "--yes"])
}

fn taken(world: &World) -> Said {
    let said = back_up(world);
    assert_eq!(said.code, Some(0), "{said:?}");
    said
}

fn archives(world: &World) -> Vec<PathBuf> {
    archives_in(world, "kept")
}

fn archives_in(world: &World, folder: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(world.path().join(folder)).unwrap().map(|entry| entry.unwrap().path());
    let mut paths: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "zst")).collect();
    paths.sort_by_key(|path| path.metadata().unwrap().modified().unwrap());
    paths
}

#[test]
fn a_folder_that_is_empty_where_the_last_backup_has_files_is_not_backed_up() {
    let world = world();
    taken(&world);
    empty(&world);
    for arguments in [&["run", "backup", "--yes"][..], &["plan", "backup"]] {
        let said = world.banister(arguments);
        assert_eq!(said.code, Some(1), "{said:?}");
        let text = format!("{}{}", said.out, said.err);
        assert!(
            text.contains("`~/data` is empty, and the last backup has 40 files (360 B) there"),
            "{said:?}"
        );
        assert!(text.contains("mount its disk, if that is missing"), "{said:?}");
        assert!(text.contains("write `may_be_empty = [\"~/data\"]` into the table of `web`"), "{said:?}");
    }
    assert_eq!(archives(&world).len(), 1);
    // Only empty files are no data either.
    world.write("data/.keep", "");
    world.write("data/.lost", "");
    let said = back_up(&world);
    assert!(said.err.contains("`~/data` has only empty files, and the last backup"), "{said:?}");
    // It is meant, written in another way.
    let written = world.path().join("data").display().to_string();
    world.write("site.toml", &format!("{SITE}may_be_empty = [\"{written}\"]\n"));
    let said = world.banister(&["run", "backup", "--abandon", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!said.out.contains("the backup before"), "{said:?}");
    assert!(world.banister(&["check"]).out.contains("no problems found"));
    // From then on it was empty before.
    world.write("site.toml", SITE);
    taken(&world);
    assert_eq!(archives(&world).len(), 3);
}

#[test]
fn a_single_file_that_became_empty_is_not_backed_up() {
    let world = world();
    taken(&world);
    world.write("settings", "");
    let said = back_up(&world);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("`~/settings` is empty, and the last backup has 1 file (3 B) there"),
        "{said:?}"
    );
}

#[test]
fn what_is_not_there_at_all_may_be_on_a_disk_that_is_missing() {
    let world = world();
    world.remove("data");
    let said = back_up(&world);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("mount its disk, if that is missing, or correct `backup` of `web`"),
        "{said:?}"
    );
}

#[test]
fn a_backup_that_lacks_most_files_says_so_and_does_not_push_out_the_one_that_has_them() {
    let world = world();
    taken(&world);
    taken(&world);
    empty(&world);
    fill(&world, 3);
    let lacking = "`~/data` has 3 files (27 B), and the backup before has 40 files (360 B) there";
    let said = taken(&world);
    assert!(said.out.contains(&format!("in the backup, {lacking}")), "{said:?}");
    let said = world.banister(&["backup", "list"]);
    assert_eq!(said.out.matches("verified, data missing in 1 part").count(), 1, "{said:?}");
    let said = world.banister(&["backup", "verify"]);
    assert!(said.out.contains(&format!("when it was taken: {lacking}")), "{said:?}");
    let said = world.banister(&["backup", "restore"]);
    assert!(said.err.contains(&format!("In it, {lacking}.")), "{said:?}");
    let said = taken(&world);
    assert!(!said.out.contains("the backup before"), "{said:?}");
    let before = archives(&world);
    let said = world.banister(&["backup", "prune", "--count", "1", "--abandon", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(archives(&world), [before[1].clone(), before[3].clone()], "{said:?}");
    let name = before[1].file_name().unwrap().to_string_lossy().into_owned();
    let noted = format!("{name} stays: what it holds of ~/data is missing in newer ones");
    assert!(said.out.contains(&noted), "{said:?}");
    world.write("site.toml", &format!("{SITE}may_be_empty = [\"~/data\"]\n"));
    let said = world.banister(&["backup", "prune", "--count", "1", "--yes"]);
    assert_eq!((said.code, archives(&world).len()), (Some(0), 1), "{said:?}");
}

/// Backups of earlier versions say nothing of that.
#[test]
fn after_a_backup_that_does_not_say_how_much_it_has_an_empty_folder_is_named() {
    let world = world();
    taken(&world);
    let card = PathBuf::from(format!("{}.card.json", archives(&world)[0].display()));
    let mut text: Value = serde_json::from_slice(&fs::read(&card).unwrap()).unwrap();
    text.as_object_mut().unwrap().remove("held");
    fs::write(&card, text.to_string()).unwrap();
    empty(&world);
    let said = taken(&world);
    let lacking = "in the backup, `~/data` is empty, and nothing says how much the backup before has there";
    assert!(said.out.contains(lacking), "{said:?}");
    let said = world.banister(&["backup", "prune", "--count", "1", "--yes"]);
    assert_eq!((said.code, archives(&world).len()), (Some(0), 2), "{said:?}");
}

#[test]
fn a_folder_of_backups_that_has_none_of_them_any_more_gets_no_other() {
    let world = world();
    taken(&world);
    taken(&world);
    let kept = world.path().join("kept");
    fs::rename(&kept, world.path().join("disk")).unwrap();
    let last = archives_in(&world, "disk").pop().unwrap();
    let last = last.file_name().unwrap().to_string_lossy().into_owned();
    // Without the folder, too, and with backups of another time in it.
    for nr in 0..3 {
        match nr {
            0 => {}
            1 => fs::create_dir(&kept).unwrap(),
            _ => world.write("kept/web-2020-01-01T000000Z.tar.zst", "older"),
        }
        let message = format!(
            "`{}` has none of the backups of `web` that were made there, the last of them `{last}`",
            kept.display()
        );
        let help = "mount its disk, if that is missing; if they are gone for good, or this is another disk for backups: `rm ";
        for arguments in [
            &["run", "backup", "--abandon", "--yes"][..],
            &["plan", "backup"],
            &["backup", "list"],
            &["backup", "verify"],
            &["run", "restore", "--backup", "web", "--abandon", "--yes"],
        ] {
            let said = world.banister(arguments);
            assert_eq!(said.code, Some(1), "{nr}: {said:?}");
            let text = format!("{}{}", said.out, said.err);
            assert!(text.contains(&message) && text.contains(help), "{nr}, {arguments:?}: {said:?}");
        }
        let said = world.banister(&["status"]);
        assert!(said.out.contains(&format!("unknown: {message}")), "{said:?}");
    }
    fs::remove_dir_all(&kept).unwrap();
    // One that is left is enough: the others may have been removed.
    fs::rename(world.path().join("disk"), &kept).unwrap();
    fs::remove_file(kept.join(&last)).unwrap();
    let said = world.banister(&["run", "backup", "--abandon", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    fs::remove_dir_all(&kept).unwrap();
    fs::remove_file(world.path().join("web/.git/banister/backups-web.json")).unwrap();
    taken(&world);
}

/// Each was told once.
#[test]
fn two_disks_for_backups_are_used_in_turn() {
    let world = world();
    let kept = world.path().join("kept");
    taken(&world);
    fs::rename(&kept, world.path().join("one")).unwrap();
    fs::create_dir(&kept).unwrap();
    assert_eq!(back_up(&world).code, Some(1));
    fs::remove_file(world.path().join("web/.git/banister/backups-web.json")).unwrap();
    let abandoned = world.banister(&["run", "backup", "--abandon", "--yes"]);
    assert_eq!(abandoned.code, Some(0), "{abandoned:?}");
    for (from, to) in [("two", "one"), ("one", "two"), ("two", "one")] {
        fs::rename(&kept, world.path().join(from)).unwrap();
        fs::rename(world.path().join(to), &kept).unwrap();
        taken(&world);
    }
}

/// A disk that is away leaves the folder, and what its administrator put there to see that; or a service makes the folder
/// in it anew.
#[test]
fn what_was_mounted_and_is_not_any_more_is_not_backed_up_with_what_is_under_it() {
    for (mount, data, disk) in [("data", "data", "disk"), ("mnt", "mnt/data", "disk/data")] {
        let world = world();
        world.remove("data");
        world.write("site.toml", &SITE.replace("~/data", &format!("~/{data}")));
        world.write(&format!("{data}/THIS-DISK-IS-NOT-MOUNTED"), "one line");
        (0..20).for_each(|nr| world.write(&format!("{disk}/rows-{nr}"), "a few more rows than that"));
        let call = world.command(&["run", "backup", "--yes"]);
        let mut mounted = std::process::Command::new("unshare");
        mounted.args(["--mount", "sh", "-c", "mount --bind disk $0 && exec \"$@\"", mount]);
        mounted.arg(call.get_program()).args(call.get_args()).current_dir(world.path()).env_clear();
        mounted.envs(call.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let said = support::said(mounted.output().unwrap());
        assert_eq!(said.code, Some(0), "{said:?}");
        let said = back_up(&world);
        assert_eq!(said.code, Some(1), "{said:?}");
        let why = format!(
            "`~/{data}` has 1 file (8 B), and the last backup has 20 files (500 B) there, from what was mounted there then"
        );
        assert!(said.err.contains(&why), "{said:?}");
        // All of it was brought to the disk below.
        (0..20).for_each(|nr| world.write(&format!("{data}/rows-{nr}"), "a few more rows than that"));
        let said = world.banister(&["run", "backup", "--abandon", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
}

/// Another path in the site, with nothing there yet, must not cost the only backup of what was at the old one.
#[test]
fn the_last_backup_of_a_path_that_the_site_does_not_name_any_more_stays() {
    let world = world();
    taken(&world);
    world.write("site.toml", &SITE.replace("~/data", "~/new"));
    fs::create_dir(world.path().join("new")).unwrap();
    let prune = || world.banister(&["backup", "prune", "--count", "1", "--yes"]);
    taken(&world);
    let said = prune();
    assert_eq!((said.code, archives(&world).len()), (Some(0), 2), "{said:?}");
    assert!(said.out.contains("stays: what it holds of ~/data is missing in newer ones"), "{said:?}");
    world.write("site.toml", &format!("{}may_be_empty = [\"~/data\"]\n", SITE.replace("~/data", "~/new")));
    let said = prune();
    assert_eq!((said.code, archives(&world).len()), (Some(0), 1), "{said:?}");
}

/// The number of an ordinary user, who need not be known.
const USER: &str = "4242";

#[test]
fn what_this_user_may_not_read_is_told_with_what_to_do() {
    let world = world();
    let chown = |who: &str, what: &str| {
        let done =
            std::process::Command::new("chown").args(["-R", who]).arg(world.path().join(what)).status();
        assert!(done.unwrap().success());
    };
    chown(USER, ".");
    let run = || {
        let inner = world.command(&["run", "backup", "--abandon", "--yes"]);
        let mut outer = std::process::Command::new("setpriv");
        outer.args(["--reuid", USER, "--regid", USER, "--clear-groups"]);
        outer.arg(inner.get_program()).args(inner.get_args()).current_dir(world.path()).env_clear();
        outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        support::said(outer.output().unwrap())
    };
    use std::os::unix::fs::PermissionsExt;
    world.write("data/inner/rows", "some");
    for (closed, mode) in [("data/rows-3", 0o600), ("data/inner", 0o700)] {
        chown("0", closed);
        fs::set_permissions(world.path().join(closed), fs::Permissions::from_mode(mode)).unwrap();
        let said = run();
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("help let this user read it"), "{said:?}");
        chown(USER, closed);
    }
    assert_eq!(run().code, Some(0));
}

#[test]
fn a_folder_of_temporary_files_that_is_missing_is_told_with_what_to_do() {
    let world = world();
    taken(&world);
    for arguments in [
        &["run", "backup", "--abandon", "--yes"][..],
        &["backup", "verify"],
        &["backup", "restore", "--abandon", "--yes"],
        &["backup", "drill", "--abandon", "--yes"],
        &["demo"],
    ] {
        let said = support::said(world.command(arguments).env("TMPDIR", "/nonexistent").output().unwrap());
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains("or name another folder for temporary files with `TMPDIR`"), "{said:?}");
    }
}

/// The advice was to add the path, which restores it where it was and not where it is now.
#[test]
fn data_that_moved_since_the_backup_is_restored_as_the_refusal_says() {
    let world = world();
    taken(&world);
    fs::rename(world.path().join("data"), world.path().join("moved")).unwrap();
    world.write("site.toml", &SITE.replace("~/data", "~/moved"));
    let said = world.banister(&["backup", "restore", "--abandon", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let help = "if that data is elsewhere now, do so until it is restored, then move it there with `mv`";
    assert!(said.err.contains(help), "{said:?}");
    world.write("site.toml", &SITE.replace("\"~/data\"", "\"~/data\", \"~/moved\""));
    let said = world.banister(&["backup", "restore", "--abandon", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(fs::read_dir(world.path().join("data")).unwrap().count(), 40);
}

#[test]
fn a_tree_whose_paths_are_too_long_where_it_is_unpacked_is_told_with_what_to_do() {
    let world = world();
    // Just too long below `kept/.restore-DIGITS/content/home/data`, and not below a folder with a shorter path.
    let around = world.path().join("kept").as_os_str().len() + ".restore-20260101000000000000".len();
    let mut left = 4098 - around - "//content/home/data/f".len();
    let mut deep = world.path().join("data");
    while left > 0 {
        let length = if left > 203 { 100 } else { (left - 1).min(200) };
        deep.push("d".repeat(length));
        left -= length + 1;
    }
    fs::create_dir_all(&deep).unwrap();
    fs::write(deep.join("f"), "deep").unwrap();
    taken(&world);
    let said = world.banister(&["backup", "restore", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("the paths where it is unpacked are too long: set `backups`"), "{said:?}");
    // As it says.
    let short = tempfile::Builder::new().prefix("b").rand_bytes(3).tempdir_in("/tmp").unwrap();
    for path in fs::read_dir(world.path().join("kept")).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_file() {
            fs::copy(&path, short.path().join(path.file_name().unwrap())).unwrap();
        }
    }
    world.write("site.toml", &SITE.replace("~/kept", &short.path().display().to_string()));
    fs::write(deep.join("f"), "lost").unwrap();
    let said = world.banister(&["backup", "restore", "--abandon", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(fs::read(deep.join("f")).unwrap(), b"deep");
}
