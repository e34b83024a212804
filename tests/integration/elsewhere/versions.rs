//! An agent that somebody installed there, and that is of another version than its caller.

use super::nonsense::with_agent;
use crate::support::sshd::program;
use std::fs;
use std::process::Command;

/// The real agent, whose welcome says this instead of what it says.
fn with_welcome(welcome: &str) -> super::Elsewhere {
    with_agent(&format!("PROGRAM agent | sed -u '1s/.*/{welcome}/'\n"))
}

#[test]
fn versions_that_speak_a_protocol_in_common_understand_each_other() {
    // From before protocols had numbers; and a newer one that still speaks the first.
    for welcome in
        [r#"{"program":"0.0.9"}"#, r#"{"program":"0.2.0","speaks":{"oldest":1,"newest":2},"more":true}"#]
    {
        let elsewhere = with_welcome(welcome);
        let said = elsewhere.banister(&["run", "try"]);
        assert_eq!(said.code, Some(0), "{welcome}: {said:?}");
        assert_eq!(elsewhere.trace(), "config begin\nconfig end\n");
    }
    let elsewhere = with_agent(
        "sed -u '1s/\"program\":\"[^\"]*\",\"speaks\":{[^}]*}/\"program\":\"0.2.0\",\"speaks\":{\"oldest\":1,\"newest\":9}/' | PROGRAM agent\n",
    );
    let said = elsewhere.banister(&["run", "try"]);
    assert_eq!(said.code, Some(0), "a newer caller: {said:?}");
}

#[test]
fn of_versions_that_speak_none_in_common_the_older_one_is_named_and_how_to_update_it() {
    let elsewhere = with_welcome(r#"{"program":"0.2.0","speaks":{"oldest":7,"newest":8}}"#);
    let said = elsewhere.banister(&["run", "try"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.err.contains("this banister, 0.1.0, is too old for the one on `web`, which is 0.2.0"),
        "{said:?}"
    );
    assert!(said.err.contains("update banister on this machine to 0.2.0"), "{said:?}");

    let elsewhere = with_welcome(r#"{"program":"0.0.1","speaks":{"oldest":0,"newest":0}}"#);
    let said = elsewhere.banister(&["run", "try"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("banister 0.0.1 on `web` is too old for this one, which is 0.1.0"), "{said:?}");
    // The command that is shown does it.
    let words: Vec<&str> = said.err.split_whitespace().collect();
    let shown = words.join(" ");
    let command = shown.split("install this banister there: `").nth(1).unwrap().split('`').next().unwrap();
    std::os::unix::fs::symlink(program(), elsewhere.network.bin().join("banister")).unwrap();
    let path = format!("{}:{}", elsewhere.network.bin().display(), std::env::var("PATH").unwrap());
    let done = Command::new("sh").args(["-c", command]).env("PATH", path).output().unwrap();
    assert!(done.status.success(), "{command}: {done:?}");
    let agent = elsewhere.world.path().join("other-agent");
    assert_eq!(fs::read(agent).unwrap(), fs::read(program()).unwrap());
    assert_eq!(elsewhere.banister(&["run", "try"]).code, Some(0));
    assert_eq!(elsewhere.trace(), "config begin\nconfig end\n");
}

#[test]
fn an_agent_that_does_not_know_all_that_a_newer_caller_says_says_so() {
    let elsewhere = with_agent("sed -u '1s/\"kind\":/\"newer_key\":1,\"kind\":/' | PROGRAM agent\n");
    let said = elsewhere.banister(&["run", "try"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    for words in ["banister 0.1.0 on `web` refuses", "newer_key", "install this banister there: `ssh far"] {
        assert!(said.err.contains(words), "{words}: {said:?}");
    }
    let elsewhere = with_agent("sed -u 's/\"perform\":/\"newer_request\":/' | PROGRAM agent\n");
    let said = elsewhere.banister(&["run", "try"]);
    assert!(matches!(said.code, Some(1)), "{said:?}");
    assert!(said.err.contains("does not understand a request"), "{said:?}");
    assert_eq!(elsewhere.trace(), "");
}
