//! Archives that somebody made to do harm: refused before anything is written.

use banister::failure::Kind;
use banister::internals::machine::archive::{About, Content, Keys, Own, Watch, create, unpack};
use banister::internals::machine::part::Part;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use tar::{EntryType, Header};

struct Member<'a> {
    name: &'a [u8],
    sort: EntryType,
    target: &'a str,
    /// What the header says; so many zeros follow.
    size: u64,
}

fn member<'a>(name: &'a str, sort: EntryType, target: &'a str) -> Member<'a> {
    Member { name: name.as_bytes(), sort, target, size: 0 }
}

/// Written by hand: no library writes such names.
fn write(path: &Path, members: &[Member]) {
    let mut gzip = GzEncoder::new(fs::File::create(path).unwrap(), Compression::fast());
    for member in members {
        let mut header = Header::new_gnu();
        header.as_old_mut().name[..member.name.len()].copy_from_slice(member.name);
        header.set_entry_type(member.sort);
        header.as_old_mut().linkname[..member.target.len()].copy_from_slice(member.target.as_bytes());
        header.set_mode(0o644);
        header.set_size(member.size);
        header.set_mtime(0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_cksum();
        gzip.write_all(header.as_bytes()).unwrap();
        std::io::copy(&mut std::io::repeat(0).take(member.size.next_multiple_of(512)), &mut gzip).unwrap();
    }
    gzip.write_all(&[0; 1024]).unwrap();
    gzip.finish().unwrap();
}

#[test]
fn an_archive_that_leads_out_of_its_folder_is_refused_and_nothing_is_written() {
    use EntryType::{Block, Char, Continuous, Directory, Fifo, Link, Regular, Symlink};
    let outside = tempfile::tempdir().unwrap();
    let absolute = outside.path().join("x").display().to_string();
    let cases: Vec<(&str, Vec<Member>)> = vec![
        ("upwards", vec![member("../x", Regular, "")]),
        ("upwards later", vec![member("a/../../x", Regular, "")]),
        ("absolute", vec![member(&absolute, Regular, "")]),
        ("a link to an absolute path", vec![member("l", Symlink, "/etc/passwd")]),
        ("a link upwards", vec![member("a/l", Symlink, "../../x")]),
        ("through a link", vec![member("l", Symlink, "a"), member("l/x", Regular, "")]),
        ("a link in a file's place", vec![member("f", Regular, ""), member("./f", Symlink, "g")]),
        ("a hard link", vec![member("h", Link, "/etc/passwd")]),
        ("a device", vec![member("d", Char, "")]),
        ("a disk", vec![member("d", Block, "")]),
        ("a pipe", vec![member("p", Fifo, "")]),
        ("an old sort of file", vec![member("c", Continuous, "")]),
        ("no name", vec![member("", Regular, "")]),
        (
            "a good one before",
            vec![member("a", Directory, ""), member("a/f", Regular, ""), member("../x", Regular, "")],
        ),
    ];
    for (what, members) in cases {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.tar.gz");
        write(&archive, &members);
        let into = folder.path().join("into");
        let failure = unpack(&archive, &Keys::default(), &into, &|| false, &|_| Ok(())).unwrap_err();
        assert_eq!(failure.kind, Kind::Refused, "{what}: {failure}");
        assert!(!into.exists(), "{what}");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0, "{what}");
    }
}

