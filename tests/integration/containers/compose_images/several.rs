//! Images of two names: with one tag that moves a release is both, with two of them it is that of the version.

use super::lab::Lab;
use crate::support::chance;
use crate::support::docker::docker;

const FILE: &str = "version: \"2.4\"\nservices:\n  app:\n    image: IMAGE\n    stop_grace_period: 1s\n    network_mode: none\n  more:\n    image: IMAGE-more\n    \
                    stop_grace_period: 1s\n    network_mode: none\n";

/// Puts what the lab has published beside it, under a name and a tag of its own, and gives these. What the tag stands for on
/// this machine stays.
fn publish_again(lab: &Lab, digest: &str, tag: &str) -> String {
    let other = lab.image(tag).replace("/shop:", "/shop-more:");
    let by_digest = format!("{}@{digest}", lab.image("latest").trim_end_matches(":latest"));
    let before = docker(&["images", "--quiet", "--no-trunc", &other]).trim().to_owned();
    docker(&["pull", "--quiet", &by_digest]);
    docker(&["tag", &by_digest, &other]);
    docker(&["push", "--quiet", &other]);
    docker(&["rmi", &other]);
    if !before.is_empty() {
        docker(&["tag", &before, &other]);
    }
    other
}

#[test]
fn a_newer_image_of_one_of_two_names_is_a_newer_release_of_both() {
    if !chance::is_turn(1, 3) {
        return;
    }
    let Some(mut lab) = Lab::create(&[]) else { return };
    let first = lab.publish("latest", "1.0");
    let other = publish_again(&lab, &first, "latest");
    let file = FILE.replace("IMAGE-more", &other).replace("IMAGE", &lab.image("latest"));
    std::fs::create_dir_all(lab.path("pair")).unwrap();
    std::fs::write(lab.path("pair/docker-compose.yml"), &file).unwrap();
    lab.up("pair", &[]);
    lab.good(&["adopt", "../pair", "--site", "."]);
    let site = std::fs::read_to_string(lab.path("site/site.toml")).unwrap();
    let line = site.lines().find(|line| line.starts_with("version = ")).unwrap();
    let site = site.replace(line, "version = { service = \"app more\" }");
    std::fs::write(lab.path("site/site.toml"), site).unwrap();
    lab.edit_site();
    let status = lab.good(&["status", "--json"]);
    assert!(status.contains(&format!("latest@{first}+{first}")), "{status}");
    // Only one of them is newer.
    let second = lab.publish("latest", "1.1");
    lab.good(&["run", "update", "--yes"]);
    let status = lab.good(&["status", "--json"]);
    assert!(status.contains(&format!("latest@{second}+{first}")), "{status}");
    assert_eq!(lab.file("pair"), file);
    assert!(lab.good(&["status"]).contains("healthy"));
}

/// Only one of them is the server's version.
#[test]
fn of_two_tags_that_move_only_that_of_the_version_is_looked_at_pulled_and_rolled_back() {
    if !chance::is_turn(2, 3) {
        return;
    }
    let Some(mut lab) = Lab::create(&[]) else { return };
    let first = lab.publish("latest", "1.0");
    let other = publish_again(&lab, &first, "16-slim");
    let file = FILE.replace("IMAGE-more", &other).replace("IMAGE", &lab.image("latest"));
    std::fs::create_dir_all(lab.path("odd")).unwrap();
    std::fs::write(lab.path("odd/docker-compose.yml"), &file).unwrap();
    lab.up("odd", &[]);
    let said = lab.good(&["adopt", "../odd", "--site", "."]);
    assert!(
        said.contains("the tag of `app`") && said.contains("the tags of more stay as they are"),
        "{said}"
    );
    lab.edit_site();
    let images = || {
        let ids = docker(&["ps", "--quiet", "--filter", "label=com.docker.compose.project=odd"]);
        let ids: Vec<&str> = ids.split_whitespace().collect();
        let format =
            "{{index .Config.Labels \"com.docker.compose.service\"}} {{.Image}} {{.State.StartedAt}}";
        docker(&[&["inspect", "--format", format], ids.as_slice()].concat())
    };
    let of = |service: &str| {
        images().lines().find(|line| line.starts_with(&format!("{service} "))).unwrap().to_owned()
    };
    let (app, more) = (of("app"), of("more"));
    // The other tag moves, and then both do.
    publish_again(&lab, &lab.publish("next", "1.1"), "16-slim");
    let same = lab.good(&["run", "update", "--yes"]);
    assert!(same.contains(&format!("odd already runs latest@{}", &first[..19])), "{same}");
    let second = lab.publish("latest", "1.1");
    let plan = lab.good(&["plan", "update"]);
    assert!(plan.contains(&format!("newer image behind `latest` ({}", &second[..19])), "{plan}");
    assert!(!plan.contains("behind `16-slim`") && !plan.contains("slim is there"), "{plan}");
    lab.good(&["run", "update", "--yes"]);
    assert_ne!(of("app"), app);
    assert_eq!(of("more"), more, "what is no part of the version was touched");
    assert!(lab.good(&["status"]).contains(&format!("latest@{}", &second[..19])));

    let list = lab.good(&["backup", "list"]);
    let before = list.split_whitespace().find(|word| word.contains("before-latest")).unwrap();
    lab.good(&["run", "rollback", "--backup", before, "--yes"]);
    let image = |line: &str| line.split(' ').nth(1).unwrap().to_owned();
    assert_eq!((image(&of("app")), image(&of("more"))), (image(&app), image(&more)));
    let both = "app more";
    let site = std::fs::read_to_string(lab.path("site/site.toml")).unwrap();
    std::fs::write(
        lab.path("site/site.toml"),
        site.replace("service = \"app\"", &format!("service = \"{both}\"")),
    )
    .unwrap();
    let refused = lab.banister(&["run", "update", "--yes"]);
    assert!(
        refused.err.contains("the images of `app more` have the tags `latest` and `16-slim`"),
        "{refused:?}"
    );
}
