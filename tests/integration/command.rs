//! Supervised commands, through the real program and with real processes.
//!
//! Who is to be killed must be a process of its own. So this program starts itself again: as a starter or a resumer
//! of the command in a folder, see `role`.

use banister::failure::Kind;
use banister::internals::command::{Attention, Exit, Followed, From, Spec, State, Survivor};
use banister::internals::command::{
    cancel, follow, log, look, processes_with_mark, start, state, supervise_with, tail, void,
};
use banister::units;
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{read_to_string, write};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};
use tempfile::TempDir;

mod kill_loop;

/// A folder for one command, with room beside it for what the command writes. What still runs at the end is killed.
struct Place {
    outer: TempDir,
    folder: PathBuf,
}

impl Place {
    fn new() -> Place {
        supervise_with(env!("CARGO_BIN_EXE_banister"));
        let outer = tempfile::tempdir().unwrap();
        Place { folder: outer.path().join("logs/3.1"), outer }
    }

    /// A shell script that runs beside the folder.
    fn shell(&self, script: &str) -> Spec {
        Spec::new(["sh", "-c", script], self.outer.path())
    }

    fn start(&self, script: &str) {
        start(&self.folder, &self.shell(script)).unwrap();
    }

    fn follow(&self) -> (Followed, Vec<String>) {
        let mut lines = Vec::new();
        let followed =
            follow(&self.folder, From::Start, &|| Attention::Go, &mut |line| lines.push(line.into()))
                .unwrap();
        (followed, lines)
    }

    fn run(&self, script: &str) -> (Followed, Vec<String>) {
        self.start(script);
        self.follow()
    }

    /// What the command wrote into a file beside the folder.
    fn text(&self, name: &str) -> String {
        read_to_string(self.outer.path().join(name)).unwrap_or_default()
    }

    /// Waits until the command wrote so many lines into a file.
    fn wait_for(&self, name: &str, lines: usize) {
        until("the command does not write", || self.text(name).lines().count() >= lines);
    }

    fn supervisor(&self) -> i32 {
        supervisor(&self.folder).expect("nobody signed the lock")
    }

    /// This program again, in another role.
    fn role(&self, role: &str, script: &str) -> Command {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "command::role", "--nocapture"])
            .env("BANISTER_TEST_ROLE", role)
            .env("BANISTER_TEST_FOLDER", &self.folder)
            .env("BANISTER_TEST_SCRIPT", script)
            .stdout(Stdio::null());
        command
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = cancel(&self.folder);
        for survivor in processes_with_mark(&self.folder) {
            kill(survivor.pid, Signal::KILL);
        }
        // The supervisor writes into the folder until it is gone, and then the folder can be removed.
        let _ = follow(&self.folder, From::Now, &|| Attention::Cancel, &mut |_| {});
    }
}

fn until(otherwise: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "{otherwise}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn kill(pid: i32, signal: Signal) {
    let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
}

/// Who signed the lock, if it is really a supervisor of this folder.
fn supervisor(folder: &Path) -> Option<i32> {
    let signed: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.join("lock")).ok()?).ok()?;
    let pid = signed["pid"].as_i64()? as i32;
    let line = read_to_string(format!("/proc/{pid}/cmdline")).ok()?;
    line.ends_with(&format!("__supervise\0{}\0", folder.canonicalize().ok()?.display())).then_some(pid)
}

fn runs(pid: i32) -> bool {
    read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "))
}

/// Not a test of its own: what this program does when a test starts it again.
#[test]
fn role() {
    let Ok(role) = std::env::var("BANISTER_TEST_ROLE") else { return };
    let folder = PathBuf::from(std::env::var_os("BANISTER_TEST_FOLDER").unwrap());
    let script = std::env::var("BANISTER_TEST_SCRIPT").unwrap();
    let beside = folder.ancestors().nth(2).unwrap();
    supervise_with(env!("CARGO_BIN_EXE_banister"));
    kill_loop::pause();
    if role == "starter" {
        write(beside.join("intent"), "").unwrap();
    }
    kill_loop::pause();
    let mut spec = Spec::new(["sh", "-c", &script], beside);
    spec.within = std::env::var("BANISTER_TEST_WITHIN").ok().map(|within| within.parse().unwrap());
    start(&folder, &spec).unwrap();
    let followed = follow(&folder, From::Start, &|| Attention::Go, &mut |_| {}).unwrap();
    let (name, new) = (format!("result.{}", std::process::id()), format!("new.{}", std::process::id()));
    write(beside.join(&new), format!("{followed:?}")).unwrap();
    std::fs::rename(beside.join(new), beside.join(name)).unwrap();
}

