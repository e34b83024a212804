//! Runs as folders: made, found, opened by one process at a time.

use super::about::About;
use super::file::{self, JournalFile, Unread};
use super::index::Index;
use super::{Entry, Header, Record};
use crate::event::RunState;
use crate::failure::{Context, Failure, Kind, Result};
use crate::key::Key;
use crate::sync::FileLock;
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
    _session: FileLock,
}

impl OpenRun {
    /// Makes the folder of a new run. If there is one of this name, the run gets another; [`OpenRun::name`] has it.
    pub fn create(state: &Path, run: &str) -> Result<OpenRun> {
        let mut path = folder(state).join(run);
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder(state))
            .or_fail(Kind::Journal, || format!("can't make the folder of the run, `{}`", path.display()))?;
        loop {
            match DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return OpenRun::open(&path),
                Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                    path = folder(state).join(new_name());
                }
                Err(error) => {
                    let failed = || format!("can't make the folder of the run, `{}`", path.display());
                    return Err(error).or_fail(Kind::Journal, failed);
                }
            }
        }
    }

    /// Notes beside the journal what the run is about.
    pub fn describe(&self, header: &Header) -> Result<()> {
        About::write(header, &jiff::Timestamp::now().to_string(), &self.path)
    }

    /// As runs are listed.
    pub fn name(&self) -> String {
        name(&self.path)
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
            return Err(Failure::new(Kind::Locked, message).help("see its progress with `banister show`"));
        };
        let mut index = Index::default();
        let journal = JournalFile::open(&path.join("journal.jsonl"), &mut |record| index.add(record))?;
        Ok(OpenRun { path: path.to_owned(), journal, index, _session: session })
    }

    /// The folder of one attempt of a command.
    pub fn log(&self, key: Key, attempt: u32) -> PathBuf {
        log(&self.path, key, attempt)
    }
}

/// The folder of one attempt of a command of the run in `path`.
pub fn log(path: &Path, key: Key, attempt: u32) -> PathBuf {
    let logs = path.join("logs");
    let folder = |name: String| logs.join(format!("{name}.{attempt}"));
    // A command that an earlier version began is in a folder that it named.
    let former = key.former_folder_name().map(folder).filter(|former| former.exists());
    former.unwrap_or_else(|| folder(key.folder_name()))
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
    /// Fails with [`Kind::Journal`] if not all of it can be read.
    pub fn read(path: &Path) -> Result<Summary> {
        let (summary, unread) = Summary::as_far_as_readable(path);
        match unread {
            None => Ok(summary),
            Some(Unread::Damaged(failure)) => Err(failure.help(format!(
                "nothing was touched; show its readable part and the next commands with `banister show {}`",
                summary.name
            ))),
            Some(Unread::Newer(failure)) => Err(failure),
        }
    }

    /// What can be read, and why there is not more of it. Where that says nothing of the run, the note beside its
    /// journal does.
    pub fn as_far_as_readable(path: &Path) -> (Summary, Option<Unread>) {
        let mut index = Index::default();
        let journal = path.join("journal.jsonl");
        let mut unread = file::read(&journal, &mut |record| index.add(record)).err();
        if unread.is_none() && index.header.is_none() {
            let message = format!("the journal `{}` is empty", journal.display());
            unread = Some(Unread::Damaged(Failure::new(Kind::Journal, message)));
        }
        let state = match (&unread, &index.finished) {
            (Some(unread), _) => state_despite(path, unread),
            _ if is_worked_on(path) => RunState::Running,
            (None, Some((state, _))) => *state,
            (None, None) => RunState::Interrupted,
        };
        let header = index.header.clone().unwrap_or_else(|| About::read(path).header(path));
        (Summary { name: name(path), path: path.to_owned(), state, index, header }, unread)
    }

    /// Whether something is left to do in it.
    pub fn is_open(&self) -> bool {
        is_open(&self.path, self.state) && !self.header.by_hand
    }
}

