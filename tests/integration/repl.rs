//! `banister repl` with lines from a pipe.

use crate::support;

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use support::{Said, World, said, type_into};

/// Types lines into it, without a terminal.
fn typed(world: &World, arguments: &[&str], lines: &str) -> Said {
    let mut command = world.command(&[&["repl"], arguments].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    type_into(&mut child, lines);
    said(child.wait_with_output().unwrap())
}

#[test]
fn variables_functions_and_modules_live_on_and_what_only_looks_leaves_nothing() {
    let world = World::new();
    let lines = "let n = 20\nfn twice(x) {\n  x * 2\n}\nlet add = |x| x + n;\ntwice(n) + 2\nadd.call(1)\n\
                 web.name == this_server().name\nlet found = [\n  web.installed_release(),\n];\nfound\n\
                 kind::backup_folder(web)\n#{ a: 5.minutes, b: () }\n`one\ntwo`\n";
    let said = typed(&world, &[], lines);
    assert_eq!(said.code, Some(0), "{said:?}");
    let folder = world.path().join("web/backups");
    let gave = said.out.lines().collect::<Vec<_>>();
    assert_eq!(gave[..4], ["42", "21", "true", "[\"0.1.0\"]"], "{said:?} {folder:?}");
    assert_eq!(gave[5..], ["#{ a: \"5m\", b: () }", "one", "two"], "{said:?}");
    assert_eq!(said.err, "");
    assert_eq!(world.journals().len(), 0, "nothing was changed");
}

#[test]
fn an_error_keeps_the_session_and_says_where_and_what_was_meant() {
    let world = World::new();
    let said = typed(
        &world,
        &[],
        "let a = 1;\nnosuch\nfond\nlet found = 2;\nfond\nweb.mkae(\"x\")\nmake(web)\nlet = 2\nkind::heelth(web)\na + found\n",
    );
    assert_eq!((said.code, said.out.as_str()), (Some(0), "3\n"), "{said:?}");
    for told in [
        "error: there is no variable `nosuch`\n  at   repl:2\n",
        "error: there is no variable `fond`\n  at   repl:5\n  help did you mean `found`?\n",
        "error: there is no function `mkae` that can be called so\n  at   repl:6\n  help did you mean `make`?\n",
        "error: `make` can't be called so\n  at   repl:7\n  help its call is `make(server, target: text,",
        "  at   repl:8\n",
        "error: there is no function `kind::heelth` that can be called so\n  at   repl:9\n  help did you mean `kind::health`?\n",
    ] {
        assert!(said.err.contains(told), "{told}: {}", said.err);
    }
    let said = typed(&world, &[], "1\nthrow \"no\"\n");
    assert_eq!((said.code, said.out.as_str()), (Some(1), "1\n"), "the last line failed: {said:?}");
    assert!(said.err.starts_with("error: no\n  at   repl:2\n"), "{said:?}");
    let said = typed(&world, &[], "confirm(\"Really?\")\n");
    assert!(
        said.code == Some(1) && said.err.starts_with("error: nobody is there to answer: Really?"),
        "{said:?}"
    );
}

#[test]
fn a_change_is_a_run_that_holds_the_server_until_the_end() {
    let world = World::new();
    let mut child = world.command(&["repl"]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || output.next().unwrap().unwrap();
    input.write_all(b"web.installed_release()\n").unwrap();
    assert_eq!(next(), "\"0.1.0\"");
    assert!(world.banister(&["lock", "show"]).out.contains("web: free"), "a look takes no lock");
    input.write_all(b"web.make(\"config\").seconds >= 0.0\n").unwrap();
    let told = next();
    assert!(told.starts_with("run ") && told.ends_with(": repl on web"), "{told}");
    assert_eq!(next(), "true");
    world.write("runbooks/x.rhai", "//! X.\nfn main() { this_server().make(\"build\"); }\n");
    let refused = world.banister(&["run", "x"]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.err.contains("repl, run "), "{refused:?}");
    drop(input);
    assert_eq!(next(), "state: `repl` is done on web");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let run = world.banister(&["run", "x", "--abandon"]);
    assert_eq!(run.code, Some(0), "the lock was handed back: {run:?}");
    let name = told.strip_prefix("run ").unwrap().split(':').next().unwrap();
    let shown = world.banister(&["show", name]);
    assert!(shown.out.contains("web.make(\"config\").seconds >= 0.0\n"), "{shown:?}");
    assert!(shown.out.contains("make(web, \"config\")  done, "), "{shown:?}");
    assert!(!shown.out.contains("installed_release"), "what only looked is not kept: {shown:?}");
    let resumed = world.banister(&["resume", name]);
    assert_eq!(resumed.code, Some(2), "{resumed:?}");
}
#[test]
fn a_secret_is_neither_shown_nor_kept() {
    let world = World::new();
    world.write(
        "site.toml",
        "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nenv_file = \"../settings.env\"\ntargets = { configure = \"config\" }\n",
    );
    world.write("settings.env", "DB_PASSWORD=c4nary-of-the-test\n");
    let lines = "web.read_env(\"DB_PASSWORD\")\n\"it is c4nary-of-the-test\"\nnote(\"c4nary-of-the-test\"); web.make(\"config\", #{ X: 1 });\n\
                 web.set_env(\"API_TOKEN\", \"typed-c4nary\")\nweb.shell(\"true # typed-c4nary\");\n";
    let said = typed(&world, &[], lines);
    assert!(said.out.contains("it is ‹secret›"), "{said:?}");
    assert!(said.err.contains("`API_TOKEN` holds a secret"), "{said:?}");
    let journal = std::fs::read_to_string(&world.journals()[0]).unwrap();
    assert!(journal.contains("note(") && journal.contains("API_TOKEN"), "{journal}");
    for secret in ["c4nary-of-the-test", "typed-c4nary"] {
        assert!(!said.out.contains(secret) && !said.err.contains(secret), "{said:?}");
        assert!(!journal.contains(secret), "{journal}");
    }
}

#[test]
fn what_worked_is_saved_as_a_runbook_and_never_over_a_file() {
    let world = World::new();
    let lines = "fn target() { \"config\" }\nlet made = web.make(target())\nnosuch\nkind::backup_folder(web)\nsave mine\nsave mine\n";
    let said = typed(&world, &[], lines);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("there is a file") && said.err.contains("save NAME"), "{said:?}");
    let text = world.read("runbooks/mine.rhai");
    let body = text.split_once('\n').unwrap().1;
    assert!(text.starts_with("//! Typed by ops@"), "{text}");
    assert_eq!(
        body,
        "\nimport \"kind\" as kind;\n\nfn target() { \"config\" }\n\nfn main() {\n    let web = server(\"web\");\n    \
         let made = web.make(target());\n    kind::backup_folder(web);\n}\n"
    );
    let run = world.banister(&["run", "mine"]);
    assert_eq!(run.code, Some(0), "{run:?}");
    assert_eq!(world.read("trace").matches("config end").count(), 2);
    let said = typed(&world, &[], "save\n");
    assert!(said.code == Some(1) && said.err.contains("nothing to save"), "{said:?}");
    let said = typed(&world, &[], "let a = 1\nsave update\n");
    assert!(said.code == Some(1) && said.err.contains("choose another name"), "{said:?}");
}

#[test]
fn the_words_of_the_prompt_say_what_they_need() {
    let world = World::new();
    let said = typed(&world, &[], "resume\nhelp\nhelp make\ndoc kind\nhelp kind::health\nhelp mkae\n");
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.starts_with("error: no run is open here\n  help leave, and open"), "{said:?}");
    assert!(said.err.contains("did you mean `make`?"), "{said:?}");
    for shown in [
        "words of this prompt\n",
        "make(server, target: text, ",
        "# After a crash",
        "back_up(server, label, parts)",
        "health(server)",
    ] {
        assert!(said.out.contains(shown), "{shown}: {said:?}");
    }
    let said = typed(&world, &["--run", "none"], "");
    assert!(said.code == Some(2) && said.err.contains("there is no run `none`"), "{said:?}");
}

#[test]
fn a_prompt_that_was_killed_keeps_nobody_out_and_is_nothing_to_resume() {
    let world = World::new();
    let mut command = world.command(&["repl"]);
    command.env("BANISTER_CRASH_AT", "after \"begun\":").stdin(Stdio::piped()).stdout(Stdio::null());
    let mut child = command.spawn().unwrap();
    type_into(&mut child, "web.make(\"config\")\n");
    assert!(child.wait().unwrap().code().is_none(), "it was killed");
    assert_eq!(world.banister(&["resume"]).out, "there is nothing to resume\n");
    let name = world.journals()[0].parent().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    let shown = world.banister(&["show", &name]);
    assert!(shown.out.contains("make(web, \"config\")  interrupted"), "{shown:?}");
    assert!(
        shown.out.ends_with("state: `repl` was interrupted on web\nnext:  banister status\n"),
        "{shown:?}"
    );
    world.write("runbooks/x.rhai", "//! X.\nfn main() { this_server().make(\"build\"); }\n");
    let run = world.banister(&["run", "x"]);
    assert_eq!(run.code, Some(0), "{run:?}");
}
