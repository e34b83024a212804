//! Images of two names with one tag that moves: a release is both.

use super::lab::Lab;
use crate::support::docker::docker;

const FILE: &str = "version: \"2.4\"\nservices:\n  app:\n    image: IMAGE\n    stop_grace_period: 1s\n  more:\n    image: IMAGE-more\n    \
                    stop_grace_period: 1s\n";

/// Puts another image beside that of the lab, with the same content under a name of its own.
fn publish(lab: &Lab, version: &str) -> (String, String) {
    let one = lab.publish("latest", version);
    let (image, other) = (lab.image("latest"), lab.image("latest").replace("/shop:", "/shop-more:"));
    let by_digest = format!("{}@{one}", image.trim_end_matches(":latest"));
    docker(&["pull", "--quiet", &by_digest]);
    docker(&["tag", &by_digest, &other]);
    docker(&["push", "--quiet", &other]);
    docker(&["rmi", &other]);
    (one, other)
}

#[test]
fn a_newer_image_of_one_of_two_names_is_a_newer_release_of_both() {
    let Some(mut lab) = Lab::create(&[]) else { return };
    let (first, other) = publish(&lab, "1.0");
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
