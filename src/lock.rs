//! Who holds a server.
//!
//! The lock lies with the installation (in the git folder of its checkout), so that it keeps out every user and every
//! site file that speaks of the same server. It is an OS lock held by a live process, which no crash can leave
//! behind, beside a readable file that says who holds it. Each grant has a rising number: a holder that was pushed
//! out finds a higher one and may not change anything more.

use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::installation;
use crate::sync::FileLock;
use crate::units::now;
use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Who holds, or last held, a server.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Holder {
    pub run: String,
    /// The run's folder, in the state folder of the user who runs it.
    pub folder: PathBuf,
    pub purpose: String,
    pub step: String,
    /// `user@host`.
    pub by: String,
    /// The terminal, or where an SSH session came from.
    pub from: String,
    pub pid: u32,
    /// RFC 3339, UTC.
    pub since: String,
    /// When the holder last said that it works.
    pub beat: String,
    /// The number of the grant; rises with each.
    pub grant: u64,
    /// The run that had the grant before this one. Absent for the first, and after a release by force.
    #[serde(default)]
    pub before: Option<String>,
    #[serde(default)]
    pub runbook: String,
    /// Where the run's journal is: `host:/path`.
    #[serde(default)]
    pub journal: String,
    /// When the run began. RFC 3339, UTC.
    #[serde(default)]
    pub began: String,
    /// Whether the run has seen the server in an earlier session, and so rests on how it was then.
    #[serde(default)]
    pub again: bool,
    /// Whether the run is about other servers, too.
    #[serde(default)]
    pub linked: bool,
    /// Whether all of it is typed in a REPL.
    #[serde(default)]
    pub by_hand: bool,
}

impl Holder {
    /// This process, for a run. The grant is not known yet.
    pub fn of(run: String, purpose: String) -> Holder {
        Holder {
            run,
            folder: PathBuf::new(),
            purpose,
            step: String::new(),
            by: crate::person::whoami(),
            from: origin(),
            pid: std::process::id(),
            since: now(),
            beat: now(),
            grant: 0,
            before: None,
            runbook: String::new(),
            journal: String::new(),
            began: now(),
            again: false,
            linked: false,
            by_hand: false,
        }
    }
}

/// The last grant of a lock.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Grant {
    pub number: u64,
    /// Absent before the first, and after a release by force.
    pub run: Option<String>,
    /// RFC 3339, UTC. Earlier versions did not write it down.
    pub at: Option<String>,
}

/// A lock that this process holds. Dropped, it is free.
pub struct Lock {
    folder: PathBuf,
    holder: Holder,
    #[expect(dead_code, reason = "it is held")]
    file: FileLock,
}

/// What a look at a lock shows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Nobody ever held it, or it was handed back.
    Free,
    /// A live process holds it.
    Held(Holder),
    /// Its holder died without handing it back. It keeps nobody out.
    Left(Holder),
    /// It can't be looked at, for this reason.
    Unknown(String),
}

/// Takes the lock of the installation whose lock folder is `folder`. `holder.grant` and
/// `holder.before` are set here. `may` is asked once nobody else holds it; if it refuses, nothing was granted.
///
/// Fails with [`Kind::Locked`] while a live process holds it.
pub fn take(folder: &Path, mut holder: Holder, may: &dyn Fn(&Grant) -> Result<()>) -> Result<Lock> {
    let failed = || format!("can't take the lock in `{}`", folder.display());
    installation::prepare(folder)?;
    let mut tries = 10;
    loop {
        let file = match FileLock::take(open(folder)?).or_fail(Kind::Refused, failed)? {
            Some(file) => file,
            // Who only looks holds it for a moment.
            None if tries > 0 => {
                tries -= 1;
                std::thread::sleep(std::time::Duration::from_millis(10));
                continue;
            }
            None => return Err(held(folder)),
        };
        // A release by force puts a new file in the old one's place: a lock on the old one keeps nobody out.
        let same = fs::metadata(folder.join("lock")).is_ok_and(|now| {
            file.metadata().is_ok_and(|ours| (ours.dev(), ours.ino()) == (now.dev(), now.ino()))
        });
        if same {
            let last = grant(folder)?;
            may(&last)?;
            clear(folder);
            (holder.grant, holder.before) = (last.number.saturating_add(1), last.run);
            write(
                folder,
                "grant",
                format!("{} {} {}", holder.grant, holder.run, jiff::Timestamp::now()).as_bytes(),
            )?;
            let mut lock = Lock { folder: folder.to_owned(), holder, file };
            lock.beat(None)?;
            return Ok(lock);
        }
    }
}

