//! Linked practice servers, each on a host of its own that is reached over ssh only.

#![allow(dead_code, reason = "each test program uses a part of it")]

use crate::servers::{ORDER, Servers};
use crate::sshd::{Host, Network};
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
        let mut servers = Servers::new();
        let folder = tempfile::tempdir().unwrap();
        let network = Network::new(folder.path());
        let hosts = ORDER.iter().map(|name| network.host(name)).collect();
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
