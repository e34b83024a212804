//! Checkouts are read and moved; what an admin changed is never overwritten.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use banister::failure::Kind;
use banister::internals::machine::git::{Checkout, Moved, Target};
use banister::internals::site::Server;
use banister::internals::stop::Stop;
use banister::primitive::Host;

use super::repository::Repository;

/// A checkout of 0.2.10 that knows 0.2.11, which differs in every way a path can.
fn two_releases() -> Repository {
    let repository = Repository::new();
    repository.write("VERSION", "0.2.10\n");
    repository.write("same", "same\n");
    repository.write("goes/deep/file", "goes\n");
    repository.write("file-to-folder", "file\n");
    repository.write("folder-to-file/inside", "inside\n");
    repository.write("script", "#!/bin/sh\n");
    repository.write(".gitignore", "*.local\ndata\n");
    std::os::unix::fs::symlink("VERSION", repository.folder.join("link")).unwrap();
    repository.release("0.2.10");
    repository.write("VERSION", "0.2.11\n");
    std::fs::remove_dir_all(repository.folder.join("goes")).unwrap();
    std::fs::remove_file(repository.folder.join("file-to-folder")).unwrap();
    repository.write("file-to-folder/inside", "inside\n");
    std::fs::remove_dir_all(repository.folder.join("folder-to-file")).unwrap();
    repository.write("folder-to-file", "file\n");
    let script = repository.folder.join("script");
    std::fs::set_permissions(&script, PermissionsExt::from_mode(0o755)).unwrap();
    repository.write("comes/deep/file", "comes\n");
    std::fs::remove_file(repository.folder.join("link")).unwrap();
    std::os::unix::fs::symlink("same", repository.folder.join("link")).unwrap();
    repository.release("0.2.11");
    repository.git(&["checkout", "--quiet", "0.2.10"]);
    repository
}

fn open(repository: &Repository) -> Checkout {
    Checkout::open(&repository.folder).unwrap()
}

fn check_out(repository: &Repository, name: &str) -> banister::failure::Result<Moved> {
    open(repository).check_out(name)
}

#[test]
fn a_release_is_checked_out_as_git_would() {
    let repository = two_releases();
    repository.write("mine.local", "ignored and kept\n");
    let moved = check_out(&repository, "0.2.11").unwrap();
    assert_eq!((moved.from.name(), moved.to.name(), moved.changed), ("0.2.10".into(), "0.2.11".into(), true));
    assert_eq!(moved.to.branch, None);
    assert_eq!(repository.status(), "");
    assert_eq!(repository.git(&["describe", "--tags"]), "0.2.11");
    assert_eq!(repository.git(&["fsck", "--strict"]), "");
    assert!(!repository.exists("goes") && repository.exists("mine.local"));
    assert!(!repository.exists(".git/banister-check-out") && !repository.exists(".git/index.lock"));
    let again = check_out(&repository, "v0.2.11").unwrap();
    assert_eq!((again.changed, again.from), (false, moved.to.clone()));
    let back = check_out(&repository, "0.2.10").unwrap();
    assert_eq!((back.to, repository.status()), (moved.from, String::new()));
    assert_eq!(repository.read("folder-to-file/inside"), "inside\n");
}

#[test]
fn a_checkout_says_where_it_stands_and_what_it_knows() {
    let repository = two_releases();
    repository.git(&["tag", "stable"]);
    let checkout = Checkout::open(&repository.folder.join("goes/deep")).unwrap();
    let position = checkout.position().unwrap();
    assert_eq!(position.commit, repository.git(&["rev-parse", "HEAD"]));
    assert_eq!(position.short, repository.git(&["rev-parse", "--short", "HEAD"]));
    assert_eq!(
        (position.branch.clone(), position.tags.clone()),
        (None, vec!["0.2.10".into(), "stable".into()])
    );
    assert_eq!(position.release().unwrap().tag(), "0.2.10");
    let tags: Vec<String> = checkout.releases().unwrap().iter().map(ToString::to_string).collect();
    // What has no order comes first.
    assert_eq!(tags, ["stable", "0.2.10", "0.2.11"]);
    repository.git(&["switch", "--quiet", "main"]);
    assert_eq!(checkout.position().unwrap().branch.unwrap(), "main");
}

