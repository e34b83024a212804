//! Sends a notice by the one way that a table of `notify` names.

use super::message::{host, message};
use super::{Notice, Notify, Shape, When, host_of, password};
use crate::command::{Spec, feed};
use crate::failure::{Context, Failure, Kind, Result};
use crate::machine::http::{Request, Response};
use crate::machine::roots;
use crate::machine::smtp::{Letter, Login, MailServer};
use crate::secret;
use crate::units::Duration;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::time::Instant;

/// So many times a notice is sent on within its host.
const MOST_HOPS: usize = 5;

/// One attempt takes no longer.
const WITHIN: Duration = Duration::seconds(30);

impl Notify {
    /// Sends a notice. Gives what a person should know although somebody took it: addresses that a mail server refused.
    ///
    /// Fails if nobody took it, or nobody can know; with [`Kind::Invalid`] if it is refused for good.
    pub fn send(&self, notice: &Notice) -> Result<Option<String>> {
        if let Some(words) = &self.command {
            let line = serde_json::to_string(notice).unwrap_or_default() + "\n";
            return run(words, &[], &line).map(|()| None);
        }
        if let Some(url) = &self.ping {
            return ask(Request::get(ping(url, notice.event))).map(|()| None);
        }
        if let Some(url) = &self.webhook {
            return ask(self.post(url, notice)).map(|()| None);
        }
        if let Some(urls) = &self.apprise {
            return run(&apprise(notice), &[("APPRISE_URLS", urls)], notice.text.as_str()).map(|()| None);
        }
        match &self.smtp {
            Some(server) => self.hand_over(server, notice),
            None => {
                let words = ["sendmail", "-t", "-i"].map(str::to_owned);
                run(&words, &[], &message(self.from.as_deref(), &self.mail, notice)).map(|()| None)
            }
        }
    }

    fn hand_over(&self, server: &str, notice: &Notice) -> Result<Option<String>> {
        let server: MailServer = server.parse().map_err(|why| Failure::new(Kind::Invalid, why))?;
        let password = match (&self.password_file, &self.password_command) {
            (Some(file), _) => Some(password::of_file(file)?),
            (None, Some(words)) => Some(password::of_command(words, WITHIN)?),
            (None, None) => None,
        };
        if let Some(password) = &password {
            // Whatever the server says may repeat it.
            secret::keep("notify password", password);
        }
        let login = self.user.clone().zip(password).map(|(user, password)| Login { user, password });
        let user = self.user.clone().filter(|user| user.contains('@'));
        let from = self.from.clone().or(user).unwrap_or_else(|| format!("banister@{}", host(notice)));
        let text = message(Some(&from), &self.mail, notice);
        let letter = Letter { from: &from, to: &self.mail, message: &text };
        let refused = server.hand_over(&letter, login.as_ref(), WITHIN.0)?;
        Ok((!refused.is_empty()).then(|| format!("the mail server refused {}", refused.join("; "))))
    }

    fn post(&self, url: &str, notice: &Notice) -> Request {
        let whole = format!("{}\n{}", notice.title, notice.text);
        let is_bad = is_bad(notice.event);
        let mut headers = BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]);
        let body = match self.shape {
            None => serde_json::to_value(notice).unwrap_or_default(),
            Some(Shape::Slack) => json!({ "text": whole }),
            // Discord takes 2,000 letters.
            Some(Shape::Discord) => json!({ "content": whole.chars().take(1_900).collect::<String>() }),
            Some(Shape::Gotify) => json!({
                "title": notice.title.as_str(), "message": notice.text.as_str(), "priority": if is_bad { 8 } else { 4 }
            }),
            Some(Shape::Ntfy) => {
                headers.insert("content-type".into(), "text/plain; charset=utf-8".into());
                headers.insert("priority".into(), if is_bad { "high" } else { "default" }.into());
                Value::String(whole)
            }
        };
        let body = match body {
            Value::String(text) => text,
            other => other.to_string(),
        };
        Request { method: "POST".into(), headers, body: Some(body), ..Request::get(url) }
    }
}

/// Whether somebody has to do something.
fn is_bad(event: When) -> bool {
    matches!(event, When::Failed | When::Interrupted | When::Asked | When::Refused)
}

/// The URL that says this to a health-check service. What is after `?` stays at the end.
fn ping(url: &str, event: When) -> String {
    let end = match event {
        When::Started => "/start",
        // One that was rolled back did not do what it was begun for.
        When::Failed | When::Interrupted | When::RolledBack | When::Refused => "/fail",
        When::Test => "/log",
        When::Done | When::Asked => "",
    };
    let (path, query) = url.split_at(url.find('?').unwrap_or(url.len()));
    format!("{}{end}{query}", path.trim_end_matches('/'))
}

/// The command that reads the text, and that says why it fails. Its URLs are in its environment, where other users don't see them.
fn apprise(notice: &Notice) -> Vec<String> {
    let sort = match notice.event {
        When::Done => "success",
        When::Failed | When::Interrupted | When::Refused => "failure",
        When::Asked | When::RolledBack => "warning",
        When::Started | When::Test => "info",
    };
    let words = ["apprise", "--verbose", "--input-format=text"].map(str::to_owned).into_iter();
    words.chain([format!("--notification-type={sort}"), format!("--title={}", notice.title)]).collect()
}

