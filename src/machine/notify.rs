//! Notices to people: where they go, and what is in one.

// From bottom to top.
mod message;
mod password;

mod send;

use super::smtp::MailServer;
use crate::failure::{Failure, Kind, Result};
use crate::secret::{self, Shown};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::PathBuf;

/// Where notices go: one table of `notify` in `site.toml`. The comments are the only documentation that its keys have.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notify {
    /// What it is called in `status` and in the output of `banister notify`, such as `"on-call"`; if not given, what it is, with
    /// the host of its URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// At what: `started`, `asked` (a question waits), `done`, `failed`, `interrupted`, `rolled_back`, and `refused` (a scheduled
    /// run did not begin). If not given, all but `started`; a `ping` hears all but `asked`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub at: Vec<When>,
    /// A command, a list of words. It gets the notice on its standard input: a line with a JSON object with `event`, `title`,
    /// `text`, `run`, `runbook`, `servers`, `host`, `time` and `id`, and with `releases` where a run was done: for each server
    /// that it moved, `server`, `from` and `to`. If the command fails, takes more than 30 seconds, or is killed, also together
    /// with what sends the notice, it is run again with the same `id`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub command: Option<Vec<String>>,
    /// A URL to which the notice is posted. It is hidden like a secret, but for its host. An answer 307 or 308 that points to the
    /// same host is followed; any other one is an error that names the host that it points to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    /// Who understands it: `"slack"`, `"discord"`, `"ntfy"`, `"gotify"`; if not given, it is the object that a command gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shape: Option<Shape>,
    /// Addresses to which this machine's `sendmail` brings it, or the mail server of `smtp`. Addresses that the mail server
    /// refuses for good are left out, if it takes another one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mail: Vec<String>,
    /// The mail server: `"smtps://mail.example.org"`, which speaks TLS at once, or `"smtp://mail.example.org"`, with STARTTLS;
    /// a port may follow (else 465 and 587). Its certificate must be valid, by the authorities of this system or those in
    /// `SSL_CERT_FILE`. Only one on this machine may be without TLS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smtp: Option<String>,
    /// The address that sends; if not given, `user` if that is one, else `banister` at this machine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The user's name at the mail server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// The file with the password for it, in its first line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// The command that prints the password, if there is no such file, such as `["pass", "show", "mail"]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_command: Option<Vec<String>>,
    /// A URL of Apprise, such as `"tgram://TOKEN/CHAT"`: the program `apprise` of this machine sends the notice. It is hidden
    /// like a secret, and given to `apprise` in its environment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub apprise: Option<String>,
    /// A URL of a health-check service such as Healthchecks: it is asked with `/start` at the end when a run begins, with
    /// `/fail` when one fails, is interrupted or was rolled back, or a scheduled one did not begin, and as it is when one is
    /// done; what follows a `?` stays at the end. It is hidden like a secret.
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
    /// A scheduled run did not begin.
    Refused,
    /// Somebody tries where notices go.
    #[serde(skip_deserializing)]
    Test,
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
    /// Of a run that is done: from which release to which it brought servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub releases: Vec<Moved>,
    pub host: String,
    /// RFC 3339, UTC.
    pub time: String,
    /// The same however often it is sent.
    pub id: String,
}

/// A server that another release was installed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    pub server: String,
    pub from: String,
    pub to: String,
}

/// The folders in which programs are looked for. Debian has `sendmail` where only root looks.
pub fn path() -> String {
    format!("{}:/usr/sbin:/usr/lib", std::env::var("PATH").unwrap_or_default())
}

impl Notify {
    /// Whether it goes somewhere, and to one place only.
    pub fn check(&self) -> Result<()> {
        let wrong = |message: String| {
            let help = "give it one of `command`, `webhook`, `mail`, `apprise` and `ping`, and check with `banister check`";
            Err(Failure::new(Kind::Invalid, message).help(help))
        };
        let ways = [
            self.command.is_some(),
            self.webhook.is_some(),
            !self.mail.is_empty(),
            self.apprise.is_some(),
            self.ping.is_some(),
        ];
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
        if self.apprise.as_ref().is_some_and(|url| !url.contains("://")) {
            return wrong("`apprise` is no URL: it begins as `tgram://`".into());
        }
        if let Some(mail) = self.mail.iter().chain(&self.from).find(|mail| !is_address(mail)) {
            return wrong(format!("`{mail}` is no address"));
        }
        if self.name.as_ref().is_some_and(|name| name.trim().is_empty() || name.contains(char::is_control)) {
            return wrong("`name` is empty, or has several lines".into());
        }
        self.check_mail().map_or(Ok(()), wrong)
    }

    /// What is wrong with what is said of mail.
    fn check_mail(&self) -> Option<String> {
        let password = [self.password_file.is_some(), self.password_command.is_some()];
        if password == [true, true] {
            return Some("it has either `password_file` or `password_command`".into());
        }
        if self.password_command.as_ref().is_some_and(Vec::is_empty) {
            return Some("`password_command` is empty".into());
        }
        if self.user.is_some() != password.contains(&true) {
            return Some("`user` goes with `password_file` or `password_command`".into());
        }
        if self.from.is_some() && self.mail.is_empty() {
            return Some("`from` is of `mail`".into());
        }
        match &self.smtp {
            Some(_) if self.mail.is_empty() => Some("`smtp` is of `mail`".into()),
            Some(server) => server.parse::<MailServer>().err(),
            None if self.user.is_some() => Some("`user` is of `smtp`".into()),
            None => None,
        }
    }

