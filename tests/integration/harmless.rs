//! A restore harms nothing: what no backup holds stays where it is, on real mounts and as an ordinary user.

use crate::support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::{Said, World, said};

const SITE: &str = "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\nbackup = [\"~/data\"]\n\
                    health = [{ command = [\"true\"] }]\nhealthy = { stable = \"10ms\" }\ntargets = { start = \"\", stop = \"stop\" }\n";

/// A world with data, and what is mounted where during each call of the program.
struct Mounted {
    world: World,
    mounts: Vec<(PathBuf, PathBuf)>,
    /// Whether an ordinary user calls it.
    is_user: bool,
}

/// The number of an ordinary user, who need not be known.
const USER: u32 = 4242;

fn world(site: &str) -> Mounted {
    let world = World::new();
    world.write("site.toml", site);
    world.write("data/rows", "before");
    world.write("data/core/config.yaml", "level: INFO\n");
    Mounted { world, mounts: Vec::new(), is_user: false }
}

impl Mounted {
    /// Another file system, with a file in it, over a folder of the world.
    fn mount(&mut self, on: &str) -> PathBuf {
        let other = self.world.path().join(format!("other-{}", self.mounts.len()));
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("scan"), "of a nas").unwrap();
        fs::create_dir_all(self.world.path().join(on)).unwrap();
        self.mounts.push((other.clone(), self.world.path().join(on)));
        other
    }

    /// A disk of its own over a folder of the world, by a loop device; what is on it at first.
    fn disk(&mut self, on: &str, files: &[(&str, &str)]) -> PathBuf {
        let from = tempfile::tempdir().unwrap();
        for (name, text) in files {
            fs::write(from.path().join(name), text).unwrap();
        }
        let image = self.world.path().join(format!("{}.img", self.mounts.len()));
        let made =
            Command::new("mkfs.ext4").args(["-q", "-d"]).arg(from.path()).arg(&image).arg("8M").output();
        assert!(made.as_ref().is_ok_and(|made| made.status.success()), "{made:?}");
        fs::create_dir_all(self.world.path().join(on)).unwrap();
        self.mounts.push((image.clone(), self.world.path().join(on)));
        image
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let inner = self.world.command(arguments);
        let mut outer = Command::new("unshare");
        let script = "while [ \"$1\" != -- ]; do case $1 in *.img) how=loop ;; *) how=bind ;; esac\n\
                      mount -o $how \"$1\" \"$2\" || exit 99; shift 2; done; shift; exec \"$@\"";
        outer.args(["--mount", "sh", "-c", script, "sh"]);
        for (from, on) in &self.mounts {
            outer.arg(from).arg(on);
        }
        outer.arg("--");
        if self.is_user {
            let user = USER.to_string();
            outer.args(["setpriv", "--reuid", &user, "--regid", &user, "--clear-groups"]);
        }
        outer.arg(inner.get_program()).args(inner.get_args()).env_clear();
        outer.current_dir(inner.get_current_dir().unwrap_or(Path::new("/")));
        for (name, value) in inner.get_envs() {
            match value {
                Some(value) => outer.env(name, value),
                None => outer.env_remove(name),
            };
        }
        outer
    }

    fn banister(&self, arguments: &[&str]) -> Said {
        let said = said(self.command(arguments).output().unwrap());
        assert_ne!(said.code, Some(99), "{said:?}");
        said
    }

    fn backup(&self) -> (String, Said) {
        let said = self.banister(&["run", "backup", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        let mut names = names(&self.world.path().join("kept"));
        names.retain(|name| name.ends_with(".tar.zst"));
        (names.pop().unwrap(), said)
    }
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn socket(at: &Path) {
    // The name of a socket is short.
    let short = tempfile::Builder::new().prefix("s").tempdir_in("/tmp").unwrap();
    UnixListener::bind(short.path().join("s")).unwrap();
    assert!(Command::new("mv").arg(short.path().join("s")).arg(at).status().unwrap().success());
}

/// It moved the folder with the mount in it aside, and then removed all that was on the mount.
#[test]
fn what_no_backup_holds_is_told_and_stays_where_it_is() {
    let mut mounted = world(SITE);
    let nas = mounted.mount("data/deep/er/uploads");
    let data = mounted.world.path().join("data");
    let outside = mounted.world.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("kept"), "kept").unwrap();
    symlink(&outside, data.join("out")).unwrap();
    symlink("../../elsewhere", data.join("core/up")).unwrap();
    symlink("rows", data.join("within")).unwrap();
    socket(&data.join("agent.sock"));
    fs::write(data.join("deep/er/beside"), "before").unwrap();
    let inode = data.metadata().unwrap().ino();
    let (backup, said) = mounted.backup();
    for (what, why) in [
        ("deep/er/uploads", "something else is mounted there"),
        ("agent.sock", "it is no file"),
        ("out", "it is a link to `"),
    ] {
        let path = data.join(what).display().to_string();
        assert!(said.out.contains(&format!("`{path}` is not in the backup: {why}")), "{what}: {said:?}");
    }
    let listed = mounted.banister(&["backup", "list", "--json"]).out;
    assert!(listed.contains("home/data/deep/er/uploads"), "{listed}");
    mounted.world.write("data/rows", "after");
    mounted.world.write("data/new/file", "after");
    mounted.world.write("data/deep/er/beside", "after");
    mounted.world.write("data/deep/new", "after");
    fs::remove_dir_all(data.join("core")).unwrap();
    fs::create_dir(data.join("core")).unwrap();
    symlink("../../elsewhere", data.join("core/up")).unwrap();
    fs::remove_file(data.join("within")).unwrap();

    let said = mounted.banister(&["backup", "restore", &backup]);
    assert_eq!(said.code, Some(3), "{said:?}");
    let question = "What changed since is lost. These are not in the backup and stay as they are: ";
    assert!(said.err.contains(question), "{said:?}");
    let uploads = data.join("deep/er/uploads").display().to_string();
    assert!(said.err.contains(&format!("`{uploads}`: something else is mounted there")), "{said:?}");
    let said = mounted.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");

    assert_eq!(mounted.world.read("data/rows"), "before");
    assert_eq!(mounted.world.read("data/core/config.yaml"), "level: INFO\n");
    assert_eq!(mounted.world.read("data/deep/er/beside"), "before");
    assert_eq!(names(&data), ["agent.sock", "core", "deep", "out", "rows", "within"]);
    assert_eq!(names(&data.join("deep")), ["er"]);
    assert_eq!(names(&data.join("core")), ["config.yaml", "up"]);
    assert_eq!(fs::read_to_string(nas.join("scan")).unwrap(), "of a nas");
    assert_eq!(fs::read_to_string(outside.join("kept")).unwrap(), "kept");
    assert_eq!(data.metadata().unwrap().ino(), inode);
}

/// It never worked: a mount can't be renamed.
#[test]
fn a_folder_that_is_a_mount_is_restored_inside_it() {
    let mut mounted = world(SITE);
    let disk = mounted.mount("data");
    fs::write(disk.join("rows"), "before").unwrap();
    fs::create_dir(disk.join("lost+found")).unwrap();
    let (backup, _) = mounted.backup();
    fs::write(disk.join("rows"), "after").unwrap();
    fs::write(disk.join("new"), "after").unwrap();
    let said = mounted.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(names(&disk), ["lost+found", "rows", "scan"]);
    assert_eq!(fs::read_to_string(disk.join("rows")).unwrap(), "before");
    // What the mount hides is as it was.
    assert_eq!(mounted.world.read("data/core/config.yaml"), "level: INFO\n");
}

/// What a file on a disk that is mounted nowhere holds; none if there is no such file.
fn on_disk(image: &Path, name: &str) -> Option<String> {
    let said = Command::new("debugfs").args(["-R", &format!("cat /{name}")]).arg(image).output().unwrap();
    let is_there = !String::from_utf8_lossy(&said.stderr).contains("File not found");
    is_there.then(|| String::from_utf8(said.stdout).unwrap())
}

/// Another device than that of the folder around it, as most disks are.
#[test]
fn a_disk_within_the_data_is_left_alone_and_one_that_is_the_data_is_restored_inside_it() {
    let mut mounted = world(SITE);
    let disk = mounted.disk("data/uploads", &[("scan", "of a disk")]);
    let (backup, _) = mounted.backup();
    mounted.world.write("data/rows", "after");
    let said = mounted.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains("uploads") || said.out.contains("uploads"), "{said:?}");
    assert_eq!(mounted.world.read("data/rows"), "before");
    assert_eq!(on_disk(&disk, "scan").as_deref(), Some("of a disk"));

    let mut mounted = world(SITE);
    let disk = mounted.disk("data", &[("rows", "before")]);
    let (backup, _) = mounted.backup();
    let mut changed = Command::new("unshare");
    changed.args([
        "--mount",
        "sh",
        "-c",
        "mount -o loop \"$1\" data && printf after >data/rows && printf after >data/new",
        "sh",
    ]);
    changed.arg(&disk).current_dir(mounted.world.path());
    assert!(changed.status().unwrap().success(), "{changed:?}");
    assert_eq!(on_disk(&disk, "rows").as_deref(), Some("after"));
    let said = mounted.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(on_disk(&disk, "rows").as_deref(), Some("before"));
    assert_eq!(on_disk(&disk, "new"), None);
    assert_eq!(mounted.world.read("data/core/config.yaml"), "level: INFO\n");
}

