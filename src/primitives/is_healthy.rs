//! `is_healthy(server, #{ checks: array, project: text })`
//!
//! Checks once whether a server is healthy.
//!
//! # Options
//! - `checks`: as `wait_healthy` takes them. Default: `health` of the server in site.toml.
//! - `project`: the Compose project of services whose check names none.
//!
//! # Returns
//! A map: `healthy` (bool), and `checks`, an array of maps with `name` (text), `ok` (bool) and `said` (text).
//!
//! # Errors
//! None for a server that is not healthy. `invalid` if there are no checks, or one is malformed.
//!
//! # After a crash
//! It is read again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! let health = server.is_healthy(#{ checks: [`${server.endpoint}/ui/`] });
//! health.healthy
//! // => true
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::health::{Check, Place, round};
use crate::primitive::{Act, Facet, Host, Primitive};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

pub struct IsHealthy;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    checks: Option<Vec<Check>>,
    project: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    healthy: bool,
    checks: Vec<Seen>,
}

#[derive(Serialize, Deserialize)]
pub struct Seen {
    name: String,
    ok: bool,
    said: String,
}

impl Primitive for IsHealthy {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "is_healthy";
    const SOURCE: &'static str = include_str!("is_healthy.rs");
    const ACT: Act<Self> =
        Act::Look { reads: &[Facet::Services, Facet::Checkout, Facet::Settings], perform, predict };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let server = host.server()?;
    let checks = server.checks(arguments.checks.as_deref())?;
    let place = Arc::new(Place {
        folder: server.checkout.clone(),
        environment: server.environment.clone(),
        project: server.project(arguments.project.as_deref()),
        ..Place::default()
    });
    let answers = round(&checks, &place, &|| host.stop.is_asked())?;
    let seen = checks.iter().zip(answers).map(|(check, answer)| Seen {
        name: check.name(),
        ok: answer.ok,
        said: answer.said.clone(),
    });
    let checks: Vec<Seen> = seen.collect();
    Ok(Outcome { healthy: checks.iter().all(|check| check.ok), checks })
}

fn predict(arguments: &Arguments, _: &Host) -> Result<Value> {
    let name = &arguments.server.name;
    Ok(json!({
        "healthy": data::one_of([true.into(), false.into()], format!("whether {name} is healthy")),
        "checks": data::unknown(format!("checks of {name}")),
    }))
}
