//! A server that follows a branch instead of releases.

use crate::support;

use std::path::Path;
use std::process::Command;
use support::World;
use support::releases::healthy;

fn git(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("git");
    command.args(["-c", "user.name=Test", "-c", "user.email=test@example.org", "-C"]).arg(folder);
    let output = command.args(arguments).output().unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn it_goes_forward_with_its_upstream_and_back_to_the_commit_it_was_at() {
    let world = World::new();
    let origin = world.path().join("origin");
    std::fs::rename(world.path().join("web"), &origin).unwrap();
    git(world.path(), &["clone", "-q", "origin", "web"]);
    world.write(
        "site.toml",
        &format!(
            "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbranch = \"main\"\nbackup = [\".\"]\nhealth = [\"{}\"]\nhealthy = {{ stable = \"100ms\" }}\n",
            healthy()
        ),
    );
    let web = world.path().join("web");
    let commit = |file: &str, text: &str, message: &str| {
        std::fs::write(origin.join(file), text).unwrap();
        git(&origin, &["add", "-A"]);
        git(&origin, &["commit", "-q", "-m", message]);
        git(&origin, &["rev-parse", "HEAD"])
    };
    let good = commit("config.yaml", "colour: blue\n", "Choose a colour");
    let planned = world.banister(&["plan", "update"]);
    assert!(
        planned.out.contains("Choose a colour") && planned.out.contains("checkout(web, \"main\")"),
        "{planned:?}"
    );
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains("Choose a colour")
            && said.out.contains("config.yaml: configuration default is new"),
        "{said:?}"
    );
    assert_eq!(
        (git(&web, &["rev-parse", "HEAD"]), git(&web, &["status", "-sb"])),
        (good.clone(), "## main...origin/main".into())
    );

    let trace = world.read("trace");
    let said = world.banister(&["run", "update", "--yes"]);
    assert!(
        said.code == Some(0) && said.out.contains("web already runs the newest commit of main"),
        "{said:?}"
    );
    assert_eq!(world.read("trace"), trace);

    let bad = commit("Makefile", "config build up:\n\t@test $@ != build\n", "Break the build");
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(git(&web, &["rev-parse", "HEAD"]), bad);
    let said = world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        (git(&web, &["rev-parse", "HEAD"]), git(&web, &["status", "--porcelain"])),
        (good, String::new())
    );

    // Somebody's own commits are never left behind or merged.
    git(&web, &["switch", "-q", "main"]);
    git(&web, &["reset", "-q", "--hard", "HEAD~1"]);
    std::fs::write(web.join("own"), "own\n").unwrap();
    git(&web, &["add", "-A"]);
    git(&web, &["commit", "-q", "-m", "Own change"]);
    let own = git(&web, &["rev-parse", "HEAD"]);
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("has 1 commit that its upstream has not") && said.err.contains("git -C"),
        "{said:?}"
    );
    assert_eq!(git(&web, &["rev-parse", "HEAD"]), own);
}
