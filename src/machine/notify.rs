//! Sends a notice to people: by a command, a webhook, mail, or a ping.

use super::http::Request;
use crate::command::{Spec, feed};
use crate::failure::{Context, Failure, Kind, Result};
use crate::secret::{self, Shown};
use crate::units::Duration;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::time::Instant;

/// One attempt takes no longer.
const WITHIN: Duration = Duration::seconds(30);

/// Where notices go: one table of `notify` in `site.toml`. The comments are the only documentation that its keys have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// At what: `started`, `asked` (a question waits), `done`, `failed`, `interrupted`, `rolled_back`. If not given, all but
    /// `started`; a `ping` hears all but `asked`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<When>,
    /// A command, a list of words. It gets the notice on its standard input: a JSON object with `event`, `title`, `text`,
    /// `run`, `runbook`, `servers`, `host`, `time` and `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// A URL to which the notice is posted. It is hidden like a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// Who understands it: `"slack"`, `"discord"`, `"ntfy"`, `"gotify"`; if not given, it is the object that a command gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// Addresses to which this machine's `sendmail` brings it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mail: Vec<String>,
    /// A URL of a health-check service such as Healthchecks: it is asked with `/start` at the end when a run begins, with
    /// `/fail` when one fails or is interrupted, and as it is when one ends well. It is hidden like a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ping: Option<String>,
}

/// What a notice is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum When {
    Started,
    Asked,
    Done,
    Failed,
    Interrupted,
    RolledBack,
}

/// What a webhook understands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    Slack,
    Discord,
    Ntfy,
    Gotify,
}

/// What is sent. Secrets are hidden in its texts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Notice {
    pub event: When,
    /// One line.
    pub title: Shown,
    /// Some lines, with what to type next.
    pub text: Shown,
    pub run: String,
    pub runbook: String,
    pub servers: Vec<String>,
    pub host: String,
    /// RFC 3339, UTC.
    pub time: String,
    /// The same however often it is sent.
    pub id: String,
}

impl Notify {
    /// Whether it goes somewhere, and to one place only.
    pub fn check(&self) -> Result<()> {
        let wrong = |message: String| {
            let help =
                "give it one of `command`, `webhook`, `mail` and `ping`, and check with `banister check`";
            Err(Failure::new(Kind::Invalid, message).help(help))
        };
        let ways =
            [self.command.is_some(), self.webhook.is_some(), !self.mail.is_empty(), self.ping.is_some()];
        match ways.iter().filter(|way| **way).count() {
            1 => {}
            0 => return wrong("a table of `notify` says nowhere to send to".into()),
            _ => return wrong("a table of `notify` says several ways".into()),
        }
        if self.shape.is_some() && self.webhook.is_none() {
            return wrong("`shape` is of a `webhook`".into());
        }
        if self.command.as_ref().is_some_and(Vec::is_empty) {
            return wrong("`command` is empty".into());
        }
        if let Some(url) = self.webhook.iter().chain(&self.ping).find(|url| !is_url(url)) {
            let begins: String = url.chars().take(8).collect();
            return wrong(format!("`{begins}…` is no URL: it begins with `https://` or `http://`"));
        }
        match self.mail.iter().find(|mail| !mail.contains('@') || mail.contains(char::is_control)) {
            Some(mail) => wrong(format!("`{mail}` is no address")),
            None => Ok(()),
        }
    }

    /// Has its address hidden, whatever shows it. `number` is its place in `notify`.
    pub fn learn_secrets(&self, number: usize) {
        for url in self.webhook.iter().chain(&self.ping) {
            secret::keep(format!("notify {number}"), url);
        }
    }

    /// Whether it hears of this.
    pub fn hears(&self, event: When) -> bool {
        match self.at.as_slice() {
            [] if self.ping.is_some() => event != When::Asked,
            [] => event != When::Started,
            at => at.contains(&event),
        }
    }

