//! Archives and manifests that somebody made to do harm, through the real program: all are refused, nothing is written,
//! and none of them takes more memory than any other archive.

use crate::support;

use banister::internals::machine::archive::{About, Content, Keys, Member, Own, Watch, create};
use banister::internals::machine::part::Part;
use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use support::{Said, World, chance, said};
use tar::{EntryType, Header};

/// The most memory that reading an archive may take, in KiB.
const MOST: u64 = 64 << 10;

const SITE: &str = "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\nbackup = [\"~/data\"]\n\
                    health = [{ command = [\"true\"] }]\nhealthy = { stable = \"10ms\" }\ntargets = { start = \"\", stop = \"stop\" }\n";

fn world() -> World {
    let world = World::new();
    world.write("site.toml", SITE);
    world.write("data/rows", "live");
    fs::create_dir(world.path().join("kept")).unwrap();
    world
}

/// Runs the program, and says how much memory it took at most, in KiB.
fn measured(world: &World, arguments: &[&str]) -> (Said, u64) {
    let inner = world.command(arguments);
    let file = tempfile::NamedTempFile::new_in(world.path().join("state")).unwrap();
    let program = "import os, resource, subprocess, sys\nrun = subprocess.run(sys.argv[2:])\n\
                   open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))\n\
                   sys.exit(run.returncode)";
    let mut outer = Command::new(support::python::python());
    outer.args(["-c", program]).arg(file.path()).arg(inner.get_program()).args(inner.get_args());
    outer.current_dir(inner.get_current_dir().unwrap_or(Path::new("/"))).env_clear();
    outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let said = said(outer.output().unwrap());
    let peak = fs::read_to_string(file.path()).unwrap();
    let peak = peak.parse().unwrap_or_else(|_| panic!("{said:?}"));
    (said, peak)
}

/// All files of a world but its records, its archives and their cards.
fn files(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(folder: &Path, files: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let skipped = ["state", ".git"].map(|name| path.ends_with(name));
            match path.symlink_metadata().unwrap().is_dir() {
                _ if skipped.contains(&true) => {}
                true => walk(&path, files),
                false if path.parent().unwrap().ends_with("kept") => {}
                false => drop(files.insert(path.clone(), fs::read(&path).unwrap())),
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(world.path(), &mut found);
    found
}

/// Verifies, drills and restores an archive, which must all be refused; the most memory that it took.
fn refused(what: &str, archive: &dyn Fn(&Path)) -> u64 {
    let world = world();
    let path = world.path().join("kept/web-1.tar.zst");
    archive(&path);
    fs::create_dir_all(world.path().join("state")).unwrap();
    let before = files(&world);
    let mut most = 0;
    let name = path.display().to_string();
    for arguments in
        [&["backup", "verify", &name][..], &["backup", "drill", &name], &["backup", "restore", &name]]
    {
        let answers: &[&str] = if arguments[1] == "verify" { &[] } else { &["--yes", "--abandon"] };
        let (said, peak) = measured(&world, &[arguments, answers].concat());
        // What nobody here can judge is not called whole, either.
        let is_foreign = arguments[1] == "verify" && said.out.contains("it has no manifest");
        assert!(said.code == Some(1) || is_foreign, "{what}, {arguments:?}: {said:?}");
        assert!(peak < MOST, "{what}, {arguments:?}: {peak} KiB");
        most = most.max(peak);
    }
    assert_eq!(files(&world), before, "{what}");
    let left: Vec<_> =
        fs::read_dir(world.path().join("kept")).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name.to_string_lossy().starts_with("web-1")), "{what}: {left:?}");
    most
}

/// What an archive is made of, block by block.
enum Piece {
    /// A header, as it is.
    Head { name: Vec<u8>, sort: u8, target: Vec<u8>, size: u64 },
    /// Content of the member before, padded.
    Content(Vec<u8>),
    /// So many bytes of content that are all the same.
    Many(u64, u8),
    /// Bytes as they are.
    Raw(Vec<u8>),
}

fn head(name: &str, sort: EntryType, target: &str, size: u64) -> Piece {
    Piece::Head { name: name.into(), sort: sort.as_byte(), target: target.into(), size }
}

