//! What somebody has done, or not finished, in a checkout.

use super::ground::Found;

fn newer() -> Found {
    let found = Found::new();
    found.release("0.2.0", &[("VERSION", "2\n"), ("conf/app", "new\n")]);
    found
}

#[test]
fn an_ignored_file_in_the_way_is_refused_and_named() {
    let found = Found::before_the_clone();
    found.release("0.1.1", &[(".gitignore", ".env\n/conf\n")]);
    found.git("", &["clone", "-q", "origin", "web"]);
    found.world.write("web/.env", "PASSWORD=mine\n");
    found.world.write("origin/.env", "PASSWORD=theirs\n");
    found.git("origin", &["add", "-f", ".env"]);
    found.release("0.2.0", &[]);
    found.is_refused(&["in the way: .env", "mv ", ".env.own"]);
    std::fs::rename(found.path("web/.env"), found.path("web.env")).unwrap();
    // A folder of which git would remove all that is in it.
    found.git("origin", &["rm", "-q", ".gitignore"]);
    found.world.write("origin/conf", "a file\n");
    found.release("0.3.0", &[]);
    found.world.write("web/conf/mine", "1\n");
    found.is_refused(&["in the way: conf/mine"]);
    std::fs::remove_dir_all(found.path("web/conf")).unwrap();
    found.updates_to("0.3.0");
}

#[test]
fn a_release_that_was_tagged_anew_is_refused_with_both_commits() {
    let found = newer();
    found.git("web", &["fetch", "-q", "--tags"]);
    let old = found.git("origin", &["rev-parse", "--short=7", "HEAD"]);
    found.world.write("origin/VERSION", "2 again\n");
    found.git("origin", &["commit", "-q", "-a", "-m", "again"]);
    found.git("origin", &["tag", "--force", "-a", "-m", "again", "0.2.0"]);
    let new = found.git("origin", &["rev-parse", "--short=7", "HEAD"]);
    found.is_refused(&[
        "0.2.0 is another commit at the origin",
        &old,
        &new,
        "fetch --force origin tag 0.2.0",
    ]);
    found.git("web", &["fetch", "-q", "--force", "origin", "tag", "0.2.0"]);
    found.updates_to("0.2.0");
    assert_eq!(found.read("web/VERSION"), "2 again\n");
}

#[test]
fn a_branch_that_was_renamed_at_the_origin_is_refused_with_the_commands() {
    let found = Found::new();
    found.git("web", &["checkout", "-q", "main"]);
    found.site("branch = \"main\"");
    found.git("origin", &["branch", "-m", "main", "stable"]);
    found.release("0.2.0", &[("VERSION", "2\n")]);
    found.is_refused(&[
        "has no branch `main` any more",
        "its default branch is `stable`",
        "branch -m main stable",
        "branch = \"stable\"",
    ]);
    found.git("web", &["branch", "-m", "main", "stable"]);
    found.git("web", &["fetch", "-q", "origin"]);
    found.git("web", &["branch", "-q", "-u", "origin/stable", "stable"]);
    found.git("web", &["remote", "set-head", "origin", "-a"]);
    found.site("branch = \"stable\"");
    found.updates_to("stable");
    assert_eq!(found.read("web/VERSION"), "2\n");
}

#[test]
fn a_branch_with_commits_of_its_own_is_refused_in_check() {
    let found = newer();
    found.git("web", &["checkout", "-q", "main"]);
    found.site("branch = \"main\"");
    found.world.write("web/mine", "1\n");
    found.git("web", &["add", "-A"]);
    found.git("web", &["commit", "-q", "-m", "mine"]);
    found.is_refused(&["has 1 commit that its upstream has not", "log --oneline"]);
}

#[test]
fn a_branch_of_another_worktree_is_refused() {
    let found = newer();
    found.site("branch = \"main\"");
    // Detached at 0.1.0, and `main` is elsewhere.
    found.git("web", &["worktree", "add", "-q", "../other", "main"]);
    found.is_refused(&["is checked out in another worktree", "switch --detach"]);
}

#[test]
fn a_worktree_of_another_checkout_is_updated() {
    let found = newer();
    found.git("web", &["worktree", "add", "-q", "--detach", "../second", "0.1.0"]);
    let site = found.read("site.toml").replace("\"web\"", "\"second\"");
    found.world.write("site.toml", &site);
    let said = found.world.banister(&["run", "update", "--yes"]);
    assert_eq!((said.code, found.read("second/VERSION").as_str()), (Some(0), "2\n"), "{said:?}");
    assert_eq!(found.git("second", &["status", "--porcelain"]), "");
}

#[test]
fn a_merge_that_is_not_finished_is_refused() {
    let found = Found::new();
    found.git("web", &["checkout", "-q", "-b", "mine"]);
    found.git("web", &["commit", "-q", "--allow-empty", "-m", "mine"]);
    found.release("0.2.0", &[("VERSION", "2\n")]);
    found.git("web", &["fetch", "-q", "--tags"]);
    found.git("web", &["merge", "-q", "--no-commit", "--no-ff", "0.2.0"]);
    found.is_refused(&["a merge is under way", "git -C"]);
}

#[test]
fn a_lock_of_git_s_is_refused_with_its_path() {
    let found = newer();
    found.world.write("web/.git/index.lock", "");
    found.is_refused(&["index.lock` exists", "rm "]);
}

#[test]
fn a_checkout_without_a_commit_is_refused() {
    let found = Found::before_the_clone();
    found.git("", &["init", "-q", "-b", "main", "web"]);
    found.git("web", &["remote", "add", "origin", "../origin"]);
    found.is_refused(&["has no commit yet", "pull"]);
}

#[test]
fn borrowed_objects_that_are_gone_are_named() {
    let found = Found::before_the_clone();
    found.git("", &["clone", "-q", "--bare", "origin", "cache"]);
    found.git("", &["clone", "-q", "--shared", "cache", "web"]);
    found.git("web", &["checkout", "-q", "0.1.0"]);
    std::fs::rename(found.path("cache"), found.path("moved")).unwrap();
    found.is_refused(&["cache/objects", "objects/info/alternates"]);
}

#[test]
fn edits_that_git_was_told_not_to_see_are_refused() {
    for flag in ["--skip-worktree", "--assume-unchanged"] {
        let found = Found::before_the_clone();
        found.release("0.1.1", &[("conf/app", "old\n")]);
        found.git("", &["clone", "-q", "origin", "web"]);
        found.release("0.2.0", &[("conf/app", "new\n")]);
        found.git("web", &["update-index", flag, "conf/app"]);
        found.world.write("web/conf/app", "mine\n");
        assert_eq!(found.status(), "");
        found.is_refused(&["hidden from git status: conf/app", "update-index"]);
    }
}

#[test]
fn a_file_of_which_only_the_mode_was_changed_is_named_as_such() {
    use std::os::unix::fs::PermissionsExt;
    let found = newer();
    std::fs::set_permissions(found.path("web/Makefile"), std::fs::Permissions::from_mode(0o755)).unwrap();
    let said = found.world.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(3), "{said:?}");
    assert!(said.out.contains("Edits of Makefile") && said.out.contains("it is executable"), "{said:?}");
    found.world.write("web/new", "");
    found.is_refused(&["mode changed: Makefile"]);
}
