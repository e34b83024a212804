//! One HTTP request and what came back.
//!
//! Any status is an answer; only no answer is a failure. Whether an answer is a good one is left to who asked.

mod fingerprint;

use super::roots::{VARIABLE, roots};
use crate::failure::{Failure, Kind, Result};
use crate::units::Duration;
use fingerprint::Pinned;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use ureq::config::Config;
use ureq::http::{Method, Uri};
use ureq::tls::TlsConfig;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{
    ConnectProxyConnector, Connector, DefaultConnector, NextTimeout, TcpConnector,
};
use ureq::{Agent, Error, SendBody};

pub use fingerprint::Fingerprint;

/// What of a body is kept, in bytes.
const LARGEST_BODY: u64 = 1 << 20;
/// Where an answer points elsewhere again and again, it ends here.
const REDIRECTS: u32 = 10;

/// What to ask.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: String,
    pub url: String,
    /// By name. `host` replaces the one of the URL; it does not change where the request goes, nor the name that a
    /// certificate is checked against.
    pub headers: BTreeMap<String, String>,
    pub body: Option<String>,
    /// The address to connect to instead of looking up the URL's host: `127.0.0.1`, or `127.0.0.1:8443`. The name for
    /// certificates stays that of the URL.
    pub resolve: Option<String>,
    /// The limit for all of it, from the look-up of the name to the end of the body.
    pub within: Duration,
    /// Whether to follow redirects; else they are the answer.
    pub follow: bool,
    /// Whether only the status counts: what is wrong with the body is no failure then.
    pub status_only: bool,
    /// A file with certificates of authorities that are believed besides those of the system.
    pub authorities: Option<PathBuf>,
    /// The only certificate that is believed, whoever signed it. Then no redirect is followed.
    pub fingerprint: Option<Fingerprint>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    pub status: u16,
    /// By name in lower case; repeated ones are joined by commas.
    pub headers: BTreeMap<String, String>,
    /// At most 1 MiB of it; what is not UTF-8 is replaced.
    pub body: String,
}

impl Response {
    /// The body, if it is JSON.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_str(&self.body).ok()
    }
}

impl Request {
    pub fn get(url: impl Into<String>) -> Request {
        Request {
            method: "GET".into(),
            url: url.into(),
            headers: BTreeMap::new(),
            body: None,
            resolve: None,
            within: Duration::seconds(30),
            follow: false,
            authorities: None,
            fingerprint: None,
            status_only: false,
        }
    }