/// Looks who holds it, without taking it.
pub fn look(folder: &Path) -> Result<State> {
    let unknown = |what: &str, error: &dyn std::fmt::Display| {
        Ok(State::Unknown(format!("`{}` can't be read: {error}", folder.join(what).display())))
    };
    let holder = match read_holder(folder) {
        Ok(Some(holder)) => holder,
        Ok(None) => return Ok(State::Free),
        Err(error) => return unknown("holder", &error),
    };
    let file = match File::open(folder.join("lock")) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(State::Left(holder)),
        Err(error) => return unknown("lock", &error),
    };
    // Shared, so that two who look at once don't take each other for a holder.
    match FileLock::share(file) {
        Ok(Some(_)) => Ok(State::Left(holder)),
        Ok(None) => Ok(State::Held(holder)),
        Err(error) => unknown("lock", &error),
    }
}

/// Who held it last and has not handed it back; asked by who holds it now.
pub fn left(folder: &Path) -> Option<Holder> {
    read_holder(folder).ok().flatten()
}

/// Releases a lock. One that a live process holds is released only with `force`: its holder may then change nothing
/// more.
pub fn release(folder: &Path, force: bool) -> Result<State> {
    let state = look(folder)?;
    match &state {
        State::Free => return Ok(state),
        State::Unknown(why) => {
            let message = "it is unknown whether somebody holds the server";
            return Err(Failure::new(Kind::Refused, message).why(why).help("ask as a user who may read it"));
        }
        State::Held(_) if !force => {
            return Err(held(folder).help(
                "wait for it, or stop it there with Ctrl-C; if you are sure that it must not continue: \
                 `banister lock release --force`",
            ));
        }
        State::Held(_) => {
            write(folder, "grant", (grant(folder)?.number.saturating_add(1)).to_string().as_bytes())?;
            let fresh = folder.join("lock.new");
            File::create(&fresh).or_fail(Kind::Refused, || "can't make a new lock".into())?;
            fs::rename(&fresh, folder.join("lock"))
                .or_fail(Kind::Refused, || "can't put a new lock in place".into())?;
        }
        State::Left(_) => {}
    }
    fs::remove_file(folder.join("holder"))
        .or_fail(Kind::Refused, || "can't remove the holder's name".into())?;
    Ok(state)
}

impl Lock {
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Who holds it by this.
    pub fn holder(&self) -> &Holder {
        &self.holder
    }

    /// Whether this is still the newest grant: asked before every change.
    pub fn check(&self) -> Result<()> {
        if grant(&self.folder)?.number == self.holder.grant {
            return Ok(());
        }
        let now = left(&self.folder).map_or("somebody".to_owned(), |holder| holder.by);
        let message =
            format!("the lock was taken away from this run by force; {now} may be working on the server");
        Err(Failure::new(Kind::Locked, message).help("see who holds it with `banister lock show`"))
    }

    /// Says that the holder works, and on which step.
    pub fn beat(&mut self, step: Option<&str>) -> Result<()> {
        if let Some(step) = step {
            step.clone_into(&mut self.holder.step);
        }
        self.holder.beat = now();
        let text =
            serde_json::to_vec_pretty(&self.holder).or_fail(Kind::Bug, || "can't write the holder".into())?;
        write(&self.folder, "holder", &text)
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Handed back: the name goes first, so that no free lock has one.
        if self.check().is_ok() {
            let _ = fs::remove_file(self.folder.join("holder"));
        }
    }
}

/// Whom this process works for, if that is not who started it.
static ACTS_FROM: OnceLock<String> = OnceLock::new();

/// Has it work for somebody elsewhere, as [`origin`] named that there.
pub fn act_from(origin: String) {
    _ = ACTS_FROM.set(origin);
}

/// Where this process is used from: an SSH client's address or a terminal.
pub fn origin() -> String {
    if let Some(origin) = ACTS_FROM.get() {
        return origin.clone();
    }
    match std::env::var("SSH_CONNECTION") {
        Ok(ssh) => format!("ssh from {}", ssh.split(' ').next().unwrap_or_default()),
        Err(_) => match fs::read_link("/proc/self/fd/0") {
            Ok(path) if path.starts_with("/dev/pts") || path.starts_with("/dev/tty") => {
                path.display().to_string()
            }
            _ => "no terminal".into(),
        },
    }
}

