//! `shell(server, line: text, #{ within: duration = 1.hours, folder: text, environment: map })`
//!
//! Runs a line of shell on the server, under supervision: it is started once, and continues whatever happens to
//! banister.
//!
//! The shell also interprets interpolated text; where you need no shell, `run` is safer. It is `/bin/sh`, which has no
//! `pipefail`: of `a | b` only the status of `b` counts.
//!
//! # Options
//! - `within`: the time limit; then it is stopped with everything it started. Default: an hour.
//! - `folder`: where it runs; a relative path is in the checkout, `~` is the server's home. Default: the checkout.
//! - `environment`: variables in its environment, besides the server's own from `site.toml`: texts, numbers, `true`,
//!   `false` or secrets, also within a text. Default: none. The line can't hold secrets, because all users of the
//!   machine see it.
//!
//! # Returns
//! A map: `seconds` (number, how long it ran) and `lines` (array of texts, the last hundred lines of its output; of
//! lines longer than 64 KiB only the last, as its end behind a `…`). The lines are exact; secrets in them are hidden
//! when they are shown.
//!
//! # Errors
//! - `command_failed` if it ended with another status than 0; its last lines are the reason.
//! - `timed_out` if it did not end in time. It was stopped, and may be half done.
//! - `not_found` if the folder is not there, or a secret is not known; nothing ran.
//!
//! Changes that it made before it failed remain.
//!
//! # After a crash
//! If it still runs, it is followed; if it ended, its end is read. If it was stopped because the run was cancelled, it
//! is run again. If nobody can know how it ended, because its supervisor died too, a person is asked.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! let answer = server.shell("echo one two | wc -w | tr -d ' '");
//! answer.lines
//! // => ["2"]
//! ```

use crate::command::Spec;
use crate::data::ServerName;
use crate::failure::Result;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use crate::supervised::{self, Ended, Setting};
use crate::units::Duration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub struct Shell;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    line: String,
    #[serde(default = "an_hour")]
    within: Duration,
    #[serde(default)]
    folder: String,
    #[serde(default)]
    environment: BTreeMap<String, Setting>,
}

fn an_hour() -> Duration {
    Duration::seconds(3_600)
}

impl Primitive for Shell {
    type Arguments = Arguments;
    type Outcome = Ended;
    const NAME: &'static str = "shell";
    const SOURCE: &'static str = include_str!("shell.rs");
    const SECRETS: &'static [&'static str] = &["environment"];
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Everything],
        perform: |arguments, host| {
            let mut spec = spec(arguments, host)?;
            for (name, value) in &arguments.environment {
                spec.environment.insert(name.clone(), value.text()?);
            }
            supervised::perform(&spec, host)
        },
        predict: |arguments, host| Ok(supervised::predict(&spec(arguments, host)?)),
        after_crash: AfterCrash::Probe(|_, host| supervised::probe(host, false)),
    };
}

/// All but the variables that the script gives: a plan has not looked up their secrets on the server.
fn spec(arguments: &Arguments, host: &Host) -> Result<Spec> {
    let server = host.server()?;
    let mut spec = Spec::new(["/bin/sh", "-c", &arguments.line], server.path(&arguments.folder));
    spec.within = Some(arguments.within);
    spec.environment = server.environment.clone();
    Ok(spec)
}
