//! Questions over HTTP to servers that nobody here answers for: registries and forges.
//!
//! Everything is bounded: each wait, each body, the redirects, and all questions of one client together. What a question
//! carries of credentials goes to the server that they were meant for and to no other. Requests to an admin's own
//! services, of which any answer is one, are made by `http`.

mod fault;
mod link;
mod send;
mod stream;
mod unknown;

pub mod json;
pub mod url;

use super::roots::roots;
use crate::failure;
use fault::Fault;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};
use ureq::Agent;
use ureq::http::HeaderMap;
use ureq::tls::TlsConfig;
use url::Url;

pub use stream::Stream;
pub use unknown::{Asked, Unknown, excerpt, is_written};

/// An answer that points elsewhere is followed this often.
const REDIRECTS: usize = 3;
/// How long a server that limits its questions may let us wait; who asks for more is not asked again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// No server limits for longer; what it says then is no time.
const LONGEST_LIMIT: Duration = Duration::from_secs(7 * 24 * 60 * 60);
/// Before a question is asked again that failed without a time being named.
const PAUSE: Duration = Duration::from_millis(500);
/// How often `stop` is looked at in a pause.
const TICK: Duration = Duration::from_millis(50);

/// How long a client waits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a connection, with the look-up of the name and the handshake.
    pub connect: Duration,
    /// For a whole answer, from the connection to the end of the body.
    pub answer: Duration,
    /// For all questions of the client together, from its making on.
    pub all: Duration,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            connect: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            all: Duration::from_secs(120),
        }
    }
}

/// What asks. It keeps connections open between its questions.
pub struct Client<'a> {
    /// For this machine's own ports, which no proxy reaches.
    direct: Agent,
    /// For all others, by the proxy of the environment if there is one.
    outside: Agent,
    /// Hosts, with their ports if those are not the usual ones, that may be asked without encryption.
    insecure: BTreeSet<String>,
    limits: Limits,
    until: Instant,
    /// Whether a redirect to another server is no answer.
    stays: bool,
    stop: &'a dyn Fn() -> bool,
}

/// Whether there is a body, and of what kind.
#[derive(Clone, Debug)]
pub enum Method {
    Get,
    Head,
    /// With a form. It is asked once and follows no redirect.
    Post(Form),
}

/// A form, as it is sent. It may hold a secret.
#[derive(Clone)]
pub struct Form(pub String);

/// A header that proves who asks. It is sent to the server of the URL alone.
#[derive(Clone)]
pub struct Credential {
    pub header: &'static str,
    pub value: String,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Form")
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "Credential({})", self.header)
    }
}

/// One question.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    pub method: Method,
    pub url: &'a Url,
    /// The types that the answer may have, as in the header `Accept`.
    pub accept: &'a str,
    pub credential: Option<&'a Credential>,
    /// The longest body, in bytes. A longer one is no answer.
    pub largest: u64,
}

/// What came back, whatever its status.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
    /// Who answered: another one than was asked after a redirect.
    pub url: Url,
}

impl Answer {
    /// A header's value; `None` if it is not there, or is no text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The type without its parameters, in lower case; empty if there is none.
    pub fn content_type(&self) -> String {
        let value = self.header("content-type").unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// When the server may be asked again, as far as it says so.
    pub fn again(&self) -> Option<Duration> {
        let number = |name| self.header(name)?.trim().parse::<u64>().ok();
        let after = number("retry-after").or_else(|| {
            let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
            // An instant, in seconds since 1970.
            number("x-ratelimit-reset")?.checked_sub(now.as_secs())
        });
        after.map(Duration::from_secs).filter(|after| *after <= LONGEST_LIMIT)
    }

    /// That it answers no more questions for now.
    pub fn limited(&self) -> Unknown {
        let why = format!("`{}` limits how often it is asked ({})", self.url.authority(), self.status);
        Unknown::new(why).again(self.again())
    }

    /// The next page of a list. Nothing if this is the last one, an error if it is at another server.
    pub fn next_page(&self) -> Asked<Option<Url>> {
        let links = self.headers.get_all("link").iter().filter_map(|value| value.to_str().ok());
        let Some(reference) = link::next(links) else { return Ok(None) };
        match self.url.join(reference) {
            Some(url) if url.is_same_server(&self.url) => Ok(Some(url)),
            _ => Err(Unknown::new(format!("`{}` keeps its next page elsewhere", self.url.authority()))),
        }
    }
}

impl<'a> Client<'a> {
    /// `authorities` is a file with certificates of authorities that are believed besides those of the system. `insecure`
    /// are the hosts that may be asked without encryption, as `registry.lan:5000`; this machine itself always may.
    /// `stop` ends a pause.
    ///
    /// Fails with [`Kind::Invalid`](crate::failure::Kind::Invalid) if that file can't be read, or holds no certificate.
    pub fn new(
        authorities: Option<&Path>,
        insecure: impl IntoIterator<Item = String>,
        limits: Limits,
        stop: &'a dyn Fn() -> bool,
    ) -> failure::Result<Client<'a>> {
        let roots = roots(authorities)?;
        let config = || {
            Agent::config_builder()
                .http_status_as_error(false)
                .user_agent("banister")
                // What unpacks to more than it weighs can't be bounded by its weight.
                .accept_encoding("identity")
                .max_redirects(0)
                .max_idle_connections(8)
                .timeout_connect(Some(limits.connect))
                .tls_config(TlsConfig::builder().root_certs(roots.clone()).build())
        };
        Ok(Client {
            direct: config().proxy(None).build().new_agent(),
            outside: config().build().new_agent(),
            insecure: insecure.into_iter().map(|host| host.to_ascii_lowercase()).collect(),
            limits,
            until: Instant::now() + limits.all,
            stays: false,
            stop,
        })
    }

