//! A checkout that is killed at random while it moves: whatever it left, going on, elsewhere or back succeeds, and an
//! edit that an admin made meanwhile is never lost.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use banister::internals::machine::git::Checkout;

use super::repository::Repository;
use crate::support::chance::Chance;

/// Where the program that is to be killed finds out what it is.
const ROLE: &str = "BANISTER_TEST_CHECK_OUT";
const FILES: usize = 60;
/// A file of each release, in which an administrator changes another line than the releases.
const EDITED: &str = "edited";

fn edited(line: &str, release: &str) -> String {
    format!("{line}\n2\n3\n4\n{release}\n")
}

/// Not a test of its own: started again by the ones below, it moves a checkout until it is killed.
#[test]
fn role_that_checks_out() {
    let Some(role) = std::env::var_os(ROLE) else { return };
    let role = role.into_string().unwrap();
    let (folder, name) = role.split_once('=').unwrap();
    open(folder.as_ref()).check_out(name).unwrap();
}

/// With the edits of a file that keeps them. Where none was made, that changes nothing.
fn open(folder: &std::path::Path) -> Checkout {
    Checkout::open(folder).unwrap().with_edits(&[EDITED.to_owned()])
}

fn killed_after(repository: &Repository, name: &str, pause: Duration) -> bool {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "checkout::killed::role_that_checks_out"])
        .env(ROLE, format!("{}={name}", repository.folder.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let until = Instant::now() + pause;
    while Instant::now() < until && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_micros(200));
    }
    let _ = child.kill();
    !child.wait().unwrap().success()
}

/// Three releases in which every file differs, by content, by being there, or by being a folder.
fn releases() -> Repository {
    let repository = Repository::new();
    for (number, release) in ["1.0.0", "1.1.0", "1.2.0"].into_iter().enumerate() {
        let _ = std::fs::remove_dir_all(repository.folder.join("some"));
        for file in 0..FILES {
            if file % 3 == number {
                continue;
            }
            let inside = if file % 5 == number { "/inside" } else { "" };
            repository.write(
                &format!("some/{}/{file}{inside}", file % 7),
                format!("{release} {file}\n").repeat(200),
            );
        }
        repository.write(EDITED, edited("1", release));
        repository.release(release);
    }
    repository
}

/// More of them on request, for whoever changes how a checkout is moved.
fn rounds(usual: usize) -> usize {
    std::env::var("BANISTER_TEST_ROUNDS").ok().and_then(|rounds| rounds.parse().ok()).unwrap_or(usual)
}

/// How long a whole move takes here, started as it will be when it is killed.
fn whole(repository: &Repository) -> Duration {
    let begin = Instant::now();
    killed_after(repository, "1.0.0", Duration::from_secs(300));
    begin.elapsed()
}

#[test]
fn a_killed_move_can_go_on_elsewhere_or_back() {
    goes_on(&releases(), rounds(80), "1");
}

#[test]
fn so_can_one_that_git_makes() {
    let repository = releases();
    // No such filter is configured, so that git writes the files as they are.
    repository.write(".git/info/attributes", "* filter=none\n");
    goes_on(&repository, rounds(20), "1");
}

#[test]
fn so_can_one_with_edits() {
    let repository = releases();
    repository.write(EDITED, edited("mine", "1.2.0"));
    goes_on(&repository, rounds(20), "mine");
    repository.git(&["checkout", "--quiet", "--", EDITED]);
    repository.write(".git/info/attributes", "* filter=none\n");
    repository.write(EDITED, edited("mine", &repository.git(&["describe", "--tags"])));
    goes_on(&repository, rounds(20), "mine");
}

/// `line` is what the file that keeps its edits begins with.
fn goes_on(repository: &Repository, rounds: usize, line: &str) {
    let status = if line == "1" { String::new() } else { format!(" M {EDITED}") };
    let whole = whole(repository);
    let mut chance = Chance::of(1);
    let (mut cut, mut half) = (0, 0);
    for _ in 0..rounds {
        let names = ["1.0.0", "1.1.0", "1.2.0"];
        let to = names[chance.below(3)];
        let pause = whole.mul_f64(chance.below(1000) as f64 / 900.0);
        cut += usize::from(killed_after(repository, to, pause));
        // The note of a move that was cut off.
        half += usize::from(repository.exists(".git/banister-check-out/moving.json"));
        let checkout = open(&repository.folder);
        let next = names[chance.below(3)];
        let moved = checkout.check_out(next);
        let moved = moved.unwrap_or_else(|failure| panic!("{failure:?}\n{}", repository.status()));
        assert_eq!(repository.git(&["rev-parse", &format!("{next}^{{commit}}")]), moved.to.commit);
        assert_eq!(repository.read(EDITED), edited(line, next), "after a kill on the way to {to}");
        assert_eq!(repository.status(), status, "after a kill on the way to {to}, then {next}");
        assert_eq!(repository.git(&["rev-parse", "HEAD"]), moved.to.commit);
        assert!(!repository.exists(".git/banister-check-out"));
    }
    println!("{cut} cut off, {half} of them half-way");
}

#[test]
fn an_edit_made_after_a_killed_move_is_kept() {
    let repository = releases();
    let whole = whole(&repository);
    let mut chance = Chance::of(2);
    for _ in 0..rounds(30) {
        let pause = whole.mul_f64(chance.below(1000) as f64 / 900.0);
        killed_after(&repository, "1.1.0", pause);
        let edited = format!("some/{0}/{0}.mine", chance.below(7));
        repository.write(&edited, "mine\n");
        let known = repository
            .git(&["ls-files"])
            .lines()
            .find(|path| repository.folder.join(path).is_file())
            .unwrap()
            .to_string();
        let before = repository.read(&known);
        repository.write(&known, format!("{before}mine\n"));
        let checkout = Checkout::open(&repository.folder).unwrap();
        for target in ["1.1.0", "1.0.0"] {
            let failure = checkout.check_out(target).unwrap_err();
            let mut why = failure.why.clone();
            why.sort();
            assert_eq!(why.len(), 2, "only the edits are named: {failure:?}");
            assert_eq!(repository.read(&edited), "mine\n");
            assert!(repository.read(&known).ends_with("mine\n"));
        }
        std::fs::remove_file(repository.folder.join(&edited)).unwrap();
        repository.write(&known, before);
        checkout.check_out("1.0.0").unwrap();
        assert_eq!(repository.status(), "");
    }
}
