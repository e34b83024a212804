//! Repositories that only git itself moves rightly.

use super::ground::Found;

const REVERSED: &str = "*.secret filter=reverse\n";

fn set_filter(found: &Found, folder: &str, smudge: &str) {
    for (key, command) in [("clean", "rev"), ("smudge", smudge), ("required", "true")] {
        found.git(folder, &["config", &format!("filter.reverse.{key}"), command]);
    }
}

#[test]
fn files_that_go_through_a_filter_are_written_by_it() {
    let found = Found::new();
    set_filter(&found, "origin", "rev");
    found.release("0.2.0", &[(".gitattributes", REVERSED), ("a.secret", "abc\n")]);
    assert_eq!(found.git("origin", &["cat-file", "blob", "0.2.0:a.secret"]), "cba");
    set_filter(&found, "web", "rev");
    found.updates_to("0.2.0");
    assert_eq!(found.read("web/a.secret"), "abc\n");
    // And back again.
    found.release(
        "0.3.0",
        &[("a.secret", "xyz\n"), ("Makefile", "config build up stop:\n\t@test $@ != build\n")],
    );
    let said = found.world.banister(&["run", "update", "--yes"]);
    assert_eq!((said.code, found.read("web/a.secret").as_str()), (Some(1), "xyz\n"), "{said:?}");
    let said = found.world.banister(&["resume", "--rollback", "--yes"]);
    assert_eq!((said.code, found.read("web/a.secret").as_str()), (Some(0), "abc\n"), "{said:?}");
    assert_eq!(found.status(), "");
}

#[test]
fn a_filter_that_fails_is_seen_before_anything_is_touched() {
    let found = Found::new();
    set_filter(&found, "origin", "rev");
    found.release("0.2.0", &[(".gitattributes", REVERSED), ("a.secret", "abc\n")]);
    set_filter(&found, "web", "false");
    found.is_refused(&["a filter of git fails on the files of 0.2.0", "config --get-regexp"]);
}

#[test]
fn pointers_of_git_lfs_without_git_lfs_are_refused() {
    let found = Found::new();
    found.release("0.2.0", &[
        (".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n"),
        ("model.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n"),
    ]);
    found.without("git-lfs");
    found.is_refused(&[
        "0.2.0 keeps 1 file in Git LFS, such as `model.bin`",
        "and git-lfs is not installed",
        "apt install git-lfs",
    ]);
}

#[test]
fn files_in_git_lfs_are_brought_before_and_written_whole() {
    let found = Found::new();
    if !found.try_git("web", &["lfs", "version"]).status.success() {
        eprintln!("LEFT OUT: git-lfs is not installed (`tests/run` installs it)");
        return;
    }
    found.git("origin", &["lfs", "install", "--local"]);
    found.release(
        "0.2.0",
        &[(".gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n"), ("model.bin", "large\n")],
    );
    // A package of git-lfs may have set it up for all users.
    if !std::fs::read_to_string("/etc/gitconfig").is_ok_and(|text| text.contains("lfs")) {
        found.is_refused(&["git does not know the filter of git-lfs", "lfs install --local"]);
    }
    found.git("web", &["lfs", "install", "--local"]);
    found.updates_to("0.2.0");
    assert_eq!(found.read("web/model.bin"), "large\n");
    found.release("0.3.0", &[("model.bin", "larger\n")]);
    std::fs::remove_dir_all(found.path("origin/.git/lfs/objects")).unwrap();
    let before = found.head();
    let said = found.world.banister(&["run", "update", "--yes"]);
    assert!(said.code == Some(1) && said.err.contains("in Git LFS can't be fetched"), "{said:?}");
    assert_eq!(found.head(), before);
}

#[test]
fn a_sparse_checkout_stays_sparse() {
    let found = Found::before_the_clone();
    found.release("0.1.1", &[("docs/manual", "long\n"), ("web/app", "1\n")]);
    found.git("", &["clone", "-q", "--sparse", "origin", "web"]);
    found.git("web", &["sparse-checkout", "set", "web"]);
    found.git("web", &["checkout", "-q", "0.1.1"]);
    found.release("0.2.0", &[("docs/manual", "longer\n"), ("web/app", "2\n")]);
    found.updates_to("0.2.0");
    assert_eq!((found.read("web/web/app").as_str(), found.path("web/docs").exists()), ("2\n", false));
    found.release("0.3.0", &[("web/app", "3\n")]);
    found.world.write("web/web/app", "mine\n");
    found.is_refused(&["the edits of `web/app` can't be kept"]);
    found.git("web", &["add", "web/app"]);
    found.is_refused(&["staged: web/app"]);
}

#[test]
fn a_partial_clone_gets_all_files_before_anything_is_touched() {
    let found = Found::before_the_clone();
    found.git("origin", &["config", "uploadpack.allowFilter", "true"]);
    found.git("origin", &["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let origin = format!("file://{}", found.path("origin").display());
    found.git("", &["clone", "-q", "--filter=blob:none", &origin, "web"]);
    found.git("web", &["checkout", "-q", "0.1.0"]);
    found.release("0.2.0", &[("VERSION", "2\n"), ("Makefile", "config build up stop:\n\t@echo $@ >> ../trace; mv ../origin ../origin-gone 2>/dev/null || true\n")]);
    found.git("web", &["fetch", "-q", "origin"]);
    let said = found.updates_to("0.2.0");
    assert_eq!(found.read("web/VERSION"), "2\n", "{said:?}");
    assert!(found.path("origin-gone").exists());
}

#[test]
fn a_form_of_repository_that_is_not_read_is_refused_with_the_command_that_changes_it() {
    let found = Found::before_the_clone();
    let made = found.try_git("", &["clone", "-q", "--ref-format=reftable", "origin", "web"]);
    if made.status.success() {
        found.git("web", &["checkout", "-q", "0.1.0"]);
        found.release("0.2.0", &[("VERSION", "2\n")]);
        found.is_refused(&["can't be opened", "refs migrate --ref-format=files"]);
        if found.try_git("web", &["refs", "migrate", "--ref-format=files"]).status.success() {
            found.updates_to("0.2.0");
        }
    } else {
        eprintln!("LEFT OUT: this git has no reftables");
    }
    found.world.remove("web");
    found.git("", &["init", "-q", "--object-format=sha256", "web"]);
    found.is_refused(&["can't be opened", "SHA-1"]);
}
