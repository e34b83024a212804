//! Backups and settings files, on real files, with the real `tar` and the real `make`.

use crate::support::chance::Chance;

use banister::failure::Kind;
use banister::internals::machine::archive::{
    About, Content, Created, Keys, Member, Own, Sort, Watch, create, sweep, verify,
};
use std::cell::Cell;
use std::fs;
use std::io::{BufRead, Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

mod encrypted_backups;
mod encryption;
mod env_file;
mod hostile;
mod odd;
mod primitives;

const ENDINGS: [&str; 2] = ["tar.gz", "tar.zst"];

fn member(name: &str, path: impl Into<PathBuf>) -> Member {
    Member { name: name.into(), content: Content::Path(path.into()) }
}

fn make(path: &Path, members: &[Member], prefix: &str) -> banister::failure::Result<Created> {
    let about = About { server: "cloud".into(), kind: "plain".into(), ..About::default() };
    create(
        path,
        &Keys::default(),
        members,
        about,
        &banister::internals::kind::Archive {
            prefix: prefix.into(),
            ..banister::internals::kind::Archive::default()
        },
        &Watch { stop: &|| false, warn: &|_| {}, own: &Own::default() },
    )?
    .finish()
}

/// A folder with files of several sorts.
fn sample(folder: &Path) -> PathBuf {
    let data = folder.join("data");
    fs::create_dir_all(data.join("deep")).unwrap();
    let mut chance = Chance::of(7);
    let noise: Vec<u8> = (0..200_000).map(|_| chance.below(256) as u8).collect();
    fs::write(data.join("noise"), noise).unwrap();
    fs::write(data.join("deep/text"), "words and words\n".repeat(5000)).unwrap();
    fs::write(data.join("empty"), "").unwrap();
    fs::set_permissions(data.join("deep/text"), fs::Permissions::from_mode(0o640)).unwrap();
    fs::set_permissions(data.join("empty"), fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(data.join("deep"), fs::Permissions::from_mode(0o750)).unwrap();
    symlink("deep/text", data.join("link")).unwrap();
    fs::write(data.join("long-".repeat(40)), "a long name").unwrap();
    symlink("x".repeat(150), data.join("long-link")).unwrap();
    data
}

fn file_with(bytes: &[u8]) -> fs::File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn an_archive_is_private_and_tar_unpacks_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let data = sample(folder.path());
    for ending in ENDINGS {
        let path = folder.path().join(format!("backups/one.{ending}"));
        let members = [
            member("data", &data),
            Member { name: "note".into(), content: Content::Bytes(b"bytes".to_vec()) },
            Member { name: "db/dump".into(), content: Content::Output(file_with(b"\xff\0x")) },
        ];
        let created = make(&path, &members, "./").unwrap();
        assert_eq!(verify(&path).unwrap(), created.manifest);
        assert_eq!(created.bytes, fs::metadata(&path).unwrap().len());
        assert_eq!(created.sha256, banister::internals::machine::files::sha256(&path).unwrap());
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(path.parent().unwrap()).unwrap().mode() & 0o777, 0o700);

        let out = folder.path().join(format!("out-{ending}"));
        fs::create_dir(&out).unwrap();
        let unpacked = Command::new("tar").arg("-xpf").arg(&path).arg("-C").arg(&out).output().unwrap();
        assert!(unpacked.status.success(), "{}", String::from_utf8_lossy(&unpacked.stderr));
        let mut same = Command::new("diff");
        same.args(["-r", "--no-dereference"]).arg(&data).arg(out.join("data"));
        let same = same.output().unwrap();
        assert!(same.status.success(), "{}", String::from_utf8_lossy(&same.stdout));
        for name in ["deep", "deep/text", "empty"] {
            let mode = |root: &Path| fs::metadata(root.join(name)).unwrap();
            let (was, is) = (mode(&data), mode(&out.join("data")));
            assert_eq!((was.mode(), was.mtime()), (is.mode(), is.mtime()), "{name}");
        }
        assert_eq!(fs::read(out.join("db/dump")).unwrap(), b"\xff\0x");
        let listed = Command::new("tar").arg("-tf").arg(&path).output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        assert!(listed.lines().all(|line| line.starts_with("./")), "{listed}");
        assert_eq!(listed.lines().last(), Some("./manifest.json"));
        assert!(created.manifest.members.iter().any(|entry| entry.sort == Sort::Link));
    }
}

#[test]
fn every_changed_byte_is_found() {
    let folder = tempfile::tempdir().unwrap();
    let data = sample(folder.path());
    let mut chance = Chance::of(42);
    for ending in ENDINGS {
        let path = folder.path().join(format!("one.{ending}"));
        make(&path, &[member("data", &data)], "").unwrap();
        let good = fs::read(&path).unwrap();
        let length = good.len() as u64;
        // Each of the first and of the last bytes, where the formats are careless; then anywhere.
        let places: Vec<u64> = (0..30)
            .chain(length - 100..length)
            .chain((0..1000).map(|_| chance.below(length as usize) as u64))
            .collect();
        for place in places {
            let mut bad = good.clone();
            bad[place as usize] ^= 1 << chance.below(8);
            fs::write(&path, &bad).unwrap();
            let failure = verify(&path).unwrap_err();
            assert_eq!(failure.kind, Kind::Refused, "{ending} {place}: {failure}");
        }
    }
}

