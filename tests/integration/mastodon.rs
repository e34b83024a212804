//! A Mastodon server: a faked-up checkout, and a stand-in for Docker that has its containers, its database and its images
//! as files.

use crate::support;

use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use support::{Said, World};

/// `docker`, as far as it is asked here. `images/NAME` is what a service was made from, `migrations` what the database went
/// through, `trace` what changed something.
const DOCKER: &str = r#"#!/bin/sh
cd "$WORLD" || exit 1
container() {
    printf '{"Id":"%s","Name":"/mastodon-%s-1","Image":"sha256:%s","RestartCount":0,' "$1" "$1" "$1"
    state=running; [ ! -e "stopped/$1" ] || state=exited
    running=true; [ $state = running ] || running=false
    health=healthy; [ ! -e "sick-$(cat "images/$1" | tr ':/' '__')" ] || health=unhealthy
    printf '"State":{"Status":"%s","Running":%s,"StartedAt":"2026-01-01T00:00:00Z","Health":{"Status":"%s"}},' \
        $state $running $health
    printf '"Config":{"Image":"%s","Labels":{"com.docker.compose.project":"web","com.docker.compose.service":"%s"}}}' \
        "$(cat "images/$1")" "$1"
}
case "$1" in
ps)
    case "$*" in *service=*) only=${*##*service=} ;; *) only= ;; esac
    for file in images/*; do
        service=${file#images/}
        [ -n "$only" ] && [ "$only" != "$service" ] || echo "$service"
    done ;;
inspect)
    shift 3
    separator='['
    for name in "$@"; do
        printf '%s' "$separator"; separator=,
        name=${name#mastodon-}; container "${name%-1}"
    done
    echo ']' ;;
stop) shift; mkdir -p stopped; for name in "$@"; do name=${name#mastodon-}; touch "stopped/${name%-1}"; echo "stop ${name%-1}" >>trace; done ;;
rm) echo "No such container: $3" >&2; exit 1 ;;
run) case "$*" in *"rm -rf"*".banister-"*) ;; esac; cat >redis-data ;;
start) shift; for name in "$@"; do name=${name#mastodon-}; rm -f "stopped/${name%-1}"; echo "start ${name%-1}" >>trace; done ;;
exec)
    case "$*" in
    *"CONFIG GET"*) case "$*" in
        *" dir") value=/data ;; *" dbfilename") value=dump.rdb ;; *" appendonly") value=no ;; *) value=a ;;
        esac; printf '1) "name"\n2) "%s"\n' "$value" ;;
    *"--rdb -"*) echo REDIS0011 ;;
    *"mktemp -d"*) grep -q REDIS0011 && echo 7 ;;
    *"INFO keyspace"*) echo 7 ;;
    *pg_dump*) echo PGDMP; cat migrations ;;
    *"pg_restore -f -"*) sed 1d >rest; echo 'COPY public.schema_migrations (version) FROM stdin;'; cat rest; echo '\.' ;;
    *"pg_restore --create -l"*) echo ';' ;;
    *"pg_restore -U"*) sed 1d >loaded; echo 0 ;;
    *psql*)
        text=$(cat)
        case "$text" in
        *"count(*), max"*) echo "$(wc -l <migrations)|$(tail -n 1 migrations)" ;;
        *"information_schema.tables"*) echo 'public|schema_migrations' ;;
        *"WHERE EXISTS"*) [ ! -s migrations ] || echo 0 ;;
        *"FROM pg_database"*) echo mastodon_production; [ ! -e loaded ] || ls new_databases 2>/dev/null ;;
        *RENAME*) [ ! -e loaded ] || { mv loaded migrations; echo "database put back" >>trace; } ;;
        *count*) wc -l <loaded ;;
        esac ;;
    *) echo "no program for: $*" >&2; exit 127 ;;
    esac ;;
compose)
    shift
    version=$(sed -n 's/^ *image: .*mastodon:\(.*\)$/\1/p' web/docker-compose.yml | head -n 1)
    case "$*" in
    pull) echo "pull $version" >>trace ;;
    "up --detach db redis") rm -f stopped/db stopped/redis; echo "up db redis" >>trace ;;
    "up --detach")
        rm -rf stopped
        echo "ghcr.io/mastodon/mastodon:$version" | tee images/web >images/sidekiq
        echo "ghcr.io/mastodon/mastodon-streaming:$version" >images/streaming
        echo "up $version" >>trace ;;
    run*SKIP_POST_DEPLOYMENT_MIGRATIONS=true*db:migrate)
        echo "migrate before $version" >>trace
        [ ! -e "web/migration" ] || grep -qx "$(cat web/migration)" migrations || cat web/migration >>migrations ;;
    run*db:migrate) echo "migrate after $version" >>trace ;;
    *) echo "no such: compose $*" >&2; exit 1 ;;
    esac ;;
logs) echo "the log of $4" ;;
*) echo "no such: $*" >&2; exit 1 ;;
esac
"#;

/// A server with the release v4.3.16 installed and running, and v4.3.17 to be had, which migrates the database if it
/// `migrates`.
fn world(migrates: bool) -> World {
    let world = World::new();
    world.git(&["tag", "-d", "0.1.0"]);
    world.remove("web/Makefile");
    world.write("web/lib/mastodon/version.rb", "module Mastodon\nend\n");
    world.write("web/.gitignore", ".env.production\npublic/system\n");
    let compose = |release: &str| {
        format!(
            "services:\n  web:\n    image: ghcr.io/mastodon/mastodon:{release}\n  streaming:\n    image: \
             ghcr.io/mastodon/mastodon-streaming:{release}\n  sidekiq:\n    image: ghcr.io/mastodon/mastodon:{release}\n"
        )
    };
    for release in ["v4.3.17", "v4.3.16"] {
        // The newer one first, so that the older is made of another branch: neither is checked out by chance.
        world.write("web/docker-compose.yml", &compose(release));
        if release == "v4.3.16" {
            world.git(&["add", "-A"]);
            world.git(&["commit", "-qm", "Release v4.3.16"]);
            world.git(&["tag", "v4.3.16"]);
        }
    }
    world.write("web/docker-compose.yml", &compose("v4.3.17"));
    if migrates {
        world.write("web/migration", "20260202000000\n");
    }
    world.git(&["add", "-A"]);
    world.git(&["commit", "-qm", "Release v4.3.17"]);
    world.git(&["tag", "v4.3.17"]);
    world.git(&["checkout", "-q", "v4.3.16"]);
    world.write(
        "web/.env.production",
        "LOCAL_DOMAIN=example.org\nDB_NAME=mastodon_production\nSECRET_KEY_BASE=hidden-word\n",
    );
    world.write("web/public/system/avatar.png", "a picture");
    world.write("migrations", "20250101000000\n");
    for (service, image) in [
        ("db", "postgres:14-alpine"),
        ("redis", "redis:7-alpine"),
        ("web", "ghcr.io/mastodon/mastodon:v4.3.16"),
        ("streaming", "ghcr.io/mastodon/mastodon-streaming:v4.3.16"),
        ("sidekiq", "ghcr.io/mastodon/mastodon:v4.3.16"),
    ] {
        world.write(&format!("images/{service}"), &format!("{image}\n"));
    }
    world.write("bin/docker", DOCKER);
    fs::set_permissions(world.path().join("bin/docker"), fs::Permissions::from_mode(0o755)).unwrap();
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"mastodon\"\ncheckout = \"web\"\nenv_file = \".env.production\"\nbackups = \"~/kept\"\n\
         healthy = { within = \"4s\", stable = \"0s\" }\nfree_space = \"1MB\"\n",
    );
    world
}

fn banister(world: &World, arguments: &[&str]) -> Said {
    let path = format!("{}:{}", world.path().join("bin").display(), std::env::var("PATH").unwrap());
    support::said(world.command(arguments).env("PATH", path).env("WORLD", world.path()).output().unwrap())
}

#[test]
fn the_check_finds_nothing_to_mend_in_it() {
    let world = world(false);
    let said = banister(&world, &["check"]);
    assert!(said.code == Some(0) && said.out.starts_with("no problems found in "), "{said:?}");
}

#[test]
fn status_says_which_release_runs_and_how_it_is() {
    let world = world(false);
    let said = banister(&world, &["status", "--json"]);
    let found: Value = serde_json::from_str(&said.out).unwrap_or_else(|error| panic!("{error}: {said:?}"));
    assert_eq!(
        (&found[0]["release"], &found[0]["runs"], &found[0]["healthy"]),
        (&"v4.3.16".into(), &"v4.3.16".into(), &true.into())
    );
}

#[test]
fn a_plan_shows_both_migrations_and_changes_nothing() {
    let world = world(true);
    let said = banister(&world, &["plan", "update"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    for part in ["SKIP_POST_DEPLOYMENT_MIGRATIONS=true", "\"db:migrate\"", "mastodon.dump"] {
        assert!(said.out.contains(part), "{part}: {said:?}");
    }
    // Nothing of an update depends on what only the run can know.
    assert!(!said.out.contains("known after image"), "{said:?}");
    assert_eq!(world.read("trace"), "");
    assert!(!world.path().join("kept").exists());
}

#[test]
fn an_update_migrates_before_and_after_the_new_code_starts() {
    let world = world(true);
    let said = banister(&world, &["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let expected = "pull v4.3.17\nmigrate before v4.3.17\nup v4.3.17\nmigrate after v4.3.17\n";
    assert_eq!(world.read("trace"), expected);
    assert_eq!(world.read("migrations"), "20250101000000\n20260202000000\n");
    let said = banister(&world, &["backup", "list", "--json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.out.matches("\"level\":\"verified\"").count(), 2, "{said:?}");
    let journal = fs::read_to_string(&world.journals()[0]).unwrap();
    assert!(!journal.contains("hidden-word"));
    // Nothing is done for what is there already.
    let said = banister(&world, &["run", "update", "--yes"]);
    assert!(said.code == Some(0) && said.out.contains("web already runs v4.3.17"), "{said:?}");
    assert_eq!(world.read("trace"), expected);
}

/// A release that does not become healthy, by the health check of its image.
fn fails(world: &World) {
    world.write("sick-ghcr.io_mastodon_mastodon_v4.3.17", "");
    let said = banister(world, &["run", "update", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("in step `Wait until healthy`"), "{said:?}");
    let said = banister(world, &["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}

#[test]
fn the_way_back_without_a_migration_starts_the_release_before_and_leaves_data_as_it_is() {
    let world = world(false);
    fails(&world);
    assert!(world.read("trace").ends_with("migrate after v4.3.17\nup v4.3.16\n"), "{}", world.read("trace"));
    assert_eq!(world.read("images/web"), "ghcr.io/mastodon/mastodon:v4.3.16\n");
}

#[test]
fn the_way_back_over_a_migration_puts_the_database_back() {
    let world = world(true);
    fails(&world);
    assert_eq!(world.read("migrations"), "20250101000000\n");
    let trace = world.read("trace");
    assert!(trace.contains("stop web\n") && trace.contains("up db redis\ndatabase put back\n"), "{trace}");
    assert!(trace.ends_with("migrate before v4.3.16\nup v4.3.16\nmigrate after v4.3.16\n"), "{trace}");
}

/// Answers as Mastodon does, with this version, on a port that it gives.
fn answers(version: &'static str) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut first = String::new();
            BufReader::new(&stream).read_line(&mut first).unwrap();
            let body = match first.split(' ').nth(1) {
                Some("/api/v2/instance") => {
                    format!("{{\"domain\":\"example.org\",\"version\":\"{version}\"}}")
                }
                _ => "OK".to_owned(),
            };
            let head =
                format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            // Who asks may have gone.
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    port
}

#[test]
fn with_an_endpoint_it_must_say_there_that_it_is_of_the_release() {
    for (version, code) in [("4.3.17", 0), ("4.3.17+ours", 0), ("4.3.16", 1)] {
        let world = world(false);
        let site = world.read("site.toml");
        world.write("site.toml", &format!("{site}endpoint = \"http://127.0.0.1:{}\"\n", answers(version)));
        let said = banister(&world, &["run", "update", "--yes"]);
        assert_eq!(said.code, Some(code), "{version}: {said:?}");
        assert_eq!(said.err.contains("why  release "), code == 1, "{version}: {said:?}");
    }
}

#[test]
fn init_recognizes_it() {
    let world = world(false);
    world.remove("site.toml");
    let said = banister(&world, &["init"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let written = world.read("site.toml");
    for line in
        ["kind = \"mastodon\"\n", "endpoint = \"https://example.org\"\n", "env_file = \".env.production\"\n"]
    {
        assert!(written.contains(line), "{line}: {written}");
    }
    let said = banister(&world, &["check"]);
    assert!(said.code == Some(0) && said.out.starts_with("no problems found in "), "{said:?}");
}
