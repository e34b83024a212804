//! Checkouts with submodules.

use super::ground::Found;

/// An origin whose release 0.1.0 has no submodule, and 0.2.0 has one with one in it; beside them the repositories of both.
pub fn with_a_submodule() -> Found {
    let found = Found::new();
    for (name, text) in [("inner", "inner 1\n"), ("lib", "lib 1\n")] {
        found.git("", &["init", "-q", "-b", "main", name]);
        found.world.write(&format!("{name}/{name}.txt"), text);
        found.git(name, &["add", "-A"]);
        found.git(name, &["commit", "-q", "-m", "one"]);
    }
    found.git("lib", &["submodule", "--quiet", "add", "../inner", "inner"]);
    found.git("lib", &["commit", "-q", "-m", "inner"]);
    found.git("origin", &["submodule", "--quiet", "add", "../lib", "lib"]);
    found.git("origin", &["submodule", "--quiet", "update", "--init", "--recursive"]);
    found.release("0.2.0", &[("VERSION", "2\n")]);
    found
}

/// A new commit of the submodule, in a new release.
fn changes(found: &Found, tag: &str) {
    found.world.write("lib/lib.txt", &format!("lib {tag}\n"));
    found.git("lib", &["commit", "-q", "-a", "-m", tag]);
    found.git("origin/lib", &["pull", "-q", "origin", "main"]);
    found.release(tag, &[("VERSION", tag)]);
}

#[test]
fn one_that_is_added_is_checked_out_with_those_within_it() {
    let found = with_a_submodule();
    found.updates_to("0.2.0");
    assert_eq!(
        (found.read("web/lib/lib.txt"), found.read("web/lib/inner/inner.txt")),
        ("lib 1\n".into(), "inner 1\n".into())
    );
}

#[test]
fn one_that_moves_on_is_updated_and_goes_back_in_a_rollback() {
    let found = with_a_submodule();
    found.updates_to("0.2.0");
    changes(&found, "0.3.0");
    found.updates_to("0.3.0");
    assert_eq!(found.read("web/lib/lib.txt"), "lib 0.3.0\n");
    let good = found.read("origin/Makefile");
    found.world.write("lib/lib.txt", "lib 4\n");
    found.git("lib", &["commit", "-q", "-a", "-m", "four"]);
    found.git("origin/lib", &["pull", "-q", "origin", "main"]);
    found.release("0.4.0", &[("Makefile", "config build up stop:\n\t@test $@ != build\n")]);
    let said = found.world.banister(&["run", "update", "--yes"]);
    assert_eq!((said.code, found.read("web/lib/lib.txt").as_str()), (Some(1), "lib 4\n"), "{said:?}");
    let said = found.world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!((found.read("web/lib/lib.txt").as_str(), found.read("web/Makefile")), ("lib 0.3.0\n", good));
    assert_eq!(found.status(), "");
}

#[test]
fn one_that_is_new_goes_away_in_a_rollback_and_comes_again() {
    let found = with_a_submodule();
    found.release(
        "0.2.1",
        &[("Makefile", "config build up stop:\n\t@test -e ../mended || test $@ != build\n")],
    );
    let said = found.world.banister(&["run", "update", "--yes"]);
    assert_eq!((said.code, found.read("web/lib/lib.txt").as_str()), (Some(1), "lib 1\n"), "{said:?}");
    let said = found.world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!((said.code, found.status().as_str()), (Some(0), ""), "{said:?}");
    assert!(!found.path("web/lib").exists());
    found.world.write("mended", "");
    let said = found.world.banister(&["run", "update", "--to", "0.2.1", "--yes"]);
    assert_eq!((said.code, found.status().as_str()), (Some(0), ""), "{said:?}");
    assert_eq!(found.read("web/lib/inner/inner.txt"), "inner 1\n");
}

