//! `make(server, target: text, variables: map = #{}, #{ within: duration = 2.hours, environment: map })`
//!
//! Runs `make` with a target of the server's Makefile, under supervision: it is started once, and continues whatever
//! happens to banister.
//!
//! # Options
//! - `variables`: variables on make's command line, which override those of the Makefile: texts, numbers, `true` or
//!   `false`, which make sees as text. Secrets can't be there, because all users of the machine see them. Default:
//!   none. A Makefile's `ifdef` takes any text for yes, even `false`: for no, leave the variable out. A map as
//!   the third argument is the variables; options come fourth.
//! - `within`: the time limit; then it is stopped with everything it started. Default: two hours.
//! - `environment`: variables in its environment, besides the server's own from `site.toml`: texts, numbers, `true`,
//!   `false` or secrets, also within a text. Default: none. What the Makefile sets itself overrides them.
//!
//! It runs in the server's `folder` of `site.toml`, within the checkout, with the server's `environment`.
//!
//! # Returns
//! A map: `seconds` (number, how long it ran) and `lines` (array of texts, the last hundred lines of its output; of
//! lines longer than 64 KiB only the last, as its end behind a `…`). The lines are exact; secrets in them are hidden
//! when they are shown.
//!
//! # Errors
//! - `command_failed` if make ended with another status than 0; its last lines are the reason.
//! - `timed_out` if it did not end in time. It was stopped, and may be half done.
//! - `not_found` if there is no make, or the folder is not there; nothing ran.
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
//! let built = server.make("build", #{ DETACH: true }, #{ within: 10.minutes });
//! built.seconds >= 0.0
//! // => true
//! ```

use crate::command::Spec;
use crate::data::ServerName;
use crate::failure::Result;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use crate::supervised::{self, Ended, Setting, Variable};
use crate::units::Duration;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

pub struct Make;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    target: String,
    #[serde(default)]
    variables: BTreeMap<String, Variable>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    environment: BTreeMap<String, Setting>,
    #[serde(default = "two_hours")]
    within: Duration,
}

fn two_hours() -> Duration {
    Duration::seconds(7_200)
}

impl Primitive for Make {
    type Arguments = Arguments;
    type Outcome = Ended;
    const NAME: &'static str = "make";
    const SOURCE: &'static str = include_str!("make.rs");
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

/// All but the variables of the environment: a plan has not looked up their secrets on the server.
fn spec(arguments: &Arguments, host: &Host) -> Result<Spec> {
    let server = host.server()?;
    let variables = arguments.variables.iter().map(|(name, value)| format!("{name}={}", value.text()));
    let words = ["make".to_owned(), arguments.target.clone()].into_iter().chain(variables);
    let mut spec = Spec::new(words, server.make_folder());
    spec.within = Some(arguments.within);
    spec.environment = server.environment.clone();
    Ok(spec)
}
