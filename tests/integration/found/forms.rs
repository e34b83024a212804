//! Edits of files that are not in the folder as git stores them.

use super::ground::Found;
use crate::support;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use support::chance::part;

const OLD: &str = "one = 1\ntwo = 2\nthree = 3\nfour = 4\nfive = 5\n";

/// What a release makes of the file, and what an administrator makes of it.
fn released(text: &str) -> String {
    text.replace("five = 5", "five = new")
}

fn edited(text: &str) -> String {
    text.replace("one = 1", "one = mine")
}

/// An origin with these attributes, a clone of it in which its file `app` is edited, and a release that changes it, too.
/// `as_here` is how a text is in a folder.
fn world(attributes: &str, config: &[&str], as_here: impl Fn(&str) -> Vec<u8>) -> Found {
    let found = Found::before_the_clone();
    config.iter().for_each(|setting| {
        let (name, value) = setting.split_once('=').unwrap();
        found.git("", &["config", "--global", name, value]);
    });
    found.world.write("origin/.gitattributes", attributes);
    found.git("origin", &["add", ".gitattributes"]);
    std::fs::write(found.path("origin/app"), as_here(OLD)).unwrap();
    found.release("0.1.1", &[]);
    found.git("", &["clone", "-q", "origin", "web"]);
    found.git("web", &["checkout", "-q", "0.1.1"]);
    assert_eq!(here(&found), as_here(OLD), "{attributes}");
    std::fs::write(found.path("web/app"), as_here(&edited(OLD))).unwrap();
    std::fs::write(found.path("origin/app"), as_here(&released(OLD))).unwrap();
    found.release(
        "0.2.0",
        &[("Makefile", "config build up stop:\n\t@test -e ../mended || test $@ != build\n")],
    );
    found.site("edits = [\"app*\", \"link\"]");
    found
}

fn here(found: &Found) -> Vec<u8> {
    std::fs::read(found.path("web/app")).unwrap()
}

/// Plans and updates, goes back, and updates again.
fn is_carried_over_and_back(found: &Found, before: &[u8], after: &[u8]) {
    let planned = found.world.banister(&["plan", "update"]);
    assert!(planned.code == Some(0) && planned.out.contains("Edits of app that are kept"), "{planned:?}");
    let said = found.world.banister(&["run", "update", "--yes"]);
    assert_eq!((said.code, here(found)), (Some(1), after.to_vec()), "{said:?}");
    assert!(said.out.contains("+one = mine") && !said.out.contains("five = 5"), "{said:?}");
    let said = found.world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!((said.code, here(found)), (Some(0), before.to_vec()), "{said:?}");
    found.world.write("mended", "");
    let said = found.world.banister(&["run", "update", "--to", "0.2.0", "--yes"]);
    assert_eq!((said.code, here(found)), (Some(0), after.to_vec()), "{said:?}");
    assert_eq!(found.status(), " M app");
}

fn crlf(text: &str) -> Vec<u8> {
    text.replace('\n', "\r\n").into_bytes()
}

fn utf16(text: &str) -> Vec<u8> {
    let units = std::iter::once(0xfeff).chain(text.encode_utf16());
    units.flat_map(u16::to_le_bytes).collect()
}

#[test]
fn line_ends_encodings_and_ids_are_no_conflict() {
    let plain = |text: &str| text.as_bytes().to_vec();
    let cases = vec![
        ("* eol=crlf\n", &[][..], &crlf as &dyn Fn(&str) -> Vec<u8>),
        ("* text=auto\n", &["core.eol=crlf"], &crlf),
        ("* text=auto\n", &["core.autocrlf=true"], &crlf),
        ("\n", &["core.autocrlf=true"], &crlf),
        ("* text=auto\n", &[], &plain),
        ("app text working-tree-encoding=UTF-16\n", &[], &utf16),
    ];
    for (attributes, config, as_here) in part(cases, 2) {
        eprintln!("{attributes:?} {config:?}");
        let found = world(attributes, config, as_here);
        let both = as_here(&released(&edited(OLD)));
        is_carried_over_and_back(&found, &as_here(&edited(OLD)), &both);
    }
}

