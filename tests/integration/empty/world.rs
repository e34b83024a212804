//! A project of Compose in git, with a stand-in for Docker that has its volumes and its database as files.

use crate::support::{self, Said, World};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Changes the Compose file of a release.
pub type Change = fn(&mut Value);

/// The Compose file of a release.
fn compose(release: &str) -> Value {
    json!({
        "name": "shop",
        "services": {
            "app": { "image": format!("app:{release}"), "env_file": ["env/app.env"], "volumes": [
                { "type": "volume", "source": "media", "target": "/media" },
                { "type": "bind", "source": "./files", "target": "/files" },
                { "type": "bind", "source": "./app.conf", "target": "/etc/app.conf", "read_only": true },
                { "type": "bind", "source": "/etc/localtime", "target": "/etc/localtime" },
                { "type": "bind", "source": "./conf.d", "target": "/conf.d" },
                { "type": "tmpfs", "target": "/cache" },
            ] },
            "db": { "image": "postgres:15", "volumes": [
                { "type": "volume", "source": "rows", "target": "/var/lib/db" },
            ] },
            "worker": { "image": "worker:1", "volumes": [
                { "type": "volume", "source": "kept", "target": "/kept" },
            ] },
        },
        "volumes": { "media": {}, "rows": { "driver_opts": { "device": "/srv/rows" } }, "kept": {} },
    })
}

/// The release 1.0 runs, and 2.0 is to be had, with this change; `more` is in the server's table.
pub fn world(change: Change, more: &str) -> World {
    let world = World::new();
    world.git(&["tag", "-d", "0.1.0"]);
    world.write(
        "site.toml",
        &format!(
            "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackup = [\"files\"]\nbackups = \"~/kept\"\nfree_space = \"1MB\"\n\
             health = [{{ command = [\"true\"] }}]\nhealthy = {{ within = \"4s\", stable = \"0s\" }}\n\
             targets = {{ build = \"\", stop = \"stop\" }}\n{more}"
        ),
    );
    world.write("web/Makefile", "up:\n\tdocker compose up --detach\nstop:\n\t@true\n");
    world.write("web/.gitignore", "env/\nfiles/\n.env\ncompose.override.yaml\n");
    world.write("web/app.conf", "tracked");
    world.write("web/conf.d/a", "tracked, too");
    for release in ["1.0", "2.0"] {
        let mut file = compose(release);
        if release == "2.0" {
            change(&mut file);
        }
        world.write("web/compose.yaml", &file.to_string());
        world.git(&["add", "-A"]);
        world.git(&["commit", "-qm", release]);
        world.git(&["tag", release]);
    }
    world.git(&["checkout", "-q", "1.0"]);
    world.write("web/env/app.env", "A=b\n");
    world.write("web/files/one", "a file");
    world.write("web/files/two", "a file");
    let docker = include_str!("docker.py").replace("@WORLD@", &world.path().display().to_string());
    world.write("bin/docker", &docker);
    let docker = world.path().join("bin/docker");
    std::fs::set_permissions(&docker, std::fs::Permissions::from_mode(0o755)).unwrap();
    let started = Command::new(docker).args(["compose", "up"]).current_dir(world.path().join("web")).status();
    assert!(started.unwrap().success());
    world.write("volumes/shop_rows/rows", "public.users 120\npublic.posts 7\npublic.tags 2\n");
    world.remove("trace");
    world
}

pub fn command(world: &World, arguments: &[&str]) -> Command {
    let path = format!("{}:{}", world.path().join("bin").display(), std::env::var("PATH").unwrap());
    let mut command = world.command(arguments);
    command.env("PATH", path);
    command
}

pub fn banister(world: &World, arguments: &[&str]) -> Said {
    support::said(command(world, arguments).output().unwrap())
}

/// The same, killed where the journal is at `place`.
pub fn crash(world: &World, arguments: &[&str], place: &str) -> Said {
    support::said(command(world, arguments).env("BANISTER_CRASH_AT", place).output().unwrap())
}
