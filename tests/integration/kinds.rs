//! Servers of several kinds in one run of `update-linked`: each by the steps of its own kind, in the order of their needs.

use crate::support;

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use support::{Said, World, chance};

/// As its manual describes it: the unit runs what is checked out, unless there is a file `db-fails`.
const SYSTEMCTL: &str = r#"#!/bin/sh
cd "$(dirname "$0")/.." || exit 4
case "$1" in
show) echo loaded ;;
is-active) test -s unit ;;
restart)
    echo "restart db $(git -C db describe --tags)" >> trace
    if test -e db-fails; then : > unit; else echo up > unit; fi ;;
esac
"#;

/// A kind of the site's own.
const STACK: &str = "//! A stack of our own.

fn tools(server) { return [\"git\"]; }
fn check_targets(server, to) {}
fn build(server) { trace(server, \"pull\"); }
fn start(server) { trace(server, \"up\"); }

fn roll_back(server, back) {
    trace(server, \"back\");
    base::roll_back(server, back);
}

fn trace(server, word) {
    server.run([\"sh\", \"-c\", `echo ${word} app $(git describe --tags) >> ../trace; ! test -e ../app-fails-${word}`]);
}
";

const RUN: [&str; 3] = ["run", "update-linked", "--yes"];

/// A database of kind `systemd`, an application of the site's own kind that needs it, and a plain server that needs that. In
/// `site.toml` they stand the other way round, and each has releases of its own.
fn world() -> World {
    let world = World::new();
    world.write("bin/systemctl", SYSTEMCTL);
    let program = world.path().join("bin/systemctl");
    std::fs::set_permissions(program, std::fs::Permissions::from_mode(0o755)).unwrap();
    world.write("unit", "up\n");
    world.write("stdlib/stack/kind.toml", "extends = \"plain\"\nmake_targets = false\n");
    world.write("stdlib/stack.rhai", STACK);
    let path = format!("{}:{}", world.path().join("bin").display(), std::env::var("PATH").unwrap());
    let server = |name: &str, kind: &str, more: &str| {
        format!(
            "[servers.{name}]\nkind = \"{kind}\"\ncheckout = \"{name}\"\nbackups = \"~/kept-{name}\"\nbackup = [\"~/data\"]\n\
             healthy = {{ within = \"300ms\", stable = \"0s\" }}\nenvironment = {{ PATH = \"{path}\" }}\n{more}\n"
        )
    };
    let health = |name: &str| {
        format!(
            "health = [{{ command = [\"sh\", \"-c\", \"echo health {name} >> ../looks; ! test -e ../{name}-sick\"] }}]\n"
        )
    };
    world.write(
        "site.toml",
        &[
            server("shop", "plain", &(health("shop") + "needs = [\"app\"]\n")),
            server("app", "stack", &(health("app") + "needs = [\"db\"]\n")),
            server("db", "systemd", "units = [\"db.service\"]\n"),
        ]
        .concat(),
    );
    checkout(&world, "db", &["0.1.0", "0.2.0"]);
    checkout(&world, "app", &["4.0.0", "5.0.0"]);
    checkout(&world, "shop", &["1.9.0", "1.10.0", "5.0.0"]);
    world.write("data/rows", "before");
    world
}

/// A checkout of the first of these releases.
fn checkout(world: &World, name: &str, releases: &[&str]) {
    let makefile = format!(
        "build:\n\t@true\nup:\n\t@echo up {name} `git describe --tags` >> ../trace; ! test -e ../{name}-fails\n"
    );
    world.write(&format!("{name}/Makefile"), &makefile);
    git(world, name, &["init", "-q", "-b", "main"]);
    git(world, name, &["add", "-A"]);
    for release in releases {
        git(world, name, &["commit", "-q", "--allow-empty", "-m", &format!("{release} of {name}")]);
        git(world, name, &["tag", release]);
    }
    git(world, name, &["checkout", "-q", releases[0]]);
}

fn git(world: &World, name: &str, arguments: &[&str]) -> String {
    let output = Command::new("git")
        .args(["-c", "user.name=Test", "-c", "user.email=test@example.org", "-C"])
        .arg(world.path().join(name))
        .args(arguments)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// What was done, in order.
fn trace(world: &World) -> Vec<String> {
    world.read("trace").lines().map(str::to_owned).collect()
}

/// The releases that are checked out.
fn releases(world: &World) -> [String; 3] {
    ["db", "app", "shop"].map(|name| git(world, name, &["describe", "--tags"]))
}

const BEFORE: [&str; 3] = ["0.1.0", "4.0.0", "1.9.0"];
const AFTER: [&str; 3] = ["0.2.0", "5.0.0", "5.0.0"];
const DONE: [&str; 4] = ["restart db 0.2.0", "pull app 5.0.0", "up app 5.0.0", "up shop 5.0.0"];

fn assert_done(said: &Said) {
    assert_eq!(said.code, Some(0), "{}{}", said.out, said.err);
}

/// The text of which the functions of several kinds are called is nobody's script.
fn assert_own_words(said: &Said) {
    for word in ["kind.rhai", "kind0", "kind__"] {
        assert!(!said.out.contains(word) && !said.err.contains(word), "{word}: {said:?}");
    }
}

#[test]
fn each_is_updated_by_the_steps_of_its_own_kind_after_what_it_needs() {
    let world = world();
    let check = world.banister(&["check"]);
    assert_done(&check);
    assert!(!check.out.contains("warning"), "{check:?}");
    let plan = world.banister(&["plan", "update-linked"]);
    assert_done(&plan);
    assert_own_words(&plan);
    let steps =
        ["Update db", "See that db serves the others", "Update app", "See that app serves", "Update shop"];
    let places = steps
        .map(|step| plan.out.find(&format!("\n  {step}")).unwrap_or_else(|| panic!("{step}: {}", plan.out)));
    assert!(places.is_sorted(), "{}", plan.out);
    for call in
        ["run(db, [\"systemctl\", \"restart\", \"db.service\"]", "make(shop, \"up\")", "echo pull app"]
    {
        assert!(plan.out.contains(call), "{call}: {}", plan.out);
    }
    assert!(!plan.out.contains("make(app") && !plan.out.contains("make(db"), "{}", plan.out);
    // Of what kind a server is, is known.
    assert!(!plan.out.contains(".kind"), "{}", plan.out);
    assert_eq!(trace(&world), [""; 0]);

    let said = world.banister(&RUN);
    assert_done(&said);
    assert_own_words(&said);
    let asked = "in this order: db from 0.1.0 to 0.2.0 (1 releases), app from 4.0.0 to 5.0.0 (1 releases), \
                 shop from 1.9.0 to 5.0.0 (2 releases)?";
    assert!(said.out.contains(asked), "{}", said.out);
    assert!(
        said.out.contains("`update-linked` is done; shop, app, db: done") || said.out.contains("is done;"),
        "{}",
        said.out
    );
    assert_eq!(trace(&world), DONE);
    assert_eq!(releases(&world), AFTER);
    let looks = world.read("looks");
    assert!(looks.contains("health app") && looks.contains("health shop"), "{looks}");
    for arguments in [&["show"][..], &["show", "--json"], &["status"]] {
        assert_own_words(&world.banister(arguments));
    }
    let again = world.banister(&RUN);
    assert_done(&again);
    assert!(again.out.contains("there is nothing to update"), "{}", again.out);
}

#[test]
fn only_those_that_are_named_are_asked_and_updated() {
    let world = world();
    // What can't be read of another kind is no matter of these.
    world.write(
        "stdlib/stack.rhai",
        &(STACK.to_owned() + "fn linked_order(servers) { throw \"our stacks don't fit together\"; }\n"),
    );
    assert_done(&world.banister(&["run", "update-linked", "--only", "shop, db", "--yes"]));
    assert_eq!(trace(&world), ["restart db 0.2.0", "up shop 5.0.0"]);
    assert_eq!(releases(&world), ["0.2.0", "4.0.0", "5.0.0"]);
    let said = world.banister(&["run", "update-linked", "--only", "app", "--yes"]);
    assert!(said.code == Some(1) && said.err.contains("our stacks don't fit together"), "{said:?}");
    assert!(said.err.contains("stdlib/stack.rhai:16"), "{said:?}");
    let said = world.banister(&["run", "update-linked", "--only", "application", "--yes"]);
    assert!(said.err.contains("--only names application, and the servers are: db, app, shop"), "{said:?}");
}

#[test]
fn a_failure_in_the_middle_stops_the_run_and_each_is_rolled_back_by_its_own_kind_in_reverse() {
    let world = world();
    world.write("app-fails-up", "");
    let said = world.banister(&RUN);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_own_words(&said);
    // The place is in the kind's own file.
    assert!(said.err.contains("stdlib/stack.rhai:14"), "{said:?}");
    assert_eq!(trace(&world), DONE[..3]);
    world.remove("app-fails-up");
    let said = world.banister(&["resume", "--rollback", "--yes"]);
    assert_done(&said);
    assert_own_words(&said);
    let back = trace(&world).split_off(3);
    assert_eq!(back, ["back app 5.0.0", "pull app 4.0.0", "up app 4.0.0", "restart db 0.1.0"]);
    assert_eq!(releases(&world), BEFORE);
    let shown = world.banister(&["show"]);
    assert!(shown.out.contains("rolled back"), "{shown:?}");
}

#[test]
fn wherever_it_is_killed_it_ends_the_same() {
    let whole = world();
    assert_done(&whole.banister(&RUN));
    for record in chance::part((3..=whole.records()).collect(), 29) {
        let world = world();
        world.crash(&RUN, &format!("after {record}"));
        let said = world.banister(&["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{record}: {said:?}");
        assert_eq!(trace(&world), DONE, "{record}");
        assert_eq!(releases(&world), AFTER, "{record}");
    }
}

#[test]
fn a_run_that_is_killed_goes_on_with_kinds_that_were_edited_or_as_they_were() {
    // Where the application is started.
    let whole = world();
    whole.write("app-fails-up", "");
    assert_eq!(whole.banister(&RUN).code, Some(1));
    let (world, record) = (world(), whole.records() - 8);
    world.crash(&RUN, &format!("after {record}"));
    let broken = STACK.replace("trace(server, \"up\")", "tarce(server, \"up\")");
    world.write("stdlib/stack.rhai", &broken);
    let said = world.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("stdlib/stack.rhai:6:20") && said.err.contains("--original"), "{said:?}");
    // What the run kept of all kinds is enough.
    world.remove("stdlib/stack");
    world.remove("stdlib/stack.rhai");
    world.write("stdlib/stack/kind.toml", "extends = \"plain\"\nmake_targets = false\n");
    assert_done(&world.banister(&["resume", "--yes", "--original"]));
    assert_eq!(trace(&world), DONE);

    let world = self::world();
    world.write("app-fails-up", "");
    assert_eq!(world.banister(&RUN).code, Some(1));
    let other = STACK.replace(
        "fn start(server) { trace(server, \"up\"); }",
        "fn start(server) { trace(server, \"run\"); }",
    );
    world.write("stdlib/stack.rhai", &other);
    let said = world.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(trace(&world)[3..], ["run app 5.0.0", "up shop 5.0.0"]);
}

#[test]
fn those_that_do_not_need_each_other_are_updated_at_once() {
    let world = world();
    let site = world.read("site.toml").replace("needs = [\"app\"]", "needs = [\"db\"]");
    world.write("site.toml", &site);
    assert_done(&world.banister(&["run", "update-linked", "--batch", "2", "--yes"]));
    let mut done = trace(&world);
    assert_eq!(done[0], DONE[0]);
    done.sort();
    let mut expected = DONE.to_vec();
    expected.sort();
    assert_eq!(done, expected);
    assert_eq!(releases(&world), AFTER);
}

#[test]
fn what_a_release_of_one_kind_asks_for_is_not_done_on_another() {
    let world = world();
    let action = |word: &str| {
        format!(
            "//! Of {word}.\nfn apply(server) {{ server.run([\"sh\", \"-c\", `echo {word} on ${{server.name}} >> ../done`]); }}\n"
        )
    };
    world.write("stdlib/stack/releases/5.0.0.rhai", &action("stack"));
    world.write("stdlib/plain/releases/1.10.0.rhai", &action("plain"));
    world.write(
        "stdlib/plain/releases/0.2.0.rhai",
        "fn known_bad(server) { \"it is bad as a plain server\" }\n",
    );
    world.write("releases/5.0.0/all.rhai", &action("all"));
    let check = world.banister(&["check"]);
    assert_done(&check);
    let said = world.banister(&RUN);
    assert_done(&said);
    assert_own_words(&said);
    assert_eq!(world.read("done"), "stack on app\nall on app\nplain on shop\nall on shop\n");
    assert_eq!(releases(&world), AFTER);
    let again = world.banister(&RUN);
    assert!(again.out.contains("there is nothing to update"), "{again:?}");
}

#[test]
fn one_release_for_all_is_refused_by_name_before_anything_is_touched_where_a_server_has_none() {
    let world = world();
    let said = world.banister(&["run", "update-linked", "--to", "5.0.0", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("there is no release `5.0.0` of db"), "{said:?}");
    assert!(said.out.contains("nothing was touched"), "{said:?}");
    assert_eq!((trace(&world), releases(&world)), (Vec::new(), BEFORE.map(str::to_owned)));
    // Of those that have it.
    assert_done(&world.banister(&["run", "update-linked", "--to", "5.0.0", "--only", "app,shop", "--yes"]));
    assert_eq!(releases(&world), ["0.1.0", "5.0.0", "5.0.0"]);
}

#[test]
fn what_is_wrong_in_a_kind_is_said_of_its_own_file() {
    let world = world();
    for (wrong, place, said) in [
        ("fn await_link(server) {}\n", "stdlib/stack.rhai:16:4", "`await_link` has 1 parameter here"),
        ("private fn await_link(server, release) {}\n", "stdlib/stack.rhai:16:12", "`await_link` is private"),
    ] {
        world.write("stdlib/stack.rhai", &(STACK.to_owned() + wrong));
        let check = world.banister(&["check"]);
        assert_eq!(check.code, Some(2), "{check:?}");
        assert!(check.out.contains(said) && check.out.contains(place), "{place}: {check:?}");
        let run = world.banister(&RUN);
        assert_eq!(run.code, Some(2), "{run:?}");
        assert!(run.err.contains(said) && run.err.contains(place), "{place}: {run:?}");
        assert_own_words(&run);
    }
    world.write("stdlib/stack/kind.toml", "");
    let check = world.banister(&["check"]);
    assert!(check.out.contains("the kind `stack` extends no other, and lacks"), "{check:?}");
    assert!(!check.out.contains("the kind `plain`"), "{check:?}");
}

#[test]
fn a_script_that_calls_a_kind_without_a_server_is_told_where_it_does() {
    let world = world();
    let odd = "import \"kind\" as kind;\nfn main() {\n    for server in linked_servers() { note(kind::installed(server)); }\n";
    for (call, code, said) in [
        ("kind::start(\"db\")", 1, "`start` was not called with a server"),
        (
            "kind::linked_order(linked_servers())",
            1,
            "`linked_order` was called with servers of several kinds: plain and",
        ),
        ("kind::trace(server(\"db\"), \"up\")", 2, "has no function `trace`"),
        ("kind::settings_files()", 2, "`kind::settings_files()` has no server"),
    ] {
        world.write("runbooks/odd.rhai", &format!("{odd}    {call};\n}}\n"));
        let run = world.banister(&["run", "odd", "--yes"]);
        assert_eq!(run.code, Some(code), "{call}: {run:?}");
        assert!(run.err.contains(said) && run.err.contains("runbooks/odd.rhai:4"), "{call}: {run:?}");
        assert_own_words(&run);
    }
    // With one server it is clear which kind is meant.
    world.write("runbooks/odd.rhai", &format!("{odd}    kind::trace(server(\"app\"), \"pull\");\n}}\n"));
    assert_done(&world.banister(&["run", "odd", "--server", "app", "--yes"]));
}

#[test]
fn hooks_of_the_site_run_in_the_steps_of_their_own_server() {
    let world = world();
    let line = |word: &str| format!("[[\"sh\", \"-c\", \"echo {word} >> ../trace\"]]");
    let hooks = format!(
        "[servers.app]\nhooks.before = {{ Build = {} }}\nhooks.after = {{ \"Roll app back to *\" = {} }}\n",
        line("before"),
        line("after")
    );
    let site = world.read("site.toml").replace("[servers.app]\n", &hooks);
    world.write("site.toml", &site);
    world.write(
        "runbooks/update.rhai",
        "after(\"Start\") { if server.kind == \"stack\" { note(\"our stack is started\"); } }\n",
    );
    world.write("shop-fails", "");
    let said = world.banister(&RUN);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.out.matches("our stack is started").count(), 1, "{said:?}");
    assert_eq!(trace(&world), [DONE[0], "before", DONE[1], DONE[2], DONE[3]]);
    world.remove("shop-fails");
    assert_done(&world.banister(&["resume", "--rollback", "--yes"]));
    assert_eq!(
        trace(&world)[5..],
        ["up shop 1.9.0", "back app 5.0.0", "pull app 4.0.0", "up app 4.0.0", "after", "restart db 0.1.0"]
    );
}

#[test]
fn at_a_prompt_the_kind_is_that_of_the_server() {
    let world = world();
    let mut child = world.command(&["repl"]);
    child
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped());
    let mut child = child.spawn().unwrap();
    support::type_into(
        &mut child,
        "kind::tools(db).join(\" \")\nkind::tools(app).join(\" \")\nkind::tools(shop).join(\" \")\n",
    );
    let said = support::said(child.wait_with_output().unwrap());
    let lines: Vec<&str> = said.out.lines().filter(|line| line.contains("git")).collect();
    assert_eq!(lines, ["\"git systemctl\"", "\"git\"", "\"git make\""], "{said:?}");
    let doc = world.banister(&["doc", "kind::tools"]);
    for name in ["plain::tools", "stack::tools", "systemd::tools"] {
        assert!(doc.out.contains(name), "{name}: {doc:?}");
    }
}
