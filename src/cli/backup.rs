//! `banister backup`.

use super::arguments::{BackupCommand, PruneOptions, RunOptions, TryOptions};
use super::context::{Context, at_once};
use crate::data::Arguments;
use crate::failure::{Failure, Kind, Result};
use crate::kind::Fits;
use crate::machine::archive::doubts;
use crate::machine::backup::{self, Access, Card, Level, ReadPart, Verified, first_two_numbers, missing};
use crate::machine::part::Part;
use crate::reach::inquiry;
use crate::report::text::table;
use crate::site::{Server, Site};
use crate::units::Size;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::Path;

pub fn backup(context: &Context, command: &BackupCommand) -> Result<u8> {
    match command {
        BackupCommand::List => list(context),
        BackupCommand::Verify { backup } => verify(context, backup.as_deref()),
        BackupCommand::Drill(drill) => {
            let full = drill.full.then(|| ("full".to_owned(), true.into()));
            run(context, "drill", &drill.options, full)
        }
        BackupCommand::Restore(options) => run(context, "restore", options, None),
        BackupCommand::Prune(options) => prune(context, options),
    }
}

/// The servers that are meant, or all.
fn list(context: &Context) -> Result<u8> {
    let mut rows = vec![["SERVER", "BACKUP", "RELEASE", "SIZE", "LEVEL", "FITS"].map(String::from).to_vec()];
    let mut listed = Vec::new();
    let mut foreign = BTreeSet::new();
    let site = context.site()?;
    let reach = context.reach(&site);
    let servers = context.servers(&site)?;
    let found = at_once(&servers, |server| inquiry::backups(reach.as_ref(), server, None));
    for (server, cards) in servers.iter().zip(found) {
        for card in cards?.into_iter().filter(|card| !is_of_another(&site, server, card)) {
            let fits = fits(server, &card);
            let release = card.release.clone().unwrap_or_else(|| "?".into());
            // What a snapshot added to a repository is known only where it was taken.
            let is_known = card.bytes > 0 || !backup::is_reference(&card.path);
            let size = if is_known { Size(card.bytes).to_string() } else { "?".into() };
            // One of another site, which several servers of this one may have in their folder.
            if card.server.as_ref().is_some_and(|of| *of != server.name) && !foreign.insert(card.path.clone())
            {
                continue;
            }
            rows.push(vec![
                card.server.clone().unwrap_or_else(|| server.name.clone()),
                card.name.clone(),
                release,
                size,
                level(&card),
                fits.clone(),
            ]);
            let mut entry = json!(card);
            entry["of"] = server.name.clone().into();
            entry["fits"] = fits.into();
            listed.push(entry);
        }
    }
    match (context.json, rows.len()) {
        (true, _) => println!("{}", json!(listed)),
        (false, 1) => println!("there are no backups yet; take one with `banister run backup`"),
        (false, _) => print!("{}", table(&rows)),
    }
    Ok(0)
}

/// Whether a backup is, as its card says, of another server of the site, which keeps its backups in the same folder.
fn is_of_another(site: &Site, server: &Server, card: &Card) -> bool {
    card.server.as_ref().is_some_and(|of| *of != server.name && site.servers.contains_key(of))
}

fn level(card: &Card) -> String {
    if let Some(why) = &card.unreadable {
        return format!("can't be read: {why}");
    }
    if card.damaged.is_some() {
        return "damaged".into();
    }
    if card.missing {
        return "not in the repository any more".into();
    }
    let level = proven(card);
    let level = if card.undrilled.is_some() { format!("{level}, last drill failed") } else { level };
    let level = match card.changed.len() {
        0 => level,
        count => format!("{level}, {count} changed"),
    };
    let level = match card.unheld.len() {
        0 => level,
        count => format!("{level}, {count} not copied by SQLite"),
    };
    match card.lacking.len() {
        0 => level,
        1 => format!("{level}, data missing in 1 part"),
        count => format!("{level}, data missing in {count} parts"),
    }
}

/// The patterns that excluded something, with how much.
fn excluded(card: &Card) -> Option<String> {
    let counted = card.excluded.iter().filter(|excluded| excluded.count > 0);
    let list: Vec<String> = counted.map(|of| format!("`{}` ({})", of.pattern, of.count)).collect();
    (!list.is_empty()).then(|| list.join(", "))
}

fn proven(card: &Card) -> String {
    match (card.level, card.restore_seconds) {
        (Level::Taken, _) => "taken".into(),
        (Level::Verified, _) => "verified".into(),
        (Level::Drilled, seconds) => {
            let started = if card.started.is_some() { " and started" } else { "" };
            format!("drilled{started}, {:.0}s", seconds.unwrap_or_default())
        }
    }
}