/// A run at a glance: what its first and last record say. Damage between them is not known until [`Glance::verified`].
pub struct Glance {
    pub name: String,
    pub path: PathBuf,
    pub header: Header,
    pub state: RunState,
    /// The instant of its first record.
    pub started: String,
    /// The instant of its last record, as far as that can be read.
    pub last: Option<String>,
    /// Why its journal can't be used, if it can't.
    pub unread: Option<Unread>,
}

impl Glance {
    /// Never fails: of a run whose journal can't be read the state says so, and the rest is what is known nevertheless.
    pub fn read(path: &Path) -> Glance {
        let (name, path) = (name(path), path.to_owned());
        let unread = match file::ends(&path.join("journal.jsonl")) {
            Ok((Record { entry: Entry::Run(header), time: started, .. }, last)) => {
                let state = match last.entry {
                    _ if is_worked_on(&path) => RunState::Running,
                    Entry::Finished { state, .. } => state,
                    _ => RunState::Interrupted,
                };
                let last = Some(last.time);
                return Glance { name, path, header, state, started, last, unread: None };
            }
            Ok(_) => {
                Unread::Damaged(Failure::new(Kind::Journal, format!("the run `{name}` has no beginning")))
            }
            Err(unread) => unread,
        };
        let about = About::read(&path);
        let state = state_despite(&path, &unread);
        Glance {
            header: about.header(&path),
            started: about.started,
            last: None,
            name,
            path,
            state,
            unread: Some(unread),
        }
    }

    /// The same, with what is known once all of its journal is looked at. A settled run is believed.
    pub fn verified(self) -> Glance {
        if self.unread.is_some() || is_settled(self.state) {
            return self;
        }
        match file::verify(&self.path.join("journal.jsonl")) {
            Ok(()) => self,
            Err(unread) => Glance { state: state_despite(&self.path, &unread), unread: Some(unread), ..self },
        }
    }

    /// Whether something is left to do in it.
    pub fn is_open(&self) -> bool {
        is_open(&self.path, self.state) && !self.header.by_hand
    }

    /// Whether it began before that instant, which is written likewise.
    pub fn is_before(&self, started: &str) -> bool {
        self.instant() < started.parse().ok()
    }

    /// Its age. What is no instant counts as the oldest.
    fn instant(&self) -> Option<jiff::Timestamp> {
        self.started.parse().ok()
    }
}

fn is_settled(state: RunState) -> bool {
    matches!(state, RunState::Done | RunState::RolledBack)
}

/// The state of a run whose journal can't be used. Whatever happened to it, if it ends as that of a run in which nothing is
/// left to do, that is believed.
fn state_despite(path: &Path, unread: &Unread) -> RunState {
    match (File::open(path.join("journal.jsonl")).ok().and_then(|file| file::last(&file)), unread) {
        _ if is_worked_on(path) => RunState::Running,
        (Some(Record { entry: Entry::Finished { state, .. }, .. }), _) if is_settled(state) => state,
        (_, Unread::Newer(_)) => RunState::Newer,
        (_, Unread::Damaged(_)) => RunState::Damaged,
    }
}

fn is_open(path: &Path, state: RunState) -> bool {
    let is_refused = matches!(state, RunState::Failed | RunState::Interrupted) && is_untouched(path);
    !is_settled(state) && !is_abandoned(path) && !is_refused
}

/// Notes whether a session that failed, or that a person declined, had touched nothing: then nothing is left of the run that
/// could be continued.
pub fn note_untouched(path: &Path) {
    // Without the note the run can be resumed, which harms nobody.
    _ = fs::write(path.join("untouched"), "");
}

/// Forgets that, before anything more is done: a run that changes something must not be taken for one that did not.
pub fn forget_untouched(path: &Path) -> Result<()> {
    match fs::remove_file(path.join("untouched")) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error)
            .or_fail(Kind::Journal, || format!("the note beside the run `{}` can't be removed", name(path))),
        _ => Ok(()),
    }
}

/// Whether the run had touched nothing when it failed or was declined.
pub fn is_untouched(path: &Path) -> bool {
    path.join("untouched").exists()
}

