//! `banister repl` with lines from a pipe.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use support::{Said, World, said};

/// Types lines into it, without a terminal.
fn typed(world: &World, arguments: &[&str], lines: &str) -> Said {
    let mut command = world.command(&[&["repl"], arguments].concat());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
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
        "let a = 1;\nnosuch\nfond\nlet found = 2;\nfond\nweb.mkae(\"x\")\nmake(web)\nlet = 2\na + found\n",
    );
    assert_eq!((said.code, said.out.as_str()), (Some(0), "3\n"), "{said:?}");
    for told in [
        "error: there is no variable `nosuch`\n  at   repl:2\n",
        "error: there is no variable `fond`\n  at   repl:5\n  help did you mean `found`?\n",
        "error: there is no function `mkae` that can be called so\n  at   repl:6\n  help did you mean `make`?\n",
        "error: `make` can't be called so\n  at   repl:7\n  help its call is `make(server, target: text,",
        "  at   repl:8\n",
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
