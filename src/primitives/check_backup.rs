//! `check_backup(server, backup: text, #{ release: text, commit: text, within: duration = 24.hours })`
//!
//! Reads a whole backup once more, and reports whether the server can be restored from it: use it before irreversible
//! changes.
//!
//! `backup` is the path of an archive, as `backup` returns it.
//!
//! # Options
//! - `release`: the release that must have been installed when it was made. Default: any release.
//! - `commit`: the commit that must have been checked out then, shortened as `backup` returns it. Default: any commit.
//! - `within`: its maximum age: data written since is not in it. Default: a day.
//!
//! # Returns
//! - `good`: whether the server can be restored from it (bool).
//! - `why`: if not, why not, as a part of a sentence; else an empty text.
//!
//! # Errors
//! None for a backup that is not good. `interrupted` if a signal asked to stop meanwhile.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! let saved = server.backup("to be checked", #{ files: ["~/.hoss/.env"] });
//! server.check_backup(saved.path, #{ release: saved.release }).good
//! // => true
//! ```

use crate::data::ServerName;
use crate::failure::{Failure, Kind, Result};
use crate::machine::archive;
use crate::machine::backup::{self, Card, is_reference};
use crate::primitive::{Act, Host, Primitive};
use crate::units::Duration;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use std::path::Path;

pub struct CheckBackup;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    /// A text; in plans it is not known yet.
    #[serde(deserialize_with = "text_or_unknown")]
    backup: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    release: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
    #[serde(default = "a_day")]
    within: Duration,
}

fn text_or_unknown<'a, D: Deserializer<'a>>(from: D) -> std::result::Result<Value, D::Error> {
    let value = Value::deserialize(from)?;
    match value.is_string() || value.is_object() {
        true => Ok(value),
        false => Err(D::Error::custom(format!("invalid type: `{value}`, expected a string"))),
    }
}

fn a_day() -> Duration {
    Duration::seconds(86_400)
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    good: bool,
    why: String,
}

impl Primitive for CheckBackup {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "check_backup";
    const SOURCE: &'static str = include_str!("check_backup.rs");
    const ACT: Act<Self> = Act::Look {
        reads: &[],
        perform: |arguments, host| {
            let why = objection(arguments, host)?;
            Ok(Outcome { good: why.is_none(), why: why.unwrap_or_default() })
        },
        // A backup that a plan foresees is verified as soon as it is taken, or the run ends there.
        predict: |_, _| Ok(json!({ "good": true, "why": "" })),
    };
}

/// Why the server can't be restored from it.
fn objection(arguments: &Arguments, host: &Host) -> Result<Option<String>> {
    let server = host.server()?;
    let Some(path) = arguments.backup.as_str().map(Path::new) else {
        return Err(Failure::new(
            Kind::Invalid,
            "`check_backup`: `backup` is the path of an archive, as text",
        ));
    };
    let stop = || host.stop.is_asked();
    let read = match is_reference(path) {
        true => Card::of(path).and_then(|card| backup::read(&card, &server.access()?, &stop)),
        false => archive::verify_until(path, &server.keys(), &stop).map(|(manifest, _)| Some(manifest.about)),
    };
    let about = match read {
        Ok(Some(about)) => about,
        Ok(None) => return Ok(Some(format!("`{}` can't be read here", path.display()))),
        Err(failure) if failure.kind == Kind::Interrupted => return Err(failure),
        Err(failure) => return Ok(Some(failure.to_string())),
    };
    let named = |what: &Option<String>| what.clone().unwrap_or_else(|| "none".into());
    if about.server != server.name {
        return Ok(Some(format!("`{}` is a backup of {}", path.display(), about.server)));
    }
    // Another tag of the same commit is the same release.
    let has_its_commit = |release: &String| {
        let commit = server.open_checkout().and_then(|checkout| checkout.commit_named_by(release));
        about.commit.as_ref().zip(commit.ok()).is_some_and(|(of, is)| is.to_string().starts_with(of))
    };
    if arguments.release.is_some()
        && about.release.is_some()
        && about.release != arguments.release
        && !arguments.release.as_ref().is_some_and(has_its_commit)
    {
        let (is, should) = (named(&about.release), named(&arguments.release));
        return Ok(Some(format!("`{}` is of the release {is}, not of {should}", path.display())));
    }
    if arguments.commit.is_some() && about.commit != arguments.commit {
        let (is, should) = (named(&about.commit), named(&arguments.commit));
        return Ok(Some(format!("`{}` is of the commit {is}, not of {should}", path.display())));
    }
    let taken = about.created.parse::<jiff::Timestamp>().ok();
    let age = taken.and_then(|taken| u64::try_from((jiff::Timestamp::now() - taken).as_secs()).ok());
    let age = age.map(Duration::seconds);
    Ok(match age {
        Some(age) if age <= arguments.within => None,
        Some(age) => Some(format!("`{}` is {age} old; data written since is not in it", path.display())),
        None => Some(format!("nobody knows when `{}` was taken", path.display())),
    })
}