    /// The same client, which follows no redirect to another server than the one that it asked.
    pub fn staying(self) -> Client<'a> {
        Client { stays: true, ..self }
    }

    /// The server at a host with its port, as its name is in a reference of an image: over TLS, unless it is this machine
    /// or was declared insecure.
    pub fn server(&self, authority: &str) -> Option<Url> {
        let secure = Url::of_host(true, authority)?;
        let plain = secure.is_loopback() || self.insecure.contains(&authority.to_ascii_lowercase());
        if plain { Url::of_host(false, authority) } else { Some(secure) }
    }

    /// Whether `to` may be asked because `from` says so. Nobody else sends us to this machine's own ports, and nothing goes
    /// over the network in clear, but to whom the admin has declared insecure.
    pub fn may_follow(&self, from: &Url, to: &Url) -> bool {
        match to.is_loopback() {
            true => from.is_loopback(),
            false => to.is_https() || self.insecure.contains(&to.authority()),
        }
    }

    /// Asks, follows redirects, and asks once more if the server could not answer at the moment.
    pub fn ask(&self, question: &Question) -> Asked<Answer> {
        self.check_beginning(question.url)?;
        let (mut url, mut credential) = (question.url.clone(), question.credential);
        for _ in 0..=REDIRECTS {
            let question = Question { url: &url, credential, ..question.clone() };
            let answer = self.persist(&question)?;
            let (Method::Get | Method::Head) = &question.method else { return Ok(answer) };
            let Some(next) = self.redirected(&url, answer.status, answer.header("location"))? else {
                return Ok(answer);
            };
            // A redirect back does not get it again: another server could have changed the path.
            credential = credential.filter(|_| next.is_same_server(&url));
            url = next;
        }
        Err(again_and_again(question.url))
    }

    fn check_beginning(&self, url: &Url) -> Asked<()> {
        match self.may_follow(url, url) {
            true => Ok(()),
            false => Err(Unknown::new(format!("`{}` would be asked without encryption", url.authority()))),
        }
    }

    /// Where an answer leads, if it is a redirect; an error if that is where nobody is to be led.
    fn redirected(&self, url: &Url, status: u16, location: Option<&str>) -> Asked<Option<Url>> {
        let is_redirect = matches!(status, 301 | 302 | 303 | 307 | 308);
        let Some(location) = location.filter(|_| is_redirect) else { return Ok(None) };
        let next = url.join(location);
        let may_follow = |next: &Url| self.may_follow(url, next) && (!self.stays || next.is_same_server(url));
        let elsewhere = || Unknown::new(format!("`{}` redirects to where we don't go", url.authority()));
        next.filter(may_follow).map(Some).ok_or_else(elsewhere)
    }

    fn persist(&self, question: &Question) -> Asked<Answer> {
        let mut asked = self.once(question);
        if let Some(pause) = pause_after(&asked)
            && !matches!(question.method, Method::Post(_))
            && self.pause(pause)
        {
            asked = self.once(question);
        }
        let answer = asked.map_err(|fault| fault.unknown)?;
        if answer.status == 429 { Err(answer.limited()) } else { Ok(answer) }
    }

    fn once(&self, question: &Question) -> Result<Answer, Fault> {
        let left = self.until.saturating_duration_since(Instant::now());
        let authority = question.url.authority();
        if (self.stop)() {
            return Err(Fault::lasting(format!("`{authority}` was not asked: interrupted")));
        }
        if left.is_zero() {
            return Err(Fault::lasting(format!("`{authority}` was not asked: there was no time left")));
        }
        let agent = if question.url.is_loopback() { &self.direct } else { &self.outside };
        send::send(agent, question, left.min(self.limits.answer))
    }

    /// Whether it may be asked again now.
    fn pause(&self, pause: Duration) -> bool {
        let end = Instant::now() + pause;
        if end >= self.until {
            return false;
        }
        while !(self.stop)() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            std::thread::sleep(left.min(TICK));
        }
        false
    }
}

fn again_and_again(url: &Url) -> Unknown {
    Unknown::new(format!("`{}` redirects again and again", url.authority()))
}

/// How long to wait before asking once more; nothing if that is of no use.
fn pause_after(asked: &Result<Answer, Fault>) -> Option<Duration> {
    let pause = match asked {
        Ok(answer) if answer.status == 429 => answer.again()?,
        Ok(answer) if matches!(answer.status, 500 | 502 | 503 | 504) => answer.again().unwrap_or(PAUSE),
        Err(fault) if fault.is_passing => PAUSE,
        _ => return None,
    };
    (pause <= LONGEST_PAUSE).then_some(pause)
}
