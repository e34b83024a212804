//! `wait_healthy(server, #{ checks: array, within: duration = 10.minutes, stable: duration = 2.seconds, project: text, inside: bool = false, state: text = "healthy" })`
//!
//! Waits until all health checks of a server succeed, and keep succeeding.
//!
//! All checks are made together, several times a second, each for at most 5 seconds. A changed answer is shown at once.
//!
//! # Options
//! - `checks`: an array; default `health` of the server in site.toml. A check is a URL, which must answer 200, or a
//!   map with one of these keys, and a `name` for messages, if the URL or the command is not to be shown:
//!   - `http`: a URL, with `status` (the number it must answer with, default 200), `json` (a map: fields of the
//!     answer by their path, as `"nodes.0.state"`, and what they must be), `contains` (a text in the answer),
//!     `method`, `host` (the `Host` header), `resolve` (the address to connect to), `ca` (a file with certificates of authorities that are believed besides the system's), `fingerprint`
//!     (`"sha256:…"`: the only certificate that is believed, whoever signed it, in the place of `ca`), `bearer` (a secret), `exchange` (a
//!     URL that is asked with POST and the bearer, and whose `id_token` is sent in its place).
//!   - `tcp`: `"host:port"`, which must accept connections.
//!   - `service`: a service of Docker Compose, which must run and, if its image has a health check, be healthy; with
//!     `image` (what its container must have been made from, by name or id) and `project`.
//!   - `containers`: a service of which several containers may run, with `count` (how many must, default 1), `may_end`
//!     (`true` if it is well when it ended with status 0, default `false`) and `project`.
//!   - `sql`: a query, with `expect` (the answer as `psql -At` prints it) and `command` (an array, how to run psql;
//!     `-Atc` and the query are added).
//!   - `command`: an array, the program and its arguments. It must end with status 0, and must change nothing, as it
//!     is run many times; with `each_line` (a text that each line it prints must be; none need be printed).
//! - `within`: the time limit until it must be healthy. Default: `healthy.within` of the server, else 10 minutes.
//! - `stable`: how long it must then stay healthy. A restart of a service restarts that time.
//!   Default: `healthy.stable` of the server, else 2 seconds.
//! - `project`: the Compose project of services whose check names none.
//! - `inside`: whether the host in URLs and addresses is a service of that project, which is then asked directly,
//!   without the proxy: `"http://core:8080/health"`. Default: no.
//! - `state`: the word for messages when all checks succeed: `"idle"`, if they check that nobody uses it. Default:
//!   healthy.
//!
//! # Returns
//! A map: `healthy` (always true), `seconds` (number, how long it took), and `checks`, an array of maps with `name`
//! and `said`.
//!
//! # Errors
//! `timed_out` if it does not become healthy, with the last answers of each check that failed and the end of the log
//! of each service; `invalid` if there are no checks, or one is malformed. Nothing is changed.
//!
//! # After a crash
//! It waits again, unless the result was recorded.
//!
//! # Example
//! ```rhai
//! let server = this_server();
//! let health = server.wait_healthy(#{
//!     checks: [
//!         `${server.endpoint}/ui/`,
//!         #{ http: `${server.endpoint}/core/v1/discover`, json: #{ alive: "true" }, name: "core" },
//!     ],
//!     within: 5.minutes,
//!     stable: 1.seconds,
//! });
//! health.checks.len()
//! // => 2
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::health::{Check, Checked, Place, wait};
use crate::primitive::{Act, Facet, Host, Primitive, Told};
use crate::units::Duration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Arc;

pub struct WaitHealthy;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    server: ServerName,
    checks: Option<Vec<Check>>,
    within: Option<Duration>,
    stable: Option<Duration>,
    project: Option<String>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    inside: bool,
    #[serde(default = "healthy", skip_serializing_if = "is_healthy")]
    state: String,
}

fn healthy() -> String {
    "healthy".into()
}

fn is_healthy(state: &str) -> bool {
    state == "healthy"
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    healthy: bool,
    seconds: f64,
    checks: Vec<Checked>,
}

const WITHIN: Duration = Duration::seconds(600);
const STABLE: Duration = Duration::seconds(2);

impl Primitive for WaitHealthy {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "wait_healthy";
    const SOURCE: &'static str = include_str!("wait_healthy.rs");
    const ACT: Act<Self> =
        Act::Look { reads: &[Facet::Services, Facet::Checkout, Facet::Settings], perform, predict };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let server = host.server()?;
    let checks = server.checks(arguments.checks.as_deref())?;
    let within = arguments.within.or(server.healthy.within).unwrap_or(WITHIN);
    let stable = arguments.stable.or(server.healthy.stable).unwrap_or(STABLE);
    let place = Arc::new(Place {
        folder: server.checkout.clone(),
        environment: server.environment.clone(),
        project: server.project(arguments.project.as_deref()),
        inside: arguments.inside,
    });
    let stop = || host.stop.is_asked();
    let mut tell = |line: &str| (host.tell)(Told::Progress(line.into()));
    let report = wait(
        &format!("`{}` did not become {}", server.name, arguments.state),
        &checks,
        within,
        stable,
        &place,
        &stop,
        &mut tell,
    )?;
    Ok(Outcome { healthy: true, seconds: report.seconds, checks: report.checks })
}

fn predict(arguments: &Arguments, _: &Host) -> Result<Value> {
    let name = &arguments.server.name;
    Ok(json!({
        "healthy": true,
        "seconds": data::unknown(format!("how long {name} takes to become healthy")),
        "checks": data::unknown(format!("checks of {name}")),
    }))
}
