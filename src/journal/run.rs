//! Runs as folders: made, found, opened by one process at a time.

use super::file::{self, JournalFile};
use super::index::Index;
use super::{Entry, Header};
use crate::event::RunState;
use crate::failure::{Context, Failure, Kind, Result};
use rustix::fs::{FlockOperation, flock};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The folder of all runs, in the state folder of this user.
pub fn folder(state: &Path) -> PathBuf {
    state.join("runs")
}

/// A run that this process, and no other, works on.
pub struct OpenRun {
    pub path: PathBuf,
    pub journal: JournalFile,
    /// What was in the journal when it was opened.
    pub index: Index,
    /// Held until this is dropped or the process ends, however it ends.
    _session: File,
}

impl OpenRun {
    /// Makes the folder of a new run.
    pub fn create(state: &Path, run: &str) -> Result<OpenRun> {
        let path = folder(state).join(run);
        let failed = || format!("can't make the folder of the run, `{}`", path.display());
        DirBuilder::new().recursive(true).mode(0o700).create(folder(state)).or_fail(Kind::Journal, failed)?;
        DirBuilder::new().mode(0o700).create(&path).or_fail(Kind::Journal, failed)?;
        OpenRun::open(&path)
    }

    /// Opens a run to work on it.
    pub fn open(path: &Path) -> Result<OpenRun> {
        let name = name(path);
        // Who only looks holds the lock for a moment.
        let mut session = lock(path)?;
        for _ in 0..10 {
            if session.is_none() {
                std::thread::sleep(std::time::Duration::from_millis(10));
                session = lock(path)?;
            }
        }
        let Some(session) = session else {
            let message = format!("another process is working on the run `{name}`");
            return Err(Failure::new(Kind::Locked, message).help("see what it does with `banister show`"));
        };
        let mut index = Index::default();
        let journal = JournalFile::open(&path.join("journal.jsonl"), &mut |record| index.add(record))?;
        Ok(OpenRun { path: path.to_owned(), journal, index, _session: session })
    }

    /// The folder of one attempt of a command.
    pub fn log(&self, key: &str, attempt: u32) -> PathBuf {
        log(&self.path, key, attempt)
    }
}

/// The folder of one attempt of a command of the run in `path`.
pub fn log(path: &Path, key: &str, attempt: u32) -> PathBuf {
    path.join("logs").join(format!("{}.{attempt}", super::key::folder_name(key)))
}

/// A run as it can be read at any moment, whoever works on it.
pub struct Summary {
    pub name: String,
    pub path: PathBuf,
    pub state: RunState,
    pub index: Index,
    pub header: Header,
}

impl Summary {
    pub fn read(path: &Path) -> Result<Summary> {
        let mut index = Index::default();
        file::read(&path.join("journal.jsonl"), &mut |record| index.add(record))?;
        let header = index.header.clone().ok_or_else(|| {
            Failure::new(Kind::Journal, format!("the run `{}` has no beginning", name(path)))
        })?;
        let state = match &index.finished {
            _ if lock(path)?.is_none() => RunState::Running,
            Some((state, _)) => *state,
            None => RunState::Interrupted,
        };
        Ok(Summary { name: name(path), path: path.to_owned(), state, index, header })
    }

    /// Whether something is left to do in it.
    pub fn is_open(&self) -> bool {
        is_open(&self.path, self.state) && !self.header.by_hand
    }
}

/// A run at a glance: what its first and last record say. Cheap, whatever its length.
pub struct Glance {
    pub name: String,
    pub path: PathBuf,
    pub header: Header,
    pub state: RunState,
    pub started: String,
}

impl Glance {
    pub fn read(path: &Path) -> Result<Glance> {
        let (first, last) = file::ends(&path.join("journal.jsonl"))?;
        let Entry::Run(header) = first.entry else {
            return Err(Failure::new(Kind::Journal, format!("the run `{}` has no beginning", name(path))));
        };
        let state = match last.entry {
            _ if lock(path)?.is_none() => RunState::Running,
            Entry::Finished { state, .. } => state,
            _ => RunState::Interrupted,
        };
        Ok(Glance { name: name(path), path: path.to_owned(), header, state, started: first.time })
    }

    /// Whether something is left to do in it.
    pub fn is_open(&self) -> bool {
        is_open(&self.path, self.state) && !self.header.by_hand
    }
}

fn is_open(path: &Path, state: RunState) -> bool {
    matches!(state, RunState::Failed | RunState::Interrupted | RunState::Running) && !is_abandoned(path)
}

fn is_abandoned(path: &Path) -> bool {
    path.join("abandoned").exists()
}

/// All runs, the oldest first, by their folders. A folder that a crash left before its first record is passed over, and
/// so is a damaged one that was given up.
pub fn all(state: &Path) -> Result<Vec<(PathBuf, Result<Glance>)>> {
    let mut paths: Vec<PathBuf> = match fs::read_dir(folder(state)) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).or_fail(Kind::Journal, || "can't list the runs".into()),
    };
    paths.sort();
    paths.retain(|path| file::has_records(&path.join("journal.jsonl")));
    let read = paths.into_iter().map(|path| {
        let glance = Glance::read(&path);
        (path, glance)
    });
    Ok(read.filter(|(path, glance)| glance.is_ok() || !is_abandoned(path)).collect())
}

/// The run of this name, or the only one whose name ends so.
pub fn find(state: &Path, wanted: &str) -> Result<PathBuf> {
    let path = folder(state).join(wanted);
    if !wanted.is_empty() && !wanted.contains('/') && path.join("journal.jsonl").exists() {
        return Ok(path);
    }
    Err(Failure::new(Kind::Invalid, format!("there is no run `{wanted}`"))
        .help("list them with `banister runs`"))
}

/// A new run's name: its instant to the millisecond, so that names sort by age.
pub fn new_name() -> String {
    jiff::ZonedDateTime::now().strftime("%Y%m%d-%H%M%S-%3f").to_string()
}

/// Remembers that nobody will go on with the run.
pub fn abandon(path: &Path, by: &str) -> Result<()> {
    fs::write(path.join("abandoned"), format!("{by}\n"))
        .or_fail(Kind::Journal, || format!("can't abandon the run `{}`", name(path)))
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The session's lock, or nothing if another process has it.
fn lock(path: &Path) -> Result<Option<File>> {
    let failed = || format!("can't open `{}`", path.join("session").display());
    let mut options = OpenOptions::new();
    let file = options
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path.join("session"))
        .or_fail(Kind::Journal, failed)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error).or_fail(Kind::Journal, failed),
    }
}
