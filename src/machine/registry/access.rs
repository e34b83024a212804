//! How a registry is asked that wants to know who asks: with a token of its service, which most give to anybody, or with a
//! password.

use super::challenge::{Challenge, challenge};
use super::credentials::{Login, RunHelper, login};
use super::image::Image;
use crate::machine::client::json::Loose;
use crate::machine::client::url::Url;
use crate::machine::client::{Answer, Asked, Client, Credential, Form, Method, Question, Unknown};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What a service may answer, in bytes.
const LARGEST_ANSWER: u64 = 256 << 10;
/// A token, a service and a scope may be as long, in bytes.
const LONGEST: usize = 64 << 10;
/// How long a token is good for of which that is not said, in seconds.
const USUAL_LIFE: u64 = 60;
/// No token is kept longer, in seconds.
const LONGEST_LIFE: u64 = 600;
/// A token that ends so soon is not sent any more.
const MARGIN: Duration = Duration::from_secs(5);

/// Who asks, and what was shown for it before.
pub(super) struct Access<'a> {
    client: &'a Client<'a>,
    config: PathBuf,
    run: RunHelper<'a>,
    /// By host and repository: a token is for one of them alone.
    shown: BTreeMap<(String, String), (Credential, Instant)>,
}

/// What a token service answers. Which of the two names it has is not agreed.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Issued {
    token: Loose,
    access_token: Loose,
    expires_in: Loose,
}

