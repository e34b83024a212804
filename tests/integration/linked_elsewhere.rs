//! Linked servers, each on a machine of its own: the same runbook, over real OpenSSH on loopback.

use crate::linked::elsewhere;
use crate::linked::sweep;
use crate::support;

use elsewhere::Elsewhere;
use std::time::Duration;
use support::awkward::Awkward;
use support::chance;
use support::said;

#[test]
fn linked_servers_elsewhere_are_updated_as_those_that_are_here() {
    let elsewhere = Elsewhere::new();
    let said = elsewhere.servers.banister(&["run", "update-linked", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(elsewhere.servers.left(), sweep::undisturbed(&Awkward::tidy()).0);
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
    // The other two turns are those of `linked_elsewhere_sweep`.
    if !chance::is_turn(2, 3) {
        return;
    }
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
    assert_eq!(elsewhere.servers.left(), sweep::undisturbed(&Awkward::tidy()).0);
}

#[test]
fn a_run_that_is_open_where_nobody_gets_stays_open_there_until_somebody_does() {
    let mut elsewhere = Elsewhere::new();
    let mut child = elsewhere.servers.command(&["run", "update-linked", "--yes"]).spawn().unwrap();
    // Somewhere in the middle, when the first of them is half-way: to ask three hosts costs more than to read the journal.
    while !sweep::course(&elsewhere.servers).iter().any(|record| record.contains("\"name\":\"checkout\"")) {
        assert!(child.try_wait().unwrap().is_none(), "it ended before it checked out anything");
        std::thread::sleep(Duration::from_millis(10));
    }
    let half_way = |elsewhere: &Elsewhere| {
        let said = elsewhere.servers.banister(&["lock", "show", "--json"]);
        let shown: serde_json::Value = serde_json::from_str(&said.out).unwrap_or_default();
        let owed = |server: &serde_json::Value| !server["owed"].as_array().is_none_or(Vec::is_empty);
        let servers = shown.as_array().cloned().unwrap_or_default();
        servers.iter().find(|server| owed(server)).map(|server| server["server"].as_str().unwrap().to_owned())
    };
    let first = loop {
        if let Some(first) = half_way(&elsewhere) {
            break first;
        }
        assert!(child.try_wait().unwrap().is_none(), "it ended before it owed anything");
        std::thread::sleep(Duration::from_millis(50));
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let away = elsewhere.hosts.iter().position(|host| host.name == first).unwrap();
    let other = elsewhere.hosts.iter().map(|host| host.name.clone()).find(|name| *name != first).unwrap();
    elsewhere.hosts[away].stop();
    // Those that can be asked are told of, and the other is unknown.
    let shown = elsewhere.servers.banister(&["lock", "show"]);
    assert!(shown.out.contains(&format!("{first}: unknown")), "{shown:?}");
    let update = ["run", "update", "--server", &other, "--yes"];
    let said = elsewhere.servers.banister(&update);
    assert_eq!(said.code, Some(4), "{said:?}");
    let said = elsewhere.servers.banister(&[&update[..], &["--abandon=it is urgent"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.err.contains(&format!("{first} can't be reached")), "{said:?}");
    elsewhere.hosts[away].start();
    let said = elsewhere.servers.banister(&["run", "update-linked", "--yes"]);
    assert_eq!(said.code, Some(4), "{said:?}");
    assert!(said.err.contains(&first), "{said:?}");
    let said = elsewhere.servers.banister(&["run", "update-linked", "--yes", "--abandon=once more"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    elsewhere.servers.assert_all_run("0.2.14", "afterwards");
    let status = elsewhere.servers.banister(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    for server in status.as_array().unwrap() {
        assert_eq!(server["owed"], serde_json::json!([]), "{server}");
        assert_eq!((server["half_way"].as_bool(), server["healthy"].as_bool()), (Some(false), Some(true)));
    }
}

/// The others are not known there, and need not be.
#[test]
fn one_of_them_is_updated_at_its_own_home_as_from_here() {
    let update = ["run", "update", "--server", "lab", "--yes"];
    let here = Elsewhere::new();
    let said_here = here.servers.banister(&update);
    assert_eq!(said_here.code, Some(0), "{said_here:?}");
    let there = Elsewhere::new();
    let site = there.servers.linked.site();
    let text = std::fs::read_to_string(&site).unwrap();
    std::fs::write(&site, format!("home = \"server\"\n{text}")).unwrap();
    let at_home = |arguments: &[&str]| {
        let mut command = there.servers.command(arguments);
        command.env_remove("BANISTER_FOREGROUND");
        said(command.output().unwrap())
    };
    let updated = at_home(&update);
    assert_eq!(updated.code, Some(0), "{updated:?}");
    assert_eq!(there.servers.journals().len(), 0, "the journal is there");
    assert_eq!(there.servers.left(), here.servers.left());
    let drilled = at_home(&["backup", "drill", "--server", "lab", "--yes"]);
    assert_eq!(drilled.code, Some(0), "{drilled:?}");
    let listed = at_home(&["backup", "list", "--server", "lab", "--json"]);
    assert!(listed.out.contains(r#""level":"drilled""#), "{listed:?}");
}