#[test]
fn what_can_not_be_opened_says_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let kind = |path: &Path| {
        let failure = Checkout::open(path).and_then(|checkout| checkout.position()).err().unwrap();
        assert!(failure.help.is_some(), "{failure:?}");
        (failure.kind, failure.message)
    };
    let (missing, message) = kind(&folder.path().join("none"));
    assert!(missing == Kind::NotFound && message.contains("none"), "{message}");
    let (plain, message) = kind(folder.path());
    assert!(plain == Kind::NotFound && message.contains("not a git checkout"), "{message}");
    let repository = Repository::new();
    let (unborn, message) = kind(&repository.folder);
    assert!(unborn == Kind::Refused && message.contains("no commit yet"), "{message}");
    repository.git(&["init", "--quiet", "--bare", "../bare"]);
    let (bare, message) = kind(&repository.folder.with_file_name("bare"));
    assert!(bare == Kind::Refused && message.contains("bare"), "{message}");
}

#[test]
fn what_was_changed_by_hand_is_listed_and_refused() {
    let repository = two_releases();
    repository.write("VERSION", "mine\n");
    repository.write("untracked", "mine\n");
    repository.write("ignored.local", "mine\n");
    std::fs::remove_file(repository.folder.join("same")).unwrap();
    let dirt = open(&repository).dirty(2).unwrap();
    assert_eq!(dirt.lines(), ["modified: VERSION", "deleted: same", "and 1 more"]);
    let failure = check_out(&repository, "0.2.11").unwrap_err();
    assert_eq!(failure.kind, Kind::Refused);
    assert!(failure.message.contains("nothing was touched"), "{failure:?}");
    assert_eq!(failure.why, ["modified: VERSION", "deleted: same", "untracked: untracked"]);
    assert_eq!(
        (repository.read("VERSION"), repository.read("untracked")),
        ("mine\n".into(), "mine\n".into())
    );
    assert_eq!(repository.git(&["describe", "--tags"]), "0.2.10");
    assert!(!repository.exists(".git/banister-check-out"));
    repository.git(&["checkout", "--quiet", "."]);
    std::fs::remove_file(repository.folder.join("untracked")).unwrap();
    repository.git(&["clone", "--quiet", ".", "nested"]);
    assert_eq!(check_out(&repository, "0.2.11").unwrap_err().why, ["untracked: nested/"]);
    assert!(repository.exists("nested/VERSION"));
}

#[test]
fn files_git_was_told_not_to_watch_are_not_overwritten() {
    let repository = two_releases();
    // Ignored here, but the new release has one.
    repository.write("comes/deep/file", "mine\n");
    repository.write(".git/info/exclude", "comes\n");
    assert_eq!(repository.status(), "");
    let failure = check_out(&repository, "0.2.11").unwrap_err();
    assert_eq!(failure.why, ["modified: comes/deep/file"]);
    std::fs::remove_dir_all(repository.folder.join("comes")).unwrap();
    // An old trick to keep a local change: git calls the file clean.
    for trick in ["--assume-unchanged", "--skip-worktree"] {
        repository.git(&["update-index", trick, "VERSION"]);
        repository.write("VERSION", "mine\n");
        assert_eq!(check_out(&repository, "0.2.11").unwrap_err().why, ["modified: VERSION"]);
        assert_eq!(repository.read("VERSION"), "mine\n");
        repository.git(&["update-index", &trick.replace("--", "--no-"), "VERSION"]);
        repository.git(&["checkout", "--quiet", "VERSION"]);
    }
    assert!(check_out(&repository, "0.2.11").unwrap().changed);
}

#[test]
fn what_is_in_the_way_of_a_new_file_is_not_removed() {
    let repository = two_releases();
    let elsewhere = tempfile::tempdir().unwrap();
    // A link to another disk under a name that the release uses for a folder: nothing may be written through it.
    repository.write(".git/info/exclude", "comes\n");
    std::os::unix::fs::symlink(elsewhere.path(), repository.folder.join("comes")).unwrap();
    let failure = check_out(&repository, "0.2.11").unwrap_err();
    assert!(failure.why.contains(&"in the way: comes".to_string()), "{failure:?}");
    assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    std::fs::remove_file(repository.folder.join("comes")).unwrap();
    // An ignored file inside a folder that the release replaces by a file.
    repository.write("folder-to-file/mine.local", "mine\n");
    let failure = check_out(&repository, "0.2.11").unwrap_err();
    assert_eq!(repository.read("folder-to-file/mine.local"), "mine\n");
    assert!(format!("{failure:?}").contains("folder-to-file"), "{failure:?}");
    assert_eq!(repository.git(&["describe", "--tags"]), "0.2.10");
    assert_eq!(repository.status(), "");
}

