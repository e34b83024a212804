//! A server's book: what is true of a server whoever asks.
//!
//! It lies beside the lock, in the installation, and so counts for every user, state folder and spelling of a site. It
//! says which runs are open, and what is owed to the server: what a run has begun and must still do or undo. A thing owed
//! is written before the change that makes it owed, and removed after the one that settles it, so that no crash loses one.
//! Of each run that ended a line stays.

mod ended;
mod failed;
mod file;

pub use ended::{End, Ended, close_all, end_of, ended, note_dismissed, note_end, took};
pub use failed::FailedRelease;
pub use file::{change, read};

use crate::clock::Deadline;
use crate::event::RunState;
use crate::failure::{Failure, Kind, Result};
use crate::output::word;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The version of the book's format. A book of a newer one is refused.
const VERSION: u32 = 1;

/// What is open, and what is owed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Book {
    version: u32,
    /// Runs that are not done, the oldest first.
    pub open: Vec<Open>,
    pub owed: Vec<Owed>,
    /// Releases that are not taken again automatically, the one that failed last at the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failed: Vec<FailedRelease>,
}

/// A run that is not done.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Open {
    pub run: String,
    pub runbook: String,
    /// What it holds the server for: `update from 0.2.12 to 0.2.13`.
    pub purpose: String,
    /// `user@host`.
    pub by: String,
    /// The terminal, or where an SSH session came from.
    pub from: String,
    /// The run's folder on the server's own machine, where its commands are.
    pub folder: PathBuf,
    /// Where its journal is: `host:/path`.
    pub journal: String,
    /// RFC 3339, UTC.
    pub since: String,
    /// The number of its last grant of the lock.
    pub grant: u64,
    /// Whether it may have changed more of the server than its backups and its git history.
    pub changed: bool,
    /// Whether it is about other servers, too: what it did there is not in this book.
    #[serde(default)]
    pub linked: bool,
    /// Whether all of it was typed: there is nothing to continue.
    pub by_hand: bool,
    /// How its last session left it.
    pub state: RunState,
    /// Whether that was rolling it back.
    #[serde(default)]
    pub back: bool,
    /// Commands of it that still run, as they were typed. Looked up when the book is asked for, never kept.
    #[serde(default)]
    pub running: Vec<String>,
    /// Why it is not known whether it still runs something; looked up likewise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unread: Option<String>,
}

/// Something that a run began, and that must still be done, or undone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Owed {
    /// What it is called: `maintenance`, `backup`, `action 0.4.0/index`. There is one of a name on a server.
    pub name: String,
    /// A sentence without a full stop: `back up after 0.2.13`.
    pub text: String,
    pub run: String,
    pub by: String,
    /// RFC 3339, UTC.
    pub since: String,
    /// What whoever settles it needs to know, as the script wrote it.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    pub data: Value,
    /// The release that is being installed, if that is what is owed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<String>,
    /// When it must be settled, if there is such a time, by the clocks of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Deadline>,
    /// Absent while the run is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<Left>,
}

impl Owed {
    /// Whether its time is over.
    pub fn is_overdue(&self) -> bool {
        self.until.as_ref().is_some_and(|until| until.left().is_zero())
    }

    /// Whether it is the same thing of the same run.
    fn is_same(&self, other: &Owed) -> bool {
        (&self.run, &self.text, &self.data, &self.release)
            == (&other.run, &other.text, &other.data, &other.release)
    }
}

/// Why something stays owed although its run is not open any more.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Left {
    pub by: String,
    /// RFC 3339, UTC.
    pub at: String,
    pub reason: String,
}

impl Book {
    /// Seconds by which what is owed is overdue, by its name. For the server's own machine: it goes by its clocks.
    pub fn overdue(&self) -> BTreeMap<String, f64> {
        let late = self.owed.iter().filter(|owed| owed.is_overdue());
        let by = |owed: &Owed| owed.until.as_ref().map_or(0.0, |until| until.overdue().as_secs_f64());
        late.map(|owed| (owed.name.clone(), by(owed))).collect()
    }

    /// What the run still owes.
    pub fn owed_by<'a>(&'a self, run: &'a str) -> impl Iterator<Item = &'a Owed> {
        self.owed.iter().filter(move |owed| owed.run == run)
    }

    /// The open run of this name.
    pub fn open(&self, run: &str) -> Option<&Open> {
        self.open.iter().find(|open| open.run == run)
    }

    /// Whether nobody else may begin over this run: it is half-way.
    pub fn is_half_way(&self, open: &Open) -> bool {
        !open.by_hand && (open.changed || open.linked || self.owed_by(&open.run).next().is_some())
    }

    /// Whether nobody will do it by continuing its run: that was abandoned, ended without it, was typed, or is not known
    /// here.
    pub fn is_left(&self, owed: &Owed) -> bool {
        owed.left.is_some() || self.open(&owed.run).is_none_or(|open| open.by_hand)
    }

    /// A run that nobody works on is no running one, whatever its last session said.
    pub fn stop_all_but(&mut self, works: &str) {
        for open in &mut self.open {
            match (open.run == works, open.state) {
                (true, _) => open.state = RunState::Running,
                (false, RunState::Running) => open.state = RunState::Interrupted,
                (false, _) => {}
            }
        }
    }

    /// The half-way run of somebody else, if there is one.
    pub fn half_way_beside(&self, run: &str) -> Option<&Open> {
        self.open.iter().find(|open| open.run != run && self.is_half_way(open))
    }

