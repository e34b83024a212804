//! Servers with real containers: Docker Engine, Compose, PostgreSQL and OpenLDAP.

use crate::support::chance;
use crate::support::docker;

use banister::internals::practice::Reach;
use docker::{Stack, container, docker};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

/// Everything that a backup must bring back, in words.
fn state(stack: &Stack) -> String {
    let hoss = stack.practice.hoss();
    let files = [".env", "traefik.yaml", "core", "auth", "sync", "opensearch", "ui"];
    let list = "find \"$@\" -printf '%p %y %m %U:%G %l ' \\( -type f -exec sha256sum {} \\; -o -printf '\\n' \\) | sort";
    let said = Command::new("sh").args(["-c", list, "sh"]).args(files).current_dir(hoss).output().unwrap();
    assert!(said.status.success(), "{said:?}");
    let mut state = String::from_utf8(said.stdout).unwrap();
    for volume in ["auth-secrets", "ldap-vol0", "ldap-vol1"] {
        let list = "cd /v; find . -printf '%p %y %m %U:%G %l ' \\( -type f -exec sha256sum {} \\; -o -printf '\\n' \\) | sort";
        let mount = format!("server_{volume}:/v");
        let image = "banister-practice/alpine";
        // LDAP's lock file is written at each start, and nothing in it is kept.
        let listed = docker(&["run", "--rm", "-v", &mount, "--entrypoint", "sh", image, "-c", list]);
        state.extend(
            listed.lines().filter(|line| !line.contains("lock.mdb")).map(|line| format!("{volume} {line}\n")),
        );
    }
    let port = docker(&["port", &container("opensearch"), "9200/tcp"]);
    let mut search = banister::internals::machine::http::Request::get(format!(
        "http://{}/metadata-index/_search",
        port.trim()
    ));
    search.headers.insert("accept".into(), "application/json".into());
    format!("{state}{}\n{:?}", search.send().unwrap().body, stack.practice.rows().unwrap())
}

/// Rows deleted, a table dropped, files changed, added and removed, a volume emptied, the search index dropped.
fn damage(stack: &Stack) {
    let sql = |database: &str, statement: &str| {
        docker(&["exec", &container("db"), "psql", "-U", "postgres", "-qAt", "-d", database, "-c", statement])
    };
    sql("hoss_core", "DELETE FROM datasets WHERE id < '001000'");
    sql("hoss_core", "UPDATE namespaces SET name = 'damaged'");
    sql("hoss_auth", "DROP TABLE users");
    let hoss = stack.practice.hoss();
    fs::remove_dir_all(hoss.join("ui")).unwrap();
    fs::write(hoss.join("core/config.yaml"), "damaged").unwrap();
    fs::write(hoss.join("auth/added"), "damaged").unwrap();
    assert!(Command::new("chmod").arg("777").arg(hoss.join(".env")).status().unwrap().success());
    let script = "rm -rf /v/* && echo damaged > /v/added && chown 5:5 /v && chmod 777 /v";
    docker(&[
        "run",
        "--rm",
        "-v",
        "server_auth-secrets:/v",
        "--entrypoint",
        "sh",
        "banister-practice/alpine",
        "-c",
        script,
    ]);
    let port = docker(&["port", &container("opensearch"), "9200/tcp"]);
    let mut delete =
        banister::internals::machine::http::Request::get(format!("http://{}/metadata-index", port.trim()));
    delete.method = "DELETE".into();
    assert_eq!(delete.send().unwrap().status, 200);
}

/// The server has the state that it had.
fn assert_same(is: &str, was: &str) {
    for (is, was) in is.lines().zip(was.lines()) {
        assert_eq!(is, was);
    }
    assert_eq!(is.lines().count(), was.lines().count());
}

/// No database is left besides those there were.
fn assert_tidy() {
    let list = "SELECT datname FROM pg_database";
    let left = docker(&["exec", &container("db"), "psql", "-U", "postgres", "-qAt", "-c", list]);
    assert!(!["_old_", "_new_", "_drill_"].iter().any(|part| left.contains(part)), "{left}");
}

