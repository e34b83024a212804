//! Runs at their server: whoever looks on may go, and come back from another machine.

use super::packets::{FAR, Namespace, join};
use super::{Elsewhere, wait};
use crate::support::pty::Pty;
use crate::support::{Said, chance, said, sshd};
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const STEPS: &str = r#"fn main() {
    let server = this_server();
    lock(server, "three steps");
    step "Configure" { server.make("config"); }
    step "Build" { server.make("build"); }
    step "Start" { server.make("up"); }
}"#;
const WHOLE: &str = "config begin\nconfig end\nbuild begin\nbuild end\nup begin\nup end\n";

/// A world whose runs are at home at the server.
pub struct AtServer(pub Elsewhere);

impl AtServer {
    pub fn new() -> AtServer {
        AtServer::on(|network| network.host("far"))
    }

    fn on(host: impl FnOnce(&sshd::Network) -> sshd::Host) -> AtServer {
        let elsewhere = Elsewhere::on(host);
        let site = elsewhere.world.read("site.toml");
        elsewhere.world.write("site.toml", site.strip_prefix("home = \"here\"\n").unwrap());
        AtServer(elsewhere)
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = self.0.command(arguments);
        command.env_remove("BANISTER_FOREGROUND");
        command
    }

    pub fn banister(&self, arguments: &[&str]) -> Said {
        said(self.command(arguments).output().unwrap())
    }

    /// The same on another machine, which has the same site and remembers nothing.
    pub fn colleague(&self, arguments: &[&str]) -> Command {
        let desk = self.0.world.path().join("desk");
        for folder in ["", "runbooks"] {
            fs::create_dir_all(desk.join(folder)).unwrap();
            for entry in fs::read_dir(self.0.world.path().join(folder)).unwrap().flatten() {
                let name = entry.file_name().into_string().unwrap();
                if name == "site.toml" || name.ends_with(".rhai") {
                    fs::copy(entry.path(), desk.join(folder).join(name)).unwrap();
                }
            }
        }
        let mut command = self.command(arguments);
        command
            .current_dir(&desk)
            .env("HOME", &desk)
            .env("BANISTER_STATE", desk.join("state"))
            .env("USER", "bea");
        command
    }

    pub fn state(&self) -> PathBuf {
        self.0.host.home().join(".local/state/banister")
    }

    pub fn runs(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.state().join("runs")).into_iter().flatten().flatten();
        let mut runs: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
        runs.sort();
        runs
    }

    fn records(&self) -> usize {
        let journal = self.runs().pop().map(|run| run.join("journal.jsonl"));
        journal.map_or(0, |path| fs::read_to_string(path).unwrap_or_default().lines().count())
    }

    fn again(&self) {
        for folder in
            [self.state().join("runs"), self.state().join("sites"), self.0.world.path().join("state")]
        {
            _ = fs::remove_dir_all(folder);
        }
        self.0.world.write("trace", "");
    }

    /// Nobody works there any more.
    pub fn until_quiet(&self) {
        wait(|| processes(&self.0.host.home()).is_empty());
    }
}

impl Drop for AtServer {
    fn drop(&mut self) {
        for pid in processes(&self.0.host.home()) {
            let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
            _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
        }
    }
}

/// Runners and watchers of runs in this home.
fn processes(home: &Path) -> Vec<u32> {
    parts(home, &["run-here", "watch-run"])
}

/// Processes that play these parts with the program in this home.
fn parts(home: &Path, parts: &[&str]) -> Vec<u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let is_one = |pid: &u32| {
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line).into_owned();
        let part = line.split('\0').nth(1).unwrap_or_default().to_owned();
        line.contains(home.to_str().unwrap()) && parts.contains(&part.as_str())
    };
    pids.filter(is_one).collect()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found
}

