//! What the program itself costs, beside its yardsticks, each measured in this one run.
//!
//! `tests/run --bench` measures. Every number is the median of the rounds it names; the machine's noise is in the
//! yardsticks too. `cargo test --bench speed` only tries one short round.

#[path = "support/measure.rs"]
mod measure;

use banister::internals::journal::file;
use banister::internals::journal::index::Index;
use banister::internals::practice::{Practice, Reach};
use measure::{either, in_turn, median, peak, ratio, succeed, timed};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn main() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let folder = folder.path();
    site(folder);
    start_up(folder);
    list(folder);
    supervised(folder);
    steps(folder);
    replay(folder);
    shell(folder);
    update();
}

/// A site with one server whose Makefile does nothing.
fn site(folder: &Path) {
    let server = folder.join("web");
    fs::create_dir_all(&server).expect("a folder");
    fs::create_dir_all(folder.join("runbooks")).expect("a folder");
    fs::write(folder.join("site.toml"), "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\n")
        .expect("a file");
    let seconds = either("2", "0.1");
    fs::write(server.join("Makefile"), format!("work:\n\t@sleep {seconds}\n")).expect("a file");
    let me = ["-c", "user.name=bench", "-c", "user.email=bench@localhost"];
    for words in [&["init", "-q"][..], &["add", "."], &["commit", "-qm", "Begin"]] {
        let mut git = Command::new("git");
        git.args(me).args(words).current_dir(&server);
        succeed(git);
    }
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

fn start_up(folder: &Path) {
    let rounds = either(50, 1);
    let [version, nothing] = in_turn(
        rounds,
        [&mut || succeed(banister(folder, &["--version"])), &mut || succeed(Command::new("/bin/true"))],
    );
    let size = fs::metadata(env!("CARGO_BIN_EXE_banister")).expect("the program").len();
    println!(
        "the program: {:.1} MB; banister --version: {version:.1?}, /bin/true: {nothing:.1?}; {rounds} rounds",
        size as f64 / 1e6
    );
    let check = timed(rounds, || succeed(banister(folder, &["check"])));
    // Nobody types: it is begun, is ready, and ends.
    let prompt = timed(rounds, || succeed(banister(folder, &["repl"])));
    println!(
        "banister check of all that is bundled: {check:.1?}; banister repl, begun and left: {prompt:.1?}; \
         {rounds} rounds"
    );
}

/// The runbooks of a site with two of its own, beside as many recipes: the same two, and one for each that is bundled.
/// `$BANISTER_BENCH_JUST` names another `just` than that of `$PATH`.
fn list(folder: &Path) {
    let site = folder.join("listed");
    fs::create_dir_all(site.join("runbooks")).expect("a folder");
    fs::write(site.join("site.toml"), "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\n")
        .expect("a file");
    for name in ["deploy", "renew"] {
        let text = format!(
            "//! The {name} of this site.\n\nfn main() {{\n    let server = this_server();\n    \
             step \"Work\" {{ server.make(\"{name}\"); }}\n    step \"Look\" {{ note(now()); }}\n}}\n"
        );
        fs::write(site.join(format!("runbooks/{name}.rhai")), text).expect("a file");
    }
    let listed = banister(&site, &["list"]).stdout(Stdio::piped()).output().expect("it starts").stdout;
    let listed = String::from_utf8_lossy(&listed).into_owned();
    let recipe = |line: &str| {
        let (name, summary) = line.split_once(' ').unwrap_or((line, ""));
        format!("# {}\n{name}:\n    make {name}\n    date\n\n", summary.trim())
    };
    fs::write(site.join("justfile"), listed.lines().map(recipe).collect::<String>()).expect("a file");
    let just = std::env::var_os("BANISTER_BENCH_JUST").unwrap_or_else(|| "just".into());
    let recipes = || {
        let mut command = Command::new(&just);
        command.arg("--list").current_dir(&site).stdin(Stdio::null()).stdout(Stdio::null());
        command
    };
    let rounds = either(200, 1);
    let mut own = || succeed(banister(&site, &["list"]));
    if !recipes().status().is_ok_and(|status| status.success()) {
        let [own] = in_turn(rounds, [&mut own]);
        println!("banister list: {own:.1?}; {rounds} rounds; there is no just to measure beside it");
        return;
    }
    let [own, plain] = in_turn(rounds, [&mut own, &mut || succeed(recipes())]);
    println!(
        "banister list: {own:.1?}, just --list of as many recipes {plain:.1?}: {:.2} times; {rounds} rounds",
        ratio(own, plain)
    );
}

/// What a command costs that is written down, started once whatever happens, and followed; beside it what a shell takes
/// to start the same.
fn supervised(folder: &Path) {
    let (count, rounds) = either((100, 15), (2, 1));
    let runbook = |count: usize| {
        format!(
            "fn main() {{\n    let server = this_server();\n    for n in 0..{count} {{ server.shell(\"true\"); }}\n}}\n"
        )
    };
    fs::write(folder.join("runbooks/no_command.rhai"), runbook(0)).expect("a file");
    fs::write(folder.join("runbooks/commands.rhai"), runbook(count)).expect("a file");
    let script = format!("n=0; while [ $n -lt {count} ]; do sh -c true; n=$((n + 1)); done");
    let [none, all, plain] = in_turn(
        rounds,
        [
            &mut || succeed(banister(folder, &["run", "no_command", "--abandon"])),
            &mut || succeed(banister(folder, &["run", "commands", "--abandon"])),
            &mut || {
                let mut command = Command::new("sh");
                command.args(["-c", &script]);
                succeed(command);
            },
        ],
    );
    let count = u32::try_from(count).expect("small");
    let (own, plain) = (all.saturating_sub(none) / count, plain / count);
    println!(
        "a supervised command: {own:.2?}, from a shell script {plain:.2?}: {:.2?} more; {rounds} rounds of {count}",
        own.saturating_sub(plain)
    );
}

/// Steps with one look each, and the two syncs that a change adds, measured apart.
fn steps(folder: &Path) {
    let runbook = |steps: usize| {
        format!("fn main() {{\n    for n in 0..{steps} {{ step `Step ${{n}}` {{ note(now()); }} }}\n}}\n")
    };
    let (count, rounds) = either((2_000, 5), (20, 1));
    fs::write(folder.join("runbooks/none.rhai"), runbook(0)).expect("a file");
    fs::write(folder.join("runbooks/many.rhai"), runbook(count)).expect("a file");
    let none = timed(rounds, || succeed(banister(folder, &["run", "none"])));
    let many = timed(rounds, || succeed(banister(folder, &["run", "many"])));
    let each = (many.saturating_sub(none)) / u32::try_from(count).expect("small");
    let mut file = fs::File::create(folder.join("synced")).expect("a file");
    let sync = timed(either(200, 2), || {
        file.write_all(&[b'x'; 200]).expect("written");
        file.sync_data().expect("synced");
    });
    println!(
        "a step with one no-op call: {each:.1?}; a sync of 200 bytes: {sync:.1?}; {rounds} rounds of {count} \
         steps"
    );
}

/// A journal of 100,000 records, gone through by a resume: of a run that was killed at its end, so that all that it did
/// counts, and of one that failed, so that all that it saw is looked at anew. Beside it what the same file costs a
/// program that only reads and parses it.
fn replay(folder: &Path) {
    let (count, rounds) = either((25_000, 9), (50, 1));
    let run = |name: &str, first: &str, crash: &str| {
        let source = format!(
            "fn main() {{\n    {first}\n    for n in 0..{count} {{ step \"Step\" {{ now(); }} }}\n    throw \"the end\";\n}}\n"
        );
        fs::write(folder.join(format!("runbooks/{name}.rhai")), source).expect("a file");
        let mut run = banister(folder, &["run", name, "--abandon=it is measured"]);
        let state = folder.join(name);
        run.env("BANISTER_STATE", &state).env("BANISTER_CRASH_AT", crash).status().expect("it starts");
        state
    };
    // What changed nothing at all could not be resumed once it failed.
    let change = "this_server().shell(\"true\");";
    let killed = &run("killed", change, "before \"finished\"");
    let path = journal(killed);
    let records = fs::read_to_string(&path).expect("a journal").lines().count();
    assert!(records > 4 * count, "{records}");
    let resumed = |state: &Path| {
        let copy = folder.join("copy");
        let mut of = (Vec::new(), 0);
        for _ in 0..rounds {
            // A resume adds to the journal, and what it finds there shall be the same in each round.
            let _ = fs::remove_dir_all(&copy);
            let mut cp = Command::new("cp");
            cp.arg("-r").arg(state).arg(&copy);
            succeed(cp);
            let mut resume = banister(folder, &["resume", "-q"]);
            let mut child = resume.env("BANISTER_STATE", &copy).spawn().expect("it starts");
            let began = Instant::now();
            of.1 = peak(&mut child).max(of.1);
            of.0.push(began.elapsed());
            assert_eq!(child.wait().expect("it is ours").code(), Some(1));
        }
        (median(of.0), of.1)
    };
    let parse = timed(rounds, || {
        let lines = BufReader::with_capacity(256 << 10, fs::File::open(&path).expect("a journal")).lines();
        let parsed = lines.map(|line| serde_json::from_str::<serde_json::Value>(&line.expect("text")));
        assert_eq!(parsed.filter(Result::is_ok).count(), records);
    });
    let load = timed(rounds, || {
        let mut index = Index::default();
        file::read(&path, &mut |record| index.add(record)).expect("it can be read");
        assert!(index.used("".into()) > 0);
    });
    let (replayed, memory) = resumed(killed);
    println!(
        "resume over {records} records: {replayed:.1?}, at most {memory} MB; reading them {load:.1?}; the same file \
         read line by line as any JSON, in the same run: {parse:.1?}: {:.2} times; {rounds} rounds",
        ratio(replayed, parse),
    );
    let failed = &run("failed", change, "");
    let (anew, memory) = resumed(failed);
    println!(
        "resume where all that it saw is looked at anew: {anew:.1?}, at most {memory} MB; {rounds} rounds"
    );
}

/// The journal of the only run in a state folder.
fn journal(state: &Path) -> PathBuf {
    let mut runs = fs::read_dir(state.join("runs")).expect("runs");
    runs.next().expect("a run").expect("a run").path().join("journal.jsonl")
}

/// The same commands run from a shell script.
fn shell(folder: &Path) {
    let runbook = "fn main() {\n    let server = this_server();\n    step \"Work\" { server.make(\"work\"); }\n    step \"Again\" { server.make(\"work\"); }\n}\n";
    fs::write(folder.join("runbooks/work.rhai"), runbook).expect("a file");
    let rounds = either(3, 1);
    let own = timed(rounds, || succeed(banister(folder, &["run", "work", "--abandon"])));
    let script = "make -s work && make -s work";
    let plain = timed(rounds, || {
        let mut command = Command::new("sh");
        command.args(["-c", script]).current_dir(folder.join("web"));
        succeed(command);
    });
    println!(
        "two make targets of 2 s each: {own:.3?}, from a shell script {plain:.3?}: {:.4} times; {rounds} rounds",
        ratio(own, plain)
    );
}

/// What an administrator types for the same update: a look at what runs; databases, volumes and files saved twice, and
/// each dump read back; the images kept that run; fetch, checkout, three make targets. `$1` is the new release.
const BY_HAND: &str = r#"
set -e
cd "$HOME"
save() {
    for name in hoss_core hoss_auth; do
        docker exec -i server_db_1 sh -c "exec pg_dump -U postgres -Fc $name" >"$1-$name.dump"
        docker exec -i server_db_1 sh -c 'exec pg_restore -f -' <"$1-$name.dump" >/dev/null
    done
    for name in auth-secrets ldap-vol0 ldap-vol1; do
        docker run --rm --interactive --network none --workdir /volume --volume "server_$name:/volume:ro" \
            --entrypoint tar "hoss-auth:$2" -cf - . >"$1-$name.tar"
    done
    tar czf "$1.tar.gz" .hoss/.env .hoss/core .hoss/auth .hoss/sync .hoss/ui "$1"-*
}
if [ "$2" = before ]; then
    docker ps
    save before 0.2.10
    for name in core auth sync ui; do docker tag "hoss-$name:0.2.10" "kept/$name"; done
    cd hybrid-object-store/server
    git fetch -q --tags
    git checkout -q "$1"
    make config
    make build
    make up DETACH=true
else
    save after "$1"
    for name in core auth sync ui; do docker image rm "kept/$name"; done
fi
"#;

/// The whole update of a practice server whose build takes 8 seconds, and the same by hand, with the same window in which
/// all must stay healthy.
fn update() {
    let practiced = |work: &dyn Fn(&Practice, &Path)| {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let program = Path::new(env!("CARGO_BIN_EXE_banister"));
        let practice =
            Practice::create(&folder.path().join("world"), program, &[]).expect("a practice server");
        practice.switch_seconds("slow-build", Reach::Always, either(8, 0)).expect("a fault");
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
    let typed = |practice: &Practice, part: &str| {
        let mut command = Command::new("sh");
        command.args(["-c", BY_HAND, "sh", to, part]).envs(practice.environment());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        succeed(command);
    };
    let by_hand = |practice: &Practice, _: &Path| {
        typed(practice, "before");
        practice.wait_for(to).expect("it becomes healthy");
        // As long as `wait_healthy` watches by itself.
        std::thread::sleep(Duration::from_secs(2));
        typed(practice, "after");
    };
    let rounds = either(5, 1);
    let mut times = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        times.0.push(practiced(&own));
        times.1.push(practiced(&by_hand));
    }
    let (own, plain) = (median(times.0), median(times.1));
    println!(
        "a whole update: {own:.3?}, the same by hand {plain:.3?}: {:.4} times; {rounds} rounds",
        ratio(own, plain)
    );
}
