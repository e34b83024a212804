//! A network that drops every packet: nobody says that the connection is gone.

use super::Elsewhere;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

pub const NEAR: &str = "198.18.0.1";
pub const FAR: &str = "198.18.0.2";

/// A network namespace that ends with its process.
pub struct Namespace(Child);

impl Namespace {
    /// None where this user may make none.
    pub fn new() -> Option<Namespace> {
        let mut holder = Command::new("unshare");
        holder.args(["-n", "sh", "-c", "echo made; exec sleep 600"]).stdout(Stdio::piped());
        let mut child = holder.stderr(Stdio::null()).spawn().ok()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
        let namespace = Namespace(child);
        (line == "made\n").then_some(namespace)
    }

    /// What starts a program in it.
    pub fn enter(&self) -> [String; 4] {
        ["nsenter", "-t", &self.0.id().to_string(), "-n"].map(str::to_owned)
    }

    pub fn ip(&self, arguments: &str) {
        let [program, enter @ ..] = self.enter();
        let mut ip = Command::new(program);
        ip.args(enter).arg("ip").args(arguments.split(' '));
        assert!(ip.status().unwrap().success(), "ip {arguments}");
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A cable between two of them.
pub fn join(near: &Namespace, far: &Namespace) {
    near.ip(&format!("link add near type veth peer name far netns {}", far.0.id()));
    near.ip(&format!("addr add {NEAR}/30 dev near"));
    near.ip("link set near up");
    far.ip(&format!("addr add {FAR}/30 dev far"));
    far.ip("link set far up");
}

#[test]
fn what_was_begun_goes_on_while_no_packet_comes_through() {
    let (Some(near), Some(far)) = (Namespace::new(), Namespace::new()) else {
        eprintln!("SKIPPED: dropped packets need root, for networks of their own");
        return;
    };
    join(&near, &far);
    let enter = far.enter();
    let enter: Vec<&str> = enter.iter().map(String::as_str).collect();
    let elsewhere = Elsewhere::on(|network| network.host_behind("far", &enter, FAR));
    elsewhere.host.put_program();
    let work =
        "long:\n\t@echo begin >> ../trace; until test -e ../go; do sleep 0.02; done; echo end >> ../trace\n";
    elsewhere.world.write("web/Makefile", work);
    elsewhere.runbook(r#"fn main() { this_server().make("long"); }"#);

    let run = elsewhere.command(&["run", "try"]);
    let [program, enter @ ..] = near.enter();
    let mut command = Command::new(program);
    command.args(enter).arg(run.get_program()).args(run.get_args());
    command.current_dir(run.get_current_dir().unwrap()).env_clear();
    command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    elsewhere.until(|trace| trace.contains("begin"));
    far.ip("link set far down");
    elsewhere.world.write("go", "");
    assert!(lines.any(|line| line.contains("the connection to `web` was lost")), "it is not noticed");
    assert_eq!(elsewhere.trace(), "begin\nend\n");
    far.ip("link set far up");
    let rest: Vec<String> = lines.collect();
    assert!(child.wait().unwrap().success(), "{rest:?}");
    assert_eq!(elsewhere.trace(), "begin\nend\n");
}
