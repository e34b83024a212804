//! What administrators and containers have that an archive can't hold as it is: links out of it, names that are no text,
//! files with two names.

use super::{make, member, names};
use banister::failure::Kind;
use banister::internals::machine::archive::{
    Content, Keys, Member, Own, as_tar, below, estimate, unpack, verify,
};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

/// A folder as the tar that `tar` makes of it.
fn volume(folder: &Path) -> Member {
    let tar = tempfile::NamedTempFile::new().unwrap();
    let done =
        Command::new("tar").arg("-cf").arg(tar.path()).arg("-C").arg(folder).arg(".").status().unwrap();
    assert!(done.success());
    Member { name: "volumes/one".into(), content: Content::Tar(fs::File::open(tar.path()).unwrap()) }
}

#[test]
fn a_link_that_leads_out_is_left_out_and_named_and_the_rest_can_be_restored() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("file"), "kept").unwrap();
    symlink("file", data.join("inside")).unwrap();
    symlink("/etc/hostname", data.join("absolute")).unwrap();
    symlink("../../elsewhere", data.join("upwards")).unwrap();
    for (number, members) in [vec![member("data", &data)], vec![volume(&data)]].into_iter().enumerate() {
        let path = folder.path().join(format!("{number}.tar.zst"));
        let created = make(&path, &members, "").unwrap();
        let name = &members[0].name;
        let mut left = created.manifest.about.not_included;
        left.sort();
        assert_eq!(left[0], format!("{name}/absolute"));
        assert!(left.len() <= 2 && verify(&path).is_ok(), "{left:?}");
        let into = folder.path().join(format!("into-{number}"));
        unpack(&path, &Keys::default(), &into, &|| false, &|_| Ok(())).unwrap();
        assert_eq!(fs::read(into.join(name).join("inside")).unwrap(), b"kept");
    }
    // It is what the backup was to be of: nothing of that would be in it.
    symlink(&data, folder.path().join("link")).unwrap();
    let failure =
        estimate(&[member("link", folder.path().join("link"))], &Own::default(), false).unwrap_err();
    assert_eq!(failure.kind, Kind::Refused);
    let help = format!("{:?}", failure.help);
    assert!(help.contains(&format!("name the folder it points to: `{}`", data.display())), "{help}");
    symlink("data", folder.path().join("near")).unwrap();
    let failure =
        estimate(&[member("near", folder.path().join("near"))], &Own::default(), false).unwrap_err();
    assert_eq!(failure.kind, Kind::Refused);
}

#[test]
fn a_file_with_two_names_in_a_volume_is_there_under_both() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    fs::write(data.join("first"), "shared".repeat(1000)).unwrap();
    fs::hard_link(data.join("first"), data.join("second")).unwrap();
    fs::hard_link(data.join("first"), data.join("third")).unwrap();
    fs::write(data.join("zlast"), "last").unwrap();
    let path = folder.path().join("one.tar.gz");
    let created = make(&path, &[volume(&data)], "./").unwrap();
    assert_eq!(created.manifest.about.not_included, Vec::<String>::new());
    let into = folder.path().join("into");
    let contents = unpack(&path, &Keys::default(), &into, &|| false, &|_| Ok(())).unwrap();
    assert_eq!(names(&into.join("volumes/one")), ["first", "second", "third", "zlast"]);
    for name in ["first", "second", "third"] {
        assert_eq!(fs::read_to_string(into.join("volumes/one").join(name)).unwrap(), "shared".repeat(1000));
    }
    // And so it is handed to the volume.
    let members = contents.members.filter(|_| true).unwrap();
    let members = below(&members, "volumes/one");
    let tar = as_tar(&members, "volumes/one", folder.path(), &|name| into.join(name)).unwrap();
    assert_eq!(banister::internals::machine::archive::digests(tar).unwrap().len(), 5);
}

#[test]
fn a_name_in_a_volume_that_is_no_text_is_refused_while_that_can_be_mended() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    fs::create_dir(&data).unwrap();
    let odd = data.join(OsStr::from_bytes(b"caf\xe9"));
    fs::write(&odd, "x").unwrap();
    let path = folder.path().join("one.tar.zst");
    let failure = make(&path, &[volume(&data)], "").unwrap_err();
    assert!(failure.message.contains("caf\\xe9` in `volumes/one`"), "{failure}");
    fs::remove_file(odd).unwrap();
    symlink(OsStr::from_bytes(b"caf\xe9"), data.join("link")).unwrap();
    assert_eq!(make(&path, &[volume(&data)], "").unwrap_err().kind, Kind::Refused);
    assert!(!path.exists());
}
