//! Hands a message to a mail server by SMTP, over TLS.
//!
//! Everything is bounded: the time of all of it, the length of an answer's line, and how many lines an answer has. A library
//! for mail reads a line of any length, and knows much that a notice does not need.

// From bottom to top.
mod wire;

mod dialogue;

#[cfg(test)]
mod hostile;

use crate::failure::{Failure, Kind, Result};
use dialogue::Dialogue;
use std::fmt::{self, Display};
use std::str::FromStr;
use std::time::{Duration, Instant};

/// A mail server, as `smtps://mail.example.org` or `smtp://mail.example.org:587`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MailServer {
    pub host: String,
    pub port: u16,
    /// Whether TLS is spoken from the first byte; else it is begun with STARTTLS.
    pub is_tls_first: bool,
}

/// Who sends.
#[derive(Clone)]
pub struct Login {
    pub user: String,
    pub password: String,
}

/// A message, and between whom. The addresses hold no spaces, control characters or angle brackets.
pub struct Letter<'a> {
    pub from: &'a str,
    pub to: &'a [String],
    /// Headers and text, with lines that end with `\n`.
    pub message: &'a str,
}

impl MailServer {
    /// Hands it over. Gives the addresses that the server refuses, each with what it says, if it takes at least one.
    ///
    /// Fails with [`Kind::Unreachable`] if nobody answers, or without a valid certificate, with [`Kind::TimedOut`], and with
    /// [`Kind::Refused`] if it is not taken.
    pub fn hand_over(&self, letter: &Letter, login: Option<&Login>, within: Duration) -> Result<Vec<String>> {
        let mut dialogue = Dialogue::begin(self, Instant::now() + within)?;
        if let Some(login) = login {
            dialogue.log_in(login)?;
        }
        let refused = dialogue.hand_over(letter)?;
        dialogue.end();
        Ok(refused)
    }

    /// Whether it is this machine, to which nobody listens.
    fn is_loopback(&self) -> bool {
        let address = self.host.parse::<std::net::IpAddr>();
        self.host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    }

    fn failed(&self, kind: Kind, why: impl Display) -> Failure {
        Failure::new(kind, format!("`{self}` did not take the mail")).why(why.to_string())
    }
}

impl Display for MailServer {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_tls_first { "smtps" } else { "smtp" };
        match self.host.contains(':') {
            true => write!(out, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(out, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

impl FromStr for MailServer {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<MailServer, String> {
        let wrong = || {
            format!(
                "`{text}` is no mail server: write it as `smtps://mail.example.org`, or `smtp://mail.example.org:587` for \
                 STARTTLS"
            )
        };
        let (is_tls_first, rest) = match (text.strip_prefix("smtps://"), text.strip_prefix("smtp://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(wrong()),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains('@') {
            return Err(
                "`smtp` has no user in it: write `user`, and `password_file` or `password_command`".into()
            );
        }
        let (host, port) = match rest.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            Some((host, port)) => (host, port.strip_prefix(':')),
            None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
        };
        let usual = if is_tls_first { 465 } else { 587 };
        let port = port.map_or(Ok(usual), |port| port.parse().map_err(|_| wrong()))?;
        let is_host = |c: char| c.is_ascii_alphanumeric() || ['.', '-', ':', '_'].contains(&c);
        match host.is_empty() || !host.chars().all(is_host) {
            true => Err(wrong()),
            false => Ok(MailServer { host: host.to_owned(), port, is_tls_first }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_a_url_without_a_user() {
        let of = |text: &str| text.parse::<MailServer>().map(|server| server.to_string());
        assert_eq!(of("smtps://mail.example.org").as_deref(), Ok("smtps://mail.example.org:465"));
        assert_eq!(of("smtp://mail.example.org").as_deref(), Ok("smtp://mail.example.org:587"));
        assert_eq!(of("smtp://[::1]:25/").as_deref(), Ok("smtp://[::1]:25"));
        for wrong in
            ["mail.example.org", "smtp://", "smtp://a:x", "smtps://ops:pw@mail", "smtp://a b", "https://a"]
        {
            assert!(of(wrong).is_err(), "{wrong}");
        }
    }
}