#[test]
fn what_a_filter_changes_is_no_conflict() {
    let rot = |text: &str| {
        let turned = |c: char| match c {
            'a'..='m' => (c as u8 + 13) as char,
            'n'..='z' => (c as u8 - 13) as char,
            c => c,
        };
        text.chars().map(turned).collect::<String>().into_bytes()
    };
    let turn = "tr a-mn-z n-za-m";
    let found = world(
        "app filter=rot\n",
        &[&format!("filter.rot.clean={turn}"), &format!("filter.rot.smudge={turn}")],
        rot,
    );
    // In the folder it is turned, and shown as git stores it.
    is_carried_over_and_back(&found, &rot(&edited(OLD)), &rot(&released(&edited(OLD))));
}

#[test]
fn an_id_that_git_expands_is_no_conflict() {
    let found = Found::before_the_clone();
    let old = format!("# $Id$\n{OLD}");
    found.release("0.1.1", &[(".gitattributes", "app ident\n"), ("app", &old)]);
    found.git("", &["clone", "-q", "origin", "web"]);
    found.git("web", &["checkout", "-q", "0.1.1"]);
    found.world.write("web/app", &edited(&found.read("web/app")));
    found.release("0.2.0", &[("app", &released(&old))]);
    found.site("edits = [\"app\"]");
    let said = found.world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let text = found.read("web/app");
    assert!(text.starts_with("# $Id: ") && text.ends_with(&released(&edited(OLD))), "{text}");
    assert_eq!(found.status(), " M app");
}

#[test]
fn mixed_line_ends_and_a_last_line_without_an_end_stay() {
    let plain = |text: &str| text.replacen("two = 2\n", "two = 2\r\n", 1).trim_end().as_bytes().to_vec();
    let found = world("\n", &[], plain);
    is_carried_over_and_back(&found, &plain(&edited(OLD)), &plain(&released(&edited(OLD))));
    // An editor that ends all lines in its own way.
    let found = world("\n", &[], |text| text.as_bytes().to_vec());
    std::fs::write(found.path("web/app"), crlf(&edited(OLD))).unwrap();
    let both = crlf(&released(&edited(OLD)));
    let said = found.world.banister(&["run", "update", "--yes"]);
    assert_eq!((said.code, here(&found)), (Some(1), both), "{said:?}");
}

#[test]
fn the_executable_bit_a_link_and_a_name_of_any_bytes_are_carried_over() {
    let found = Found::before_the_clone();
    let name = std::path::Path::new(std::ffi::OsStr::from_bytes(b"app-\xfc"));
    let write = |folder: &str, text: &str| std::fs::write(found.path(folder).join(name), text).unwrap();
    write("origin", OLD);
    symlink("one", found.path("origin/link")).unwrap();
    found.release("0.1.1", &[("app", OLD)]);
    found.git("", &["clone", "-q", "origin", "web"]);
    found.git("web", &["checkout", "-q", "0.1.1"]);
    write("web", &edited(OLD));
    std::fs::remove_file(found.path("web/link")).unwrap();
    symlink("mine", found.path("web/link")).unwrap();
    std::fs::set_permissions(found.path("web/app"), std::fs::Permissions::from_mode(0o755)).unwrap();
    write("origin", &released(OLD));
    found.release(
        "0.2.0",
        &[
            ("app", &released(OLD)),
            ("Makefile", "config build up stop:\n\t@test -e ../mended || test $@ != build\n"),
        ],
    );
    let state = || {
        let mode = std::fs::metadata(found.path("web/app")).unwrap().permissions().mode() & 0o777;
        let link = std::fs::read_link(found.path("web/link")).unwrap();
        (mode, found.read("web/app"), link, std::fs::read_to_string(found.path("web").join(name)).unwrap())
    };
    let (before, after) = (
        (0o755, OLD.to_owned(), "mine".into(), edited(OLD)),
        (0o755, released(OLD), "mine".into(), released(&edited(OLD))),
    );
    let said = found.world.banister(&["run", "update", "--yes", "--answer", "yes"]);
    assert_eq!((said.code, state()), (Some(1), after.clone()), "{said:?}");
    let said = found.world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!((said.code, state()), (Some(0), before), "{said:?}");
    found.world.write("mended", "");
    found.site("edits = [\"app*\", \"link\"]");
    let said = found.world.banister(&["run", "update", "--to", "0.2.0", "--yes"]);
    assert_eq!((said.code, state()), (Some(0), after), "{said:?}");
}