/// The installed releases into which it can be put back. No release reads what a newer one migrated.
fn fits(server: &Server, card: &Card) -> String {
    match &card.release {
        _ if server.facts.fits == Fits::Any => "any".into(),
        Some(release) => format!("{release} to {}.*", first_two_numbers(release)),
        None => "?".into(),
    }
}

fn verify(context: &Context, backup: Option<&str>) -> Result<u8> {
    let site = context.site_if_any()?;
    let found = find(context, site.as_ref(), backup, false)?;
    let verified = match (&site, found.server) {
        (Some(site), Some(server)) => {
            inquiry::verify_backup(context.reach(site).as_ref(), server, found.card.path)?
        }
        _ => {
            let server = server_of(context, site.as_ref(), &found.card)?;
            let access = server.map_or(Ok(Access::default()), |server| server.access())?;
            let path = found.card.path.clone();
            let check = |parts: &[Part]| match server {
                Some(server) => server.check_places(parts, &path),
                None => Ok(()),
            };
            backup::verify(found.card, &access, &check)?
        }
    };
    let Verified { card, members, has_manifest, read, unkept } = verified;
    if let Some(failure) = unkept {
        eprintln!("warning: the list of backups will not know of this: {failure}");
    }
    if let Some(failure) = read.as_ref().and_then(|read| read.unkept.as_ref()) {
        eprintln!("warning: the next verification reads the same part of the repository again: {failure}");
    }
    let path = card.path.display();
    match (members, has_manifest) {
        _ if context.json => {
            let mut entry = json!(card);
            entry["readable"] = members.is_some().into();
            if let Some(read) = read {
                entry["read"] = json!({ "part": read.part, "of": read.of, "dumps": read.dumps });
            }
            println!("{entry}");
        }
        (Some(members), true) => {
            println!("{}", found_good(&path.to_string(), members, read.as_ref()));
            doubts(&card.changed, &card.unheld)
                .into_iter()
                .for_each(|doubts| println!("when it was taken, {doubts}"));
            card.lacking.iter().for_each(|lacking| println!("when it was taken: {lacking}"));
            excluded(&card).into_iter().for_each(|excluded| println!("excluded from it: {excluded}"));
        }
        (Some(members), false) => {
            println!("{path} can be read to its end, {members} members; it has no manifest");
        }
        (None, _) => {
            println!("{path} is as it was written; it can't be looked into without {}", missing(&card));
        }
    }
    Ok(0)
}

/// That a backup is as it was written, as far as it was read.
fn found_good(path: &str, members: usize, read: Option<&ReadPart>) -> String {
    let Some(read) = read else { return format!("{path} is whole: {members} members as they were written") };
    let dumps = if read.dumps > 0 { "; the dumps whole" } else { "" };
    format!(
        "{path}: no damage found in what was read; all {members} members are listed in its snapshot\n\
         read 1 of {} parts of the repository (part {}){dumps}; the next verification reads another part",
        read.of, read.part
    )
}

/// The server that the backup is of, else the only one.
fn server_of<'a>(context: &Context, site: Option<&'a Site>, card: &Card) -> Result<Option<&'a Server>> {
    let servers = site.map_or(Ok(Vec::new()), |site| context.servers(site))?;
    let own = servers.iter().find(|server| card.server.as_ref() == Some(&server.name));
    let only = servers.first().filter(|_| servers.len() == 1);
    Ok(own.or(only).copied())
}

/// A backup that is meant.
struct Found<'a> {
    /// On whose machine it is, if that is not this one.
    server: Option<&'a Server>,
    card: Card,
}

