//! `read_command(server, arguments: array, #{ json: bool = false, within: duration = 1.minutes, folder: text, statuses: array = [0] })`
//!
//! Runs a program that only reads, in plans too, and gives what it prints.
//!
//! Nothing holds the program to that: one that changes something does so also in a plan. What changes belongs in `run`.
//!
//! # Options
//! - `json`: whether it prints JSON, which is returned as a value. Default: no.
//! - `within`: the time limit; then it is stopped with everything it started. Default: a minute.
//! - `folder`: where it runs; a relative path is in the checkout, `~` is the server's home. Default: the checkout.
//! - `statuses`: the exit statuses that are no failure, as a command such as `git diff --exit-code` says something by them.
//!   Default: only 0.
//!
//! # Returns
//! What it printed, without the line ends at its end; with `json` the value: text, number, bool, array, map or `()`. What it
//! prints on its error stream is only shown if it fails.
//!
//! # Errors
//! - `command_failed` if it ended with another status; its last lines are the reason.
//! - `invalid` if it printed no JSON, with `json`.
//! - `timed_out` if it did not end in time.
//! - `not_found` if there is no such program or folder.
//! - `refused` if it printed more than 1 MiB.
//!
//! # After a crash
//! It is run again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! let described = server.read_command(["git", "describe", "--tags"]);
//! described
//! // => "0.2.10"
//! ```

use crate::command::{Exit, Looked, Spec, look};
use crate::data::{self, ServerName};
use crate::failure::{Failure, Kind, Result};
use crate::primitive::{Act, Facet, Host, Primitive};
use crate::units::Duration;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub struct ReadCommand;

/// What a script and a journal may get, in bytes.
const LARGEST: usize = 1 << 20;

/// How many of the last lines that a program wrote are shown when it fails.
const SHOWN: usize = 5;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    arguments: Vec<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    json: bool,
    #[serde(default = "a_minute")]
    within: Duration,
    #[serde(default)]
    folder: String,
    #[serde(default = "only_success")]
    statuses: Vec<i32>,
}

fn a_minute() -> Duration {
    Duration::seconds(60)
}

fn only_success() -> Vec<i32> {
    vec![0]
}

impl Primitive for ReadCommand {
    type Arguments = Arguments;
    type Outcome = Value;
    const NAME: &'static str = "read_command";
    const SOURCE: &'static str = include_str!("read_command.rs");
    const ACT: Act<Self> = Act::Look {
        // What it looks at is known to nobody but who wrote it.
        reads: &[
            Facet::Checkout,
            Facet::History,
            Facet::Settings,
            Facet::Services,
            Facet::Backups,
            Facet::Everything,
        ],
        perform,
        predict: |arguments, _| Ok(data::unknown(format!("what `{}` prints", arguments.arguments.join(" ")))),
    };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Value> {
    let server = host.server()?;
    let mut spec = Spec::new(&arguments.arguments, server.path(&arguments.folder));
    spec.within = Some(arguments.within);
    spec.environment = server.environment.clone();
    let looked = look(&spec, &|| host.stop.is_asked())?;
    let program = arguments.arguments.first().map_or("", String::as_str);
    let is_well = matches!(looked.exit, Exit::Status(status) if arguments.statuses.contains(&status));
    if !is_well {
        return Err(last_lines(&looked)
            .into_iter()
            .fold(Failure::new(Kind::CommandFailed, format!("`{program}` {}", looked.exit)), Failure::why));
    }
    if looked.stdout.len() > LARGEST {
        let message =
            format!("`{program}` printed {} bytes, and a script may get {LARGEST}", looked.stdout.len());
        return Err(Failure::new(Kind::Refused, message).help("let it print only what is needed"));
    }
    if !arguments.json {
        return Ok(looked.stdout.trim_end_matches(['\r', '\n']).into());
    }
    serde_json::from_str(&looked.stdout)
        .ok()
        .filter(|value| !data::is_tagged(value))
        .ok_or_else(|| Failure::new(Kind::Invalid, format!("`{program}` did not print JSON")))
}

/// The end of what it wrote, from its error stream if it wrote there.
fn last_lines(looked: &Looked) -> Vec<&str> {
    let said = if looked.stderr.trim().is_empty() { &looked.stdout } else { &looked.stderr };
    let lines: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(SHOWN)..].to_vec()
}
