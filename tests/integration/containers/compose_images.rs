//! Compose projects without git and make: their releases are tags of images in a registry.

use crate::support::chance;
use crate::support::docker::docker;
use lab::{FILE, Lab, containers, ran, with_work};
use std::fs;
use std::path::Path;

mod floating;
mod linked;
mod platforms;
mod several;
pub mod lab;

fn running(lab: &Lab, version: &str) -> Vec<String> {
    let line = |service: &str| format!("{service} {} running", lab.image(version));
    vec![line("app"), line("worker"), line("worker")]
}

/// What is in a file of a volume, whatever runs.
fn read(lab: &Lab, volume: &str, name: &str, version: &str) -> String {
    let mount = format!("{volume}:/v");
    let path = format!("/v/{name}");
    docker(&["run", "--rm", "--volume", &mount, "--entrypoint", "cat", &lab.image(version), &path])
}

fn no_state_is_open_to_others(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let mode = folder.join(".banister").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn a_compose_project_is_adopted_updated_and_rolled_back_with_its_rows_and_without_its_registry() {
    let Some(mut lab) = Lab::create(&["1.0", "1.1", "1.2", "2.0", "latest"]) else { return };
    let file = with_work(FILE).replace("IMAGE", &lab.image("1.0"));
    lab.project("shop", &file, "TITLE=x\n");
    // Beside it one with services of the same names, of which one does not run.
    let named = FILE.replace("IMAGE", &lab.image("${SHOP_VERSION}"));
    lab.project("twin", &named, "SHOP_VERSION=\"1.0\" # of the twin\n");
    ran(lab.compose("twin").args(["stop", "worker"]));
    let (_, twins) = containers("twin");

    let shop = lab.path("shop");
    // A file to which no table can be added stays as it is.
    let inline = "servers = { x = { kind = \"plain\", checkout = \"/x\" } }\n";
    fs::write(lab.path("site/site.toml"), inline).unwrap();
    let said = lab.banister(&["adopt", "../shop", "--site", "."]);
    assert!(said.code == Some(2) && said.err.contains("a table can't be added"), "{said:?}");
    assert_eq!(fs::read_to_string(lab.path("site/site.toml")).unwrap(), inline);
    fs::remove_file(lab.path("site/site.toml")).unwrap();
    let said = lab.good(&["adopt", "../shop", "--site", "."]);
    assert!(said.contains("the tag of `app`") && said.contains("volumes    data, work"), "{said}");
    lab.edit_site();
    lab.good(&["check"]);
    let status = lab.good(&["status"]);
    assert!(status.contains("release  1.0\n  health   healthy\n"), "{status}");
    let plan = lab.good(&["plan", "update"]);
    assert!(
        plan.contains("set_version(shop, \"2.0\")") && plan.contains("\"--scale\", \"worker=2\""),
        "{plan}"
    );
    assert_eq!(lab.file("shop"), file, "a plan changes nothing");

    // Over a release in between. All of it is fetched before, without a name, and the registry's layers are gone then.
    let before = containers("shop");
    let fetched = lab.good(&["run", "prefetch", "--release", "1.2"]);
    assert!(fetched.contains(&format!("ready for 1.2 on shop: {} (", lab.image("1.2"))), "{fetched}");
    assert_eq!((lab.file("shop"), containers("shop")), (file.clone(), before));
    assert_eq!(docker(&["images", "--quiet", &lab.image("1.2")]), "");
    lab.has_layers(false);
    lab.good(&["run", "update", "--to", "1.2", "--yes"]);
    lab.has_layers(true);
    let updated = file.replace(&lab.image("1.0"), &lab.image("1.2"));
    assert_eq!(lab.file("shop"), updated);
    assert_eq!(containers("shop").0, running(&lab, "1.2"));
    assert_eq!(read(&lab, "shop_data", "rows", "1.0"), "started 1.0\nstarted 1.2\n");
    assert_eq!(containers("twin").1, twins, "the neighbour was touched");
    no_state_is_open_to_others(&shop);
    let images = docker(&["images", "--quiet", "banister-kept"]);
    assert_eq!(images, "");
    let again = lab.good(&["run", "update", "--to", "1.2", "--yes"]);
    assert!(again.contains("already runs 1.2"), "{again}");

    // It stops where 2.0 does not start; by then its data is another.
    lab.is_impatient(true);
    let failed = lab.banister(&["run", "update", "--yes", "--on-failure", "stop"]);
    lab.is_impatient(false);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.err.contains("`shop` did not become healthy"), "{failed:?}");
    assert_eq!(read(&lab, "shop_data", "schema", "1.0"), "2\n");
    lab.stop_registry();
    let back = lab.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(lab.file("shop"), updated, "{back:?}");
    assert_eq!(containers("shop").0, running(&lab, "1.2"), "{back:?}");
    assert_eq!(read(&lab, "shop_data", "schema", "1.0"), "1\n");
    assert_eq!(read(&lab, "shop_data", "rows", "1.0"), "started 1.0\nstarted 1.2\nstarted 1.2\n");
    let status = lab.good(&["status"]);
    assert!(status.contains("health    healthy") && status.contains("lock      free"), "{status}");
    assert_eq!(docker(&["images", "--quiet", "banister-kept"]), "");

    // What has the image of another file, by `extends`, would stay at the old version.
    let extended = updated.replace(
        "  worker:\n    image: IMAGE\n".replace("IMAGE", &lab.image("1.2")).as_str(),
        "  worker:\n    extends: {file: common.yml, service: base}\n",
    );
    let base = format!("version: \"2.4\"\nservices:\n  base:\n    image: {}\n", lab.image("1.2"));
    fs::write(shop.join("common.yml"), base).unwrap();
    fs::write(shop.join("docker-compose.yml"), &extended).unwrap();
    let refused = lab.banister(&["run", "update", "--to", "2.0", "--yes"]);
    assert_eq!(refused.code, Some(1), "{refused:?}");
    assert!(refused.err.contains("worker of shop has the image of its version"), "{refused:?}");
    fs::write(shop.join("docker-compose.yml"), &updated).unwrap();

    // Where no registry answers nothing is touched.
    let unknown = lab.banister(&["run", "update", "--yes"]);
    assert_eq!(unknown.code, Some(1), "{unknown:?}");
    assert!(unknown.err.contains("does not say which tags there are"), "{unknown:?}");
    assert_eq!(lab.file("shop"), updated);
}