#[test]
fn a_manifest_whose_parts_lead_out_or_are_missing_is_refused() {
    let cases = ["../x", "/etc/passwd", "config/../../x", "", ".", "gone"].map(|name| {
        let name = name.to_owned();
        let rows = Default::default();
        Part::Database {
            name,
            service: "db".into(),
            database: "hoss_core".into(),
            engine: Default::default(),
            rows,
        }
    });
    let more = [
        Part::Files { name: "../../.ssh".into(), path: "~/.ssh".into() },
        Part::Volume { name: "..".into(), volume: "one".into() },
    ];
    for part in cases.into_iter().chain(more) {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.tar.gz");
        let about = About { parts: vec![part.clone()], ..About::default() };
        let watch = Watch { stop: &|| false, warn: &|_| {}, own: &Own::default() };
        let member = super::Member { name: "config".into(), content: Content::Bytes(b"x".to_vec()) };
        create(
            &archive,
            &Keys::default(),
            &[member],
            about,
            &banister::internals::kind::Archive::default(),
            &watch,
        )
        .unwrap()
        .finish()
        .unwrap();
        let into = folder.path().join("into");
        let failure = unpack(&archive, &Keys::default(), &into, &|| false, &|_| Ok(())).unwrap_err();
        assert_eq!(failure.kind, Kind::Refused, "{part:?}: {failure}");
        assert!(!into.exists(), "{part:?}");
    }
}

#[test]
fn a_time_that_no_clock_can_say_does_no_harm() {
    for time in [u64::MAX, i64::MAX as u64, 1 << 40] {
        let folder = tempfile::tempdir().unwrap();
        let archive = folder.path().join("a.tar.gz");
        let mut gzip = GzEncoder::new(fs::File::create(&archive).unwrap(), Compression::fast());
        let mut tar = Vec::new();
        for (name, sort) in [("d/", EntryType::Directory), ("d/f", EntryType::Regular)] {
            let mut header = Header::new_gnu();
            header.set_path(name).unwrap();
            header.set_entry_type(sort);
            header.set_mode(0o755);
            header.set_size(0);
            header.set_mtime(time);
            header.set_uid(0);
            header.set_gid(0);
            header.set_cksum();
            tar.extend_from_slice(header.as_bytes());
        }
        tar.extend_from_slice(&[0; 1024]);
        gzip.write_all(&tar).unwrap();
        gzip.finish().unwrap();
        let into = folder.path().join("into");
        unpack(&archive, &Keys::default(), &into, &|| false, &|_| Ok(())).unwrap();
        // Nor in the tar of a volume.
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&tar).unwrap();
        let volume = super::Member { name: "v".into(), content: Content::Tar(file) };
        let again = folder.path().join("b.tar.gz");
        super::make(&again, &[volume], "").unwrap();
        unpack(&again, &Keys::default(), &into, &|| false, &|_| Ok(())).unwrap();
    }
}

#[test]
fn an_archive_that_would_not_fit_is_refused_as_soon_as_that_is_seen() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("bomb.tar.gz");
    // Nothing follows the header: it is not read that far.
    let mut gzip = GzEncoder::new(fs::File::create(&archive).unwrap(), Compression::fast());
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..5].copy_from_slice(b"zeros");
    header.set_entry_type(EntryType::Regular);
    header.set_mode(0o644);
    header.set_size(1 << 60);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_cksum();
    gzip.write_all(header.as_bytes()).unwrap();
    gzip.finish().unwrap();
    let into = folder.path().join("into");
    let failure = unpack(&archive, &Keys::default(), &into, &|| false, &|_| Ok(())).unwrap_err();
    assert_eq!(failure.kind, Kind::Refused);
    assert!(failure.to_string().contains("unpacks to"), "{failure}");
    assert!(!into.exists());
}

#[test]
fn a_good_archive_of_another_program_is_unpacked_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("a.tar.gz");
    let file = Member { name: b"./a/f", sort: EntryType::Regular, target: "", size: 70_000 };
    write(
        &archive,
        &[member("./", EntryType::Directory, ""), file, member("./a/l", EntryType::Symlink, "f")],
    );
    let into = folder.path().join("into");
    let contents = unpack(&archive, &Keys::default(), &into, &|| false, &|_| Ok(())).unwrap();
    assert!(contents.manifest.is_none());
    assert_eq!(fs::read(into.join("a/l")).unwrap(), vec![0; 70_000]);
    assert_eq!(fs::metadata(into.join("a/f")).unwrap().permissions().mode() & 0o7777, 0o644);
}
