//! A server whose backups go into a repository of restic.

use crate::support::restic::repository;
use crate::support::{Said, World, said};
use serde_json::Value;
use std::fs;
use std::io::Read;
use std::ops::Deref;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;

/// So that it is found wherever it is written.
const PASSWORD: &str = "pass-of-the-repository-7319";

pub struct Web(World);

impl Deref for Web {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl Web {
    /// With a repository, and `rest` in the table of the server.
    pub fn new(rest: &str) -> Web {
        let world = World::new();
        let load = world.path().join("loaded").display().to_string();
        world.write(
            "site.toml",
            &format!(
                "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackups = \"~/kept\"\n\
                 targets = {{ configure = \"config\", stop = \"config\" }}\n\
                 health = [{{ command = [\"true\"] }}]\nhealthy = {{ stable = \"10ms\" }}\nbackup = [\"~/data\"]\n\
                 repository = \"restic:~/repo\"\nrepository_password_file = \"~/password\"\n{rest}\
                 [servers.web.dumps.\"rows.sql\"]\ndump = [\"echo\", \"the rows of a database\"]\n\
                 load = [\"cp\", \"/dev/stdin\", {load:?}]\ndrill = [\"grep\", \"rows\"]\n"
            ),
        );
        world.write("data/rows", "all of them");
        world.write("password", PASSWORD);
        repository(&world.path().join("repo"), PASSWORD);
        Web(world)
    }

    /// Runs the program, which must be done.
    pub fn done(&self, arguments: &[&str]) -> Said {
        let said = self.banister(arguments);
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        said
    }

    pub fn cards(&self) -> Vec<Value> {
        serde_json::from_str(&self.done(&["backup", "list", "--json"]).out).unwrap()
    }

    /// How many snapshots restic knows.
    pub fn snapshots(&self, filter: &[&str]) -> usize {
        let said = restic(self, &[&["snapshots", "--json"], filter].concat());
        serde_json::from_str::<Value>(&said).unwrap().as_array().map_or(0, Vec::len)
    }

    pub fn in_backups(&self) -> Vec<String> {
        let entries = fs::read_dir(self.path().join("kept")).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// Names, modes, owners, links and contents of the data, in order.
    pub fn tree(&self) -> Vec<String> {
        let mut all = Vec::new();
        let mut folders = vec![self.path().join("data")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(&folder).unwrap() {
                let path = entry.unwrap().path();
                let found = path.symlink_metadata().unwrap();
                let content = match (found.is_dir(), found.is_symlink(), found.is_file()) {
                    (true, ..) => String::new(),
                    (_, true, _) => format!("{:?}", fs::read_link(&path).unwrap()),
                    (.., true) => format!("{:?}", fs::read(&path).unwrap()),
                    _ => "socket".into(),
                };
                let name = path.as_os_str().as_bytes().escape_ascii().to_string();
                all.push(format!("{name} {:o} {} {} {content}", found.mode(), found.uid(), found.gid()));
                if found.is_dir() {
                    folders.push(path);
                }
            }
        }
        all.sort();
        all
    }

    /// Gives everything to a user.
    pub fn give_to(&self, user: u32) {
        let chown = Command::new("chown").args(["-R", &format!("{user}:{user}")]).arg(self.path()).status();
        assert!(chown.unwrap().success());
    }

    /// Runs the program as another user.
    pub fn as_user(&self, user: u32, arguments: &[&str]) -> Said {
        let inner = self.command(arguments);
        let mut outer = Command::new("setpriv");
        outer.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--clear-groups"]);
        outer.arg(inner.get_program()).args(inner.get_args()).current_dir(self.path()).env_clear();
        outer.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        said(outer.output().unwrap())
    }

    /// The folder of another `restic`: a shell script, in which `$RESTIC` is the true one.
    pub fn other_restic(&self, script: &str) -> PathBuf {
        let bin = self.path().join("other");
        fs::create_dir_all(&bin).unwrap();
        let file = bin.join("restic");
        fs::write(&file, format!("#!/bin/sh\nRESTIC={}\n{script}\n", of_path("restic").display())).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        bin
    }

    /// Runs the program with such a `restic`.
    pub fn with_restic(&self, script: &str, arguments: &[&str]) -> Said {
        let bin = self.other_restic(script);
        let mut command = self.command(arguments);
        command.env("PATH", format!("{}:{}", bin.display(), std::env::var("PATH").unwrap()));
        said(command.output().unwrap())
    }

    /// The password is in no record, and in nothing that the runs left.
    pub fn assert_no_password(&self) {
        for folder in ["state", "kept"] {
            for file in files_below(&self.path().join(folder)) {
                let bytes = fs::read(&file).unwrap_or_default();
                let is_there = bytes.windows(PASSWORD.len()).any(|part| part == PASSWORD.as_bytes());
                assert!(!is_there, "the password is in {}", file.display());
            }
        }
    }
}

/// Where a program is.
fn of_path(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap();
    std::env::split_paths(&path).map(|folder| folder.join(name)).find(|file| file.is_file()).unwrap()
}

/// Abandons the run that failed.
pub fn abandon(web: &Web) {
    let said = web.banister(&["run", "prune", "--count", "9", "--yes", "--abandon=tried"]);
    assert!(said.code.is_some(), "{said:?}");
}

/// restic by hand, without anything of the environment.
pub fn restic(web: &Web, arguments: &[&str]) -> String {
    let output = Command::new("restic")
        .arg("--no-cache")
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("RESTIC_REPOSITORY", web.path().join("repo"))
        .env("RESTIC_PASSWORD_FILE", web.path().join("password"))
        .output()
        .expect("restic is installed");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Leaves a lock for which nobody here can say whether its owner lives: that of `restic prune` on another machine.
pub fn lock_of_another_machine(web: &Web) -> PathBuf {
    // A lock is made by restic itself, in a namespace where this machine has another name, and killed there.
    let script = "hostname elsewhere; restic --no-cache prune >/dev/null 2>&1 & \
                  for i in $(seq 400); do test -n \"$(ls repo/locks)\" && break; sleep 0.01; done; kill -9 $!";
    let status = Command::new("unshare")
        .args(["--uts", "sh", "-c", script])
        .current_dir(web.path())
        .env("RESTIC_REPOSITORY", web.path().join("repo"))
        .env("RESTIC_PASSWORD_FILE", web.path().join("password"))
        .status()
        .unwrap();
    assert!(status.success());
    let locks = files_below(&web.path().join("repo/locks"));
    assert_eq!(locks.len(), 1, "restic was killed while it held its lock");
    locks.into_iter().next().unwrap()
}

pub fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            let about = path.symlink_metadata().unwrap();
            if about.is_dir() {
                folders.push(path);
            } else if about.is_file() {
                found.push(path);
            }
        }
    }
    found
}

pub fn bytes_of(folder: &Path) -> u64 {
    files_below(folder).iter().map(|file| file.metadata().unwrap().len()).sum()
}

/// Bytes that no program makes shorter.
pub fn random(file: &Path, length: u64) {
    let mut random = fs::File::open("/dev/urandom").unwrap().take(length);
    std::io::copy(&mut random, &mut fs::File::create(file).unwrap()).unwrap();
}
