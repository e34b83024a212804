//! What a practice server without faults does.

use super::setup::{server, until};
use banister::failure::Kind;
use banister::internals::practice::{Practice, Process};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

#[test]
fn a_new_server_is_healthy_and_holds_its_rows() {
    let server = server(&[]);
    let discover = server.discover().unwrap();
    assert_eq!((discover["alive"].as_str(), discover["version"].as_str()), (Some("true"), Some("0.2.10")));
    assert_eq!(
        discover["build"],
        server.good("git", &["rev-list", "HEAD", "--max-count=1", "--abbrev-commit"])
    );
    assert_eq!(discover["auth_service"], format!("{}/auth/v1", server.endpoint()));
    let rows = server.rows().unwrap();
    assert_eq!(rows.tables["hoss_core.datasets"], 240);
    assert_eq!(rows.migrations, BTreeMap::from([("hoss_auth".into(), 1), ("hoss_core".into(), 3)]));
    assert_eq!(server.trace().unwrap(), []);
    assert!(!server.alarm());
    assert_eq!(server.processes().len(), 14, "the engine and thirteen services");

    let site: toml::Table = fs::read_to_string(server.site()).unwrap().parse().unwrap();
    let practice = &site["servers"]["practice"];
    assert_eq!(practice["kind"].as_str(), Some("hoss"));
    assert_eq!(practice["endpoint"].as_str(), Some(server.endpoint().as_str()));
    assert_eq!(practice["environment"]["HOME"].as_str(), server.home().to_str());
    server.stop().unwrap();
    assert_eq!(server.processes(), []);
}

#[test]
fn an_update_by_hand_reaches_the_new_release_with_every_row() {
    let server = server(&[]);
    let before = server.rows().unwrap();
    let container = |name: &str| server.good("docker", &["inspect", "--format", "{{.Id}} {{.Image}}", name]);
    let (database, core) = (container("server_db_1"), container("server_core_1"));
    server.update("0.2.14");
    server.wait_for("0.2.14").unwrap();

    let after = server.rows().unwrap();
    assert_eq!((after.tables, after.identity), (before.tables, before.identity));
    assert_ne!(after.content, before.content, "the migration adds a column");
    assert_eq!(after.migrations["hoss_core"], 4);
    assert_eq!(container("server_db_1"), database, "what did not change is left alone");
    assert_ne!(container("server_core_1"), core);
    let made: Vec<(Vec<String>, String, Option<i32>)> = server
        .trace()
        .unwrap()
        .into_iter()
        .filter(|line| line.tool == "make")
        .map(|line| (line.args, line.event, line.rc))
        .collect();
    let line = |target: &[&str], event: &str, rc| {
        (target.iter().map(|word| word.to_string()).collect(), event.to_string(), rc)
    };
    let expected: Vec<_> = [&["config"][..], &["build"], &["up", "DETACH=true"]]
        .into_iter()
        .flat_map(|target| [line(target, "start", None), line(target, "end", Some(0))])
        .collect();
    assert_eq!(made, expected);
}

#[test]
fn old_code_refuses_a_migrated_database_until_the_dump_is_restored() {
    let server = server(&[]);
    let before = server.rows().unwrap();
    let dump = server.dir().join("home/before.dump");
    let dumped = format!("docker exec server_db_1 pg_dump -Fc -U postgres hoss_core > '{}'", dump.display());
    assert_eq!(server.shell(&dumped).code, Some(0));
    server.update("0.2.13");
    server.wait_for("0.2.13").unwrap();

    server.good("git", &["checkout", "--quiet", "0.2.10"]);
    server.good("make", &["up", "DETACH=true"]);
    until("core has refused the database", || server.core_log().contains("this release knows only 3"));
    assert_eq!(server.version(), None);
    let restored =
        format!("docker exec -i server_db_1 pg_restore --clean -d hoss_core < '{}'", dump.display());
    assert_eq!(server.shell(&restored).code, Some(0));
    server.wait_for("0.2.10").unwrap();
    assert_eq!(server.rows().unwrap(), before);
}

