//! The way back: what `on_failure` has to do, done by the same gate in a key space of its own.

use super::{Frame, Session};
use crate::data;
use crate::event::Event;
use crate::failure::{Failure, Kind, Result};
use crate::journal::index::Index;
use crate::journal::{Entry, Outcome};
use crate::key::{Key, KeyBuf};
use crate::primitive::{AnyPrimitive, Facet, Sort, changes_server};
use crate::primitives;
use std::sync::atomic::Ordering;

/// What unwinds a script that is only gone through for its handlers.
pub(super) fn turned_back() -> Failure {
    Failure::new(Kind::Interrupted, "the run is being rolled back")
}

/// The failure of a run that leaves nothing to resume. What its help says of a resume is then said of the command that the
/// run ends with.
pub(super) fn without_resume(failure: Failure) -> Failure {
    let help = failure.help.map(|help| help.replace("`banister resume`", "the command of the last line"));
    Failure { help, ..failure }
}

/// Whether a call that may have changed a server was begun. A backup, or a fetch, is no change of the server.
pub fn has_changed(index: &Index) -> bool {
    index.calls().any(|call| primitives::find(&call.call.name).is_none_or(changes_server))
}

/// Whether nothing was begun but looks. What is fetched from an origin is only looked at, and a backup that is not there, or
/// that would be empty, is refused before anything is written for it.
pub fn is_untouched(index: &Index) -> bool {
    index.calls().all(|record| {
        let Some(primitive) = primitives::find(&record.call.name) else { return false };
        let is_refused = match &record.outcome {
            // What a backup does not find may be missed half-way; what is to be unpacked is looked for first.
            Some(Outcome::Failed(failure)) => match failure.kind {
                Kind::Invalid => true,
                Kind::NotFound => primitive.facets().is_empty(),
                _ => false,
            },
            _ => false,
        };
        let of_backups = primitive.facets().iter().all(|facet| *facet == Facet::Backups);
        primitive.sort() != Sort::Change
            || primitive.facets() == [Facet::History]
            || (of_backups && is_refused && record.attempt == FIRST)
    })
}

/// The number of a call's first attempt: a later one may find what an earlier one left.
const FIRST: u32 = 0;

impl Session {
    /// Whether this run has done nothing yet that a new run would not do alike.
    pub(super) fn is_untouched(&self) -> bool {
        let written = self.written.lock();
        !written.index.rollback && is_untouched(&written.index)
    }

    /// Whether this session goes back.
    pub fn is_turned_back(&self) -> bool {
        self.turned_back.load(Ordering::Relaxed)
    }

    /// Whether the script has said so far what is to be done if it fails.
    pub fn has_way_back(&self) -> bool {
        self.way_back.load(Ordering::Relaxed)
    }

    /// Remembers that the script says what is to be done if it fails later than here, and gives that its key.
    pub fn declare_way_back(&self, frame: &Frame) -> KeyBuf {
        self.way_back.store(true, Ordering::Relaxed);
        // A rollback is not rolled back.
        self.person.hear_way_back(!self.is_turned_back());
        frame.next_key()
    }

    /// Remembers that what was declared so far is not done any more; `others` says whether something else still is.
    pub fn has_dropped_way_back(&self, others: bool) {
        self.way_back.store(others, Ordering::Relaxed);
        self.person.hear_way_back(others && !self.is_turned_back());
    }

    /// Whether a failure, met while the script is only gone through for its handlers, is none that the run had before:
    /// somebody else has the server, or the run can't be read. `none` says that no handler was found before it.
    pub fn keeps_from_rollback(&self, failure: &Failure, none: bool) -> bool {
        match failure.kind {
            Kind::Locked | Kind::Journal | Kind::Bug => true,
            Kind::Interrupted => failure.message != turned_back().message,
            Kind::Mismatch | Kind::Declined => none,
            _ => false,
        }
    }

    /// Begins the way back after a failure of this session.
    pub fn turn_back(&self) {
        self.turned_back.store(true, Ordering::Relaxed);
        self.person.hear_way_back(false);
    }

    /// Whether this run may have changed a server.
    pub fn has_changed(&self) -> bool {
        has_changed(&self.written.lock().index)
    }

    /// Whether this run has begun anything that is more than a look: also what changes no server, such as a backup. What
    /// was refused for its arguments did nothing.
    pub fn has_acted(&self) -> bool {
        let is_refused =
            |outcome: &Outcome| matches!(outcome, Outcome::Failed(failure) if failure.kind == Kind::Invalid);
        // What the origin has was brought into the repository: nothing that anybody sees.
        let acts = |primitive: &dyn AnyPrimitive| {
            primitive.sort() == Sort::Change && primitive.facets() != [Facet::History]
        };
        self.written
            .lock()
            .index
            .calls()
            .filter(|call| !call.outcome.as_ref().is_some_and(is_refused))
            .any(|call| primitives::find(&call.call.name).is_none_or(acts))
    }

    /// Writes down that the run can only go back from now on, and ends whatever a command of the script, cut off or left,
    /// still does: the way back must be alone. Called once before the first handler; `failure` is why, if something failed now.
    pub fn clear_the_way(&self, failure: Option<Failure>) -> Result<()> {
        if !self.written.lock().index.rollback {
            self.write(Entry::Rollback(failure), true)?;
        }
        self.tell(&Event::RollbackStarted);
        self.end_open(|key| !key.in_handler(), "to roll back")
    }

    /// Ends what calls that are cut off still do.
    pub(super) fn end_open(&self, is_one: impl Fn(Key) -> bool, why: &str) -> Result<()> {
        let open: Vec<_> = {
            let written = self.written.lock();
            let open = written.index.open_calls().filter(|(key, _)| is_one(*key));
            open.map(|(key, record)| (key.to_buf(), record.clone())).collect()
        };
        for (key, record) in open {
            let text = primitives::describe(&record.call);
            let server =
                data::server_of(&record.call.arguments).map(|name| self.site.server(name)).transpose()?;
            self.with_host(server, key.as_key(), record.attempt, true, |host| self.reach.end(host))?;
            let failure = Failure::new(Kind::CommandFailed, format!("{text} was ended {why}"));
            let (attempt, result) = (record.attempt, Outcome::Failed(failure));
            self.write(Entry::Ended { key, attempt, seconds: 0.0, result }, true)?;
        }
        Ok(())
    }

    /// The frame of the handler that was declared at `key`.
    pub fn handler_frame(&self, outer: &Frame, key: Key) -> Frame {
        outer.inner(key.handler(), None)
    }
}