#[test]
fn a_cut_archive_is_found_wherever_it_was_cut() {
    let folder = tempfile::tempdir().unwrap();
    let data = sample(folder.path());
    let mut chance = Chance::of(43);
    for ending in ENDINGS {
        let path = folder.path().join(format!("one.{ending}"));
        make(&path, &[member("data", &data)], "").unwrap();
        let good = fs::read(&path).unwrap();
        let length = good.len() as u64;
        let places =
            (0..20).chain(length - 80..length).chain((0..100).map(|_| chance.below(length as usize) as u64));
        for place in places.collect::<Vec<_>>() {
            fs::write(&path, &good[..place as usize]).unwrap();
            assert_eq!(verify(&path).unwrap_err().kind, Kind::Refused, "{ending} {place}");
        }
        let longer = [&good[..], b"\0"].concat();
        fs::write(&path, longer).unwrap();
        assert_eq!(verify(&path).unwrap_err().kind, Kind::Refused, "{ending}");
    }
    assert_eq!(verify(&folder.path().join("none.tar.gz")).unwrap_err().kind, Kind::NotFound);
}

#[test]
fn a_member_that_was_added_or_changed_or_taken_away_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("kept"), "kept").unwrap();
    fs::write(data.join("other"), "other").unwrap();
    let path = folder.path().join("one.tar.gz");
    make(&path, &[member("data", &data)], "").unwrap();
    let out = folder.path().join("out");
    let again = |change: &dyn Fn(&Path), order: &[&str]| {
        let _ = fs::remove_dir_all(&out);
        fs::create_dir(&out).unwrap();
        assert!(Command::new("tar").arg("-xf").arg(&path).arg("-C").arg(&out).status().unwrap().success());
        change(&out);
        let forged = folder.path().join("forged.tar.gz");
        let mut pack = Command::new("tar");
        pack.args(["--format=gnu", "--no-recursion", "-czf"]).arg(&forged).arg("-C").arg(&out).args(order);
        assert!(pack.status().unwrap().success());
        verify(&forged).unwrap_err().to_string()
    };
    let all = ["data", "data/kept", "data/other", "manifest.json"];
    let changed = again(&|out| fs::write(out.join("data/kept"), "KEPT").unwrap(), &all);
    assert!(changed.contains("`data/kept` in it differs from the manifest"), "{changed}");
    let missing = again(&|_| {}, &["data", "data/other", "manifest.json"]);
    assert!(missing.contains("`data/kept` is missing"), "{missing}");
    let last = again(&|_| {}, &["data", "data/kept", "manifest.json"]);
    assert!(last.contains("`data/other` is missing"), "{last}");
    let foreign = |out: &Path| {
        let folder = fs::File::open(out.join("data")).unwrap();
        let modified = folder.metadata().unwrap().modified().unwrap();
        fs::write(out.join("data/new"), "new").unwrap();
        // Else the folder itself would differ, if a second is over since it was made.
        folder.set_modified(modified).unwrap();
    };
    let added = again(&foreign, &["data", "data/kept", "data/new", "data/other", "manifest.json"]);
    assert!(added.contains("`data/new` is in it and not in its manifest"), "{added}");
    let after = again(&foreign, &["data", "data/kept", "data/other", "manifest.json", "data/new"]);
    assert!(after.contains("`data/new` is in it and not in its manifest"), "{after}");
    let none = again(&|_| {}, &["data", "data/kept", "data/other"]);
    assert!(none.contains("manifest is missing"), "{none}");
    let unsealed = again(&|_| {}, &all);
    assert!(unsealed.contains("seal is missing"), "{unsealed}");
}

#[test]
fn a_failed_attempt_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let backups = folder.path().join("backups");
    let missing = make(&backups.join("a.tar.zst"), &[member("x/y", folder.path().join("y"))], "");
    assert_eq!(missing.unwrap_err().kind, Kind::NotFound);
    assert_eq!(names(&backups), Vec::<String>::new());
}