#[test]
fn a_dump_can_be_listed_counted_in_a_scratch_database_and_not_be_cut() {
    let server = server(&[]);
    let list = server.shell(
        "docker exec server_db_1 pg_dump -Fc hoss_core | docker exec -i server_db_1 pg_restore --list",
    );
    assert!(list.out.contains("TABLE DATA public datasets"), "{list:?}");
    let drill = "docker exec server_db_1 createdb scratch && docker exec server_db_1 pg_dump -Fc hoss_core | \
                 docker exec -i server_db_1 pg_restore -d scratch && \
                 docker exec server_db_1 psql -d scratch -Atc 'select count(*) from datasets' && \
                 docker exec server_db_1 dropdb scratch";
    assert_eq!(server.shell(drill).out, "240\n");
    let cut = "docker exec server_db_1 pg_dump -Fc hoss_core | head -c 999 | docker exec -i server_db_1 pg_restore -l";
    assert_eq!(server.shell(cut).code, Some(1));
    let count = [
        "exec",
        "server_db_1",
        "sh",
        "-c",
        "psql -U \"$POSTGRES_USER\" -d hoss_core -tA -c 'select count(*) from users'",
    ];
    assert!(server.run("docker", &count).errors.contains("relation \"users\" does not exist"));
}

#[test]
fn make_config_and_make_env_have_the_surprises_of_hoss() {
    let server = server(&[]);
    let env = server.hoss().join(".env");
    let mode = || fs::metadata(&env).unwrap().permissions().mode() & 0o777;
    let read = |name: &str| fs::read_to_string(server.hoss().join(name)).unwrap();
    assert!(!read(".env").ends_with('\n'), "`make config` leaves no newline at the end");
    assert!(read("auth/config-ldap.ldif").contains("ou=People,dc=practice,dc=example,dc=org"));

    fs::set_permissions(&env, fs::Permissions::from_mode(0o600)).unwrap();
    for edited in ["traefik.yaml", "auth/openid-config.json", "auth/web/static/main.css", "core/config.yaml"]
    {
        fs::write(server.hoss().join(edited), "edited\n").unwrap();
    }
    server.check_out("0.2.12");
    server.good("make", &["env"]);
    server.good("make", &["config"]);
    assert_eq!(mode(), 0o644);
    assert!(!read(".env").contains("UPLOAD_PART_MEGABYTES"), "a new key never arrives");
    assert!(
        fs::read_to_string(server.checkout().join("server/Makefile"))
            .unwrap()
            .contains("UPLOAD_PART_MEGABYTES")
    );
    for overwritten in ["traefik.yaml", "auth/openid-config.json", "auth/web/static/main.css"] {
        assert_ne!(read(overwritten), "edited\n", "{overwritten}");
    }
    assert_eq!(read("core/config.yaml"), "edited\n");
    assert!(read("auth/config-ldap.ldif").contains("ou=People,\n"), "the second time there is no base DN");

    assert!(server.good("make", &["-n", "up", "DETACH=false"]).contains(" up -d "), "any text detaches");
    assert!(!server.good("make", &["-n", "up", "DETACH="]).contains(" up -d "));
    assert_ne!(server.run("make", &["setup"]).code, Some(0), "the network is there");
    server.good("make", &["patch"]);
    assert_ne!(server.run("sudo", &["touch", "/root/x"]).code, Some(0));
}

#[test]
fn make_reset_only_raises_the_alarm() {
    let server = server(&[]);
    let before = server.rows().unwrap();
    server.good("make", &["reset"]);
    assert!(server.alarm());
    assert_eq!(server.rows().unwrap(), before);
    assert_eq!(server.version().as_deref(), Some("0.2.10"));
}

