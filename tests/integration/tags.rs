//! Releases whose tags are of any shape, through the program.

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

/// A server that has the first of these tags installed; its origin has all of them, each on a commit of its own, in this
/// order. `table` is added to its table in site.toml.
fn world(tags: &[&str], table: &str) -> World {
    let world = World::new();
    let origin = world.path().join("origin");
    git(&world.path().join("web"), &["tag", "-d", "0.1.0"]);
    git(&world.path().join("web"), &["tag", tags[0]]);
    std::fs::rename(world.path().join("web"), &origin).unwrap();
    git(world.path(), &["clone", "-q", "origin", "web"]);
    git(&world.path().join("web"), &["checkout", "-q", "--detach", tags[0]]);
    for tag in &tags[1..] {
        git(&origin, &["commit", "-q", "--allow-empty", "-m", &format!("What is new in {tag}")]);
        git(&origin, &["tag", tag]);
    }
    world.write(
        "site.toml",
        &format!(
            "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackup = [\"~/data\"]\nbackups = \"~/kept\"\n\
             health = [\"{}\"]\nhealthy = {{ stable = \"50ms\" }}\ntargets = {{ stop = \"stop\" }}\n{table}",
            healthy()
        ),
    );
    world.write("data/file", "kept\n");
    world
}

fn installed(world: &World) -> String {
    git(&world.path().join("web"), &["describe", "--tags", "--exact-match"])
}

/// All tags of a project, the installed one first; which is the newest, and which others are reported.
#[rustfmt::skip]
const NEWEST: &[(&[&str], &str, &[&str])] = &[
    (&["v1.2.9", "v1.9.3", "v1.2.10", "v1.10.0"], "v1.10.0", &[]),
    (&["v1.3", "v1.3.1", "latest"], "v1.3.1", &["latest"]),
    (&["2024.06.20", "2024.07.02", "2025.01.1"], "2025.01.1", &[]),
    (&["v24.12.1", "v25.02.0"], "v25.02.0", &[]),
    (&["version/2024.8.6", "version/2024.10.5", "version/2025.2.0-rc1"], "version/2024.10.5", &["version/2025.2.0-rc1"]),
    (&["v3.4.0.beta2", "v3.4.0", "v3.5.0.beta1"], "v3.5.0.beta1", &[]),
    (&["1.2.0+2", "1.2.0+10"], "1.2.0+10", &[]),
    (&["12.1-0", "12.1-1", "helm-2.1.0", "12.10-0"], "12.10-0", &["helm-2.1.0"]),
    (&["2026-05c", "2026-07", "2026-07a"], "2026-07a", &[]),
    (&["RELEASE.2024-05-28T17-19-04Z", "RELEASE.2025-09-07T16-13-09Z"], "RELEASE.2025-09-07T16-13-09Z", &[]),
    (&["n8n@1.68.0", "n8n-core@1.70.0", "n8n@1.69.1"], "n8n@1.69.1", &["n8n-core@1.70.0"]),
    (&["v7.5.0.130", "v99.99.99.2766", "v7.5.1.23"], "v7.5.1.23", &["v99.99.99.2766"]),
    (&["v1.0.0", "nightly"], "v1.0.0", &["nightly"]),
];

#[test]
fn the_newest_tag_of_the_installed_series_is_the_newest_release_and_all_others_are_reported() {
    for (tags, newest, others) in NEWEST {
        let world = world(tags, "");
        world
            .write("runbooks/newest.rhai", "fn main() { note(`it is ${this_server().newest_release()}.`); }");
        let said = world.banister(&["run", "newest"]);
        assert_eq!(said.code, Some(0), "{tags:?}: {said:?}");
        assert!(said.out.contains(&format!("it is {newest}.")), "{tags:?}: {said:?}");
        for other in *others {
            assert!(said.out.contains(&format!("`{other}`")), "{other} is not reported: {said:?}");
        }
    }
}