fn file(name: &str) -> Piece {
    head(name, EntryType::Regular, "", 0)
}

fn blocks(piece: &Piece, to: &mut dyn Write) {
    let pad = |length: u64| vec![0; (length.next_multiple_of(512) - length) as usize];
    match piece {
        Piece::Head { name, sort, target, size } => {
            let mut header = Header::new_gnu();
            header.as_old_mut().name[..name.len()].copy_from_slice(name);
            header.as_old_mut().linkname[..target.len()].copy_from_slice(target);
            header.as_old_mut().linkflag = [*sort];
            header.set_mode(0o6755);
            header.set_size(*size);
            header.set_mtime(0);
            header.set_uid(0);
            header.set_gid(0);
            header.set_cksum();
            to.write_all(header.as_bytes()).unwrap();
        }
        Piece::Content(bytes) => {
            to.write_all(bytes).unwrap();
            to.write_all(&pad(bytes.len() as u64)).unwrap();
        }
        Piece::Many(length, byte) => {
            let piece = vec![*byte; 1 << 20];
            let mut left = *length;
            while left > 0 {
                let now = left.min(piece.len() as u64);
                to.write_all(&piece[..now as usize]).unwrap();
                left -= now;
            }
            to.write_all(&pad(*length)).unwrap();
        }
        Piece::Raw(bytes) => to.write_all(bytes).unwrap(),
    }
}

fn write(path: &Path, pieces: &mut dyn Iterator<Item = Piece>) {
    let mut zstd = zstd::stream::write::Encoder::new(fs::File::create(path).unwrap(), 1).unwrap();
    pieces.for_each(|piece| blocks(&piece, &mut zstd));
    zstd.write_all(&[0; 1024]).unwrap();
    zstd.finish().unwrap();
}

/// A pax header with these records, and the member that it is of.
fn pax(records: &[u8], then: Piece) -> Vec<Piece> {
    vec![head("pax", EntryType::XHeader, "", records.len() as u64), Piece::Content(records.to_vec()), then]
}

fn record(key: &str, value: &str) -> Vec<u8> {
    let rest = format!(" {key}={value}\n");
    let mut length = rest.len();
    while length.to_string().len() + rest.len() != length {
        length += 1;
    }
    format!("{length}{rest}").into_bytes()
}

fn long(sort: EntryType, text: &str, then: Piece) -> Vec<Piece> {
    vec![head("././@LongLink", sort, "", text.len() as u64), Piece::Content(text.into()), then]
}

