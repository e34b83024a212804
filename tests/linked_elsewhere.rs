//! Linked servers, each on a machine of its own: the same runbook, over real OpenSSH on loopback.

#[path = "linked/elsewhere.rs"]
mod elsewhere;
#[path = "linked/servers.rs"]
mod servers;
#[path = "support/sshd.rs"]
mod sshd;
mod support;

use elsewhere::Elsewhere;
use servers::Servers;
use std::time::Duration;
use support::said;

#[test]
fn linked_servers_elsewhere_are_updated_as_those_that_are_here() {
    let here = Servers::new();
    assert_eq!(here.banister(&["run", "update-linked", "--yes"]).code, Some(0));
    let elsewhere = Elsewhere::new();
    let said = elsewhere.servers.banister(&["run", "update-linked", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(elsewhere.servers.left(), here.left());
    let status = elsewhere.servers.banister(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    for server in status.as_array().unwrap() {
        assert_eq!((server["release"].as_str(), server["healthy"].as_bool()), (Some("0.2.14"), Some(true)));
        assert_eq!(server["backups"].as_array().unwrap().len(), 2, "{server}");
    }
}

#[test]
fn backups_elsewhere_are_listed_verified_and_drilled_there() {
    let elsewhere = Elsewhere::new();
    let servers = &elsewhere.servers;
    let said = servers.banister(&["run", "backup", "--server", "lab", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let list = || -> serde_json::Value {
        let said = servers.banister(&["backup", "list", "--server", "lab", "--json"]);
        assert_eq!(said.code, Some(0), "{said:?}");
        serde_json::from_str(&said.out).unwrap()
    };
    let listed = list();
    assert_eq!(listed.as_array().unwrap().len(), 1, "{listed}");
    let name = listed[0]["name"].as_str().unwrap();

    let said = servers.banister(&["backup", "verify", name]);
    assert_eq!(said.code, Some(0), "it is found on whichever server: {said:?}");

    let said = servers.banister(&["backup", "drill", name, "--server", "lab", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(list()[0]["level"], "drilled");
}

#[test]
fn connections_that_are_cut_again_and_again_change_nothing() {
    let here = Servers::new();
    assert_eq!(here.banister(&["run", "update-linked", "--yes"]).code, Some(0));
    let elsewhere = Elsewhere::new();
    let mut child = elsewhere.servers.command(&["run", "update-linked", "--yes"]).spawn().unwrap();
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
