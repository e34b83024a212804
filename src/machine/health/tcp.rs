//! A port that accepts connections.

use super::{Answer, LOOK};
use crate::failure::{Failure, Kind, Result};
use serde::{Deserialize, Serialize};
use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::time::Instant;

/// `#{ tcp: "host:port" }`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tcp {
    pub tcp: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

impl Tcp {
    pub(super) fn look(&self) -> Result<Answer> {
        let has_port = self.tcp.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
        if !has_port {
            let message = format!("`{}` is not a port; write it as `localhost:5432`", self.tcp);
            return Err(Failure::new(Kind::Invalid, message));
        }
        let until = Instant::now() + LOOK.0;
        let timed_out = || Answer::bad(format!("timed out after {LOOK}"));
        let Some(addresses) = addresses(&self.tcp) else { return Ok(timed_out()) };
        let mut answer = Answer::bad("there is no such host");
        for address in addresses.unwrap_or_default() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Ok(timed_out());
            }
            answer = match TcpStream::connect_timeout(&address, left) {
                Ok(_) => return Ok(Answer::good("accepted the connection")),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => timed_out(),
                Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                    Answer::bad("connection refused")
                }
                Err(error) => Answer::bad(error.to_string()),
            };
        }
        Ok(answer)
    }
}

/// The addresses of a host; none in time if the system does not answer: its look-up knows no limit.
fn addresses(written: &str) -> Option<io::Result<Vec<SocketAddr>>> {
    let (send, receive) = mpsc::sync_channel(1);
    let written = written.to_owned();
    std::thread::spawn(move || {
        // Nobody hears an answer that comes too late.
        let _ = send.send(written.to_socket_addrs().map(Iterator::collect));
    });
    receive.recv_timeout(LOOK.0).ok()
}
