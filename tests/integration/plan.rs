//! A plan does not lie, and changes nothing.

use crate::support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use support::worlds;
use support::{Said, World};

/// By path: kind and mode, time of the last change, and content.
type Tree = BTreeMap<String, (u32, i64, i64, Vec<u8>)>;

/// Everything below a folder.
fn tree(folder: &Path) -> Tree {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let about = path.symlink_metadata().unwrap();
            let content = match () {
                () if about.is_symlink() => {
                    fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
                }
                () if about.is_file() => fs::read(&path).unwrap(),
                () => Vec::new(),
            };
            let name = path.strip_prefix(folder).unwrap().display().to_string();
            found.insert(name, (about.mode(), about.mtime(), about.mtime_nsec(), content));
            if about.is_dir() {
                folders.push(path);
            }
        }
    }
    found
}

/// Nothing differs but what the stand-in of `docker` says of itself, and the proxy of who asked for health.
fn assert_same(now: &Tree, before: &Tree) {
    let names: std::collections::BTreeSet<&String> = now.keys().chain(before.keys()).collect();
    let differ: Vec<_> = names
        .into_iter()
        .filter(|name| !["trace.jsonl", "logs/server_reverse-proxy_1.log"].contains(&name.as_str()))
        .filter(|name| now.get(*name) != before.get(*name))
        .collect();
    assert!(differ.is_empty(), "the plan changed {differ:?}");
}

/// What a site's runbook `x` is planned to do. The world has a server of kind `plain` with the release 0.1.0.
fn planned(body: &str) -> Said {
    let world = World::new();
    world.write("runbooks/x.rhai", body);
    let before = tree(world.path());
    let said = world.banister(&["plan", "x"]);
    assert_same(&tree(world.path()), &before);
    said
}

/// The lines between the title and the state.
fn outline(said: &Said) -> String {
    let inner = said.out.split_once("\n\n").map_or("", |(_, rest)| rest);
    let inner = inner.strip_prefix("in detail:\n").unwrap_or(inner);
    inner.rsplit_once("\nstate:").map_or(inner, |(outline, _)| outline).trim_end().to_owned()
}

/// The same for the body of `main`.
fn plan(body: &str) -> String {
    let said = planned(&format!("//! Tries a plan.\nfn main() {{\n{body}\n}}\n"));
    assert!(said.err.is_empty() && [Some(0), Some(1)].contains(&said.code), "{body}: {said:?}");
    outline(&said)
}

