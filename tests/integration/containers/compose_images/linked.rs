//! Projects that share one `.env`, each by a link to it: the version of one is that of the other.

use super::lab::Lab;
use super::read;
use crate::support::chance;
use crate::support::docker::docker;
use std::fs;

const FILE: &str = "services:\n  app:\n    image: IMAGE\n    restart: unless-stopped\n    stop_grace_period: 1s\n    network_mode: none\n    \
                    volumes: [\"data:/data\"]\nvolumes: { data: {} }\n";

/// The images of what runs of two projects, in their order.
fn images(lab: &Lab) -> Vec<String> {
    let of = |name: &str| {
        let label = format!("label=com.docker.compose.project={name}");
        docker(&["ps", "--filter", &label, "--format", "{{.Image}}"]).trim().to_owned()
    };
    let begin = lab.image("");
    ["east", "west"].map(|name| of(name).trim_start_matches(&begin).to_owned()).to_vec()
}

#[test]
fn two_projects_with_one_env_file_are_updated_together_and_rolled_back_together() {
    if !chance::is_turn(2, 3) {
        return;
    }
    let Some(mut lab) = Lab::create(&["1.0", "1.1"]) else { return };
    fs::write(lab.path("common.env"), "SHOP_VERSION=1.0\n").unwrap();
    for name in ["east", "west"] {
        fs::create_dir(lab.path(name)).unwrap();
        std::os::unix::fs::symlink("../common.env", lab.path(name).join(".env")).unwrap();
        let file = FILE.replace("IMAGE", &lab.image("${SHOP_VERSION}"));
        fs::write(lab.path(name).join("compose.yaml"), file).unwrap();
        lab.up(name, &[]);
        lab.good(&["adopt", &format!("../{name}"), "--site", "."]);
    }
    lab.edit_site();
    // West does not become healthy with 1.1.
    let site = fs::read_to_string(lab.path("site/site.toml")).unwrap();
    let (east, west) = site.split_once("[servers.west]\n").unwrap();
    let sick =
        format!("docker ps --format '{{{{.Image}}}} {{{{.Names}}}}' | grep -q '{} west'", lab.image("1.1"));
    let health = format!("health = [{{ command = [\"sh\", \"-c\", \"! test -e ../sick || ! {sick}\"] }}]\n");
    let text = format!("{east}[servers.west]\nneeds = [\"east\"]\n{health}{west}");
    fs::write(lab.path("site/site.toml"), text).unwrap();
    let check = lab.good(&["check"]);
    assert!(check.contains("is also that of `west`: an update of one writes both"), "{check}");

    fs::write(lab.path("sick"), "").unwrap();
    lab.is_impatient(true);
    let failed = lab.banister(&["run", "update-linked", "--yes", "--on-failure", "stop"]);
    lab.is_impatient(false);
    assert!(failed.code == Some(1) && failed.err.contains("`west` did not become healthy"), "{failed:?}");
    assert_eq!(images(&lab), ["1.1", "1.1"]);
    let back = lab.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(back.code, Some(0), "{back:?}");
    assert_eq!(images(&lab), ["1.0", "1.0"]);
    assert_eq!(fs::read_to_string(lab.path("common.env")).unwrap(), "SHOP_VERSION=1.0\n");
    let rows = |name: &str| read(&lab, &format!("{name}_data"), "rows", "1.0");
    assert_eq!(rows("west"), "started 1.0\nstarted 1.0\n", "what 1.1 wrote is still there");

    fs::remove_file(lab.path("sick")).unwrap();
    lab.good(&["run", "update-linked", "--to", "1.1", "--yes"]);
    assert_eq!(images(&lab), ["1.1", "1.1"]);
    for name in ["east", "west"] {
        assert!(lab.path(name).join(".env").is_symlink(), "{name}");
        assert_eq!(rows(name), "started 1.0\nstarted 1.0\nstarted 1.1\n", "{name}");
    }
}