#[test]
fn two_servers_stand_side_by_side_and_have_the_same_history() {
    let (one, other) = (server(&[]), server(&[]));
    let commits = |server: &Practice| {
        let repository = git2::Repository::open(server.origin()).unwrap();
        let names = ["main", "0.2.10", "0.2.12", "0.2.14"];
        names.map(|name| repository.revparse_single(name).unwrap().peel_to_commit().unwrap().id())
    };
    assert_eq!(commits(&one), commits(&other));
    one.check_out("0.2.12");
    assert_eq!(one.good("git", &["cat-file", "-t", "0.2.12"]), "tag");
    assert_eq!(one.good("git", &["cat-file", "-t", "0.2.11"]), "commit");
    assert_eq!(one.good("git", &["show", "origin/main:server/VERSION"]), "0.2.14");
    assert_ne!(
        one.good("git", &["rev-parse", "origin/main"]),
        one.good("git", &["rev-parse", "0.2.14^{commit}"])
    );
    one.stop().unwrap();
    assert_eq!(one.version(), None);
    assert_eq!(other.version().as_deref(), Some("0.2.10"));
}

#[test]
fn a_stopped_server_comes_back_as_it_was() {
    let server = server(&[]);
    server.good("docker", &["stop", "server_ui_1"]);
    let before = server.rows().unwrap();
    server.stop().unwrap();
    assert_eq!(server.rows().unwrap(), before, "read from the file");
    assert_ne!(server.run("docker", &["ps"]).code, Some(0));
    let again = Practice::open(server.dir()).unwrap();
    again.start().unwrap();
    until("core answers again", || again.discover().is_ok());
    let state = server.good("docker", &["inspect", "--format", "{{.State.Status}}", "server_ui_1"]);
    assert_eq!(state, "exited", "what was stopped by hand stays stopped");
    assert_eq!(again.rows().unwrap(), before);
}

#[test]
fn when_its_folder_is_removed_no_process_is_left() {
    let server = server(&[]);
    let processes = server.processes();
    assert_eq!(processes.len(), 14);
    // A process may write a last file into a folder that is just being removed.
    until("the folder is removed", || fs::remove_dir_all(server.dir()).is_ok() || !server.dir().exists());
    until("all have noticed", || processes.iter().all(|process| !process.alive()));
    assert!(!server.dir().exists(), "and nobody made the folder again");
}

#[test]
fn a_service_that_dies_is_started_again_and_one_that_is_down_is_not_routed_to() {
    let server = server(&[]);
    let pid = server.good("docker", &["inspect", "--format", "{{.State.Pid}}", "server_core_1"]);
    assert_eq!(server.run("bash", &["-c", &format!("kill -9 {pid}")]).code, Some(0));
    until("core was started again", || server.core_restarts() == 1);
    server.wait_for("0.2.10").unwrap();
    server.good(
        "docker-compose",
        &[
            "-f",
            "docker-compose.yaml",
            "-f",
            "ui/docker-compose.yaml",
            "-f",
            "core/docker-compose.yaml",
            "-f",
            "ingress/docker-compose.yaml",
            "-f",
            "opensearch/docker-compose.yaml",
            "stop",
            "ui",
        ],
    );
    let status = |path: &str, host: &str| {
        let url = format!("{}{path}", server.endpoint());
        server.good(
            "curl",
            &["-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", &format!("Host: {host}"), &url],
        )
    };
    assert_eq!(status("/core/v1/discover", "localhost"), "200");
    assert_eq!(status("/core/v1/discover", "elsewhere"), "404");
    assert_eq!(status("/dex/.well-known/openid-configuration", "localhost"), "200");
    assert_eq!(status("/", "localhost"), "307");
    assert_eq!(status("/ui/", "localhost"), "403", "without ui, minio gets the request");
}

#[test]
fn nothing_outside_of_the_world_can_be_mounted_or_read() {
    let server = server(&[]);
    for arguments in [
        &["run", "--rm", "-v", "/etc:/from", "busybox", "cat", "/from/passwd"][..],
        &["exec", "server_db_1", "cat", "/etc/passwd"],
        &["run", "--rm", "-v", "server_ldap-vol0:/from", "busybox", "cat", "/from/../../../../etc/passwd"],
    ] {
        let said = server.run("docker", arguments);
        assert_ne!(said.code, Some(0), "{arguments:?}");
        assert!(!said.out.contains("root"), "{said:?}");
    }
    let listed = server.shell("docker run --rm -v server_ldap-vol0:/from busybox tar -c -C /from . | tar -t");
    assert!(listed.out.contains("./data.ldif"), "{listed:?}");
}

