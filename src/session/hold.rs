//! The locks of a session: one for each server that it changes.

use super::Session;
use crate::failure::Result;
use crate::lock::{self, Holder};
use crate::site::Server;

impl Session {
    /// Takes the lock of the server, if this session does not hold it yet.
    pub(super) fn hold(&self, server: &Server, purpose: &str) -> Result<()> {
        let mut locks = self.locks.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if locks.contains_key(&server.name) {
            return Ok(());
        }
        let holder = Holder {
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
        };
        if let Some(lock) = self.reach.hold(server, holder)? {
            locks.insert(server.name.clone(), lock);
        }
        Ok(())
    }

    /// Makes sure, before a change, that the server is held by this session and was not taken from it. A script that
    /// takes no lock gets one here: nothing changes a server that another run works on.
    pub(super) fn own(&self, server: &Server, step: &str) -> Result<()> {
        self.hold(server, &self.header.runbook)?;
        let mut locks = self.locks.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        match locks.get_mut(&server.name) {
            Some(lock) => lock.beat(step),
            None => Ok(()),
        }
    }
}
