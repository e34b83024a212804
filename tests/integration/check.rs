//! `banister check`, and what is not run because of it.

use crate::support;

mod needed;

use banister::internals::script::check::check;
use banister::internals::script::layers::{Layers, Text};
use std::fs;
use support::World;
use support::chance::Chance;

/// A site that has all that an update of its server needs.
fn whole() -> World {
    let world = World::new();
    let site = world.read("site.toml");
    world.write("site.toml", &format!("{site}backup = [\".\"]\n"));
    world
}

/// A site with a runbook `bad` of this text.
fn world(text: &str) -> World {
    let world = whole();
    world.write("runbooks/bad.rhai", text);
    world
}

/// The text inside of `fn main`, as a runbook.
fn main(body: &str) -> String {
    format!("fn main(to) {{\n    let server = this_server();\n    server.fetch();\n    {body}\n}}\n")
}

/// Nothing was begun: there is no run, no lock and no trace of make.
fn assert_untouched(world: &World) {
    let state = world.path().join("state");
    let left: Vec<_> = fs::read_dir(&state).map(|entries| entries.flatten().collect()).unwrap_or_default();
    assert!(left.is_empty(), "{left:?}");
    assert_eq!(world.read("trace"), "");
    let status = std::process::Command::new("git")
        .args(["-C", world.path().join("web").to_str().unwrap(), "status", "--porcelain"])
        .output()
        .unwrap();
    assert!(status.stdout.is_empty() && status.status.success(), "{status:?}");
}

const BAD: &str = "\
//! Tries to update.
import \"hoss\" as hoss;
import \"plian\" as plain;

