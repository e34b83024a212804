//! Has restic store what was surveyed, and compares what it says that it stored.

use super::survey::Survey;
use crate::command::Exit;
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::backup::reference::Inventory;
use crate::machine::restic::{Repository, Trouble};
use serde::Deserialize;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// What became of it.
#[derive(Debug, Default)]
pub struct Stored {
    /// Bytes that it added to the repository.
    pub added: u64,
    /// What was not as it was at the beginning when all was stored.
    pub changed: Vec<String>,
}

/// A line that restic prints.
#[derive(Deserialize)]
struct Line {
    message_type: String,
    #[serde(default)]
    item: String,
    #[serde(default)]
    snapshot_id: String,
    #[serde(default)]
    data_added: u64,
}

/// The exit code of a snapshot that lacks something.
const INCOMPLETE: Exit = Exit::Status(3);
/// So many names are told.
const TOLD: usize = 5;
pub const WHAT: &str = "the backup can't be stored";

/// Stores it. Fails with [`Kind::Refused`] if something that is there is not in the snapshot; it is forgotten then.
pub fn store(
    repository: &Repository,
    inventory: &Inventory,
    survey: &mut Survey,
    excluded: &Path,
    stop: &dyn Fn() -> bool,
) -> Result<Stored> {
    let failed = || WHAT.to_owned();
    let tags = inventory.tags().as_option();
    let excluded = excluded.display().to_string();
    let paths: Vec<String> = survey.tops().iter().map(|path| path.display().to_string()).collect();
    let staging = inventory.staging.display().to_string();
    let options = ["backup", "--json", "--verbose=2", "--host", &inventory.about.server, "--tag", &tags];
    let mut words: Vec<&str> = options.into_iter().chain(["--exclude-file", &excluded, "--"]).collect();
    words.extend(paths.iter().map(String::as_str));
    words.push(&staging);
    let (mut looked, mut said) = repository.run_into(&words, stop, |output| read(output, survey))?;
    if repository.trouble(&looked) == Some(Trouble::Locked) {
        repository.unlock(stop)?;
        (looked, said) = repository.run_into(&words, stop, |output| read(output, survey))?;
    }
    if looked.exit != Exit::Status(0) && looked.exit != INCOMPLETE {
        return Err(repository.failed(&looked, WHAT));
    }
    let Some(added) = said.or_fail(Kind::Refused, failed)? else {
        return Err(Failure::new(Kind::Refused, WHAT).why("restic names no snapshot"));
    };
    let errors = errors(&looked.stderr);
    let mut missing: Vec<String> = survey.missing()?.iter().map(|path| path.display().to_string()).collect();
    // What vanished meanwhile can't be in it; what is there, and could not be read, must not be missing without a word.
    let is_there = |item: &String| Path::new(item).symlink_metadata().is_ok();
    missing.extend(errors.iter().map(|(item, _)| item.clone()).filter(is_there));
    missing.sort_unstable();
    missing.dedup();
    if missing.is_empty() {
        return Ok(Stored { added, changed: survey.changed()? });
    }
    let first = missing.iter().take(TOLD).map(|path| format!("`{path}`")).collect::<Vec<_>>().join(", ");
    let message = format!("the backup would be incomplete: {first} can't be read");
    let reasons = errors.iter().filter(|(item, _)| missing.contains(item)).take(TOLD);
    let failure = reasons.fold(Failure::new(Kind::Refused, message), |failure, (_, why)| failure.why(why));
    let failure = failure.help(
        "let the user who takes the backup read it, or name in `backup` in `site.toml` only what it may read",
    );
    Err(match super::forget::incomplete(repository, inventory, stop) {
        Ok(()) => failure,
        Err(left) => failure.why(format!("the incomplete snapshot is still in the repository: {left}")),
    })
}

/// Strikes out of the survey what was stored; how many bytes that added, if there is a snapshot.
fn read(output: File, survey: &mut Survey) -> std::io::Result<Option<u64>> {
    let mut added = None;
    for line in BufReader::new(output).split(b'\n') {
        let Ok(line) = serde_json::from_slice::<Line>(&line?) else { continue };
        match line.message_type.as_str() {
            "verbose_status" if line.item.len() > 1 => survey.stored(line.item.trim_end_matches('/')),
            "verbose_status" => survey.stored(&line.item),
            "summary" if !line.snapshot_id.is_empty() => added = Some(line.data_added),
            _ => {}
        }
    }
    Ok(added)
}

/// What could not be read, and why.
fn errors(stderr: &str) -> Vec<(String, String)> {
    let said = |line: &str| -> Option<(String, String)> {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        let item = line["item"].as_str().filter(|_| line["message_type"] == "error")?;
        let why = line["error"]["message"].as_str().map(str::to_owned);
        let number = line["error"]["Err"].as_i64().and_then(|number| i32::try_from(number).ok());
        let number = number.map(|number| std::io::Error::from_raw_os_error(number).to_string());
        Some((
            item.to_owned(),
            format!("{item}: {}", why.or(number).unwrap_or_else(|| "restic can't read it".into())),
        ))
    };
    stderr.lines().filter_map(said).collect()
}
