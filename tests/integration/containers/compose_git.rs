//! Compose projects in a git checkout: their releases are tags of it, and images are built from it, by Compose or by a script
//! of the project's own.

use super::compose_images::lab::{APP, Lab, containers, ran};
use crate::support::chance;
use crate::support::docker::docker;
use std::fs;
use std::path::Path;
use std::process::Command;

const FILE: &str = r#"version: "2.4"
services:
  app:
    build: .
    restart: unless-stopped
    stop_grace_period: 2s
    network_mode: none
    volumes: ["data:/data"]
  once:
    image: BASE
    entrypoint: ["/bin/sync"]
    command: []
    network_mode: none
    restart: "no"
  reader:
    image: BASE
    entrypoint: ["/bin/sh", "-c", "trap 'exit 0' TERM; while :; do sleep 60 & wait; done"]
    command: []
    restart: unless-stopped
    stop_grace_period: 2s
    network_mode: none
    volumes: ["./reader.conf:/reader.conf:ro"]
volumes:
  data: {}
"#;

fn git(folder: &Path, arguments: &[&str]) {
    let who = ["-c", "user.name=A", "-c", "user.email=a@example.org", "-c", "advice.detachedHead=false"];
    ran(Command::new("git").args(who).args(arguments).current_dir(folder));
}

/// An origin with a tag for each version, and a clone of the first, which runs.
fn project(lab: &mut Lab, name: &str) {
    let origin = lab.path(&format!("{name}-origin"));
    fs::create_dir(&origin).unwrap();
    git(&origin, &["init", "--quiet", "-b", "main"]);
    let base = lab.image("base");
    fs::write(origin.join("docker-compose.yml"), FILE.replace("BASE", &base)).unwrap();
    let file = format!("FROM {base}\nLABEL {}\nCOPY app /app\nENTRYPOINT [\"/app\"]\n", lab.label());
    fs::write(origin.join("Dockerfile"), file).unwrap();
    fs::write(origin.join("install.sh"), "#!/bin/sh\necho installed >> installs\ndocker-compose build\n")
        .unwrap();
    fs::write(origin.join(".gitignore"), ".env\ninstalls\n").unwrap();
    ran(Command::new("chmod").arg("755").arg(origin.join("install.sh")));
    for version in ["1.0", "1.1", "2.0", "3.0"] {
        if version == "3.0" {
            // Its data is in a volume of another name.
            let file = fs::read_to_string(origin.join("docker-compose.yml")).unwrap();
            let file = file.replace("data:/data", "store:/data").replace("  data: {}", "  store: {}");
            fs::write(origin.join("docker-compose.yml"), file).unwrap();
        }
        fs::write(origin.join("reader.conf"), format!("of {version}\n")).unwrap();
        fs::write(origin.join("app"), APP.replace("VERSION", version)).unwrap();
        ran(Command::new("chmod").arg("755").arg(origin.join("app")));
        git(&origin, &["add", "."]);
        git(&origin, &["commit", "--quiet", "-m", version]);
        git(&origin, &["tag", version]);
    }
    let clone = lab.path(name);
    git(&lab.path("."), &["clone", "--quiet", origin.to_str().unwrap(), clone.to_str().unwrap()]);
    git(&clone, &["checkout", "--quiet", "1.0"]);
    fs::write(clone.join(".env"), "TITLE=\"a b\" # of the shop\n").unwrap();
    lab.up(name, &["--build"]);
}

fn rows(lab: &Lab, name: &str) -> String {
    let mount = format!("{name}_data:/v");
    docker(&["run", "--rm", "--volume", &mount, "--entrypoint", "cat", &lab.image("base"), "/v/rows"])
}

/// The id of the container that mounts a tracked file alone, and what it sees of it.
fn reader(name: &str) -> (String, String) {
    let label = |label: &str, value: &str| format!("label=com.docker.compose.{label}={value}");
    let (project, service) = (label("project", name), label("service", "reader"));
    let id = docker(&["ps", "--quiet", "--filter", &project, "--filter", &service]).trim().to_owned();
    let sees = docker(&["exec", &id, "cat", "/reader.conf"]);
    (id, sees)
}

