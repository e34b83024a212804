//! Another server on the same machine.

use super::{Awkward, Thing};
use banister::internals::practice::Practice;
use std::process::{Command, Stdio};

/// Starts a container of another Compose project, with the name of a service that this server has, too.
pub fn move_in(awkward: &Awkward, practice: &Practice) {
    if !awkward.has(Thing::Neighbour) {
        return;
    }
    let docker = |words: &[&str]| {
        let mut command = Command::new(practice.dir().join("bin/docker"));
        command.args(words).envs(practice.environment()).stdin(Stdio::null());
        let output = command.output().unwrap();
        assert!(output.status.success(), "{words:?}: {output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let image = docker(&["inspect", "--format", "{{.Config.Image}}", "server_core_1"]);
    for service in ["core", "db", "reverse-proxy"] {
        let name = format!("other_{service}_1");
        let service = format!("com.docker.compose.service={service}");
        let labels = ["--label", "com.docker.compose.project=other", "--label", &service];
        let begin = ["run", "--detach", "--name", &name, "--network", "web"];
        let command = [image.trim(), "nc", "-lk", "-p", "8080", "-e", "true"];
        docker(&[&begin[..], &labels, &command].concat());
    }
}
