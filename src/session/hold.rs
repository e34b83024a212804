//! The locks of a session: one for each server that it changes.

use super::{HeldOrNot, Session};
use crate::book::End;
use crate::data;
use crate::event::{Event, RunState};
use crate::failure::Result;
use crate::journal::Call;
use crate::journal::index::{CallRecord, Index};
use crate::key::Key;
use crate::lock::Holder;
use crate::primitive::{Sort, Told};
use crate::primitives;
use crate::reach::Held;
use crate::secret::Shown;
use crate::site::Server;
use std::collections::BTreeSet;

impl Session {
    /// Takes the lock of the server, if this session does not hold it yet.
    pub(super) fn hold(&self, server: &Server, purpose: &str) -> Result<()> {
        self.with_lock(server, purpose, |_| Ok(()))
    }

    /// Makes sure, before a change, that the server is held by this session and was not taken from it. A script that
    /// takes no lock gets one here: nothing changes a server that another run works on.
    /// `changes` says whether the run is half-way on the server from then on.
    pub(super) fn own(&self, server: &Server, step: &str, changes: bool) -> Result<()> {
        self.with_lock(server, &self.header.runbook, |lock| lock.beat(step, changes))
    }

    /// Has the book of each server that the run touched say how this session leaves the run. What ended well is not over
    /// before each of them knows.
    pub(super) fn close(&self, state: RunState) -> Result<()> {
        let ended_well = matches!(state, RunState::Done | RunState::RolledBack);
        let (steps, touched, back) = {
            let written = self.written.lock();
            let index = &written.index;
            let is_question =
                |call: &Call| primitives::find(&call.name).is_some_and(|p| p.sort() == Sort::Ask);
            let course = index.course();
            let asked: Vec<(Key, f64)> = course
                .iter()
                .filter(|(_, record)| is_question(&record.call))
                .map(|(key, record)| (*key, record.seconds))
                .collect();
            // How long somebody was waited for says nothing of the next run.
            let waited = |block: Key| -> f64 {
                let within = asked.iter().filter(|(key, _)| key.around().any(|outer| outer == block));
                within.map(|(_, seconds)| seconds).sum()
            };
            let steps = index
                .block_order()
                .filter_map(|key| {
                    let block = index.block(key)?;
                    let name = Shown::from(block.name.as_str()).as_str().to_owned();
                    Some((name, (block.seconds? - waited(key)).max(0.0)))
                })
                .collect();
            (steps, touched(&written.index), written.index.rollback)
        };
        let end = End { state, changed: self.has_changed(), back, steps };
        if ended_well && self.run_folder().is_some() {
            for name in touched {
                // What is not in the site any more can't be told.
                let Ok(server) = self.site.server(&name) else { continue };
                self.hold(server, &self.header.runbook)?;
            }
        }
        let locks: Vec<HeldOrNot> = {
            let locks = self.locks.lock();
            locks.values().cloned().collect()
        };
        for lock in locks {
            let mut lock = lock.lock();
            if let Some(lock) = lock.as_mut() {
                lock.end(&end, &self.stop, &self.warn())?;
            }
        }
        Ok(())
    }

    /// Branches on other servers don't wait for this: to take a lock may mean to connect to a server, and to wait there.
    fn with_lock(
        &self,
        server: &Server,
        purpose: &str,
        use_it: impl FnOnce(&mut dyn Held) -> Result<()>,
    ) -> Result<()> {
        let lock = {
            let mut locks = self.locks.lock();
            locks.entry(server.name.clone()).or_default().clone()
        };
        let mut lock = lock.lock();
        if lock.is_none() {
            *lock = self.reach.hold(server, self.holder(server, purpose), &self.stop, &self.warn())?;
        }
        lock.as_mut().map_or(Ok(()), |lock| use_it(lock.as_mut()))
    }

    /// Passes on what a reach warns of while it takes a lock or hands it back.
    fn warn(&self) -> impl Fn(Told) + '_ {
        |told| {
            if let Told::Warning(text) = told {
                self.tell(&Event::Warned { text });
            }
        }
    }

    /// Whether the run rests on something that it saw of the server.
    fn has_seen(&self, server: &Server) -> bool {
        has_seen(&self.written.lock().index, server)
    }

    /// Where the journal is, for people: `host:/path`.
    fn journal_place(&self) -> String {
        let host = rustix::system::uname();
        let folder = self.run_folder().unwrap_or_default();
        format!("{}:{}", host.nodename().to_string_lossy(), folder.join("journal.jsonl").display())
    }

    fn holder(&self, server: &Server, purpose: &str) -> Holder {
        let began = self.written.lock().index.started.clone().unwrap_or_else(crate::units::now);
        // Elsewhere the clock is another one, so that only what an earlier session saw is compared.
        let is_here = server.ssh.is_none() && !self.header.by_hand;
        let again = (self.resumed || is_here) && self.has_seen(server);
        Holder {
            folder: self.run_folder().unwrap_or_default(),
            runbook: self.header.runbook.clone(),
            journal: self.journal_place(),
            began,
            again,
            linked: self.header.servers.len() > 1,
            by_hand: self.header.by_hand,
            // Every administrator reads it.
            ..Holder::of(self.header.run.clone(), Shown::from(purpose).as_str().to_owned())
        }
    }
}

/// Whether a run rests on something that it saw of the server.
pub fn has_seen(index: &Index, server: &Server) -> bool {
    let is_theirs = |call: &CallRecord| data::server_of(&call.call.arguments) == Some(&server.name);
    index.calls().any(is_theirs)
}

/// The servers of which something was changed, be it only a backup taken.
fn touched(index: &Index) -> BTreeSet<String> {
    let is_change =
        |name: &str| primitives::find(name).is_none_or(|primitive| primitive.sort() == Sort::Change);
    let changes = index.calls().filter(|call| is_change(&call.call.name));
    changes.filter_map(|call| data::server_of(&call.call.arguments)).map(str::to_owned).collect()
}