    /// Sends it and waits for the answer.
    ///
    /// Fails with [`Kind::Invalid`] if it is not a request, [`Kind::Unreachable`] if nothing answers (or answers
    /// nonsense, or has no valid certificate), and [`Kind::TimedOut`].
    pub fn send(&self) -> Result<Response> {
        let uri: Uri = self.url.parse().map_err(|error| self.invalid(error))?;
        let Some(host) = uri.host().filter(|_| matches!(uri.scheme_str(), Some("http" | "https"))) else {
            return Err(self.invalid("a URL begins with `http://` or `https://` and a host"));
        };
        let method: Method = self.method.to_uppercase().parse().map_err(|error| self.invalid(error))?;
        let needs_body = [Method::POST, Method::PUT, Method::PATCH].contains(&method);
        let mut request = ureq::http::Request::builder().method(method).uri(&uri);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let text = self.body.as_deref().or(needs_body.then_some(""));
        let body = text.map_or_else(SendBody::none, |text| {
            // Cannot fail: a text in memory.
            SendBody::from_owned_reader(io::Cursor::new(text.to_owned()))
        });
        if let Some(text) = text {
            request = request.header("content-length", text.len());
        }
        let request = request.body(body).map_err(|error| self.invalid(error))?;

        if self.fingerprint.is_some() && uri.scheme_str() != Some("https") {
            return Err(self.invalid("`fingerprint` is for a URL that begins with `https://`"));
        }
        let pinned = self.fingerprint.map(Pinned::new);
        let answer = self.agent(&uri, host, pinned.as_ref())?.run(request);
        let mut answer = answer.map_err(|error| match pinned.as_ref().and_then(Pinned::seen_instead) {
            Some(seen) => self.another(seen),
            None => self.explain(error),
        })?;
        let mut bytes = Vec::new();
        let read = answer.body_mut().as_reader().take(LARGEST_BODY).read_to_end(&mut bytes);
        match read {
            Err(error) if !self.status_only => return Err(self.explain(Error::from(error))),
            _ => {}
        }
        let mut headers = BTreeMap::<String, String>::new();
        for (name, value) in answer.headers() {
            let value = String::from_utf8_lossy(value.as_bytes());
            let entry = headers.entry(name.as_str().into()).or_default();
            *entry = if entry.is_empty() { value.into_owned() } else { format!("{entry}, {value}") };
        }
        let body = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Response { status: answer.status().as_u16(), headers, body })
    }

    fn agent(&self, uri: &Uri, host: &str, pinned: Option<&Pinned>) -> Result<Agent> {
        let mut config = Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .user_agent("banister")
            .max_redirects(if self.follow && pinned.is_none() { REDIRECTS } else { 0 })
            .timeout_global(Some(self.within.0));
        // Where it is redirected to may want them, too.
        if pinned.is_none() && (uri.scheme_str() == Some("https") || self.follow) {
            let roots = roots(self.authorities.as_deref())?;
            config = config.tls_config(TlsConfig::builder().root_certs(roots).build());
        }
        // A proxy of the environment can't reach this machine's own ports, nor an address that was chosen for us.
        if self.resolve.is_some() || is_loopback(host) {
            config = config.proxy(None);
        }
        let address = match &self.resolve {
            Some(written) => Some(address(written, uri).ok_or_else(|| {
                self.invalid(format!(
                    "`{written}` is not an address; write it as `127.0.0.1` or `127.0.0.1:443`"
                ))
            })?),
            None => None,
        };
        let resolver = Given { host: host.to_owned(), address };
        if let Some(pinned) = pinned {
            let connector = ().chain(ConnectProxyConnector::default()).chain(TcpConnector::default());
            return Ok(Agent::with_parts(config.build(), connector.chain(pinned.clone()), resolver));
        }
        Ok(Agent::with_parts(config.build(), DefaultConnector::default(), resolver))
    }

    fn invalid(&self, why: impl ToString) -> Failure {
        Failure::new(Kind::Invalid, format!("`{} {}` is not a request", self.method, self.url)).why(why)
    }

    /// A certificate that is not the one that was named.
    fn another(&self, seen: Fingerprint) -> Failure {
        Failure::new(Kind::Unreachable, format!("`{} {}` was not answered", self.method, self.url)).why(format!(
            "its certificate is not that of `fingerprint`; if it is the right one, write `fingerprint = \"{seen}\"`"
        ))
    }

    fn explain(&self, error: Error) -> Failure {
        let (kind, why) = match error {
            Error::Timeout(_) => (Kind::TimedOut, format!("timed out after {}", self.within)),
            Error::Io(error) => match error.kind() {
                io::ErrorKind::TimedOut => (Kind::TimedOut, "timed out".into()),
                io::ErrorKind::ConnectionRefused => (Kind::Unreachable, "connection refused".into()),
                io::ErrorKind::ConnectionReset => (Kind::Unreachable, "connection reset".into()),
                io::ErrorKind::UnexpectedEof => {
                    (Kind::Unreachable, "connection closed without an answer".into())
                }
                io::ErrorKind::InvalidData if error.to_string().contains("certificate") => {
                    (Kind::Unreachable, not_valid(error))
                }
                _ if error.to_string().contains("lookup address") => {
                    (Kind::Unreachable, "there is no such host".into())
                }
                _ => (Kind::Unreachable, error.to_string()),
            },
            Error::HostNotFound => (Kind::Unreachable, "there is no such host".into()),
            Error::BadUri(_) | Error::Http(_) => return self.invalid(error),
            Error::Rustls(error) => (Kind::Unreachable, not_valid(error)),
            error => (Kind::Unreachable, error.to_string()),
        };
        Failure::new(kind, format!("`{} {}` was not answered", self.method, self.url)).why(why)
    }
}

/// Of a certificate: an authority of one's own is believed only where it is known.
fn not_valid(error: impl std::fmt::Display) -> String {
    format!(
        "no valid certificate: {error} (of an authority of your own, name its certificate in `{VARIABLE}` or in `ca` of a \
         check; of a server that signs its own, name that one in `fingerprint` of a check)"
    )
}

/// Knows one host's address beforehand, if that was given, and looks up others: redirects lead to them.
#[derive(Debug)]
struct Given {
    host: String,
    address: Option<SocketAddr>,
}

impl Resolver for Given {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> std::result::Result<ResolvedSocketAddrs, Error> {
        match self.address {
            Some(address) if uri.host() == Some(&self.host) => {
                let mut addresses = self.empty();
                addresses.push(address);
                Ok(addresses)
            }
            _ => DefaultResolver::default().resolve(uri, config, timeout),
        }
    }
}

/// An address with a port, or with that of the URL.
fn address(written: &str, uri: &Uri) -> Option<SocketAddr> {
    let usual = if uri.scheme_str() == Some("https") { 443 } else { 80 };
    let port = uri.port_u16().unwrap_or(usual);
    let bare = written.trim_start_matches('[').trim_end_matches(']');
    written.parse().ok().or_else(|| bare.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, port)))
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost"
        || bare.ends_with(".localhost")
        || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}