#[test]
fn a_command_runs_once_however_often_it_is_started_and_its_end_is_found_again() {
    let place = Place::new();
    assert_eq!(state(&place.folder).unwrap(), State::NotBegun);
    let script = "echo ran >> ran; echo to stdout; echo to stderr >&2; exit 3";
    let (followed, lines) = place.run(script);
    assert_eq!(followed, Followed::Ended(Exit::Status(3)));
    assert_eq!(lines, ["to stdout", "to stderr"]);
    place.start(script);
    assert_eq!(place.follow().0, followed);
    assert_eq!(state(&place.folder).unwrap(), State::Ended(Exit::Status(3)));
    assert_eq!(place.text("ran"), "ran\n");
    assert_eq!(tail(&place.folder, 1, &str::to_owned), ["to stderr"]);
    let other = start(&place.folder, &place.shell("another")).unwrap_err();
    assert_eq!(other.kind, Kind::Mismatch);
}

#[test]
fn a_command_that_died_of_a_signal_is_told_so() {
    assert_eq!(Place::new().run("kill -9 $$").0, Followed::Ended(Exit::Signal(9)));
}

#[test]
fn folder_and_files_are_for_their_owner_and_hold_nothing_of_the_environment() {
    let place = Place::new();
    let mut starter =
        place.role("starter", "test \"$PASSWORD\" = sesame").env("PASSWORD", "sesame").spawn().unwrap();
    assert!(starter.wait().unwrap().success());
    assert_eq!(place.follow().0, Followed::Ended(Exit::Status(0)));
    assert_eq!(place.folder.metadata().unwrap().permissions().mode() & 0o777, 0o700);
    let mut names = Vec::new();
    for entry in place.folder.read_dir().unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
        assert!(!read_to_string(entry.path()).unwrap().replace("= sesame", "").contains("sesame"));
        names.push(entry.file_name().into_string().unwrap());
    }
    names.sort();
    assert_eq!(names, ["begun", "exit", "lock", "log", "spec"]);
}

#[test]
fn the_environment_says_that_nobody_can_answer_and_a_spec_may_say_otherwise() {
    let place = Place::new();
    let mut spec =
        place.shell("echo $GIT_TERMINAL_PROMPT $NO_COLOR $GIVEN; readlink /proc/self/fd/0; readlink /proc/self/fd/* | grep /lock");
    spec.environment = [("GIVEN", "given"), ("NO_COLOR", "other")].map(|(k, v)| (k.into(), v.into())).into();
    start(&place.folder, &spec).unwrap();
    let (_, lines) = place.follow();
    assert_eq!(lines, ["0 other given", "/dev/null"], "and the lock is not left to it");
}

#[test]
fn a_command_that_cannot_be_executed_says_why() {
    let place = Place::new();
    start(&place.folder, &Spec::new(["no-such-program", "up"], place.outer.path())).unwrap();
    let (followed, lines) = place.follow();
    let why = "there is no program `no-such-program`";
    assert_eq!(followed, Followed::Ended(Exit::NotStarted(why.into())));
    assert!(lines.is_empty());

    let place = Place::new();
    start(&place.folder, &Spec::new(["true"], place.outer.path().join("missing"))).unwrap();
    let (Followed::Ended(Exit::NotStarted(why)), _) = place.follow() else { panic!("it ran") };
    assert!(why.starts_with("the folder `/") && why.ends_with("/missing` is not there"), "{why}");

    let nothing = start(&place.folder, &Spec::new([""; 0], "/")).unwrap_err();
    assert_eq!(nothing.kind, Kind::Invalid);
}

