//! Linked practice servers, each on a host of its own that is reached over ssh only.

use super::servers::{ORDER, Servers};
use crate::support::awkward::{Awkward, shell};
use crate::support::sshd::{Host, Network};
use std::borrow::Borrow;
use std::fs;

pub struct Elsewhere {
    pub servers: Servers,
    pub hosts: Vec<Host>,
    _folder: tempfile::TempDir,
}

impl Borrow<Servers> for Elsewhere {
    fn borrow(&self) -> &Servers {
        &self.servers
    }
}

impl Elsewhere {
    pub fn new() -> Elsewhere {
        Elsewhere::within(&Awkward::tidy())
    }

    /// In an awkward world, whose shells are awkward, too.
    pub fn within(awkward: &Awkward) -> Elsewhere {
        let mut servers = Servers::within(awkward);
        let folder = tempfile::tempdir().unwrap();
        let mut network = Network::new(folder.path());
        network.more = shell::banner(awkward, folder.path());
        let hosts: Vec<Host> = ORDER.iter().map(|name| network.host(name)).collect();
        hosts.iter().for_each(Host::put_program);
        hosts.iter().for_each(|host| shell::furnish(awkward, &host.home()));
        let mut site = fs::read_to_string(servers.linked.site()).unwrap();
        for name in ORDER {
            let table = format!("[servers.{name}]\n");
            assert!(site.contains(&table));
            site = site.replace(&table, &format!("{table}ssh = \"{name}\"\n"));
        }
        fs::write(servers.linked.site(), site).unwrap();
        servers.route = Some(Box::new(move |command| network.command(command)));
        Elsewhere { servers, hosts, _folder: folder }
    }

    /// Cuts the connections to all hosts.
    pub fn cut(&self) {
        self.hosts.iter().for_each(Host::cut);
    }
}