/// With Compose 1, which knows no project's name and prints no JSON.
#[test]
fn the_version_in_a_setting_is_moved_alone_and_no_variable_of_a_shell_counts() {
    if !chance::is_turn(1, 3) {
        return;
    }
    let Some(mut lab) = Lab::create_with_compose_1(&["1.0", "1.1"]) else { return };
    let file = FILE.replace("IMAGE", &lab.image("${SHOP_VERSION}"));
    // The project has another name than its folder.
    let settings = "SHOP_VERSION=\"VERSION\" # the version\nCOMPOSE_PROJECT_NAME=till\n";
    lab.project("store", &file, &settings.replace("VERSION\"", "1.0\""));
    let said = lab.good(&["adopt", "../store", "--site", "."]);
    assert!(
        said.contains("the setting `SHOP_VERSION` in `.env`") && said.contains("project    till"),
        "{said}"
    );
    lab.edit_site();
    lab.good(&["run", "update", "--yes"]);
    assert_eq!(lab.file("store"), file);
    assert_eq!(fs::read_to_string(lab.path("store/.env")).unwrap(), settings.replace("VERSION\"", "1.1\""));
    assert_eq!(containers("till").0, running(&lab, "1.1"));
    // A backup of before brings everything back, also the version.
    let list = lab.good(&["backup", "list"]);
    let before =
        list.split_whitespace().find(|word| word.contains("before-1.1")).unwrap_or_else(|| panic!("{list}"));
    fs::write(lab.path("store/files/kept"), "lost").unwrap();
    lab.good(&["run", "rollback", "--backup", before, "--yes"]);
    assert_eq!(containers("till").0, running(&lab, "1.0"));
    assert_eq!(fs::read_to_string(lab.path("store/files/kept")).unwrap(), "kept");
    assert!(
        fs::read_to_string(lab.path("store/.env"))
            .unwrap()
            .starts_with("SHOP_VERSION=\"1.0\" # the version\n")
    );
    // What a restore would do to the version is part of its question.
    let after = list.split_whitespace().find(|word| word.contains("after-1.1")).unwrap();
    let asked = lab.banister(&["run", "restore", "--backup", after]);
    let question = "It was made of 1.1, and 1.0 is installed. Its files bring back the version 1.1, too.";
    assert!(asked.code != Some(0) && format!("{}{}", asked.out, asked.err).contains(question), "{asked:?}");
}

