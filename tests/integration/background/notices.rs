//! Notices of runs: each comes once, also if the run is killed, and what nobody took is sent again.

use super::{command, detached, said_by, shown, wait_for, wait_for_end, world};
use crate::support::World;
use serde_json::Value;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::sync::{Arc, Mutex};

/// What came to a receiver: the first line of a request, and its body.
pub(crate) type Received = Arc<Mutex<Vec<(String, String)>>>;

/// Receives requests, and takes none of the first `refused`.
pub(crate) fn receiver(refused: usize) -> (String, Received) {
    serve(move |number| {
        let status = if number < refused { "503 Busy" } else { "200 OK" };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        (number >= refused, answer)
    })
}

/// Answers each request with these words, as they are, and closes the connection; what comes after the last is answered with it.
fn answering(answers: &'static [&'static str]) -> (String, Received) {
    serve(|number| (true, answers[number.min(answers.len() - 1)].to_owned()))
}

/// `answer` gives for each request, by its number, whether it is kept, and what is answered.
fn serve(answer: impl Fn(usize) -> (bool, String) + Send + 'static) -> (String, Received) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let received = Received::default();
    let kept = received.clone();
    std::thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let mut stream = stream.unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            let (mut first, mut line, mut length) = (String::new(), String::new(), 0);
            reader.read_line(&mut first).unwrap();
            while reader.read_line(&mut line).unwrap() > 2 {
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
                line.clear();
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).unwrap();
            let (is_kept, answer) = answer(number);
            if is_kept {
                kept.lock().unwrap().push((first.trim().to_owned(), String::from_utf8(body).unwrap()));
            }
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (address, received)
}

fn with_notify(world: &World, tables: &str) {
    let site = world.read("site.toml");
    world.write("site.toml", &format!("{tables}\n{site}"));
}