fn cases() -> Vec<(&'static str, Vec<Piece>)> {
    use EntryType::*;
    let link = |name: &str, target: &str| head(name, Symlink, target, 0);
    let folder = |name: &str| head(name, Directory, "", 0);
    let up = "../".repeat(60);
    let sized = |size: u64| head("f", Regular, "", size);
    vec![
        ("upwards", vec![file("../x")]),
        ("upwards later", vec![file("a/../../x")]),
        ("upwards from here", vec![file("./../x")]),
        ("upwards at the end", vec![file("a/..")]),
        ("upwards alone", vec![file("..")]),
        ("far upwards", vec![file("a/b/../../../x")]),
        ("absolute", vec![file("/etc/cron.d/x")]),
        ("the root", vec![file("/")]),
        ("no name", vec![file("")]),
        ("a dot", vec![file(".")]),
        ("a long name upwards", long(GNULongName, &format!("{up}etc/x"), file("x"))),
        ("a long absolute name", long(GNULongName, "/etc/cron.d/x", file("x"))),
        ("an extended name upwards", pax(&record("path", "../x"), file("x"))),
        ("an extended absolute name", pax(&record("path", "/etc/cron.d/x"), file("x"))),
        ("a link to an absolute path", vec![link("l", "/etc/passwd")]),
        ("a link upwards", vec![folder("a"), link("a/l", "../../x")]),
        ("a link to what is above", vec![link("l", "..")]),
        ("a link upwards that begins inside", vec![link("l", "a/../../x")]),
        ("a long link", long(GNULongLink, &format!("{up}etc"), link("l", "x"))),
        ("an extended link", pax(&record("linkpath", "/etc"), link("l", "x"))),
        ("through a link", vec![folder("a"), link("l", "a"), file("l/x")]),
        ("through a chain of links", vec![folder("a"), link("b", "a"), link("c", "b"), file("c/x")]),
        ("through a link that comes later", vec![file("l/x"), link("l", "a")]),
        ("a hard link", vec![head("h", Link, "/etc/passwd", 0)]),
        ("a hard link inside", vec![file("f"), head("h", Link, "f", 0)]),
        ("a character device", vec![head("d", Char, "", 0)]),
        ("a disk", vec![head("d", Block, "", 0)]),
        ("a pipe", vec![head("p", Fifo, "", 0)]),
        ("an old sort of file", vec![head("c", Continuous, "", 0)]),
        ("an old sparse file", vec![head("s", GNUSparse, "", 0)]),
        ("a global header", vec![head("g", XGlobalHeader, "", 0)]),
        ("a volume's label", vec![Piece::Head { name: "v".into(), sort: b'V', target: vec![], size: 0 }]),
        ("the rest of another", vec![Piece::Head { name: "m".into(), sort: b'M', target: vec![], size: 0 }]),
        (
            "a sort that nobody knows",
            vec![Piece::Head { name: "q".into(), sort: b'?', target: vec![], size: 0 }],
        ),
        ("a name of 2 GiB", vec![head("L", GNULongName, "", 2 << 30), Piece::Many(300 << 20, b'a')]),
        ("a link of 2 GiB", vec![head("K", GNULongLink, "", 2 << 30), Piece::Many(300 << 20, b'a')]),
        (
            "a name of 200 MB",
            vec![head("L", GNULongName, "", 200 << 20), Piece::Many(200 << 20, b'a'), file("x")],
        ),
        ("a header of 1 GiB", vec![head("x", XHeader, "", 1 << 30), Piece::Many(300 << 20, b'1')]),
        ("a header that names 900 kB", pax(&record("path", &"a".repeat(900_000)), file("x"))),
        ("a header without an end", pax(b"999 path=x\n", file("x"))),
        ("a header of length 0", pax(b"0 path=x\n", file("x"))),
        ("a header of no records", pax(b"path", file("x"))),
        (
            "a header that says the size twice",
            pax(&[record("size", "0"), record("size", "512")].concat(), file("x")),
        ),
        (
            "a header that says the name twice",
            pax(&[record("path", "a"), record("path", "b")].concat(), file("x")),
        ),
        ("a size of no number", pax(&record("size", "-1"), file("x"))),
        ("a size beyond all", pax(&record("size", "18446744073709551615"), file("x"))),
        ("a size that the rest has not", pax(&record("size", "5000"), file("x"))),
        (
            "a sparse map",
            pax(&[record("GNU.sparse.major", "1"), record("GNU.sparse.name", "x")].concat(), file("x")),
        ),
        ("a file larger than any", vec![sized(u64::MAX >> 1)]),
        ("a file larger than the disk", vec![sized(1 << 60), Piece::Many(1 << 20, 0)]),
        (
            "two names for one",
            long(GNULongName, "a", head("././@LongLink", GNULongName, "", 1))
                .into_iter()
                .chain([Piece::Content(b"b".to_vec()), file("x")])
                .collect(),
        ),
        ("one file twice", vec![file("f"), file("f")]),
        ("a link in a file's place", vec![file("f"), link("./f", "g")]),
        ("a file in a folder's place", vec![folder("d"), file("d")]),
        ("a file in a file", vec![file("f"), file("f/x")]),
        ("a wrong checksum", vec![Piece::Raw(vec![b'x'; 512])]),
        ("half a header", vec![file("f"), Piece::Raw(vec![b'x'; 100])]),
        ("nothing but a name", vec![head("L", GNULongName, "", 1), Piece::Content(b"a".to_vec())]),
        ("something after the end", vec![file("f"), Piece::Raw(vec![0; 1024]), file("g")]),
        (
            "a manifest and no seal",
            vec![head("manifest.json", Regular, "", 2), Piece::Content(b"{}".to_vec())],
        ),
        (
            "a manifest that is none",
            vec![head("manifest.json", Regular, "", 4), Piece::Content(b"null".to_vec())],
        ),
        ("nothing that can be restored", vec![file("f")]),
    ]
}

