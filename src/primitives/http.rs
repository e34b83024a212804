//! `http(url: text, #{ method: text = "GET", headers: map = #{}, body: text, bearer: secret, host: text, resolve: text, server: server, within: duration = 30.seconds })`
//!
//! Sends a request to a URL and returns the answer, whatever its status is.
//!
//! Only for requests that read. For a request that changes something use `run` with curl, so that it is never sent
//! twice.
//!
//! # Options
//! - `method`: `GET` or `HEAD`.
//! - `headers`: header lines by name.
//! - `body`: sent with the request, as some search servers want it.
//! - `bearer`: a secret, sent as `Authorization: Bearer …`.
//! - `host`: the `Host` header, if it differs from the URL's host.
//! - `resolve`: the address to connect to, as `127.0.0.1` or `127.0.0.1:8443`; certificates are still checked for
//!   the URL's host.
//! - `server`: send it from this server's machine. Default: from the machine where banister runs.
//! - `within`: the time limit.
//!
//! Certificates are checked with the authorities of the system, and those in the file that `SSL_CERT_FILE` names, in the
//! server's `environment` or in ours.
//!
//! Redirects are not followed. The proxy of the environment is used, but not for this machine's own ports.
//!
//! # Returns
//! A map: `status` (number); `body` (text, its first MiB); `json` (the body's value if it is JSON, else `()`);
//! `headers` (a map of texts, names in lower case).
//!
//! # Errors
//! `unreachable` if nothing answers or the certificate is not valid; `timed_out`. Nothing is changed.
//!
//! # After a crash
//! The question is asked again, unless the answer was recorded.
//!
//! # Example
//! ```rhai
//! let answer = http(`${this_server().endpoint}/core/v1/discover`, #{ within: 5.seconds });
//! answer.json.version
//! // => "0.2.10"
//! ```

use crate::data::{self, ServerName};
use crate::failure::Result;
use crate::machine::http::Request;
use crate::machine::roots;
use crate::primitive::{Act, Facet, Host, Primitive};
use crate::secret::{Secret, fill};
use crate::units::Duration;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;

pub struct Http;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arguments {
    url: String,
    #[serde(default = "get", deserialize_with = "only_looks")]
    method: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    body: Option<String>,
    bearer: Option<Secret>,
    host: Option<String>,
    resolve: Option<String>,
    /// Where it is performed.
    server: Option<ServerName>,
    #[serde(default = "within")]
    within: Duration,
}

#[derive(Serialize, Deserialize)]
pub struct Outcome {
    status: u16,
    body: String,
    json: Value,
    headers: BTreeMap<String, String>,
}

fn get() -> String {
    "GET".into()
}

fn within() -> Duration {
    Duration::seconds(30)
}

fn only_looks<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<String, D::Error> {
    let method = String::deserialize(deserializer)?.to_uppercase();
    match method.as_str() {
        "GET" | "HEAD" => Ok(method),
        _ => Err(D::Error::custom(format!(
            "it only reads, with GET or HEAD; for `{method}` use `run` with curl, as it may change something"
        ))),
    }
}

impl Primitive for Http {
    type Arguments = Arguments;
    type Outcome = Outcome;
    const NAME: &'static str = "http";
    const SOURCE: &'static str = include_str!("http.rs");
    const SECRETS: &'static [&'static str] = &["headers"];
    const ACT: Act<Self> = Act::Look { reads: &[Facet::Services], perform, predict };
}

fn perform(arguments: &Arguments, host: &Host) -> Result<Outcome> {
    let mut request = Request::get(&arguments.url);
    let environment = host.server.map(|server| server.environment.clone()).unwrap_or_default();
    request.authorities = roots::named(&environment);
    request.method.clone_from(&arguments.method);
    for (name, value) in &arguments.headers {
        request.headers.insert(name.clone(), fill(value)?);
    }
    request.body.clone_from(&arguments.body);
    request.resolve.clone_from(&arguments.resolve);
    request.within = arguments.within;
    if let Some(host) = &arguments.host {
        request.headers.insert("host".into(), host.clone());
    }
    if let Some(bearer) = &arguments.bearer {
        request.headers.insert("authorization".into(), format!("Bearer {}", bearer.reveal()?));
    }
    let response = request.send()?;
    let json = response.json().filter(|json| !data::is_tagged(json)).unwrap_or_default();
    Ok(Outcome { status: response.status, json, body: response.body, headers: response.headers })
}

fn predict(arguments: &Arguments, _: &Host) -> Result<Value> {
    let unknown = |field| data::unknown(format!("{field} of {}", arguments.url));
    Ok(
        json!({ "status": unknown("status"), "body": unknown("body"), "json": unknown("json"), "headers": unknown("headers") }),
    )
}
