//! What a container that was given the engine's socket sees there of the others, as Traefik does.

use crate::failure::{Context, Failure, Kind, Result};
use crate::practice::world::ports;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Where the socket is, in a container that was given it.
pub const SOCKET: &str = "/var/run/docker.sock";
/// The network in which the proxy reaches the others.
const NETWORK: &str = "web";

/// A container that runs and, if its image says how to see that, is healthy.
pub struct Seen {
    pub labels: BTreeMap<String, String>,
    /// None if it is not in the network of the proxy.
    pub to: Option<SocketAddr>,
}

/// All of them. Docker Engine API, `GET /containers/json`.
pub fn containers() -> Result<Vec<Seen>> {
    let failed = || "the Docker engine does not answer".to_string();
    let mut stream = UnixStream::connect(Path::new(SOCKET)).or_fail(Kind::Unreachable, failed)?;
    // Of HTTP/1.0, so that it answers in one piece.
    stream.write_all(b"GET /containers/json HTTP/1.0\r\n\r\n").or_fail(Kind::Unreachable, failed)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).or_fail(Kind::Unreachable, failed)?;
    let body = answer.windows(4).position(|end| end == b"\r\n\r\n").map(|at| &answer[at + 4..]);
    let listed: Vec<Value> = serde_json::from_slice(body.unwrap_or_default())
        .map_err(|error| Failure::new(Kind::Unreachable, failed()).why(error))?;
    let is_ready = |container: &&Value| {
        let status = container["Status"].as_str().unwrap_or_default();
        !status.contains("(health: starting)") && !status.contains("(unhealthy)")
    };
    Ok(listed.iter().filter(is_ready).map(seen).collect())
}

fn seen(container: &Value) -> Seen {
    let labels: BTreeMap<String, String> =
        serde_json::from_value(container["Labels"].clone()).unwrap_or_default();
    let service = labels.get("com.docker.compose.service").cloned().unwrap_or_default();
    let said = |(key, value): (&String, &String)| {
        let is_port = key.starts_with("traefik.http.services.") && key.ends_with(".server.port");
        is_port.then(|| value.parse::<u16>().ok()).flatten()
    };
    let port = labels.iter().find_map(said).or_else(|| ports::inner(&service));
    let address = container["NetworkSettings"]["Networks"][NETWORK]["IPAddress"].as_str();
    let address = address.and_then(|address| address.parse::<IpAddr>().ok());
    Seen { to: address.zip(port).map(SocketAddr::from), labels }
}
