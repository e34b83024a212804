//! What a person can get wrong: each is told clearly, with the right exit code, and nothing is touched.

use crate::support;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;
use support::{Said, World};

/// Runs the program, which must refuse with exactly this text, having touched nothing.
fn refused(world: &World, arguments: &[&str], code: i32, text: &str) {
    let said = world.banister(arguments);
    let text = text.replace("SITE", &world.path().display().to_string());
    assert_eq!(
        (said.code, said.err.as_str(), said.out.as_str()),
        (Some(code), text.as_str(), ""),
        "{arguments:?}"
    );
    assert!(!world.path().join("state").exists(), "a run was begun: {arguments:?}");
    assert_eq!(world.read("trace"), "", "a command was run: {arguments:?}");
}

#[test]
fn a_script_with_mistakes_is_not_begun() {
    let world = World::new();
    world.write(
        "runbooks/mine.rhai",
        "//! Mine.\nfn main() {\n    let server = this_server();\n    server.make(\"build\");\n    server.mkae(\"up\");\n    server.wait_healthy(#{ timout: 5.minutes });\n}\n",
    );
    let text = "\
error: the script has 2 errors
  why  nothing has a method `mkae`
       SITE/runbooks/mine.rhai:5:12
         server.mkae(\"up\");
                ^
       did you mean `make`?
  why  `wait_healthy` has no option `timout`
       SITE/runbooks/mine.rhai:6:28
         server.wait_healthy(#{ timout: 5.minutes });
                                ^
       it has `checks`, `within`, `stable`, `project`, `inside`, `state`
  help correct them and check again with `banister check`
";
    refused(&world, &["run", "mine"], 2, text);
    refused(&world, &["plan", "mine"], 2, text);
}

#[test]
fn names_that_are_not_there_are_told_with_the_nearest() {
    let world = World::new();
    refused(
        &world,
        &["run", "updte"],
        2,
        "error: there is no runbook `updte`\n  help did you mean `update`? List them with `banister list`\n",
    );
    refused(
        &world,
        &["run", "update", "--server", "wbe"],
        2,
        "error: there is no server `wbe` in `SITE/site.toml`\n  help the servers there are: web\n",
    );
    let said = world.banister(&["run", "update", "--too", "0.2.0"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("unexpected argument '--too'") && said.err.contains("'--to'"), "{said:?}");
    refused(
        &world,
        &["show", "20200101"],
        2,
        "error: there is no run `20200101`\n  help list them with `banister runs`\n",
    );
    refused(
        &world,
        &["doc", "chekout"],
        2,
        "error: no page is named `chekout`, and none contains that word\n  help did you mean `checkout`? List them with `banister doc`\n",
    );
}

#[test]
fn a_site_that_is_not_there_or_not_right_is_told() {
    let world = World::new();
    let elsewhere = tempfile::tempdir().unwrap();
    let said: Said =
        support::said(world.command(&["run", "update"]).current_dir(&elsewhere).output().unwrap());
    let text = "error: there is no `site.toml` here, above, or in the configuration folder\n  help write one with \
                `banister init`, name one with `--site DIR`, or try `banister demo`\n";
    assert_eq!((said.code, said.err.as_str()), (Some(2), text));
    refused(
        &world,
        &["--site", "none", "run", "update"],
        2,
        "error: there is no site at `none`\n  help write one there with `banister init --site none`\n",
    );
    world.write("site.toml", "[servers.web]\nkind = \"plain\"\nchekout = \"web\"\n");
    let said = world.banister(&["run", "update"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    for part in [
        "line 3, column 1",
        "chekout = \"web\"\n",
        "unknown key `chekout`; did you mean `checkout`?",
        "the keys there: ssh, ",
        "banister check",
    ] {
        assert!(said.err.contains(part), "{part}: {said:?}");
    }
    world.write("site.toml", "[servers.web]\nkind = \"palin\"\ncheckout = \"web\"\n");
    let said = world.banister(&["run", "update"]);
    assert!(
        said.code == Some(2) && said.err.contains("`palin`") && said.err.contains("did you mean `plain`?"),
        "{said:?}"
    );
    for (maintenance, told) in [
        ("\"pgae\"", "maintenance can't be \"pgae\": it is \"page\", or a table with `begin` and `end`"),
        ("{ begn = [] }", "unknown key `begn`; did you mean `begin`?"),
        ("\"page\"", "nothing is known of the proxy before a server of the kind `plain`"),
    ] {
        world.write(
            "site.toml",
            &format!("[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nmaintenance = {maintenance}\n"),
        );
        let said = world.banister(&["run", "update"]);
        assert!(said.code == Some(2) && said.err.contains(told), "{said:?}");
    }
    assert!(!world.path().join("state").exists());
}

#[test]
fn a_checkout_that_is_none_is_told_before_a_run_is_begun() {
    let world = World::new();
    world.write("site.toml", "[servers.web]\nkind = \"plain\"\ncheckout = \"folder\"\n");
    let text = |what: &str| {
        format!(
            "error: {what}\n  at   SITE/site.toml, server `web`\n  help set `checkout` in site.toml to the folder that \
             `git clone` made\n"
        )
    };
    for command in ["run", "plan"] {
        refused(&world, &[command, "update"], 2, &text("the checkout `SITE/folder` does not exist"));
    }
    fs::create_dir(world.path().join("folder")).unwrap();
    for command in ["run", "plan"] {
        refused(&world, &[command, "update"], 2, &text("`SITE/folder` is not a git checkout"));
    }
}

#[test]
fn a_damaged_journal_is_told_with_its_line_and_kept() {
    let world = World::new();
    world.write(
        "runbooks/two.rhai",
        "//! Two.\nfn main() { this_server().make(\"build\"); this_server().make(\"fail\"); }\n",
    );
    assert_eq!(world.banister(&["run", "two"]).code, Some(1));
    let journal = world.journals().remove(0);
    let whole = fs::read_to_string(&journal).unwrap();
    let damaged = whole.replacen("\"build\"", "\"biuld\"", 1);
    fs::write(&journal, &damaged).unwrap();
    let line = damaged.lines().position(|line| line.contains("biuld")).unwrap() + 1;
    let trace = world.read("trace");
    for command in [&["resume"][..], &["resume", "--rollback"], &["show"]] {
        let said = world.banister(command);
        let text = format!(
            "error: the journal `{}` is damaged in line {line}\n  why  its checksum does not fit\n",
            journal.display()
        );
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(said.err.starts_with(&text), "{said:?}");
        assert!(command[0] == "show" || said.err.contains("nothing was touched"), "{said:?}");
    }
    assert_eq!((fs::read_to_string(&journal).unwrap(), world.read("trace")), (damaged, trace));
    fs::write(&journal, &whole).unwrap();
    world.write("mended", "");
    assert_eq!(world.banister(&["resume"]).code, Some(0));
    // Nothing is left to do in it, whatever became of its beginning.
    fs::write(&journal, whole.replacen('{', "[", 1)).unwrap();
    assert_eq!(world.banister(&["run", "two"]).code, Some(4));
    fs::write(&journal, fs::read_to_string(&journal).unwrap() + DONE).unwrap();
    assert_eq!(world.banister(&["run", "two"]).code, Some(0));
}

/// The last record of a run that is done.
const DONE: &str = concat!(
    r#"{"n":99,"time":"2026-01-01T00:00:00Z","finished":{"state":"done","failure":null,"way_back":true},"#,
    "\"sum\":\"0000000000000000\"}\n"
);

#[test]
fn a_mistake_that_a_run_meets_after_it_changed_something_is_no_refusal() {
    let world = World::new();
    let run = |body: &str| {
        world.remove("state");
        // What the server knows of the run before this one.
        world.remove("web/.git/banister");
        let text = format!(
            "//! Mine.\nfn main() {{\n    let server = this_server();\n    let text = \"\";\n    let option = \"wihtin\";\n    {body}\n}}\n"
        );
        world.write("runbooks/mine.rhai", &text);
        world.banister(&["run", "mine"])
    };
    // The kind of mistake before any change, and after one.
    for mistake in [
        "server.run([])",
        "let options = #{}; options[option] = 5; server.run([\"true\"], options)",
        "let options = #{}; options[\"within\"] = [5]; server.run([\"true\"], options)",
        "server.run([\"true\"], #{ within: text })",
    ] {
        let said = run(&format!("{mistake};"));
        assert_eq!(said.code, Some(2), "{mistake}: {said:?}");
        for body in [
            format!("step \"One\" {{ server.make(\"config\"); }} step \"Two\" {{ {mistake}; }}"),
            format!("server.make(\"config\"); parallel([1, 2], |n| {{ {mistake}; }});"),
        ] {
            let said = run(&body);
            assert_eq!(said.code, Some(1), "{body}: {said:?}");
            assert!(said.out.contains("state: `mine` failed on web"), "{body}: {said:?}");
            assert!(said.out.contains("next:  banister resume "), "{body}: {said:?}");
            assert!(said.err.contains("earlier changes remain"), "{body}: {said:?}");
            assert_eq!(world.banister(&["resume"]).code, Some(1), "{body}");
        }
        let body = format!(
            "on_failure {{ {mistake}; }} step \"One\" {{ server.make(\"config\"); }} step \"Two\" {{ server.make(\"fail\"); }}"
        );
        assert_eq!(run(&body).code, Some(1), "{body}");
        let said = world.banister(&["resume", "--rollback"]);
        assert_eq!(said.code, Some(1), "{body}: {said:?}");
    }
    // What a script throws, and what Rhai itself refuses, fails a step; it was never said to be the command line's fault.
    for thrown in [
        "throw #{ message: \"no\" }",
        "throw #{ code: 7 }",
        "throw ()",
        "let f = |f| f.call(f); f.call(f)",
        "let n = 1 / 0",
    ] {
        for body in [format!("{thrown};"), format!("server.make(\"config\"); {thrown};")] {
            let said = run(&body);
            assert_eq!(said.code, Some(1), "{body}: {said:?}");
        }
    }
}

#[test]
fn with_json_whatever_ends_before_a_run_is_one_document() {
    let world = World::new();
    let document = |arguments: &[&str], code: i32| {
        let said = world.banister(arguments);
        assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
        let document: serde_json::Value = serde_json::from_str(&said.out)
            .unwrap_or_else(|error| panic!("{arguments:?}: {error}: {said:?}"));
        document
    };
    assert_eq!(document(&["resume", "--json"], 0)["state"], "nothing_to_resume");
    assert_eq!(document(&["lock", "release", "--json"], 0)[0]["server"], "web");
    for arguments in [
        &["run", "nowhere", "--json"][..],
        &["plan", "nowhere", "--json"],
        &["run", "update", "--no-such-option", "--json"],
        &["show", "nothing", "--json"],
        &["resume", "nothing", "--json"],
        &["status", "--json", "--site", "nowhere"],
    ] {
        let document = document(arguments, 2);
        assert_eq!((&document["failure"]["kind"], &document["exit_code"]), (&"invalid".into(), &2.into()));
        assert!(!document["failure"]["message"].as_str().unwrap().is_empty());
    }
    assert_eq!(document(&["show", "--json"], 1)["failure"]["kind"], "not_found");
}

#[test]
fn who_did_something_has_a_name_also_without_one_in_the_environment() {
    let world = World::new();
    world.write("runbooks/mine.rhai", "//! Mine.\nfn main() { this_server().make(\"config\"); }\n");
    let run = world.command(&["run", "mine"]).env_remove("USER").output().unwrap();
    assert!(run.status.success());
    let id = std::process::Command::new("id").arg("-un").output().unwrap();
    let name = String::from_utf8(id.stdout).unwrap();
    let said = world.banister(&["runs", "--json"]);
    assert!(said.out.contains(&format!("\"by\":\"{}@", name.trim())), "{said:?}");
}

#[test]
fn a_script_that_loops_for_ever_ends_at_the_first_interrupt() {
    let world = World::new();
    world.write(
        "runbooks/loop.rhai",
        "//! Loops.\nfn main() { note(\"begun\"); loop { try { let n = 1; while true { n += 1; n -= 1; } } catch { } } }\n",
    );
    for arguments in [&["run", "loop"][..], &["resume"], &["plan", "loop"]] {
        let mut child =
            world.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        match arguments[0] {
            // A plan says nothing until it is whole.
            "plan" => std::thread::sleep(std::time::Duration::from_millis(500)),
            "resume" => assert!(lines.next().unwrap().unwrap().starts_with("resuming")),
            _ => assert!(lines.by_ref().any(|line| line.unwrap().contains("begun"))),
        }
        let interrupted = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(interrupted.unwrap().success());
        let rest: Vec<String> = lines.map(Result::unwrap).collect();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{arguments:?}: {rest:?}");
        if arguments[0] != "plan" {
            assert!(rest.iter().any(|line| line.starts_with("next:  banister resume ")), "{rest:?}");
        }
    }
    // It changed nothing, so that it stands in nobody's way.
    let said = world.banister(&["run", "update", "--to", "0.1.0"]);
    assert_eq!(said.code, Some(0), "{said:?}");
}
