//! What comes from the other side and is no message: it takes no memory, it is shown, and not asked for on and on.

use super::Elsewhere;
use crate::support::said;
use crate::support::sshd::program;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The server's agent is this script; `PROGRAM` in it is the real program.
pub fn with_agent(script: &str) -> Elsewhere {
    let elsewhere = Elsewhere::new();
    let agent = elsewhere.world.path().join("other-agent");
    let script = script.replace("PROGRAM", &program().display().to_string());
    fs::write(&agent, format!("#!/bin/sh\n{script}")).unwrap();
    fs::set_permissions(&agent, fs::Permissions::from_mode(0o755)).unwrap();
    let site = elsewhere.world.read("site.toml");
    elsewhere.world.write("site.toml", &format!("{site}agent = \"{}\"\n", agent.display()));
    elsewhere.runbook(r#"fn main() { this_server().make("config"); }"#);
    elsewhere
}

/// The same command with so little memory that a line which is read on and on ends it.
fn with_little_memory(command: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -v 1200000; exec \"$@\"", "sh"]).arg(command.get_program());
    limited.args(command.get_args()).env_clear();
    limited.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        limited.current_dir(folder);
    }
    limited.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    limited
}

const WELCOME: &str = "read -r hello; echo '{\"program\":\"0.1.0\"}'\n";

#[test]
fn an_agent_that_says_nonsense_is_shown_and_not_asked_on_and_on() {
    let endless = [
        ("exec cat /dev/zero", "said `no text`"),
        ("exec yes 'Willkommen\u{1b}[2J!'", "said `Willkommen! Willkommen!"),
        // It begins like a message.
        ("printf '{ \"id\": 7, '; exec tr '\\0' ' ' </dev/zero", "said `{ \"id\": 7,"),
        (
            "while read -r line; do echo '{\"id\":1,\"said\":\"what\"}'; done",
            "said `{\"id\":1,\"said\":\"what\"}`",
        ),
    ];
    for (script, shown) in endless {
        let elsewhere = with_agent(&format!("echo >>$HOME/starts\n{WELCOME}{script}\n"));
        let begun = Instant::now();
        let said = said(with_little_memory(&elsewhere.command(&["run", "try"])).output().unwrap());
        assert!(begun.elapsed() < Duration::from_secs(300), "{script}: {:?}", begun.elapsed());
        assert!(matches!(said.code, Some(1 | 130)), "{script}: {said:?}");
        assert!(said.err.contains(shown), "{script}: {said:?}");
        assert!(
            said.err.contains("no message of banister") && said.err.contains("3 times in a row"),
            "{said:?}"
        );
        let starts = fs::read_to_string(elsewhere.host.home().join("starts")).unwrap().len();
        assert!(starts <= 4, "{script}: started {starts} times");
        assert_eq!(elsewhere.trace(), "");
    }
}

#[test]
fn an_agent_whose_welcome_has_no_end_takes_no_memory() {
    let elsewhere = with_agent("exec cat /dev/zero\n");
    let said = said(with_little_memory(&elsewhere.command(&["run", "try"])).output().unwrap());
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("prints a line without an end"), "{said:?}");
}

/// An agent that ends before the first call of a primitive reaches it, once; then this is done.
fn once_before_a_call(then: &str) -> Elsewhere {
    with_agent(&format!(
        "if [ -e $HOME/once ]; then exec PROGRAM agent; fi\n\
         while IFS= read -r line; do\n\
         case $line in *'\"perform\":'*) touch $HOME/once; break ;; esac\n\
         printf '%s\\n' \"$line\"\n\
         done | PROGRAM agent\n{then}\n"
    ))
}

#[test]
fn what_was_printed_once_between_messages_does_not_end_a_run() {
    let elsewhere = once_before_a_call("echo 'Hallo!'; sleep 5");
    let said = elsewhere.banister(&["run", "try"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(said.out.contains("said `Hallo!`") && said.out.contains("connecting again"), "{said:?}");
    assert_eq!(elsewhere.trace(), "config begin\nconfig end\n");
}

#[test]
fn half_a_line_at_the_end_of_a_connection_is_thrown_away() {
    let elsewhere = once_before_a_call("printf '{\"id\":1,\"said\":{\"fai'");
    let said = elsewhere.banister(&["run", "try"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(
        said.out.contains("the connection to `web` was lost") && !said.out.contains("said `"),
        "{said:?}"
    );
    assert_eq!(elsewhere.trace(), "config begin\nconfig end\n");
}

#[test]
fn an_agent_takes_no_memory_for_a_caller_that_is_no_banister() {
    let hello = r#"{"program":"0.1.0","name":"web","server":{"kind":"plain","checkout":"/nowhere"}}"#;
    for (before, piece) in
        [("", "\0"), ("", "GET / HTTP/1.1\r\n"), ("{", " "), (hello, "\n{  "), (hello, "\nx")]
    {
        let folder = tempfile::tempdir().unwrap();
        let mut agent = Command::new(program());
        agent.arg("agent").env("BANISTER_STATE", folder.path()).env("HOME", folder.path());
        let mut child = with_little_memory(&agent).stdin(Stdio::piped()).spawn().unwrap();
        let mut input = child.stdin.take().unwrap();
        let mut pieces = format!("{before}{}", piece.repeat((1 << 20) / piece.len()));
        if piece == "\n{  " {
            // A message that has no end, and not many.
            pieces = format!("{before}\n{{{}", " ".repeat(1 << 20));
        }
        // Until it takes no more.
        let more = " ".repeat(1 << 20);
        let mut sent = input.write_all(pieces.as_bytes());
        let mut megabytes = 1;
        while sent.is_ok() && megabytes < 2000 {
            sent = input.write_all(more.as_bytes());
            megabytes += 1;
        }
        assert!(megabytes < 200, "{before}{piece}: it takes {megabytes} MB");
        drop(input);
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(2), "{piece}: {err}");
        assert!(err.contains("is no banister"), "{piece}: {err}");
    }
}
