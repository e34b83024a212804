//! `log_release(server, release: text, #{ file: text = "~/releases.log" })`
//!
//! Adds a line to the list of releases that a server had.
//!
//! # Options
//! - `file`: where the list is, on the server; what is relative is in its checkout.
//!
//! # Returns
//! - `lines`: how many lines the list has then.
//!
//! # Errors
//! `refused` if the file can't be read or written; it is as it was then.
//!
//! # After a crash
//! It looks whether the last line is that of the release, and adds it if not.
//!
//! # Example
//! ```rhai
//! this_server().log_release("1.4.2").lines
//! // => 1
//! ```

use banister::data::ServerName;
use banister::failure::{Context, Kind, Result};
use banister::primitive::{Act, AfterCrash, Facet, Host, Primitive, Probe};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

pub struct LogRelease;

/// What a script passes: its options, too.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    release: String,
    #[serde(default = "in_the_home")]
    file: String,
}

fn in_the_home() -> String {
    "~/releases.log".into()
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    lines: usize,
}

impl Primitive for LogRelease {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "log_release";
    const SOURCE: &'static str = include_str!("log_release.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Settings],
        perform,
        predict,
        // Not `Repeat`: a line that is added twice is there twice.
        after_crash: AfterCrash::Probe(probe),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let (file, mut list) = read(arguments, host)?;
    let failed = || format!("can't write `{}`", file.display());
    list += &format!("{}\n", arguments.release);
    // Beside it and renamed, so that there is never half a list.
    let new = file.with_extension("new");
    let mut written = File::create(&new).or_fail(Kind::Refused, failed)?;
    written.write_all(list.as_bytes()).and_then(|()| written.sync_all()).or_fail(Kind::Refused, failed)?;
    fs::rename(&new, &file).or_fail(Kind::Refused, failed)?;
    Ok(Outcome { lines: list.lines().count() })
}

/// What a plan may know without changing anything.
fn predict(arguments: &Arguments, host: &Host) -> Result<Value> {
    let (_, list) = read(arguments, host)?;
    Ok(json!({ "lines": list.lines().count() + 1 }))
}

fn probe(arguments: &Arguments, host: &Host) -> Result<Probe<Outcome>> {
    let (_, list) = read(arguments, host)?;
    match list.lines().next_back() == Some(&arguments.release) {
        true => Ok(Probe::Done(Outcome { lines: list.lines().count() })),
        false => Ok(Probe::GoOn),
    }
}

/// The list and where it is. One that is not there is empty.
fn read(arguments: &Arguments, host: &Host) -> Result<(PathBuf, String)> {
    let file = host.server()?.path(&arguments.file);
    match fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok((file, String::new())),
        other => {
            let list = other.or_fail(Kind::Refused, || format!("can't read `{}`", file.display()))?;
            Ok((file, list))
        }
    }
}
