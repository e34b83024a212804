//! `old_backups(server, #{ count: integer, age: duration, keep: map, folder: text })`
//!
//! Finds the old backups of the server: those that no rule keeps.
//!
//! The rules are those of `restic forget`, in the local time zone of the server, besides `count` and `age`. Never old are
//! - the newest backup that was verified or drilled and fits what is installed; where `fits` of
//!   the kind is `"first_two_numbers"`, those of its release are the same, and it is not newer than what is installed. If none fits, the newest such one
//!   of each two first numbers;
//! - the newest verified backup that has data where that one has none, or little, unless `may_be_empty` of the site
//!   names that path: a disk may not have been mounted, or the site may name another path now;
//! - all of them while none is verified;
//! - a backup from the future: the clock was wrong when it was made. It does not count as the newest, either;
//! - an archive whose card does not say that it is a backup of this server. What another program wrote has no card;
//!   `banister backup verify` writes one for an archive that banister wrote.
//!
//! # Options
//! - `count`: keep so many of the newest backups. Default: `keep` of the site, if none of the
//!   three is given.
//! - `age`: keep backups newer than this, such as `30.days`. Default: `keep` of the site, if none of the three is
//!   given.
//! - `keep`: more rules, in the form of `keep` of the site, such as `#{ daily: 7, within: "2d" }`. Default: none.
//! - `folder`: where the backups are. Default: `backups` of the site, or of its kind, else
//!   `~/backups/SERVER`.
//!
//! # Returns
//! - `backups`: the old ones, the oldest first, each with `name`, `bytes` (size), `created` (text, or `()`), `release`
//!   (or `()`) and `level` (`taken`, `verified` or `drilled`).
//! - `bytes`: the size of all of them.
//! - `kept`: how many backups of the server are not old, without those from the future.
//! - `future`: the names of those from the future.
//! - `fuller`: by the name of each backup that is kept because of them, the parts of which the one that would be restored
//!   holds nothing, or little.
//! - `foreign`: the number of archives without a card of this server.
//! - `left`: the number of cards whose backup is gone.
//!
//! # Errors
//! `invalid` if neither the options nor the site say which backups to keep; `refused` if the folder can't be read.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! for label in ["first", "second", "third"] { server.backup(label, #{ files: ["~/.hoss/.env"] }); }
//! let old = server.old_backups(#{ count: 1 });
//! [old.backups.len(), old.kept]
//! // => [2, 1]
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::archive::DataSource;
use crate::machine::backup::{Age, Card, Keep, Level};
use crate::primitive::{Act, Facet, Host, Primitive};
use crate::units::Duration;
use crate::units::Size;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

pub struct OldBackups;

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
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    backups: Vec<Old>,
    /// Tagged as a size.
    bytes: Value,
    kept: usize,
    #[serde(default)]
    future: Vec<String>,
    #[serde(default)]
    fuller: BTreeMap<String, BTreeSet<DataSource>>,
    foreign: usize,
    left: usize,
}

#[derive(Serialize, Deserialize)]
struct Old {
    name: String,
    /// Tagged as a size.
    bytes: Value,
    created: Option<String>,
    release: Option<String>,
    level: Level,
}

impl Primitive for OldBackups {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "old_backups";
    const SOURCE: &'static str = include_str!("old_backups.rs");
    const ACT: Act<Self> = Act::Look {
        // The time is left out, so that a plan rests on which ones it names: when more are old it no longer holds.
        reads: &[Facet::Backups, Facet::Checkout],
        perform,
        predict: |_, _| Ok(data::unknown("which backups are old then")),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let given = arguments.keep.with(arguments.count, arguments.age.map(Age::from));
    let aging = host.server()?.aging(arguments.folder.as_deref(), given)?;
    let size = |bytes: u64| json!({ data::SIZE: Size(bytes) });
    Ok(Outcome {
        bytes: size(aging.old.iter().map(|card| card.bytes).sum()),
        kept: aging.young.len(),
        future: aging.future.into_iter().map(|card| card.name).collect(),
        fuller: aging.fuller,
        foreign: aging.foreign,
        left: aging.left.len(),
        backups: aging
            .old
            .into_iter()
            .map(|Card { name, bytes, created, release, level, .. }| Old {
                bytes: size(bytes),
                name,
                created,
                release,
                level,
            })
            .collect(),
    })
}