/// A process that ends with the test, however that ends.
struct Killed(std::process::Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What Docker has of copies.
fn copies() -> String {
    let of = ["--filter", "label=banister.copy-of=server"];
    let list = |words: &[&str]| docker(&[words, &of].concat());
    [list(&["ps", "-a", "-q"]), list(&["volume", "ls", "-q"]), list(&["network", "ls", "-q"])].concat()
}

/// The identity of each container of the server, and since when it runs.
fn lives() -> String {
    let ids = docker(&["ps", "-a", "-q", "--filter", "label=com.docker.compose.project=server"]);
    let inspect = ["inspect", "--format", "{{.Id}} {{.State.StartedAt}} {{.State.Running}}"];
    let inspect: Vec<&str> = inspect.into_iter().chain(ids.split_whitespace()).collect();
    docker(&inspect)
}

/// A full drill of its backup starts a copy that reaches nothing, and removes it, also one that was killed.
fn drill(stack: &Stack) {
    let (before, lives_before) = (state(stack), lives());

    // Killed while the copy runs: it stands beside the server, and is in nobody's way.
    let mut drill = Killed(stack.command(&["backup", "drill", "--full"]).spawn().unwrap());
    let core = [
        "ps",
        "-q",
        "--filter",
        "label=banister.copy-of=server",
        "--filter",
        "label=com.docker.compose.service=core",
    ];
    while docker(&core).is_empty() {
        assert_eq!(drill.0.try_wait().unwrap(), None, "there was no copy");
        std::thread::sleep(std::time::Duration::from_millis(250));
    }
    drop(drill);
    let containers = docker(&["ps", "-a", "-q", "--filter", "label=banister.copy-of=server"]);
    let containers: Vec<&str> = containers.split_whitespace().collect();
    let told = docker(&[&["inspect"][..], &containers].concat());
    let told: serde_json::Value = serde_json::from_str(&told).unwrap();
    let hoss = stack.practice.hoss().display().to_string();
    for container in told.as_array().unwrap() {
        let name = &container["Name"];
        assert_eq!(container["HostConfig"]["PortBindings"], serde_json::json!({}), "{name}");
        let labels = container["Config"]["Labels"].as_object().unwrap();
        assert!(!labels.keys().any(|label| label.starts_with("traefik")), "{name}: {labels:?}");
        for network in container["NetworkSettings"]["Networks"].as_object().unwrap().keys() {
            assert_eq!(docker(&["network", "inspect", "--format", "{{.Internal}}", network]).trim(), "true");
        }
        for mount in container["Mounts"].as_array().unwrap().iter().filter(|mount| mount["RW"] == true) {
            let (source, volume) =
                (mount["Source"].as_str().unwrap(), mount["Name"].as_str().unwrap_or_default());
            assert!(!volume.starts_with("server_") || volume.contains("-copy-"), "{name} writes to {volume}");
            let own = !source.starts_with(&hoss) || source.contains("/.hoss/backup/backups/");
            assert!(own, "{name} writes to {source}");
        }
    }
    let status = stack.banister(&["status"]);
    assert_eq!(status.code, Some(0), "{status:?}");
    let drill = stack.banister(&["resume"]);
    assert_eq!(drill.code, Some(0), "{drill:?}");
    assert_eq!(copies(), "");
    assert_eq!((state(stack), lives()), (before.clone(), lives_before.clone()));
    let list = stack.banister(&["backup", "list"]);
    assert!(list.out.contains(" drilled and started, "), "{list:?}");

    // What starts no server any more is found, also where all that starts is slow.
    stack.set("within = \"20s\"", "within = \"30s\"");
    stack.practice.switch_for("auth-down", Reach::Always).unwrap();
    let drill = stack.banister(&["backup", "drill", "--full"]);
    assert_eq!(drill.code, Some(1), "{drill:?}");
    assert!(
        drill.err.contains("error: the copy that was started from the backup did not become healthy"),
        "{drill:?}"
    );
    assert!(drill.err.contains("failed to query provider"), "the end of the log is missing: {drill:?}");
    assert_eq!((copies(), lives()), (String::new(), lives_before));
    assert_tidy();
    stack.practice.switch("auth-down", false).unwrap();
    stack.set("within = \"30s\"", "within = \"20s\"");
}

fn assert_healthy(stack: &Stack, release: &str) {
    let status = stack.banister(&["status", "--json"]);
    let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    assert_eq!(status[0]["healthy"], true, "{status:#}");
    assert_eq!(status[0]["release"], release, "{status:#}");
    assert_eq!(stack.practice.discover().unwrap()["version"], release);
    assert!(!stack.practice.alarm());
}

/// Installs a release by hand.
fn install(stack: &Stack, release: &str) {
    for arguments in [&["fetch", "--quiet", "--tags"][..], &["checkout", "--quiet", release]] {
        let git =
            Command::new("git").arg("-C").arg(stack.practice.checkout()).args(arguments).status().unwrap();
        assert!(git.success(), "git {arguments:?}");
    }
    for arguments in [&["config"][..], &["build"], &["up", "DETACH=true"]] {
        stack.make_target(arguments);
    }
    stack.practice.wait_for(release).unwrap();
}

#[test]
fn a_fresh_host_gets_everything_back_and_one_of_another_minor_release_stays_as_it_is() {
    if !chance::is_turn(0, 4) {
        return;
    }
    let Some(mut stack) = Stack::create(&[]) else { return };
    // What only this server has: an edited file with a mode and an owner of its own, a folder, a link, and a row.
    let own = stack.practice.hoss().join("core/own");
    fs::create_dir(&own).unwrap();
    fs::write(own.join("kept.yaml"), "kept: true\n").unwrap();
    std::os::unix::fs::symlink("kept.yaml", own.join("link")).unwrap();
    std::os::unix::fs::chown(own.join("kept.yaml"), Some(1234), Some(2345)).unwrap();
    assert!(Command::new("chmod").arg("640").arg(own.join("kept.yaml")).status().unwrap().success());
    let insert =
        "INSERT INTO namespaces (id, name, uuid, bucket) VALUES ('999999', 'only here', 'here', 'data')";
    docker(&["exec", &container("db"), "psql", "-U", "postgres", "-qd", "hoss_core", "-c", insert]);
    let backup = stack.banister(&["run", "backup", "--yes"]);
    assert_eq!(backup.code, Some(0), "{backup:?}");
    let name = stack.only_backup();
    let before = state(&stack);
    // Elsewhere, as an administrator keeps it.
    let elsewhere = stack.folder.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for name in [name.clone(), format!("{name}.card.json")] {
        let from = stack.backups().join(&name);
        if from.exists() {
            fs::copy(from, elsewhere.join(name)).unwrap();
        }
    }
    let secrets = |stack: &Stack| fs::read_to_string(stack.practice.hoss().join(".env")).unwrap();
    let first = secrets(&stack);

    stack.renew();
    assert_ne!(state(&stack), before);
    assert_ne!(secrets(&stack), first, "a fresh host has passwords of its own");
    // Its archive is enough: what stands beside one is for the list of backups.
    let archive = elsewhere.join(&name);
    let restore = stack.banister(&["backup", "restore", archive.to_str().unwrap(), "--yes"]);
    assert_eq!(restore.code, Some(0), "{restore:?}");
    assert_same(&state(&stack), &before);
    assert_tidy();
    assert_healthy(&stack, "0.2.10");
    let kept = fs::metadata(stack.practice.hoss().join("core/own/kept.yaml")).unwrap();
    assert_eq!((kept.uid(), kept.gid(), kept.mode() & 0o777), (1234, 2345, 0o640));

    // Another minor release.
    stack.practice.switch("incompatible", true).unwrap();
    install(&stack, "0.3.0");
    let other = state(&stack);
    let of_server = "label=com.docker.compose.project=server";
    let ids = || docker(&["ps", "-a", "--no-trunc", "--filter", of_server, "--format", "{{.ID}} {{.State}}"]);
    let containers = ids();
    let restore = stack.banister(&["backup", "restore", archive.to_str().unwrap(), "--yes"]);
    assert_eq!(restore.code, Some(1), "{restore:?}");
    assert!(
        restore.err.contains("a backup fits only where the first two numbers are the same"),
        "{restore:?}"
    );
    assert_same(&state(&stack), &other);
    assert_eq!(ids(), containers);
    assert_healthy(&stack, "0.3.0");
}

/// What the user interface answers while `work` is done with a page shown in its place; the same only once, and without
/// the moment in which the proxy itself is made anew.
fn seen_by_users(stack: &Stack, work: impl FnOnce()) -> Vec<u16> {
    let site = fs::read_to_string(stack.practice.site()).unwrap();
    fs::write(stack.practice.site(), format!("{site}maintenance = \"page\"\n")).unwrap();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let user = scope.spawn(|| {
            let mut seen = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let address = format!("{}/ui/", stack.practice.endpoint());
                let Ok(answer) = banister::internals::machine::http::Request::get(address).send() else {
                    continue;
                };
                assert_eq!(answer.status == 503, answer.body.contains("<h1>Maintenance</h1>"), "{answer:?}");
                if seen.last() != Some(&answer.status) {
                    seen.push(answer.status);
                }
                std::thread::sleep(std::time::Duration::from_millis(40));
            }
            seen
        });
        work();
        over.store(true, Ordering::Relaxed);
        user.join().unwrap()
    })
}