impl<'a> Access<'a> {
    pub fn new(client: &'a Client<'a>, config: &Path, run: RunHelper<'a>) -> Access<'a> {
        Access { client, config: config.to_owned(), run, shown: BTreeMap::new() }
    }

    /// Where a registry is.
    pub fn server(&self, image: &Image) -> Option<Url> {
        self.client.server(image.registry())
    }

    /// Asks about an image, and once more with what the registry wants to see.
    pub fn ask(&mut self, image: &Image, question: &Question) -> Asked<Answer> {
        let key = (image.host.clone(), image.repository.clone());
        let shown = self.shown.get(&key).filter(|(_, until)| *until > Instant::now());
        let shown = shown.map(|(credential, _)| credential.clone());
        let answer = self.client.ask(&Question { credential: shown.as_ref(), ..question.clone() })?;
        if answer.status != 401 {
            return Ok(answer);
        }
        let authority = answer.url.authority();
        if !answer.url.is_same_server(question.url) {
            let host = &image.host;
            return Err(Unknown::new(format!("`{host}` redirects to `{authority}`, which wants a login")));
        }
        let (credential, life) = self.credential(image, &answer)?;
        let answer = self.client.ask(&Question { credential: Some(&credential), ..question.clone() })?;
        if answer.status != 401 {
            self.shown.insert(key, (credential, Instant::now() + life.saturating_sub(MARGIN)));
        }
        Ok(answer)
    }

    /// What the registry wants to see, and for how long it will do.
    fn credential(&self, image: &Image, answer: &Answer) -> Asked<(Credential, Duration)> {
        let offers = answer.headers.get_all("www-authenticate").iter();
        let challenge = challenge(offers.filter_map(|value| value.to_str().ok()));
        let authority = answer.url.authority();
        let Some(challenge) = challenge else {
            return Err(Unknown::new(format!(
                "`{authority}` wants a login of a kind that is not known here"
            )));
        };
        let known = login(&self.config, &image.host, self.run).map_err(|failure| {
            let unknown = Unknown::new(failure.to_string());
            failure.help.into_iter().fold(unknown, Unknown::help)
        })?;
        let life = Duration::from_secs(LONGEST_LIFE);
        match (challenge, known) {
            (_, Some(Login::Registry(token))) => Ok((bearer(&token, &authority)?, life)),
            (Challenge::Basic, Some(Login::Password { user, password })) => {
                Ok((basic(&user, &password), life))
            }
            (Challenge::Basic, _) => {
                Err(Unknown::new(format!("`{authority}` wants a login")).help(log_in(image)))
            }
            (Challenge::Bearer { realm, service, scope }, known) => {
                let realm = Url::parse(&realm).filter(|realm| self.client.may_follow(&answer.url, realm));
                let realm = realm.ok_or_else(|| {
                    Unknown::new(format!("`{authority}` has its tokens from where we don't go: not by https"))
                })?;
                let scope = scope.unwrap_or_else(|| format!("repository:{}:pull", image.repository));
                let mut about = vec![("scope", scope)];
                about.extend(service.map(|service| ("service", service)));
                self.token(image, &realm, &about, known)
            }
        }
    }

    /// A token of the service at `realm`.
    fn token(
        &self,
        image: &Image,
        realm: &Url,
        about: &[(&str, String)],
        known: Option<Login>,
    ) -> Asked<(Credential, Duration)> {
        let authority = realm.authority();
        let unusable = || Unknown::new(format!("`{authority}` gave no token that can be used"));
        let mut fields = about.to_vec();
        let mut url = realm.clone();
        let (method, credential) = match &known {
            Some(Login::Identity(token)) => {
                fields.extend([
                    ("grant_type", "refresh_token".to_owned()),
                    ("client_id", "banister".to_owned()),
                    ("refresh_token", token.clone()),
                ]);
                (Method::Post(Form(form(&fields))), None)
            }
            known => {
                let sign = if realm.path().contains('?') { '&' } else { '?' };
                url = realm.at(format!("{}{sign}{}", realm.path(), form(&fields))).ok_or_else(unusable)?;
                let password = known.as_ref().and_then(|known| match known {
                    Login::Password { user, password } => Some(basic(user, password)),
                    _ => None,
                });
                (Method::Get, password)
            }
        };
        let answer = self.client.ask(&Question {
            method,
            url: &url,
            accept: "application/json",
            credential: credential.as_ref(),
            largest: LARGEST_ANSWER,
        })?;
        match answer.status {
            200 => {}
            401 | 403 if known.is_some() => {
                let why = format!("`{authority}` refuses the login of `{}`", image.host);
                return Err(Unknown::new(why).help(log_in(image)));
            }
            401 | 403 => {
                let why = format!("`{authority}` gives no token without a login");
                return Err(Unknown::new(why).help(log_in(image)));
            }
            status => {
                return Err(Unknown::new(format!("`{authority}` answered {status} instead of a token")));
            }
        }
        let issued: Issued = serde_json::from_slice(&answer.body).map_err(|_| unusable())?;
        let life = issued.expires_in.number().unwrap_or(USUAL_LIFE).min(LONGEST_LIFE);
        let token = issued.token.text().or(issued.access_token.text()).ok_or_else(unusable)?;
        Ok((bearer(&token, &authority)?, Duration::from_secs(life)))
    }
}

fn basic(user: &str, password: &str) -> Credential {
    let encoded = STANDARD.encode(format!("{user}:{password}"));
    Credential { header: "authorization", value: format!("Basic {encoded}") }
}

fn bearer(token: &str, authority: &str) -> Asked<Credential> {
    let is_token =
        !token.is_empty() && token.len() <= LONGEST && token.bytes().all(|byte| byte.is_ascii_graphic());
    match is_token {
        true => Ok(Credential { header: "authorization", value: format!("Bearer {token}") }),
        false => Err(Unknown::new(format!("what `{authority}` calls a token is none"))),
    }
}

fn form(fields: &[(&str, String)]) -> String {
    let encoded = |value: &str| utf8_percent_encode(value, NON_ALPHANUMERIC).to_string();
    fields.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect::<Vec<_>>().join("&")
}

fn log_in(image: &Image) -> String {
    match image.host.as_str() {
        "docker.io" => "Log in as the user that runs this: `docker login`.".into(),
        host => format!("Log in as the user that runs this: `docker login {host}`."),
    }
}
