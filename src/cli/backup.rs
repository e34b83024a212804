//! `banister backup`.

use super::arguments::{BackupCommand, RunOptions, TryOptions};
use super::context::Context;
use crate::data::Arguments;
use crate::failure::{Failure, Kind, Result};
use crate::machine::archive;
use crate::machine::backup::{Card, Level, catalogue};
use crate::machine::files::sha256;
use crate::report::text::table;
use crate::site::{HOSS, Server};
use crate::units::Size;
use serde_json::json;
use std::path::Path;

pub fn backup(context: &Context, command: &BackupCommand) -> Result<u8> {
    match command {
        BackupCommand::List => list(context),
        BackupCommand::Verify { backup } => verify(context, backup.as_deref()),
        BackupCommand::Drill(options) => run(context, "drill", options),
        BackupCommand::Restore(options) => run(context, "restore", options),
    }
}

/// The servers that are meant, or all.
fn list(context: &Context) -> Result<u8> {
    let mut rows = vec![["SERVER", "BACKUP", "RELEASE", "SIZE", "LEVEL", "FITS"].map(String::from).to_vec()];
    let mut listed = Vec::new();
    let site = context.site()?;
    for server in context.servers(&site)? {
        for card in catalogue(&server.backup_folder())? {
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
        (Level::Drilled, seconds) => format!("drilled, {:.0}s", seconds.unwrap_or_default()),
    }
}

/// The installed releases into which it can be put back. Hoss compares the first two numbers.
fn fits(server: &Server, card: &Card) -> String {
    match &card.release {
        _ if server.kind != HOSS => "any".into(),
        Some(release) => release.rsplit_once('.').map_or(release.clone(), |(minor, _)| format!("{minor}.*")),
        None => "?".into(),
    }
}

fn verify(context: &Context, backup: Option<&str>) -> Result<u8> {
    let card = find(context, backup)?;
    let contents = match archive::inspect(&card.path, &archive::Keys::default(), u64::MAX, &|| false) {
        Ok(contents) => contents,
        Err(failure) => {
            card.doubted().keep()?;
            return Err(failure);
        }
    };
    let (members, has_manifest) = (contents.members.len(), contents.manifest.is_some());
    let card = contents.manifest.map_or(card.clone(), |manifest| card.about(&manifest.about));
    // Without a manifest nothing says what must be in it.
    let card = if has_manifest { card.clone().verified(sha256(&card.path)?) } else { card };
    card.keep()?;
    match (context.json, has_manifest) {
        (true, _) => println!("{}", json!(card)),
        (false, true) => println!("{} is whole: {members} members as they were written", card.path.display()),
        (false, false) => {
            println!("{} can be read to its end, {members} members; it has no manifest", card.path.display());
        }
    }
    Ok(0)
}

/// The backup that is meant: a path, or a name or the beginning of one in the list, or the newest of the server.
fn find(context: &Context, backup: Option<&str>) -> Result<Card> {
    if let Some(path) = backup.map(Path::new).filter(|path| path.is_file()) {
        return Card::of(path);
    }
    let site = context.site()?;
    let servers = context.servers(&site)?;
    let mut found = Vec::new();
    for server in &servers {
        found.extend(catalogue(&server.backup_folder())?);
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
        return found.pop().ok_or_else(none);
    };
    found.retain(|card| card.name.starts_with(backup));
    let help = "see what there is with `banister backup list`";
    match found.as_slice() {
        [card] => Ok(card.clone()),
        [] => Err(Failure::new(Kind::NotFound, format!("there is no backup `{backup}`")).help(help)),
        several => {
            let names = several.iter().map(|card| card.name.as_str()).collect::<Vec<_>>().join(", ");
            Err(Failure::new(Kind::Invalid, format!("several backups begin with `{backup}`"))
                .why(names)
                .help(help))
        }
    }
}

/// Runs the runbook of this name with the backup.
fn run(context: &Context, runbook: &str, options: &TryOptions) -> Result<u8> {
    let path = find(context, options.backup.as_deref())?.path;
    let path = std::path::absolute(&path).unwrap_or(path);
    let parameters = Arguments::from_iter([("backup".to_owned(), path.display().to_string().into())]);
    let run = RunOptions {
        runbook: runbook.into(),
        answers: options.answers.clone(),
        abandon: options.abandon,
        plan: None,
    };
    super::run::run_with(context, &run, &|_| parameters.clone())
}
