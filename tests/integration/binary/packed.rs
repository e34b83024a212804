//! The program of a release is in a tar, which has more in it.

use super::publisher::{
    Forge, Release, assert_state, leavings, machine, program, release, sha256, site, state,
};
use crate::support::World;
use sha2::{Digest, Sha512};
use std::io::Write;

fn sha512(bytes: &[u8]) -> String {
    Sha512::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A tar with these files, and a link.
fn tar(files: &[(&str, &[u8])], link: (&str, &str)) -> Vec<u8> {
    let mut tar = tar::Builder::new(Vec::new());
    for (name, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o755);
        tar.append_data(&mut header, name, *content).unwrap();
    }
    let mut header = tar::Header::new_gnu();
    header.set_size(0);
    header.set_entry_type(tar::EntryType::Symlink);
    tar.append_link(&mut header, link.0, link.1).unwrap();
    tar.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A release whose program is in a folder of its tar.
fn packed(version: &str, more: &str, pack: fn(&[u8]) -> Vec<u8>) -> Release {
    let folder = format!("./app-{version}");
    let (readme, app) = (format!("{folder}/README.md"), format!("{folder}/bin/app"));
    let link = (&*format!("{folder}/latest"), "bin/app");
    let body = pack(&tar(&[(&readme, b"# app\n"), (&app, &program(version, more))], link));
    Release { body, ..release(version, more) }
}

const PACKED: &str = "packed = \"app-{}/bin/app\"\nsha256 = \"app-{}-linux.sha256\"\n";

fn forge() -> Forge {
    let zstd = |tar: &[u8]| zstd::encode_all(tar, 1).unwrap();
    let mut releases = [
        packed("3.0.0", "bad", gzip),
        packed("2.0.0", "good", zstd),
        packed("1.1.0", "good", gzip),
        packed("1.0.0", "good", <[u8]>::to_vec),
    ];
    for release in &mut releases {
        let name = format!("app-{}-linux", release.tag.trim_start_matches('v'));
        // Of several files, and for one release of the other sort.
        let other = "0".repeat(128);
        release.sums = Some(match release.tag.as_str() {
            "v2.0.0" => format!("{}  other\n{}  {name}\n", "0".repeat(64), sha256(&release.body)),
            _ => format!("{other}  other\n{}  {name}\n", sha512(&release.body)),
        });
    }
    Forge::start(releases.to_vec())
}

fn world(forge: &Forge) -> World {
    let world = machine(forge);
    site(&world, forge, PACKED);
    world
}

#[test]
fn the_program_is_taken_out_of_its_folder_in_the_tar() {
    let forge = forge();
    let world = world(&forge);
    let said = world.banister(&["check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let plan = world.banister(&["plan", "update", "--to", "v1.1.0"]);
    assert!(plan.out.contains(", sha512:") && plan.out.contains(" (`app-1.1.0-linux.sha256`)"), "{plan:?}");
    for (tag, version) in [("v1.1.0", "1.1.0"), ("v2.0.0", "2.0.0")] {
        let said = world.banister(&["run", "update", "--to", tag, "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_state(&world, version, &said);
        assert!(world.banister(&["status", "--json"]).out.contains(&format!("\"release\":\"{tag}\"")));
    }
    let said = world.banister(&["run", "update", "--yes", "--on-failure", "stop"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let said = world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_state(&world, "2.0.0", &said);
}

#[test]
fn an_update_that_is_killed_anywhere_ends_with_the_program_of_the_tar() {
    let forge = forge();
    let whole = world(&forge);
    let update = ["run", "update", "--to", "v1.1.0", "--yes"];
    assert_eq!(whole.banister(&update).code, Some(0));
    for record in (1..whole.records()).step_by(7) {
        let world = world(&forge);
        let place = format!("before {record}");
        world.crash(&update, &place);
        let said = world.banister(&["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        assert_state(&world, "1.1.0", &said);
    }
}

#[test]
fn what_is_no_tar_or_has_no_such_program_is_refused_before_anything_is_stopped() {
    let good = program("1.1.0", "good");
    let of = |files: &[(&str, &[u8])]| gzip(&tar(files, ("app-1.1.0/bin/app", "/etc/passwd")));
    let cases: [(Vec<u8>, &[&str]); 4] = [
        (
            gzip(&tar(&[("app/app", &good), ("app/README", b"a")], ("x", "y"))),
            &["has no file `app-1.1.0/bin/app` in it", "it has app/app, app/README"],
        ),
        (of(&[]), &["`app-1.1.0/bin/app` in what was fetched is no plain file"]),
        (good.clone(), &["what was fetched is no tar that can be unpacked"]),
        (
            gzip(&tar(&[("app-1.1.0/bin/app", &good)], ("x", "y")))[..300].to_vec(),
            &["what was fetched is no tar that can be unpacked"],
        ),
    ];
    for (body, told) in cases {
        let forge = forge();
        let sums = Some(format!("{}  app-1.1.0-linux\n", sha512(&body)));
        forge.change(|shop| shop.releases[2] = Release { body, sums, ..release("1.1.0", "good") });
        let world = world(&forge);
        let said = world.banister(&["run", "update", "--to", "v1.1.0", "--yes"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        for told in told {
            assert!(said.err.contains(told), "{told}: {said:?}");
        }
        assert_eq!(state(&world), ("1.0.0".into(), "1.0.0".into(), "of 1.0.0".into()), "{said:?}");
        assert_eq!(world.read("trace"), "", "{said:?}");
        assert!(!leavings(&world).iter().any(|name| name.ends_with(".part")), "{said:?}");
    }
    let forge = forge();
    forge.change(|shop| {
        shop.releases[2].sums = Some(format!("{}  app-1.1.0-linux\n", "1".repeat(128)));
    });
    let world = world(&forge);
    let said = world.banister(&["run", "update", "--to", "v1.1.0", "--yes"]);
    assert!(said.code == Some(1) && said.err.contains("says sha512:1111"), "{said:?}");
    assert_eq!(leavings(&world), Vec::<String>::new(), "{said:?}");
}

#[test]
fn a_tar_without_a_word_of_what_is_packed_in_it_is_refused_before_anything_is_stopped() {
    let forge = forge();
    let world = machine(&forge);
    site(&world, &forge, PACKED.lines().last().unwrap());
    let said = world.banister(&["run", "update", "--to", "v1.1.0", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("what was fetched is an archive, and no program"), "{said:?}");
    assert!(said.err.contains("`packed` in site.toml"), "{said:?}");
    assert_eq!(state(&world), ("1.0.0".into(), "1.0.0".into(), "of 1.0.0".into()), "{said:?}");
    assert_eq!(world.read("trace"), "", "{said:?}");
}