#[test]
fn no_hostile_archive_does_harm_or_takes_much_memory() {
    let cases = cases();
    let next = std::sync::Mutex::new(cases.iter());
    let most = std::sync::Mutex::new((0, ""));
    assert!(cases.len() >= 60);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                loop {
                    let Some((what, pieces)) = next.lock().unwrap().next() else { break };
                    let archive = |path: &Path| {
                        let mut zstd =
                            zstd::stream::write::Encoder::new(fs::File::create(path).unwrap(), 1).unwrap();
                        pieces.iter().for_each(|piece| blocks(piece, &mut zstd));
                        zstd.write_all(&[0; 1024]).unwrap();
                        zstd.finish().unwrap();
                    };
                    let peak = refused(what, &archive);
                    let mut most = most.lock().unwrap();
                    *most = (*most).max((peak, *what));
                }
            });
        }
    });
    let (peak, what) = *most.lock().unwrap();
    println!("{} hostile archives: refused; the most memory was {} MiB, for {what}", cases.len(), peak >> 10);
}

#[test]
fn very_many_members_take_no_more_memory() {
    let count = if chance::is_long() { 1_000_000 } else { 250_000 };
    let archive = |path: &Path| {
        let mut members = (0..count).map(|n| file(&format!("d{}/f{n}", n % 100))).chain([file("d1/f1")]);
        write(path, &mut members);
    };
    let peak = refused("very many members, the last of them twice", &archive);
    println!("{count} members: {} MiB", peak >> 10);
}

#[test]
fn a_window_of_2_gib_takes_no_more_memory() {
    let archive = |path: &Path| {
        let mut zstd = zstd::stream::write::Encoder::new(fs::File::create(path).unwrap(), 1).unwrap();
        zstd.window_log(27).unwrap();
        blocks(&head("f", EntryType::Regular, "", 200 << 20), &mut zstd);
        blocks(&Piece::Many(200 << 20, 0), &mut zstd);
        zstd.write_all(&[0; 1024]).unwrap();
        zstd.finish().unwrap();
    };
    println!("a large window: {} MiB", refused("a large window", &archive) >> 10);
}

/// An archive that is whole, with these parts.
fn whole(path: &Path, server: &str, parts: Vec<Part>) {
    let about = About { server: server.into(), kind: "plain".into(), parts, ..About::default() };
    let watch = Watch { stop: &|| false, warn: &|_| {}, own: &Own::default() };
    let members = ["x", "home/data"]
        .map(|name| Member { name: name.into(), content: Content::Bytes(b"harm".to_vec()) });
    create(path, &Keys::default(), &members, about, &banister::internals::kind::Archive::default(), &watch)
        .unwrap()
        .finish()
        .unwrap();
}

#[test]
fn places_come_from_the_site_and_never_from_an_archive() {
    let files = |path: &str| Part::Files { name: "x".into(), path: path.into() };
    let parts = [
        files("/etc/sudoers.d/x"),
        files("../../x"),
        files("~/.ssh/authorized_keys"),
        files("~/.ssh"),
        files("~root/.ssh"),
        files("~/data/../.ssh"),
        files("/srv/other/data"),
        files("~/data2"),
        files("~"),
        files("/"),
        files(""),
        files("."),
        files(".git/hooks"),
        Part::Volume { name: "x".into(), volume: "/etc".into() },
        Part::Volume { name: "x".into(), volume: "--privileged".into() },
        Part::Search {
            name: "x".into(),
            service: "search".into(),
            port: 9200,
            folder: "/etc".into(),
            inside: "/".into(),
            snapshot: "s".into(),
            documents: BTreeMap::new(),
            indices: Default::default(),
        },
    ];
    let mut most = 0;
    for part in parts {
        let what = format!("{part:?}");
        let archive = |path: &Path| whole(path, "web", vec![part.clone()]);
        most = most.max(refused(&what, &archive));
    }
    println!("16 lying manifests: the most memory was {} MiB", most >> 10);
    // With a word that says which place, and what to do.
    let world = world();
    let path = world.path().join("kept/web-1.tar.zst");
    whole(&path, "web", vec![files("/etc/sudoers.d/x")]);
    let said = world.banister(&["backup", "restore", &path.display().to_string(), "--yes"]);
    assert!(said.err.contains("`/etc/sudoers.d/x` in the archive `"), "{said:?}");
    assert!(said.err.contains("is no place of `web`"), "{said:?}");
    assert!(said.err.contains("add it to `backup` in `site.toml`"), "{said:?}");
}