#[test]
fn a_run_at_its_server_is_begun_shown_and_continued_from_here() {
    let at = AtServer::new();
    at.0.world.write(
        "web/Makefile",
        &format!("{}broken:\n\t@test -e ../mended\n", at.0.world.read("web/Makefile")),
    );
    at.0.runbook(
        r#"fn main() {
            let server = this_server();
            lock(server, "try");
            step "Configure" { server.make("config"); }
            step "Break" { server.make("broken"); }
        }"#,
    );
    let began = at.banister(&["run", "try"]);
    assert_eq!(began.code, Some(1), "{began:?}");
    assert!(began.out.contains("state: `try` failed on web in step `Break`"), "{began:?}");
    assert!(began.out.contains("next:  banister resume "), "{began:?}");
    // Places in scripts are those that the admin knows.
    assert!(!all(&began).contains("/sites/"), "{began:?}");
    assert_eq!(at.0.world.journals().len(), 0, "its journal is at the server");
    assert_eq!(at.runs().len(), 1);
    let shown = at.banister(&["show", "--json"]);
    assert!(shown.out.contains(r#""state":"failed""#), "{shown:?}");
    let listed = at.banister(&["runs"]);
    assert!(listed.out.contains("failed") && listed.out.contains("at its server"), "{listed:?}");
    let status = at.banister(&["status"]);
    assert!(status.out.contains("`try` failed on web"), "{status:?}");
    let refused = at.banister(&["run", "try"]);
    assert_eq!(refused.code, Some(4), "{refused:?}");
    assert!(refused.err.contains("unfinished"), "{refused:?}");
    let sites = fs::read_dir(at.state().join("sites")).unwrap().flatten().next().unwrap().path();
    assert_eq!(fs::read_dir(sites).unwrap().count(), 1, "what did not begin leaves nothing there");
    let known = fs::read_dir(at.0.world.path().join("state/homes")).unwrap();
    assert_eq!(known.count(), 1, "nor here");
    let run = at.runs()[0].file_name().unwrap().to_str().unwrap().to_owned();
    let typed = at.banister(&["repl", "--run", &run]);
    assert!(typed.err.contains("is at its server, `web`"), "{typed:?}");
    // What it says to type works.
    let line = typed.err.split("type in it there: `").nth(1).unwrap().split('`').next().unwrap();
    let there = at.command(&[]);
    let path = there.get_envs().find(|(name, _)| *name == "PATH").unwrap().1.unwrap().to_owned();
    let mut there = Command::new("sh");
    there.args(["-c", &format!("echo '20 + 22' | {line}")]).env("PATH", path);
    let there = said(there.output().unwrap());
    assert!(there.code == Some(0) && there.out.contains("42"), "{line}: {there:?}");
    at.0.world.write("mended", "");
    let resumed = at.banister(&["resume"]);
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    assert!(resumed.out.contains("state: `try` is done on web"), "{resumed:?}");
    assert_eq!(at.0.trace(), "config begin\nconfig end\n");
    let nothing = at.banister(&["resume"]);
    assert!(nothing.out.contains("there is nothing to resume"), "{nothing:?}");
    let nothing = at.banister(&["attach"]);
    assert!(nothing.out.contains("no run works in the background"), "{nothing:?}");
    for file in files(&at.state().join("sites")) {
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{file:?}");
    }
    // What is wrong with a script is found before anything is sent.
    at.0.runbook("fn main() { nowhere(); }");
    let wrong = at.banister(&["run", "try"]);
    assert_eq!((wrong.code, at.runs().len()), (Some(2), 1), "{wrong:?}");
    let here = said(at.command(&["run", "try", "--foreground"]).output().unwrap());
    assert_eq!(here.code, Some(2), "{here:?}");
}

/// The site is sent as it is when that is typed.
#[test]
fn a_script_that_was_corrected_here_is_continued_with_there() {
    let at = AtServer::new();
    let text = |broken: &str| {
        format!(
            r#"import "kind" as kind;
            fn main(word) {{
                let server = this_server();
                lock(server, "try");
                step "Configure" {{ server.make("config"); }}
                step "Break" {{ server.run(["{broken}", word]); }}
            }}"#
        )
    };
    at.0.runbook(&text("false"));
    at.0.world.write("releases/note.txt", "sent, too");
    let planned = at.banister(&["plan", "try", "--word", "one", "--out", "saved"]);
    assert_eq!(planned.code, Some(0), "{planned:?}");
    let began = at.banister(&["run", "try", "--word", "one", "--plan", "saved", "--json"]);
    assert_eq!(began.code, Some(1), "{began:?}");
    for line in began.out.lines() {
        serde_json::from_str::<serde_json::Value>(line).unwrap_or_else(|error| panic!("{error}: {line}"));
    }
    assert!(began.out.contains(r#""event":"step_finished""#), "{began:?}");
    at.until_quiet();
    at.0.runbook(&text("true"));
    let original = at.banister(&["resume", "--original"]);
    assert_eq!(original.code, Some(1), "{original:?}");
    at.until_quiet();
    // At a terminal what it asks is asked here, before anything is done.
    let like = at.command(&[]);
    let words = [sshd::program().to_str().unwrap(), "resume", "--from", "Configure"];
    let mut ann = Pty::start(&like, &words, 40, 100);
    ann.sees("Make them again?");
    ann.types("y\n");
    ann.sees("state: `try` is done on web");
    assert_eq!(ann.ends().code(), Some(0));
    at.until_quiet();
    assert_eq!(at.0.trace(), "config begin\nconfig end\n".repeat(2));
    // What can't be sent is refused by its name.
    fs::create_dir_all(at.0.world.path().join("stdlib")).unwrap();
    fs::write(at.0.world.path().join("stdlib/blob"), [0xff, 0xfe]).unwrap();
    let refused = at.banister(&["run", "try", "--word", "two"]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.err.contains("stdlib/blob` can't be sent to the server"), "{refused:?}");
}

#[test]
fn whoever_looks_on_may_be_killed_at_any_record() {
    let at = AtServer::new();
    at.0.runbook(STEPS);
    let whole = at.banister(&["run", "try"]);
    assert_eq!(whole.code, Some(0), "{whole:?}");
    assert_eq!(at.0.trace(), WHOLE);
    at.until_quiet();
    let records = at.records();
    for n in chance::part((1..records).collect(), 5) {
        at.again();
        let mut viewer = at.command(&["run", "try"]).spawn().unwrap();
        wait(|| at.records() >= n);
        viewer.kill().unwrap();
        _ = viewer.wait();
        let looked = at.banister(&["attach"]);
        assert_eq!(looked.code, Some(0), "killed at {n}: {looked:?}");
        at.until_quiet();
        assert_eq!(at.0.trace(), WHOLE, "killed at {n}");
        let shown = at.banister(&["show"]);
        assert!(shown.out.contains("`try` is done on web"), "killed at {n}: {shown:?}");
    }
}

fn all(said: &Said) -> String {
    format!("{}{}", said.out, said.err)
}

/// `banister home` is killed before it has said that the run began, and the runner later.
#[test]
fn what_works_there_may_be_killed_at_any_record() {
    let at = AtServer::new();
    at.0.runbook(STEPS);
    let settings = at.0.host.home().join(".bashrc");
    assert_eq!(at.banister(&["run", "try"]).code, Some(0));
    at.until_quiet();
    let mut places: Vec<String> = ["before 0", "after 0", "after 1"].map(str::to_owned).to_vec();
    let later: Vec<usize> = (2..at.records()).collect();
    places.extend(chance::part(later, 3).into_iter().map(|n| format!("after {n}")));
    let mut lost = 0;
    for place in places {
        at.again();
        fs::write(&settings, format!("export BANISTER_CRASH_AT='{place}'\n")).unwrap();
        let began = at.banister(&["run", "try"]);
        fs::remove_file(&settings).unwrap();
        if began.code == Some(130) {
            lost += 1;
            assert!(began.err.contains("while the run began there"), "{place}: {began:?}");
            let resumed = at.banister(&["resume"]);
            assert_eq!(resumed.code, Some(0), "{place}: {resumed:?}");
            if resumed.out.contains("nothing to resume") {
                assert_eq!(at.0.trace(), "", "{place}");
                let again = at.banister(&["run", "try"]);
                assert_eq!(again.code, Some(0), "{place}: {again:?}");
            }
        } else {
            assert_eq!(began.code, Some(0), "{place}: {began:?}");
        }
        at.until_quiet();
        assert_eq!(at.0.trace(), WHOLE, "{place}");
    }
    assert!(lost >= 2, "the home itself was killed {lost} times");
}

/// Their state folder is another one: what they do is known by the server's book.
#[test]
fn a_run_of_another_user_is_named() {
    let at = AtServer::new();
    at.0.runbook(
        r#"fn main() { lock(this_server(), "wait"); this_server().shell("echo begin >> ../trace; until test -e ../go; do sleep 0.02; done"); }"#,
    );
    let settings = at.0.host.home().join(".bashrc");
    fs::write(&settings, format!("export BANISTER_STATE='{}/other'\n", at.0.host.home().display())).unwrap();
    let began = at.banister(&["run", "try", "--detach"]);
    assert_eq!(began.code, Some(0), "{began:?}");
    at.0.until(|trace| trace.contains("begin"));
    fs::remove_file(&settings).unwrap();
    let looked = said(at.colleague(&["attach"]).output().unwrap());
    assert!(looked.out.contains("no run works in the background"), "{looked:?}");
    assert!(looked.out.contains("is at work: wait") && looked.out.contains("/other/runs/"), "{looked:?}");
    let refused = said(at.colleague(&["resume"]).output().unwrap());
    assert_eq!(refused.code, Some(4), "{refused:?}");
    at.0.world.write("go", "");
    at.until_quiet();
}

/// How often each line is in a text.
fn each_once(out: &str, lines: &[&str], place: &str) {
    for line in lines {
        let count = out.lines().filter(|shown| shown.contains(line)).count();
        assert_eq!(count, 1, "{place}: `{line}` in\n{out}");
    }
}

#[test]
fn a_cut_connection_is_made_again_and_nothing_is_missed_or_shown_twice() {
    let at = AtServer::new();
    at.0.runbook(
        r#"fn main() {
            for n in 1..=12 { note(`note number ${n}.`); this_server().run(["sleep", "0.1"]); }
        }"#,
    );
    let whole = at.banister(&["run", "try"]);
    assert_eq!(whole.code, Some(0), "{whole:?}");
    let notes: Vec<String> = (1..=12).map(|n| format!("note number {n}.")).collect();
    let notes: Vec<&str> = notes.iter().map(String::as_str).collect();
    each_once(&whole.out, &notes, "uncut");
    at.until_quiet();
    let records = at.records();
    for n in chance::part((1..records).collect(), 6) {
        at.again();
        let viewer = at.command(&["run", "try"]).spawn().unwrap();
        wait(|| at.records() >= n);
        at.0.host.cut();
        let seen = said(viewer.wait_with_output().unwrap());
        // Before the run is known here to have begun, only its home knows.
        if seen.code == Some(130) {
            assert!(seen.err.contains("while the run began there"), "cut at {n}: {seen:?}");
            let looked = at.banister(&["attach"]);
            assert_eq!(looked.code, Some(0), "cut at {n}: {looked:?}");
        } else {
            assert_eq!(seen.code, Some(0), "cut at {n}: {seen:?}");
            each_once(&seen.out, &notes, &format!("cut at {n}"));
        }
        at.until_quiet();
    }
}

#[test]
fn a_colleague_on_another_machine_looks_on_answers_and_continues() {
    let at = AtServer::new();
    at.0.world.write(
        "web/Makefile",
        &format!("{}broken:\n\t@test -e ../mended\n", at.0.world.read("web/Makefile")),
    );
    at.0.runbook(
        r#"fn main() {
            let server = this_server();
            lock(server, "ask");
            step "Ask" { confirm("Shall it continue?"); }
            step "Configure" { server.make("config"); }
            step "Break" { server.make("broken"); }
        }"#,
    );
    let began = at.banister(&["run", "try", "--detach", "--on-failure", "stop"]);
    assert_eq!(began.code, Some(0), "{began:?}");
    assert!(began.out.contains("works in the background"), "{began:?}");
    let status = said(at.colleague(&["status"]).output().unwrap());
    assert!(status.out.contains("waits for an answer"), "{status:?}");
    let listed = said(at.colleague(&["runs"]).output().unwrap());
    assert!(listed.out.contains("running"), "{listed:?}");
    let like = at.colleague(&[]);
    let mut bea = Pty::start(&like, &[sshd::program().to_str().unwrap(), "attach"], 40, 100);
    bea.sees("Shall it continue?");
    bea.types("y\n");
    assert_eq!(bea.ends().code(), Some(1), "{:?}", bea.rows());
    at.until_quiet();
    let shown = at.banister(&["show"]);
    assert!(shown.out.contains("bea@"), "who answered is known: {shown:?}");
    at.0.world.write("mended", "");
    let resumed = said(at.colleague(&["resume"]).output().unwrap());
    assert_eq!(resumed.code, Some(0), "{resumed:?}");
    at.until_quiet();
    assert_eq!(at.0.trace(), "config begin\nconfig end\n");
}

#[test]
fn a_person_who_stops_it_stops_what_runs_there() {
    let at = AtServer::new();
    at.0.runbook(
        r#"fn main() {
            let server = this_server();
            lock(server, "stop");
            server.shell("echo begin >> ../trace; sleep 600");
        }"#,
    );
    let viewer = at.command(&["run", "try"]).spawn().unwrap();
    at.0.until(|trace| trace.contains("begin"));
    // It has to have been connected to be asked.
    std::thread::sleep(Duration::from_secs(3));
    for _ in 0..2 {
        assert!(Command::new("kill").args(["-INT", &viewer.id().to_string()]).status().unwrap().success());
        std::thread::sleep(Duration::from_millis(300));
    }
    let seen = said(viewer.wait_with_output().unwrap());
    assert_eq!(seen.code, Some(130), "{seen:?}");
    assert!(seen.out.contains("was interrupted"), "{seen:?}");
    at.until_quiet();
}

