//! `banister backup`.

use super::arguments::{BackupCommand, PruneOptions, RunOptions, TryOptions};
use super::context::{Context, at_once};
use crate::data::Arguments;
use crate::failure::{Failure, Kind, Result};
use crate::machine::archive::{self, Encryption, Keys};
use crate::machine::backup::{Card, Level, first_two_numbers};
use crate::machine::files::{open, sha256};
use crate::reach::inquiry;
use crate::report::text::table;
use crate::site::{HOSS, Server};
use crate::units::Size;
use serde_json::{Value, json};
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
    let site = context.site()?;
    let reach = context.reach(&site);
    let servers = context.servers(&site)?;
    let found = at_once(&servers, |server| inquiry::backups(reach.as_ref(), server, None));
    for (server, cards) in servers.iter().zip(found) {
        for card in cards? {
            let fits = fits(server, &card);
            let release = card.release.clone().unwrap_or_else(|| "?".into());
            let size = Size(card.bytes).to_string();
            rows.push(vec![
                server.name.clone(),
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

fn level(card: &Card) -> String {
    match (card.level, card.restore_seconds) {
        (Level::Taken, _) => "taken".into(),
        (Level::Verified, _) => "verified".into(),
        (Level::Drilled, seconds) => {
            let started = if card.started.is_some() { " and started" } else { "" };
            format!("drilled{started}, {:.0}s", seconds.unwrap_or_default())
        }
    }
}

/// The installed releases into which it can be put back. Hoss compares the first two numbers, and no release reads
/// what a newer one migrated.
fn fits(server: &Server, card: &Card) -> String {
    match &card.release {
        _ if server.kind != HOSS => "any".into(),
        Some(release) => format!("{release} to {}.*", first_two_numbers(release)),
        None => "?".into(),
    }
}

fn verify(context: &Context, backup: Option<&str>) -> Result<u8> {
    let (card, host) = find(context, backup)?;
    if let Some(host) = host {
        // Its path is one over there: a file of that name on this machine would be another.
        let message = format!("the backup `{}` is on `{host}`, and is not read from here", card.name);
        return Err(Failure::new(Kind::Refused, message).help(format!(
            "`banister backup drill {}` reads it back over there, and puts it into a scratch place",
            card.name
        )));
    }
    let keys = keys(context, &card)?;
    // What may not be opened is not damaged by that.
    open(&card.path)?;
    // Before it is decrypted, because nothing else tells a damaged archive from a wrong key.
    let is_encrypted = Encryption::of(&card.path).is_some();
    if is_encrypted && card.sha256.is_some() && card.sha256 != Some(sha256(&card.path)?) {
        let message = format!("the archive `{}` is damaged", card.path.display());
        let failure = Failure::new(Kind::Refused, message)
            .why("its bytes are not those that were written")
            .help("take another one: this one can't be restored");
        return Err(doubt(card, failure));
    }
    if !archive::is_readable(&card.path, &keys, &|| false)? {
        return unread(context, card);
    }
    let contents = match archive::inspect(&card.path, &keys, u64::MAX, &|| false) {
        Ok(contents) => contents,
        Err(failure) if failure.kind == Kind::Refused => return Err(doubt(card, failure)),
        Err(failure) => return Err(failure),
    };
    let (members, has_manifest) = (contents.members.len(), contents.manifest.is_some());
    let card = contents.manifest.map_or(card.clone(), |manifest| card.about(&manifest.about));
    // Without a manifest nothing says what must be in it.
    let card = if has_manifest { card.clone().verified(sha256(&card.path)?) } else { card };
    keep(&card);
    match (context.json, has_manifest) {
        (true, _) => println!("{}", with_readable(&card, true)),
        (false, true) => println!("{} is whole: {members} members as they were written", card.path.display()),
        (false, false) => {
            println!("{} can be read to its end, {members} members; it has no manifest", card.path.display());
        }
    }
    Ok(0)
}

/// Notes on the card of a damaged archive that nothing is proven any more. That it is damaged is what has to be told,
/// also if this can't be noted.
fn doubt(card: Card, failure: Failure) -> Failure {
    match card.doubted().keep() {
        Ok(()) => failure,
        Err(unkept) => failure.why(format!("the list of backups still says otherwise: {unkept}")),
    }
}

/// Notes what was seen on the card. It was seen all the same if that can't be written, as in a folder of another's.
fn keep(card: &Card) {
    if let Err(failure) = card.keep() {
        eprintln!("warning: the list of backups will not know of this: {failure}");
    }
}

/// Says what is known of an archive that can't be decrypted here, and that is as its card says.
fn unread(context: &Context, card: Card) -> Result<u8> {
    let path = card.path.display().to_string();
    let missing = match Encryption::of(&card.path) {
        Some(Encryption::Gpg) => "the secret key of a recipient",
        _ => "`identity`",
    };
    let Some(sha256) = card.sha256.clone() else {
        let message = format!("the archive `{path}` can't be looked into without {missing}");
        return Err(Failure::new(Kind::Refused, message)
            .why("nothing says what it was when it was written: it has no card, or another length")
            .help("set `identity` in `site.toml`, or look into it with `gpg` where its key is"));
    };
    let card = card.verified(sha256);
    keep(&card);
    match context.json {
        true => println!("{}", with_readable(&card, false)),
        false => println!("{path} is as it was written; it can't be looked into without {missing}"),
    }
    Ok(0)
}

/// The card, for programs; `readable` if it was looked into.
fn with_readable(card: &Card, readable: bool) -> Value {
    let mut entry = json!(card);
    entry["readable"] = readable.into();
    entry
}

/// The keys of the server that the backup is of, else of the only one.
fn keys(context: &Context, card: &Card) -> Result<Keys> {
    let Some(site) = context.site_if_any()? else { return Ok(Keys::default()) };
    let servers = context.servers(&site)?;
    let own = servers.iter().find(|server| card.server.as_ref() == Some(&server.name));
    let only = servers.first().filter(|_| servers.len() == 1);
    Ok(own.or(only).map(|server| server.keys()).unwrap_or_default())
}

/// The backup that is meant: a path, or a name or the beginning of one in the list, or the newest of the server, as
/// far as is known. With it the host that it is on, if that is not this machine.
fn find(context: &Context, backup: Option<&str>) -> Result<(Card, Option<String>)> {
    if let Some(path) = backup.map(Path::new).filter(|path| path.is_file()) {
        return Ok((Card::of(path)?, None));
    }
    let site = context.site()?;
    let servers = context.servers(&site)?;
    let mut found = Vec::new();
    let reach = context.reach(&site);
    for server in &servers {
        let cards = inquiry::backups(reach.as_ref(), server, None)?;
        found.extend(cards.into_iter().map(|card| (card, server.ssh.clone())));
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
        found.retain(|(card, _)| card.server.is_none() || card.server.as_ref() == own);
        return found.pop().ok_or_else(none);
    };
    found.retain(|(card, _)| card.name.starts_with(backup));
    let help = "see what there is with `banister backup list`";
    match found.as_slice() {
        [found] => Ok(found.clone()),
        [] => Err(Failure::new(Kind::NotFound, format!("there is no backup `{backup}`")).help(help)),
        several => {
            let names = several.iter().map(|(card, _)| card.name.as_str()).collect::<Vec<_>>().join(", ");
            Err(Failure::new(Kind::Invalid, format!("several backups begin with `{backup}`"))
                .why(names)
                .help(help))
        }
    }
}

/// Runs the runbook of this name with the backup.
fn run(context: &Context, runbook: &str, options: &TryOptions, more: Option<(String, Value)>) -> Result<u8> {
    let path = find(context, options.backup.as_deref())?.0.path;
    let path = std::path::absolute(&path).unwrap_or(path);
    let backup = ("backup".to_owned(), path.display().to_string().into());
    let parameters = Arguments::from_iter([backup].into_iter().chain(more));
    let run = RunOptions {
        runbook: runbook.into(),
        answers: options.answers.clone(),
        abandon: options.abandon,
        plan: None,
    };
    super::run::run_with(context, &run, &|_| parameters.clone())
}

/// Runs the runbook that removes old backups. A run that is not done keeps it from beginning: a backup may be its way
/// back.
fn prune(context: &Context, options: &PruneOptions) -> Result<u8> {
    let count = options.count.map(|count| ("count".to_owned(), json!(count)));
    let age = options.age.map(|age| ("age".to_owned(), json!(age)));
    let parameters = Arguments::from_iter(count.into_iter().chain(age));
    let run = RunOptions {
        runbook: "prune".into(),
        answers: options.answers.clone(),
        abandon: options.abandon,
        plan: None,
    };
    super::run::run_with(context, &run, &|_| parameters.clone())
}
