//! Which runs are at their servers, asked of their homes: those of the site's servers, and those that were begun here.

use super::context::Context;
use crate::failure::{Failure, Kind, Result};
use crate::home::parcel::key;
use crate::home::remembered::{self, Remembered};
use crate::home::wire::{Caller, Hello, Listed, Says, What};
use crate::journal::run::{self, Glance};
use crate::person::whoami;
use crate::reach::talk::{Heard, Talk};
use crate::reach::wire::Speaks;
use crate::site::{Home, Server, Site};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

const TICK: Duration = Duration::from_millis(500);
/// How long a home may take to list its runs.
const PATIENCE: Duration = Duration::from_secs(60);

/// A run at its server.
#[derive(Clone)]
pub struct Found {
    pub site: Arc<Site>,
    pub server: Server,
    pub listed: Listed,
}

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
    let mut homes: Vec<(Arc<Site>, Server)> = Vec::new();
    if let Some(site) = &site {
        let servers = context.servers(site)?.into_iter().filter(|server| {
            let is_home = site.home == Home::Server || known.iter().any(|known| known.is_at(site, server));
            server.ssh.is_some() && is_home
        });
        homes.extend(servers.map(|server| (site.clone(), server.clone())));
    }
    let mut found = Homes::default();
    for known in &known {
        let is_asked = |(site, server): &(Arc<Site>, Server)| known.is_at(site, server);
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
    let asked: Vec<(&Server, Vec<Remembered>)> =
        homes.iter().map(|(site, server)| (server, of_home(site, server))).collect();
    let answers = std::thread::scope(|scope| {
        let ask = |(server, theirs): &(&Server, Vec<Remembered>)| of_server(context, server, theirs);
        let threads: Vec<_> = asked.iter().map(|asked| scope.spawn(move || ask(asked))).collect();
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

/// The runs of one server, and those that are remembered of it, whatever its table says now.
///
/// Fails with [`Kind::Unreachable`] if it does not answer within a minute.
pub fn of_server(context: &Context, server: &Server, known: &[Remembered]) -> Result<Vec<Listed>> {
    let runs = known.iter().map(|known| known.run.clone()).collect();
    let what = What::Runs { key: key(server), checkout: server.checkout.clone(), runs };
    let talk = Talk::begin(server, &hello(context, what))?;
    let until = Instant::now() + PATIENCE;
    let mut said = String::new();
    loop {
        let heard = next(&talk, server)?;
        if Instant::now() > until {
            let message =
                format!("`{}` did not say within {}s which runs are there", server.name, PATIENCE.as_secs());
            return Err(Failure::new(Kind::Unreachable, message));
        }
        match heard {
            Some(Says::Runs(runs)) => return Ok(runs),
            // It could not list them.
            Some(Says::Error(text)) => said = text,
            Some(Says::Exit(_)) => {
                let message = format!("the runs on `{}` can't be listed", server.name);
                return Err(Failure::new(Kind::Refused, message).why(said.trim()));
            }
            _ => {}
        }
    }
}

/// The first line to a home.
pub fn hello(context: &Context, what: What) -> Hello {
    let caller = Caller {
        by: whoami(),
        interactive: context.is_interactive(),
        color: context.style.color,
        json: context.json,
        quiet: context.quiet,
        verbose: context.verbose,
        site: context.given_site.clone(),
        server: context.given_server.clone(),
    };
    Hello { program: env!("CARGO_PKG_VERSION").into(), speaks: Speaks::OURS, caller, what }
}

/// What is said next; nothing if there is nothing yet, or it is not understood. Fails with [`Kind::Unreachable`] if the
/// connection is lost.
pub fn next(talk: &Talk, server: &Server) -> Result<Option<Says>> {
    match talk.next(TICK) {
        Heard::Said(line) => Ok(serde_json::from_slice(&line).ok()),
        Heard::Nothing => Ok(None),
        Heard::Lost(said) => {
            let failure =
                Failure::new(Kind::Unreachable, format!("the connection to `{}` was lost", server.name));
            Err(said.into_iter().fold(failure, |failure, said| failure.why(format!("it said `{said}`"))))
        }
    }
}

/// The run that is named, or the newest one that `wanted` holds for, if it is at its server. A run on this machine of that
/// name goes before it.
///
/// Fails with [`Kind::Unreachable`] if that is not known.
pub fn find(
    context: &Context,
    name: Option<&str>,
    wanted: impl Fn(&Listed) -> bool,
) -> Result<Option<Found>> {
    if name.is_some_and(|name| name.contains('/') || run::find(&context.state, name).is_ok()) {
        return Ok(None);
    }
    let homes = ask(context, name.is_some())?;
    let Some(name) = name else {
        let found = homes.runs.iter().rev().find(|found| wanted(&found.listed)).cloned();
        // There may be a newer one where nobody answers.
        return match homes.silent.into_iter().next() {
            Some((server, failure)) => Err(unknown(&server, failure)),
            None => Ok(found),
        };
    };
    let end = format!("-{name}");
    let fits = |run: &str| run == name || run.ends_with(&end);
    let fitting: Vec<&Found> = homes.runs.iter().filter(|found| fits(&found.listed.run)).collect();
    match fitting.as_slice() {
        [only] => Ok(Some((*only).clone())),
        [] => {
            if let Some((known, failure)) = homes.unknown.into_iter().find(|(known, _)| fits(&known.run)) {
                return Err(unknown(&known.server, failure));
            }
            match homes.silent.into_iter().next() {
                Some((server, failure)) => Err(unknown(&server, failure)),
                None => Ok(None),
            }
        }
        _ => {
            let names: Vec<String> = fitting.iter().map(|found| format!("`{}`", found.listed.run)).collect();
            Err(Failure::new(Kind::Invalid, format!("there are several runs `{name}`"))
                .why(names.join(", "))
                .help("give more of the name"))
        }
    }
}

/// The same, unless `here`, which is on this machine, began later. `otherwise` says what comes of a failure, beside the run that
/// is here.
pub fn newest(
    context: &Context,
    name: Option<&str>,
    here: Option<Glance>,
    wanted: impl Fn(&Listed) -> bool,
    otherwise: impl FnOnce(Option<Glance>, Failure) -> Result<Option<Found>>,
) -> Result<Option<Found>> {
    match find(context, name, wanted) {
        Ok(found) => Ok(found.filter(|found| here.is_none_or(|here| here.is_before(&found.listed.started)))),
        Err(failure) => otherwise(here, failure),
    }
}

/// Nobody here knows how the runs there stand.
fn unknown(server: &str, failure: Failure) -> Failure {
    let message = format!("it is unknown which runs are on `{server}`");
    let unknown = Failure::new(failure.kind, message).why(&failure.message);
    let unknown = failure.why.iter().fold(unknown, |unknown, why| unknown.why(why));
    match failure.help {
        Some(help) => unknown.help(help),
        None => unknown.help("nothing was done; try again when it can be reached"),
    }
}