#[test]
fn a_mount_that_is_named_itself_is_restored_and_what_is_around_it_too() {
    let mut mounted = world(&SITE.replace("\"~/data\"]", "\"~/data\", \"~/data/uploads\"]"));
    let nas = mounted.mount("data/uploads");
    let (backup, _) = mounted.backup();
    fs::write(nas.join("scan"), "after").unwrap();
    mounted.world.write("data/rows", "after");
    let said = mounted.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(mounted.world.read("data/rows"), "before");
    assert_eq!(fs::read_to_string(nas.join("scan")).unwrap(), "of a nas");
    assert_eq!(names(&nas), ["scan"]);
}

#[test]
fn a_single_file_that_is_a_mount_is_written_over() {
    let mut mounted = world(&SITE.replace("\"~/data\"", "\"~/data/rows\""));
    let other = mounted.world.path().join("rows");
    fs::write(&other, "before").unwrap();
    mounted.mounts.push((other.clone(), mounted.world.path().join("data/rows")));
    mounted.world.write("data/rows", "hidden");
    let (backup, _) = mounted.backup();
    fs::write(&other, "after").unwrap();
    let said = mounted.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(fs::read_to_string(&other).unwrap(), "before");
    assert_eq!(mounted.world.read("data/rows"), "hidden");
}