#[test]
fn a_branch_goes_forward_only() {
    let origin = two_releases();
    origin.git(&["switch", "--quiet", "main"]);
    let repository = origin.cloned("clone");
    let checkout = open(&repository);
    assert!(!checkout.check_out("main").unwrap().changed);
    origin.write("VERSION", "ahead\n");
    origin.git(&["commit", "--quiet", "-am", "ahead"]);
    repository.git(&["fetch", "--quiet"]);
    let moved = checkout.check_out("main").unwrap();
    assert_eq!((moved.changed, moved.to.branch.as_deref()), (true, Some("main")));
    assert_eq!((repository.read("VERSION"), repository.status()), ("ahead\n".into(), String::new()));
    // Commits of one's own, and others there: nobody is dropped silently.
    repository.write("own", "own\n");
    repository.git(&["add", "own"]);
    repository.git(&["commit", "--quiet", "-m", "own change"]);
    origin.write("VERSION", "further\n");
    origin.git(&["commit", "--quiet", "-am", "further"]);
    repository.git(&["fetch", "--quiet"]);
    let failure = checkout.check_out("main").unwrap_err();
    assert!(failure.message.contains("has 1 commit that its upstream has not"), "{failure:?}");
    assert_eq!(repository.read("VERSION"), "ahead\n");
}

#[test]
fn names_become_targets_and_unknown_ones_say_what_is_known() {
    let repository = two_releases();
    let checkout = open(&repository);
    let commit = repository.git(&["rev-parse", "0.2.11"]);
    assert_eq!(checkout.target("v0.2.11").unwrap(), Target::Tag("0.2.11".into()));
    assert_eq!(checkout.target("main").unwrap(), Target::Branch("main".into()));
    assert_eq!(checkout.target(&commit[..8]).unwrap(), Target::Commit(commit.parse().unwrap()));
    let named = format!("main at {}", &commit[..8]);
    assert_eq!(checkout.target(&named).unwrap(), Target::Commit(commit.parse().unwrap()));
    let failure = checkout.target("0.2.12").unwrap_err();
    assert_eq!(
        (failure.kind, failure.why),
        (Kind::NotFound, vec!["the newest release it knows is 0.2.11".into()])
    );
    repository.git(&["branch", "0.2.10"]);
    assert!(checkout.target("0.2.10").unwrap_err().message.contains("both a tag and a branch"));
}

#[test]
fn line_ends_are_those_that_the_new_release_asks_for() {
    let repository = Repository::new();
    repository.write("a.txt", "1\n");
    repository.write("z.bat", "1\n");
    repository.release("1.0.0");
    repository.write(".gitattributes", "*.bat text eol=crlf\n");
    repository.write("z.bat", "2\n");
    repository.release("1.1.0");
    repository.git(&["checkout", "--quiet", "1.0.0"]);
    check_out(&repository, "1.1.0").unwrap();
    assert_eq!((repository.read("z.bat"), repository.status()), ("2\r\n".into(), String::new()));
    check_out(&repository, "1.0.0").unwrap();
    assert_eq!((repository.read("z.bat"), repository.status()), ("1\n".into(), String::new()));
}

#[test]
fn what_git_is_in_the_middle_of_is_left_alone() {
    let repository = two_releases();
    repository.write(".git/index.lock", "");
    let failure = check_out(&repository, "0.2.11").unwrap_err();
    assert!(failure.message.contains("index.lock") && failure.help.unwrap().contains("rm "));
    assert!(repository.exists(".git/index.lock"));
    std::fs::remove_file(repository.folder.join(".git/index.lock")).unwrap();
    repository.write(".git/MERGE_HEAD", format!("{}\n", repository.git(&["rev-parse", "0.2.11"])));
    let failure = check_out(&repository, "0.2.11").unwrap_err();
    assert!(failure.message.contains("merge is under way"), "{failure:?}");
}

#[test]
fn a_filter_is_run_by_git() {
    let repository = Repository::new();
    repository.write("model", "small\n");
    repository.release("1.0.0");
    repository.write(".gitattributes", "model filter=upper\n");
    repository.write("model", "large\n");
    repository.release("1.1.0");
    repository.git(&["checkout", "--quiet", "1.0.0"]);
    repository.git(&["config", "filter.upper.smudge", "tr a-z A-Z"]);
    repository.git(&["config", "filter.upper.clean", "tr A-Z a-z"]);
    check_out(&repository, "1.1.0").unwrap();
    assert_eq!((repository.read("model"), repository.status()), ("LARGE\n".into(), String::new()));
}

