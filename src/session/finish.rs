//! How a session ends.

use super::{Session, rollback};
use crate::event::{Event, RunState};
use crate::failure::{Failure, Kind};
use crate::journal::Entry;
use crate::journal::run::{self, Summary};
use std::path::PathBuf;

impl Session {
    /// Writes down and tells how the session ended: what was interrupted, declined or pushed out as interrupted, any other
    /// failure as failed. `path` is the run's folder. Nothing can be done in this session later.
    pub fn finish(&self, result: std::result::Result<(), Failure>, path: PathBuf) -> Summary {
        let interrupted =
            |kind| matches!(kind, Kind::Interrupted | Kind::Declined | Kind::Locked | Kind::Mismatch);
        let rolled_back = self.written.lock().index.rollback;
        let (mut state, mut failure) = match result {
            Ok(()) if rolled_back => (RunState::RolledBack, None),
            Ok(()) => (RunState::Done, None),
            Err(failure) if interrupted(failure.kind) => (RunState::Interrupted, Some(failure)),
            Err(failure) => (RunState::Failed, Some(failure)),
        };
        // A run whose servers were not told that it ended is not over: it is resumed.
        match (self.close(state), state) {
            (Err(unknown), RunState::Done | RunState::RolledBack) => {
                (state, failure) = (RunState::Interrupted, Some(unknown));
            }
            // One that was pushed out has been told so.
            (Err(unknown), _) if unknown.kind != Kind::Locked => {
                self.tell(&Event::Warned { text: unknown.to_string().into() });
            }
            _ => {}
        }
        // What was refused before anything was touched is begun anew, and not continued. So is what a person declined; one
        // that was interrupted was not refused.
        let is_declined = failure.as_ref().is_some_and(|failure| failure.kind == Kind::Declined);
        let is_refused = (state == RunState::Failed || is_declined) && self.is_untouched();
        if is_refused {
            run::note_untouched(&path);
            failure = failure.map(rollback::without_resume);
        }
        // Before the last record: after it nobody resumes the run, and so nobody would hand them back.
        self.locks.lock().clear();
        let way_back = self.has_way_back();
        if let Err(unwritten) =
            self.write(Entry::Finished { state, failure: failure.clone(), way_back }, true)
        {
            if matches!(state, RunState::Done | RunState::RolledBack) {
                state = RunState::Interrupted;
            }
            failure.get_or_insert(unwritten);
        }
        let index = {
            let mut written = self.written.lock();
            // Another process may work on the run from here on.
            written.run = None;
            std::mem::take(&mut written.index)
        };
        let seconds = self.started.elapsed().as_secs_f64();
        self.tell(&Event::RunFinished { run: self.header.run.clone(), state, seconds, failure });
        Summary { name: self.header.run.clone(), path, state, index, header: self.header.clone() }
    }
}
