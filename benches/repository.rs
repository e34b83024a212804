//! Backups into a repository of restic by the whole program, beside `restic backup` by hand, in this one run: the first of
//! some files, and the second, when nothing has changed; with what each adds to its repository.
//!
//! `tests/run --bench` measures. `BANISTER_BENCH_MEGABYTES` says how much is backed up (default 400), a number of rounds is
//! in `BANISTER_BENCH_ROUNDS` (default 5). `cargo test --bench repository` only tries one short round.

#[path = "support/measure.rs"]
mod measure;

use measure::{either, median, ratio};
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn main() {
    let number =
        |name: &str, or: u64| std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(or);
    let megabytes = number("BANISTER_BENCH_MEGABYTES", either(400, 4));
    let rounds = number("BANISTER_BENCH_ROUNDS", either(5, 1));
    let folder = tempfile::tempdir().expect("a temporary folder");
    let home = folder.path();
    fill(&home.join("data"), megabytes);
    site(home);
    println!("{megabytes} MB, {rounds} rounds, medians");
    let mut times: [[Vec<Duration>; 2]; 2] = Default::default();
    let mut added: [[u64; 2]; 2] = Default::default();
    for round in 0..rounds {
        for repository in ["own", "theirs"] {
            let _ = fs::remove_dir_all(home.join(repository));
            run(restic(home, repository).args(["init", "--quiet"]));
        }
        for second in [0, 1] {
            // Whoever comes first finds the disk as the other left it.
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            for who in order {
                let repository = home.join(["own", "theirs"][who]);
                let before = bytes_of(&repository);
                let mut command = match who {
                    0 => {
                        let mut command = Command::new(env!("CARGO_BIN_EXE_banister"));
                        command.args(["run", "backup", "--yes"]);
                        command.env("BANISTER_STATE", home.join("state"));
                        closed(command, home)
                    }
                    _ => {
                        let mut command = restic(home, "theirs");
                        command.args(["backup", "--quiet"]).arg(home.join("data"));
                        command
                    }
                };
                // What was written before is not waited for by whoever asks for it first.
                run(&mut Command::new("sync"));
                let began = Instant::now();
                run(&mut command);
                times[who][second].push(began.elapsed());
                added[who][second] = added[who][second].max(bytes_of(&repository) - before);
            }
        }
    }
    let [own, theirs] = times;
    for (nr, (what, (own, theirs))) in
        ["first", "unchanged"].into_iter().zip(own.into_iter().zip(theirs)).enumerate()
    {
        let (ours, yardstick) = (median(own), median(theirs));
        println!(
            "{what}: {ours:.2?}, +{} kB; restic by hand: {yardstick:.2?}, +{} kB: {:.2} times",
            added[0][nr] / 1000,
            added[1][nr] / 1000,
            ratio(ours, yardstick),
        );
    }
    let more = added[0][1].saturating_sub(added[1][1]);
    assert!(more <= 1_000_000, "unchanged data added {more} bytes more than by hand");
}

/// A server with a checkout, whose backups go into the repository `own`.
fn site(home: &Path) {
    fs::create_dir(home.join("web")).expect("a folder");
    fs::write(home.join("web/Makefile"), "build up:\n\t@true\n").expect("a file");
    fs::write(home.join("password"), "of a benchmark").expect("a file");
    let git = |words: &[&str]| {
        let mut command = Command::new("git");
        command.args(["-c", "user.name=Bench", "-c", "user.email=bench@example.org", "-C"]);
        run(command.arg(home.join("web")).args(words));
    };
    git(&["init", "--quiet"]);
    git(&["add", "-A"]);
    git(&["commit", "--quiet", "-m", "first"]);
    let text = "[servers.web]\nkind = \"plain\"\ncheckout = \"web\"\nbackup = [\"~/data\"]\nbackups = \"~/kept\"\n\
                health = [{ command = [\"true\"] }]\nrepository = \"restic:~/own\"\n\
                repository_password_file = \"~/password\"\n";
    fs::write(home.join("site.toml"), text).expect("a file");
}

fn restic(home: &Path, repository: &str) -> Command {
    let mut command = closed(Command::new("restic"), home);
    command
        .env("RESTIC_REPOSITORY", home.join(repository))
        .env("RESTIC_PASSWORD_FILE", home.join("password"));
    command
}

/// Without anything of the environment: both have the same cache.
fn closed(mut command: Command, home: &Path) -> Command {
    command.env_clear().current_dir(home).env("HOME", home);
    command.env("PATH", std::env::var_os("PATH").expect("a path"));
    command
}

fn run(command: &mut Command) {
    let done = command.stdout(Stdio::null()).stderr(Stdio::piped()).output().expect("it starts");
    assert!(done.status.success(), "{command:?}: {}", String::from_utf8_lossy(&done.stderr));
}

fn bytes_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(about) if about.is_dir() => bytes_of(&entry.path()),
        about => about.map_or(0, |about| about.len()),
    };
    entries.map(size).sum()
}

/// A hundred files; half of each is of bytes that nothing makes shorter.
fn fill(folder: &Path, megabytes: u64) {
    fs::create_dir(folder).expect("a folder");
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for number in 0..100 {
        let file = fs::File::create(folder.join(format!("part-{number}"))).expect("a file");
        let mut file = std::io::BufWriter::with_capacity(1 << 20, file);
        for piece in 0..(megabytes << 20) / 100 / 4096 {
            let piece: Vec<u8> = match piece % 2 {
                0 => (0..512).flat_map(|_| random().to_le_bytes()).collect(),
                _ => (0..256).flat_map(|_| format!("{:016x}", random() % 65_536).into_bytes()).collect(),
            };
            file.write_all(&piece).expect("room on the disk");
        }
        file.flush().expect("room on the disk");
    }
}