/// to: the release
fn main(to, yes) {
    let server = this_server();
    let unused = 1;
    mkae(server, \"build\");
    server.wait_healthy(#{ withn: 5.minutes });
    hoss::configure();
\tnote(sevrer.name);
    for item in [1, 2] { step \"Up\" { note(`${item}`); } }
    return;
    note(\"never\");
}
";

const SAID: &str = "\
error: there is no module `plian`
  at   runbooks/bad.rhai:3:8
     | import \"plian\" as plain;
     |        ^
  help did you mean `plain`?

error: the parameter `yes` is an option of the program already
  at   runbooks/bad.rhai:6:13
     | fn main(to, yes) {
     |             ^
  help give the parameter another name

warning: the variable `unused` is never used
  at   runbooks/bad.rhai:8:9
     | let unused = 1;
     |     ^
  help remove it, or call it `_unused` if it has to be there

error: there is no function `mkae`
  at   runbooks/bad.rhai:9:5
     | mkae(server, \"build\");
     | ^
  help did you mean `make`?

error: `wait_healthy` has no option `withn`
  at   runbooks/bad.rhai:10:28
     | server.wait_healthy(#{ withn: 5.minutes });
     |                        ^
  help did you mean `within`?

error: `configure` of the module `hoss` takes 1 argument, not 0
  at   runbooks/bad.rhai:11:11
     | hoss::configure();
     |       ^
  help call it as `configure(server)`

error: there is no variable `sevrer` here
  at   runbooks/bad.rhai:12:7
     | note(sevrer.name);
     |      ^
  help did you mean `server`?

hint: the step `Up` runs more than once under one name
  at   runbooks/bad.rhai:13:31
     | for item in [1, 2] { step \"Up\" { note(`${item}`); } }
     |                           ^
  help put the item into the name, as step `Up ${item}`

warning: this is never reached
  at   runbooks/bad.rhai:15:5
     | note(\"never\");
     | ^
  help remove it, or move it before the `return` in line 14

6 errors, 2 warnings, 1 hint in 7 files
";

#[test]
fn everything_wrong_in_a_script_is_told_at_once() {
    let world = world(BAD);
    let said = world.banister(&["check", "runbooks/bad.rhai"]);
    assert_eq!(said.out, SAID, "{}", said.err);
    assert_eq!((said.code, said.err.as_str()), (Some(2), ""));
    let quiet = world.banister(&["check", "-q", "runbooks"]);
    assert!(!quiet.out.contains("warning:") && !quiet.out.contains("hint:"), "{}", quiet.out);
    assert!(quiet.out.ends_with("6 errors, 2 warnings, 1 hint in 7 files\n"), "{}", quiet.out);
    assert_untouched(&world);
}

#[test]
fn the_bundled_scripts_have_nothing_to_mend() {
    let empty = tempfile::tempdir().unwrap();
    let world = whole();
    let said = support::said(world.command(&["check"]).current_dir(empty.path()).output().unwrap());
    assert!(said.out.starts_with("no problems found in "), "{}{}", said.out, said.err);
    let none = " bundled files; there is no site.toml here: write one with `banister init`\n";
    assert!(said.out.ends_with(none), "{}{}", said.out, said.err);
    assert_eq!(said.code, Some(0));
    let said = world.banister(&["check"]);
    assert!(said.out.starts_with("no problems found in "), "{}{}", said.out, said.err);
    assert!(!said.out.contains("bundled") && said.out.ends_with(" files\n"), "{}", said.out);
}

/// Forms that are right, some of them seldom. What the check takes for wrong here keeps a good runbook from being run.
const GOOD: &str = include_str!("check/good.rhai");

#[test]
fn a_script_that_is_right_has_nothing_to_mend() {
    let world = world(GOOD);
    let said = world.banister(&["check"]);
    assert!(said.out.starts_with("no problems found in "), "{}{}", said.out, said.err);
    assert_eq!(said.code, Some(0));
}

/// What stands in `main`, and what is said of it.
const ERRORS: [(&str, &str); 58] = [
    ("mkae(server, \"x\");", "there is no function `mkae`; did you mean `make`?"),
    ("configure(server);", "there is no function `configure`; list the primitives with `banister doc`"),
    ("server.bakcup(\"x\");", "nothing has a method `bakcup`; did you mean `backup`?"),
    ("server.make();", "`make` takes 1 to 3 arguments, not 0; call it as `server.make(target: text,"),
    ("make(server);", "`make` takes 2 to 4 arguments, not 1; call it as `make(server, target: text,"),
    ("now(1);", "`now` takes no argument, not 1; call it as `now()`"),
    ("helper(1, 2);", "`helper` takes 1 argument, not 2; call it as `helper(x)`"),
    ("server.helper();", "`helper` is a function of this file and no method; write `helper(x)`"),
    ("this_server(1);", "`this_server` takes no argument, not 1"),
    ("server.make(5);", "`target` of `make` is text, not a number; write it in quotes"),
    ("\"web\".make(\"up\");", "`server` of `make` is a server, not text; write `this_server()`"),
    ("server.run(\"ls\");", "`arguments` of `run` is an array, not text; write it in brackets"),
    ("server.run([\"ls\", 5]);", "`run`: it is given integer `5`, expected a string"),
    ("server.checkout(());", "`to` of `checkout` is text, not ()"),
    ("server.make(\"up\", #{}, 5);", "`make` takes a map of options at its end, not a number"),
    (
        "server.make(\"up\", #{}, #{ wihtin: 1.hour });",
        "`make` has no option `wihtin`; did you mean `within`?",
    ),
    (
        "server.run([\"ls\"], #{ zz: 1 });",
        "`run` has no option `zz`; it has `within`, `folder`, `environment`",
    ),
    (
        "server.wait_healthy(#{ within: 5 });",
        "`within` of `wait_healthy` is a duration, not a number; write it with its unit",
    ),
    ("server.wait_healthy(#{ within: 5.gigabytes });", "is a duration, not a size"),
    ("server.wait_healthy(#{ within: 5.minuts });", "there is no unit `minuts`; did you mean `minutes`?"),
    ("server.wait_healthy(#{ stable: \"soon\" });", "`stable` of `wait_healthy` is a duration, not text"),
    (
        "server.wait_healthy(#{ checks: [#{ htpp: \"x\" }] });",
        "`wait_healthy`: a check is a URL, or has one of",
    ),
    (
        "http(\"http://x/\", #{ bearer: \"abc\" });",
        "`bearer` of `http` is a secret, not text; take it from `secret(…)`",
    ),
    ("this_server().endpont;", "a server has no setting `endpont`; did you mean `endpoint`?"),
    ("parallel([1], #{ at_mots: 2 }, |x| x);", "`parallel` has no option `at_mots`; did you mean `at_most`?"),
    ("parallel([1], #{ at_most: \"2\" }, |x| x);", "`at_most` of `parallel` is a number, not text"),
    ("parallel([1]);", "`parallel` takes 2 to 3 arguments, not 1"),
    ("parallel([1], || 1);", "`parallel` gives its block 1 argument, not 0"),
    ("parallel(1, |x| x);", "`parallel` takes an array here, not a number"),
    ("plain::deplyo(server);", "no module is imported as `plain`; write `import \"plain\" as plain;`"),
    (
        "import \"plain\" as plain; plain::configuer(server);",
        "the module `plain` has no function `configuer`; did you mean `configure`?",
    ),
    (
        "import \"plain\" as plain; plian::configure(server);",
        "no module is imported as `plian`; did you mean `plain`?",
    ),
    (
        "import \"plain\" as plain; plain::configure();",
        "`configure` of the module `plain` takes 1 argument, not 0; call it as `configure(server)`",
    ),
    (
        "import \"plain\" as plain; configure(server);",
        "there is no function `configure`; write `plain::configure(…)`",
    ),
    ("import \"plain\" as plain; plain::NOTHING;", "the module `plain` exports no `NOTHING`"),
    ("import \"own\" as own; own::hidden();", "`hidden` of the module `own` is private"),
    ("import \"broken\" as own; own::broken();", "there is no function `mkae`; did you mean `make`?"),
    ("import \"hos\" as hos; hos::x();", "there is no module `hos`; did you mean `hoss`?"),
    (
        "import `pl${to}` as p; p::x();",
        "which module this imports can't be known before it runs; write its name in quotes",
    ),
    ("note(severr.name);", "there is no variable `severr` here; did you mean `server`?"),
    ("note(`${`${wrong}`}`);", "there is no variable `wrong` here"),
    ("[1].map(|x| x + wrong);", "there is no variable `wrong` here"),
    ("note(LIMIT);", "there is no variable `LIMIT` here; functions read it as `global::LIMIT`"),
    ("note(global::LIMT);", "this file has no constant `LIMT`; did you mean `global::LIMIT`?"),
    (
        "step \"A\" { } step \"A\" { }",
        "two steps have the name `A`; give one of them another name; the other is in line 6",
    ),
    ("step \"A\" { step \"A\" { } }", "two steps have the name `A`"),
    ("step 5 { }", "a step's name is text, not a number"),
    ("step { }", "expecting `{` to start a statement block; give the step a name"),
    ("on_failure |e| { note(e); }", "`on_failure` gives its block no argument"),
    ("sleep(5);", "`sleep` is not available: a fixed time is too short or too long; wait for a condition"),
    ("timestamp();", "`timestamp` is not available: a resumed run would see another time; use `now()`"),
    ("rand();", "`rand` is not available: a resumed run would see another number"),
    ("eval(\"1\");", "`eval` is not available: its script can't be checked"),
    ("switch to { \"a\" => 1, _ => 2 }", "use `if` and `else`, or `switch known(…)`"),
    ("if type_of(to) == \"map\" { }", "a plan can't follow a comparison of `type_of`; write `is_map(…)`"),
    (
        "if \"string\" != to.type_of() { }",
        "a plan can't follow a comparison of `type_of`; write `is_text(…)`",
    ),
    ("note(\"x\")\n    note(\"y\");", "expecting `;` to terminate this statement; write `;` here"),
    ("let m = #{ default: 1 };", "`default` is a reserved keyword; use another word"),
];

/// The messages and helps, each finding on a line.
fn told(world: &World, arguments: &[&str]) -> (Option<i32>, Vec<(String, String)>) {
    let said = world.banister(arguments);
    let found: serde_json::Value = serde_json::from_str(&said.out).expect(&said.err);
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let found = found.as_array().unwrap().iter().map(|finding| {
        let words = format!("{}; {}", text(&finding["message"]), text(&finding["help"]));
        (text(&finding["severity"]), words)
    });
    (said.code, found.collect())
}

#[test]
fn each_mistake_is_told_with_what_to_write_instead_and_nothing_is_touched() {
    let world = whole();
    world.write("stdlib/own.rhai", "private fn hidden() { }\n");
    world.write("stdlib/broken.rhai", "fn broken() { mkae(1); }\n");
    for (body, expected) in ERRORS {
        let text = format!("const LIMIT = 3;\nfn helper(x) {{ x }}\n{}", main(body));
        world.write("runbooks/bad.rhai", &text);
        let (code, found) = told(&world, &["check", "--json", "runbooks/bad.rhai"]);
        let errors: Vec<_> = found.iter().filter(|(severity, _)| severity == "error").collect();
        assert_eq!(code, Some(2), "{body}: {found:?}");
        assert_eq!(errors.len(), 1, "{body}: {errors:?}");
        assert!(errors[0].1.contains(expected), "{body}: {errors:?}");
        let said = world.banister(&["run", "bad"]);
        assert_eq!(said.code, Some(2), "{body}: {}{}", said.out, said.err);
        assert!(said.err.contains("error: ") && said.err.contains("help"), "{body}: {}", said.err);
        assert_untouched(&world);
    }
}

#[test]
fn what_may_be_meant_so_is_told_and_run() {
    let world = whole();
    for (body, severity, expected) in [
        ("let unused = 1;", "warning", "the variable `unused` is never used"),
        (
            "import \"plain\" as plain;",
            "warning",
            "the module `plain` is imported and never used; remove the `import`",
        ),
        ("import \"plain\";", "warning", "this module gets no name, so that nothing can use it"),
        ("if to == () { return; note(\"x\"); }", "warning", "this is never reached"),
        ("for x in [1] { continue; note(`${x}`); }", "warning", "or move it before the `continue` in line 4"),
        ("for x in [] { step \"A\" { note(x); } }", "hint", "put the item into the name, as step `A ${x}`"),
        ("try { server.make(\"up\"); } catch { }", "hint", "a plan can't tell whether the change `make`"),
        ("if to != () { to.unheard_of(); }", "warning", "nothing has a method `unheard_of`"),
        ("if to != () { \"abc\".len(1); }", "warning", "`len` takes no argument, not 1"),
        (
            "if to != () { note(server.endpont); }",
            "warning",
            "a server has no setting `endpont`; did you mean `endpoint`?",
        ),
    ] {
        let text =
            format!("{}let top = 1;\n", main(body).replace("server.fetch();", "server.dirty_files();"));
        world.write("runbooks/bad.rhai", &text);
        let (code, found) = told(&world, &["check", "--json", "runbooks/bad.rhai"]);
        assert_eq!(code, Some(0), "{body}: {found:?}");
        let others: Vec<_> = found.iter().filter(|(_, words)| !words.contains("variable `top`")).collect();
        assert_eq!((found.len(), others.len()), (2, 1), "{body}: {found:?}");
        assert!(others[0].0 == severity && others[0].1.contains(expected), "{body}: {others:?}");
        let said = world.banister(&["run", "bad", "--abandon"]);
        assert_eq!(said.code, Some(0), "{body}: {}{}", said.out, said.err);
    }
}

#[test]
fn a_function_hides_no_primitive_and_a_top_holds_only_definitions() {
    let world = whole();
    for (text, expected) in [
        (
            "fn backup(x) { }\nfn main() { }\n",
            "`backup` is a primitive, which a function of this name would hide",
        ),
        ("fn parallel() { }\nfn main() { }\n", "`parallel` is a block"),
        ("note(\"x\");\nfn main() { }\n", "only `import`, `const` and `fn` may stand outside of functions"),
        ("step \"x\" { }\nfn main() { }\n", "only `import`, `const` and `fn` may stand outside of functions"),
        ("const NOW = now();\nfn main() { }\n", "`now` is called outside a function"),
        ("fn main(on_failure) { }\n", "the parameter `on_failure` is an option of the program already"),
        ("fn main(json) { }\n", "the parameter `json` is an option of the program already"),
        ("fn helper() { }\n", "there is no `fn main` here"),
        (
            "import \"bad\" as own;\nfn main() { own::main(); }\n",
            "modules import each other: `bad` imports `bad`",
        ),
        (
            "import \"a\" as a;\nfn main() { a::go_on(); }\n",
            "modules import each other: `a` imports `b` imports `a`",
        ),
        ("fn main() {\n", "this `{` is not closed; write its `}` where this ends"),
    ] {
        world.write("runbooks/bad.rhai", text);
        world.write("stdlib/a.rhai", "import \"b\" as b;\nfn go_on() { b::go_on(); }\n");
        world.write("stdlib/b.rhai", "import \"a\" as a;\nfn go_on() { a::go_on(); }\n");
        let (code, found) = told(&world, &["check", "--json"]);
        assert_eq!(code, Some(2), "{text}: {found:?}");
        assert!(
            found.iter().any(|(severity, words)| severity == "error" && words.contains(expected)),
            "{text}: {found:?}"
        );
        assert_eq!(world.banister(&["run", "bad"]).code, Some(2), "{text}");
        assert_untouched(&world);
    }
}

#[test]
fn what_all_kinds_are_asked_for_all_kinds_must_have() {
    let world = world("import \"kind\" as kind;\nfn main() { kind::drain(this_server()); }\n");
    let drain = "fn drain(server) { server.make(\"up\"); }\n";
    // What one kind has the kinds have that extend it.
    world.write("stdlib/plain.rhai", drain);
    let site = world.read("site.toml");
    world.write("site.toml", &format!("{site}[servers.cloud]\nkind = \"hoss\"\ncheckout = \"web\"\n"));
    let (code, found) = told(&world, &["check", "--json", "runbooks/bad.rhai"]);
    assert_eq!((code, found), (Some(0), Vec::new()));
    world.remove("stdlib/plain.rhai");
    world.write("stdlib/hoss.rhai", drain);
    let (code, found) = told(&world, &["check", "--json", "runbooks/bad.rhai"]);
    assert_eq!((code, found.len()), (Some(2), 1), "{found:?}");
    assert!(found[0].1.starts_with("the kind `plain` has no function `drain`"), "{found:?}");
}

#[test]
fn the_site_file_is_looked_through_too() {
    let world = whole();
    let site = world.read("site.toml");
    world.write("site.toml", &site.replace("plain", "plian"));
    let said = world.banister(&["check"]);
    let expected = "error: no module knows the steps of servers of the kind `plian`\n  at   site.toml:2\n     | kind = \"plian\"\n  \
                    help did you mean `plain`?\n\n1 error in ";
    assert!(said.out.starts_with(expected), "{}", said.out);
    assert_eq!(said.code, Some(2));
    let said = world.banister(&["run", "update"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("of the kind `plian`"), "{}", said.err);
    let said = world.banister(&["status"]);
    let health =
        " unknown: no module knows the steps of servers of the kind `plian`: did you mean `plain`?\n";
    let line = said.out.lines().find(|line| line.trim_start().starts_with("health")).unwrap_or_default();
    assert!(format!("{line}\n").ends_with(health) && line.matches("health").count() == 1, "{}", said.out);
    world.write("site.toml", &site.replace("\"web\"", "\"wbe\""));
    let said = world.banister(&["status"]);
    assert!(said.out.contains("wbe` does not exist") && !said.out.contains("class="), "{}", said.out);
    world.write("site.toml", &site.replace("checkout", "chekout"));
    let said = world.banister(&["check"]);
    assert!(said.out.starts_with("error: unknown key `chekout`; did you mean `checkout`?\n"), "{}", said.out);
    assert!(said.out.contains("  at   site.toml:3:1\n     | chekout = \"web\"\n     | ^\n"), "{}", said.out);
    assert_eq!(said.code, Some(2));
    assert_untouched(&world);
}

#[test]
fn a_run_refuses_a_script_with_several_errors_and_tells_them_all() {
    let world = world(&main("mkae(1);\n    note(wrong);"));
    let said = world.banister(&["run", "bad"]);
    let at = world.path().join("runbooks/bad.rhai").display().to_string();
    let expected = format!(
        "error: the script has 2 errors\n  why  there is no function `mkae`\n       {at}:4:5\n         mkae(1);\n         ^\n       \
         did you mean `make`?\n  why  there is no variable `wrong` here\n       {at}:5:10\n         note(wrong);\n              ^\n       \
         define it with `let`, or make it a parameter: a function sees nothing else\n  help correct them and check again with \
         `banister check`\n"
    );
    assert_eq!((said.code, said.out.as_str(), said.err), (Some(2), "", expected.clone()));
    let said = world.banister(&["plan", "bad"]);
    assert_eq!((said.code, said.out.as_str(), said.err), (Some(2), "", expected));
    assert_untouched(&world);
}

#[test]
fn a_run_goes_on_with_its_own_scripts_while_the_edited_one_can_not_work() {
    let world = world("import \"own\" as own;\nfn main() { own::work(this_server()); }\n");
    let module = "fn work(server) { step \"Fail\" { server.make(\"fail\"); } }\n";
    world.write("stdlib/own.rhai", module);
    assert_eq!(world.banister(&["run", "bad"]).code, Some(1));
    world.write("stdlib/own.rhai", &module.replace("make", "mkae"));
    let records = world.records();
    let said = world.banister(&["resume"]);
    assert_eq!(said.code, Some(2), "{}{}", said.out, said.err);
    assert!(said.err.contains("nothing has a method `mkae`"), "{}", said.err);
    assert!(
        said.err.contains("or continue with the scripts as they were: `banister resume "),
        "{}",
        said.err
    );
    assert_eq!(world.records(), records);
    assert_eq!(world.banister(&["resume", "--rollback"]).code, Some(2));
    world.write("mended", "");
    let said = world.banister(&["resume", "--original"]);
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}

#[test]
fn files_and_folders_are_looked_through_wherever_they_are() {
    let world = world(BAD);
    world.write("elsewhere/deep/module.rhai", "fn helper() { mkae(1); }\n");
    world.write("elsewhere/readme.md", "not Rhai\n");
    let said = world.banister(&["check", "elsewhere"]);
    assert!(said.out.contains("at   elsewhere/deep/module.rhai:1:15\n"), "{}", said.out);
    assert!(said.out.ends_with("\n1 error in 2 files\n"), "{}", said.out);
    let said = world.banister(&["check", "nowhere.rhai"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.starts_with("error: there is no file `nowhere.rhai`\n"), "{}", said.err);
    let colored = world.banister(&["check", "--color", "always", "elsewhere"]);
    assert!(colored.out.contains("\u{1b}[31merror:\u{1b}[0m"), "{}", colored.out);
}

/// Whatever a person leaves in a file, it is told and does not end the program.
#[test]
fn no_text_makes_the_check_panic() {
    let put: Vec<char> = "[(){}#|`\"$;.abc1é \n".chars().collect();
    for seed in 0..256 {
        let mut chance = Chance::of(seed);
        let mut letters: Vec<char> = GOOD.chars().collect();
        for _ in 0..=chance.below(5) {
            let start = chance.below(4_000).min(letters.len());
            let end = (start + chance.below(40)).min(letters.len());
            let put: Vec<char> = (0..chance.below(4)).map(|_| chance.one(&put)).collect();
            letters.splice(start..end, put);
        }
        let text = Text::new("mutated.rhai".into(), letters.into_iter().collect());
        for finding in check(&Layers::of_site(None, "plain"), &text) {
            assert!(!finding.message.is_empty() && !finding.help.is_empty(), "{seed}: {finding:?}");
            finding.excerpt();
        }
    }
}
