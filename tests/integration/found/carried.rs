//! Edits of tracked files that the site does not name: somebody lets one update carry them over.

use super::edits::{BOTH, MINE, NEW, OLD, edited};
use super::ground::Found;
use crate::support;
use support::Said;
use support::terminal::Terminal;

fn release(tag: &str, found: &Found, makefile: &str) {
    found.release(tag, &[("env/app", NEW), ("Makefile", makefile)]);
}

const GOOD: &str = "config build up stop:\n\t@true\n";
const BROKEN: &str = "config build up stop:\n\t@test $@ != build\n";

fn both(found: &Found) -> (String, String) {
    (found.read("web/env/app"), found.read("web/env/same"))
}

fn run(found: &Found, more: &[&str]) -> Said {
    found.world.banister(&[&["run", "update", "--yes", "--abandon"], more].concat())
}

#[test]
fn a_yes_at_the_terminal_carries_them_over_once() {
    let found = edited();
    release("0.2.0", &found, GOOD);
    let mut terminal = Terminal::start(&found.world.command(&[]), "run update --yes", "dumb");
    let shown = terminal.sees("was changed by hand: env/app, env/same.");
    assert!(
        shown.contains("Edits of env/app that are kept in 0.2.0") && shown.contains("+one = mine"),
        "{shown}"
    );
    terminal.types("yes\n");
    let said = terminal.ends();
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(both(&found), (BOTH.into(), MINE.into()));
    assert_eq!(found.git("web", &["describe", "--tags"]), "0.2.0");
    // It was for this update only.
    release("0.3.0", &found, GOOD);
    let said = run(&found, &[]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert_eq!(found.git("web", &["describe", "--tags"]), "0.2.0");
}

#[test]
fn without_an_answer_nothing_is_touched_and_the_site_s_way_is_named() {
    let found = edited();
    release("0.2.0", &found, GOOD);
    let planned = found.world.banister(&["plan", "update"]);
    assert!(planned.code == Some(0) && planned.out.contains("+one = mine"), "{planned:?}");
    assert!(planned.out.contains("changed by hand: env/app, env/same. Carry"), "{planned:?}");
    for more in [&[][..], &["--answer", "no"]] {
        let said = run(&found, more);
        assert_eq!(said.code, Some(3), "{said:?}");
        for words in ["was changed by hand", "env/app", "`edits` in site.toml"] {
            assert!(said.err.contains(words), "`{words}` is not in {said:?}");
        }
        assert_eq!(both(&found), (MINE.into(), MINE.into()));
        assert_eq!(found.git("web", &["describe", "--tags"]), "0.1.1");
    }
    let said = run(&found, &["--answer", "yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(both(&found), (BOTH.into(), MINE.into()));
}

#[test]
fn a_rollback_restores_exactly_what_was_carried_over() {
    let found = edited();
    release("0.2.0", &found, BROKEN);
    let said = run(&found, &["--answer", "yes"]);
    assert_eq!((said.code, both(&found)), (Some(1), (BOTH.into(), MINE.into())), "{said:?}");
    let said = found.world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(both(&found), (MINE.into(), MINE.into()));
    assert_eq!(found.git("web", &["describe", "--tags"]), "0.1.1");
    // The next update asks again.
    assert_eq!(run(&found, &["--to", "0.2.0"]).code, Some(3));
}

#[test]
fn edits_that_a_release_can_t_be_merged_with_are_refused_and_not_asked_about() {
    let found = edited();
    found.release("0.2.0", &[("env/app", &OLD.replace("one = 1", "one = theirs"))]);
    found.is_refused(&["the edits of `env/app` can't be kept: the release changes the same lines"]);
}

#[test]
fn what_is_not_only_edited_is_refused_as_a_whole() {
    let found = edited();
    release("0.2.0", &found, GOOD);
    found.world.write("web/new", "mine\n");
    found.is_refused(&["modified: env/app", "untracked: new", "`edits` in site.toml"]);
}

#[test]
fn an_update_that_is_killed_around_the_yes_and_the_move_goes_on_with_them() {
    for place in ["after \"carry_edits\"", "after \"checkout\"", "before \"changed\""] {
        let found = edited();
        release("0.2.0", &found, GOOD);
        let said = found.world.crash(&["run", "update", "--yes", "--answer", "yes"], place);
        assert_eq!(said.code, Some(-9), "{place}: {said:?}");
        let said = found.world.banister(&["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        assert_eq!(both(&found), (BOTH.into(), MINE.into()));
        assert_eq!(found.git("web", &["describe", "--tags"]), "0.2.0");
    }
}