#[test]
fn an_update_and_its_rollback_know_releases_with_slashes_in_their_tags() {
    let tags = ["version/2024.8.6", "version/2024.10.4", "version/2024.10.5"];
    let world = world(&tags, "");
    let planned = world.banister(&["plan", "update"]);
    assert!(planned.code == Some(0) && planned.out.contains("version/2024.10.5"), "{planned:?}");
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(installed(&world), "version/2024.10.5");
    assert!(said.out.contains("What is new in version/2024.10.4"), "{said:?}");
    let said = world.banister(&["run", "update", "--yes"]);
    assert!(said.out.contains("web already runs version/2024.10.5"), "{said:?}");
    let backups = std::fs::read_dir(world.path().join("kept")).unwrap();
    let names: Vec<String> = backups.map(|it| it.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.iter().any(|name| name.contains("version-2024.8.6-before")), "{names:?}");
    // A backup of it is one of that release.
    let list = world.banister(&["backup", "list"]);
    assert!(list.out.contains("version/2024.8.6"), "{list:?}");
}

#[test]
fn to_takes_any_tag_that_comes_later_in_the_history() {
    let world = world(&["v5.8.1", "2022.01.1", "latest"], "");
    let said = world.banister(&["run", "newest-that-is-not-there", "--yes"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    let planned = world.banister(&["plan", "update", "--to", "latest"]);
    assert_eq!(planned.code, Some(0), "{planned:?}");
    let said = world.banister(&["run", "update", "--to", "2022.01.1", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(installed(&world), "2022.01.1");
    let said = world.banister(&["run", "update", "--to", "latest", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(installed(&world), "latest");
    let said = world.banister(&["run", "update", "--to", "v5.8.1", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("v5.8.1 is not newer than latest") || said.err.contains("is not newer than"),
        "{said:?}"
    );
}

#[test]
fn a_site_says_which_tags_count_which_are_bad_and_where_an_update_must_stop() {
    let tags = ["v1.0.0", "v1.0.1", "v1.1.0", "v1.1.1", "v1.2.0", "v1.2.1", "edge-1.9.0"];
    let world =
        world(&tags, "releases = { tags = \"v{n}.{n}.{n}\", not = [\"1.2.1\"], stops = \"each_minor\" }\n");
    let said = world.banister(&["run", "update", "--to", "v1.2.0", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("v1.0.1 must be installed on web before v1.2.0"), "{said:?}");
    let planned = world.banister(&["plan", "update"]);
    assert!(planned.code == Some(0) && planned.out.contains("checkout(web, \"v1.0.1\")"), "{planned:?}");
    for stop in ["v1.0.1", "v1.1.1", "v1.2.0"] {
        let said = world.banister(&["run", "update", "--yes"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        assert_eq!(installed(&world), stop, "{said:?}");
        assert!(said.out.contains("`v1.2.1` is newer, but excluded by `not` in site.toml"), "{said:?}");
    }
    let said = world.banister(&["run", "update", "--yes"]);
    assert!(said.out.contains("web already runs v1.2.0"), "{said:?}");
}

#[test]
fn several_series_of_which_none_is_installed_are_reported_and_nothing_is_touched() {
    let world = world(&["nightly", "a-1.0", "a-1.1", "b-1.0", "b-1.1"], "");
    let said = world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("nothing says which release of `web` is the newest"), "{said:?}");
    assert!(said.err.contains("there are 2 series of tags"), "{said:?}");
    assert_eq!(installed(&world), "nightly");
    let said = world.banister(&["run", "update", "--to", "b-1.1", "--yes"]);
    assert_eq!((said.code, installed(&world)), (Some(0), "b-1.1".to_owned()), "{said:?}");
}

#[test]
fn a_command_that_only_reads_is_run_in_plans_too() {
    let world = world(&["v1.0", "v1.1"], "");
    world.write(
        "runbooks/reads.rhai",
        r#"fn main() {
            let server = this_server();
            let told = server.read_command(["sh", "-c", "printf '{\"version\": [1, 2]}'"], #{ json: true });
            note(`it says ${told.version[1]}`);
            note(server.read_command(["sh", "-c", "echo text; exit 3"], #{ statuses: [0, 3] }));
            server.read_command(["sh", "-c", "echo why >&2; exit 4"]);
        }"#,
    );
    for command in ["plan", "run"] {
        let said = world.banister(&[command, "reads"]);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.out.contains("it says 2"), "{said:?}");
        assert!(said.out.contains("text"), "{said:?}");
        let all = format!("{}{}", said.out, said.err);
        assert!(all.contains("`sh` ended with status 4") && all.contains("why"), "{said:?}");
    }
}
