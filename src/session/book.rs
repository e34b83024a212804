//! The journal of a session, and what is in it.

use super::{Open, Session};
use crate::failure::Result;
use crate::journal::index::Index;
use crate::journal::run::OpenRun;
use crate::journal::{Entry, Record};
use std::sync::MutexGuard;

/// A plan has no file and no folder; what is typed has none until it changes something.
#[derive(Default)]
pub(super) struct Book {
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
        let mut book = self.book();
        let record = match &mut book.run {
            Some(run) => run.journal.append(entry, sync)?,
            None => Record { n: book.records, time: String::new(), entry },
        };
        book.records += 1;
        if book.run.is_none()
            && let Some(waiting) = &mut book.waiting
        {
            waiting.entries.push(record.entry.clone());
        }
        book.index.add(record);
        Ok(())
    }

    /// Makes sure, before a change, that what is done is written down: what was only typed so far has no file yet.
    pub(super) fn open_for_change(&self) -> Result<()> {
        let mut book = self.book();
        let Some(waiting) = book.waiting.take() else { return Ok(()) };
        let mut run = match (waiting.open)() {
            Ok(run) => run,
            Err(failure) => {
                book.waiting = Some(waiting);
                return Err(failure);
            }
        };
        // What the caller writes next is synced, and these with it.
        let written =
            waiting.entries.into_iter().try_for_each(|entry| run.journal.append(entry, false).map(drop));
        book.run = Some(run);
        written
    }

    pub(super) fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
