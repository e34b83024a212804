//! Which runs are at their servers, asked of their homes: those of the site's servers, and those that were begun here.

mod find;
mod server;

pub use find::{find, newest};
pub use server::{hello, next, of_server};

use super::context::Context;
use crate::failure::{Failure, Kind, Result};
use crate::home::remembered::{self, Remembered};
use crate::home::wire::Listed;
use crate::site::{self, Server, Site};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A run at its server.
#[derive(Clone)]
pub struct Found {
    pub site: Arc<Site>,
    pub server: Server,
    pub listed: Listed,
}

/// A server, with the site that names it.
type Home = (Arc<Site>, Server);

/// What the homes say.
#[derive(Default)]
pub struct Homes {
    /// The oldest first.
    pub runs: Vec<Found>,
    /// Those of which nobody knows how they stand, as their home can't be asked, with why.
    pub unknown: Vec<(Remembered, Failure)>,
    /// The servers that can't be asked, by name, with why.
    pub silent: Vec<(String, Failure)>,
}

/// Asks all homes that this command may be about: those of the site's servers, and with `everywhere` those of all runs that
/// were begun here.
pub fn ask(context: &Context, everywhere: bool) -> Result<Homes> {
    if context.abroad.is_some() {
        return Ok(Homes::default());
    }
    let site = context.site_if_any().ok().flatten().map(Arc::new);
    let mut known = remembered::all(&context.state);
    if let Some(site) = site.as_ref().filter(|_| !everywhere) {
        known.retain(|known| known.site == site.file);
    }
    let mut homes: Vec<Home> = Vec::new();
    if let Some(site) = &site {
        let servers = context.servers(site)?.into_iter().filter(|server| {
            let is_home =
                site.home == site::Home::Server || known.iter().any(|known| known.is_at(site, server));
            server.ssh.is_some() && is_home
        });
        homes.extend(servers.map(|server| (site.clone(), server.clone())));
    }
    let mut found = Homes::default();
    for known in &known {
        let is_asked = |(site, server): &Home| known.is_at(site, server);
        // Another server of the site was named, or it is over and its server is not there any more.
        let is_meant = match &site {
            Some(site) if site.file == known.site => context.given_server.is_none() && !known.over,
            _ => true,
        };
        if homes.iter().any(is_asked) || !is_meant {
            continue;
        }
        match of(known) {
            Ok(home) => homes.push(home),
            Err(failure) => found.unknown.push((known.clone(), failure)),
        }
    }
    let of_home = |site: &Site, server: &Server| -> Vec<Remembered> {
        known.iter().filter(|known| known.is_at(site, server)).cloned().collect()
    };
    let asked: Vec<(&Home, Vec<Remembered>)> =
        homes.iter().map(|home| (home, of_home(&home.0, &home.1))).collect();
    let answers = std::thread::scope(|scope| {
        let ask = |(site, server): &Home, theirs: &[Remembered]| of_server(context, site, server, theirs);
        let threads: Vec<_> =
            asked.iter().map(|(home, theirs)| scope.spawn(move || ask(home, theirs))).collect();
        let joined = threads.into_iter().map(|thread| thread.join());
        joined
            .map(|answer| answer.unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect::<Vec<_>>()
    });
    for (((site, server), (_, theirs)), answer) in homes.iter().zip(asked).zip(answers) {
        match answer {
            Ok(runs) => {
                found.unknown.extend(note(context, server, &theirs, &runs));
                found.runs.extend(runs.into_iter().map(|listed| Found {
                    site: site.clone(),
                    server: server.clone(),
                    listed,
                }));
            }
            Err(failure) => {
                found.unknown.extend(theirs.into_iter().map(|known| (known, failure.clone())));
                found.silent.push((server.name.clone(), failure));
            }
        }
    }
    found.runs.sort_by_cached_key(|found| {
        (found.listed.started.parse::<jiff::Timestamp>().ok(), found.listed.run.clone())
    });
    // Two sites may mean the same server, and two names the same checkout.
    let mut seen = BTreeSet::new();
    found.runs.retain(|found| seen.insert(found.listed.run.clone()));
    found.unknown.retain(|(known, _)| !seen.contains(&known.run));
    Ok(found)
}

/// Notes what a home says of the runs that were begun here. Those of which it says nothing although they should be there are
/// given back, with why; one that was remembered an hour ago at this address did not begin: whoever wanted it was killed before
/// that.
fn note(
    context: &Context,
    server: &Server,
    known: &[Remembered],
    runs: &[Listed],
) -> Vec<(Remembered, Failure)> {
    let hour = jiff::SignedDuration::from_hours(1);
    let is_old = |since: &str| {
        since
            .parse::<jiff::Timestamp>()
            .is_ok_and(|since| jiff::Timestamp::now().duration_since(since) > hour)
    };
    let mut missing = Vec::new();
    for known in known {
        match runs.iter().find(|listed| listed.run == known.run) {
            Some(listed) if listed.is_open || listed.is_at_work => {}
            Some(_) => remembered::note_over(&context.state, &known.run),
            None if known.over => {}
            None if server.ssh.as_ref() != Some(&known.ssh) => {
                let message = format!("it was begun at `{}`", known.ssh);
                let why = format!("`{}` is at `{}` now", server.name, server.ssh.clone().unwrap_or_default());
                missing.push((known.clone(), Failure::new(Kind::NotFound, message).why(why)));
            }
            None if is_old(&known.since) => remembered::forget(&context.state, &known.run),
            None => {}
        }
    }
    missing
}

/// Where a run is that was begun here: at the server of that name, or at that address.
fn of(known: &Remembered) -> Result<(Arc<Site>, Server)> {
    let site = Arc::new(Site::load(&known.site)?);
    let mut servers = site.servers.values().filter(|server| known.is_at(&site, server));
    match servers.next().cloned() {
        Some(server) => Ok((site, server)),
        None => {
            let message = format!("`{}` in site.toml is not at `{}` any more", known.server, known.ssh);
            Err(Failure::new(Kind::Invalid, message).help("put its table back to see and continue the run"))
        }
    }
}
