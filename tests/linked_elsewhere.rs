//! Linked servers, each on a machine of its own: the same runbook, over real OpenSSH on loopback.

#[path = "linked/servers.rs"]
mod servers;
#[path = "support/sshd.rs"]
mod sshd;
mod support;

use servers::{ORDER, Servers};
use sshd::{Host, Network};
use std::fs;
use std::process::Command;
use std::time::Duration;
use support::said;

/// Linked servers that are reached over ssh only.
struct Elsewhere {
    servers: Servers,
    hosts: Vec<Host>,
    network: Network,
    _folder: tempfile::TempDir,
}

impl Elsewhere {
    fn new() -> Elsewhere {
        let servers = Servers::new();
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
        Elsewhere { servers, hosts, network, _folder: folder }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.network.command(&self.servers.command(arguments));
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        command
    }
}

#[test]
fn linked_servers_elsewhere_are_updated_as_those_that_are_here() {
    let here = Servers::new();
    assert_eq!(here.banister(&["run", "update-linked", "--yes"]).code, Some(0));
    let elsewhere = Elsewhere::new();
    let said = said(elsewhere.command(&["run", "update-linked", "--yes"]).output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(elsewhere.servers.left(), here.left());
    let status = elsewhere.command(&["status", "--json"]).output().unwrap();
    let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
    for server in status.as_array().unwrap() {
        assert_eq!((server["release"].as_str(), server["healthy"].as_bool()), (Some("0.2.14"), Some(true)));
        assert_eq!(server["backups"].as_array().unwrap().len(), 2, "{server}");
    }
}

#[test]
fn connections_that_are_cut_again_and_again_change_nothing() {
    let here = Servers::new();
    assert_eq!(here.banister(&["run", "update-linked", "--yes"]).code, Some(0));
    let elsewhere = Elsewhere::new();
    let mut child = elsewhere.command(&["run", "update-linked", "--yes"]).spawn().unwrap();
    // Before a run there is nothing to go on with: who can't be reached then is told.
    while elsewhere.servers.journals().is_empty() {
        std::thread::sleep(Duration::from_millis(10));
    }
    let mut cuts = 0;
    while child.try_wait().unwrap().is_none() {
        // Less often than a connection takes to come back, with the rest of what it was in the middle of.
        std::thread::sleep(Duration::from_millis(900 + 137 * (cuts % 7)));
        elsewhere.hosts[cuts as usize % elsewhere.hosts.len()].cut();
        cuts += 1;
    }
    let said = said(child.wait_with_output().unwrap());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("was lost: connecting again"), "{said:?}");
    assert_eq!(elsewhere.servers.left(), here.left());
}