    /// Sends a notice. Fails if nobody took it, or nobody can know.
    pub fn send(&self, notice: &Notice) -> Result<()> {
        if let Some(words) = &self.command {
            return run(words, &serde_json::to_string(notice).unwrap_or_default());
        }
        if let Some(url) = &self.ping {
            let end = match notice.event {
                When::Started => "/start",
                When::Failed | When::Interrupted => "/fail",
                _ => "",
            };
            return ask(Request::get(format!("{}{end}", url.trim_end_matches('/'))));
        }
        if let Some(url) = &self.webhook {
            return ask(self.post(url, notice));
        }
        let message = mail(&self.mail, notice);
        run(&["sendmail".to_owned(), "-t".to_owned(), "-i".to_owned()], &message)
    }

    fn post(&self, url: &str, notice: &Notice) -> Request {
        let whole = format!("{}\n{}", notice.title, notice.text);
        let is_bad = matches!(notice.event, When::Failed | When::Interrupted | When::Asked);
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

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control()))
}

fn ask(request: Request) -> Result<()> {
    let request = Request { within: WITHIN, ..request };
    let answer = request.send()?;
    match answer.status {
        200..300 => Ok(()),
        status => {
            let said: String = answer.body.chars().take(200).collect();
            Err(Failure::new(Kind::Refused, format!("the notice was answered with {status}")).why(said))
        }
    }
}

/// Runs a command that reads the text.
fn run(words: &[String], text: &str) -> Result<()> {
    let began = Instant::now();
    let failed = || "a notice can't be passed on".to_owned();
    let file = rustix::fs::memfd_create("notice", rustix::fs::MemfdFlags::CLOEXEC).map(File::from);
    let mut file = file.or_fail(Kind::Refused, failed)?;
    file.write_all(text.as_bytes()).or_fail(Kind::Refused, failed)?;
    let mut spec = Spec::new(words.to_vec(), "/");
    // Debian has it where only root looks.
    let path = std::env::var("PATH").unwrap_or_default();
    spec.environment.insert("PATH".into(), format!("{path}:/usr/sbin:/usr/lib"));
    let looked = feed(&spec, &file, None, &|| began.elapsed() > WITHIN.0)?;
    match looked.exit.success() {
        true => Ok(()),
        false => {
            let last = looked.stderr.trim().lines().last().unwrap_or_default().to_owned();
            let message = format!("`{}` {}", words[0], looked.exit);
            Err(Failure::new(Kind::CommandFailed, message).why(last))
        }
    }
}

/// A message as `sendmail -t` reads it: no line of a header can come from a title.
fn mail(to: &[String], notice: &Notice) -> String {
    let subject = notice.title.as_str().replace(char::is_control, " ");
    format!(
        "To: {}\nSubject: =?utf-8?B?{}?=\nMessage-ID: <{}@{}>\nMIME-Version: 1.0\nContent-Type: text/plain; \
         charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n{}\n",
        to.join(", "),
        base64::Engine::encode(&base64::engine::general_purpose::STANDARD, subject),
        notice.id,
        notice.host,
        notice.text
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_way_is_named_and_a_ping_hears_of_the_beginning() {
        let of = |text: &str| toml::from_str::<Notify>(text).ok().filter(|notify| notify.check().is_ok());
        assert!(of("ping = \"https://hc.example.org/1\"").is_some_and(|it| it.hears(When::Started)));
        assert!(
            of("command = [\"true\"]").is_some_and(|it| !it.hears(When::Started) && it.hears(When::Asked))
        );
        assert!(
            of("mail = [\"ops@example.org\"]\nat = [\"failed\"]").is_some_and(|it| !it.hears(When::Done))
        );
        for wrong in [
            "",
            "at = [\"failed\"]",
            "command = []",
            "mail = [\"nobody\"]",
            "webhook = \"example.org\"",
            "webhook = \"https://a/\"\nping = \"https://a/\"",
            "command = [\"true\"]\nshape = \"slack\"",
            "command = [\"true\"]\nshape = \"smoke\"",
        ] {
            assert!(of(wrong).is_none(), "{wrong}");
        }
    }
}
