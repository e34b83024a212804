//! Servers with real containers: Docker Engine, Compose, PostgreSQL and OpenLDAP.

#[path = "support/docker.rs"]
mod docker;
#[path = "support/mod.rs"]
mod support;

use docker::Stack;
use std::process::{Command, Stdio};
use support::{Said, said};

impl Stack {
    fn banister(&self, arguments: &[&str]) -> Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_banister"));
        command.args(arguments).current_dir(self.practice.dir()).env_clear().stdin(Stdio::null());
        for name in ["PATH", "DOCKER_HOST"] {
            command.envs(std::env::var_os(name).map(|value| (name, value)));
        }
        command.env("HOME", self.folder.path()).env("BANISTER_STATE", self.folder.path().join("state"));
        said(command.output().unwrap())
    }
}

#[test]
fn a_server_of_real_containers_is_updated_and_keeps_its_rows() {
    let Some(stack) = Stack::create(&[]) else { return };
    let before = stack.practice.rows().unwrap();
    assert!(before.tables["hoss_core.datasets"] > 4000, "{before:?}");
    let update = stack.banister(&["run", "update", "--yes"]);
    assert_eq!(update.code, Some(0), "{update:?}");
    assert_eq!(stack.practice.discover().unwrap()["version"], "0.2.14");
    let after = stack.practice.rows().unwrap();
    assert_eq!(after.identity, before.identity);
    assert_eq!(after.migrations["hoss_core"], 4);
    assert!(!stack.practice.alarm());
}