#[test]
fn a_tree_in_sessions_of_its_own_that_ignores_the_request_to_end_is_gone_after_cancel() {
    let place = Place::new();
    // Ten leaders of sessions, each with a child, half of them orphans; nobody listens.
    let script = r#"
        trap '' TERM
        for i in 1 2 3 4 5 6 7 8 9 10; do
            (setsid sh -c 'sleep 600 & echo $! >> pids; echo $$ >> pids; while :; do sleep 1; done' &)
        done
        echo $$ >> pids
        while :; do sleep 1; done"#;
    place.start(script);
    place.wait_for("pids", 21);
    assert!(place.text("pids").lines().all(|pid| runs(pid.parse().unwrap())));
    assert!(processes_with_mark(&place.folder).len() >= 21);
    let followed = follow(&place.folder, From::Now, &|| Attention::Cancel, &mut |_| {}).unwrap();
    assert_eq!(followed, Followed::Ended(Exit::Cancelled));
    assert_eq!(place.text("pids").lines().filter(|pid| runs(pid.parse().unwrap())).count(), 0);
    assert_eq!(processes_with_mark(&place.folder), []);
}

#[test]
fn a_command_that_listens_to_the_request_to_end_may_tidy_up() {
    let place = Place::new();
    place.start("trap 'echo tidied; exit 0' TERM; echo ready >> ready; while :; do sleep 0.01; done");
    place.wait_for("ready", 1);
    cancel(&place.folder).unwrap();
    let (followed, lines) = place.follow();
    assert_eq!(followed, Followed::Ended(Exit::Cancelled));
    // The shell may also tell that its `sleep` was terminated.
    assert!(lines.contains(&"tidied".into()), "{lines:?}");
    cancel(&place.folder).unwrap();
}

#[test]
fn a_daemon_that_a_command_starts_lives_on_and_holds_nothing_up() {
    let place = Place::new();
    let (followed, _) = place.run("sleep 600 & echo $! > pid; setsid sleep 600 & echo started");
    assert_eq!(followed, Followed::Ended(Exit::Status(0)));
    until("the supervisor stays", || supervisor(&place.folder).is_none());
    let pid: i32 = place.text("pid").trim().parse().unwrap();
    assert!(runs(pid));
    // It is a copy of the shell until it has become what it is to run.
    let daemon = Survivor { pid, command_line: "sleep 600".into() };
    until("the daemon is not seen", || processes_with_mark(&place.folder).contains(&daemon));
    // Nobody holds the lock any more: it could be taken.
    let lock = std::fs::File::open(place.folder.join("lock")).unwrap();
    rustix::fs::flock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
}

#[test]
fn a_large_log_is_capped_and_its_end_is_shown() {
    let place = Place::new();
    // In pieces, so that the supervisor sees it grow.
    let script = "for i in 1 2 3 4 5 6; do seq 1000000 1624999; sleep 0.1; done; echo the end";
    let (followed, lines) = place.run(script);
    assert_eq!(followed, Followed::Ended(Exit::Status(0)));
    assert_eq!(lines.last().unwrap(), "the end");
    assert!(lines.iter().all(|line| line.len() == 7 || line.starts_with("… ")), "a line was torn");
    let metadata = log(&place.folder).metadata().unwrap();
    assert_eq!(metadata.len(), 30_000_008);
    assert!(metadata.blocks() * 512 < 12 << 20, "{} blocks", metadata.blocks());
    assert_eq!(tail(&place.folder, 2, &str::to_owned), ["1624999", "the end"]);
}

#[test]
fn progress_and_colours_are_shown_as_text() {
    let script =
        r"printf '10%%\r99%%\r100%%\n\033[31mred\033[0m\n'; printf 'sure? '; sleep 0.6; echo; echo done";
    let (_, lines) = Place::new().run(script);
    assert_eq!(lines, ["100%", "red", "sure? ", "done"]);
}

