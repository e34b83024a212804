//! `prune_backups(server, #{ count: integer, age: duration, keep: map, folder: text, only: array, needed: array })`
//!
//! Removes the old backups of the server, the oldest first, each with its card.
//!
//! `old_backups` explains which backups are old. The newest verified one that stays and fits what is installed is read
//! whole before any other is removed. Cards whose backup is gone are removed, too.
//!
//! # Options
//! - `count`: keep so many of the newest backups. Default: `keep` of the site, if none of the
//!   three is given.
//! - `age`: keep backups newer than this, such as `30.days`. Default: `keep` of the site, if none of the three is
//!   given.
//! - `keep`: more rules, in the form of `keep` of the site, such as `#{ daily: 7, within: "2d" }`. Default: none.
//! - `folder`: where the backups are. Default: `backups` of the site, or of its kind, else
//!   `~/backups/SERVER`.
//! - `only`: names of backups: of the old ones, only these are removed. Give the names that a person
//!   confirmed: backups that became old since are kept, and so are those that are no longer old. Default: all old ones.
//! - `needed`: names or paths of more backups to keep: a run that is not done may need them to roll back. Default:
//!   none.
//!
//! # Returns
//! - `removed`: the names of the removed backups.
//! - `kept`: how many backups of the server are left.
//! - `freed`: the size of the removed backups; in a repository what restic freed there, or `()` if that is not known.
//!
//! # Errors
//! `invalid` if neither the options nor the site say which backups to keep; then nothing was removed. `refused` if the
//! folder can't be read, or the backup that stays is damaged; nothing was removed then. Also `refused` if something can't
//! be removed; some may be gone then.
//!
//! # After a crash
//! It continues with the backups that it was about to remove, unless one of them is no longer old.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! for label in ["first", "second", "third"] { server.backup(label, #{ files: ["~/.hoss/.env"] }); }
//! let pruned = server.prune_backups(#{ count: 1 });
//! [pruned.removed.len(), pruned.kept]
//! // => [2, 1]
//! ```

use crate::data::{self, ServerName};
use crate::failure::{Context, Kind, Result};
use crate::machine::backup::prune::{Aging, remove};
use crate::machine::backup::{self, Age, Card, Keep, is_reference};
use crate::machine::files::{kept, private_folder, write_private_durably};
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive, Told};
use crate::units::Duration;
use crate::units::Size;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

pub struct PruneBackups;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    count: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    age: Option<Duration>,
    #[serde(default, skip_serializing_if = "Keep::is_empty")]
    keep: Keep,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    folder: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    only: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    needed: Vec<PathBuf>,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    removed: Vec<String>,
    kept: usize,
    /// Tagged as a size, or nothing.
    freed: Value,
}

impl Primitive for PruneBackups {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "prune_backups";
    const SOURCE: &'static str = include_str!("prune_backups.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Backups, Facet::Space],
        perform,
        predict,
        after_crash: AfterCrash::Repeat,
    };
}

/// What an attempt is about to remove, names and lengths: of what is gone, nothing else tells what it was.
type Intent = Vec<(String, u64)>;

/// The file of the intent, in the folder of the attempt.
const FILE: &str = "prune.json";

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let aging = look(arguments, host)?;
    let intent = match kept(&host.folder.join(FILE))? {
        Some(intent) => intent,
        None => {
            let intent = meant(arguments, &aging);
            let text =
                serde_json::to_vec(&intent).or_fail(Kind::Bug, || "an intent is not plain data".into())?;
            private_folder(host.folder)?;
            write_private_durably(&host.folder.join(FILE), &text)?;
            intent
        }
    };
    let is_meant = |card: &&Card| intent.iter().any(|(name, _)| *name == card.name);
    if aging.old.iter().any(|card| is_meant(&card)) {
        aging.needed.iter().try_for_each(|card| read(card, host))?;
    }
    let server = host.server()?;
    let meant: Vec<&Card> = aging.old.iter().filter(is_meant).chain(&aging.left).collect();
    let folder = server.folder_of_backups(arguments.folder.as_deref());
    let freed = remove(&meant, &server.access()?, &folder, &server.name, &|| host.stop.is_asked())?;
    Ok(outcome(&intent, &aging, freed))
}

/// Reads a backup that is to stay, before others are removed: what its card says may be long ago.
fn read(card: &Card, host: &Host) -> Result<()> {
    let server = host.server()?;
    (host.tell)(Told::Progress(format!("reading `{}`, which stays", card.path.display()).into()));
    host.go_on()?;
    let read = backup::read(card, &server.access()?, &|| host.stop.is_asked());
    read.map(drop).map_err(|failure| {
        let failure = failure.why("no backup was removed: it is the one that would stay");
        // What says more is not told over.
        match failure.help {
            Some(_) => failure,
            None => failure.help("take another one with `banister run backup`, then prune again"),
        }
    })
}

fn look(arguments: &Arguments, host: &Host) -> Result<Aging> {
    let given = arguments.keep.with(arguments.count, arguments.age.map(Age::from));
    host.server()?.aging(arguments.folder.as_deref(), given)
}

fn meant(arguments: &Arguments, aging: &Aging) -> Intent {
    let is_needed = |name: &str| arguments.needed.iter().any(|path| path.file_name() == Some(name.as_ref()));
    let is_meant = |card: &&Card| {
        arguments.only.as_ref().is_none_or(|only| only.contains(&card.name)) && !is_needed(&card.name)
    };
    aging.old.iter().filter(is_meant).map(|card| (card.name.clone(), card.bytes)).collect()
}

/// What removing them comes to. One that an attempt was about to remove may be needed by the time it is gone on with.
/// `in_repository` is how many bytes it freed in the repository, if that is known.
fn outcome(intent: &Intent, aging: &Aging, in_repository: Option<u64>) -> Outcome {
    let is_meant = |card: &Card| intent.iter().any(|(name, _)| *name == card.name);
    let is_young = |name: &str| aging.young.iter().any(|card| card.name == name);
    let removed: Vec<_> = intent.iter().filter(|(name, _)| !is_young(name)).collect();
    // What a snapshot added once may be what others need now.
    let (stored, archives): (Vec<_>, Vec<_>) =
        removed.iter().copied().partition(|(name, _)| is_reference(Path::new(name)));
    let archives: u64 = archives.iter().map(|(_, bytes)| bytes).sum();
    let freed = if stored.is_empty() { Some(archives) } else { in_repository.map(|bytes| bytes + archives) };
    Outcome {
        kept: aging.young.len() + aging.old.iter().filter(|card| !is_meant(card)).count(),
        freed: freed.map_or(Value::Null, |bytes| json!({ data::SIZE: Size(bytes) })),
        removed: removed.into_iter().map(|(name, _)| name.clone()).collect(),
    }
}

fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let aging = look(arguments, host)?;
    let predicted = outcome(&meant(arguments, &aging), &aging, None);
    let is_unknown = predicted.freed.is_null();
    let mut predicted =
        serde_json::to_value(predicted).or_fail(Kind::Bug, || "an outcome is not plain data".into())?;
    if is_unknown {
        predicted["freed"] = data::unknown("how much that frees in the repository");
    }
    Ok(predicted)
}