    /// What it is known by, wherever in `site.toml` it stands: its name, or its way and where that leads, as a digest.
    pub fn key(&self) -> String {
        let (way, target) = match self {
            Notify { name: Some(name), .. } => ("name", name.clone()),
            Notify { command: Some(words), .. } => ("command", words.join("\0")),
            Notify { webhook: Some(url), .. } => ("webhook", url.clone()),
            Notify { ping: Some(url), .. } => ("ping", url.clone()),
            Notify { apprise: Some(url), .. } => ("apprise", url.clone()),
            Notify { smtp, mail, .. } => {
                ("mail", format!("{}\0{}", mail.join(","), smtp.as_deref().unwrap_or_default()))
            }
        };
        let digest = Sha256::digest(target.as_bytes());
        format!("{way}-{:02x}{:02x}{:02x}{:02x}", digest[0], digest[1], digest[2], digest[3])
    }

    /// What it is called where people read it: never the path of its address, nor a user or a query in it, which may be secrets.
    pub fn name(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let shape = |shape: &Shape| serde_json::to_value(shape).ok()?.as_str().map(str::to_owned);
        match self {
            Notify { command: Some(words), .. } => {
                format!("command `{}`", words.first().map_or("", String::as_str))
            }
            Notify { webhook: Some(url), .. } => match self.shape.as_ref().and_then(shape) {
                Some(shape) => format!("webhook of {shape}{}", at_host(url)),
                None => format!("webhook{}", at_host(url)),
            },
            Notify { ping: Some(url), .. } => format!("ping{}", at_host(url)),
            // What comes after its scheme may be a token.
            Notify { apprise: Some(url), .. } => match url.split_once("://") {
                Some((scheme, _)) => format!("apprise ({scheme})"),
                None => "apprise".into(),
            },
            Notify { smtp: Some(server), .. } => format!("mail to {} by {server}", self.mail.join(", ")),
            _ => format!("mail to {}", self.mail.join(", ")),
        }
    }

    /// The programs that it needs on this machine.
    pub fn programs(&self) -> Vec<&str> {
        let mut programs: Vec<&str> = Vec::new();
        programs.extend(
            self.command
                .iter()
                .chain(&self.password_command)
                .filter_map(|words| Some(words.first()?.as_str())),
        );
        programs.extend(self.apprise.as_ref().map(|_| "apprise"));
        if !self.mail.is_empty() && self.smtp.is_none() {
            programs.push("sendmail");
        }
        programs
    }

    /// Has its address hidden, whatever shows it. `number` is its place in `notify`.
    pub fn learn_secrets(&self, number: usize) {
        for url in self.webhook.iter().chain(&self.ping).chain(&self.apprise) {
            secret::keep(format!("notify {number}"), url);
            // An address is not taken for a secret in a text: what comes after the host is.
            let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            let path = rest.split_once('/').filter(|_| self.apprise.is_none()).map_or(rest, |(_, path)| path);
            secret::keep(format!("notify {number} path"), path);
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
}

/// Whether a mail server takes it for one address, and no command can be hidden in it.
fn is_address(text: &str) -> bool {
    let is_part = |part: &str| !part.is_empty();
    text.rsplit_once('@').is_some_and(|(user, host)| is_part(user) && is_part(host))
        && text.len() <= 254
        && text.chars().all(|c| c.is_ascii_graphic() && !['<', '>', ',', ';', '"', '\\'].contains(&c))
}

/// ` at hooks.example.org`; nothing where that is not plain.
fn at_host(url: &str) -> String {
    host_of(url).map(|host| format!(" at {host}")).unwrap_or_default()
}

/// The host of a URL, with its port, and without what says who asks.
pub(super) fn host_of(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    let host = authority.rsplit('@').next()?;
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:[]".contains(c);
    (!host.is_empty() && host.chars().all(is_plain)).then_some(host)
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !text.contains(|c: char| c.is_whitespace() || c.is_control()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_known_by_what_it_is() {
        let of = |text: &str| toml::from_str::<Notify>(text).unwrap();
        let hook = of("webhook = \"https://a.example.org/SECRET\"");
        assert_eq!(hook.key(), of("webhook = \"https://a.example.org/SECRET\"\nat = [\"done\"]").key());
        assert_ne!(hook.key(), of("webhook = \"https://b.example.org/SECRET\"").key());
        assert!(hook.key().starts_with("webhook-") && hook.key().len() == 16, "{}", hook.key());
        let named = |url: &str| of(&format!("name = \"on-call\"\nwebhook = \"{url}\""));
        assert_eq!(named("https://a/").key(), named("https://b/").key());
        assert_eq!(named("https://a/").name(), "on-call");
        for (table, name) in [
            (
                "webhook = \"https://me:TOKEN@hooks.example.org:8443/SECRET?key=SECRET\"",
                "webhook at hooks.example.org:8443",
            ),
            ("webhook = \"https://ntfy.sh?t=SECRET\"\nshape = \"ntfy\"", "webhook of ntfy at ntfy.sh"),
            ("ping = \"https://hc-ping.com/SECRET\"", "ping at hc-ping.com"),
            ("apprise = \"tgram://TOKEN/CHAT\"", "apprise (tgram)"),
        ] {
            assert_eq!(of(table).name(), name);
        }
    }

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
            "command = [\"true\"]\nat = [\"test\"]",
            "mail = [\"a@b> NOTIFY=NEVER\"]",
            "mail = [\"a@b\"]\nsmtp = \"mail.example.org\"",
            "mail = [\"a@b\"]\nsmtp = \"smtps://mail\"\nuser = \"a\"",
            "mail = [\"a@b\"]\nsmtp = \"smtps://mail\"\npassword_file = \"/p\"",
            "mail = [\"a@b\"]\nuser = \"a\"\npassword_file = \"/p\"",
            "command = [\"true\"]\nsmtp = \"smtps://mail\"",
            "apprise = \"tgram\"",
        ] {
            assert!(of(wrong).is_none(), "{wrong}");
        }
    }
}