#[test]
fn a_secret_is_in_no_list_of_processes_and_in_no_file() {
    const CANARY: &str = "canary-7f3a9c51e2-yellow";
    let at = AtServer::new();
    at.0.runbook(
        r#"fn main() {
            let token = secret("token");
            this_server().shell("test -n \"$TOKEN\"; echo begin >> ../trace; until test -e ../go; do sleep 0.02; done",
                #{ environment: #{ TOKEN: token } });
        }"#,
    );
    let mut command = at.command(&["run", "try"]);
    command.env("BANISTER_SECRET_TOKEN", CANARY).env("BANISTER_SECRET_OTHER", "another-8a4d-which-stays");
    let viewer = command.spawn().unwrap();
    at.0.until(|trace| trace.contains("begin"));
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&line).contains(CANARY), "{entry:?}");
    }
    for pid in processes(&at.0.host.home()) {
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&environment).contains("another-8a4d"), "no script asks for it");
    }
    at.0.world.write("go", "");
    let seen = said(viewer.wait_with_output().unwrap());
    assert_eq!(seen.code, Some(0), "{seen:?}");
    assert!(!all(&seen).contains(CANARY), "{seen:?}");
    at.until_quiet();
    for folder in [at.state(), at.0.world.path().join("state")] {
        for file in files(&folder) {
            let text = fs::read(&file).unwrap_or_default();
            assert!(!String::from_utf8_lossy(&text).contains(CANARY), "{file:?}");
        }
    }
}