#[test]
fn a_follower_may_leave_and_another_one_goes_on_from_now() {
    let place = Place::new();
    place.start("echo before; while [ ! -e go ]; do sleep 0.01; done; echo after");
    let seen = Mutex::new(Vec::new());
    let leave = || if seen.lock().unwrap().is_empty() { Attention::Go } else { Attention::Leave };
    let followed =
        follow(&place.folder, From::Start, &leave, &mut |line| seen.lock().unwrap().push(line.to_owned()))
            .unwrap();
    assert_eq!((followed, seen.into_inner().unwrap()), (Followed::Left, vec!["before".into()]));
    assert_eq!(state(&place.folder).unwrap(), State::Running);
    let mut seen = Vec::new();
    let go = || {
        write(place.outer.path().join("go"), "").unwrap();
        Attention::Go
    };
    let followed = follow(&place.folder, From::Now, &go, &mut |line| seen.push(line.to_owned())).unwrap();
    assert_eq!(followed, Followed::Ended(Exit::Status(0)));
    assert_eq!(seen, ["after"]);
}

#[test]
fn a_command_is_followed_to_its_end_after_its_starter_was_killed() {
    let place = Place::new();
    let mut starter = place
        .role("starter", "echo begun; echo >> begun; while [ ! -e go ]; do sleep 0.01; done; exit 5")
        .spawn()
        .unwrap();
    place.wait_for("begun", 1);
    starter.kill().unwrap();
    starter.wait().unwrap();
    assert_eq!(state(&place.folder).unwrap(), State::Running);
    write(place.outer.path().join("go"), "").unwrap();
    assert_eq!(place.follow(), (Followed::Ended(Exit::Status(5)), vec!["begun".into()]));
}

#[test]
fn the_time_limit_holds_although_the_follower_was_killed() {
    let place = Place::new();
    let mut starter = place
        .role("starter", "echo >> begun; sleep 600 & wait")
        .env("BANISTER_TEST_WITHIN", "1s")
        .spawn()
        .unwrap();
    place.wait_for("begun", 1);
    starter.kill().unwrap();
    starter.wait().unwrap();
    until("the time limit is not kept", || state(&place.folder).unwrap() == State::Ended(Exit::TimedOut));
    assert_eq!(processes_with_mark(&place.folder), []);
}

#[test]
fn two_resumers_at_once_read_the_same_end() {
    let place = Place::new();
    let script = "sleep 0.1; exit 4";
    place.start(script);
    let mut resumers = [(); 2].map(|()| place.role("resumer", script).spawn().unwrap());
    for resumer in &mut resumers {
        assert!(resumer.wait().unwrap().success());
        assert_eq!(place.text(&format!("result.{}", resumer.id())), "Ended(Status(4))");
    }
}

#[test]
fn a_command_whose_supervisor_was_killed_goes_on_and_is_cut_off_in_the_end() {
    let place = Place::new();
    place.start("setsid sleep 600 & echo >> begun; while [ ! -e go ]; do sleep 0.01; done; echo late");
    place.wait_for("begun", 1);
    kill(place.supervisor(), Signal::KILL);
    until("the supervisor lives", || supervisor(&place.folder).is_none());
    assert_eq!(state(&place.folder).unwrap(), State::Running);
    write(place.outer.path().join("go"), "").unwrap();
    let (Followed::CutOff { survivors }, lines) = place.follow() else { panic!("its end can't be known") };
    assert_eq!(lines, ["late"]);
    assert_eq!(survivors.iter().map(|survivor| &survivor.command_line).collect::<Vec<_>>(), ["sleep 600"]);
    assert_eq!(state(&place.folder).unwrap(), State::CutOff { survivors });
    // Nothing starts it again.
    place.start("setsid sleep 600 & echo >> begun; while [ ! -e go ]; do sleep 0.01; done; echo late");
    assert_eq!(place.text("begun"), "\n");
    assert!(!void(&place.folder).unwrap());
}

#[test]
fn a_command_without_supervisor_can_be_cancelled() {
    let place = Place::new();
    place.start(
        "trap '' TERM; setsid sleep 600 & echo $! >> pids; echo $$ >> pids; while :; do sleep 1; done",
    );
    place.wait_for("pids", 2);
    kill(place.supervisor(), Signal::KILL);
    until("the supervisor lives", || supervisor(&place.folder).is_none());
    let followed = follow(&place.folder, From::Now, &|| Attention::Cancel, &mut |_| {}).unwrap();
    assert_eq!(followed, Followed::Ended(Exit::Cancelled));
    assert_eq!(processes_with_mark(&place.folder), []);
    assert!(!place.text("pids").lines().any(|pid| runs(pid.parse().unwrap())));
}