#[test]
fn one_that_is_moved_or_removed_leaves_nothing_behind() {
    let found = with_a_submodule();
    found.updates_to("0.2.0");
    found.git("origin", &["mv", "lib", "vendor"]);
    found.release("0.3.0", &[]);
    found.updates_to("0.3.0");
    assert_eq!(
        (found.read("web/vendor/lib.txt").as_str(), found.path("web/lib").exists()),
        ("lib 1\n", false)
    );
    found.git("origin", &["rm", "-q", "-f", "vendor"]);
    found.release("0.4.0", &[]);
    found.updates_to("0.4.0");
    assert!(!found.path("web/vendor").exists());
}

#[test]
fn one_whose_url_has_changed_is_fetched_from_the_new_one() {
    let found = with_a_submodule();
    found.updates_to("0.2.0");
    found.git("", &["clone", "-q", "--recursive", "lib", "elsewhere"]);
    found.world.write("elsewhere/lib.txt", "lib of elsewhere\n");
    found.git("elsewhere", &["commit", "-q", "-a", "-m", "elsewhere"]);
    found.git("origin", &["submodule", "set-url", "lib", "../elsewhere"]);
    found.git("origin", &["submodule", "--quiet", "sync"]);
    found.git("origin/lib", &["pull", "-q", "origin", "main"]);
    found.release("0.3.0", &[]);
    std::fs::rename(found.path("lib"), found.path("lib-gone")).unwrap();
    found.updates_to("0.3.0");
    assert_eq!(found.read("web/lib/lib.txt"), "lib of elsewhere\n");
}

#[test]
fn one_that_can_t_be_fetched_is_refused() {
    let found = with_a_submodule();
    std::fs::rename(found.path("inner"), found.path("inner-gone")).unwrap();
    found.is_refused(&["of the submodule `inner` can't be fetched", "git ls-remote"]);
}

#[test]
fn edits_within_one_are_refused() {
    let found = with_a_submodule();
    found.updates_to("0.2.0");
    changes(&found, "0.3.0");
    found.world.write("web/lib/lib.txt", "mine\n");
    found.is_refused(&["edited inside: lib"]);
    found.git("web/lib", &["checkout", "-q", "lib.txt"]);
    found.git("web/lib", &["checkout", "-q", "HEAD~1"]);
    found.is_refused(&["at another commit: lib"]);
}

#[test]
fn edits_within_one_that_git_was_told_not_to_see_are_refused() {
    let found = with_a_submodule();
    found.updates_to("0.2.0");
    changes(&found, "0.3.0");
    for (folder, file, flag) in
        [("web/lib", "lib.txt", "--assume-unchanged"), ("web/lib/inner", "inner.txt", "--skip-worktree")]
    {
        found.git(folder, &["update-index", flag, file]);
        let path = format!("{folder}/{file}");
        let before = found.read(&path);
        // Of the inner one nothing changes, so that the edit stays where it is.
        found.world.write(&path, "mine\n");
        if folder == "web/lib" {
            found.is_refused(&[
                "hidden from git status: lib/lib.txt",
                "update-index --no-assume-unchanged lib.txt",
            ]);
            found.world.write(&path, &before);
        }
    }
    found.updates_to("0.3.0");
    assert_eq!(found.read("web/lib/inner/inner.txt"), "mine\n");
    // With the submodule it would go.
    found.git("origin", &["rm", "-q", "-f", "lib"]);
    found.release("0.4.0", &[]);
    found.is_refused(&["hidden from git status: lib/inner/inner.txt"]);
}

#[test]
fn one_that_somebody_left_out_stays_out() {
    let found = with_a_submodule();
    found.git("web", &["fetch", "-q", "--tags"]);
    found.git("web", &["checkout", "-q", "0.2.0"]);
    changes(&found, "0.3.0");
    found.updates_to("0.3.0");
    assert!(!found.path("web/lib/lib.txt").exists());
}

