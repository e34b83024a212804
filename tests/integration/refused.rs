//! An update that is refused before anything is touched: what it says, and what it leaves.

use crate::support;

use support::releases::world;
use support::terminal::Terminal;
use support::{Said, World};

/// Nothing was touched, it says so, and no run is left; gives the command that it names.
fn refused<'a>(world: &World, said: &'a Said, why: &str) -> &'a str {
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("  help nothing was touched"), "{said:?}");
    untouched(world, said, "failed", why)
}

/// The same of a run that a person declined, or that nobody answered.
fn declined<'a>(world: &World, said: &'a Said, why: &str) -> &'a str {
    assert_eq!(said.code, Some(3), "{said:?}");
    untouched(world, said, "stopped", why)
}

fn untouched<'a>(world: &World, said: &'a Said, how: &str, why: &str) -> &'a str {
    assert!(said.err.contains(why), "{said:?}");
    let mut last = said.out.lines().rev();
    let next = last.next().unwrap().strip_prefix("next:  banister ").unwrap();
    let state = last.next().unwrap();
    assert!(
        state.starts_with(&format!("state: `update` {how} on web")) && state.ends_with("nothing was touched"),
        "{said:?}"
    );
    assert_eq!(world.read("trace"), "");
    let resumed = world.banister(&["resume"]);
    assert_eq!((resumed.code, resumed.out.as_str()), (Some(0), "there is nothing to resume\n"));
    assert!(!next.starts_with("resume"), "{said:?}");
    next
}

#[test]
fn a_release_that_is_not_there_is_refused_with_a_command_that_leads_on() {
    let world = world();
    let said = world.banister(&["run", "update", "--yes", "--to", "9.9.9"]);
    let next = refused(&world, &said, "there is no release `9.9.9` of web; the newest is 0.2.0");
    assert_eq!(next, "plan update --server web");
    let planned = world.banister(&next.split(' ').collect::<Vec<_>>());
    assert!(planned.out.contains("checkout(web, \"0.2.0\")"), "{planned:?}");
}

#[test]
fn a_release_that_is_older_is_refused_as_that() {
    let world = world();
    let said = world.banister(&["run", "update", "--yes", "--to", "0.0.9"]);
    let next = refused(&world, &said, "0.0.9 is not newer than ");
    assert_eq!(next, "plan update --server web");
}

#[test]
fn a_release_without_the_v_of_its_tag_is_not_there_and_the_one_that_was_meant_is_named() {
    let world = world();
    for (tag, at) in [("v0.1.0", "0.1.0"), ("v0.2.0", "0.2.0")] {
        world.git(&["tag", tag, at]);
        world.git(&["tag", "-d", at]);
    }
    for (typed, meant) in [("0.2.0", "v0.2.0"), ("0.1.0", "v0.1.0")] {
        let why = format!("there is no release `{typed}` of web; did you mean `{meant}`?");
        let said = world.banister(&["run", "update", "--yes", "--to", typed]);
        let next = refused(&world, &said, &why);
        assert_eq!(next, format!("plan update --to {meant} --server web"));
        let planned = world.banister(&["plan", "update", "--to", typed]);
        assert!(planned.err.contains(&why) || planned.out.contains(&why), "{planned:?}");
    }
    let planned = world.banister(&["plan", "update", "--to", "v0.2.0", "--server", "web"]);
    assert!(planned.out.contains("checkout(web, \"v0.2.0\")"), "{planned:?}");
}

