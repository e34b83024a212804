//! `run(server, arguments: array, #{ within: duration = 1.hours, folder: text, environment: map, repeat: bool = false })`
//!
//! Runs a program on the server, under supervision: it is started once, and continues whatever happens to banister.
//!
//! # Options
//! - `within`: the time limit; then it is stopped with everything it started. Default: an hour.
//! - `folder`: where it runs; a relative path is in the checkout, `~` is the server's home. Default: the checkout.
//! - `environment`: variables in its environment, besides the server's own from `site.toml`: texts, numbers, `true`,
//!   `false` or secrets, also within a text. Default: none. Arguments can't be secrets, because all users of the
//!   machine see them.
//! - `repeat`: whether it may run twice, so that it is run again if nobody knows how it ended. Default: no.
//!
//! # Returns
//! A map: `seconds` (number, how long it ran) and `lines` (array of texts, the last hundred lines of its output; of
//! lines longer than 64 KiB only the last, as its end behind a `…`). The lines are exact; secrets in them are hidden
//! when they are shown.
//!
//! # Errors
//! - `command_failed` if it ended with another status than 0; its last lines are the reason.
//! - `timed_out` if it did not end in time. It was stopped, and may be half done.
//! - `not_found` if there is no such program or folder, or a secret is not known; nothing ran.
//!
//! Changes that it made before it failed remain.
//!
//! # After a crash
//! If it still runs, it is followed; if it ended, its end is read. If it was stopped because the run was cancelled, it
//! is run again. If nobody can know how it ended, because its supervisor died too, a person is asked; with `repeat` it
//! is run again, unless something that it started still runs.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! let answer = server.run(["git", "rev-parse", "--is-inside-work-tree"], #{ within: 1.minutes });
//! answer.lines
//! // => ["true"]
//! ```

use crate::command::Spec;
use crate::data::ServerName;
use crate::failure::Result;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use crate::supervised::{self, Ended, Setting};
use crate::units::Duration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub struct Run;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    arguments: Vec<String>,
    #[serde(default = "an_hour")]
    within: Duration,
    #[serde(default)]
    folder: String,
    #[serde(default)]
    environment: BTreeMap<String, Setting>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    repeat: bool,
}

fn an_hour() -> Duration {
    Duration::seconds(3_600)
}

impl Primitive for Run {
    type Arguments = Arguments;
    type Outcome = Ended;
    const NAME: &'static str = "run";
    const SOURCE: &'static str = include_str!("run.rs");
    const SECRETS: &'static [&'static str] = &["environment"];
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Everything],
        perform: |arguments, host| supervised::perform(&spec(arguments, host)?, host),
        predict: |arguments, host| {
            Ok(supervised::predict(&Spec::new(&arguments.arguments, &host.server()?.checkout)))
        },
        after_crash: AfterCrash::Probe(|arguments: &Arguments, host| {
            supervised::probe(host, arguments.repeat)
        }),
    };
}

fn spec(arguments: &Arguments, host: &Host) -> Result<Spec> {
    let server = host.server()?;
    let mut spec = Spec::new(&arguments.arguments, server.path(&arguments.folder));
    spec.within = Some(arguments.within);
    spec.environment = server.environment.clone();
    for (name, value) in &arguments.environment {
        spec.environment.insert(name.clone(), value.text()?);
    }
    Ok(spec)
}
