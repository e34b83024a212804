//! What the program itself costs, beside its yardsticks, each measured in this one run.
//!
//! Run it with `tests/run --bench`. Every number is the median of the rounds it names; the machine's noise is in the
//! yardsticks too.

use banister::journal::file::JournalFile;
use banister::practice::{Practice, Reach};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    site(folder);
    start_up(folder);
    steps(folder);
    replay(folder);
    shell(folder);
    update();
}

/// A site with one server whose Makefile does nothing.
fn site(folder: &Path) {
    fs::create_dir_all(folder.join("web")).expect("a folder");
    fs::create_dir_all(folder.join("runbooks")).expect("a folder");
    fs::write(folder.join("site.toml"), "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\n")
        .expect("a file");
    fs::write(folder.join("web/Makefile"), "work:\n\t@sleep 2\n").expect("a file");
    let git = Command::new("git").args(["init", "-q"]).arg(folder.join("web")).status();
    assert!(git.expect("git").success());
}

fn banister(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_banister"));
    command
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.env("BANISTER_STATE", folder.join("state"));
    command
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

fn timed(rounds: usize, mut work: impl FnMut()) -> Duration {
    let once = |_| {
        let began = Instant::now();
        work();
        began.elapsed()
    };
    median((0..rounds).map(once).collect())
}

fn succeed(mut command: Command) {
    assert!(command.status().expect("it starts").success(), "{command:?}");
}

fn start_up(folder: &Path) {
    let own = timed(50, || succeed(banister(folder, &["list"])));
    let nothing = timed(50, || succeed(Command::new("/bin/true")));
    println!("banister list: {own:.1?} (/bin/true: {nothing:.1?}); 50 rounds");
    let check = timed(50, || succeed(banister(folder, &["check"])));
    // Nobody types: it is begun, is ready, and ends.
    let prompt = timed(50, || succeed(banister(folder, &["repl"])));
    println!(
        "banister check of all that is bundled: {check:.1?}; banister repl, begun and left: {prompt:.1?}; 50 rounds"
    );
}

/// Steps with one look each, and the two syncs that a change adds, measured apart.
fn steps(folder: &Path) {
    let runbook = |steps: usize| {
        format!("fn main() {{\n    for n in 0..{steps} {{ step `Step ${{n}}` {{ note(now()); }} }}\n}}\n")
    };
    let count = 2_000;
    fs::write(folder.join("runbooks/none.rhai"), runbook(0)).expect("a file");
    fs::write(folder.join("runbooks/many.rhai"), runbook(count)).expect("a file");
    let none = timed(5, || succeed(banister(folder, &["run", "none"])));
    let many = timed(5, || succeed(banister(folder, &["run", "many"])));
    let each = (many.saturating_sub(none)) / u32::try_from(count).expect("small");
    let mut file = fs::File::create(folder.join("synced")).expect("a file");
    let sync = timed(200, || {
        file.write_all(&[b'x'; 200]).expect("written");
        file.sync_data().expect("synced");
    });
    println!(
        "a step with one no-op call: {each:.1?}; a sync of 200 bytes: {sync:.1?}; 5 rounds of {count} steps"
    );
}

/// A journal of 100,000 records, gone through by a resume.
fn replay(folder: &Path) {
    let count = 25_000;
    let source = format!(
        "fn main() {{\n    for n in 0..{count} {{ step \"Step\" {{ now(); }} }}\n    throw \"the end\";\n}}\n"
    );
    fs::write(folder.join("runbooks/long.rhai"), source).expect("a file");
    let _ = banister(folder, &["run", "long", "--abandon"]).status();
    let newest =
        fs::read_dir(folder.join("state/runs")).expect("runs").map(|run| run.expect("a run").path()).max();
    let path = newest.expect("a run").join("journal.jsonl");
    let records = fs::read_to_string(&path).expect("a journal").lines().count();
    let began = Instant::now();
    let mut read = 0;
    JournalFile::open(&path, &mut |_| read += 1).expect("it opens");
    let load = began.elapsed();
    let whole = timed(3, || {
        let status = banister(folder, &["resume", "-q"]).status().expect("it starts");
        assert_eq!(status.code(), Some(1));
    });
    println!("resume over {records} records: {whole:.1?}, of it {load:.1?} to read {read} of them; 3 rounds");
    let mut memory = banister(folder, &["resume", "-q"]);
    let child = memory.spawn().expect("it starts");
    println!("its memory at most: {} MB", peak(child) / 1_000);
}

/// The highest resident size that was seen, in kB.
fn peak(mut child: std::process::Child) -> u64 {
    let mut highest = 0;
    while child.try_wait().expect("it is ours").is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let size = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0);
        highest = highest.max(size);
        std::thread::sleep(Duration::from_millis(2));
    }
    highest
}