#[test]
fn what_can_be_neither_left_alone_nor_restored_is_refused_before_anything_is_changed() {
    let mut mounted = world(SITE);
    mounted.world.write("data/uploads/photo", "before");
    let (backup, _) = mounted.backup();
    let nas = mounted.mount("data/uploads");
    mounted.world.write("data/rows", "after");
    let said = mounted.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let uploads = mounted.world.path().join("data/uploads").display().to_string();
    let message = format!(
        "`{uploads}` can't be restored: something else is mounted there, and the backup has data for it"
    );
    assert!(said.err.contains(&message), "{said:?}");
    assert_eq!(mounted.world.read("data/rows"), "after");
    assert_eq!(names(&nas), ["scan"]);
    assert!(!names(&mounted.world.path().join("kept")).iter().any(|name| name.starts_with(".restore")));
    assert!(names(&mounted.world.path().join("data")).iter().all(|name| !name.starts_with('.')));
}

/// It replaced its own lock, or lost sight of its own backups.
#[test]
fn backups_and_checkout_within_the_data_stay() {
    let world = World::new();
    fs::create_dir(world.path().join("data")).unwrap();
    fs::rename(world.path().join("web"), world.path().join("data/web")).unwrap();
    let site = SITE.replace("\"web\"", "\"data/web\"").replace("\"~/kept\"", "\"~/data/kept\"");
    world.write("site.toml", &site);
    world.write("data/rows", "before");
    let said = world.banister(&["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("is not in the backup: it holds the backups"), "{said:?}");
    assert!(said.out.contains("is not in the backup: it is the checkout"), "{said:?}");
    let backup =
        names(&world.path().join("data/kept")).into_iter().find(|name| name.ends_with(".tar.zst")).unwrap();
    world.write("data/rows", "after");
    world.write("data/web/new", "after");
    let inode = world.path().join("data/web").metadata().unwrap().ino();
    let said = world.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("data/rows"), "before");
    assert_eq!(world.read("data/web/new"), "after");
    assert_eq!(world.path().join("data/web").metadata().unwrap().ino(), inode);
    assert!(world.path().join("data/kept").join(&backup).exists());
    assert_eq!(world.banister(&["lock", "show"]).code, Some(0));
}

/// A world of an ordinary user, whose data lies in a folder that belongs to root.
fn of_user() -> Mounted {
    let mounted = Mounted { is_user: true, ..world(&SITE.replace("~/data", "/srv-of-root/app")) };
    let root = mounted.world.path().join("srv");
    fs::create_dir(&root).unwrap();
    fs::rename(mounted.world.path().join("data"), root.join("app")).unwrap();
    let site = mounted.world.read("site.toml").replace("/srv-of-root", &root.display().to_string());
    mounted.world.write("site.toml", &site);
    give(mounted.world.path(), USER);
    std::os::unix::fs::chown(&root, Some(0), Some(0)).unwrap();
    mounted
}

fn give(path: &Path, user: u32) {
    let done = Command::new("chown").arg("-R").arg(format!("{user}:{user}")).arg(path).status().unwrap();
    assert!(done.success());
}

/// Backup and drill were green, and the first rename of the restore failed.
#[test]
fn an_ordinary_user_restores_data_in_a_folder_that_belongs_to_root() {
    let mounted = of_user();
    let app = mounted.world.path().join("srv/app");
    fs::create_dir(app.join("closed")).unwrap();
    fs::write(app.join("closed/file"), "before").unwrap();
    give(&app, USER);
    fs::set_permissions(app.join("closed"), fs::Permissions::from_mode(0o555)).unwrap();
    let (backup, _) = mounted.backup();
    fs::write(app.join("rows"), "after").unwrap();
    fs::write(app.join("closed/file"), "after").unwrap();
    let said = mounted.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(names(&app), ["closed", "core", "rows"]);
    assert_eq!(fs::read_to_string(app.join("rows")).unwrap(), "before");
    assert_eq!(fs::read_to_string(app.join("closed/file")).unwrap(), "before");
    assert_eq!(app.join("closed").metadata().unwrap().mode() & 0o7777, 0o555);
    assert_eq!(app.join("rows").metadata().unwrap().uid(), USER);
}

#[test]
fn what_an_ordinary_user_may_not_move_is_refused_before_anything_is_changed() {
    let mounted = of_user();
    let app = mounted.world.path().join("srv/app");
    let (backup, _) = mounted.backup();
    fs::create_dir(app.join("pg_data")).unwrap();
    fs::write(app.join("pg_data/base"), "of a container").unwrap();
    give(&app.join("pg_data"), 999);
    fs::write(app.join("rows"), "after").unwrap();
    let said = mounted.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let message = format!("`{}` can't be restored", app.join("pg_data").display());
    assert!(said.err.contains(&message) && said.err.contains("it belongs to the user 999"), "{said:?}");
    assert!(said.err.contains("help restore it as root"), "{said:?}");
    assert_eq!(names(&app), ["core", "pg_data", "rows"]);
    assert_eq!(fs::read_to_string(app.join("rows")).unwrap(), "after");
}

/// How many entries were put aside so far.
fn aside(data: &Path) -> usize {
    let folders = names(data).into_iter().filter(|name| name.starts_with(".banister-"));
    let old = folders.map(|name| data.join(name).join("old")).filter(|old| old.exists());
    old.flat_map(|old| [old.clone(), old.join("deep")])
        .filter(|old| old.exists())
        .map(|old| names(&old).len())
        .sum()
}

/// Killed when so many entries were exchanged, again and again.
#[test]
fn a_restore_around_a_mount_that_is_killed_within_the_exchange_ends_like_one_that_is_not() {
    let mut hits = 0;
    for first in [1, 7, 40, 130, 399, 403] {
        let mut mounted = world(SITE);
        let nas = mounted.mount("data/deep/uploads");
        let data = mounted.world.path().join("data");
        let fill = |text: &str| {
            for n in 0..400 {
                fs::write(data.join(format!("file-{n}")), text).unwrap();
                fs::write(data.join(format!("deep/file-{n}")), text).unwrap();
            }
        };
        fill("before");
        let (backup, _) = mounted.backup();
        fill("after");
        fs::write(data.join("new"), "after").unwrap();
        let mut begin = vec!["backup", "restore", &backup, "--yes"];
        for many in [first, first + 150, first + 300] {
            let mut child = mounted.command(&begin).stdout(Stdio::null()).spawn().unwrap();
            while aside(&data) < many && child.try_wait().unwrap().is_none() {}
            hits += usize::from(child.try_wait().unwrap().is_none());
            let _ = child.kill();
            let _ = child.wait();
            begin = vec!["resume", "--yes"];
        }
        let said = mounted.banister(&["resume", "--yes"]);
        assert!(said.code == Some(0), "{first}: {said:?}");
        assert_eq!(names(&data).len(), 403, "{first}: {:?}", names(&data));
        assert_eq!(names(&data.join("deep")).len(), 401, "{first}");
        for n in 0..400 {
            assert_eq!(fs::read_to_string(data.join(format!("file-{n}"))).unwrap(), "before", "{first}");
            assert_eq!(fs::read_to_string(data.join(format!("deep/file-{n}"))).unwrap(), "before", "{first}");
        }
        assert_eq!(names(&nas), ["scan"], "{first}");
    }
    println!("killed within the exchange {hits} times: 0 worlds differ");
    assert!(hits > 6, "{hits}");
}

#[test]
fn a_folder_that_belongs_to_the_work_is_no_data_of_its_own() {
    let world = World::new();
    world.write("data/rows", "before");
    let home = world.path().display().to_string();
    for (named, why) in [
        ("~/kept", "it holds the backups"),
        ("~/state", "it holds the records of runs"),
        (home.as_str(), "it is the site's folder"),
    ] {
        fs::create_dir_all(world.path().join("kept")).unwrap();
        fs::create_dir_all(world.path().join("state")).unwrap();
        world.write("site.toml", &SITE.replace("~/data", named));
        let said = world.banister(&["check"]);
        let message = format!("`{named}` can't be backed up: {why}, and a restore would replace it");
        assert!(said.out.contains(&message), "{said:?}");
        let said = world.banister(&["run", "backup", "--yes"]);
        assert_eq!(said.code, Some(1), "{named}: {said:?}");
        assert!(said.err.contains(&format!("can't be backed up: {why}")), "{named}: {said:?}");
    }
    // The checkout may be named: a restore leaves its history alone, which the lock of the server is in.
    world.write("site.toml", &SITE.replace("~/data", "."));
    let said = world.banister(&["check"]);
    assert!(!said.out.contains("can't be backed up"), "{said:?}");
    assert_eq!(world.banister(&["run", "backup", "--yes"]).code, Some(0));
    let backup =
        names(&world.path().join("kept")).into_iter().find(|name| name.ends_with(".tar.zst")).unwrap();
    let makefile = world.read("web/Makefile");
    world.write("web/Makefile", "lost:\nstop:\n");
    let inode = world.path().join("web/.git").metadata().unwrap().ino();
    let said = world.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("web/Makefile"), makefile);
    assert_eq!(world.path().join("web/.git").metadata().unwrap().ino(), inode);
}