fn ask(request: Request) -> Result<()> {
    let authorities = roots::named(&BTreeMap::new());
    let request = Request { within: WITHIN, authorities, status_only: true, ..request };
    // Its address is a secret, whatever it looks like.
    let send = |request: &Request| {
        request.send().map_err(|failure| Failure {
            message: "the notice was not answered".into(),
            why: failure.why.iter().map(|why| why.replace(&request.url, "its address")).collect(),
            ..failure
        })
    };
    let mut request = request;
    let mut answer = send(&request)?;
    // As `curl -L` does: the same is sent there. What has another host may be somebody else's.
    for _ in 0..MOST_HOPS {
        let keeps_method = request.method == "GET" || [307, 308].contains(&answer.status);
        let next = elsewhere(&request.url, &answer);
        let next = next.filter(|next| keeps_method && is_same_host(&request.url, next));
        let Some(next) = next else { break };
        request = Request { url: next, ..request };
        answer = send(&request)?;
    }
    match answer.status {
        200..300 => Ok(()),
        300..400 => {
            // Others may lead to a page of a proxy for a while, such as one for logging in.
            let is_for_good = [301, 308].contains(&answer.status);
            let kind = if is_for_good { Kind::Invalid } else { Kind::Refused };
            let failure = Failure::new(kind, format!("the notice was answered with {}", answer.status));
            let to = elsewhere(&request.url, &answer);
            let host =
                to.as_deref().and_then(host_of).map_or("another place".into(), |host| format!("`{host}`"));
            Err(failure
                .why(format!("it points to {host}, and is not sent there"))
                .help("write its new address into `notify` in site.toml"))
        }
        status => {
            let said: String = answer.body.chars().take(200).collect();
            // Of these it may be taken later: 408 and 425 are about time, 429 is about how many there were.
            let is_for_now = !(400..500).contains(&status) || [408, 425, 429].contains(&status);
            let kind = if is_for_now { Kind::Refused } else { Kind::Invalid };
            Err(Failure::new(kind, format!("the notice was answered with {status}")).why(said))
        }
    }
}

/// The address to which an answer points; a path is one at the same host.
fn elsewhere(url: &str, answer: &Response) -> Option<String> {
    let next = answer.headers.get("location").filter(|_| (300..400).contains(&answer.status))?;
    if next.starts_with("https://") || next.starts_with("http://") {
        return Some(next.clone());
    }
    let (scheme, rest) = url.split_once("://")?;
    match next.strip_prefix("//") {
        Some(next) => Some(format!("{scheme}://{next}")),
        None if next.starts_with('/') => {
            let authority = rest.split(['/', '?', '#']).next()?;
            Some(format!("{scheme}://{authority}{next}"))
        }
        None => None,
    }
}

/// Whether another address is at the same host, and no less private; another port may be somebody else's, but for those of
/// HTTP and HTTPS.
fn is_same_host(url: &str, next: &str) -> bool {
    let is_private = |url: &str| url.starts_with("https://");
    let usual = |url: &str| {
        let end = if is_private(url) { ":443" } else { ":80" };
        host_of(url).map(|host| host.strip_suffix(end).unwrap_or(host).to_ascii_lowercase())
    };
    usual(url).is_some() && usual(url) == usual(next) && (is_private(next) || !is_private(url))
}

/// Runs a command that reads the text.
fn run(words: &[String], variables: &[(&str, &str)], text: &str) -> Result<()> {
    let began = Instant::now();
    let failed = || "a notice can't be passed on".to_owned();
    let file = rustix::fs::memfd_create("notice", rustix::fs::MemfdFlags::CLOEXEC).map(File::from);
    let mut file = file.or_fail(Kind::Refused, failed)?;
    file.write_all(text.as_bytes()).or_fail(Kind::Refused, failed)?;
    let mut spec = Spec::new(words.to_vec(), "/");
    spec.environment.insert("PATH".into(), super::path());
    spec.environment.extend(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    let looked = feed(&spec, &file, None, &|| began.elapsed() > WITHIN.0)?;
    match looked.exit.success() {
        true => Ok(()),
        false => {
            let last = looked.stderr.trim().lines().last().or(looked.stdout.trim().lines().last());
            let message = format!("`{}` {}", words[0], looked.exit);
            Err(Failure::new(Kind::CommandFailed, message).why(last.unwrap_or_default()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ping_says_what_happened_before_what_is_asked() {
        let of = |url, event| ping(url, event);
        assert_eq!(of("https://hc-ping.com/1/", When::Started), "https://hc-ping.com/1/start");
        assert_eq!(
            of("https://hc-ping.com/key/name?create=1", When::Failed),
            "https://hc-ping.com/key/name/fail?create=1"
        );
        assert_eq!(of("https://hc-ping.com/1", When::RolledBack), "https://hc-ping.com/1/fail");
        assert_eq!(of("https://hc-ping.com/1", When::Done), "https://hc-ping.com/1");
    }
}
