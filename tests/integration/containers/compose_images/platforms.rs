//! Images of several platforms: what a tag stands for is then an index, which changes with any of them.

use super::lab::{FILE, Lab};
use super::read;
use crate::support::chance;
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;

/// Puts an index behind a tag, with one image for this machine and one for another, and gives its digest.
fn publish(lab: &Lab, own: &str, other: &str) -> String {
    let own_platform = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    let manifests: Vec<serde_json::Value> = [(own_platform, own), ("riscv64", other)]
        .into_iter()
        .map(|(architecture, digest)| {
            let hash = digest.strip_prefix("sha256:").unwrap();
            let blob = lab
                .path("registry/docker/registry/v2/blobs/sha256")
                .join(&hash[..2])
                .join(hash)
                .join("data");
            json!({
                "mediaType": "application/vnd.docker.distribution.manifest.v2+json", "digest": digest,
                "size": blob.metadata().unwrap().len(), "platform": { "os": "linux", "architecture": architecture },
            })
        })
        .collect();
    let kind = "application/vnd.oci.image.index.v1+json";
    let index = json!({ "schemaVersion": 2, "mediaType": kind, "manifests": manifests }).to_string();
    let image = lab.image("latest");
    let host = image.split('/').next().unwrap();
    let mut connection = TcpStream::connect(host).unwrap();
    write!(
        connection,
        "PUT /v2/shop/manifests/latest HTTP/1.1\r\nHost: {host}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\
         Connection: close\r\n\r\n{index}",
        index.len()
    )
    .unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    let digest = answer.lines().find_map(|line| line.strip_prefix("Docker-Content-Digest: "));
    digest.unwrap_or_else(|| panic!("{answer}")).trim().to_owned()
}

fn short(digest: &str) -> String {
    format!("latest@{}", &digest[.."sha256:".len() + 12])
}

#[test]
fn an_index_is_newer_when_the_image_of_this_platform_is_and_is_pinned_and_rolled_back_as_a_whole() {
    if !chance::is_turn(0, 3) {
        return;
    }
    let Some(mut lab) = Lab::create(&[]) else { return };
    let [old, new, next] = ["1.0", "1.1", "1.2"].map(|version| lab.publish(version, version));
    let first = publish(&lab, &old, &old);
    lab.project("prism", &FILE.replace("IMAGE", &lab.image("latest")), "");
    lab.good(&["adopt", "../prism", "--site", "."]);
    lab.edit_site();
    let status = lab.good(&["status"]);
    assert!(status.contains(&format!("release  {}\n", short(&first))), "{status}");
    // Of another platform.
    publish(&lab, &old, &new);
    let said = lab.good(&["run", "update", "--yes"]);
    assert!(said.contains(&format!("prism already runs {}", short(&first))), "{said}");

    let second = publish(&lab, &new, &next);
    lab.good(&["run", "update", "--yes"]);
    let status = lab.good(&["status"]);
    assert!(status.contains(&short(&second)) && status.contains("healthy"), "{status}");
    let rows = || read(&lab, "prism_data", "rows", "latest");
    assert_eq!(rows(), "started 1.0\nstarted 1.1\n");

    let list = lab.good(&["backup", "list"]);
    let before = list.split_whitespace().find(|word| word.contains("before-latest"));
    let before = before.unwrap_or_else(|| panic!("{list}"));
    lab.good(&["run", "rollback", "--backup", before, "--yes"]);
    assert!(lab.good(&["status"]).contains(&short(&first)));
    assert_eq!(rows(), "started 1.0\nstarted 1.0\n");
}