/// With containers that are called as the other Compose calls them, 1.29 where this is 2: `server_db_1`.
#[test]
fn a_full_drill_leaves_no_trace_what_was_damaged_is_restored_and_an_update_keeps_it() {
    if !chance::is_turn(1, 4) {
        return;
    }
    let Some(stack) = Stack::create(&[]) else { return };
    let rows = stack.practice.rows().unwrap();
    assert!(rows.tables["hoss_core.datasets"] > 4000, "{rows:?}");
    let names = || {
        let project = "label=com.docker.compose.project=server";
        let names = docker(&["ps", "-a", "--filter", project, "--format", "{{.Names}}"]);
        let mut names: Vec<String> = names.lines().map(str::to_owned).collect();
        names.sort();
        names
    };
    let (is, other) = if names().contains(&"server-db-1".into()) { ("-", "_") } else { ("_", "-") };
    for name in names() {
        let number = name.rfind(is).unwrap();
        let renamed =
            format!("server{other}{}{other}{}", &name["server-".len()..number], &name[number + 1..]);
        docker(&["rename", &name, &renamed]);
    }
    let renamed = names();
    assert!(renamed.contains(&format!("server{other}db{other}1")), "{renamed:?}");
    assert_healthy(&stack, "0.2.10");
    let backup = stack.banister(&["run", "backup", "--still", "true", "--yes"]);
    assert_eq!(backup.code, Some(0), "{backup:?}");
    let before = state(&stack);
    let name = stack.only_backup();
    // As users reach it: a name that no copy can resolve, and a certificate that no copy has.
    let outer = "UPDATE object_stores SET endpoint = 'https://hoss.example.org'";
    docker(&["exec", &container("db"), "psql", "-U", "postgres", "-qd", "hoss_core", "-c", outer]);
    assert_eq!(stack.banister(&["run", "backup", "--yes"]).code, Some(0));
    drill(&stack);
    // What follows the drill takes turns: together they would weigh more than any other test of these servers.
    if chance::is_turn(1, 8) {
        damage(&stack);
        assert_ne!(state(&stack), before);
        let restore = stack.banister(&["backup", "restore", &name, "--yes"]);
        assert_eq!(restore.code, Some(0), "{restore:?}");
        assert_same(&state(&stack), &before);
        assert_tidy();
        assert_healthy(&stack, "0.2.10");
        assert_eq!(names(), renamed);
    }
    if !chance::is_turn(5, 8) {
        return;
    }
    // Compose makes what it replaces under its own names, so that an update ends with both sorts.
    let seen = seen_by_users(&stack, || {
        let update = stack.banister(&["run", "update", "--yes"]);
        assert_eq!(update.code, Some(0), "{update:?}");
    });
    // At either end there is a moment in which the page's container is known and does not listen.
    let quiet: [&[u16]; 4] =
        [&[200, 503, 200], &[200, 502, 503, 200], &[200, 503, 502, 200], &[200, 502, 503, 502, 200]];
    assert!(quiet.contains(&seen.as_slice()), "{seen:?}");
    assert_eq!(docker(&["ps", "-a", "-q", "--filter", "name=banister-page"]), "");
    assert_healthy(&stack, "0.2.14");
    let after = stack.practice.rows().unwrap();
    assert_eq!((after.identity, after.migrations["hoss_core"]), (rows.identity, 4));
}
