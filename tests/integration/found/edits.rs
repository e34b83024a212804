//! An administrator's own edits and commits.

use super::ground::Found;

pub const OLD: &str = "# settings\none = 1\ntwo = 2\nthree = 3\n# end\nfour = 4\n";
pub const MINE: &str = "# settings\none = mine\ntwo = 2\nthree = 3\n# end\nfour = 4\n";
pub const NEW: &str = "# settings\none = 1\ntwo = 2\nthree = 3\n# end\nfour = new\n";
pub const BOTH: &str = "# settings\none = mine\ntwo = 2\nthree = 3\n# end\nfour = new\n";

pub fn edited() -> Found {
    let found = Found::before_the_clone();
    found.release("0.1.1", &[("env/app", OLD), ("env/same", OLD)]);
    found.git("", &["clone", "-q", "origin", "web"]);
    found.git("web", &["checkout", "-q", "0.1.1"]);
    found.world.write("web/env/app", MINE);
    found.world.write("web/env/same", MINE);
    found
}

fn update(found: &Found, code: i32) {
    let planned = found.world.banister(&["plan", "update"]);
    assert!(
        planned.code == Some(0)
            && planned.out.contains("Edits of env/app that are kept")
            && planned.out.contains("+one = mine"),
        "{planned:?}"
    );
    let said = found.world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(code), "{said:?}");
    assert!(said.out.contains("+one = mine"), "{said:?}");
}

fn both(found: &Found) -> (String, String) {
    (found.read("web/env/app"), found.read("web/env/same"))
}

#[test]
fn edits_that_the_site_names_are_merged_with_each_release() {
    let found = edited();
    found.site("edits = [\"env/*\"]");
    found.release("0.2.0", &[("env/app", NEW)]);
    update(&found, 0);
    assert_eq!(both(&found), (BOTH.into(), MINE.into()));
    assert_eq!(found.status(), " M env/app\n M env/same");
    found.release("0.3.0", &[("env/app", &NEW.replace("four = new", "four = newer"))]);
    update(&found, 0);
    assert_eq!(found.read("web/env/app"), BOTH.replace("four = new", "four = newer"));
}

#[test]
fn a_rollback_restores_exactly_what_was_edited() {
    use std::os::unix::fs::PermissionsExt;
    let found = edited();
    found.site("edits = [\"env/*\"]");
    std::fs::set_permissions(found.path("web/env/app"), std::fs::Permissions::from_mode(0o600)).unwrap();
    found.release("0.2.0", &[("env/app", NEW), ("Makefile", "config build up stop:\n\t@test $@ != build\n")]);
    update(&found, 1);
    assert_eq!(both(&found), (BOTH.into(), MINE.into()));
    let said = found.world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(both(&found), (MINE.into(), MINE.into()));
    let mode = std::fs::metadata(found.path("web/env/app")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert_eq!(found.git("web", &["describe", "--tags"]), "0.1.1");
}

#[test]
fn edits_that_can_t_be_merged_are_refused() {
    let found = edited();
    found.site("edits = [\"env/*\"]");
    found.release("0.2.0", &[("env/app", &OLD.replace("one = 1", "one = theirs"))]);
    found.is_refused(&[
        "the edits of `env/app` can't be kept: the release changes the same lines",
        "diff HEAD",
    ]);
    found.git("origin", &["rm", "-q", "env/app"]);
    found.release("0.3.0", &[]);
    found.is_refused(&["the edits of `env/app` can't be kept: the release does not have it any more"]);
}

#[test]
fn edits_that_git_was_told_not_to_see_are_kept_as_well() {
    let found = edited();
    found.git("web", &["update-index", "--skip-worktree", "env/app"]);
    found.git("web", &["update-index", "--assume-unchanged", "env/same"]);
    found.site("edits = [\"env/*\"]");
    found.release("0.2.0", &[("env/app", NEW)]);
    update(&found, 0);
    assert_eq!(both(&found), (BOTH.into(), MINE.into()));
}

#[test]
fn an_edit_is_none_that_is_hidden_and_differs_in_its_line_ends_only() {
    let found = Found::before_the_clone();
    found.release("0.1.1", &[(".gitattributes", "* eol=crlf\n"), ("app", OLD)]);
    found.git("", &["clone", "-q", "origin", "web"]);
    found.git("web", &["checkout", "-q", "0.1.1"]);
    found.git("web", &["update-index", "--assume-unchanged", "app"]);
    found.release("0.2.0", &[("app", NEW)]);
    found.updates_to("0.2.0");
}

#[test]
fn commits_of_one_s_own_are_asked_about_and_kept_on_a_branch() {
    let found = Found::new();
    found.git("web", &["checkout", "-q", "main"]);
    found.world.write("web/mine", "1\n");
    found.git("web", &["add", "-A"]);
    found.git("web", &["commit", "-q", "-m", "Fix the port"]);
    let own = found.head();
    found.release("0.2.0", &[("VERSION", "2\n")]);
    let planned = found.world.banister(&["plan", "update"]);
    assert!(planned.code == Some(0) && planned.out.contains("Fix the port"), "{planned:?}");
    let said = found.world.banister(&["run", "update", "--yes", "--abandon"]);
    assert!(said.code == Some(3) && said.err.contains("Fix the port"), "{said:?}");
    assert_eq!(found.head(), own);
    let said = found.world.banister(&["run", "update", "--yes", "--abandon", "--answer", "it is in 0.2.0"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(found.read("web/VERSION"), "2\n");
    let kept = found.git("web", &["for-each-ref", "--format=%(objectname)", "refs/heads/banister/"]);
    assert_eq!(kept, own);
}

#[test]
fn an_update_that_is_killed_around_the_move_goes_on_with_the_edits() {
    for place in ["after \"checkout\"", "before \"changed\""] {
        let found = edited();
        found.site("edits = [\"env/*\"]");
        found.release("0.2.0", &[("env/app", NEW)]);
        let said = found.world.crash(&["run", "update", "--yes"], place);
        assert_eq!(said.code, Some(-9), "{said:?}");
        let said = found.world.banister(&["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{place}: {said:?}");
        assert_eq!(both(&found), (BOTH.into(), MINE.into()));
        assert_eq!(found.git("web", &["describe", "--tags"]), "0.2.0");
    }
}
