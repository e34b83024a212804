//! The runs that are at their servers: those of the site's servers, and those that were begun here.

use super::{hello, next};
use crate::cli::context::{Context, at_once};
use crate::failure::{Failure, Kind, Result};
use crate::home::parcel::key;
use crate::home::remembered::{self, Remembered};
use crate::home::wire::{Listed, Says, What};
use crate::journal::run::{self, Glance};
use crate::reach::talk::Talk;
use crate::site::{Home, Server, Site};
use std::sync::Arc;

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
    let mut homes: Vec<(Arc<Site>, Server)> = Vec::new();
    if let Some(site) = &site {
        let is_of_site =
            |known: &Remembered, server: &Server| known.site == site.file && known.server == server.name;
        let servers = context.servers(site)?.into_iter().filter(|server| {
            let is_home = site.home == Home::Server || known.iter().any(|known| is_of_site(known, server));
            server.ssh.is_some() && is_home
        });
        homes.extend(servers.map(|server| (site.clone(), server.clone())));
    }
    let mut found = Homes::default();
    if site.is_none() || everywhere {
        for known in &known {
            let is_there =
                |(site, server): &(Arc<Site>, Server)| site.file == known.site && server.name == known.server;
            if homes.iter().any(is_there) {
                continue;
            }
            match of(known) {
                Ok(home) => homes.push(home),
                Err(failure) => found.unknown.push((known.clone(), failure)),
            }
        }
    } else if let Some(site) = &site {
        known.retain(|known| known.site == site.file);
    }
    let servers: Vec<&Server> = homes.iter().map(|(_, server)| server).collect();
    let answers = at_once(&servers, |server| of_server(context, server));
    for ((site, server), answer) in homes.iter().zip(answers) {
        match answer {
            Ok(runs) => {
                let theirs =
                    known.iter().filter(|known| known.site == site.file && known.server == server.name);
                forget_what_never_began(context, theirs, &runs);
                found.runs.extend(runs.into_iter().map(|listed| Found {
                    site: site.clone(),
                    server: server.clone(),
                    listed,
                }));
            }
            Err(failure) => {
                let theirs =
                    known.iter().filter(|known| known.site == site.file && known.server == server.name);
                found.unknown.extend(theirs.map(|known| (known.clone(), failure.clone())));
                found.silent.push((server.name.clone(), failure));
            }
        }
    }
    found.runs.sort_by_cached_key(|found| {
        (found.listed.started.parse::<jiff::Timestamp>().ok(), found.listed.run.clone())
    });
    // Two sites may mean the same server.
    found.runs.dedup_by(|a, b| a.listed.run == b.listed.run);
    Ok(found)
}

/// A run that is at its server: the one that is named, or the newest that is wanted, if none here is newer. `unsure` says what
/// becomes of it where homes can't be asked; it gets the one here.
pub fn newest(
    context: &Context,
    name: Option<&str>,
    here: impl Fn(&Glance) -> bool,
    there: impl Fn(&Listed) -> bool,
    unsure: impl FnOnce(Option<Glance>, Failure) -> Result<Option<Found>>,
) -> Result<Option<Found>> {
    let here = match name {
        Some(_) => None,
        None => context.find_run(None, here)?,
    };
    match find(context, name, there) {
        Ok(found) => Ok(found.filter(|found| here.is_none_or(|here| here.is_before(&found.listed.started)))),
        Err(failure) => unsure(here, failure),
    }
}

/// What was remembered an hour ago and is not at its home did not begin: whoever wanted it was killed before that.
fn forget_what_never_began<'a>(
    context: &Context,
    known: impl Iterator<Item = &'a Remembered>,
    runs: &[Listed],
) {
    let hour = jiff::SignedDuration::from_hours(1);
    let is_old = |since: &str| {
        since
            .parse::<jiff::Timestamp>()
            .is_ok_and(|since| jiff::Timestamp::now().duration_since(since) > hour)
    };
    for known in known.filter(|known| is_old(&known.since)) {
        if !runs.iter().any(|listed| listed.run == known.run) {
            remembered::forget(&context.state, &known.run);
        }
    }
}

fn of(known: &Remembered) -> Result<(Arc<Site>, Server)> {
    let site = Arc::new(Site::load(&known.site)?);
    let server = site.server(&known.server)?.clone();
    match server.ssh.is_some() {
        true => Ok((site, server)),
        false => Err(Failure::new(Kind::Invalid, format!("`{}` is on this machine now", server.name))),
    }
}

/// The runs of one server.
pub fn of_server(context: &Context, server: &Server) -> Result<Vec<Listed>> {
    let talk = Talk::begin(server, &hello(context, What::Runs { key: key(server) }))?;
    let mut said = Vec::new();
    loop {
        match next(&talk, server)? {
            Some(Says::Runs(runs)) => return Ok(runs),
            // It could not list them.
            Some(Says::Error(text)) => said.push(text),
            Some(Says::Exit(_)) => {
                let message = format!("the runs on `{}` can't be listed", server.name);
                return Err(Failure::new(Kind::Refused, message).why(said.concat().trim()));
            }
            _ => {}
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