#[test]
fn a_folder_whose_name_make_can_not_handle_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_banister"));
    for name in ["a world", "a#world", "a'world"] {
        let failure = Practice::create(&folder.path().join(name), program, &[]).unwrap_err();
        assert_eq!(failure.kind, Kind::Invalid, "{failure}");
    }
    fs::write(folder.path().join("file"), "").unwrap();
    assert_eq!(Practice::create(folder.path(), program, &[]).unwrap_err().kind, Kind::Refused);
}

#[test]
fn services_end_with_their_engine_and_come_back_with_it() {
    let server = server(&[]);
    let processes = server.processes();
    let engine: Process =
        serde_json::from_slice(&fs::read(server.dir().join("engine.json")).unwrap()).unwrap();
    server.good("bash", &["-c", &format!("kill -9 {}", engine.pid)]);
    until("all have noticed", || processes.iter().all(|process| !process.alive()));
    server.start().unwrap();
    server.wait_for("0.2.10").unwrap();
}

#[test]
fn a_server_can_end_with_its_owner() {
    let server = server(&[]);
    let processes = server.processes();
    // A process that is gone: its number may be used again, its start never is.
    fs::write(server.dir().join("owner.json"), r#"{ "pid": 1, "start": 18446744073709551615 }"#).unwrap();
    until("all have ended", || processes.iter().all(|process| !process.alive()));
}

#[test]
fn the_database_answers_what_checks_ask() {
    let server = server(&[]);
    assert_eq!(server.query("SELECT count(*) FROM datasets WHERE namespace = 'group-01'"), "20");
    assert_eq!(server.query("SELECT 1 FROM pg_database WHERE datname = 'hoss_auth'"), "1");
    assert_eq!(server.query("SELECT version FROM gopg_migrations ORDER BY id DESC LIMIT 1"), "3");
    assert!(server.query("SELECT pg_database_size('hoss_core')").parse::<u64>().unwrap() > 10_000);
    let ready = server.good("docker", &["exec", "server_db_1", "pg_isready", "-U", "postgres"]);
    assert!(ready.ends_with("accepting connections"));
}

#[test]
fn what_the_database_has_committed_outlives_its_kill() {
    let server = server(&[]);
    let insert = |number: usize| {
        let columns = "INSERT INTO namespaces (id, uuid, name, bucket) VALUES";
        // Both rows, or none.
        let both = ["one", "other"].map(|key| format!("{columns} ('{key}-{number}', 'u', 'n', 'b')"));
        let psql =
            ["exec", "server_db_1", "psql", "-U", "postgres", "-d", "hoss_core", "-c", &both.join(";")];
        server.run("docker", &psql).code == Some(0)
    };
    let mut committed = 0;
    for kill in 1..=3 {
        until("the database answers", || insert(100_000 * kill));
        let pid = server.good("docker", &["inspect", "--format", "{{.State.Pid}}", "server_db_1"]);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                std::thread::sleep(Duration::from_millis(70));
                assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
            });
            let numbers = 100_000 * kill..;
            committed += 1 + numbers.skip(1).take_while(|number| insert(*number)).count();
        });
    }
    let count = |key: &str| {
        let count = format!("SELECT count(*) FROM namespaces WHERE substr(id, 1, {}) = '{key}'", key.len());
        server.query(&count).parse::<usize>().unwrap()
    };
    until("the database answers", || insert(0));
    // What was written when it was killed may be in, although nobody was told.
    let (one, other) = (count("one"), count("other"));
    assert_eq!(one, other);
    assert!((committed + 1..=committed + 4).contains(&one), "{one} of {committed} and the last");
}
