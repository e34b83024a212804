//! A run that only fetches gives way to the update that it fetches for: that fetches what is missing.

use super::context::{Context, is_same_site};
use super::scheduled::PREFETCH;
use crate::event::RunState;
use crate::failure::Result;
use crate::journal::run::{self, Glance};
use crate::reach::here::end_commands;
use crate::runner::{self, wishes};
use crate::site::Site;
use crate::stop::Asked;
use std::time::{Duration, Instant};

/// How long it is waited for. One that does not end by then is at work as any other run is.
const PATIENCE: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(100);

/// Ends this user's runs in the background that fetch for one of the servers, and what one that was killed still runs on this
/// machine. Nothing that they have changed is lost: they change nothing of a server.
pub fn give_way(context: &Context, site: &Site, servers: &[String]) -> Result<()> {
    let is_in_the_way = |glance: &Glance| {
        let is_theirs = glance.header.servers.iter().any(|server| servers.contains(server));
        let fetches = glance.header.runbook == PREFETCH
            && matches!(glance.state, RunState::Running | RunState::Interrupted);
        fetches && is_theirs && is_same_site(&glance.header.site, &site.file)
    };
    for glance in run::all(&context.state)?.into_iter().filter(is_in_the_way) {
        if !runner::is_at_work(&glance.path) {
            // One in a terminal works there, and is refused as any other run is.
            if glance.state == RunState::Interrupted {
                end_commands(&glance.path)?;
            }
            continue;
        }
        eprintln!(
            "warning: `{PREFETCH}` ({}) is ended: the next update fetches what is missing",
            glance.name
        );
        wishes::wish(&glance.path, Asked::Cancel)?;
        let end = Instant::now() + PATIENCE;
        while runner::is_at_work(&glance.path) && Instant::now() < end {
            std::thread::sleep(TICK);
        }
    }
    Ok(())
}
