//! One look at servers after a run stopped on them: bounded, and of what can't be seen in that time nothing is claimed.

use crate::cli::asked::KindSays;
use crate::cli::context::Context;
use crate::reach::inquiry;
use crate::site::{Server, Site};
use crate::stop::{Asked, Stop};
use std::collections::BTreeMap;
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

/// How long all servers together are looked at.
const WITHIN: Duration = Duration::from_secs(5);

/// What was seen of a server. What is absent is unknown.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Now {
    /// The release or the branch, as people name it.
    pub checked_out: Option<String>,
    /// The release that runs, where its kind can see that.
    pub runs: Option<String>,
    pub healthy: Option<bool>,
    /// Whether somebody still has to turn maintenance mode off, as the server's book says.
    pub owes_maintenance: bool,
}

/// Looks at these servers of the site, all at once. One that does not answer in time is not in the result.
pub fn look(context: &Context, site: &Arc<Site>, servers: &[String]) -> BTreeMap<String, Now> {
    let (reach, stop) = (context.reach(site), Arc::new(Stop::new()));
    let (sender, receiver) = mpsc::channel();
    let mut waited = 0;
    for server in servers.iter().filter_map(|name| site.servers.get(name)) {
        let (site, reach, stop, sender) = (site.clone(), reach.clone(), stop.clone(), sender.clone());
        let server: Server = server.clone();
        std::thread::spawn(move || {
            let kind = KindSays::of(&site, &reach, &server, stop);
            let position = inquiry::checked_out(reach.as_ref(), &server).ok();
            let healthy = kind.health().ok().and_then(|health| health.healthy);
            let runs = kind.running_release();
            let noted = inquiry::noted(reach.as_ref(), &server).ok();
            let owed = noted.iter().flat_map(|noted| &noted.book.owed);
            let now = Now {
                checked_out: position.map(|position| position.name),
                runs,
                healthy,
                owes_maintenance: owed.into_iter().any(|owed| owed.name == "maintenance"),
            };
            // Nobody listens any more after the time limit.
            let _ = sender.send((server.name.clone(), now));
        });
        waited += 1;
    }
    let until = Instant::now() + WITHIN;
    let mut seen = BTreeMap::new();
    while seen.len() < waited {
        let left = until.saturating_duration_since(Instant::now());
        let Ok((name, now)) = receiver.recv_timeout(left) else { break };
        seen.insert(name, now);
    }
    stop.ask(Asked::Leave);
    seen
}