/// One line that says who holds it.
pub fn describe(holder: &Holder) -> String {
    let Holder { by, from, purpose, run, step, since, beat, pid, .. } = holder;
    let step = if step.is_empty() { String::new() } else { format!(", step `{step}`") };
    format!("{by} ({from}, pid {pid}): {purpose}{step}, run {run}, since {since}, last seen {beat}")
}

/// The failure for whoever wants what a live process holds.
pub fn held_by(holder: &Holder) -> Failure {
    Failure::new(Kind::Locked, format!("the server is held by {}", describe(holder)))
        .help("see it with `banister lock show`")
}

fn held(folder: &Path) -> Failure {
    let message = match read_holder(folder) {
        Ok(Some(holder)) => format!("the server is held by {}", describe(&holder)),
        Ok(None) => "the server is being locked by another process".into(),
        Err(_) => "the server is held by another user, whose name can't be read".into(),
    };
    Failure::new(Kind::Locked, message).help("see it with `banister lock show`")
}

fn open(folder: &Path) -> Result<File> {
    let path = folder.join("lock");
    installation::open_lock(&path).or_fail(Kind::Refused, || {
        format!("can't open the lock `{}`; does the server belong to another user?", path.display())
    })
}

/// Nothing if nobody held it, or it was handed back.
fn read_holder(folder: &Path) -> std::io::Result<Option<Holder>> {
    match fs::read(folder.join("holder")) {
        Ok(text) => serde_json::from_slice(&text).map(Some).map_err(std::io::Error::other),
        Err(error) if [ErrorKind::NotFound, ErrorKind::NotADirectory].contains(&error.kind()) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The last grant: its number, its run, its instant, with blanks between.
pub fn grant(folder: &Path) -> Result<Grant> {
    let text = match fs::read_to_string(folder.join("grant")) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Grant::default()),
        Err(error) => {
            return Err(error).or_fail(Kind::Refused, || "can't read the grant number of the lock".into());
        }
    };
    let mut words = text.split_whitespace();
    // A power cut can empty the file. No holder outlives one, so any number will do that nobody had.
    let number = words.next().and_then(|number| number.parse().ok());
    let number = number.unwrap_or_else(|| jiff::Timestamp::now().as_millisecond().unsigned_abs());
    Ok(Grant { number, run: words.next().map(str::to_owned), at: words.next().map(str::to_owned) })
}

/// Removes what holders that were killed while they wrote have left.
fn clear(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("holder.") || name.starts_with("grant.") {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// The holder is not synced: after a power cut every holder is dead. The grant is: it says who had the server last.
fn write(folder: &Path, name: &str, content: &[u8]) -> Result<()> {
    installation::write(&folder.join(name), content, name == "grant")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holder(run: &str) -> Holder {
        Holder {
            run: run.into(),
            folder: "/nowhere".into(),
            purpose: "update".into(),
            step: String::new(),
            by: "ops@cloud".into(),
            from: "no terminal".into(),
            pid: 1,
            since: now(),
            beat: now(),
            grant: 0,
            before: None,
            runbook: "update".into(),
            journal: String::new(),
            began: now(),
            again: false,
            linked: false,
            by_hand: false,
        }
    }

    fn take(folder: &Path, holder: Holder) -> Result<Lock> {
        super::take(folder, holder, &|_| Ok(()))
    }

    #[test]
    fn one_holder_at_a_time_and_one_that_was_pushed_out_may_change_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let folder = &folder.path().join("banister");
        assert_eq!(look(folder).unwrap(), State::Free);
        let first = take(folder, holder("first")).unwrap();
        assert!(matches!(look(folder).unwrap(), State::Held(h) if h.run == "first" && h.grant == 1));
        assert_eq!(take(folder, holder("second")).err().unwrap().kind, Kind::Locked);
        assert_eq!(release(folder, false).unwrap_err().kind, Kind::Locked);
        release(folder, true).unwrap();
        assert_eq!(first.check().unwrap_err().kind, Kind::Locked);
        let second = take(folder, holder("second")).unwrap();
        drop(first);
        assert!(
            matches!(look(folder).unwrap(), State::Held(h) if h.run == "second" && h.before.is_none()),
            "it was taken by force from the first"
        );
        second.check().unwrap();
        drop(second);
        let third = take(folder, holder("third")).unwrap();
        assert!(matches!(look(folder).unwrap(), State::Held(h) if h.before.as_deref() == Some("second")));
        drop(third);
        assert_eq!(look(folder).unwrap(), State::Free);
    }
}
