//! What the origin has, and which remote it is.

use super::ground::Found;

#[test]
fn a_tag_that_moves_at_the_origin_stops_no_update() {
    let found = Found::before_the_clone();
    found.git("origin", &["tag", "latest"]);
    found.git("origin", &["tag", "0.0.9"]);
    found.git("", &["clone", "-q", "origin", "web"]);
    found.git("web", &["checkout", "-q", "0.1.0"]);
    let old = found.head();
    found.release("0.2.0", &[("VERSION", "2\n")]);
    found.git("origin", &["tag", "--force", "latest"]);
    found.git("origin", &["tag", "--force", "0.0.9"]);
    let said = found.updates_to("0.2.0");
    assert!(
        said.out.contains("0.0.9 is another commit at the origin now") && !said.out.contains("latest is"),
        "{said:?}"
    );
    assert_eq!(found.git("web", &["rev-parse", "latest", "0.0.9"]), format!("{old}\n{old}"));
}

#[test]
fn the_only_remote_need_not_be_called_origin() {
    let found = Found::new();
    found.git("web", &["remote", "rename", "origin", "upstream"]);
    found.release("0.2.0", &[("VERSION", "2\n")]);
    found.updates_to("0.2.0");
}

#[test]
fn of_several_remotes_git_s_own_setting_says_which_one_is_followed() {
    let found = Found::new();
    found.git("web", &["remote", "rename", "origin", "upstream"]);
    found.git("web", &["remote", "add", "mine", "../nowhere"]);
    found.release("0.2.0", &[("VERSION", "2\n")]);
    let said = found.world.banister(&["plan", "update"]);
    assert!(
        said.code == Some(1)
            && said.out.contains("has several remotes: mine, upstream")
            && said.out.contains("config checkout.defaultRemote NAME"),
        "{said:?}"
    );
    found.git("web", &["config", "checkout.defaultRemote", "upstream"]);
    found.updates_to("0.2.0");
}

#[test]
fn a_clone_of_one_tag_alone_learns_of_the_others() {
    let found = Found::before_the_clone();
    let origin = format!("file://{}", found.path("origin").display());
    found.git("", &["clone", "-q", "--depth", "1", "--branch", "0.1.0", &origin, "web"]);
    found.release("0.1.5", &[("VERSION", "1.5\n")]);
    found.release("0.2.0", &[("VERSION", "2\n")]);
    found.updates_to("0.2.0");
}

#[test]
fn a_shallow_clone_is_updated() {
    let found = Found::before_the_clone();
    found.release("0.1.1", &[("VERSION", "1.1\n")]);
    let origin = format!("file://{}", found.path("origin").display());
    found.git("", &["clone", "-q", "--depth", "1", &origin, "web"]);
    found.git("web", &["fetch", "-q", "--depth", "1", "origin", "tag", "0.1.1"]);
    found.git("web", &["checkout", "-q", "0.1.1"]);
    found.release("0.2.0", &[("VERSION", "2\n")]);
    found.updates_to("0.2.0");
}

#[test]
fn a_clone_of_one_branch_that_is_gone_is_refused_with_the_command_that_fetches_all() {
    let found = Found::before_the_clone();
    found.git("", &["clone", "-q", "--single-branch", "origin", "web"]);
    found.git("web", &["checkout", "-q", "0.1.0"]);
    found.git("origin", &["branch", "-m", "main", "stable"]);
    found.release("0.2.0", &[("VERSION", "2\n")]);
    found.is_refused(&["couldn't find remote ref", "remote set-branches origin '*'"]);
    found.git("web", &["remote", "set-branches", "origin", "*"]);
    found.updates_to("0.2.0");
}
