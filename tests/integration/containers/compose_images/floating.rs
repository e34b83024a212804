//! Images with a tag that moves: what is newer is known by digests, and the Compose file stays as it is.

use super::lab::{FILE, Lab};
use super::{read, some_of};
use crate::support::chance;
use crate::support::docker::docker;
use std::fs;

/// The ids of the images that the containers of a project have, each once.
fn images(project: &str) -> Vec<String> {
    let label = format!("label=com.docker.compose.project={project}");
    let ids = docker(&["ps", "--all", "--quiet", "--filter", &label]);
    let ids: Vec<&str> = ids.split_whitespace().collect();
    assert!(!ids.is_empty(), "{project} has no containers");
    let told = docker(&[&["inspect", "--format", "{{.State.Status}} {{.Image}}"], ids.as_slice()].concat());
    let mut found: Vec<String> =
        told.lines().map(|line| line.strip_prefix("running ").unwrap_or(line).to_owned()).collect();
    found.sort();
    found.dedup();
    found
}

fn id(name: &str) -> String {
    docker(&["image", "inspect", "--format", "{{.Id}}", name]).trim().to_owned()
}

fn short(digest: &str) -> String {
    format!("latest@{}", &digest[.."sha256:".len() + 12])
}

#[test]
fn a_newer_image_behind_latest_is_noticed_pulled_by_its_digest_and_rolled_back_without_a_registry() {
    if !chance::is_turn(2, 3) {
        return;
    }
    let Some(mut lab) = Lab::create(&[]) else { return };
    let first = lab.publish("latest", "1.0");
    let file = FILE.replace("IMAGE", &lab.image("latest"));
    lab.project("tide", &file, "TITLE=x\n");
    let said = lab.good(&["adopt", "../tide", "--site", "."]);
    assert!(said.contains("the tag of `app`"), "{said}");
    lab.edit_site();
    lab.good(&["check"]);
    let status = lab.good(&["status"]);
    assert!(status.contains(&format!("release  {}\n", short(&first))), "{status}");
    let json = lab.good(&["status", "--json"]);
    assert!(json.contains(&format!("latest@{first}")), "{json}");
    let same = lab.good(&["run", "update", "--yes"]);
    assert!(same.contains(&format!("tide already runs {}", short(&first))), "{same}");

    let second = lab.publish("latest", "1.1");
    let plan = lab.good(&["plan", "update"]);
    let behind = format!("newer image behind `latest` ({}, made 2", &second[..19]);
    assert!(plan.contains(&behind), "{plan}");
    assert!(plan.contains(&format!("set_version(tide, \"{}\")", short(&second))), "{plan}");
    assert_eq!(images("tide"), [id(&lab.image("latest"))], "a plan pulls nothing");
    // Fetched before, what the tag stands for here is still what runs.
    let fetched = lab.good(&["run", "prefetch"]);
    assert!(fetched.contains(&format!("{} (", lab.image("latest"))), "{fetched}");
    assert_eq!(images("tide"), [id(&lab.image("latest"))]);
    lab.has_layers(false);
    lab.good(&["run", "update", "--yes"]);
    lab.has_layers(true);
    let by_digest = format!("{}@{second}", lab.image("latest").trim_end_matches(":latest"));
    assert_eq!(images("tide"), [id(&by_digest)]);
    assert_eq!(id(&lab.image("latest")), id(&by_digest), "Compose would start another one");
    assert_eq!(lab.file("tide"), file);
    assert_eq!(fs::read_to_string(lab.path("tide/.env")).unwrap(), "TITLE=x\n");
    assert_eq!(rows(&lab), "started 1.0\nstarted 1.1\n");
    for named in ["latest", &short(&second)] {
        let again = lab.good(&["run", "update", "--to", named, "--yes"]);
        assert!(again.contains(&format!("already runs {}", short(&second))), "{again}");
    }
    // Somebody pulls, and starts nothing: what runs is what is installed.
    let broken = lab.publish("latest", "2.0");
    docker(&["pull", "--quiet", &lab.image("latest")]);
    assert!(lab.good(&["status"]).contains(&short(&second)));
    docker(&["tag", &by_digest, &lab.image("latest")]);

    // It stops where 2.0 does not start; by then its data is another.
    lab.is_impatient(true);
    let failed = lab.banister(&["run", "update", "--yes", "--on-failure", "stop"]);
    lab.is_impatient(false);
    assert!(failed.code == Some(1) && failed.err.contains("did not become healthy"), "{failed:?}");
    assert_eq!(read(&lab, "tide_data", "schema", "latest"), "2\n");
    lab.stop_registry();
    let back = lab.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(images("tide"), [id(&by_digest)], "{back:?}");
    assert_eq!(id(&lab.image("latest")), id(&by_digest));
    assert_eq!(read(&lab, "tide_data", "schema", "latest"), "1\n");
    assert_eq!(
        (rows(&lab), lab.file("tide")),
        ("started 1.0\nstarted 1.1\nstarted 1.1\n".into(), file.clone())
    );
    assert_eq!(docker(&["images", "--quiet", "banister-kept"]), "");
    assert!(lab.good(&["status"]).contains(&short(&second)));

    // Where no registry answers it is not known whether anything is newer.
    let unknown = lab.banister(&["run", "update", "--yes"]);
    assert!(
        unknown.code == Some(1) && unknown.err.contains("does not say what the tag stands for"),
        "{unknown:?}"
    );
    lab.start_registry();
    let left_out = lab.good(&["run", "update", "--yes"]);
    assert!(left_out.contains(&format!("{} failed here", short(&broken))), "{left_out}");
    assert!(left_out.contains(&format!("already runs {}", short(&second))), "{left_out}");

    // A backup of before brings the earlier image back, also where it has to be pulled.
    docker(&["rmi", "--force", &id(&format!("{}@{first}", lab.image("latest").trim_end_matches(":latest")))]);
    let list = lab.good(&["backup", "list"]);
    let before = list.split_whitespace().find(|word| word.contains("before-latest"));
    let before = before.unwrap_or_else(|| panic!("{list}"));
    lab.good(&["run", "rollback", "--backup", before, "--yes"]);
    assert_eq!(rows(&lab), "started 1.0\nstarted 1.0\n");
    assert!(lab.good(&["status"]).contains(&short(&first)));
    let nothing = lab.banister(&["plan", "update", "--to", "latest@sha256:0123456789ab"]);
    assert!(
        nothing.err.contains("is neither what `latest` stands for now") || nothing.out.contains("is neither"),
        "{nothing:?}"
    );
}