#[test]
fn a_submodule_moves_its_commit() {
    let library = two_releases();
    let repository = Repository::new();
    let path = library.folder.to_str().unwrap();
    repository.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "add", path, "library"]);
    repository.release("1.0.0");
    repository.git(&["-C", "library", "checkout", "--quiet", "0.2.11"]);
    repository.release("1.1.0");
    repository.git(&["checkout", "--quiet", "1.0.0"]);
    repository.git(&["-c", "protocol.file.allow=always", "submodule", "--quiet", "update"]);
    check_out(&repository, "1.1.0").unwrap();
    let recorded = repository.git(&["ls-files", "-s", "library"]);
    assert!(recorded.contains(&repository.git(&["rev-parse", "1.1.0:library"])), "{recorded}");
    assert!(open(&repository).dirty(5).unwrap().is_empty());
}

#[test]
fn notes_and_texts_between_two_releases_are_read() {
    let repository = two_releases();
    repository.git(&["tag", "-a", "-m", "Read the notes", "0.2.12", "0.2.11"]);
    let checkout = open(&repository);
    let commit = |name: &str| checkout.commit_named_by(name).unwrap();
    let releases = checkout.releases().unwrap();
    let notes = checkout.notes(&releases.iter().collect::<Vec<_>>(), commit("0.2.12")).unwrap();
    assert_eq!((notes.len(), notes[2].text.as_str()), (3, "Read the notes"));
    assert_eq!(checkout.text_at(commit("0.2.11"), "VERSION").unwrap().as_deref(), Some("0.2.11\n"));
    assert_eq!(checkout.text_at(commit("0.2.11"), "none").unwrap(), None);
}

#[test]
fn fetching_brings_new_releases_and_says_why_it_failed() {
    banister::internals::command::supervise_with(env!("CARGO_BIN_EXE_banister"));
    let origin = two_releases();
    let repository = origin.cloned("clone");
    origin.git(&["switch", "--quiet", "main"]);
    origin.write("VERSION", "0.2.12\n");
    origin.release("0.2.12");
    let home = tempfile::tempdir().unwrap();
    let mut server: Server = serde_json::from_value(serde_json::json!({
        "kind": "plain", "checkout": repository.folder, "environment": { "HOME": home.path() },
    }))
    .unwrap();
    server.facts = banister::internals::kind::Facts::of(None, &server.kind).unwrap();
    server.name = "web".into();
    let attempts = std::cell::Cell::new(0);
    let fetch = || {
        attempts.set(attempts.get() + 1);
        let (stop, folder) = (Stop::new(), home.path().join(format!("attempt {}", attempts.get())));
        let host =
            Host { server: Some(&server), folder: &folder, stop: &stop, tell: &|_| {}, hold: &|_| Ok(()) };
        let arguments = serde_json::json!({ "server": { "$server": "web" } });
        let fetch = crate::support::accepted::accepted("fetch", &arguments).unwrap();
        let fetched = fetch.perform(&host);
        // An attempt that is gone on with has the same outcome.
        assert_eq!(fetch.perform(&host), fetched);
        fetched
    };
    assert_eq!(fetch().unwrap()["releases"], serde_json::json!(["0.2.12"]));
    assert_eq!(fetch().unwrap()["releases"], serde_json::json!([]));
    repository.git(&["remote", "set-url", "origin", "https://me:s3cr3t@127.0.0.1:1/none.git"]);
    let failure = fetch().unwrap_err();
    assert_eq!(failure.kind, Kind::Unreachable);
    assert!(!format!("{failure:?}").contains("s3cr3t") && !failure.why.is_empty(), "{failure:?}");
    // A tag that was moved there.
    repository.git(&["remote", "set-url", "origin", origin.folder.to_str().unwrap()]);
    let here = repository.git(&["rev-parse", "0.2.12"]);
    origin.git(&["tag", "--force", "0.2.12", "0.2.10"]);
    assert_eq!(fetch().unwrap()["releases"], serde_json::json!([]));
    assert_eq!(repository.git(&["rev-parse", "0.2.12"]), here);
}
