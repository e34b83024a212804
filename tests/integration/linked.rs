//! Linked servers: the order in which they are updated, from their own traces; what is refused before anything is
//! touched; and what is left when a step fails on any of them.

use crate::sweep::round;
pub mod elsewhere;
pub mod servers;
pub mod sweep;
use crate::support;

use banister::internals::practice::{Practice, Reach};
use round::side_by_side;
use servers::{NAMES, ORDER, Servers};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use support::Said;
use support::chance;

/// The last line but one: the state.
fn state(said: &Said) -> &str {
    let line = said.out.lines().rev().nth(1).unwrap_or_default();
    line.strip_prefix("state: ").unwrap_or_else(|| panic!("there is no state: {said:?}"))
}

/// Replaces the line of a file in `~/.hoss` that begins like this, and gives the text that was there.
fn edit(practice: &Practice, file: &str, begins: &str, instead: &str) -> String {
    let path = practice.hoss().join(file);
    let before = fs::read_to_string(&path).unwrap();
    assert!(before.lines().any(|line| line.starts_with(begins)), "{begins}: {before}");
    let lines = before.lines().map(|line| if line.starts_with(begins) { instead } else { line });
    fs::write(&path, lines.collect::<Vec<_>>().join("\n") + "\n").unwrap();
    before
}

