//! What is published is wrong, or does not arrive: nothing is stopped, and the old file stays.

use super::forge;
use super::publisher::{
    Fault, Forge, Release, assert_state, leavings, machine, program, release, sha256, site, state,
};
use crate::support::{Said, World};

/// It fails before anything is stopped.
fn assert_untouched(world: &World, said: &Said, told: &[&str]) {
    assert_eq!(said.code, Some(1), "{said:?}");
    for told in told {
        assert!(said.err.contains(told), "{told}: {said:?}");
    }
    assert_eq!(state(world), ("1.0.0".into(), "1.0.0".into(), "of 1.0.0".into()), "{said:?}");
    assert_eq!(world.read("trace"), "", "{said:?}");
}

const TO: [&str; 5] = ["run", "update", "--to", "v1.1.0", "--yes"];

fn sold(change: impl FnOnce(&mut Release)) -> (Forge, World) {
    let forge = forge();
    forge.change(|shop| change(&mut shop.releases[2]));
    let world = machine(&forge);
    (forge, world)
}

#[test]
fn a_file_with_another_digest_is_refused_and_removed() {
    let wrong = "0".repeat(64);
    let (forge, world) = sold(|release| release.sums = Some(format!("{wrong} *app-1.1.0-linux\n")));
    let said = world.banister(&TO);
    let digest = format!("its digest is sha256:{} (", sha256(&program("1.1.0", "good")));
    let told = format!("`app-1.1.0-linux.sha256` says sha256:{wrong}");
    assert_untouched(
        &world,
        &said,
        &[
            "`app-1.1.0-linux` is not what was published",
            &digest,
            &told,
            "try again with the command of the last line",
        ],
    );
    assert_eq!(
        (forge.fetched().len(), leavings(&world).iter().filter(|name| name.ends_with(".part")).count()),
        (1, 0)
    );
    // Nothing was changed, so nothing is open. It is corrected, and a new run begins.
    let status = world.banister(&["status"]);
    assert!(status.out.contains("free") && !status.out.contains("banister resume"), "{status:?}");
    forge.change(|shop| shop.releases[2] = release("1.1.0", "good"));
    let said = world.banister(&TO);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_state(&world, "1.1.0", &said);
}

#[test]
fn what_contradicts_itself_or_is_missing_is_refused_by_the_check() {
    let wrong = "1".repeat(64);
    type Change<'a> = &'a dyn Fn(&mut Release);
    let cases: [(Change, &[&str]); 5] = [
        (
            &|release| release.sums = None,
            &["`v1.1.0` has no file `app-1.1.0-linux.sha256`", "it has app-1.1.0-linux"],
        ),
        (
            &|release| release.sums = Some("<html>Sign in</html>".into()),
            &[
                "`app-1.1.0-linux.sha256` says no SHA-256 and no SHA-512 of `app-1.1.0-linux`",
                "it begins with `<html>Sign in</html>`",
            ],
        ),
        (
            &|release| release.sums = Some(format!("{wrong}  app-1.1.0-mac\n{wrong}  b\n")),
            &["says no SHA-256"],
        ),
        (&|release| release.sums = Some(" ".repeat(5 << 20)), &["answered more than 4096 KiB"]),
        (&|release| release.tag = "v1.1.1".into(), &["there is no release `v1.1.0` of git"]),
    ];
    for (change, told) in cases {
        let (forge, world) = sold(change);
        let said = world.banister(&TO);
        assert_untouched(&world, &said, told);
        assert!(said.err.contains("nothing was touched"), "{said:?}");
        assert!(forge.fetched().is_empty() && leavings(&world).is_empty(), "{said:?}");
    }
    let (_forge, world) = sold(|_| ());
    let said = world.banister(&["run", "update", "--to", "1.1.0", "--yes"]);
    assert_untouched(&world, &said, &["there is no release `1.1.0` of git; did you mean `v1.1.0`?"]);

    let forge = forge();
    let github = |digest: &str| Release { digest: Some(digest.into()), ..release("1.1.0", "good") };
    forge.change(|shop| shop.releases[2] = github(&format!("sha256:{wrong}")));
    let world = machine(&forge);
    world.write("site.toml", &world.read("site.toml").replace("forgejo", "github"));
    let said = world.banister(&TO);
    let told = format!("the release page says sha256:{wrong}");
    assert_untouched(&world, &said, &["two digests are published of `app-1.1.0-linux`", &told]);
}

#[test]
fn without_a_digest_it_takes_a_reason() {
    let (forge, world) = sold(|release| release.sums = None);
    site(&world, &forge, "");
    let said = world.banister(&TO);
    assert_untouched(
        &world,
        &said,
        &["no digest of app-1.1.0-linux is published", "unverified = \"REASON\""],
    );
    site(&world, &forge, "unverified = \"built by ourselves\"\n");
    let said = world.banister(&TO);
    assert!(
        said.code == Some(0) && said.out.contains("without a published digest: built by ourselves"),
        "{said:?}"
    );
    assert_state(&world, "1.1.0", &said);
}

