//! How sites and folders are named, and what is recorded of it.

use crate::support;
use crate::sweep::plain;

use plain::Plain;
use std::process::{Command, Stdio};
use support::awkward::{Awkward, Thing};
use support::said;

#[test]
fn a_run_is_known_however_its_site_is_named() {
    let world = Plain::within(&Awkward::tidy());
    let link = world.folder().join("link");
    std::os::unix::fs::symlink(&world.site, &link).unwrap();
    let called = |site: &str, words: &[&str]| {
        let mut command = world.bare(words);
        match site {
            "" => command.env("BANISTER_SITE", &link),
            site => command.arg("--site").arg(site),
        };
        said(command.output().unwrap())
    };
    let (link, real) = (link.display().to_string(), world.site.display().to_string());
    let file = format!("{real}/../link/site.toml");
    let alone = world.folder().join("alone.toml");
    std::os::unix::fs::symlink(world.site.join("site.toml"), &alone).unwrap();
    let alone = alone.display().to_string();
    let said = called(&link, &["run", "x"]);
    assert!(said.out.contains("failed on web in step `Fail`"), "{said:?}");
    for site in [&link, &real, &file, &alone, ""] {
        let status = called(site, &["status", "--json"]);
        assert!(status.out.contains("\"failed\""), "{site}: {status:?}");
        let begun = called(site, &["run", "x"]);
        assert!(begun.code != Some(1) && begun.err.contains("is unfinished"), "{site}: {begun:?}");
        let shown = called(site, &["show"]);
        assert!(shown.out.contains("failed on web in step `Fail`"), "{site}: {shown:?}");
    }
    std::fs::write(world.site.join("mended"), "").unwrap();
    let said = called("", &["resume"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn a_site_whose_file_has_another_name_is_found_again() {
    let world = Plain::within(&Awkward::tidy());
    let other = world.site.join("other.toml");
    std::fs::rename(world.site.join("site.toml"), &other).unwrap();
    let called = |words: &[&str]| said(world.bare(words).arg("--site").arg(&other).output().unwrap());
    let said = called(&["run", "x"]);
    assert!(said.out.contains("failed on web in step `Fail`"), "{said:?}");
    std::fs::write(world.site.join("mended"), "").unwrap();
    let said = called(&["resume"]);
    assert!(said.out.contains("`x` is done on web"), "{said:?}");
}

#[test]
fn the_next_command_can_be_typed_as_it_stands_where_folders_have_blanks() {
    let world = Plain::within(&Awkward::only(Thing::Paths));
    let site = world.site.display().to_string();
    assert!(site.contains(' '));
    let said = world.banister(&["run", "x"]);
    let next = said.out.lines().last().unwrap().strip_prefix("next:  ").unwrap();
    assert!(next.ends_with(&format!("--site '{site}'")), "{said:?}");
    std::fs::write(world.site.join("mended"), "").unwrap();
    let like = world.bare(&[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("banister() {{ {:?} \"$@\"; }}; {next}", world.program())]);
    shell.env_clear().envs(like.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let said = support::said(shell.stdin(Stdio::null()).output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn a_folder_whose_name_is_not_utf_8_is_refused_before_anything_is_written() {
    use std::os::unix::ffi::OsStrExt;
    let world = Plain::within(&Awkward::tidy());
    let odd = world.folder().join(std::ffi::OsStr::from_bytes(b"Gr\xfc\xdfe"));
    let refused = |command: &mut Command| {
        let said = said(command.output().unwrap());
        assert_eq!(said.code, Some(2), "{said:?}");
        let text = format!("{}{}", said.out, said.err);
        assert!(text.contains("is not UTF-8") && text.contains("nothing was touched"), "{said:?}");
    };
    refused(world.command(&["run", "x"]).env("BANISTER_STATE", &odd));
    assert!(!odd.exists());
    std::fs::rename(&world.site, &odd).unwrap();
    refused(world.bare(&["run", "x"]).arg("--site").arg(&odd));
    refused(world.bare(&["check"]).arg("--site").arg(&odd));
    assert!(!world.state().join("runs").exists() && !odd.join("trace").exists());
}