fn rows(lab: &Lab) -> String {
    read(lab, "tide_data", "rows", "latest")
}

/// As for versions, with one tag for two projects: what one of them moves on this machine is no reason for the other.
#[test]
fn an_update_behind_a_tag_that_moves_and_its_rollback_end_well_wherever_they_are_killed() {
    if !chance::is_turn(1, 3) {
        return;
    }
    let Some(mut lab) = Lab::create(&[]) else { return };
    lab.publish("latest", "1.0");
    let file = FILE.replace("IMAGE", &lab.image("latest"));
    for name in ["ebb", "flow"] {
        lab.project(name, &file, "");
        lab.good(&["adopt", &format!("../{name}"), "--site", "."]);
    }
    lab.edit_site();
    let second = lab.publish("latest", "1.1");
    let by_digest = format!("{}@{second}", lab.image("latest").trim_end_matches(":latest"));
    let update = |name| ["run", "update", "--server", name, "--yes"];
    let forth = ["resume", "--yes"];
    let back = ["resume", "--rollback", "--yes"];
    lab.good(&update("ebb"));
    let places = some_of(1, lab.records());
    let said = lab.killed_at(&update("flow"), &forth, &places);
    assert_eq!(said.code, Some(0), "{places:?}: {said:?}");
    for name in ["ebb", "flow"] {
        assert_eq!(images(name), [id(&by_digest)], "{places:?}");
        assert_eq!(
            read(&lab, &format!("{name}_data"), "rows", "latest"),
            "started 1.0\nstarted 1.1\n",
            "{places:?}"
        );
    }

    lab.publish("latest", "2.0");
    let fails = |name| {
        lab.is_impatient(true);
        assert_eq!(
            lab.banister(&["run", "update", "--server", name, "--yes", "--on-failure", "stop"]).code,
            Some(1)
        );
        lab.is_impatient(false);
    };
    fails("ebb");
    let failed = lab.records();
    lab.good(&back);
    let backs = some_of(failed + 1, lab.records());
    fails("flow");
    let said = lab.killed_at(&back, &back, &backs);
    assert_eq!(said.code, Some(0), "{backs:?}: {said:?}");
    for name in ["ebb", "flow"] {
        assert_eq!(lab.file(name), file, "{backs:?}");
        assert_eq!(images(name), [id(&by_digest)], "{backs:?}");
        let volume = format!("{name}_data");
        assert_eq!(read(&lab, &volume, "schema", "latest"), "1\n", "{backs:?}");
        assert_eq!(
            read(&lab, &volume, "rows", "latest"),
            "started 1.0\nstarted 1.1\nstarted 1.1\n",
            "{backs:?}"
        );
    }
    assert_eq!(docker(&["images", "--quiet", "banister-kept"]), "", "{places:?} {backs:?}");
}

#[test]
fn a_number_alone_moves_too_and_a_higher_one_is_only_told() {
    if !chance::is_turn(0, 3) {
        return;
    }
    let Some(mut lab) = Lab::create(&[]) else { return };
    for tag in ["7-slim", "8-slim", "7.1-slim"] {
        lab.publish(tag, "1.0");
    }
    lab.project("reef", &FILE.replace("IMAGE", &lab.image("${REEF}-slim")), "REEF=7\n");
    lab.good(&["adopt", "../reef", "--site", "."]);
    let status = lab.good(&["status"]);
    assert!(status.contains("release  7@sha256:"), "{status}");
    let said = lab.good(&["run", "update", "--yes"]);
    assert!(said.contains("`8` has a higher number than `7`, and is only taken with `--to 8`"), "{said}");
    assert!(said.contains("reef already runs 7@sha256:"), "{said}");
    let next = lab.publish("8-slim", "1.1");
    lab.edit_site();
    lab.good(&["run", "update", "--to", "8", "--yes"]);
    assert_eq!(fs::read_to_string(lab.path("reef/.env")).unwrap(), "REEF=8\n");
    assert!(lab.good(&["status", "--json"]).contains(&format!("8@{next}")));
    // The site may say that it is a version.
    let site = fs::read_to_string(lab.path("site/site.toml")).unwrap();
    fs::write(
        lab.path("site/site.toml"),
        site.replace("\nbackup = ", "\nreleases = { tags = \"{n}\" }\nbackup = "),
    )
    .unwrap();
    assert!(lab.good(&["status", "--json"]).contains("\"release\":\"8\""));
}