#[test]
fn own_files_where_a_release_adds_one_are_in_the_way() {
    let found = with_a_submodule();
    found.world.write("web/.git/info/exclude", "lib/\n");
    found.world.write("web/lib/lib.txt", "precious\n");
    found.world.write("web/lib/deep/data", "precious\n");
    found.is_refused(&[
        "2 files of the checkout",
        "in the way: lib/deep/data",
        "in the way: lib/lib.txt",
        "mv ",
    ]);
    std::fs::rename(found.path("web/lib"), found.path("own")).unwrap();
    found.updates_to("0.2.0");
}

#[test]
fn own_files_where_a_new_commit_of_one_has_its_own_are_in_the_way() {
    let found = with_a_submodule();
    found.updates_to("0.2.0");
    found.world.write("inner/data", "of the release\n");
    found.git("inner", &["add", "data"]);
    found.git("inner", &["commit", "-q", "-m", "data"]);
    found.git("lib/inner", &["pull", "-q", "origin", "main"]);
    found.git("lib", &["commit", "-q", "-a", "-m", "inner"]);
    changes(&found, "0.3.0");
    let folder = found.git("web/lib/inner", &["rev-parse", "--absolute-git-dir"]);
    std::fs::write(std::path::Path::new(&folder).join("info/exclude"), "data\n").unwrap();
    found.world.write("web/lib/inner/data", "precious\n");
    found.is_refused(&["1 file of the checkout", "in the way: lib/inner/data"]);
    std::fs::remove_file(found.path("web/lib/inner/data")).unwrap();
    found.updates_to("0.3.0");
    assert_eq!(found.read("web/lib/inner/data"), "of the release\n");
}

/// A file and a repository of somebody's own in a submodule that 0.3.0 does not have.
pub fn with_own_files_in_one_that_goes(makefile: &str) -> Found {
    let found = with_a_submodule();
    found.git("web", &["fetch", "-q", "--tags"]);
    found.git("web", &["checkout", "-q", "0.2.0"]);
    found.git("web", &["submodule", "--quiet", "update", "--init", "--recursive"]);
    let folder = found.git("web/lib", &["rev-parse", "--absolute-git-dir"]);
    std::fs::write(std::path::Path::new(&folder).join("info/exclude"), "*.keep\n").unwrap();
    found.world.write("web/lib/data.keep", "precious\n");
    // With folders that are empty.
    found.git("web/lib", &["init", "-q", "own.keep"]);
    found.git("origin", &["rm", "-q", "-f", "lib"]);
    found.release("0.3.0", &[("Makefile", makefile)]);
    found
}

#[test]
fn own_files_in_one_that_goes_are_kept_and_come_back_with_it() {
    let found =
        with_own_files_in_one_that_goes("config build up stop:\n\t@test -e ../mended || test $@ != build\n");
    // Kept once, and never put back.
    found.world.write("web/.git/banister-kept/lib/data.keep", "of long ago\n");
    let planned = found.world.banister(&["plan", "update"]);
    let note = " and 1 more in a submodule that 0.3.0 does not have: kept in ";
    assert!(planned.code == Some(0) && planned.out.contains(note), "{planned:?}");
    let said = found.world.banister(&["run", "update", "--yes"]);
    assert!(said.code == Some(1) && said.out.contains(note), "{said:?}");
    assert_eq!(found.read("web/.git/banister-kept-1/lib/data.keep"), "precious\n");
    found.world.remove("web/.git/banister-kept/lib/data.keep");
    std::fs::rename(
        found.path("web/.git/banister-kept-1/lib/data.keep"),
        found.path("web/.git/banister-kept/lib/data.keep"),
    )
    .unwrap();
    assert!(!found.path("web/lib").exists());
    let said = found.world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!((said.code, found.read("web/lib/data.keep").as_str()), (Some(0), "precious\n"), "{said:?}");
    assert!(!found.path("web/.git/banister-kept/lib").exists());
    found.git("web/lib/own.keep", &["status"]);
    assert!(found.path("web/lib/own.keep/.git/refs/heads").is_dir());
}
