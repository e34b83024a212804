//! Hooks of a server on another machine.

use super::world::Elsewhere;
use crate::support::chance;

#[test]
fn hooks_run_there_and_once_wherever_the_run_is_killed() {
    let world = || {
        let elsewhere = Elsewhere::new();
        let hooks = r#"{ before = { Make = [["sh", "-c", "echo $SSH_CONNECTION | grep -q . && echo hook >> ../trace"]] }, after = { Make = [["sh", "-c", "pwd >> ../there"]] } }"#;
        let site = elsewhere.world.read("site.toml");
        elsewhere.world.write("site.toml", &format!("{site}hooks = {hooks}\n"));
        elsewhere.runbook(r#"fn main() { step "Make" { this_server().make("config"); } }"#);
        elsewhere
    };
    let whole = world();
    let said = whole.banister(&["run", "try"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(whole.trace(), "hook\nconfig begin\nconfig end\n");
    let web = whole.world.path().join("web");
    assert_eq!(whole.world.read("there").trim(), web.canonicalize().unwrap().display().to_string());
    for record in chance::part((3..=whole.world.records()).collect(), 5) {
        let elsewhere = world();
        elsewhere.crash(&["run", "try"], &format!("after {record}"));
        let said = elsewhere.banister(&["resume", "--yes"]);
        assert_eq!(said.code, Some(0), "{record}: {said:?}");
        assert_eq!(elsewhere.trace(), "hook\nconfig begin\nconfig end\n", "{record}");
        assert_eq!(elsewhere.world.read("there").lines().count(), 1, "{record}");
    }
}
