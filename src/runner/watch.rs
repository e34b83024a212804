//! Who starts runners: whoever begins a run, and a watcher that starts one again when it is killed.

use super::beat::{Beats, beat};
use super::follow;
use super::place::{self, COURIER, RUNNER, WATCHER};
use crate::command::{Detached, kill, own_session, own_unit};
use crate::failure::{Context, Failure, Kind, Result};
use crate::stop::{Asked, Stop};
use crate::sync::{FileLock, Mutex};
use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

/// What a runner says once it holds the run.
pub const READY: &str = "ready";

/// No more of what a runner complains of is shown, in bytes.
const LONGEST_COMPLAINT: u64 = 4 << 10;

/// So often a runner is started again that gets nothing done.
const TRIES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(10);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// So often a lock is tried that somebody may only look at.
const LOOKS: u32 = 50;

/// How often runner and watcher look for each other.
const TICK: Duration = Duration::from_secs(1);

/// Whether this process starts no runner any more. Held while it starts one.
static STARTS_NO_MORE: Mutex<bool> = Mutex::new(false);

/// From now on this process starts no runner, and waits to be ended.
pub fn start_no_more() {
    *STARTS_NO_MORE.lock() = true;
}

fn start_runner(run: &Path) -> Result<Detached> {
    loop {
        let no_more = STARTS_NO_MORE.lock();
        if !*no_more {
            let failed = || format!("the run in `{}` can't be watched", run.display());
            let arguments = ["run-here".as_ref(), run.as_os_str() as &OsStr];
            return Detached::start(&arguments, log(run)?).or_fail(Kind::Refused, failed);
        }
        drop(no_more);
        std::thread::sleep(TICK);
    }
}

/// Starts a watcher of the run in this folder, and through it a runner, and waits until that holds the run.
///
/// Fails if none of the two can be started.
pub fn start(run: &Path) -> Result<()> {
    let failed = || format!("nothing can be started that works on the run in `{}`", run.display());
    let arguments = ["watch-run".as_ref(), run.as_os_str()];
    let log = log(run)?;
    let before = log.metadata().map_or(0, |log| log.len());
    let mut watcher = Detached::start(&arguments, log).or_fail(Kind::Refused, failed)?;
    let said = watcher.first_line().or_fail(Kind::Refused, failed)?;
    match said.as_str() {
        READY => Ok(()),
        // Somebody else's is there.
        _ if place::is_taken(run, RUNNER) => Ok(()),
        _ => Err(Failure::new(Kind::Refused, failed()).why(complaint(run, before))),
    }
}

/// What the log says from a place on, without more than a person reads.
pub(super) fn complaint(run: &Path, from: u64) -> String {
    let mut said = String::new();
    let read = File::open(run.join("runner.log")).and_then(|mut log| {
        log.seek(std::io::SeekFrom::Start(from))?;
        log.take(LONGEST_COMPLAINT).read_to_string(&mut said)
    });
    let said = said.trim();
    if read.is_err() || said.is_empty() { "it says nothing".to_owned() } else { said.to_owned() }
}

pub(super) fn log(run: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    let failed = || format!("`{}` can't be written", run.join("runner.log").display());
    options.append(true).create(true).mode(0o600).open(run.join("runner.log")).or_fail(Kind::Journal, failed)
}

/// The lock of who works on the run as its runner; nothing if somebody does. From then on this process says that it is alive.
pub fn take(run: &Path) -> Result<Option<FileLock>> {
    let failed = || format!("`{}` can't be locked", run.display());
    // Who only looks holds it for a moment.
    for look in 0..=LOOKS {
        if look > 0 {
            std::thread::sleep(TICK / LOOKS);
        }
        if let Some(lock) = place::take(run, RUNNER).or_fail(Kind::Journal, failed)? {
            keep_beating(run.to_owned(), RUNNER);
            return Ok(Some(lock));
        }
    }
    Ok(None)
}

/// The lock of who sends the run's notices; nothing if somebody does.
pub fn take_courier(run: &Path) -> Result<Option<FileLock>> {
    place::take(run, COURIER).or_fail(Kind::Journal, || format!("`{}` can't be locked", run.display()))
}

