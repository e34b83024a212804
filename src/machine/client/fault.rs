//! Why a server did not answer.

use super::Unknown;
use std::fmt::Display;
use std::io;
use ureq::Error;

/// Where a certificate is not believed: an authority of one's own is believed only where it is known.
const AUTHORITIES: &str = "Of an authority of your own, name the certificate in `SSL_CERT_FILE`.";

/// No answer.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub unknown: Unknown,
    /// Whether it may be over in a moment.
    pub is_passing: bool,
}

impl Fault {
    pub fn lasting(why: impl Into<String>) -> Fault {
        Fault { unknown: Unknown::new(why), is_passing: false }
    }

    pub fn too_large(authority: &str, largest: u64) -> Fault {
        Fault::lasting(format!("`{authority}` answered more than {} KiB", largest >> 10))
    }

    pub fn of(error: Error, authority: &str) -> Fault {
        let (is_passing, why) = match error {
            Error::Timeout(_) => (false, "timed out".into()),
            Error::Io(error) => of_io(error),
            Error::Rustls(error) => return not_valid(error, authority),
            Error::HostNotFound => (false, "there is no such host".into()),
            Error::Protocol(error) => (false, format!("it answered no HTTP: {error}")),
            error => (false, error.to_string()),
        };
        if why.contains("certificate") {
            return not_valid(why, authority);
        }
        Fault { unknown: Unknown::new(format!("`{authority}` was not reached: {why}")), is_passing }
    }
}

fn of_io(error: io::Error) -> (bool, String) {
    match error.kind() {
        io::ErrorKind::TimedOut => (false, "timed out".into()),
        io::ErrorKind::ConnectionRefused => (true, "connection refused".into()),
        // Also what a connection says that was kept open for too long.
        io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => (true, "connection reset".into()),
        io::ErrorKind::UnexpectedEof => (true, "connection closed without an answer".into()),
        _ if error.to_string().contains("lookup address") => (false, "there is no such host".into()),
        _ => (false, error.to_string()),
    }
}

fn not_valid(error: impl Display, authority: &str) -> Fault {
    let unknown = Unknown::new(format!("`{authority}` has no valid certificate: {error}")).help(AUTHORITIES);
    Fault { unknown, is_passing: false }
}
