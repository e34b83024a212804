//! What the child does: the only place in which SQLite gets files of a server.

use super::{JOURNAL, companion};
use rusqlite::{Connection, Error, ErrorCode, OpenFlags};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Resource, Rlimit, Signal, geteuid, set_parent_process_death_signal, setrlimit};
use std::ffi::{OsStr, OsString};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The program's first argument when it is to play this part. `hold NAME DEVICE INODE` and `check NAME` follow; the
/// folder is the one that it is started in.
pub(super) const ROLE: &str = "__sqlite";
/// How its line begins when it holds; the mode of the journal follows.
pub(super) const HELD: &str = "held ";
/// That mode, if it is a log.
pub(super) const WAL: &str = "wal";
/// How long a database with a rollback journal is held: so long its writers wait, and some give up.
const LONGEST: Timespec = Timespec { tv_sec: 30, tv_nsec: 0 };
/// Its line when a copy is whole.
pub(super) const WHOLE: &str = "whole";
/// How its line begins when a copy is damaged; what SQLite says follows. Any other line says why it was not tried.
pub(super) const DAMAGED: &str = "damaged: ";

/// So much memory it may have, in bytes: a copy may be of anybody's making.
const MOST: u64 = 1 << 30;
/// What `PRAGMA cache_size` gets, in KiB.
const CACHE: i64 = -64_000;
/// Between two attempts to get a lock, and how long they go on.
const PAUSE: Duration = Duration::from_millis(2);
const PATIENCE: Duration = Duration::from_secs(10);

/// Plays the part, if the program was started for it.
pub fn entry(arguments: &[OsString]) -> Option<ExitCode> {
    let [_, role, what, name, rest @ ..] = arguments else { return None };
    if role != ROLE {
        return None;
    }
    // Both its parent's end and that of its stdin end it.
    let _ = set_parent_process_death_signal(Some(Signal::KILL));
    let memory = Rlimit { current: Some(MOST), maximum: Some(MOST) };
    let _ = setrlimit(Resource::As, memory);
    let say = |line: &str| {
        let line: String = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // Without a listener it is about to end.
        let _ = writeln!(io::stdout(), "{line}").and_then(|()| io::stdout().flush());
    };
    match (what.to_str(), rest) {
        (Some("hold"), [device, inode]) => match hold(name, device, inode) {
            Ok((held, mode)) => {
                say(&format!("{HELD}{mode}"));
                let most = (mode != WAL).then_some(LONGEST);
                until_let_go(most);
                drop(held);
            }
            Err(why) => say(&why),
        },
        (Some("check"), []) => {
            // A copy may be of anybody's making, and name other files.
            match geteuid().is_root().then(|| rustix::process::chroot(".")) {
                Some(Err(error)) => say(&format!("it can't be looked through apart: {error}")),
                _ => say(&check(name)),
            }
        }
        _ => return Some(ExitCode::FAILURE),
    }
    Some(ExitCode::SUCCESS)
}

/// Until the parent has its copy, or is gone; at most for so long.
fn until_let_go(most: Option<Timespec>) {
    let stdin = io::stdin();
    match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], most.as_ref()) {
        Ok(0) => {}
        _ => drop(stdin.lock().read(&mut [0])),
    }
}

/// Opens the database and begins to read; the connection, and the mode of its journal.
fn hold(name: &OsStr, device: &OsStr, inode: &OsStr) -> Result<(Connection, String), String> {
    let path = here(name);
    let begun = || -> Result<(Connection, String), Error> {
        let database = open(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        database.busy_handler(Some(wait))?;
        database.execute_batch("BEGIN")?;
        database.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        let mode = database.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0))?;
        Ok((database, mode))
    };
    let held = begun().map_err(|error| why(&error))?;
    let found = path.symlink_metadata().map_err(|error| error.to_string())?;
    let is = [found.dev(), found.ino()].map(|number| OsString::from(number.to_string()));
    match is == [device, inode] {
        true => Ok(held),
        false => Err("another file took its place".into()),
    }
}

/// Whether to try again: one database is opened in this process.
fn wait(_tries: i32) -> bool {
    static SINCE: OnceLock<Instant> = OnceLock::new();
    let since = SINCE.get_or_init(Instant::now);
    std::thread::sleep(PAUSE);
    since.elapsed() < PATIENCE
}

/// In this folder: a name may look like an option of SQLite, which knows some.
fn here(name: &OsStr) -> PathBuf {
    Path::new(".").join(name)
}

fn open(path: &Path, how: OpenFlags) -> Result<Connection, Error> {
    Connection::open_with_flags(path, how | OpenFlags::SQLITE_OPEN_NOFOLLOW | OpenFlags::SQLITE_OPEN_NO_MUTEX)
}

/// What `PRAGMA integrity_check` says of a copy, as this child says it. An unfinished transaction is taken back in it.
fn check(name: &OsStr) -> String {
    let path = here(name);
    let how = match here(&companion(name, JOURNAL)).exists() {
        true => OpenFlags::SQLITE_OPEN_READ_WRITE,
        false => OpenFlags::SQLITE_OPEN_READ_ONLY,
    };
    let said = || -> Result<Vec<String>, Error> {
        let database = open(&path, how)?;
        database.execute_batch(&format!("PRAGMA trusted_schema = OFF; PRAGMA cache_size = {CACHE}"))?;
        let mut statement = database.prepare("PRAGMA integrity_check(5)")?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        rows.collect()
    };
    match said() {
        Ok(said) if said == ["ok"] => WHOLE.into(),
        Ok(said) if said.iter().all(|row| is_of_content(row)) => {
            format!("it is whole, but what is in it breaks its own rules: {}", said.join("; "))
        }
        Ok(said) => format!("{DAMAGED}{}", said.join("; ")),
        Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseCorrupt) => {
            format!("{DAMAGED}{error}")
        }
        Err(error) => why(&error),
    }
}

/// Whether a row tells of what the database's own rules forbid, or of what SQLite can't look through: an application that
/// added a rule later has such rows for years.
fn is_of_content(row: &str) -> bool {
    let begins = ["NULL value in ", "CHECK constraint failed in ", "unable to validate "];
    begins.iter().any(|begin| row.starts_with(begin))
}

/// Why something failed, as a part of a sentence about the database.
fn why(error: &Error) -> String {
    // SQLITE_READONLY_ROLLBACK: only a writing connection would take the transaction back, in the live file.
    const CUT_OFF: i32 = 776;
    let code = error.sqlite_error().map(|error| error.extended_code);
    match error.sqlite_error_code() {
        _ if code == Some(CUT_OFF) => "a transaction in it was cut off".into(),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => "another program keeps it locked".into(),
        Some(ErrorCode::NotADatabase) => "SQLite can't read it; it may be encrypted".into(),
        _ => format!("SQLite can't open it: {error}"),
    }
}