/// The watcher: has a runner work on the run until that ends by itself. `say` is called once one holds the run.
pub fn watch(run: &Path, say: &(dyn Fn(&str) + Sync)) -> Result<()> {
    let failed = || format!("the run in `{}` can't be watched", run.display());
    own_session().or_fail(Kind::Refused, failed)?;
    let _watcher = loop {
        match place::take(run, WATCHER).or_fail(Kind::Refused, failed)? {
            Some(watcher) => break watcher,
            None if own_unit().is_none() => return Ok(()),
            // The unit is to last as long as the run, whoever watches it now.
            None => {
                say(READY);
                std::thread::sleep(TICK / 10);
            }
        }
    };
    keep_beating(run.to_owned(), WATCHER);
    let (mut tries, mut pause) = (0, FIRST_PAUSE);
    loop {
        // One that another watcher started may be at work.
        if place::is_taken(run, RUNNER) {
            say(READY);
            let mut beats = Beats::of(run, RUNNER, WATCHER);
            while place::is_taken(run, RUNNER) {
                std::thread::sleep(TICK / 10);
                if beats.are_missing() {
                    complain("runner");
                    kill("run-here", run);
                    beats = Beats::of(run, RUNNER, WATCHER);
                }
            }
            if follow::has_ended(run) {
                return Ok(());
            }
        }
        let before = done(run);
        let mut runner = start_runner(run)?;
        let said = runner.said();
        let status = std::thread::scope(|scope| {
            // It may be stopped before it says anything.
            scope.spawn(|| said.first_line().map(|line| say(&line)));
            ended(run, &mut runner)
        });
        let status = status.or_fail(Kind::Refused, failed)?;
        // What it did to the end it said in the journal.
        if status.signal().is_none() && status.code() != Some(i32::from(Kind::Bug.exit_code())) {
            return Ok(());
        }
        if done(run) > before {
            (tries, pause) = (0, FIRST_PAUSE);
        } else {
            tries += 1;
            if tries >= TRIES {
                let message = format!("the runner of `{}` ends before it gets anything done", run.display());
                return Err(
                    Failure::new(Kind::Refused, message).why(format!("tried {TRIES} times: {status}"))
                );
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Waits for the end of a runner that this process started; of one that does nothing any more it is brought about.
fn ended(run: &Path, runner: &mut Detached) -> io::Result<ExitStatus> {
    let mut beats = Beats::of_own(run, RUNNER, WATCHER);
    loop {
        if let Some(status) = runner.wait_for(TICK)? {
            return Ok(status);
        }
        if beats.are_missing() {
            complain("runner");
            runner.kill()?;
            beats = Beats::of_own(run, RUNNER, WATCHER);
        }
    }
}

/// Says in the log why one of the two is killed.
fn complain(part: &str) {
    let text = "says nothing any more, and is to be killed and started again; its commands continue";
    crate::output::complain(format!("warning: the {part} of this run {text}"));
}

/// Has this process say that it is alive, until it ends.
fn keep_beating(run: PathBuf, name: &'static str) {
    std::thread::spawn(move || {
        loop {
            // Whoever listens asks itself whether anything can be written here.
            _ = beat(&run.join(name));
            std::thread::sleep(TICK);
        }
    });
}

/// Has this program do something more about a run that has ended, and waits for it; what it says goes into the run's log.
pub fn and_then(run: &Path, arguments: &[&OsStr]) -> Result<()> {
    let failed = || format!("nothing can be started for the run in `{}`", run.display());
    let mut started = Detached::start(arguments, log(run)?).or_fail(Kind::Refused, failed)?;
    _ = started.first_line();
    started.wait().or_fail(Kind::Refused, failed).map(drop)
}

/// How many calls and blocks have ended by the journal: each session writes more records, also one that gets nothing done.
fn done(run: &Path) -> usize {
    let Ok(journal) = File::open(run.join("journal.jsonl")) else { return 0 };
    let lines = BufReader::new(journal).split(b'\n').map_while(std::io::Result::ok);
    let ends = |line: &Vec<u8>| {
        let beginning = String::from_utf8_lossy(&line[..line.len().min(200)]).into_owned();
        beginning.contains("\"ended\"") || beginning.contains("\"block_end\"")
    };
    lines.filter(ends).count()
}

/// Has a runner look for its watcher, until this process ends: one that was killed, or is stopped, is replaced. If the run's
/// folder is gone, the runner is asked to leave.
pub fn keep_watched(run: PathBuf, stop: &Arc<Stop>) {
    let stop = stop.clone();
    std::thread::spawn(move || {
        let mut beats = Beats::of(&run, WATCHER, RUNNER);
        loop {
            std::thread::sleep(TICK);
            if !run.exists() {
                // Nothing can be written down any more, and nobody will answer.
                stop.ask(Asked::Leave);
                return;
            }
            // A unit's is started again by systemd.
            if own_unit().is_some() {
                continue;
            }
            if place::is_taken(&run, WATCHER) {
                if beats.are_missing() {
                    complain("watcher");
                    kill("watch-run", &run);
                    beats = Beats::of(&run, WATCHER, RUNNER);
                }
                continue;
            }
            let arguments = ["watch-run".as_ref(), run.as_os_str()];
            // Without one the run works on; the next look tries again.
            if let Some(mut watcher) = log(&run).ok().and_then(|log| Detached::start(&arguments, log).ok()) {
                std::thread::spawn(move || watcher.wait());
            }
        }
    });
}