    /// Writes that something is owed by a run. One of the same name that was left is taken over.
    pub fn owe(&mut self, owed: Owed) {
        match self.owed.iter_mut().find(|known| known.name == owed.name) {
            // Twice is the same as once.
            Some(known) if known.left.is_none() && known.is_same(&owed) => {}
            Some(known) => *known = owed,
            None => self.owed.push(owed),
        }
    }

    /// Removes what is settled.
    pub fn settle(&mut self, names: &[String]) {
        self.owed.retain(|owed| !names.contains(&owed.name));
    }

    /// A run got the lock. What was open and had done nothing yet ends with that.
    pub fn enter(&mut self, entering: Open) -> Vec<Open> {
        let (stay, superseded) = std::mem::take(&mut self.open)
            .into_iter()
            .partition(|open| open.run == entering.run || self.is_half_way(open));
        self.open = stay;
        // What was typed owes what its last line began.
        let left = Left {
            by: entering.by.clone(),
            at: entering.since.clone(),
            reason: format!("the run {} began after it", entering.run),
        };
        superseded.iter().for_each(|open: &Open| self.leave(&open.run, &left));
        match self.open.iter_mut().find(|open| open.run == entering.run) {
            Some(known) => {
                // Whoever continues it, it is the run of who began it.
                let (by, from, since) = (known.by.clone(), known.from.clone(), known.since.clone());
                *known = Open { changed: known.changed, back: known.back, by, from, since, ..entering };
            }
            None => self.open.push(entering),
        }
        superseded
    }

    /// A run is not open any more. What it still owes is left.
    pub fn close(&mut self, run: &str, left: &Left) -> Option<Open> {
        self.leave(run, left);
        let at = self.open.iter().position(|open| open.run == run)?;
        Some(self.open.remove(at))
    }

    fn leave(&mut self, run: &str, left: &Left) {
        for owed in self.owed.iter_mut().filter(|owed| owed.run == run && owed.left.is_none()) {
            owed.left = Some(left.clone());
        }
    }
}

/// Takes something off that is owed since its run is not open any more, and gives its text.
pub fn dismiss(folder: &Path, name: &str, by: &str, reason: &str) -> Result<String> {
    change(folder, |book| {
        let Some(at) = book.owed.iter().position(|owed| owed.name == name) else {
            return Err(Failure::new(Kind::NotFound, format!("nothing called `{name}` is owed"))
                .help("see what is owed with `banister status`"));
        };
        if !book.is_left(&book.owed[at]) {
            let message = format!("`{name}` is owed by the run {}, which is open", book.owed[at].run);
            return Err(Failure::new(Kind::Refused, message).help(
                "continue that run with `banister resume`, or abandon it: `banister run … --abandon`",
            ));
        }
        let owed = book.owed.remove(at);
        note_dismissed(folder, &owed, format!("{by}: {reason}"))?;
        Ok(owed.text)
    })
}

/// The name under which whoever abandons a run takes the lock.
pub fn abandoner(run: &str) -> String {
    format!("abandon-{run}")
}

/// One line that says which run is open, since when, and what it owes.
pub fn describe(book: &Book, open: &Open) -> String {
    let Open { run, by, from, purpose, since, state, .. } = open;
    let owed: Vec<&str> = book.owed_by(run).map(|owed| owed.text.as_str()).collect();
    let owes = match (open.back, owed.is_empty()) {
        (true, true) => "; it owes the rest of its rollback".to_owned(),
        (true, false) => format!("; it owes the rest of its rollback, which settles: {}", owed.join("; ")),
        (false, true) => String::new(),
        (false, false) => format!("; it owes: {}", owed.join("; ")),
    };
    let running = match (&open.unread, open.running.as_slice()) {
        (Some(why), _) => format!("; it is unknown whether it still runs something: {why}"),
        (None, []) => String::new(),
        (None, running) => format!("; still running: {}", running.join(", ")),
    };
    let state = match state {
        RunState::Running => "is at work",
        RunState::Failed if open.back => "failed in its rollback",
        RunState::Failed => "failed",
        RunState::RolledBack | RunState::Done => "is ending",
        _ if open.back => "was interrupted in its rollback",
        _ => "was interrupted",
    };
    format!("run {run} of {by} ({from}) {state}: {purpose}, since {since}{owes}{running}")
}

/// The command that continues a run, for whoever has it in a state folder of their own or may read its folder on this
/// machine; else for who began it.
pub fn resume(open: &Open) -> String {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let folder =
        open.journal.strip_prefix(&format!("{host}:")).and_then(|path| path.strip_suffix("/journal.jsonl"));
    match folder {
        Some(folder) => format!("banister resume {}", word(folder)),
        None => format!("banister resume {}", open.run),
    }
}

/// The failure for whoever would begin over a run that is half-way.
pub fn refused(server: &str, book: &Book, open: &Open) -> Failure {
    let journal = &open.journal;
    if open.state == RunState::Running {
        return Failure::new(Kind::Locked, format!("another run is at work on `{server}`"))
            .why(describe(book, open))
            .help("wait for its end; see how far it is with `banister lock show`");
    }
    Failure::new(Kind::Locked, format!("`{server}` has an unfinished run"))
        .why(describe(book, open))
        .why(format!("its journal: {journal}"))
        .help(format!(
            "continue it: `{}`; or abandon it and start again: add `--abandon=\"why\"`",
            resume(open)
        ))
}