#[test]
fn a_file_that_shrinks_or_grows_breaks_no_other_member() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    for name in ["a", "b", "c"] {
        fs::write(data.join(name), vec![b'x'; 3 << 20]).unwrap();
    }
    let (asked, warned) = (Cell::new(0), Cell::new(0));
    let path = folder.path().join("one.tar.gz");
    // `stop` is asked before each read: the first reads are of `a`, well before `b` is opened.
    let meddle = || {
        asked.set(asked.get() + 1);
        if asked.get() == 10 {
            fs::OpenOptions::new().write(true).open(data.join("a")).unwrap().set_len(1 << 20).unwrap();
        }
        false
    };
    let watch = Watch { stop: &meddle, warn: &|_| warned.set(warned.get() + 1), own: &Own::default() };
    let created = create(
        &path,
        &Keys::default(),
        &[member("data", &data)],
        About::default(),
        &banister::internals::kind::Archive::default(),
        &watch,
    )
    .unwrap()
    .finish()
    .unwrap();
    assert_eq!(created.manifest.about.changed, ["data/a"]);
    assert_eq!(warned.get(), 1);
    verify(&path).unwrap();

    asked.set(0);
    let grow = || {
        asked.set(asked.get() + 1);
        if asked.get() == 10 {
            let mut file = fs::OpenOptions::new().append(true).open(data.join("a")).unwrap();
            file.write_all(&[b'y'; 1 << 20]).unwrap();
        }
        false
    };
    let path = folder.path().join("two.tar.zst");
    let watch = Watch { stop: &grow, warn: &|_| {}, own: &Own::default() };
    let created = create(
        &path,
        &Keys::default(),
        &[member("data", &data)],
        About::default(),
        &banister::internals::kind::Archive::default(),
        &watch,
    )
    .unwrap()
    .finish()
    .unwrap();
    assert_eq!(created.manifest.about.changed, ["data/a"]);
    verify(&path).unwrap();
}

#[test]
fn sockets_pipes_and_the_archives_own_folder_are_left_out_and_named() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir_all(data.join("backups")).unwrap();
    fs::write(data.join("file"), "x").unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(data.join("socket")).unwrap();
    assert!(Command::new("mkfifo").arg(data.join("pipe")).status().unwrap().success());
    let path = data.join("backups/one.tar.zst");
    let created = make(&path, &[member("data", &data)], "").unwrap();
    let left: Vec<&str> = created.manifest.about.not_included.iter().map(String::as_str).collect();
    assert_eq!(left, ["data/backups", "data/pipe", "data/socket"]);
    let held: Vec<&str> = created.manifest.members.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(held, ["data/", "data/file"]);
    let again = make(&path, &[member("data", &data)], "").unwrap_err();
    assert_eq!(again.kind, Kind::Refused);
    verify(&path).unwrap();
}

#[test]
fn an_interrupted_archive_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = sample(folder.path());
    let backups = folder.path().join("backups");
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 5
    };
    let watch = Watch { stop: &stop, warn: &|_| {}, own: &Own::default() };
    let failure = create(
        &backups.join("a.tar.gz"),
        &Keys::default(),
        &[member("data", &data)],
        About::default(),
        &banister::internals::kind::Archive::default(),
        &watch,
    )
    .unwrap_err();
    assert_eq!(failure.kind, Kind::Interrupted);
    assert_eq!(names(&backups), Vec::<String>::new());
}

const FOLDER: &str = "BANISTER_TEST_ARCHIVE_FOLDER";

/// Not a test by itself: what the next one starts, and kills.
#[test]
fn the_process_that_is_killed_while_it_writes() {
    let Some(folder) = std::env::var_os(FOLDER).map(PathBuf::from) else { return };
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        if asked.get() == 20 {
            println!("\nhalf-way");
            // It ends by itself if whoever was to kill it died before.
            std::thread::sleep(std::time::Duration::from_secs(60));
        }
        false
    };
    let watch = Watch { stop: &stop, warn: &|_| {}, own: &Own::default() };
    let members = [member("data", folder.join("data"))];
    let _ = create(
        &folder.join("backups/cloud-1.tar.gz"),
        &Keys::default(),
        &members,
        About::default(),
        &banister::internals::kind::Archive::default(),
        &watch,
    );
}

#[test]
fn a_killed_attempt_leaves_only_its_part_and_the_next_one_removes_it() {
    let folder = tempfile::tempdir().unwrap();
    let data = sample(folder.path());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "archive::the_process_that_is_killed_while_it_writes", "--nocapture"])
        .env(FOLDER, folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufReader::new(child.stdout.take().unwrap()).lines();
    let half_way = lines.any(|line| line.unwrap() == "half-way");
    let backups = folder.path().join("backups");
    let alive = sweep(&backups, "cloud").map(|()| names(&backups));
    child.kill().unwrap();
    child.wait().unwrap();
    let mut rest = String::new();
    lines.for_each(|line| rest.push_str(&line.unwrap_or_default()));
    assert!(half_way);
    let part = vec![".cloud-1.tar.gz.part".to_owned()];
    assert_eq!(alive.unwrap(), part, "a living writer keeps its file");
    assert_eq!(names(&backups), part);
    let mode = fs::metadata(backups.join(&part[0])).unwrap().mode();
    assert_eq!(mode & 0o777, 0o600);

    sweep(&backups, "web").unwrap();
    assert_eq!(names(&backups), part);
    make(&backups.join("cloud-1.tar.gz"), &[member("data", &data)], "").unwrap();
    assert_eq!(names(&backups), ["cloud-1.tar.gz"]);
    fs::write(backups.join(".cloud-2026-01-02T030405Z.tar.gz.part"), "left").unwrap();
    sweep(&backups, "cloud").unwrap();
    assert_eq!(names(&backups), ["cloud-1.tar.gz"]);
    let mut bytes = Vec::new();
    fs::File::open(backups.join("cloud-1.tar.gz")).unwrap().read_to_end(&mut bytes).unwrap();
    verify(&backups.join("cloud-1.tar.gz")).unwrap();
}