/// A project whose update, and then the rollback of one that fails, are killed at some of their records. What a project has
/// that was not killed says how many there are.
#[test]
fn an_update_and_a_rollback_that_are_killed_end_like_those_that_are_not() {
    if !chance::is_turn(0, 3) {
        return;
    }
    let Some(mut lab) = Lab::create(&["1.0", "1.1", "2.0"]) else { return };
    let file = FILE.replace("IMAGE", &lab.image("1.0"));
    for name in ["whole", "cut"] {
        // Without a `.env`.
        lab.project(name, &file, "");
        lab.good(&["adopt", &format!("../{name}"), "--site", "."]);
    }
    lab.edit_site();
    let volume = |name: &str| read(&lab, &format!("{name}_data"), "rows", "1.0");
    let update = |name| ["run", "update", "--to", "1.1", "--server", name, "--yes"];
    let fail = |name| ["run", "update", "--server", name, "--yes", "--on-failure", "stop"];
    let forth = ["resume", "--yes"];
    let back = ["resume", "--rollback", "--yes"];

    lab.good(&update("whole"));
    // Before its first record there is no run that could be resumed.
    let places = some_of(1, lab.records());
    let said = lab.killed_at(&update("cut"), &forth, &places);
    assert_eq!(said.code, Some(0), "{places:?}: {said:?}");
    for name in ["whole", "cut"] {
        assert_eq!(lab.file(name), file.replace(&lab.image("1.0"), &lab.image("1.1")), "{places:?}");
        assert_eq!(containers(name).0, running(&lab, "1.1"), "{places:?}");
        assert_eq!(volume(name), "started 1.0\nstarted 1.1\n", "{places:?}");
    }

    let fails = |name| {
        lab.is_impatient(true);
        assert_eq!(lab.banister(&fail(name)).code, Some(1));
        lab.is_impatient(false);
    };
    fails("whole");
    let failed = lab.records();
    lab.good(&back);
    let backs = some_of(failed + 1, lab.records());
    fails("cut");
    let said = lab.killed_at(&back, &back, &backs);
    assert_eq!(said.code, Some(0), "{backs:?}: {said:?}");
    for name in ["whole", "cut"] {
        assert_eq!(lab.file(name), file.replace(&lab.image("1.0"), &lab.image("1.1")), "{backs:?}");
        assert_eq!(containers(name).0, running(&lab, "1.1"), "{backs:?}");
        assert_eq!(read(&lab, &format!("{name}_data"), "schema", "1.0"), "1\n", "{backs:?}");
        assert_eq!(volume(name), "started 1.0\nstarted 1.1\nstarted 1.1\n", "{backs:?}");
    }
    assert_eq!(docker(&["images", "--quiet", "banister-kept"]), "", "{places:?} {backs:?}");
    let locks = lab.good(&["lock", "show"]);
    assert!(
        locks.contains("cut: free\n") && locks.contains("whole: free\n"),
        "{places:?} {backs:?}: {locks}"
    );
}

/// Some of the places between two records, in order.
fn some_of(first: usize, end: usize) -> Vec<String> {
    let all = (first..end).flat_map(|record| [format!("before {record}"), format!("after {record}")]);
    chance::part(all.collect(), 29)
}
