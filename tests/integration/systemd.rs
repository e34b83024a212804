//! Programs that systemd runs from a git checkout, with a stand-in for `systemctl` as its manual describes it.

use crate::support::{Said, World};

/// Units are files in `units`, each with what is running: the release that was checked out when it was started.
const SYSTEMCTL: &str = r#"#!/bin/sh
cd "$(dirname "$0")/../units" || exit 4
echo "$*" >> ../trace
command=$1
shift
for unit; do
    case $unit in --*|LoadState) continue ;; esac
    case $command in
    show) if [ -f "$unit" ]; then echo loaded; else echo not-found; fi ;;
    is-active) [ -s "$unit" ] || exit 3 ;;
    stop) : > "$unit" ;;
    restart)
        version=$(cat ../web/VERSION)
        if [ "$version" = bad ]; then : > "$unit"; else echo "$version" > "$unit"; fi ;;
    esac
done
"#;

fn world() -> World {
    use std::os::unix::fs::PermissionsExt;
    let world = World::new();
    world.write("bin/systemctl", SYSTEMCTL);
    let mode = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(world.path().join("bin/systemctl"), mode).unwrap();
    world.write("web/VERSION", "1\n");
    for unit in ["web.service", "worker.service"] {
        world.write(&format!("units/{unit}"), "1\n");
    }
    world.git(&["add", "-A"]);
    world.git(&["commit", "-q", "-m", "one"]);
    world.git(&["tag", "--force", "0.1.0"]);
    for (tag, version) in [("0.2.0", "2\n"), ("0.3.0", "bad\n")] {
        world.write("web/VERSION", version);
        world.git(&["commit", "-q", "-a", "-m", tag]);
        world.git(&["tag", tag]);
    }
    world.git(&["checkout", "-q", "0.1.0"]);
    world.write("data/rows", "before");
    site(&world, "[\"web.service\", \"worker.service\"]");
    world
}

fn site(world: &World, units: &str) {
    let path = format!("{}:{}", world.path().join("bin").display(), std::env::var("PATH").unwrap());
    world.write(
        "site.toml",
        &format!(
            "[servers.web]\nkind = \"systemd\"\ncheckout = \"web\"\nunits = {units}\nbackup = [\"~/data\"]\n\
             healthy = {{ within = \"5s\", stable = \"200ms\" }}\nenvironment = {{ PATH = \"{path}\" }}\n"
        ),
    );
}

fn banister(world: &World, arguments: &[&str]) -> Said {
    world.banister(arguments)
}

#[test]
fn units_are_restarted_by_an_update_and_by_its_rollback() {
    let world = world();
    let said = banister(&world, &["check"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = banister(&world, &["plan", "update", "--to", "0.2.0"]);
    assert!(
        said.out.contains("run(web, [\"systemctl\", \"restart\", \"web.service\", \"worker.service\"]"),
        "{said:?}"
    );
    let said = banister(&world, &["run", "update", "--to", "0.2.0", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        (world.read("units/web.service"), world.read("units/worker.service")),
        ("2\n".into(), "2\n".into())
    );

    let said = banister(&world, &["run", "update", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("web.service"), "{said:?}");
    let said = banister(&world, &["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        (world.read("units/web.service"), world.read("units/worker.service")),
        ("2\n".into(), "2\n".into())
    );
}

#[test]
fn what_writes_is_stopped_while_data_is_put_back() {
    let world = world();
    assert_eq!(banister(&world, &["run", "backup", "--yes"]).code, Some(0));
    world.write("data/rows", "after");
    world.write("trace", "");
    let listed = banister(&world, &["backup", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed.out).unwrap();
    let said = banister(&world, &["backup", "restore", listed[0]["name"].as_str().unwrap(), "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("data/rows"), "before");
    let trace = world.read("trace");
    let at = |what: &str| trace.find(what).unwrap_or_else(|| panic!("{what}: {trace}"));
    assert!(at("stop web.service worker.service") < at("restart web.service worker.service"), "{trace}");
    assert_eq!(world.read("units/web.service"), "1\n");
}

#[test]
fn a_unit_that_systemd_does_not_know_is_refused_before_anything_is_touched() {
    let world = world();
    for (units, words) in
        [("[\"wbe.service\"]", "systemd has no unit wbe.service"), ("[]", "nothing says which units")]
    {
        site(&world, units);
        let said = banister(&world, &["run", "update", "--yes", "--unhealthy", "a unit is missing"]);
        assert!(said.code == Some(1) && said.err.contains(words), "{said:?}");
    }
    assert_eq!(world.read("units/web.service"), "1\n");
}