/// A manifest of this text, after one member.
fn manifest(path: &Path, pieces: &mut dyn Iterator<Item = Vec<u8>>, length: u64) {
    let mut zstd = zstd::stream::write::Encoder::new(fs::File::create(path).unwrap(), 1).unwrap();
    blocks(&file("home/data"), &mut zstd);
    blocks(&head("manifest.json", EntryType::Regular, "", length), &mut zstd);
    pieces.for_each(|piece| zstd.write_all(&piece).unwrap());
    zstd.write_all(&vec![0; (length.next_multiple_of(512) - length) as usize]).unwrap();
    zstd.write_all(&[0; 1024]).unwrap();
    zstd.finish().unwrap();
}

#[test]
fn a_manifest_of_any_size_takes_no_more_memory() {
    let cases: [(&str, &str, &str, &str, u64); 7] = [
        ("a label of 300 MB", "{\"label\":\"", "a", "\"}", 300_000_000),
        ("a list of nothing", "{\"not_included\":[\"\"", ",\"\"", "]}", 30_000_000),
        ("a list of numbers", "{\"changed\":[0", ",0", "]}", 60_000_000),
        ("deep lists", "", "[", "", 100_000_000),
        (
            "many parts",
            "{\"parts\":[{\"kind\":\"output\",\"name\":\"a\"}",
            ",{\"kind\":\"output\",\"name\":\"a\"}",
            "]}",
            3_000_000,
        ),
        ("many keys", "{\"a\":0", ",\"a\":0", "}", 30_000_000),
        (
            "many members",
            "{\"format\":1,\"members\":[{\"name\":\"a\",\"sort\":\"file\",\"mode\":0,\"size\":0,\"sha256\":\"\"}",
            ",{\"name\":\"a\",\"sort\":\"file\",\"mode\":0,\"size\":0,\"sha256\":\"\"}",
            "]}",
            2_000_000,
        ),
    ];
    for (what, begin, again, end, times) in cases {
        let length = (begin.len() + end.len()) as u64 + times * again.len() as u64;
        let archive = |path: &Path| {
            let many = 10_000;
            let chunk = again.repeat(many as usize).into_bytes();
            let begin = std::iter::once(begin.as_bytes().to_vec());
            let chunks = std::iter::repeat_n(chunk, (times / many) as usize);
            manifest(path, &mut begin.chain(chunks).chain([end.as_bytes().to_vec()]), length);
        };
        println!("{what}: {} MiB", refused(what, &archive) >> 10);
    }
}

/// It made a setuid program of whatever an archive said was one.
#[test]
fn a_program_of_another_machine_loses_what_lets_it_run_as_its_owner() {
    use std::os::unix::fs::PermissionsExt;
    let world = world();
    let program = world.path().join("data/program");
    fs::write(&program, "#!/bin/sh\n").unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o6755)).unwrap();
    assert_eq!(world.banister(&["run", "backup", "--yes"]).code, Some(0));
    let mode = || program.metadata().unwrap().permissions().mode() & 0o7777;
    let name = fs::read_dir(world.path().join("kept")).unwrap().map(|it| it.unwrap().path());
    let name = name.map(|path| path.display().to_string()).find(|path| path.ends_with(".tar.zst")).unwrap();
    let said = world.banister(&["backup", "restore", &name, "--yes"]);
    assert_eq!((said.code, mode()), (Some(0), 0o6755), "{said:?}");
    assert!(!said.out.contains("It was made by another"), "{said:?}");
    // The key of the records is another one there.
    fs::rename(world.path().join("state"), world.path().join("state-before")).unwrap();
    let said = world.banister(&["backup", "restore", &name, "--yes"]);
    assert_eq!((said.code, mode()), (Some(0), 0o755), "{said:?}");
    let told = "It was made by another user, machine or program; it replaces: ~/data. \
                These lose their setuid and setgid bits: home/data/program.";
    assert!(said.out.contains(told), "{said:?}");
}