#[test]
fn a_long_plan_begins_with_its_steps_what_they_do_and_how_long_they_took_last_time() {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_banister"));
    let practice = worlds::server(folder.path(), program, &[]);
    practice.end_with_me().unwrap();
    let world = World::new();
    let site = practice.dir().to_str().unwrap();
    let summary = |words: &[&str]| -> Vec<String> {
        let said = world.banister(&[&["--site", site, "plan"], words].concat());
        assert_eq!(said.code, Some(0), "{said:?}");
        let (summary, _) = said.out.split_once("\n\nin detail:\n").unwrap_or_else(|| panic!("{said:?}"));
        summary.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    let first = summary(&["update"]);
    assert!(first.len() <= 15, "{first:#?}");
    assert_eq!(first[0], "plan of `update` on practice");
    for line in [
        "Check 1 change",
        "Review release notes 1 question",
        "Build 1 change",
        "Remove kept images 2 changes",
        "rollback: declared, shown at the end",
    ] {
        assert!(first.iter().any(|found| found == line), "{line}: {first:#?}");
    }
    let said = world.banister(&["--site", site, "run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let backups = world.banister(&["--site", site, "backup", "list", "--json"]);
    let backups: serde_json::Value = serde_json::from_str(&backups.out).unwrap();
    let backup = backups[0]["name"].as_str().unwrap();
    let said = world.banister(&["--site", site, "run", "rollback", "--backup", backup, "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let again = summary(&["update"]);
    assert!(
        again.iter().any(|line| line.starts_with("Build 1 change ") && line.ends_with("s last time")),
        "{again:#?}"
    );
}

#[test]
fn the_plan_of_an_update_says_what_it_will_do_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let program = Path::new(env!("CARGO_BIN_EXE_banister"));
    let practice = worlds::server(folder.path(), program, &[]);
    practice.end_with_me().unwrap();
    let world = World::new();
    let site = practice.dir().to_str().unwrap();
    let before = (tree(practice.dir()), practice.processes());
    let said = world.banister(&["--site", site, "plan", "update"]);
    assert_same(&tree(practice.dir()), &before.0);
    assert_eq!(practice.processes(), before.1);
    // The stand-in of `docker` writes down what it was asked.
    let asked: Vec<Vec<String>> = practice.trace().unwrap().into_iter().map(|line| line.args).collect();
    let only_reads = |asked: &Vec<String>| match asked[0].as_str() {
        "exec" => ["PGOPTIONS=-c default_transaction_read_only=on", "list_queues"]
            .iter()
            .any(|harmless| asked.iter().any(|word| word.starts_with(harmless))),
        // Compose, which says what a release would mount.
        "--env-file" => asked.last().is_some_and(|word| word == "config"),
        "compose" => asked[1] == "version",
        what => ["ps", "inspect", "logs", "version"].contains(&what),
    };
    assert!(asked.iter().all(only_reads), "{asked:?}");
    assert!(!world.path().join("state").exists(), "no run was made");
    assert_eq!(said.code, Some(0), "{said:?}");
    let lines: Vec<&str> = said.out.lines().collect();
    let mut rest = lines.as_slice();
    for line in [
        "plan of `update` on practice",
        "fetch(practice)",
        "Check",
        "Back up",
        "Review release notes",
        "  shows: Release 0.2.13",
        "  | Core migrates its database at the first start. The release before can't read it any more: take a backup.",
        "  | server/core/migrations/4_region.sql: database migration is new",
        "  asks: confirm(\"Update practice from 0.2.10 to 0.2.14?\")",
        "Check out",
        "  checkout(practice, \"0.2.14\")",
        "Configure",
        "  make(practice, \"config\")",
        "Build",
        "  make(practice, \"build\")",
        "Start",
        "  make(practice, \"up\", #{ DETACH: true })",
        "Wait until healthy",
        "Back up again",
        "Remove kept images",
        "Rollback, if it is needed:",
        "Roll practice back to 0.2.10",
        "  checkout(practice, \"0.2.10\")",
    ] {
        let at = rest.iter().position(|found| *found == line);
        let at = at.unwrap_or_else(|| panic!("`{line}` is missing, or not in its place: {}", said.out));
        rest = &rest[at + 1..];
    }
    // Only the rollback rests on what is not known yet: the backup that it may need.
    let there = said.out.split("Rollback, if").next().unwrap();
    assert!(!there.contains("known after"), "{}", said.out);
    assert!(!said.out.contains("from here it depends"), "{}", said.out);
    practice.stop().unwrap();
}

#[test]
fn a_plan_that_was_kept_is_carried_out_only_while_it_holds() {
    let world = World::new();
    let runbook = "//! Builds.\nfn main(what) {\n    let server = this_server();\n    let from = server.installed_release();\n    step \"Build\" { server.make(\"build\"); }\n}\n";
    world.write("runbooks/x.rhai", runbook);
    let said = world.banister(&["plan", "x", "--what", "1", "--out", "plan.json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.ends_with("next:  banister run x --plan plan.json\n"), "{said:?}");
    let refused = |arguments: &[&str], message: &str| {
        let said = world.banister(arguments);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains(message), "{message}: {said:?}");
        assert!(
            !world.path().join("state").exists() && world.read("trace").is_empty(),
            "nothing was touched"
        );
    };
    refused(&["run", "update", "--plan", "plan.json"], "the plan `plan.json` is for `x` on web");
    refused(&["run", "x", "--what", "2", "--plan", "plan.json"], "was made with another `--what`");
    refused(&["run", "x", "--plan", "site.toml"], "is not a plan");
    refused(&["run", "x", "--plan", "none.json"], "can't read the plan `none.json`");
    world.write("runbooks/x.rhai", &runbook.replace("Build", "Make"));
    refused(&["run", "x", "--plan", "plan.json"], "`runbooks/x.rhai` changed since the plan was made");
    world.write("runbooks/x.rhai", runbook);
    let site = world.read("site.toml");
    world.write("site.toml", &format!("{site}\n"));
    refused(&["run", "x", "--plan", "plan.json"], "site.toml` changed since the plan was made");
    world.write("site.toml", &site);
    world.git(&["tag", "--delete", "0.1.0"]);
    refused(
        &["run", "x", "--plan", "plan.json"],
        "the plan no longer holds: installed_release(web) is another now",
    );
    world.git(&["tag", "0.1.0"]);
    let said = world.banister(&["run", "x", "--plan", "plan.json"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("trace"), "build begin\nbuild end\n");
}

#[test]
fn where_a_script_branches_on_what_nobody_can_know_both_arms_are_shown() {
    let text = plan(
        r#"
        let server = this_server();
        step "Choose" {
            let answer = ask("Which?", #{ choices: ["old", "new"] });
            if answer == "new" { server.make("config"); } else { note("as it was"); }
        }
        step "Build" {
            let built = server.make("build");
            if built.seconds > 60 { server.make("long"); }
        }
        step "Start" { server.make("up"); }
        "#,
    );
    let expected = "\
Choose
  asks: ask(\"Which?\", #{ choices: [\"old\", \"new\"] })
  if the answer to `Which?`: \"old\"
    note: as it was
  if the answer to `Which?`: \"new\"
    make(web, \"config\")
Build
  make(web, \"build\")
  if ‹known after `make build`: seconds› > 60
    make(web, \"long\")
  otherwise
    (nothing)
Start
  make(web, \"up\")";
    assert_eq!(text, expected);
}

/// Each of these made a plan lie in a host that knows nothing of unknowns. `u` is one, `t` a text with it in it.
#[test]
fn no_expression_takes_an_unknown_for_a_value() {
    let both = [
        "u == 5",
        "u != 5",
        "5 == u",
        "u < 5",
        "u >= 5",
        "5 > u",
        "u == \"x\"",
        "\"x\" == u",
        "u == 'x'",
        "u == ()",
        "u == 1.5",
        "u == [1]",
        "u == u.x",
        "[u] == [1]",
        "#{ a: u } == #{ a: 1 }",
        "1 in [u]",
        "[u].contains(1)",
        "[u].some(|x| x == 1)",
        "u + 1 == 2",
        "1 + u == 2",
        "u * 2 > 3",
        "-u == 1",
        "\"x\" + u == \"xy\"",
        "u + \"x\" == \"yx\"",
        "u.a.b == 1",
        "u[0] == 1",
        "u[\"a\"] == 1",
        "t == \"x\"",
        "\"x\" == t",
        "t != \"x\"",
        "t < \"x\"",
        "t + \"x\" == \"y\"",
        "[t] == [\"x\"]",
        "t.is_empty()",
        "t.contains(\"x\")",
        "t.starts_with(\"x\")",
        "is_text(u)",
        "is_map(u)",
        "u.starts_with(\"x\")",
        "u.contains(1)",
        "u.is_empty()",
    ];
    for expression in both {
        let text = plan(&format!(
            "let u = this_server().make(\"build\").seconds; let t = `${{u}} s`;\nif {expression} {{ note(\"one\"); }} else {{ note(\"other\"); }}"
        ));
        assert!(text.contains("note: one") && text.contains("note: other"), "{expression}: {text}");
    }
    let ends = [
        "for x in u { note(\"other\"); }",
        "let n = u.len(); note(\"other\");",
        "let n = max(1, u); note(\"other\");",
        "let n = t.len(); note(\"other\");",
        "if u { note(\"other\"); }",
        "while u { note(\"other\"); }",
        "for i in 0..u { note(\"other\"); }",
        "let n = parse_int(u); note(\"other\");",
        "switch known(u) { 1 => note(\"one\"), _ => note(\"other\") }",
        "switch known(t) { \"1\" => note(\"one\"), _ => note(\"other\") }",
        "try { u.len(); } catch { note(\"other\"); }",
        "try { for x in u { note(\"other\"); } } catch { note(\"other\"); }",
        "let s = t.to_upper(); note(\"other\");",
        "let parts = t.split(\" \"); note(\"other\");",
    ];
    for statement in ends {
        let text =
            plan(&format!("let u = this_server().make(\"build\").seconds; let t = `${{u}} s`;\n{statement}"));
        assert!(text.contains("from here it depends on") && !text.contains("note:"), "{statement}: {text}");
    }
}

#[test]
fn what_is_done_to_a_server_makes_the_health_of_others_unknown_and_settings_that_they_may_share() {
    let world = World::new();
    let site = world.read("site.toml");
    let table = site.replacen("[servers.web]", "[servers.lab]", 1);
    world.write("site.toml", &format!("{site}\n{table}"));
    world.write("web/.env", "PORT=1\n");
    let reads = "if server(\"web\").read_env(\"PORT\", #{ file: \".env\" }) == \"1\" { note(\"well\"); }";
    let sets = "server(\"lab\").set_env(\"PORT\", \"2\", #{ file: \".env\" });";
    for (body, arms) in [
        (
            "server(\"lab\").make(\"up\"); if server(\"web\").is_healthy().healthy { note(\"well\"); }"
                .into(),
            true,
        ),
        (format!("{sets} {reads}"), true),
        (format!("server(\"lab\").make(\"up\"); {reads}"), false),
    ] {
        world.write("runbooks/x.rhai", &format!("//! Tries a plan.\nfn main() {{ {body} }}"));
        let said = world.banister(&["plan", "x"]);
        assert_eq!(said.code, Some(0), "{body}: {said:?}");
        assert_eq!(said.out.contains(" cases were tried"), arms, "{body}: {said:?}");
    }
}

#[test]
fn no_arm_contradicts_itself() {
    let text = plan(
        r#"
        let u = this_server().make("build").seconds;
        if u == 5 { note("five"); if u == 6 { note("never"); } if u != 5 { note("never"); } }
        if u < 3 { note("less"); if u >= 3 { note("never"); } }
        "#,
    );
    assert!(text.contains("five") && text.contains("less") && !text.contains("never"), "{text}");
}

#[test]
fn a_look_is_made_once_whatever_way_asks_for_it() {
    let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = server.local_addr().unwrap();
    let asked = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = asked.clone();
    std::thread::spawn(move || {
        use std::io::{Read, Write};
        for stream in server.incoming() {
            let mut stream = stream.unwrap();
            let _ = stream.read(&mut [0; 2048]);
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok");
        }
    });
    let text = plan(&format!(
        "let one = ask(\"One?\", #{{ choices: [\"a\", \"b\"] }}); let two = ask(\"Two?\", #{{ choices: [\"a\", \"b\"] }});\n\
         note(`${{one}}${{two}} ${{http(\"http://{address}/\").status}}`);"
    ));
    assert!(text.contains("aa 200") && text.contains("bb 200"), "{text}");
    assert_eq!(asked.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn too_many_ways_are_not_all_gone_through_and_the_plan_says_so() {
    let mut body = String::from("let u = this_server().make(\"build\");\n");
    for n in 0..9 {
        body.push_str(&format!("if u.seconds.q{n} == 1 {{ note(\"n{n}\"); }}\n"));
    }
    let said = planned(&format!("//! Tries.\nfn main() {{\n{body}}}\n"));
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("10 cases were tried, which are not all"), "{said:?}");
}

#[test]
fn a_plan_that_can_only_fail_says_why_and_ends_so() {
    let world = World::new();
    world.write("web/Makefile", "changed by hand\n");
    world.write("web/VERSION", "2\n");
    let said = world.banister(&["plan", "update", "--to", "0.1.0"]);
    assert!(said.out.contains("note: web already runs 0.1.0"), "{said:?}");
    world.git(&["tag", "0.2.0"]);
    let said = world.banister(&["plan", "update", "--to", "0.3.0"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("the checkout of web was changed by hand"), "{said:?}");
    assert!(said.out.contains("state: a run would stop as shown; nothing was changed"), "{said:?}");
}

/// What is asked at its end is often what it is about: `Restore it to cloud?`
#[test]
fn a_long_question_is_shown_whole_and_the_gist_of_a_long_command() {
    let long = "folder/".repeat(40);
    let said = planned(&format!(
        "//! Tries.\nfn main() {{\n    confirm(\"Restore {long}?\");\n    this_server().run([\"true\", \"{long}\"]);\n}}\n"
    ));
    assert!(said.out.contains(&format!("confirm(\"Restore {long}?\")")), "{said:?}");
    assert!(said.out.contains("run(web, [\"true\", \"folder/") && said.out.contains('…'), "{said:?}");
    assert!(!said.out.contains(&format!("\"{long}\"")), "{said:?}");
}

#[test]
fn a_plan_is_kept_in_a_file_and_in_nothing_else() {
    let world = World::new();
    world.write("kept", "precious");
    std::os::unix::fs::symlink("kept", world.path().join("link")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(world.path().join("pipe")).status().unwrap();
    assert!(made.success());
    for out in ["pipe", "web"] {
        let said = world.banister(&["plan", "update", "--out", out]);
        assert_eq!(said.code, Some(2), "{said:?}");
        assert!(said.err.contains(&format!("`{out}` is no file")), "{said:?}");
    }
    assert!(!world.path().join("pipe").is_file());
    world.banister(&["plan", "update", "--out", "link"]);
    assert!(world.path().join("link").is_symlink());
    assert!(world.read("kept").starts_with('{'), "{}", world.read("kept"));
}