/// What lies behind a link that leaves the data is in no backup, however the link is written.
#[test]
fn a_relative_link_out_of_the_data_is_named_and_one_that_is_the_data_is_refused() {
    let world = World::new();
    world.write("site.toml", SITE);
    world.write("data/rows", "before");
    world.write("big/photo", "precious");
    symlink("../big", world.path().join("data/uploads")).unwrap();
    symlink("../data/rows", world.path().join("data/again")).unwrap();
    let said = world.banister(&["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let all = format!("{}{}", said.out, said.err);
    assert!(all.contains("data/uploads` is not in the backup: it is a link to `../big`"), "{said:?}");
    assert!(!all.contains("data/again"), "{said:?}");
    world.write("data/rows", "after");
    let said = world.banister(&["backup", "restore", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("data/again"), "before");
    assert_eq!(world.read("data/uploads/photo"), "precious");

    fs::rename(world.path().join("data"), world.path().join("real")).unwrap();
    symlink("real", world.path().join("data")).unwrap();
    let said = world.banister(&["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("data` can't be backed up: it is a link"), "{said:?}");
}

/// What is there now is in no backup: it came after something that a backup can't hold.
#[test]
fn what_stands_where_a_backup_left_something_out_stays() {
    let mut mounted = world(SITE);
    mounted.mount("data/uploads");
    let (backup, _) = mounted.backup();
    mounted.mounts.clear();
    mounted.world.write("data/uploads/photo", "precious");
    mounted.world.write("data/rows", "after");
    let said = mounted.banister(&["backup", "restore", &backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("uploads`: the backup left out what was there"), "{said:?}");
    assert_eq!(mounted.world.read("data/uploads/photo"), "precious");
    assert_eq!(mounted.world.read("data/rows"), "before");
}

#[test]
fn the_backups_of_another_server_of_the_site_are_no_data() {
    let world = World::new();
    let other = SITE
        .replace("servers.web", "servers.wiki")
        .replace("~/kept", "~/data/wiki")
        .replace("~/data\"", "~/wiki\"");
    world.write("site.toml", &format!("{SITE}\n{other}"));
    world.write("data/rows", "before");
    world.write("wiki/page", "text");
    let backup = |server: &str| {
        let said = world.banister(&["--server", server, "run", "backup", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
    };
    backup("wiki");
    backup("web");
    backup("wiki");
    let there = names(&world.path().join("data/wiki"));
    let said = world.banister(&["--server", "web", "backup", "restore", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("it holds the backups of another server"), "{said:?}");
    assert_eq!(names(&world.path().join("data/wiki")), there);
}

/// It was removed without a word, and what it led to was used no more.
#[test]
fn a_link_that_takes_the_place_of_data_is_named_before_it_is_replaced() {
    let mut mounted = world(SITE);
    let data = mounted.world.path().join("data");
    mounted.world.write("data/media/photo", "before");
    let (backup, _) = mounted.backup();
    let disk = mounted.mount("data/disk");
    fs::create_dir(disk.join("media")).unwrap();
    fs::write(disk.join("media/photo"), "after").unwrap();
    fs::remove_dir_all(data.join("media")).unwrap();
    symlink("disk/media", data.join("media")).unwrap();
    symlink("rows", data.join("same")).unwrap();
    let media = data.join("media").display().to_string();
    let said = mounted.banister(&["backup", "restore", &backup]);
    let named = format!(
        "These links are replaced by what the backup has there: `{media}`, which \
         leads to `disk/media`."
    );
    assert!(said.code == Some(3) && said.err.contains(&named), "{said:?}");
    let said = mounted.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(fs::read(data.join("media/photo")).unwrap(), b"before");
    assert_eq!(fs::read(disk.join("media/photo")).unwrap(), b"after");
}

#[test]
fn a_link_that_leads_out_and_takes_the_place_of_data_is_refused_with_what_to_do() {
    let world = World::new();
    world.write("site.toml", &SITE.replace("[\"~/data\"]", "[\"~/data\", \"~/one\"]"));
    world.write("data/media/photo", "before");
    world.write("one", "before");
    assert_eq!(world.banister(&["run", "backup", "--yes"]).code, Some(0));
    for moved in ["data/media", "data", "one"] {
        let (from, to) = (world.path().join(moved), world.path().join("elsewhere"));
        fs::rename(&from, &to).unwrap();
        symlink(&to, &from).unwrap();
        let said = world.banister(&["backup", "restore", "--abandon", "--yes"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.contains(&format!("it is a link to `{}`", to.display())), "{said:?}");
        let help = format!("remove the link: `rm {}`, then start the restore again", from.display());
        assert!(said.err.contains(&help), "{said:?}");
        fs::remove_file(&from).unwrap();
        let said = world.banister(&["backup", "restore", "--abandon", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(to.exists());
        let _ = fs::remove_dir_all(&to).or_else(|_| fs::remove_file(&to));
    }
}

/// Its own backup was called damaged, and `check` said nothing.
#[test]
fn a_home_is_backed_up_and_restored_without_what_belongs_to_the_work() {
    let world = World::new();
    world.write("home/notes", "before");
    let site = SITE.replace("[\"~/data\"]", "[\"~\"]").replace("\"web\"", "\"home/web\"");
    let home = world.path().join("home").display().to_string();
    world.write("site/site.toml", &site.replace("\"home/web\"", &format!("\"{home}/web\"")));
    fs::rename(world.path().join("web"), world.path().join("home/web")).unwrap();
    fs::create_dir(world.path().join("home/kept")).unwrap();
    let call = |arguments: &[&str]| {
        let mut command = world.command(arguments);
        said(command.env("HOME", &home).current_dir(world.path().join("site")).output().unwrap())
    };
    let checked = call(&["check"]);
    let message = format!(
        "warning: a backup of `~` leaves out what is in it: `{home}/web` (it is the checkout), `{home}/kept` (it holds the \
         backups)\n  at   site.toml:5"
    );
    assert!(checked.out.contains(&message), "{checked:?}");
    let taken = call(&["run", "backup", "--yes"]);
    assert_eq!(taken.code, Some(0), "{taken:?}");
    world.write("home/notes", "after");
    let restored = call(&["backup", "restore", "--yes"]);
    assert_eq!(restored.code, Some(0), "{restored:?}");
    assert_eq!(world.read("home/notes"), "before");
    assert!(world.path().join("home/web/Makefile").exists());
    // What is excluded is meant to be left out.
    let text = fs::read_to_string(world.path().join("site/site.toml")).unwrap();
    let exclude = format!("exclude = [\"{home}/web\", \"{home}/kept\"]\n");
    world.write("site/site.toml", &format!("{text}{exclude}"));
    let checked = call(&["check"]);
    assert!(checked.out.contains("no problems found"), "{checked:?}");
}

fn filled(mounted: &mut Mounted, bytes: usize) -> PathBuf {
    let (rows, more) = ("r".repeat(bytes), "m".repeat(bytes));
    mounted.disk("data", &[("rows", &rows), ("more", &more)])
}

#[test]
fn what_has_no_room_on_the_disk_of_the_data_is_refused_before_anything_is_changed() {
    let mut mounted = world(SITE);
    filled(&mut mounted, 2_000_000);
    mounted.backup();
    let said = mounted.banister(&["backup", "restore", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let data = mounted.world.path().join("data").display().to_string();
    assert!(said.err.contains(&format!("`{data}` can't be restored: its disk has ")), "{said:?}");
    assert!(said.err.contains("4 MB are brought there"), "{said:?}");
    assert!(said.err.contains("help make room on that disk, then start it again"), "{said:?}");
    assert!(said.err.contains("step `Check`"), "{said:?}");
}

/// Pieces of it stayed among the data.
#[test]
fn what_a_restore_brought_to_the_data_is_removed_when_it_is_abandoned_before_it_exchanged_anything() {
    let world = World::new();
    world.write("site.toml", &SITE.replace("[\"~/data\"]", "[\"~/alpha/one\", \"~/data\"]"));
    world.write("alpha/one", "before");
    world.write("data/rows", "before");
    let backed_up = world.banister(&["run", "backup", "--yes"]);
    assert_eq!(backed_up.code, Some(0), "{backed_up:?}");
    world.write("data/rows", "after");
    assert_eq!(world.banister(&["backup", "restore"]).code, Some(3));
    let (alpha, away) = (world.path().join("alpha"), world.path().join("away"));
    fs::rename(&alpha, &away).unwrap();
    fs::write(&alpha, "no folder").unwrap();
    let failed = world.banister(&["resume", "--yes"]);
    assert!(failed.code == Some(1) && failed.out.contains("step `Put files back`"), "{failed:?}");
    let pieces =
        || names(&world.path().join("data")).into_iter().filter(|name| name.starts_with(".banister-"));
    assert_eq!(pieces().count(), 1);
    fs::remove_file(&alpha).unwrap();
    fs::rename(&away, &alpha).unwrap();
    let taken = world.banister(&["run", "backup", "--abandon=tried", "--yes"]);
    assert_eq!(taken.code, Some(0), "{taken:?}");
    assert_eq!((pieces().count(), world.read("data/rows").as_str()), (0, "after"));
    assert!(!names(&world.path().join("kept")).iter().any(|name| name.starts_with(".restore")));
}

#[test]
fn a_disk_that_became_full_since_the_check_is_asked_for_room_before_anything_is_changed() {
    let mut mounted = world(SITE);
    let image = filled(&mut mounted, 1_000_000);
    mounted.backup();
    assert_eq!(mounted.banister(&["backup", "restore"]).code, Some(3));
    let at = mounted.world.path().join("data");
    let inside = |script: &str| {
        let script = format!("mount -o loop \"$0\" \"$1\" && cd \"$1\" && {{ {script}; }}");
        let mut shell = Command::new("unshare");
        said(shell.args(["--mount", "sh", "-c", &script]).arg(&image).arg(&at).output().unwrap())
    };
    inside("cat /dev/zero > filling; sync");
    let failed = mounted.banister(&["resume", "--yes"]);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.err.contains("help make room on that disk"), "{failed:?}");
    assert!(!inside("ls -A").out.contains(".banister-"));
    inside("rm filling");
    assert_eq!(mounted.banister(&["resume", "--yes"]).code, Some(0));
}