fn head(lab: &Lab, name: &str) -> String {
    let output =
        Command::new("git").args(["describe", "--tags"]).current_dir(lab.path(name)).output().unwrap();
    String::from_utf8_lossy(&output.stdout).trim().to_owned()
}

#[test]
fn a_project_in_a_checkout_is_adopted_updated_and_rolled_back_without_a_build() {
    if !chance::is_turn(0, 3) {
        return;
    }
    let Some(mut lab) = Lab::create(&["base"]) else { return };
    docker(&["pull", "--quiet", &lab.image("base")]);
    project(&mut lab, "built");
    let said = lab.good(&["adopt", "../built", "--site", "."]);
    assert!(said.contains("the tags of the checkout"), "{said}");
    lab.edit_site();
    lab.good(&["check"]);
    let status = lab.good(&["status"]);
    assert!(status.contains("release  1.0\n  health   healthy\n"), "{status}");
    let plan = lab.good(&["plan", "update", "--to", "1.1"]);
    assert!(plan.contains("checkout(built, \"1.1\")"), "{plan}");
    let (kept, _) = reader("built");
    lab.good(&["run", "update", "--to", "1.1", "--yes"]);
    // Nothing makes it anew, and git replaced the file.
    assert_eq!(reader("built"), (kept.clone(), "of 1.1\n".into()));
    assert_eq!(
        (head(&lab, "built"), rows(&lab, "built")),
        ("1.1".into(), "started 1.0\nstarted 1.1\n".into())
    );

    // A release that would begin anew beside its data is healthy, and stops in the check; a plan says so, too.
    for arguments in [&["plan", "update", "--to", "3.0"][..], &["run", "update", "--to", "3.0", "--yes"]] {
        let said = lab.banister(arguments);
        let text = format!("{}{}", said.out, said.err);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(
            text.contains("built may not find its data in 3.0") && text.contains("built_store"),
            "{said:?}"
        );
    }
    assert_eq!(head(&lab, "built"), "1.1");

    lab.is_impatient(true);
    let failed = lab.banister(&["run", "update", "--to", "2.0", "--yes", "--on-failure", "stop"]);
    lab.is_impatient(false);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert!(failed.err.contains("`built` did not become healthy"), "{failed:?}");
    assert_eq!(reader("built").1, "of 2.0\n");
    // Nothing can be built any more.
    fs::write(lab.path("built/.env"), "TITLE=lost\n").unwrap();
    lab.stop_registry();
    let back = lab.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(back.code, Some(0), "{back:?}");
    assert_eq!(head(&lab, "built"), "1.1");
    assert_eq!(reader("built"), (kept, "of 1.1\n".into()));
    assert_eq!(rows(&lab, "built"), "started 1.0\nstarted 1.1\nstarted 1.1\n");
    assert_eq!(fs::read_to_string(lab.path("built/.env")).unwrap(), "TITLE=\"a b\" # of the shop\n");
    let states: Vec<String> = containers("built").0;
    assert!(states.iter().any(|line| line.starts_with("app ") && line.ends_with("running")), "{states:?}");
    let status = lab.good(&["status"]);
    assert!(status.contains("health    healthy") && status.contains("lock      free"), "{status}");
}

/// With Compose 1, which calls what it builds by other names.
#[test]
fn a_project_with_an_install_script_is_updated_by_it() {
    if !chance::is_turn(1, 3) {
        return;
    }
    let Some(mut lab) = Lab::create_with_compose_1(&["base"]) else { return };
    docker(&["pull", "--quiet", &lab.image("base")]);
    project(&mut lab, "script");
    lab.good(&["adopt", "../script", "--site", "."]);
    lab.edit_site();
    let file = lab.path("site/site.toml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("# commands = { build = [\"./install.sh\"] }\n"), "{text}");
    fs::write(&file, text.replace("# commands = ", "commands = ")).unwrap();
    lab.good(&["check"]);
    let plan = lab.good(&["plan", "update", "--to", "1.1"]);
    assert!(plan.contains("run(script, [\"./install.sh\"]"), "{plan}");
    lab.good(&["run", "update", "--to", "1.1", "--yes"]);
    assert_eq!(fs::read_to_string(lab.path("script/installs")).unwrap(), "installed\n");
    assert_eq!(rows(&lab, "script"), "started 1.0\nstarted 1.1\n");
}