#[test]
fn commits_on_no_branch_are_not_left_behind_until_a_branch_keeps_them() {
    let world = world();
    let commit = |subject: &str| {
        world.write("web/own", subject);
        world.git(&["add", "-A"]);
        world.git(&["commit", "-q", "-m", subject]);
    };
    commit("Open the port");
    commit("Name the host");
    let head = || std::fs::read_to_string(world.path().join("web/.git/HEAD")).unwrap();
    let before = head();
    let said = world.banister(&["run", "update", "--yes", "--to", "0.2.0"]);
    let next = refused(&world, &said, "the checkout of web has commits that are on no branch: ");
    assert_eq!(next, "run update --to 0.2.0");
    let short = &before[..7];
    assert!(said.err.contains(&format!("{short} Name the host; ")), "{said:?}");
    assert!(said.err.contains(" Open the port\n") && said.err.contains("/web branch NAME; then"), "{said:?}");
    assert_eq!(head(), before);
    let planned = world.banister(&["plan", "update"]);
    assert!(planned.err.contains("on no branch") || planned.out.contains("on no branch"), "{planned:?}");
    world.git(&["branch", "ours"]);
    let said = world.banister(&["run", "update", "--yes", "--to", "0.2.0"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.err.contains("web has commits that 0.2.0 does not have: "), "{said:?}");
    let said = world.banister(&["run", "update", "--yes", "--to", "0.2.0", "--answer", "they are on ours"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.banister(&["status", "--json"]).out.matches("\"release\":\"0.2.0\"").count(), 1);
}

#[test]
fn a_branch_a_commit_and_a_word_are_no_releases() {
    let world = world();
    let commit = std::fs::read_to_string(world.path().join("web/.git/refs/heads/main")).unwrap();
    for typed in ["main", &commit[..10], "v", "newest"] {
        let said = world.banister(&["run", "update", "--yes", "--to", typed]);
        let next =
            refused(&world, &said, &format!("there is no release `{typed}` of web; the newest is 0.2.0"));
        assert_eq!(next, "plan update --server web");
    }
}

#[test]
fn a_checkout_that_was_edited_and_a_server_that_is_not_healthy_leave_no_run() {
    let world = world();
    let text = world.read("web/Makefile");
    world.write("web/Makefile", &format!("{text}# mine\n"));
    let said = world.banister(&["run", "update", "--yes", "--to", "0.2.0"]);
    let next =
        declined(&world, &said, "the checkout of web was changed by hand: Makefile. Carry these edits");
    assert_eq!(next, "run update --to 0.2.0 --answer TEXT");
    world.write("web/own", "");
    let said = world.banister(&["run", "update", "--yes", "--to", "0.2.0"]);
    let changed = "the checkout of web was changed by hand: modified: Makefile, untracked: own";
    assert_eq!(refused(&world, &said, changed), "run update --to 0.2.0");
    world.remove("web/own");
    world.write("web/Makefile", &text);
    let site = world.read("site.toml");
    let (before, _) = site.split_once("health = ").unwrap();
    world.write("site.toml", &format!("{before}health = [\"http://127.0.0.1:1/\"]\n"));
    // `--yes` is no reason.
    let said = world.banister(&["run", "update", "--yes", "--to", "0.2.0"]);
    let next = declined(&world, &said, "web is not healthy before the update: GET http://127.0.0.1:1/");
    assert!(said.err.contains("type a reason (on the command line: --unhealthy REASON)"), "{said:?}");
    assert_eq!(next, "run update --to 0.2.0 --answer TEXT");
    // By its name, too, it is no run to resume.
    let runs: serde_json::Value = serde_json::from_str(&world.banister(&["runs", "--json"]).out).unwrap();
    let name = runs[0]["run"].as_str().unwrap();
    let said = world.banister(&["resume", name]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.err.contains("touched nothing") && said.err.contains("banister run update"), "{said:?}");
    let said = world.banister(&["run", "update", "--yes", "--to", "0.2.0"]);
    assert_eq!(said.code, Some(3), "a new one begins: {said:?}");
}

/// The server is healthy once its release is started: the update is the cure.
fn ill() -> World {
    let world = world();
    let site = world.read("site.toml");
    let (before, _) = site.split_once("health = ").unwrap();
    let check = "health = [{ command = [\"grep\", \"-q\", \"up end\", \"../trace\"], name = \"web\" }]\n";
    world.write("site.toml", &format!("{before}{check}healthy = {{ stable = \"1s\" }}\n"));
    world
}

#[test]
fn a_server_that_is_not_healthy_is_updated_for_a_reason_that_the_run_keeps() {
    let world = ill();
    let line = ["run", "update", "--yes", "--to", "0.2.0", "--unhealthy"];
    let planned = world.banister(&["plan", "update", "--to", "0.2.0"]);
    assert!(
        planned.out.contains("asks: ") && planned.out.contains("web is not healthy before"),
        "{planned:?}"
    );
    assert!(planned.out.contains("checkout(web, \"0.2.0\")"), "{planned:?}");
    declined(&world, &world.banister(&[&line[..], &[" "]].concat()), "web is not healthy before the update");
    let answered = world.banister(&["run", "update", "--yes", "--to", "0.2.0", "--answer", ""]);
    declined(&world, &answered, "an empty answer is none");
    let said = world.banister(&[&line[..], &["the disk was full"]].concat());
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("web is updated although it is not healthy: the disk was full"), "{said:?}");
    let shown = world.banister(&["show"]);
    assert!(
        shown.out.contains("update on web with --to 0.2.0 --unhealthy 'the disk was full'\n"),
        "{shown:?}"
    );
}

#[test]
fn the_reason_to_update_a_server_that_is_not_healthy_may_be_typed() {
    let world = ill();
    let mut terminal = Terminal::start(&world.command(&[]), "run update --yes --to 0.2.0", "dumb");
    terminal.sees("--unhealthy REASON)");
    terminal.types("it is the cure\n");
    let said = terminal.ends();
    assert_eq!(said.code, Some(0), "{said:?}");
    let shown = world.banister(&["show"]);
    let answered = "answered\n  web is not healthy before the update: web ended with status 2";
    assert!(shown.out.contains(answered) && shown.out.contains("\n    it is the cure  ("), "{shown:?}");
    let shown: serde_json::Value = serde_json::from_str(&world.banister(&["show", "--json"]).out).unwrap();
    assert_eq!(shown["answers"][0]["answer"], "it is the cure");
}

#[test]
fn a_no_before_anything_was_touched_leaves_no_run_and_one_after_it_is_resumed() {
    let world = world();
    world.write(
        "runbooks/x.rhai",
        "//! Asks twice.\n\nfn main() {\n    confirm(\"Begin?\");\n    this_server().make(\"config\");\n    \
         confirm(\"Continue?\");\n}\n",
    );
    let last = |said: &Said| said.out.lines().rev().take(2).map(str::to_owned).collect::<Vec<_>>();
    for answers in [&["no\n"][..], &["yes\n", "no\n"]] {
        let mut terminal = Terminal::start(&world.command(&[]), "run x --color never", "dumb");
        for answer in answers {
            terminal.sees("[y/n] ");
            terminal.types(answer);
        }
        let said = terminal.ends();
        assert_eq!(said.code, Some(3), "{said:?}");
        let touched = !world.read("trace").is_empty();
        assert_eq!(touched, answers.len() == 2);
        let last = last(&said);
        match touched {
            false => {
                assert_eq!(last[1].trim_end(), "state: `x` stopped on web; nothing was touched", "{said:?}");
                assert_eq!(last[0].trim_end(), "next:  banister run x", "{said:?}");
                assert_eq!(world.banister(&["resume"]).out, "there is nothing to resume\n");
            }
            true => assert!(last[0].starts_with("next:  banister resume "), "{said:?}"),
        }
    }
    let said = world.banister(&["resume", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(world.read("trace").matches("config end").count(), 1);
}

#[test]
fn a_refused_run_that_is_tried_again_and_killed_can_be_resumed() {
    let world = world();
    world.write(
        "runbooks/x.rhai",
        "//! Refuses, until it is told otherwise.\n\nfn main() {\n    let server = this_server();\n    \
         if server.read_env(\"OPEN\", #{ file: \"../open\" }) != \"yes\" { throw \"it is closed\"; }\n    \
         server.make(\"config\");\n}\n",
    );
    world.write("open", "OPEN=no\n");
    let mut command = world.command(&[]);
    command.env("BANISTER_CRASH_AT", "after \"name\":\"make\"");
    let mut terminal = Terminal::start(&command, "run x", "dumb");
    terminal.sees("[retry/leave] ");
    world.write("open", "OPEN=yes\n");
    terminal.types("retry\n");
    terminal.ends();
    let said = world.banister(&["resume"]);
    assert_eq!((said.code, world.read("trace").matches("config end").count()), (Some(0), 1), "{said:?}");
}

#[test]
fn a_program_or_room_that_is_missing_leaves_no_run() {
    let world = world();
    let site = world.read("site.toml");
    world.write("site.toml", &format!("{site}free_space = \"900TB\"\n"));
    let said = world.banister(&["run", "update", "--yes", "--to", "0.2.0"]);
    let next = refused(&world, &said, "but 900 TB are needed (free_space in site.toml)");
    assert_eq!(next, "backup list --server web");
    world.write("site.toml", &site);
    world.write(
        "stdlib/plain.rhai",
        "fn check_tools(server, tools) { base::check_tools(server, [\"no-such-tool\"]); }\n",
    );
    let said = world.banister(&["run", "update", "--yes", "--to", "0.2.0"]);
    let next = refused(&world, &said, "web has none of these programs: no-such-tool");
    assert_eq!(next, "run update --to 0.2.0");
}

#[test]
fn a_help_that_names_a_resume_names_it_only_where_there_is_something_to_resume() {
    let world = world();
    let runbook = |before: &str| {
        let text = format!("//! Needs a secret.\n\nfn main() {{\n    {before}secret(\"token\");\n}}\n");
        world.write("runbooks/x.rhai", &text);
        world.banister(&["run", "x"])
    };
    let said = runbook("");
    assert!(
        said.err.contains("&& export BANISTER_SECRET_TOKEN`, then the command of the last line\n"),
        "{said:?}"
    );
    assert!(said.out.ends_with("; nothing was touched\nnext:  banister run x\n"), "{said:?}");
    let said = runbook("this_server().make(\"config\"); ");
    assert!(said.err.contains("&& export BANISTER_SECRET_TOKEN`, then `banister resume`\n"), "{said:?}");
    assert!(said.out.contains("\nnext:  banister resume "), "{said:?}");
}