#[test]
fn a_transfer_that_is_cut_off_is_continued_and_one_that_ends_too_early_fails() {
    let (forge, world) = sold(|_| ());
    forge.change(|shop| shop.fault = Fault::Cut(10_000));
    let said = world.banister(&TO);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_state(&world, "1.1.0", &said);
    let asked: Vec<String> =
        forge.fetched().iter().map(|line| line.split_once(' ').unwrap().1.to_owned()).collect();
    assert_eq!(asked, ["", "bytes=10000-", "bytes=20000-"]);

    let (forge, world) = sold(|_| ());
    forge.change(|shop| shop.fault = Fault::Cut(1_000));
    let said = world.banister(&TO);
    assert_untouched(
        &world,
        &said,
        &["`app-1.1.0-linux` was not fetched", "try again with the command of the last line"],
    );
    forge.change(|shop| shop.fault = Fault::Nothing);
    let said = world.banister(&TO);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_state(&world, "1.1.0", &said);
    assert!(forge.fetched().last().unwrap().ends_with("bytes=4000-"), "{:?}", forge.fetched());

    // What was left is not what it is to become: it is begun anew.
    let (forge, world) = sold(|_| ());
    forge.change(|shop| shop.fault = Fault::Cut(1_000));
    assert_eq!(world.banister(&TO).code, Some(1));
    let part = format!("srv/.banister/program/{}.part", sha256(&program("1.1.0", "good")));
    world.write(&part, &"x".repeat(5_000));
    forge.change(|shop| shop.fault = Fault::Nothing);
    let said = world.banister(&TO);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_state(&world, "1.1.0", &said);
}

#[test]
fn a_file_of_three_gigabytes_or_of_another_size_is_not_fetched() {
    for (length, told) in
        [(3 << 30, "`app-1.1.0-linux` is larger than a program is"), (77, "and the release page says 22")]
    {
        let (forge, world) = sold(|_| ());
        forge.change(|shop| shop.fault = Fault::Announced(length));
        let said = world.banister(&TO);
        assert_untouched(&world, &said, &[told]);
        assert_eq!((forge.fetched().len(), leavings(&world).len()), (1, 0), "{said:?}");
        let said = world.banister(&["resume", "--rollback", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_state(&world, "1.0.0", &said);
    }
}

#[test]
fn a_redirect_to_another_host_is_followed_because_the_digest_holds() {
    let (forge, world) = sold(|_| ());
    let other = super::forge();
    forge.change(|shop| shop.elsewhere = Some(other.server.authority()));
    let said = world.banister(&TO);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_state(&world, "1.1.0", &said);
    assert!(other.server.seen().iter().all(|seen| seen.authorization().is_none()));
    // There another file is, and in clear nothing is fetched from other machines.
    for (elsewhere, told) in
        [(None, "is not what was published"), (Some("192.0.2.1:80"), "redirects to where we don't go")]
    {
        let (forge, world) = sold(|_| ());
        let other = super::forge();
        other.change(|shop| shop.releases[2].body = b"#!/bin/sh\necho mine\n".to_vec());
        // As long as the true one is.
        let long = program("1.1.0", "good").len();
        other.change(|shop| shop.releases[2].body.resize(long, b'#'));
        let place = elsewhere.map_or(other.server.authority(), str::to_owned);
        forge.change(|shop| shop.elsewhere = Some(place));
        let said = world.banister(&TO);
        assert_untouched(&world, &said, &[told]);
    }
}

#[test]
fn what_the_table_does_not_say_is_asked_for_before_anything_is_touched() {
    let forge = forge();
    let world = machine(&forge);
    let whole = world.read("site.toml");
    let address = format!("http://{}/owner/name", forge.server.authority());
    for (from, to, told) in [
        (
            "units = [\"app.service\"]\n",
            "",
            "nothing says which units of systemd run git, or how to start and stop it",
        ),
        ("asset = \"app-{}-linux\"\n", "", "nothing says which file of a release `git` is"),
        ("file = \"~/opt/app\"\n", "", "nothing says which file a release of `git` replaces"),
        ("~/opt/app", "~/opt/none", "opt/none"),
        (address.as_str(), "https://git.example.org/x", "is no project of a known forge"),
    ] {
        world.write("site.toml", &whole.replace(from, to));
        let said = world.banister(&TO);
        assert!(said.code != Some(0) && said.err.contains(told), "{from}: {said:?}");
        assert_eq!(world.read("trace"), "", "{from}: {said:?}");
    }
    world.write("site.toml", &whole.replace("asset = \"app-{}-linux\"\n", ""));
    let said = world.banister(&["check"]);
    assert!(said.out.contains("an update of `git` needs `asset`"), "{said:?}");
    let mistyped = whole.replace("sha256 = ", "sha265 = ");
    world.write("site.toml", &mistyped);
    let said = world.banister(&["check"]);
    assert!(
        said.code == Some(2) && said.out.contains("unknown key `sha265`; did you mean `sha256`?"),
        "{said:?}"
    );
    // A link may lead to a file that others have, too.
    world.write("site.toml", &whole.replace("~/opt/app", "~/opt/link"));
    std::os::unix::fs::symlink("app", world.path().join("opt/link")).unwrap();
    let said = world.banister(&TO);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("is a link to `app`: `file` names the program itself"), "{said:?}");
}
