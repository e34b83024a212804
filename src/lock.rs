//! Who holds a server.
//!
//! The lock lies with the installation (in the git folder of its checkout), so that it keeps out every user and every
//! site file that speaks of the same server. It is an OS lock held by a live process, which no crash can leave
//! behind, beside a readable file that says who holds it. Each grant has a rising number: a holder that was pushed
//! out finds a higher one and may not change anything more.

use crate::failure::{Context, Failure, Kind, Result};
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

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
}

/// A lock that this process holds. Dropped, it is free.
pub struct Lock {
    folder: PathBuf,
    file: File,
    holder: Holder,
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
}

/// Takes the lock of the installation whose lock folder is `folder`. `holder.grant` and
/// `holder.before` are set here.
///
/// Fails with [`Kind::Locked`] while a live process holds it.
pub fn take(folder: &Path, mut holder: Holder) -> Result<Lock> {
    let failed = || format!("can't take the lock in `{}`", folder.display());
    DirBuilder::new().recursive(true).mode(0o700).create(folder).or_fail(Kind::Refused, failed)?;
    let mut tries = 10;
    loop {
        let file = open(folder)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            // Who only looks holds it for a moment.
            Err(rustix::io::Errno::WOULDBLOCK) if tries > 0 => {
                tries -= 1;
                std::thread::sleep(std::time::Duration::from_millis(10));
                continue;
            }
            Err(rustix::io::Errno::WOULDBLOCK) => return Err(held(folder)),
            Err(error) => return Err(error).or_fail(Kind::Refused, failed),
        }
        // A release by force puts a new file in the old one's place: a lock on the old one keeps nobody out.
        let same = fs::metadata(folder.join("lock")).is_ok_and(|now| {
            file.metadata().is_ok_and(|ours| (ours.dev(), ours.ino()) == (now.dev(), now.ino()))
        });
        if same {
            clear(folder);
            let (number, run) = grant(folder)?;
            (holder.grant, holder.before) = (number + 1, run);
            write(folder, "grant", format!("{} {}", holder.grant, holder.run).as_bytes())?;
            let mut lock = Lock { folder: folder.to_owned(), file, holder };
            lock.beat(None)?;
            return Ok(lock);
        }
    }
}

/// Looks who holds it, without taking it.
pub fn look(folder: &Path) -> Result<State> {
    let Some(holder) = read_holder(folder) else { return Ok(State::Free) };
    let Ok(file) = OpenOptions::new().write(true).open(folder.join("lock")) else { return Ok(State::Free) };
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(State::Left(holder)),
        Err(_) => Ok(State::Held(holder)),
    }
}

/// Releases a lock. One that a live process holds is released only with `force`: its holder may then change nothing
/// more.
pub fn release(folder: &Path, force: bool) -> Result<State> {
    let state = look(folder)?;
    match &state {
        State::Free => return Ok(state),
        State::Held(_) if !force => {
            return Err(held(folder).help(
                "wait for it, or stop it there with Ctrl-C; if you are sure that it must not go on: \
                 `banister lock release --force`",
            ));
        }
        State::Held(_) => {
            write(folder, "grant", (grant(folder)?.0 + 1).to_string().as_bytes())?;
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

    /// Whether this is still the newest grant: asked before every change.
    pub fn check(&self) -> Result<()> {
        if grant(&self.folder)?.0 == self.holder.grant {
            return Ok(());
        }
        let now = read_holder(&self.folder).map_or("somebody".to_owned(), |holder| holder.by);
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
        let _ = flock(&self.file, FlockOperation::Unlock);
    }
}

/// This instant, in seconds, as RFC 3339 in UTC.
pub fn now() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Where this process is used from: an SSH client's address or a terminal.
pub fn origin() -> String {
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

fn held(folder: &Path) -> Failure {
    let message = match read_holder(folder) {
        Some(holder) => format!("the server is held by {}", describe(&holder)),
        None => "the server is being locked by another process".into(),
    };
    Failure::new(Kind::Locked, message).help("see it with `banister lock show`")
}

fn open(folder: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    let path = folder.join("lock");
    options.create(true).truncate(false).write(true).mode(0o600).open(&path).or_fail(Kind::Refused, || {
        format!("can't open the lock `{}`; does the server belong to another user?", path.display())
    })
}

fn read_holder(folder: &Path) -> Option<Holder> {
    serde_json::from_slice(&fs::read(folder.join("holder")).ok()?).ok()
}

/// The number of the last grant, and the run that got it.
fn grant(folder: &Path) -> Result<(u64, Option<String>)> {
    match fs::read_to_string(folder.join("grant")) {
        Ok(text) => {
            let (number, run) =
                text.trim().split_once(' ').map_or((text.trim(), None), |(n, run)| (n, Some(run)));
            let number =
                number.parse().or_fail(Kind::Refused, || "the grant number of the lock is damaged".into())?;
            Ok((number, run.map(str::to_owned)))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok((0, None)),
        Err(error) => Err(error).or_fail(Kind::Refused, || "can't read the grant number of the lock".into()),
    }
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

/// Not synced: after a power cut every holder is dead, and the grant of a dead holder is worth nothing.
fn write(folder: &Path, name: &str, content: &[u8]) -> Result<()> {
    let failed = || format!("can't write `{}`", folder.join(name).display());
    let fresh = folder.join(format!("{name}.{}", std::process::id()));
    let mut options = OpenOptions::new();
    let mut file = options
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&fresh)
        .or_fail(Kind::Refused, failed)?;
    file.write_all(content).or_fail(Kind::Refused, failed)?;
    fs::rename(&fresh, folder.join(name)).or_fail(Kind::Refused, failed)
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
        }
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