#[test]
fn a_command_set_aside_never_runs_also_not_by_a_late_supervisor() {
    let place = Place::new();
    // What a starter leaves that is killed before its supervisor has the lock.
    std::fs::create_dir_all(&place.folder).unwrap();
    let spec = place.shell("echo >> ran");
    write(place.folder.join("spec"), serde_json::to_string(&spec).unwrap()).unwrap();
    assert!(void(&place.folder).unwrap());
    assert!(void(&place.folder).unwrap());
    let late =
        Command::new(env!("CARGO_BIN_EXE_banister")).arg("__supervise").arg(&place.folder).output().unwrap();
    assert!(late.status.success());
    start(&place.folder, &spec).unwrap();
    assert_eq!(place.follow().0, Followed::Void);
    assert_eq!(state(&place.folder).unwrap(), State::Void);
    assert_eq!(place.text("ran"), "");
}

#[test]
fn a_command_cancelled_before_it_began_never_runs() {
    let place = Place::new();
    std::fs::create_dir_all(&place.folder).unwrap();
    write(place.folder.join("spec"), serde_json::to_string(&place.shell("echo >> ran")).unwrap()).unwrap();
    let followed = follow(&place.folder, From::Start, &|| Attention::Cancel, &mut |_| {}).unwrap();
    assert_eq!(followed, Followed::Void);
    assert_eq!(place.text("ran"), "");
}

#[test]
fn a_damaged_folder_and_one_without_a_command_are_refused() {
    let place = Place::new();
    let nothing = follow(&place.folder, From::Start, &|| Attention::Go, &mut |_| {}).unwrap_err();
    assert_eq!(nothing.kind, Kind::Journal);
    place.run("true");
    write(place.folder.join("exit"), "{\"sta").unwrap();
    assert_eq!(state(&place.folder).unwrap_err().kind, Kind::Journal);
}

#[test]
fn a_look_captures_both_streams_and_its_status() {
    let looked = look(&Spec::new(["sh", "-c", "echo out; echo err >&2; exit 3"], "/"), &|| false).unwrap();
    assert_eq!(looked.exit, Exit::Status(3));
    assert_eq!((looked.stdout.as_str(), looked.stderr.as_str()), ("out\n", "err\n"));
    let large = look(&Spec::new(["seq", "1000000"], "/"), &|| false).unwrap();
    assert_eq!(large.stdout.lines().last().unwrap(), "1000000");
}

#[test]
fn a_look_without_its_program_or_folder_is_not_found() {
    let missing = look(&Spec::new(["no-such-program"], "/"), &|| false).unwrap_err();
    assert_eq!(missing.kind, Kind::NotFound);
    assert_eq!(missing.message, "there is no program `no-such-program`");
    let missing = look(&Spec::new(["true"], "/no/such/folder"), &|| false).unwrap_err();
    assert_eq!(missing.kind, Kind::NotFound);
    assert_eq!(missing.message, "the folder `/no/such/folder` is not there");
}

#[test]
fn a_look_is_ended_with_its_children_when_its_time_is_over_or_nobody_wants_it() {
    for interrupted in [false, true] {
        let place = Place::new();
        let mut spec = place.shell("trap '' TERM; sleep 600 & echo $! > pid; wait; wait");
        spec.within = Some(units::Duration::milliseconds(if interrupted { 600_000 } else { 300 }));
        let failure = look(&spec, &|| interrupted && !place.text("pid").is_empty()).unwrap_err();
        assert_eq!(failure.kind, if interrupted { Kind::Interrupted } else { Kind::TimedOut });
        let pid = place.text("pid").trim().parse().unwrap();
        until("the child lives", || !runs(pid));
    }
}

#[test]
fn a_look_does_not_wait_for_what_it_leaves_behind() {
    let looked = look(&Spec::new(["sh", "-c", "sleep 600 & echo $!"], "/"), &|| false).unwrap();
    let pid = looked.stdout.trim().parse().unwrap();
    assert!(runs(pid));
    kill(pid, Signal::KILL);
}
