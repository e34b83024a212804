//! `run_compose(server, arguments: array, #{ within: duration = 1.hour, repeat: bool = false })`
//!
//! Runs Docker Compose in the server's folder, as a supervised command.
//!
//! It is that Compose which `compose_config` asks, with the project's name and only those variables that `environment` of the
//! server says: a variable of the administrator's shell overrides no setting.
//!
//! # Options
//! - `within`: the time limit. Default: an hour.
//! - `repeat`: whether it may be run again after a crash in which its end was lost. Default: no.
//!
//! # Returns
//! A map, as of `run`.
//!
//! # Errors
//! - `command_failed` if it ended with another status than 0; its last lines are the reason.
//! - `timed_out` if it did not end in time. It was stopped, and may be half done.
//! - `not_found` if there is no Compose or no such folder.
//!
//! # After a crash
//! As of `run`: if it still runs, it is followed; if nobody can know how it ended, a person is asked; with `repeat` it is run
//! again.
//!
//! # Example
//! ```rhai
//! this_server().run_compose(["config", "--quiet"]).lines
//! // => []
//! ```

use crate::command::Spec;
use crate::data::ServerName;
use crate::failure::Result;
use crate::machine::deployment::Program;
use crate::primitive::{Act, AfterCrash, Facet, Host, Primitive};
use crate::supervised::{self, Ended};
use crate::units::Duration;
use serde::{Deserialize, Serialize};

pub struct RunCompose;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    arguments: Vec<String>,
    #[serde(default = "an_hour")]
    within: Duration,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    repeat: bool,
}

fn an_hour() -> Duration {
    Duration::seconds(3_600)
}

impl Primitive for RunCompose {
    type Arguments = Arguments;
    type Outcome = Ended;
    const NAME: &'static str = "run_compose";
    const SOURCE: &'static str = include_str!("run_compose.rs");
    const ACT: Act<Self> = Act::Change {
        touches: &[Facet::Everything],
        perform: |arguments, host| supervised::perform(&spec(arguments, host)?, host),
        predict: |arguments, host| {
            let words =
                ["docker", "compose"].into_iter().chain(arguments.arguments.iter().map(String::as_str));
            Ok(supervised::predict(&Spec::new(words, host.server()?.make_folder())))
        },
        after_crash: AfterCrash::Probe(|arguments: &Arguments, host| {
            supervised::probe(host, arguments.repeat)
        }),
    };
}

fn spec(arguments: &Arguments, host: &Host) -> Result<Spec> {
    let stop = || host.stop.is_asked();
    let deployment = host.server()?.deployment(&stop);
    let program = Program::find(&deployment.folder, deployment.environment, &stop)?;
    let project = deployment.name()?.map(|name| ["-p".to_owned(), name]).into_iter().flatten();
    let mut spec = deployment.spec(&program, project.chain(arguments.arguments.iter().cloned()));
    spec.within = Some(arguments.within);
    Ok(spec)
}
