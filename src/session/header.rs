//! What a new run is called and about.

use crate::data::Arguments;
use crate::failure::Result;
use crate::journal::run::{self, OpenRun};
use crate::journal::{Entry, Header};
use crate::site::{Server, Site};
use std::sync::OnceLock;

/// The schedule for which this process begins runs.
static SCHEDULE: OnceLock<String> = OnceLock::new();

/// Says that the runs which this process begins are those of a schedule.
pub fn begin_by(schedule: &str) {
    _ = SCHEDULE.set(schedule.to_owned());
}

/// The name of the schedule for which this process begins runs, if it does for one.
pub fn schedule() -> Option<String> {
    SCHEDULE.get().cloned()
}

/// A new run's header. `parameters` are those of the runbook's `main`, by name.
pub fn header(site: &Site, runbook: &str, parameters: Arguments, servers: Vec<String>) -> Header {
    Header {
        version: crate::journal::VERSION,
        run: run::new_name(),
        runbook: runbook.into(),
        parameters,
        servers,
        site: site.file.clone(),
        program: env!("CARGO_PKG_VERSION").into(),
        by: crate::person::whoami(),
        schedule: schedule(),
        by_hand: false,
    }
}

/// Learns what is secret before anything of a run is written, and puts the parameters together. Gives what could not be read
/// of it, for people.
pub(super) fn learn(site: &Site, header: &mut Header) -> Vec<String> {
    crate::primitives::secret::learn_environment();
    let servers = header.servers.iter().filter_map(|name| site.server(name).ok());
    let unread = servers.filter_map(Server::learn_secrets).collect();
    let together = |(name, value)| (name, crate::secret::put_together(value));
    header.parameters = std::mem::take(&mut header.parameters).into_iter().map(together).collect();
    unread
}

/// Writes what a new run is about, for another process that will work on it.
pub fn write_down(site: &Site, header: &Header, run: &mut OpenRun) -> Result<()> {
    let mut header = header.clone();
    learn(site, &mut header);
    run.describe(&header)?;
    run.journal.append(Entry::Run(header), true).map(drop)
}