#[test]
fn each_notice_comes_once_by_each_way_also_if_nobody_takes_it_at_first() {
    let world = world();
    let (hook, received) = receiver(2);
    let (hc, pings) = receiver(0);
    world.write("page", "#!/bin/sh\ncat >> paged\n");
    world.write("bin/sendmail", "#!/bin/sh\ncat >> $HOME/mailed\n");
    for program in ["page", "bin/sendmail"] {
        fs::set_permissions(world.path().join(program), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let folder = world.path().display().to_string();
    with_notify(
        &world,
        &format!(
            "[[notify]]\ncommand = [\"sh\", \"-c\", \"cd {folder} && ./page\"]\n\
             [[notify]]\nwebhook = \"{hook}/T0KEN-of-the-hook\"\nshape = \"slack\"\n\
             [[notify]]\nping = \"{hc}/ping/abc\"\n\
             [[notify]]\nmail = [\"ops@example.org\"]\nat = [\"failed\"]\n"
        ),
    );
    world.write("runbooks/fails.rhai", "fn main() { let server = this_server(); server.make(\"config\");\nstep \"Bad\" { server.make(\"fail\"); } }");
    let path = format!("{folder}/bin:{}", std::env::var("PATH").unwrap());
    // Killed on the way: it is told once nevertheless.
    let started = command(&world, &["run", "fails", "--detach"])
        .env("PATH", path)
        .env("BANISTER_CRASH_AT", "after \"block\"")
        .output()
        .unwrap();
    assert!(started.status.success(), "{started:?}");
    wait_for("it is posted", || !received.lock().unwrap().is_empty());
    wait_for_end(&world);
    assert!(shown(&world).contains(r#""state":"failed""#));
    let received = received.lock().unwrap().clone();
    assert_eq!(received.len(), 1, "{received:?}");
    assert_eq!(received[0].0, "POST /T0KEN-of-the-hook HTTP/1.1");
    let text: Value = serde_json::from_str(&received[0].1).unwrap();
    let text = text["text"].as_str().unwrap();
    assert!(text.starts_with("web: fails failed in step `Bad`\nerror: `make fail` ended"), "{text}");
    assert!(text.contains("next: banister resume "), "{text}");
    let pings: Vec<String> = pings.lock().unwrap().iter().map(|(line, _)| line.clone()).collect();
    assert_eq!(pings, ["GET /ping/abc/start HTTP/1.1", "GET /ping/abc/fail HTTP/1.1"]);
    let paged = world.read("paged");
    let paged: Vec<Value> = paged.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(paged.len(), 1, "{paged:?}");
    assert_eq!((&paged[0]["event"], &paged[0]["servers"][0]), (&"failed".into(), &"web".into()));
    let mailed = world.read("mailed");
    assert!(mailed.starts_with("To: ops@example.org\nSubject: =?utf-8?B?"), "{mailed}");
    // Its address is nowhere but in the site's file.
    let told =
        std::process::Command::new("grep").args(["-rl", "T0KEN-of-the-hook"]).arg(world.path()).output();
    let told = String::from_utf8(told.unwrap().stdout).unwrap();
    assert_eq!(told.trim(), world.path().join("site.toml").display().to_string());
}

#[test]
fn a_question_that_waits_is_told_and_one_that_nobody_can_be_told_of_disturbs_nothing() {
    let world = world();
    world.write("page", "#!/bin/sh\ncat >> paged\n");
    fs::set_permissions(world.path().join("page"), fs::Permissions::from_mode(0o755)).unwrap();
    let folder = world.path().display().to_string();
    with_notify(
        &world,
        &format!(
            "[[notify]]\ncommand = [\"sh\", \"-c\", \"cd {folder} && ./page\"]\nat = [\"asked\", \"done\"]\n"
        ),
    );
    detached(&world, &["run", "three", "--detach"]);
    wait_for("it is told", || world.read("paged").contains("asks something"));
    assert!(world.read("paged").contains("Go on?"));
    assert!(said_by(&world, &["status"]).code == Some(0));
    let mut person = super::at_terminal(&world, &["attach"]);
    person.sees("Go on?");
    person.types("y\n");
    assert!(person.ends().success());
    wait_for_end(&world);
    assert!(world.read("paged").contains(r#""event":"done""#));
    assert!(world.read("paged").ends_with("}\n"), "each notice is a line");

    with_notify(&world, "[[notify]]\nwebhook = \"http://127.0.0.1:9/T0KEN-of-the-hook\"\n");
    let said = said_by(&world, &["run", "three", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert!(shown(&world).contains(r#""state":"done""#));
    let log = super::run_folder(&world).join("runner.log");
    wait_for("it is tried", || fs::read_to_string(&log).unwrap().contains("was not answered"));
    let untaken =
        "notice not taken by webhook at 127.0.0.1:9, tried again: `web: three is done`: connection refused";
    wait_for("it is told", || said_by(&world, &["status"]).out.contains(untaken));
    assert!(said_by(&world, &["show"]).out.contains(&format!("warning: {untaken}")));
    let told =
        std::process::Command::new("grep").args(["-rl", "T0KEN-of-the-hook"]).arg(world.path()).output();
    let told = String::from_utf8(told.unwrap().stdout).unwrap();
    assert_eq!(told.trim(), world.path().join("site.toml").display().to_string());
    // Its watcher tries for an hour.
    super::processes(&world, &["watch-run"]).into_iter().for_each(super::kill);
    wait_for("nobody tries", || {
        said_by(&world, &["status"]).out.contains("webhook at 127.0.0.1:9, not tried any more")
    });
}

#[test]
fn a_notice_whose_answer_is_cut_off_is_posted_once() {
    let world = world();
    let (hook, received) = answering(&["HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nabc"]);
    with_notify(&world, &format!("[[notify]]\nwebhook = \"{hook}/\"\nat = [\"done\"]\n"));
    assert_eq!(said_by(&world, &["run", "three", "--yes"]).code, Some(0));
    wait_for_end(&world);
    assert_eq!(received.lock().unwrap().len(), 1);
    assert!(!said_by(&world, &["status"]).out.contains("not taken"));
}

#[test]
fn a_notice_is_sent_on_to_the_same_host_only_and_another_one_is_named() {
    let world = world();
    const MOVED: &str =
        "HTTP/1.1 308 Permanent Redirect\r\nlocation: /moved/T0KEN\r\ncontent-length: 0\r\n\r\n";
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    const AWAY: &str = "HTTP/1.1 307 Temporary Redirect\r\nlocation: https://other.invalid/T0KEN\r\ncontent-length: 0\r\n\r\n";
    const FOUND: &str = "HTTP/1.1 302 Found\r\nlocation: /login\r\ncontent-length: 0\r\n\r\n";
    let (hook, received) = answering(&[MOVED, OK, AWAY, FOUND]);
    with_notify(&world, &format!("[[notify]]\nwebhook = \"{hook}/T0KEN\"\n"));
    let test = || said_by(&world, &["notify", "--test"]);
    let said = test();
    assert!(said.code == Some(0) && said.out.contains("took it"), "{said:?}");
    let two = received.lock().unwrap().clone();
    assert_eq!((two.len(), two[1].0.as_str()), (2, "POST /moved/T0KEN HTTP/1.1"), "{two:?}");
    assert_eq!(two[0].1, two[1].1);
    let host = hook.trim_start_matches("http://").to_owned();
    for to in ["other.invalid", host.as_str()] {
        let said = test();
        assert!(said.out.contains(&format!("webhook at {host}")), "{said:?}");
        assert!(said.out.contains(&format!("it points to `{to}`, and is not sent there")), "{said:?}");
        assert!(!format!("{said:?}").contains("T0KEN"), "{said:?}");
    }
    assert_eq!(received.lock().unwrap().len(), 4);
}

#[test]
fn a_notice_that_is_refused_for_good_holds_up_no_later_one_and_is_told_by_name() {
    let world = world();
    const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n";
    let (hook, received) = answering(&["HTTP/1.1 413 Too Large\r\ncontent-length: 0\r\n\r\n", OK]);
    with_notify(
        &world,
        &format!(
            "[[notify]]\nname = \"on-call\"\nwebhook = \"{hook}/T0KEN\"\nat = [\"started\", \"done\"]\n"
        ),
    );
    assert_eq!(said_by(&world, &["run", "three", "--yes"]).code, Some(0));
    wait_for_end(&world);
    let events: Vec<Value> = received
        .lock()
        .unwrap()
        .iter()
        .map(|(_, body)| serde_json::from_str::<Value>(body).unwrap()["event"].clone())
        .collect();
    assert_eq!(events, ["started", "done"]);
    let told = "notice not taken by on-call, not tried any more: `web: three has started`: the notice was answered with 413";
    let said = said_by(&world, &["status"]).out;
    assert!(said.contains(told), "{said}");
    assert!(said_by(&world, &["show"]).out.contains(told));
}

#[test]
fn a_place_that_moves_in_the_site_hears_nothing_twice_and_one_in_its_place_hears_all() {
    let world = world();
    const BUSY: &str = "HTTP/1.1 503 Busy\r\ncontent-length: 0\r\n\r\n";
    let (busy, refused) = answering(&[BUSY]);
    let (first, received) = receiver(0);
    let (other, corrected) = receiver(0);
    let table = |url: &str| format!("[[notify]]\nwebhook = \"{url}/\"\nat = [\"started\", \"done\"]\n");
    let site = world.read("site.toml");
    world.write("site.toml", &format!("{}{}\n{site}", table(&first), table(&busy)));
    detached(&world, &["run", "three", "--detach"]);
    wait_for("the first one hears it", || received.lock().unwrap().len() == 1);
    wait_for("the other one is tried", || !refused.lock().unwrap().is_empty());
    // The busy one is replaced, and stands before the first one now.
    world.write("site.toml", &format!("{}{}\n{site}", table(&other), table(&first)));
    let log = || fs::read_to_string(super::run_folder(&world).join("runner.log")).unwrap();
    let end = std::time::Instant::now() + std::time::Duration::from_secs(120);
    while corrected.lock().unwrap().is_empty() {
        assert!(std::time::Instant::now() < end, "{refused:?} {received:?} {}", log());
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    assert_eq!(said_by(&world, &["resume", "--yes"]).code, Some(0));
    wait_for_end(&world);
    assert_eq!(received.lock().unwrap().len(), 2);
    assert_eq!(corrected.lock().unwrap().len(), 2);
    assert!(!said_by(&world, &["status"]).out.contains("not taken"));
}

#[test]
fn a_table_that_sends_nowhere_is_found() {
    let world = world();
    with_notify(&world, "[[notify]]\nat = [\"failed\"]\n");
    let said = said_by(&world, &["check"]);
    assert_eq!(said.code, Some(2), "{said:?}");
    assert!(said.out.contains("a table of `notify` says nowhere to send to"), "{said:?}");
}

#[test]
fn what_is_done_is_told_with_both_releases() {
    let world = world();
    let (hook, received) = receiver(0);
    with_notify(&world, &format!("[[notify]]\nwebhook = \"{hook}/\"\n"));
    world.git(&["commit", "-q", "--allow-empty", "-m", "second"]);
    world.git(&["tag", "0.2.0"]);
    world.git(&["checkout", "-q", "0.1.0"]);
    let script = "fn main() { let server = this_server();\nstep \"Move\" { server.checkout(\"0.2.0\"); } }";
    world.write("runbooks/moves.rhai", script);
    let said = said_by(&world, &["run", "moves", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    wait_for("it is told", || !received.lock().unwrap().is_empty());
    wait_for_end(&world);
    let notice: Value = serde_json::from_str(&received.lock().unwrap()[0].1).unwrap();
    assert_eq!(notice["title"], "web: moves is done, 0.1.0 → 0.2.0");
    assert_eq!(notice["releases"], serde_json::json!([{ "server": "web", "from": "0.1.0", "to": "0.2.0" }]));
    assert!(notice["text"].as_str().unwrap().starts_with("web: 0.1.0 → 0.2.0\nbanister show "), "{notice}");
}

#[test]
fn a_program_that_is_not_there_is_found_with_its_place() {
    let world = world();
    let tables = "[[notify]]\ncommand = [\"sh\"]\n[[notify]]\nat = [\"done\"]\ncommand = [\"/no/page\"]\n\
                  [[notify]]\napprise = \"tgram://a/b\"\n";
    with_notify(&world, tables);
    let site = world.read("site.toml");
    world.write(
        "site.toml",
        &format!("{site}\n[servers.web.hooks.after]\nStart = [[\"no-such-hook\", \"now\"]]\n"),
    );
    let said = command(&world, &["check"]).env("PATH", world.path().join("bin")).output().unwrap();
    let said = crate::support::said(said);
    let expected =
        ["`/no/page`\n  at   site.toml:5\n", "`apprise`\n  at   site.toml:7\n", "`sh`\n  at   site.toml:2\n"];
    for expected in expected {
        assert!(said.out.contains(&format!("warning: there is no program {expected}")), "{said:?}");
    }
    assert!(said.out.contains("there is no program `no-such-hook`"), "{said:?}");
}

#[test]
fn what_is_sent_while_its_sender_is_killed_is_sent_again_with_the_same_name() {
    let world = world();
    world.write("hold", "");
    let folder = world.path().display().to_string();
    let script = format!("cd {folder}; cat >> paged; if test -e hold; then touch held; sleep 3; fi");
    with_notify(&world, &format!("[[notify]]\ncommand = [\"sh\", \"-c\", \"{script}\"]\nat = [\"asked\"]\n"));
    detached(&world, &["run", "three", "--detach"]);
    wait_for("it is told", || world.read("paged").ends_with('\n') && world.path().join("held").exists());
    world.remove("hold");
    super::processes(&world, &["watch-run"]).into_iter().for_each(super::kill);
    wait_for("it is told again", || {
        world.read("paged").lines().count() == 2 && world.read("paged").ends_with('\n')
    });
    let paged = world.read("paged");
    let ids: Vec<Value> =
        paged.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].clone()).collect();
    assert_eq!(ids[0], ids[1], "{paged}");
    assert_eq!(said_by(&world, &["resume", "--yes"]).code, Some(0));
    wait_for_end(&world);
    assert_eq!(world.read("paged").lines().count(), 2);
}

#[test]
fn a_place_that_is_corrected_hears_of_what_it_refused() {
    let world = world();
    world.write("hold", "");
    world.write("runbooks/long.rhai", "fn main() { let server = this_server();\nserver.make(\"long\"); }");
    let (wrong, refused) = answering(&["HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"]);
    let (right, received) = receiver(0);
    with_notify(
        &world,
        &format!("[[notify]]\nname = \"pager\"\nwebhook = \"{wrong}/\"\nat = [\"started\", \"done\"]\n"),
    );
    detached(&world, &["run", "long", "--detach"]);
    wait_for("it is refused", || said_by(&world, &["status"]).out.contains("notice not taken by"));
    world.write("site.toml", &world.read("site.toml").replace(&wrong, &right));
    world.remove("hold");
    wait_for("both are taken", || received.lock().unwrap().len() == 2);
    wait_for_end(&world);
    assert_eq!((refused.lock().unwrap().len(), received.lock().unwrap().len()), (1, 2));
    assert!(!said_by(&world, &["status"]).out.contains("notice not taken by"));
}