#[test]
fn of_a_home_that_can_not_be_reached_nothing_is_known() {
    let mut at = AtServer::new();
    at.0.runbook(STEPS);
    let done = at.banister(&["run", "try"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    at.0.host.stop();
    let listed = at.banister(&["runs"]);
    assert_eq!(listed.code, Some(0), "{listed:?}");
    assert!(listed.out.contains("unknown") && !listed.out.contains("interrupted"), "{listed:?}");
    let listed = at.banister(&["runs", "--json"]);
    assert!(listed.out.contains(r#""state":"unknown""#), "{listed:?}");
    let run = listed.out.split(r#""run":""#).nth(1).unwrap().split('"').next().unwrap().to_owned();
    for command in [vec!["show"], vec!["show", &run], vec!["attach"], vec!["attach", &run], vec!["resume"]] {
        let asked = at.banister(&command);
        assert_eq!(asked.code, Some(1), "{command:?}: {asked:?}");
        assert!(asked.err.contains("it is unknown which runs are on `web`"), "{command:?}: {asked:?}");
    }
    let status = at.banister(&["status"]);
    assert!(status.out.contains("last run") && status.out.contains("unknown"), "{status:?}");
    assert!(!status.out.contains("free") && !status.out.contains("interrupted"), "{status:?}");
    at.0.host.start();
    let shown = at.banister(&["show", &run]);
    assert!(shown.out.contains("`try` is done on web"), "{shown:?}");
}

#[test]
fn a_run_is_followed_on_after_a_time_in_which_no_packet_came_through() {
    let (Some(near), Some(far)) = (Namespace::new(), Namespace::new()) else {
        eprintln!("SKIPPED: dropped packets need root, for networks of their own");
        return;
    };
    join(&near, &far);
    let enter = far.enter();
    let enter: Vec<&str> = enter.iter().map(String::as_str).collect();
    let at = AtServer::on(|network| network.host_behind("far", &enter, FAR));
    at.0.runbook(
        r#"fn main() {
            note("note number 1.");
            this_server().shell("echo begin >> ../trace; until test -e ../go; do sleep 0.02; done; echo end >> ../trace");
            note("note number 2.");
        }"#,
    );
    let run = at.command(&["run", "try"]);
    let [program, enter @ ..] = near.enter();
    let mut command = Command::new(program);
    command.args(enter).arg(run.get_program()).args(run.get_args());
    command.current_dir(run.get_current_dir().unwrap()).env_clear();
    command.envs(run.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    at.0.until(|trace| trace.contains("begin"));
    std::thread::sleep(Duration::from_secs(3));
    far.ip("link set far down");
    at.0.world.write("go", "");
    assert!(errors.any(|line| line.contains("the connection to `web` was lost")), "it is not noticed");
    assert_eq!(at.0.trace(), "begin\nend\n");
    at.until_quiet();
    far.ip("link set far up");
    let seen = said(child.wait_with_output().unwrap());
    assert_eq!(seen.code, Some(0), "{seen:?}");
    each_once(&seen.out, &["note number 1.", "note number 2."], "cut");
    assert!(seen.out.contains("state: `try` is done on web"), "{seen:?}");
    // What served a connection that nobody hears of any more ends, too.
    wait(|| parts(&at.0.host.home(), &["home"]).is_empty());
}