/// The same commands run from a shell script.
fn shell(folder: &Path) {
    let runbook = "fn main() {\n    let server = this_server();\n    step \"Work\" { server.make(\"work\"); }\n    step \"Again\" { server.make(\"work\"); }\n}\n";
    fs::write(folder.join("runbooks/work.rhai"), runbook).expect("a file");
    let own = timed(3, || succeed(banister(folder, &["run", "work", "--abandon"])));
    let script = "make -s work && make -s work";
    let plain = timed(3, || {
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(folder.join("web"));
        succeed(command);
    });
    let ratio = own.as_secs_f64() / plain.as_secs_f64();
    println!(
        "two make targets of 2 s each: {own:.3?}, from a shell script {plain:.3?}: {ratio:.4} times; 3 rounds"
    );
}

/// The whole update of a practice server whose build takes 8 seconds, and the same commands without banister: two
/// archives by tar, fetch, checkout, three make targets, and the same window in which all must stay healthy.
fn update() {
    let practiced = |work: &dyn Fn(&Practice, &Path)| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let program = Path::new(env!("CARGO_BIN_EXE_banister"));
        let practice =
            Practice::create(&folder.path().join("world"), program, &[]).expect("a practice server");
        practice.switch_seconds("slow-build", Reach::Always, 8).expect("a fault");
        let began = Instant::now();
        work(&practice, folder.path());
        let took = began.elapsed();
        practice.stop().expect("it stops");
        took
    };
    let to = "0.2.17";
    let own = |practice: &Practice, folder: &Path| {
        let site = practice.dir().to_str().expect("text");
        let arguments = ["--site", site, "run", "update", "--to", to, "--yes"];
        succeed(banister(folder, &arguments));
    };
    let by_hand = |practice: &Practice, _: &Path| {
        let script = format!(
            "set -e; cd \"$HOME\"; tar czf before.tar.gz .hoss/.env .hoss/core .hoss/auth .hoss/sync .hoss/ui
             cd hybrid-object-store/server; git fetch -q --tags; git checkout -q {to}
             make config; make build; make up DETACH=true"
        );
        let mut command = Command::new("sh");
        command
            .args(["-c", &script])
            .envs(practice.environment())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        succeed(command);
        practice.wait_for(to).expect("it becomes healthy");
        // As long as `wait_healthy` watches by itself.
        std::thread::sleep(Duration::from_secs(2));
        let mut command = Command::new("sh");
        let script =
            "cd \"$HOME\"; tar czf after.tar.gz .hoss/.env .hoss/core .hoss/auth .hoss/sync .hoss/ui";
        succeed({
            command.args(["-c", script]).envs(practice.environment());
            command
        });
    };
    let rounds = 3;
    let own = median((0..rounds).map(|_| practiced(&own)).collect());
    let plain = median((0..rounds).map(|_| practiced(&by_hand)).collect());
    let ratio = own.as_secs_f64() / plain.as_secs_f64();
    println!("a whole update: {own:.3?}, the same by hand {plain:.3?}: {ratio:.4} times; {rounds} rounds");
}