#[test]
fn all_are_backed_up_first_then_the_one_with_auth_is_updated_and_then_one_at_a_time() {
    let servers = Servers::new();
    let said = servers.banister(&["run", "update-linked", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(state(&said), "`update-linked` is done; archive, hub, lab: done");
    servers.assert_all_run("0.2.14", "done");

    let made: Vec<Vec<String>> = ORDER.iter().map(|name| servers.made_at(name)).collect();
    for name in ORDER {
        let dumped =
            servers.trace(name).into_iter().find(|line| line.args.iter().any(|arg| arg.contains("pg_dump")));
        assert!(dumped.unwrap().time < made[0][0], "{name} is backed up before the first change");
        assert_eq!(servers.backups(name), ["after 0.2.14", "before 0.2.14"]);
    }
    for pair in made.windows(2) {
        assert!(pair[0].last() < pair[1].first(), "never two at once, the one with auth first: {made:?}");
    }
    // A backup is done only once it was read back.
    let journal = servers.journals().pop().unwrap();
    let records: Vec<serde_json::Value> =
        journal.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let changed = journal.lines().position(|line| line.contains("\"name\":\"checkout\"")).unwrap();
    let before = records[..changed].iter().map(|record| record.to_string());
    let ended =
        before.filter(|record| record.contains("\"ended\"") && record.contains("-before-0.2.14.tar.gz"));
    assert_eq!(ended.count(), 3, "all are verified before the first change");

    let again = servers.banister(&["run", "update-linked", "--yes"]);
    assert_eq!(again.code, Some(0), "{again:?}");
    assert!(again.out.contains("there is nothing to update to 0.2.14"), "{again:?}");
    assert_eq!(servers.made_at("hub").len(), 6);
}

#[test]
fn what_does_not_fit_together_is_refused_before_anything_is_touched() {
    let servers = Servers::new();
    let refused = |code: i32, causes: &[&str]| {
        let said = servers.banister(&["run", "update-linked", "--to", "0.2.14"]);
        assert_eq!(said.code, Some(code), "{causes:?}: {said:?}");
        for cause in causes {
            assert!(said.err.contains(cause), "{cause}: {said:?}");
        }
        assert_eq!(state(&said).split("; ").nth(1), Some("nothing was touched"), "{causes:?}");
        for name in NAMES {
            assert_eq!(servers.made_at(name), [""; 0], "{causes:?}: {name}");
            assert!(
                !servers.trace(name).iter().any(|line| line.args.iter().any(|arg| arg.contains("pg_dump")))
            );
        }
        said
    };
    let (hub, lab) = (servers.server("hub"), servers.server("lab"));
    let tried = |file: &str, begins: &str, instead: &str, code: i32, causes: &[&str]| {
        let before = edit(lab, file, begins, instead);
        let said = refused(code, causes);
        fs::write(lab.hoss().join(file), before).unwrap();
        said
    };

    let other = "hsvc_an0therS3cretThatNobodyMaySee";
    let line = format!("SERVICE_AUTH_SECRET={other}");
    let causes = ["lab has another SERVICE_AUTH_SECRET in ~/.hoss/.env than hub"];
    let said = tried(".env", "SERVICE_AUTH_SECRET=", &line, 1, &causes);
    let text = fs::read_to_string(hub.hoss().join(".env")).unwrap();
    let ours = text.lines().find_map(|line| line.strip_prefix("SERVICE_AUTH_SECRET=")).unwrap();
    for secret in [other, ours] {
        let journal = servers.journals().pop().unwrap();
        assert!(!format!("{said:?}{journal}").contains(secret), "no secret leaves its server");
    }

    let elsewhere = "http://localhost:9/auth/v1";
    let core = format!("  auth_service: {elsewhere}");
    let causes = ["lab has two addresses", "server.auth_service in ~/.hoss/core/config.yaml", elsewhere];
    tried("core/config.yaml", "  auth_service:", &core, 1, &causes);
    let line = format!("AUTH_SERVICE_ENDPOINT={elsewhere}");
    let causes = [
        "the auth service of lab is at",
        elsewhere,
        "AUTH_SERVICE_ENDPOINT in ~/.hoss/.env",
        "not in site.toml",
    ];
    tried(".env", "AUTH_SERVICE_ENDPOINT=", &line, 1, &causes);
    let mirrored = "SERVICES=opensearch db dex reverse-proxy auth core ui";
    let causes = ["hub, lab have an auth service each", "hub can be updated first"];
    tried(".env", "SERVICES=", mirrored, 3, &causes);
    // With sync on it, what sync asks must be the same, too.
    let services = edit(lab, ".env", "SERVICES=", "SERVICES=opensearch db reverse-proxy core ui sync");
    let causes = ["lab has two addresses", "auth_endpoint in ~/.hoss/sync/config.yaml"];
    tried("sync/config.yaml", "auth_endpoint:", &format!("auth_endpoint: {elsewhere}"), 1, &causes);
    fs::write(lab.hoss().join(".env"), services).unwrap();

    // A server whose checkout has another release than fits.
    lab.switch("incompatible", true).unwrap();
    let git = |arguments: &[&str]| {
        let done = Command::new("git").arg("-C").arg(lab.checkout()).args(arguments).output().unwrap();
        assert!(done.status.success(), "{done:?}");
    };
    git(&["fetch", "--quiet", "--tags"]);
    git(&["checkout", "--quiet", "0.3.0"]);
    refused(1, &["lab has 0.3.0, and hub, which has auth, has 0.2.10"]);
    git(&["checkout", "--quiet", "0.2.10"]);

    let said = servers.banister(&["run", "update-linked", "--only", "lab"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("hub, which has auth, has 0.2.10: it must be updated"), "{said:?}");
    let said = servers.banister(&["run", "update-linked", "--only", "lab,cloud"]);
    assert!(said.err.contains("--only names cloud, and the servers are: hub, archive, lab"), "{said:?}");

    // The one with auth is not in the site.
    let site = fs::read_to_string(servers.linked.site()).unwrap();
    let without: Vec<&str> = site.split("[servers.").filter(|table| !table.starts_with("hub]")).collect();
    fs::write(servers.linked.site(), without.join("[servers.")).unwrap();
    let said = servers.banister(&["run", "update-linked"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("none of these servers has it: archive, lab"), "{said:?}");
    assert_eq!(state(&said), "`update-linked` failed; nothing was touched");
}

/// Where something goes wrong on one server: what it is switched on with, and the step that fails.
const FAULTS: [(&str, &str); 4] =
    [("disk-full", "Back up"), ("build", "Build"), ("up", "Start"), ("migration", "Wait until healthy")];

/// Turns a fault of one server on or off. No release builds on one server only, so that the program fails instead.
fn switch(practice: &Practice, fault: &str, on: bool) {
    match (fault, on) {
        ("build", _) => {}
        // The release before is as good as it was.
        ("up" | "migration", true) => return practice.switch_for(fault, Reach::New).unwrap(),
        (_, on) => return practice.switch(fault, on).unwrap(),
    }
    let (compose, own) = (practice.dir().join("bin/docker-compose"), practice.dir().join("bin/own-compose"));
    if !on {
        return fs::rename(&own, &compose).unwrap();
    }
    fs::rename(&compose, &own).unwrap();
    let fails = "case \" $* \" in *' build '*) echo 'no space for the build' >&2; exit 1;; esac";
    fs::write(&compose, format!("#!/bin/sh\n{fails}\nexec '{}' \"$@\"\n", own.display())).unwrap();
    fs::set_permissions(&compose, fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
fn the_first_failure_stops_the_run_wherever_it_is_and_both_ways_lead_on() {
    let cases: Vec<(&str, &str, &str, bool)> = ORDER
        .iter()
        .enumerate()
        .flat_map(|(n, name)| {
            let fault = |(m, (fault, step)): (usize, &(&'static str, &'static str))| {
                (*name, *fault, *step, (n + m / 2) % 2 == 0)
            };
            FAULTS.iter().enumerate().map(fault).collect::<Vec<_>>()
        })
        .collect();
    let cases = chance::part(cases, 6);
    side_by_side(&cases, |(name, fault, step, back)| {
        let place = format!("{fault} on {name}");
        let servers = Servers::new();
        switch(servers.server(name), fault, true);
        let said = servers.banister(&["run", "update-linked", "--yes"]);
        assert_eq!(said.code, Some(1), "{place}: {said:?}");
        let at = ORDER.iter().position(|other| other == name).unwrap();
        let is_touched = *fault != "disk-full";
        for (n, other) in ORDER.iter().enumerate() {
            let expected = match () {
                () if n == at && is_touched => format!("failed in step `{step}`"),
                () if n == at => format!("not touched, failed in step `{step}`"),
                () if n < at && is_touched => "done".into(),
                () => "not touched".into(),
            };
            let told = state(&said)
                .split("; ")
                .skip(1)
                .find(|group| group.split(": ").next().unwrap().split(", ").any(|name| name == *other));
            let told = told.unwrap().split_once(": ").unwrap().1;
            // Where it stopped half-way, it says how the server is.
            let is_left = n == at && is_touched;
            assert_eq!(told.split(" (").next(), Some(expected.as_str()), "{place}: {other}: {said:?}");
            assert_eq!(told.contains(" (0.2.14 is checked out"), is_left, "{place}: {other}: {said:?}");
            if n > at || !is_touched {
                assert_eq!(servers.made_at(other), [""; 0], "{place}: {other} was not touched");
            }
        }
        if *back && is_touched {
            // What is wrong with the new release does not keep anybody from the old one.
            let said = servers.banister(&["resume", "--rollback", "--yes"]);
            assert_eq!(said.code, Some(0), "{place}: {said:?}");
            assert!(state(&said).starts_with("`update-linked` was rolled back; "), "{place}: {said:?}");
            servers.assert_all_run("0.2.10", &place);
            return;
        }
        switch(servers.server(name), fault, false);
        let said = servers.banister(&["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        assert_eq!(state(&said), "`update-linked` is done; archive, hub, lab: done", "{place}");
        servers.assert_all_run("0.2.14", &place);
        for other in ORDER.iter().filter(|other| *other != name) {
            assert_eq!(servers.begun(other, "build"), 1, "{place}: nothing is done twice on {other}");
        }
    });
}

#[test]
fn a_server_that_is_not_served_any_more_stops_the_update_of_the_others() {
    let servers = Servers::new();
    // Only while the new auth runs: the old one still has the secret in its environment.
    let practice = servers.server("lab");
    practice.switch_for("auth-down", Reach::New).unwrap();
    servers.server("hub").switch_for("auth-down", Reach::New).unwrap();
    let said = servers.banister(&["run", "update-linked", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let expected = "`update-linked` failed; archive, lab: not touched; hub: failed in step `Wait until healthy` \
                    (0.2.14 is checked out and ";
    assert!(state(&said).starts_with(expected), "{said:?}");
    let ended = servers.trace("lab").into_iter().filter(|line| line.args[0] == "core").count();
    assert!(ended > 2, "core of a server without auth ends again and again");
    let said = servers.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(
        state(&said),
        "`update-linked` was rolled back; archive, lab: not touched; hub: back, with the files, databases, volumes and search \
         indices of its backup"
    );
    servers.assert_all_run("0.2.10", "back");
}

#[test]
fn needs_are_kept_together_with_auth_and_refused_where_they_contradict_it() {
    let servers = Servers::new();
    let file = servers.linked.site();
    let text = fs::read_to_string(&file).unwrap();
    let with = |name: &str, needs: &str| {
        let head = format!("[servers.{name}]\n");
        assert!(text.contains(&head), "{text}");
        fs::write(&file, text.replace(&head, &format!("{head}needs = [\"{needs}\"]\n"))).unwrap();
    };
    with("archive", "lab");
    let said = servers.banister(&["plan", "update-linked"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let steps = [
        "Update hub",
        "See that hub serves the others",
        "Update lab",
        "See that lab serves the others",
        "Update archive",
    ];
    let places: Vec<_> = steps.iter().map(|step| said.out.find(&format!("\n  {step}  "))).collect();
    assert!(places.iter().all(Option::is_some) && places.is_sorted(), "{places:?}: {said:?}");
    with("hub", "lab");
    let said = servers.banister(&["run", "update-linked", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("hub needs lab (needs in site.toml), but hub has the auth service"),
        "{said:?}"
    );
    for name in NAMES {
        assert_eq!(servers.made_at(name), [""; 0], "{name}");
    }
    fs::write(&file, text).unwrap();
    servers.assert_all_run("0.2.10", "refused");
}

/// Core learns the key of auth when it is started. One that did not notice that auth was away takes no new token.
#[test]
fn a_new_key_of_auth_is_noticed_before_the_next_server_is_touched() {
    let servers = Servers::new();
    let lab = servers.server("lab");
    let restart_core = |practice: &Practice| {
        let by = "docker restart $(docker ps -q --filter label=com.docker.compose.service=core)";
        let done = Command::new("sh").args(["-c", by]).envs(practice.environment()).output().unwrap();
        assert!(done.status.success(), "{done:?}");
        practice.wait_for("0.2.10").unwrap();
    };
    edit(lab, "core/config.yaml", "  sync_frequency_minutes:", "  sync_frequency_minutes: 100000");
    restart_core(lab);
    // Auth has it in memory until it is started anew, and makes another one then.
    let secrets = servers.server("hub").dir().join("volumes/server_auth-secrets/_data");
    fs::remove_file(secrets.join("private.pem")).unwrap();
    let said = servers.banister(&["run", "update-linked", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("core with a token of auth answered 401, expected 200"), "{said:?}");
    assert!(said.err.contains("lab"), "{said:?}");
    for name in ["archive", "lab"] {
        assert_eq!(servers.made_at(name), [""; 0], "{name}");
    }
    restart_core(lab);
    restart_core(servers.server("archive"));
    let said = servers.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    servers.assert_all_run("0.2.14", "resumed");
}

#[test]
fn a_run_that_was_killed_says_how_each_server_is() {
    let undisturbed = Servers::new();
    let said = undisturbed.banister(&["run", "update-linked", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let journal = undisturbed.journals().pop().unwrap();
    let is_build = |line: &str| {
        ["\"begun\"", "\"name\":\"make\"", "\"build\"", "\"archive\""].iter().all(|word| line.contains(word))
    };
    let build = journal.lines().position(is_build).unwrap();
    drop(undisturbed);

    let servers = Servers::new();
    let said = servers.crash(&["run", "update-linked", "--yes"], &format!("after {build}"));
    assert_eq!(said.code, Some(-9), "{said:?}");
    let told = |of_archive: &str| {
        let said = servers.banister(&["show"]);
        let expected = format!(
            "`update-linked` was interrupted; archive: {of_archive} (0.2.14 is checked out, not started, health unknown; \
             whether users are served is unknown); hub: done; lab: not touched"
        );
        assert_eq!(state(&said), expected, "{said:?}");
        let shown: serde_json::Value =
            serde_json::from_str(&servers.banister(&["show", "--json"]).out).unwrap();
        assert_eq!(
            shown["server_states"],
            serde_json::json!([
                {
                    "name": "archive", "state": of_archive, "release": "0.2.14",
                    "left": {
                        "checked_out": "0.2.14", "runs": null, "started": false, "healthy": null, "users": "unknown",
                    },
                },
                { "name": "hub", "state": "done", "release": "0.2.14" },
                { "name": "lab", "state": "not touched", "release": "0.2.10" },
            ])
        );
    };
    told("interrupted in step `Build`");
    // The session's record, how the build ended, and that the step did.
    let said = servers.crash(&["resume", "--yes"], &format!("after {}", build + 3));
    assert_eq!(said.code, Some(-9), "{said:?}");
    told("interrupted after step `Build`");
    let said = servers.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(
        state(&said),
        "`update-linked` was rolled back; archive: back, with the files of its backup; hub: back, with the files, \
         databases, volumes and search indices of its backup; lab: not touched"
    );
    servers.assert_all_run("0.2.10", "back");
}

#[test]
fn a_batch_goes_on_as_long_as_few_enough_fail() {
    let servers = Servers::new();
    let said = servers.banister(&["run", "update-linked", "--yes", "--only", "hub"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(state(&said), "`update-linked` is done; archive, lab: not touched; hub: done");
    servers.server("archive").switch("up", true).unwrap();
    let said = servers.banister(&["run", "update-linked", "--yes", "--batch", "1", "--max-failures", "1"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let expected = "`update-linked` failed; archive: failed in step `Start` (0.2.14 is checked out, 0.2.10 runs, healthy; users \
                    are served); hub: not touched; lab: done";
    assert_eq!(state(&said), expected);
    servers.server("archive").switch("up", false).unwrap();
    let said = servers.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    servers.assert_all_run("0.2.14", "resumed");
    assert_eq!((servers.begun("lab", "up"), servers.begun("archive", "up")), (1, 2));
}

#[test]
fn several_are_updated_at_once_if_that_is_asked_for() {
    let servers = Servers::new();
    let said = servers.banister(&["run", "update-linked", "--yes", "--batch", "2"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    servers.assert_all_run("0.2.14", "done");
    let (archive, lab) = (servers.made_at("archive"), servers.made_at("lab"));
    assert!(archive.first() < lab.last() && lab.first() < archive.last(), "{archive:?} {lab:?}");
}

#[test]
fn a_plan_names_all_and_touches_none() {
    let servers = Servers::new();
    let said = servers.banister(&["plan", "update-linked"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let at = |text: &str| said.out.find(text).unwrap_or_else(|| panic!("{text}: {said:?}"));
    assert!(at("\nBack up all servers") < at("\nUpdate hub"));
    assert!(at("\nUpdate hub") < at("\nUpdate archive") && at("\nUpdate archive") < at("\nUpdate lab"));
    for name in NAMES {
        assert_eq!(servers.made_at(name), [""; 0]);
    }
    assert!(!servers.state().exists());
}
