//! A backup keeps what files are: extended attributes, access control lists, capabilities, hard links and holes; other
//! programs read them out of the archive, and what can't be kept is named.

use crate::support;

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{FileExt, MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use support::{Said, World, said};

const SITE: &str = "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\nbackup = [\"~/data\", \"~/more\"]\n\
                    health = [{ command = [\"true\"] }]\nhealthy = { stable = \"10ms\" }\ntargets = { start = \"\", stop = \"stop\" }\n";

/// The number of an ordinary user, who need not be known.
const USER: u32 = 4242;

fn done(command: &mut Command) -> String {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn attribute(path: &Path, name: &str, value: &str) {
    done(Command::new("setfattr").args(["-n", name, "-v", value]).arg(path));
}

fn holes(path: &Path, at: &[u64], size: u64) {
    let file = fs::File::create(path).unwrap();
    at.iter().for_each(|at| file.write_all_at(b"data", *at).unwrap());
    file.set_len(size).unwrap();
}

const LONG: &str = "a name that has more bytes than the header of a tar has room for, which is a hundred of them, and a few more";

/// A tree with all of it, and a name that is no text.
fn rich(data: &Path, more: &Path) {
    fs::create_dir_all(data.join("lists/inner")).unwrap();
    fs::create_dir_all(more).unwrap();
    fs::write(data.join("binary"), "binary").unwrap();
    // Zero, no text, a newline, and what separates a key from its value.
    attribute(&data.join("binary"), "user.odd=name", "0x00ff0a3d78");
    attribute(&data.join("binary"), "user.empty", "0x");
    attribute(&data.join("lists"), "user.of.folder", "0x01");
    fs::write(data.join("lists/file"), "file").unwrap();
    done(Command::new("setfacl").args(["-m", "u:4243:rw,g:4244:r,m::rw"]).arg(data.join("lists/file")));
    done(Command::new("setfacl").args(["-d", "-m", "u:4243:rwx"]).arg(data.join("lists/inner")));
    fs::write(data.join("tool"), "tool").unwrap();
    done(Command::new("setcap").arg("cap_net_raw=ep").arg(data.join("tool")));
    fs::write(data.join("first"), "several names").unwrap();
    fs::hard_link(data.join("first"), data.join("lists/second")).unwrap();
    fs::hard_link(data.join("first"), more.join("third")).unwrap();
    let odd = data.join(OsStr::from_bytes(b"caf\xe9"));
    holes(&odd, &[100_000], 900_000);
    attribute(&odd, "user.odd", "0x01");
    fs::write(data.join(LONG), "long").unwrap();
    attribute(&data.join(LONG), "user.long", "0x02");
    holes(&data.join("holes"), &[0, 1 << 20, 5 << 20], 8 << 20);
    holes(&data.join("nothing"), &[], 1 << 20);
    // Longer than eleven octal digits can say.
    holes(&data.join("large"), &[(8 << 30) + 12345], (9 << 30) + 7);
}

/// What a tree is: by path mode, owner, time, length, room on the disk and which names are of one file; and all extended
/// attributes.
fn facts(folder: &Path) -> (BTreeMap<Vec<u8>, String>, String) {
    fn walk(
        top: &Path,
        folder: &Path,
        first: &mut BTreeMap<u64, Vec<u8>>,
        facts: &mut BTreeMap<Vec<u8>, String>,
    ) {
        let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        entries.sort();
        for path in entries {
            let name = path.strip_prefix(top).unwrap().as_os_str().as_bytes().to_vec();
            let is = path.symlink_metadata().unwrap();
            let of = first.entry(is.ino()).or_insert_with(|| name.clone());
            let of = String::from_utf8_lossy(of).into_owned();
            let is_holed = is.is_file() && is.blocks() * 512 < is.size();
            let (mode, owner, group, time) = (is.mode(), is.uid(), is.gid(), is.mtime());
            let size = if is.is_file() { is.size() } else { 0 };
            facts.insert(name, format!("{mode:o} {owner} {group} {time} {size} {is_holed} {of}"));
            if is.is_dir() {
                walk(top, &path, first, facts);
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(folder, folder, &mut BTreeMap::new(), &mut found);
    let mut list = Command::new("getfattr");
    list.args(["-R", "-h", "-d", "-m", "-", "-e", "hex", "."]).current_dir(folder);
    let mut blocks: Vec<String> = done(&mut list).split("\n\n").map(str::to_owned).collect();
    blocks.sort();
    (found, blocks.join("\n\n"))
}

fn world() -> World {
    let world = World::new();
    world.write("site.toml", SITE);
    rich(&world.path().join("data"), &world.path().join("more"));
    world
}

/// The one backup.
fn archive(world: &World) -> String {
    let kept = fs::read_dir(world.path().join("kept")).unwrap();
    let mut names: Vec<String> = kept
        .map(|entry| entry.unwrap().path().display().to_string())
        .filter(|name| name.ends_with(".tar.zst"))
        .collect();
    names.sort();
    names.pop().unwrap()
}

#[test]
fn all_that_files_are_comes_back_and_costs_what_it_should() {
    let world = world();
    let (data, more) = (world.path().join("data"), world.path().join("more"));
    let before = (facts(&data), facts(&more));
    let began = Instant::now();
    let said = world.banister(&["run", "backup", "--yes"]);
    let took = began.elapsed();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(!said.out.contains("warning"), "{said:?}");
    let archive = archive(&world);
    let bytes = fs::metadata(&archive).unwrap().len();
    assert!(bytes < 100_000 && took < Duration::from_secs(5), "{bytes} bytes, {took:?}");
    assert_eq!(world.banister(&["backup", "verify"]).code, Some(0));
    let said = world.banister(&["backup", "drill", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");

    for name in ["binary", "lists", "lists/file", "tool"] {
        done(Command::new("setfacl").arg("-b").arg(data.join(name)));
    }
    done(Command::new("setfattr").args(["-x", "user.odd=name"]).arg(data.join("binary")));
    done(Command::new("setcap").arg("-r").arg(data.join("tool")));
    done(Command::new("setfacl").args(["-m", "u:4245:rwx,d:u:4245:rwx"]).arg(&data));
    for name in ["lists/second", "holes", "large", LONG] {
        fs::remove_file(data.join(name)).unwrap();
    }
    let said = world.banister(&["backup", "restore", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!((facts(&data), facts(&more)), before);
    assert_eq!(fs::metadata(data.join("first")).unwrap().nlink(), 3, "also across two folders");
    let mut read = [0; 4];
    fs::File::open(data.join("large")).unwrap().read_exact_at(&mut read, (8 << 30) + 12345).unwrap();
    assert_eq!(&read, b"data");
    let acl = done(Command::new("getfacl").args(["-c", "-p"]).arg(&data));
    assert!(!acl.contains("4245"), "what was added since is gone: {acl}");
}

/// Data on another file system than the backups is copied there, and that must keep it, too.
#[test]
fn all_of_it_comes_back_over_the_border_of_file_systems() {
    let world = world();
    let (data, more) = (world.path().join("data"), world.path().join("more"));
    let elsewhere = ["/var/tmp", "/dev/shm"]
        .into_iter()
        .map(Path::new)
        .find(|path| path.metadata().is_ok_and(|is| is.dev() != data.metadata().unwrap().dev()));
    let elsewhere = tempfile::Builder::new().prefix("banister-kept-").tempdir_in(elsewhere.unwrap()).unwrap();
    world.write("site.toml", &SITE.replace("~/kept", &elsewhere.path().display().to_string()));
    let before = (facts(&data), facts(&more));
    assert_eq!(world.banister(&["run", "backup", "--yes"]).code, Some(0));
    for folder in [&data, &more] {
        fs::remove_dir_all(folder).unwrap();
        fs::create_dir(folder).unwrap();
    }
    // What is made in the folder would get this list, too.
    done(Command::new("setfacl").args(["-m", "d:u:4245:rwx"]).arg(&data));
    let said = world.banister(&["backup", "restore", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let ((mut is, attributes), other) = (facts(&data), facts(&more));
    assert_eq!(attributes, before.0.1);
    // Each folder is copied alone.
    for (name, fact) in &before.0.0 {
        assert_eq!(is.remove(name).as_ref(), Some(fact), "{}", String::from_utf8_lossy(name));
    }
    assert!(is.is_empty() && other == before.1, "{is:?}");
    assert_eq!(fs::metadata(data.join("first")).unwrap().nlink(), 2);
}

#[test]
fn other_programs_read_all_of_it() {
    let world = world();
    let data = world.path().join("data");
    let expected = facts(&data);
    let site = fs::read_to_string(world.path().join("site.toml")).unwrap();
    world.write("site.toml", &site);
    assert_eq!(world.banister(&["run", "backup", "--yes"]).code, Some(0));
    let archive = archive(&world);
    let out = |name: &str| {
        let out = world.path().join(name);
        fs::create_dir(&out).unwrap();
        out
    };
    let gnu = out("gnu");
    done(
        Command::new("tar")
            .args(["--xattrs", "--xattrs-include=*", "--acls", "-xpf", &archive, "-C"])
            .arg(&gnu),
    );
    assert_eq!(facts(&gnu.join("home/data")), expected);
    assert_eq!(fs::metadata(gnu.join("home/more/third")).unwrap().nlink(), 3);

    let plain = world.path().join("plain.tar");
    done(Command::new("zstd").args(["-q", "-d", &archive, "-o"]).arg(&plain));
    let bsd = out("bsd");
    done(Command::new("bsdtar").arg("-xpf").arg(&plain).arg("-C").arg(&bsd));
    let (is, attributes) = facts(&bsd.join("home/data"));
    // It takes the escaped name for the name.
    assert_eq!((is, attributes.replace("user.odd%3Dname", "user.odd\\075name")), expected);

    let python = out("python");
    let script =
        "import sys, tarfile\nwith tarfile.open(sys.argv[1]) as tar:\n    tar.extractall(sys.argv[2])\n";
    done(Command::new(support::python::python()).args(["-c", script]).arg(&plain).arg(&python));
    // It knows nothing of extended attributes.
    assert_eq!(
        facts(&python.join("home/data")).0.keys().collect::<Vec<_>>(),
        expected.0.keys().collect::<Vec<_>>()
    );
    for name in ["first", "holes", "large", LONG] {
        let (is, was) = (python.join("home/data").join(name), data.join(name));
        done(Command::new("cmp").arg("-n").arg("20000000").arg(is).arg(was));
    }
    let is = fs::metadata(python.join("home/data/large")).unwrap();
    assert!(is.blocks() < 1000, "{} blocks", is.blocks());
}

#[test]
fn a_file_of_three_gigabytes_with_one_byte_is_saved_at_once_and_comes_back_with_its_hole() {
    let world = World::new();
    world.write("site.toml", SITE);
    world.write("more/x", "x");
    fs::create_dir(world.path().join("data")).unwrap();
    let file = world.path().join("data/disk");
    holes(&file, &[2_999_999_000], 3_000_000_000);
    let began = Instant::now();
    assert_eq!(world.banister(&["run", "backup", "--yes"]).code, Some(0));
    let took = began.elapsed();
    let bytes = fs::metadata(archive(&world)).unwrap().len();
    assert!(bytes < 10_000 && took < Duration::from_secs(1), "{bytes} bytes, {took:?}");
    fs::remove_file(&file).unwrap();
    let said = world.banister(&["backup", "restore", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let is = fs::metadata(&file).unwrap();
    assert!(is.len() == 3_000_000_000 && is.blocks() < 100, "{} blocks", is.blocks());
    println!("a file of 3 GB with one byte: {bytes} bytes, {took:.2?}");
}

/// Calls the program as an ordinary user.
fn as_user(world: &World, arguments: &[&str]) -> Said {
    let inner = world.command(arguments);
    let user = USER.to_string();
    let mut outer = Command::new("setpriv");
    outer.args(["--reuid", &user, "--regid", &user, "--clear-groups"]);
    outer.arg(inner.get_program()).args(inner.get_args()).env_clear();
    outer.current_dir(inner.get_current_dir().unwrap_or(Path::new("/")));
    outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    said(outer.output().unwrap())
}

#[test]
fn what_a_user_can_not_keep_is_named_before_anything_is_restored() {
    let world = world();
    let data = world.path().join("data");
    done(Command::new("chown").args(["-R", &format!("{USER}:{USER}")]).arg(world.path()));
    fs::set_permissions(world.path(), fs::Permissions::from_mode(0o755)).unwrap();
    // Giving it away took the capability away, too.
    done(Command::new("setcap").arg("cap_net_raw=ep").arg(data.join("tool")));
    let said = as_user(&world, &["run", "backup", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let (before, attributes) = facts(&data);
    let said = as_user(&world, &["backup", "restore"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    let lost = "These are lost: `home/data/tool`: security.capability (not permitted to this user).";
    assert!(said.err.contains(lost), "{said:?}");
    assert_eq!(facts(&data), (before.clone(), attributes.clone()), "nothing was changed");
    let said = as_user(&world, &["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let (after, kept) = facts(&data);
    assert_eq!(after, before);
    let others = |text: &str| -> Vec<String> {
        text.split("\n\n").filter(|block| !block.contains("# file: tool")).map(str::to_owned).collect()
    };
    assert_eq!(others(&kept), others(&attributes));
    assert!(!kept.contains("security.capability"), "{kept}");
}

/// Nobody knows who made it: what gives rights away is not believed.
#[test]
fn a_capability_comes_back_only_if_the_backup_was_made_here() {
    let world = world();
    assert_eq!(world.banister(&["run", "backup", "--yes"]).code, Some(0));
    let archive = archive(&world);
    // Another machine has another key.
    let other = World::new();
    other.write("site.toml", SITE);
    other.write("data/x", "x");
    other.write("more/x", "x");
    let copied = other.path().join("kept").join(Path::new(&archive).file_name().unwrap());
    fs::create_dir_all(copied.parent().unwrap()).unwrap();
    fs::copy(&archive, &copied).unwrap();
    let said = other.banister(&["backup", "restore", &copied.display().to_string()]);
    assert_eq!(said.code, Some(3), "{said:?}");
    let lost = "`home/data/tool`: security.capability (the backup was not made here)";
    assert!(said.err.contains(lost), "{said:?}");
    let said = other.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let attributes = facts(&other.path().join("data")).1;
    assert!(!attributes.contains("security.capability") && attributes.contains("user.odd"), "{attributes}");
}

/// The layout of Hoss's own tool stays what any `tar` reads.
#[test]
fn what_a_plain_layout_does_not_keep_is_named() {
    use banister::internals::machine::archive::{About, Content, Keys, Member, Own, Watch, create, verify};
    let folder = tempfile::tempdir().unwrap();
    let (data, more) = (folder.path().join("data"), folder.path().join("more"));
    rich(&data, &more);
    for name in ["large", "nothing"] {
        fs::remove_file(data.join(name)).unwrap();
    }
    let path = folder.path().join("one.tar.gz");
    let about = About { kind: "hoss".into(), ..About::default() };
    let form = banister::internals::kind::Facts::of(None, "hoss").unwrap().archive;
    let watch = Watch { stop: &|| false, warn: &|_| {}, own: &Own::default() };
    let members = [Member { name: "data".into(), content: Content::Path(data.clone()) }];
    let created = create(&path, &Keys::default(), &members, about, &form, &watch).unwrap().finish().unwrap();
    verify(&path).unwrap();
    let lost = created.manifest.about.lost.join("\n");
    for named in [
        "`data/binary`: user.empty, user.odd=name",
        "`data/lists/file`: system.posix_acl_access",
        "`data/lists/inner`: system.posix_acl_default",
        "`data/lists/second`: that it is another name of `data/first`",
        "`data/tool`: security.capability",
    ] {
        assert!(lost.contains(named), "{named}: {lost}");
    }
    // What is in many images.
    let out = folder.path().join("out");
    fs::create_dir(&out).unwrap();
    done(Command::new("busybox").arg("tar").arg("-xzf").arg(&path).arg("-C").arg(&out));
    for name in ["holes", "lists/second", LONG] {
        assert!(
            fs::read(out.join("data").join(name)).unwrap() == fs::read(data.join(name)).unwrap(),
            "{name}"
        );
    }
}

/// Kills the program after a while, and continues what it left; whether it was killed.
fn killed(world: &World, arguments: &[&str], after: Duration) -> bool {
    let mut command = world.command(arguments);
    let mut child =
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    std::thread::sleep(after);
    let _ = child.kill();
    if child.wait().unwrap().success() {
        return false;
    }
    let resumed = world.banister(&["resume", "--yes"]);
    if resumed.out.contains("resuming") {
        assert_eq!(resumed.code, Some(0), "{after:?}: {resumed:?}");
    } else {
        // It was killed before it had written down anything.
        let again = world.banister(arguments);
        assert_eq!(again.code, Some(0), "{after:?}: {again:?}");
    }
    true
}

#[test]
fn all_of_it_comes_back_whenever_the_backup_and_the_restore_are_killed() {
    let mut kills = 0;
    for round in 0..12 {
        let world = world();
        let (data, more) = (world.path().join("data"), world.path().join("more"));
        let before = (facts(&data), facts(&more));
        let after = Duration::from_millis(15 * round);
        kills += usize::from(killed(&world, &["run", "backup", "--yes"], after));
        for name in ["lists/second", "holes", "tool", LONG] {
            fs::remove_file(data.join(name)).unwrap();
        }
        attribute(&data.join("binary"), "user.empty", "0x05");
        fs::write(data.join("new"), "new").unwrap();
        kills += usize::from(killed(&world, &["backup", "restore", "--yes"], after));
        assert_eq!((facts(&data), facts(&more)), before, "{after:?}");
        assert_eq!(fs::metadata(data.join("first")).unwrap().nlink(), 3, "{after:?}");
    }
    println!("killed {kills} times: 0 trees differ");
    assert!(kills > 6, "{kills}");
}
