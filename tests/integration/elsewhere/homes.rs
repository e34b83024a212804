//! What is said of runs at their server by commands that are not about one of them, and what a site that was changed leaves of
//! them.

use super::home::AtServer;
use super::wait;
use crate::support::said;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, Instant};

const BREAKS: &str = r#"fn main() {
    let server = this_server();
    lock(server, "try");
    step "Configure" { server.make("config"); }
    step "Break" { server.run(["false"]); }
}"#;

const ASKS: &str = r#"fn main() {
    let server = this_server();
    lock(server, "ask");
    step "Ask" { confirm("Shall it continue?"); }
}"#;

/// The name of the only run at the server.
fn run(at: &AtServer) -> String {
    let runs = at.runs();
    assert_eq!(runs.len(), 1);
    runs[0].file_name().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn an_open_run_is_seen_and_continued_after_its_server_was_renamed_or_its_checkout_moved() {
    let at = AtServer::new();
    at.0.runbook(BREAKS);
    let began = at.banister(&["run", "try"]);
    assert_eq!(began.code, Some(1), "{began:?}");
    let run = run(&at);
    let site = at.0.world.read("site.toml");
    at.0.world.write("site.toml", &site.replace("[servers.web]", "[servers.blog]"));
    for command in [at.command(&["runs"]), at.colleague(&["runs"])] {
        let mut command = command;
        let listed = said(command.output().unwrap());
        assert!(listed.out.contains(&run) && listed.out.contains("failed"), "{listed:?}");
    }
    // It stays the run of the server that it began with.
    let resumed = at.banister(&["resume"]);
    assert_eq!(resumed.code, Some(1), "{resumed:?}");
    assert!(resumed.out.contains("state: `try` failed on web in step `Break`"), "{resumed:?}");
    at.until_quiet();
    at.0.world.write("site.toml", &site.replace("/web\"", "/other\""));
    let listed = at.banister(&["runs"]);
    assert!(listed.out.contains(&run) && listed.out.contains("failed"), "{listed:?}");
    at.0.world.write("site.toml", &site.replace("\"far\"", "\"elsewhere.invalid\""));
    let listed = at.banister(&["runs"]);
    assert!(listed.out.contains(&run) && listed.out.contains("unknown"), "{listed:?}");
    at.0.world.write("site.toml", &site);
    let shown = at.banister(&["show"]);
    assert!(shown.out.contains(&run), "{shown:?}");
    at.0.world.write("site.toml", &site.replace("[servers.web]", "[servers.blog]"));
    at.0.runbook(&BREAKS.replace("[\"false\"]", "[\"true\"]"));
    let resumed = said(at.colleague(&["resume"]).output().unwrap());
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
}

#[test]
fn the_message_of_the_day_metrics_and_check_say_what_is_at_the_server_and_what_was_not_asked() {
    let at = AtServer::new();
    let site = at.0.world.read("site.toml");
    let notify = "[[notify]]\ncommand = [\"no-such-program\"]\n";
    at.0.world.write("site.toml", &format!("metrics = \"banister.prom\"\n{notify}{site}"));
    at.0.runbook(BREAKS);
    assert_eq!(at.banister(&["run", "try"]).code, Some(1));
    let short = at.banister(&["status", "--short"]);
    // What the terminal saw at its end: nothing is asked now.
    assert!(short.out.contains("web: `try` failed on web in step `Break`"), "{short:?}");
    assert!(short.out.contains("s ago; next: banister resume "), "{short:?}");
    assert!(short.out.contains("not asked, as it is on another machine: web (seen "), "{short:?}");
    let checked = at.banister(&["check"]);
    assert!(checked.out.contains("not asked: whether the programs of `notify` are on web"), "{checked:?}");
    assert!(!checked.out.contains("no-such-program"), "{checked:?}");
    // Whoever sees its end writes the file.
    let of = "{server=\"web\",runbook=\"try\"} ";
    let written = at.0.world.read("banister.prom");
    assert!(written.contains(&format!("banister_last_run_success{of}0")), "{written}");
    at.0.runbook(&BREAKS.replace("[\"false\"]", "[\"true\"]"));
    assert_eq!(at.banister(&["resume"]).code, Some(0));
    let short = at.banister(&["status", "--short"]);
    assert!(!short.out.contains("unfinished"), "{short:?}");
    let metrics = at.banister(&["metrics"]);
    assert!(metrics.out.contains(&format!("banister_last_run_success{of}1")), "{metrics:?}");
    assert!(metrics.out.contains(&format!("banister_last_run_duration_seconds{of}")), "{metrics:?}");
}

#[test]
fn what_is_overdue_at_a_server_is_told_by_its_own_clock() {
    let at = AtServer::new();
    at.0.runbook(
        r#"fn main() {
            let server = this_server();
            lock(server, "owe");
            server.owe("page", "take the page away", #{ at_most: 1.seconds });
            server.run(["false"]);
        }"#,
    );
    assert_eq!(at.banister(&["run", "try", "--on-failure", "stop"]).code, Some(1));
    let is_told = || at.banister(&["status"]).out.contains("overdue for ");
    wait(is_told);
    let status = at.banister(&["status"]);
    assert!(status.out.contains("take the page away; roll back with `banister resume "), "{status:?}");
}

#[test]
fn attach_without_a_terminal_leaves_a_question_that_nobody_answers() {
    let at = AtServer::new();
    at.0.runbook(ASKS);
    for foreign in [false, true] {
        if foreign {
            // The same for a run on this machine.
            let site = at.0.world.read("site.toml");
            at.0.world.write("site.toml", &format!("home = \"here\"\n{site}"));
        }
        let began = at.banister(&["run", "try", "--detach", "--unattended", "wait"]);
        assert_eq!(began.code, Some(0), "{began:?}");
        let looked = at.banister(&["attach"]);
        assert_eq!(looked.code, Some(3), "{looked:?}");
        assert!(looked.err.contains("waits for an answer, and nobody is here to ask"), "{looked:?}");
        // An answer that is none keeps nobody either.
        let unfit = at.banister(&["resume", "--answer", "perhaps"]);
        assert_eq!(unfit.code, Some(3), "{unfit:?}");
        let line = looked.err.split("or with `banister ").nth(1).unwrap().split('`').next().unwrap();
        let words: Vec<&str> =
            line.split(' ').map(|word| if word == "TEXT" { "yes" } else { word }).collect();
        let answered = at.banister(&words);
        assert_eq!(answered.code, Some(0), "{answered:?}");
        at.until_quiet();
    }
}

#[test]
fn what_an_editor_left_is_not_sent_a_site_that_is_too_large_is_named_and_computed_secrets_go_along() {
    let at = AtServer::new();
    at.0.runbook(
        r#"fn main() {
            let token = secret("tok" + "en");
            this_server().shell("test -n \"$TOKEN\"", #{ environment: #{ TOKEN: token } });
        }"#,
    );
    let runbooks = at.0.world.path().join("runbooks");
    fs::write(runbooks.join(".try.rhai.swp"), [0xff, 0xfe]).unwrap();
    fs::write(runbooks.join("try.rhai~"), [0xff]).unwrap();
    std::os::unix::fs::symlink("ann@desk.77", runbooks.join(".#try.rhai")).unwrap();
    let mut command = at.command(&["run", "try"]);
    let done = said(command.env("BANISTER_SECRET_TOKEN", "computed-3c9a77").output().unwrap());
    assert_eq!(done.code, Some(0), "{done:?}");
    at.until_quiet();
    let releases = at.0.world.path().join("releases");
    fs::create_dir_all(&releases).unwrap();
    fs::File::create(releases.join("image")).unwrap().set_len(40 << 20).unwrap();
    let refused = at.banister(&["run", "try"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(
        refused.err.contains("too large to be sent to `web`") && refused.err.contains("32 MB"),
        "{refused:?}"
    );
}

#[test]
fn a_local_run_is_continued_by_its_name_while_a_home_is_silent() {
    let mut at = AtServer::new();
    at.0.runbook(BREAKS);
    assert_eq!(at.banister(&["run", "try", "--foreground"]).code, Some(1));
    at.0.host.stop();
    let silent = at.banister(&["resume"]);
    assert_eq!(silent.code, Some(1), "{silent:?}");
    assert!(silent.err.contains("it is unknown which runs are on `web`"), "{silent:?}");
    let line = silent.err.split("continue the one that is here: `banister ").nth(1).unwrap();
    let line = line.split('`').next().unwrap().to_owned();
    at.0.host.start();
    at.0.runbook(&BREAKS.replace("[\"false\"]", "[\"true\"]"));
    let words: Vec<&str> = line.split(' ').collect();
    let resumed = at.banister(&words);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
}

/// An ssh that neither gets a connection nor ends.
#[test]
fn a_status_of_a_server_that_says_nothing_comes_to_an_end() {
    let at = AtServer::new();
    at.0.runbook(BREAKS);
    assert_eq!(at.banister(&["run", "try"]).code, Some(1));
    let ssh = at.0.network.bin().join("ssh");
    fs::remove_file(&ssh).unwrap();
    fs::write(&ssh, "#!/bin/sh\nexec sleep 600\n").unwrap();
    fs::set_permissions(&ssh, fs::Permissions::from_mode(0o755)).unwrap();
    let began = Instant::now();
    let status = at.banister(&["status"]);
    assert!(began.elapsed() < Duration::from_secs(90), "{:?}", began.elapsed());
    assert!(status.out.contains("web (plain)") && status.out.contains("ssh got no connection"), "{status:?}");
    assert!(status.out.contains("last run") && !status.out.contains("free"), "{status:?}");
}
