//! A server that is reached over ssh.

use super::wait;
use crate::support::sshd::{Host, Network};
use crate::support::{Said, World, said};
use std::path::PathBuf;
use std::process::Command;

/// A world whose server is reached over ssh, and whose runs work on this machine.
pub struct Elsewhere {
    pub host: Host,
    pub network: Network,
    pub world: World,
}

impl Elsewhere {
    /// On a host on which the program was before.
    pub fn new() -> Elsewhere {
        let elsewhere = Elsewhere::bare();
        elsewhere.host.put_program();
        elsewhere
    }

    /// On a host that nobody reached before.
    pub fn bare() -> Elsewhere {
        Elsewhere::on(|network| network.host("far"))
    }

    /// The server is on this host, which the user's ssh knows as `far`.
    pub fn on(host: impl FnOnce(&Network) -> Host) -> Elsewhere {
        let world = World::new();
        let network = Network::new(world.path());
        let host = host(&network);
        let checkout = world.path().join("web");
        world.write(
            "site.toml",
            &format!(
                "home = \"here\"\n[servers.web]\nssh = \"far\"\nkind = \"plain\"\ncheckout = \"{}\"\n",
                checkout.display()
            ),
        );
        Elsewhere { host, network, world }
    }

    pub fn runbook(&self, text: &str) {
        self.world.write("runbooks/try.rhai", text);
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        self.network.command(&self.world.command(arguments))
    }

    pub fn banister(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().unwrap())
    }

    pub fn crash(&self, arguments: &[&str], place: &str) -> Said {
        said(self.command(arguments).env("BANISTER_CRASH_AT", place).output().unwrap())
    }

    /// What the server's make targets did.
    pub fn trace(&self) -> String {
        self.world.read("trace")
    }

    pub fn until(&self, so: impl Fn(&str) -> bool) {
        wait(|| so(&self.trace()));
    }

    /// The folder of the agent's state.
    pub fn far(&self) -> PathBuf {
        self.host.home().join(".local/state/banister/agent")
    }
}
