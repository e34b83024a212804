//! Encrypted archives, with the real `age` and the real `gpg`.

use crate::support::chance::Chance;

use super::{ENDINGS, member, names, sample};
use banister::failure::{Failure, Kind, Result};
use banister::internals::machine::archive::{
    About, Created, Keys, Manifest, Member, Own, Watch, create, is_readable, try_keys, unpack, verify_until,
};
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// Keys of one program, in a folder of their own.
pub struct Held {
    pub folder: tempfile::TempDir,
    ending: &'static str,
    pub keys: Keys,
}

impl Drop for Held {
    /// The agent of `gpg` would wait for more.
    fn drop(&mut self) {
        if self.ending == "gpg" {
            let home = &self.keys.environment["GNUPGHOME"];
            let _ = Command::new("gpgconf").args(["--kill", "all"]).env("GNUPGHOME", home).output();
        }
    }
}

fn done(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn is_there(program: &str) -> bool {
    let found = Command::new(program).arg("--version").output().is_ok();
    if !found {
        eprintln!("SKIPPED: THERE IS NO PROGRAM `{program}` TO TEST ENCRYPTED ARCHIVES WITH");
    }
    found
}

/// A new key of `age`: the file with it, and its public half.
fn age_key(folder: &Path, name: &str) -> (PathBuf, String) {
    let file = folder.join(name);
    done(Command::new("age-keygen").arg("-o").arg(&file));
    let public = done(Command::new("age-keygen").arg("-y").arg(&file)).stdout;
    (file, String::from_utf8(public).unwrap().trim().to_owned())
}

pub fn age() -> Option<Held> {
    is_there("age").then(|| {
        let folder = tempfile::tempdir().unwrap();
        let (own, recipient) = age_key(folder.path(), "own.txt");
        let (_, other) = age_key(folder.path(), "other.txt");
        let recipients = vec![recipient, other];
        Held { keys: Keys { recipients, identity: Some(own), ..Keys::default() }, folder, ending: "age" }
    })
}

fn gpg() -> Option<Held> {
    is_there("gpg").then(|| {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().join("gnupg");
        fs::create_dir(&home).unwrap();
        fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
        done(
            Command::new("gpg")
                .args(["--batch", "--passphrase", "", "--quick-generate-key", "backup@example.org"])
                .args(["future-default", "default", "never"])
                .env("GNUPGHOME", &home),
        );
        let environment = BTreeMap::from([("GNUPGHOME".into(), home.display().to_string())]);
        let recipients = vec!["gpg:backup@example.org".into()];
        Held { keys: Keys { recipients, identity: None, environment }, folder, ending: "gpg" }
    })
}

fn both() -> Vec<Held> {
    [age(), gpg()].into_iter().flatten().collect()
}

fn make(path: &Path, keys: &Keys, members: &[Member]) -> Result<Created> {
    create(
        path,
        keys,
        members,
        About::default(),
        &banister::internals::kind::Archive::default(),
        &Watch { stop: &|| false, warn: &|_| {}, own: &Own::default() },
    )?
    .finish()
}

pub fn verify(path: &Path, keys: &Keys) -> std::result::Result<(), Failure> {
    verify_until(path, keys, &|| false).map(|_| ())
}

fn without_identity(keys: &Keys) -> Keys {
    Keys { identity: None, ..keys.clone() }
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn an_encrypted_archive_is_private_and_what_was_there_comes_out_of_it() {
    for held in both() {
        let data = sample(held.folder.path());
        for ending in ENDINGS {
            let backups = held.folder.path().join("backups");
            let path = backups.join(format!("one.{ending}.{}", held.ending));
            let created = make(&path, &held.keys, &[member("data", &data)]).unwrap();
            let (manifest, members) = verify_until(&path, &held.keys, &|| false).unwrap();
            let members = members.filter(|_| true).unwrap();
            assert_eq!(Manifest { members, ..manifest }, created.manifest);
            assert!(try_keys(&held.keys, &|| false).unwrap());
            assert_eq!(created.bytes, fs::metadata(&path).unwrap().len());
            assert_eq!(created.sha256, banister::internals::machine::files::sha256(&path).unwrap());
            assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
            assert_eq!(names(&backups), [path.file_name().unwrap().to_str().unwrap()]);

            let out = held.folder.path().join("out");
            unpack(&path, &held.keys, &out, &|| false, &|_| Ok(())).unwrap();
            let mut same = Command::new("diff");
            done(same.args(["-r", "--no-dereference"]).arg(&data).arg(out.join("data")));

            let mut decrypt = match &held.keys.identity {
                Some(identity) => {
                    let mut age = Command::new("age");
                    age.arg("-d").arg("-i").arg(identity);
                    age
                }
                None => {
                    let mut gpg = Command::new("gpg");
                    gpg.args(["--batch", "--decrypt"]).envs(&held.keys.environment);
                    gpg
                }
            };
            let inner = held.folder.path().join(format!("inner.{ending}"));
            let clear = done(decrypt.arg(&path)).stdout;
            fs::write(&inner, &clear).unwrap();
            super::verify(&inner).unwrap();
            let encrypted = fs::read(&path).unwrap();
            assert!(clear.chunks_exact(1000).all(|part| !holds(&encrypted, &part[..16])));
            let listed = done(Command::new("tar").arg("-tf").arg(&inner)).stdout;
            assert!(holds(&listed, b"data/deep/text\n"));
            fs::remove_file(&path).unwrap();
        }
    }
}

#[test]
fn every_changed_byte_of_an_encrypted_archive_is_found_and_every_cut() {
    let mut chance = Chance::of(44);
    for held in both() {
        let data = sample(held.folder.path());
        let path = held.folder.path().join(format!("one.tar.zst.{}", held.ending));
        make(&path, &held.keys, &[member("data", &data)]).unwrap();
        let good = fs::read(&path).unwrap();
        let length = good.len() as u64;
        let places: Vec<u64> = (0..20)
            .chain(length - 20..length)
            .chain((0..60).map(|_| chance.below(length as usize) as u64))
            .collect();
        for place in places {
            let mut bad = good.clone();
            bad[place as usize] ^= 1 << chance.below(8);
            fs::write(&path, &bad).unwrap();
            let failure = verify(&path, &held.keys).expect_err(&format!("{} {place}", held.ending));
            assert_eq!(failure.kind, Kind::Refused, "{} {place}: {failure}", held.ending);
        }
        let cuts =
            (0..3).chain(length - 20..length).chain((0..20).map(|_| chance.below(length as usize) as u64));
        for place in cuts.collect::<Vec<_>>() {
            fs::write(&path, &good[..place as usize]).unwrap();
            let failure = verify(&path, &held.keys).expect_err(&format!("{} {place}", held.ending));
            assert_eq!(failure.kind, Kind::Refused, "{} {place}: {failure}", held.ending);
        }
        fs::write(&path, [&good[..], b"\0"].concat()).unwrap();
        assert_eq!(verify(&path, &held.keys).unwrap_err().kind, Kind::Refused, "{}", held.ending);
        fs::write(&path, &good).unwrap();
        verify(&path, &held.keys).unwrap();
    }
}

#[test]
fn a_key_that_is_wrong_or_missing_is_named() {
    for held in both() {
        let data = sample(held.folder.path());
        let path = held.folder.path().join(format!("one.tar.gz.{}", held.ending));
        make(&path, &held.keys, &[member("data", &data)]).unwrap();
        let without = match held.ending {
            "age" => without_identity(&held.keys),
            _ => {
                let home = held.folder.path().join("empty");
                fs::create_dir(&home).unwrap();
                fs::set_permissions(&home, fs::Permissions::from_mode(0o700)).unwrap();
                let environment = BTreeMap::from([("GNUPGHOME".into(), home.display().to_string())]);
                let public = held.folder.path().join("public");
                let gpg = |home: &BTreeMap<String, String>| {
                    let mut gpg = Command::new("gpg");
                    gpg.arg("--batch").envs(home);
                    gpg
                };
                fs::write(&public, done(gpg(&held.keys.environment).arg("--export")).stdout).unwrap();
                done(gpg(&environment).arg("--import").arg(&public));
                Keys { environment, ..held.keys.clone() }
            }
        };
        assert!(!try_keys(&without, &|| false).unwrap());
        assert!(is_readable(&path, &held.keys, &|| false).unwrap());
        assert!(!is_readable(&path, &without, &|| false).unwrap());
        let failure = verify(&path, &without).unwrap_err();
        assert!(failure.message.ends_with("can't be looked into: it is encrypted"), "{failure:?}");
        let help = failure.help.unwrap();
        assert!(help.contains(if held.ending == "age" { "`identity`" } else { "gpg --import" }), "{help}");
        let into = held.folder.path().join("into");
        assert_eq!(unpack(&path, &without, &into, &|| false, &|_| Ok(())).unwrap_err().kind, Kind::Refused);
        assert!(!into.exists());
    }
    let Some(held) = age() else { return };
    let path = held.folder.path().join("one.tar.gz.age");
    make(&path, &held.keys, &[member("own", held.folder.path().join("own.txt"))]).unwrap();
    let (stranger, _) = age_key(held.folder.path(), "stranger.txt");
    for (identity, said) in [(stranger, "no identity matched"), ("/none/key.txt".into(), "/none/key.txt")] {
        let wrong = Keys { identity: Some(identity), ..held.keys.clone() };
        for failure in [verify(&path, &wrong).unwrap_err(), try_keys(&wrong, &|| false).unwrap_err()] {
            assert!(failure.message.ends_with("can't be decrypted"), "{failure:?}");
            assert!(failure.why[0].contains(said) && !failure.why[0].contains("report"), "{failure:?}");
            assert!(failure.help.unwrap().contains("`identity` in `site.toml`"));
        }
    }
}

#[test]
fn a_recipient_that_is_none_and_a_program_that_is_missing_leave_nothing() {
    for held in both() {
        let data = sample(held.folder.path());
        let backups = held.folder.path().join("backups");
        let path = backups.join(format!("one.tar.gz.{}", held.ending));
        let none = if held.ending == "age" { "age1none" } else { "gpg:none@example.org" };
        let wrong = Keys { recipients: vec![none.into()], ..held.keys.clone() };
        let failures = [
            make(&path, &wrong, &[member("data", &data)]).unwrap_err(),
            try_keys(&wrong, &|| false).unwrap_err(),
        ];
        for failure in failures {
            assert_eq!(failure.kind, Kind::CommandFailed, "{failure:?}");
            assert!(failure.message.ends_with("can't be encrypted"), "{failure:?}");
            assert!(failure.why[0].starts_with(&format!("{}: ", held.ending)), "{failure:?}");
            assert!(failure.help.unwrap().contains("`recipients` in `site.toml`"));
        }

        let environment = BTreeMap::from([("PATH".to_owned(), "/none".to_owned())]);
        let missing = Keys { environment, ..held.keys.clone() };
        let package = if held.ending == "age" { "apt-get install age" } else { "apt-get install gnupg" };
        for failure in [
            make(&path, &missing, &[member("data", &data)]).unwrap_err(),
            try_keys(&missing, &|| false).unwrap_err(),
        ] {
            assert_eq!(failure.kind, Kind::NotFound, "{failure:?}");
            assert!(failure.help.as_ref().unwrap().contains(package), "{failure:?}");
        }

        // Never in the clear under such a name.
        let failure = make(&path, &Keys::default(), &[member("data", &data)]).unwrap_err();
        assert!(failure.help.unwrap().contains("`recipients`"));
        let gone = make(&path, &held.keys, &[member("gone", held.folder.path().join("gone"))]).unwrap_err();
        assert_eq!(gone.kind, Kind::NotFound, "{gone:?}");
        assert_eq!(names(&backups), Vec::<String>::new());
    }
}

/// An `age` that does as the script says.
fn false_age(folder: &Path, script: &str) -> Keys {
    let bin = folder.join("bin");
    fs::create_dir_all(&bin).unwrap();
    fs::write(bin.join("age"), format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(bin.join("age"), fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap());
    let environment = BTreeMap::from([("PATH".to_owned(), path)]);
    Keys { recipients: vec!["age1x".into()], identity: Some("/none".into()), environment }
}

#[test]
fn a_program_that_is_killed_or_interrupted_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let data = sample(folder.path());
    let backups = folder.path().join("backups");
    let path = backups.join("one.tar.gz.age");
    let members = [member("data", &data)];

    let killed = false_age(folder.path(), "head -c 70000; kill -9 $$");
    let failure = make(&path, &killed, &members).unwrap_err();
    assert_eq!(failure.kind, Kind::CommandFailed, "{failure:?}");
    assert!(failure.why[0].contains("was killed by signal 9"), "{failure:?}");
    assert_eq!(names(&backups), Vec::<String>::new());

    // It never reads: the pipe fills, and whoever writes must still hear of the interruption.
    let pid = folder.path().join("pid");
    let idle = false_age(folder.path(), &format!("echo $$ > {}; exec sleep 600", pid.display()));
    let asked = Cell::new(0);
    let stop = || {
        asked.set(asked.get() + 1);
        asked.get() > 40
    };
    let watch = Watch { stop: &stop, warn: &|_| {}, own: &Own::default() };
    let begun = Instant::now();
    let failure = create(
        &path,
        &idle,
        &members,
        About::default(),
        &banister::internals::kind::Archive::default(),
        &watch,
    )
    .unwrap_err();
    assert_eq!(failure.kind, Kind::Interrupted, "{failure:?}");
    assert!(begun.elapsed() < Duration::from_secs(30));
    assert_eq!(names(&backups), Vec::<String>::new());
    let pid = fs::read_to_string(pid).unwrap();
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "it was left behind");

    // Neither does one that never answers keep a reader.
    fs::write(&path, "x").unwrap();
    asked.set(0);
    let failure = verify_until(&path, &idle, &stop).unwrap_err();
    assert_eq!(failure.kind, Kind::Interrupted, "{failure:?}");
}
