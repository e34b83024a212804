//! The locks of a session: one for each server that it changes.

use super::Session;
use crate::event::Event;
use crate::failure::Result;
use crate::lock::{self, Holder};
use crate::primitive::Told;
use crate::reach::Held;
use crate::site::Server;

impl Session {
    /// Takes the lock of the server, if this session does not hold it yet.
    pub(super) fn hold(&self, server: &Server, purpose: &str) -> Result<()> {
        self.with_lock(server, purpose, |_| Ok(()))
    }

    /// Makes sure, before a change, that the server is held by this session and was not taken from it. A script that
    /// takes no lock gets one here: nothing changes a server that another run works on.
    pub(super) fn own(&self, server: &Server, step: &str) -> Result<()> {
        self.with_lock(server, &self.header.runbook, |lock| lock.beat(step))
    }

    /// Branches on other servers don't wait for this: to take a lock may mean to connect to a server, and to wait there.
    fn with_lock(
        &self,
        server: &Server,
        purpose: &str,
        use_it: impl FnOnce(&mut dyn Held) -> Result<()>,
    ) -> Result<()> {
        let lock = {
            let mut locks = self.locks.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            locks.entry(server.name.clone()).or_default().clone()
        };
        let mut lock = lock.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if lock.is_none() {
            let tell = |told: Told| {
                if let Told::Warning(text) = told {
                    self.tell(&Event::Warned { text });
                }
            };
            *lock = self.reach.hold(server, self.holder(purpose), &self.stop, &tell)?;
        }
        lock.as_mut().map_or(Ok(()), |lock| use_it(lock.as_mut()))
    }

    fn holder(&self, purpose: &str) -> Holder {
        Holder {
            run: self.header.run.clone(),
            folder: self.run_folder().unwrap_or_default(),
            purpose: purpose.into(),
            step: String::new(),
            by: crate::person::whoami(),
            from: lock::origin(),
            pid: std::process::id(),
            since: lock::now(),
            beat: lock::now(),
            grant: 0,
            before: None,
        }
    }
}