/// The backup that is meant: a path, or a name or the beginning of one in the list, or the newest of the server, as
/// far as is known. What was found to be damaged is not put back unless it is named.
fn find<'a>(
    context: &Context,
    site: Option<&'a Site>,
    backup: Option<&str>,
    is_put_back: bool,
) -> Result<Found<'a>> {
    let is_elsewhere = |server: &&Server| server.ssh.is_some();
    let named =
        site.filter(|_| context.given_server.is_some()).map(|site| context.servers(site)).transpose()?;
    let is_here = named.is_none_or(|named| !named.iter().any(is_elsewhere));
    if let Some(path) = backup.map(Path::new).filter(|path| is_here && path.is_file()) {
        return Ok(Found { server: None, card: Card::of(path)? });
    }
    let Some(site) = site else {
        let appeared = || Failure::new(Kind::Invalid, "there was no site a moment ago");
        return Err(context.site().err().unwrap_or_else(appeared));
    };
    let servers = context.servers(site)?;
    // One that is named by its path may be in another folder than where the site has them.
    let folder = backup.map(Path::new).filter(|path| path.is_absolute()).and_then(Path::parent);
    let folder = folder.map(|folder| folder.display().to_string());
    let reach = context.reach(site);
    let mut found = Vec::new();
    for of in servers.iter().copied() {
        let cards = inquiry::backups(reach.as_ref(), of, folder.clone())?;
        let server = Some(of).filter(is_elsewhere);
        let cards = cards.into_iter().filter(|card| !is_of_another(site, of, card));
        let known: Vec<&Path> = found.iter().map(|found: &Found| found.card.path.as_path()).collect();
        // Of a card that names no server, each that shares the folder may be meant.
        let cards: Vec<Card> =
            cards.filter(|card| server.is_some() || !known.contains(&card.path.as_path())).collect();
        found.extend(cards.into_iter().map(|card| Found { server, card }));
    }
    let Some(backup) = backup else {
        if servers.len() > 1 {
            return Err(Failure::new(Kind::Invalid, "it is not clear which server is meant")
                .help("name it with `--server NAME`, or name a backup"));
        }
        let none = || {
            Failure::new(Kind::NotFound, "there are no backups yet")
                .help("take one with `banister run backup`")
        };
        // Another server may keep its backups in the same folder.
        let own = servers.first().map(|server| &server.name);
        found.retain(|found| found.card.server.is_none() || found.card.server.as_ref() == own);
        // The newest is not one that a wrong clock made.
        found.retain(|found| !found.card.is_future(jiff::Timestamp::now()));
        found.retain(|found| found.card.unreadable.is_none());
        // If all are damaged, it is the newest of which that has to be told.
        let whole = found.iter().rposition(|found| found.card.damaged.is_none()).filter(|_| is_put_back);
        for of in found.drain(whole.map_or(found.len(), |whole| whole + 1)..) {
            let (name, why) = (&of.card.name, of.card.damaged.unwrap_or_default());
            eprintln!("warning: the newest backup, `{name}`, is damaged: {why}; the one before it is taken");
        }
        return found.pop().ok_or_else(none);
    };
    found.retain(|found| match &folder {
        Some(_) => found.card.path == Path::new(backup),
        None => found.card.name.starts_with(backup),
    });
    let help = "see what there is with `banister backup list`";
    match found.len() {
        1 => Ok(found.remove(0)),
        0 => Err(Failure::new(Kind::NotFound, format!("there is no backup `{backup}`")).help(help)),
        _ => {
            let names = found.iter().map(|found| found.card.name.as_str()).collect::<Vec<_>>().join(", ");
            Err(Failure::new(Kind::Invalid, format!("several backups begin with `{backup}`"))
                .why(names)
                .help(help))
        }
    }
}

/// Runs the runbook of this name with the backup.
fn run(context: &Context, runbook: &str, options: &TryOptions, more: Option<(String, Value)>) -> Result<u8> {
    let site = context.site_if_any()?;
    let path = find(context, site.as_ref(), options.backup.as_deref(), true)?.card.path;
    let path = std::path::absolute(&path).unwrap_or(path);
    let backup = ("backup".to_owned(), path.display().to_string().into());
    let parameters = Arguments::from_iter([backup].into_iter().chain(more));
    let run = RunOptions {
        runbook: runbook.into(),
        answers: options.answers.clone(),
        abandon: options.abandon.clone(),
        plan: None,
        now: true,
    };
    super::run::run_with(context, &run, &|_| parameters.clone())
}

/// Runs the runbook that removes old backups. A run that is not done keeps it from beginning: a backup may be its way
/// back.
fn prune(context: &Context, options: &PruneOptions) -> Result<u8> {
    let numbers = [
        ("count", options.count),
        ("last", options.last),
        ("hourly", options.hourly),
        ("daily", options.daily),
        ("weekly", options.weekly),
        ("monthly", options.monthly),
        ("yearly", options.yearly),
    ];
    let numbers = numbers.into_iter().filter_map(|(name, number)| Some((name, json!(number?))));
    let spans =
        [("age", options.age.map(|age| json!(age))), ("within", options.within.map(|span| json!(span)))];
    let spans = spans.into_iter().filter_map(|(name, span)| Some((name, span?)));
    let parameters = numbers.chain(spans).map(|(name, value)| (name.to_owned(), value));
    let parameters = Arguments::from_iter(parameters);
    let run = RunOptions {
        runbook: "prune".into(),
        answers: options.answers.clone(),
        abandon: options.abandon.clone(),
        plan: None,
        now: true,
    };
    super::run::run_with(context, &run, &|_| parameters.clone())
}