/// Who abandoned the run, if somebody did.
pub fn abandoned_by(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path.join("abandoned")).or_else(|_| fs::read_to_string(beside(path)));
    is_abandoned(path).then(|| text.unwrap_or_default().trim().to_owned())
}

fn is_abandoned(path: &Path) -> bool {
    path.join("abandoned").exists() || beside(path).exists()
}

/// Where a run is noted as given up whose folder can't be written to.
fn beside(path: &Path) -> PathBuf {
    path.with_file_name(format!("{}.abandoned", name(path)))
}

/// Whether a process works on the run. One whose lock can't be seen belongs to another user, and is none of ours.
fn is_worked_on(path: &Path) -> bool {
    matches!(lock(path), Ok(None))
}

/// All runs, the oldest first. A folder that a crash left before its first record is passed over.
pub fn all(state: &Path) -> Result<Vec<Glance>> {
    let folders: Vec<PathBuf> = match fs::read_dir(folder(state)) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).filter(|path| path.is_dir()).collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(error).or_fail(Kind::Journal, || "can't list the runs".into()),
    };
    let begun = folders.iter().filter(|path| {
        // What has logs was more than begun.
        !file::is_blank(&path.join("journal.jsonl")) || path.join("logs").exists()
    });
    let mut glances: Vec<Glance> = begun.map(|path| Glance::read(path)).collect();
    glances.sort_by_cached_key(|glance| (glance.instant(), glance.name.clone()));
    Ok(glances)
}

/// The run of this name, or the only one whose name ends with these parts of it, as `k3f9`.
pub fn find(state: &Path, wanted: &str) -> Result<PathBuf> {
    let none = || {
        Failure::new(Kind::Invalid, format!("there is no run `{wanted}`"))
            .help("list them with `banister runs`")
    };
    if wanted.is_empty() || wanted.contains('/') || wanted.starts_with('.') {
        return Err(none());
    }
    let path = folder(state).join(wanted);
    if path.is_dir() {
        return Ok(path);
    }
    let end = format!("-{wanted}");
    let mut fitting: Vec<PathBuf> = match fs::read_dir(folder(state)) {
        Ok(entries) => entries.flatten().map(|entry| entry.path()).collect(),
        Err(_) => return Err(none()),
    };
    fitting.retain(|path| name(path).ends_with(&end) && path.is_dir());
    match fitting.as_slice() {
        [] => Err(none()),
        [only] => Ok(only.clone()),
        _ => {
            fitting.sort();
            let names: Vec<String> = fitting.iter().map(|path| format!("`{}`", name(path))).collect();
            Err(Failure::new(Kind::Invalid, format!("there are several runs `{wanted}`"))
                .why(names.join(", "))
                .help("give more of the name"))
        }
    }
}

/// A new run's name: its instant in UTC, and four characters by chance, of which none is taken for another. People read
/// its age there, but nothing here does: that is in the first record.
pub fn new_name() -> String {
    const LETTERS: &[u8; 30] = b"23456789abcdefghjkmnpqrstvwxyz";
    let mut chance = [0; 4];
    let _ = rustix::rand::getrandom(&mut chance, rustix::rand::GetRandomFlags::empty());
    let letters = chance.map(|byte| char::from(LETTERS[usize::from(byte) % 30]));
    let instant = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S");
    format!("{instant}-{}", letters.iter().collect::<String>())
}

/// Remembers that nobody will go on with the run.
pub fn abandon(path: &Path, by: &str) -> Result<()> {
    let text = format!("{by}\n");
    fs::write(path.join("abandoned"), &text)
        .or_else(|_| fs::write(beside(path), &text))
        .or_fail(Kind::Journal, || format!("can't abandon the run `{}`", name(path)))
}

/// What a run in a folder is called.
pub fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

/// The lock of who works on a run, or nothing if another process has it.
fn lock(path: &Path) -> Result<Option<FileLock>> {
    let failed = || format!("can't open `{}`", path.join("session").display());
    let mut options = OpenOptions::new();
    let file = options
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path.join("session"))
        .or_fail(Kind::Journal, failed)?;
    FileLock::take(file).or_fail(Kind::Journal, failed)
}
