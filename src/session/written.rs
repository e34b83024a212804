//! The journal of a session, and what is in it.

use super::Session;
use crate::failure::Result;
use crate::journal::index::Index;
use crate::journal::run::OpenRun;
use crate::journal::{Entry, Record};

/// Opens the run in which typed lines are written down, when the first of them is about to change something.
pub type Open = Box<dyn Fn() -> Result<OpenRun> + Send + Sync>;

/// A plan has no file and no folder; what is typed has none until it changes something.
#[derive(Default)]
pub(super) struct Written {
    pub run: Option<OpenRun>,
    pub index: Index,
    /// Number of records, for those that are in no file.
    pub records: u64,
    pub waiting: Option<Waiting>,
}

/// What is written down as soon as there is something to write it to.
pub(super) struct Waiting {
    pub open: Open,
    pub entries: Vec<Entry>,
    /// How many of them are about more than the line that was typed last.
    pub lasting: usize,
}

impl Session {
    pub(super) fn write(&self, entry: Entry, sync: bool) -> Result<()> {
        let mut written = self.written.lock();
        let Written { run, waiting, records, .. } = &mut *written;
        let record = match (waiting, run) {
            (Some(waiting), _) => {
                waiting.entries.push(entry.clone());
                Record { n: *records, time: String::new(), entry }
            }
            (None, Some(run)) => run.journal.append(entry, sync)?,
            (None, None) => Record { n: *records, time: String::new(), entry },
        };
        written.records += 1;
        written.index.add(record);
        Ok(())
    }

    /// Makes sure, before a change, that what is done is written down: what was only typed so far has no file yet. What
    /// can't be written stays for the next time.
    pub(super) fn open_for_change(&self) -> Result<()> {
        let mut written = self.written.lock();
        let Written { run, waiting, .. } = &mut *written;
        let Some(waits) = waiting else { return Ok(()) };
        let open = match run {
            Some(open) => open,
            None => run.insert((waits.open)()?),
        };
        while let Some(entry) = waits.entries.first() {
            // What the caller writes next is synced, and these with it.
            open.journal.append(entry.clone(), false)?;
            waits.entries.remove(0);
        }
        *waiting = None;
        Ok(())
    }
}
