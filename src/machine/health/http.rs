//! A URL that answers as it should.

use super::{Answer, LOOK, Place};
use crate::data;
use crate::failure::{Failure, Kind, Result};
use crate::machine::http::{Fingerprint, Request, Response};
use crate::machine::roots;
use crate::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// `#{ http: url, … }`
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    pub http: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default = "get", skip_serializing_if = "is_get")]
    pub method: String,
    /// The status it must answer with.
    #[serde(default = "ok", skip_serializing_if = "is_ok")]
    pub status: u16,
    /// What the fields of its JSON must be, by their path: `database.status`, `nodes.0.name`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub json: BTreeMap<String, Value>,
    /// What its body must contain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contains: Option<String>,
    /// The `Host` header, if it is another than that of the URL.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    /// The address to connect to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolve: Option<String>,
    /// A file with the certificates of authorities that are believed besides the system's, in the checkout or from `/` or `~/` on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca: Option<String>,
    /// The only certificate that is believed, whoever signed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint: Option<Fingerprint>,
    /// Sent as `Authorization: Bearer …`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bearer: Option<Secret>,
    /// A URL that gives, for `bearer` and asked with POST, the token that is sent in its place: `id_token` of its JSON.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<String>,
}

fn get() -> String {
    "GET".into()
}

fn is_get(method: &str) -> bool {
    method == "GET"
}

fn ok() -> u16 {
    200
}

fn is_ok(status: &u16) -> bool {
    *status == 200
}

impl Http {
    /// The check that a URL answers with 200.
    pub fn get(url: &str) -> Http {
        Http {
            http: url.to_owned(),
            name: None,
            method: get(),
            status: ok(),
            json: BTreeMap::new(),
            contains: None,
            host: None,
            resolve: None,
            ca: None,
            fingerprint: None,
            bearer: None,
            exchange: None,
        }
    }

    /// The file of more authorities: its own, else that of the server's variables.
    fn authorities(&self, place: &Place) -> Option<PathBuf> {
        let Some(written) = &self.ca else { return roots::named(&place.environment) };
        let home = written.strip_prefix("~/").zip(std::env::var_os("HOME"));
        Some(match home {
            Some((rest, home)) => PathBuf::from(home).join(rest),
            None => place.folder.join(written),
        })
    }

    pub(super) fn look(&self, place: &Place) -> Result<Answer> {
        let mut request = Request::get(&self.http);
        if self.ca.is_some() && self.fingerprint.is_some() {
            return Err(Failure::new(Kind::Invalid, "a check has `ca` or `fingerprint`, and not both"));
        }
        request.authorities = self.authorities(place);
        request.fingerprint = self.fingerprint;
        request.method.clone_from(&self.method);
        request.resolve.clone_from(&self.resolve);
        request.within = LOOK;
        if let Some(host) = &self.host {
            request.headers.insert("host".into(), host.clone());
        }
        if self.exchange.is_some() && self.bearer.is_none() {
            return Err(Failure::new(Kind::Invalid, "`exchange` is for a check with a `bearer`"));
        }
        if let Some(bearer) = &self.bearer {
            // Waiting does not make it known.
            let token = bearer.reveal().map_err(|failure| Failure { kind: Kind::Invalid, ..failure })?;
            let token = match &self.exchange {
                Some(url) => match exchanged(url, &token, self.authorities(place))? {
                    Ok(token) => token,
                    Err(answer) => return Ok(answer),
                },
                None => token,
            };
            request.headers.insert("authorization".into(), format!("Bearer {token}"));
        }
        Ok(match request.send() {
            Ok(response) => self.judge(&response),
            Err(failure) if failure.kind == Kind::Invalid => return Err(failure),
            // The check's name says already what was asked.
            Err(failure) => Answer::bad(failure.why.join(": ")),
        })
    }

    fn judge(&self, response: &Response) -> Answer {
        let status = response.status;
        if status != self.status {
            return Answer::bad(format!("answered {status}, expected {}", self.status));
        }
        if let Some(part) = self.contains.as_ref().filter(|part| !response.body.contains(*part)) {
            return Answer::bad(format!("answered {status}, without {part:?}"));
        }
        if !self.json.is_empty() {
            let Some(body) = response.json() else {
                return Answer::bad(format!("answered {status}, but not with JSON"));
            };
            for (path, expected) in &self.json {
                let found = field(&body, path);
                if !found.is_some_and(|found| same(found, expected)) {
                    let found = found.map_or("missing".into(), |found| format!("{}", Shown(found)));
                    return Answer::bad(format!("`{path}` is {found}, expected {}", Shown(expected)));
                }
            }
        }
        Answer::good(format!("answered {status}"))
    }
}

/// The token that `url` gives for another, or what was seen instead.
fn exchanged(
    url: &str,
    token: &str,
    authorities: Option<PathBuf>,
) -> Result<std::result::Result<String, Answer>> {
    let mut request = Request::get(url);
    request.authorities = authorities;
    request.method = "POST".into();
    request.within = LOOK;
    request.headers.insert("authorization".into(), format!("Bearer {token}"));
    Ok(match request.send() {
        Ok(response) => {
            let given = response.json().and_then(|body| body.get("id_token")?.as_str().map(str::to_owned));
            given.ok_or_else(|| Answer::bad(format!("got no token: POST {url} answered {}", response.status)))
        }
        Err(failure) if failure.kind == Kind::Invalid => return Err(failure),
        Err(failure) => Err(Answer::bad(format!("got no token: {}", failure.why.join(": ")))),
    })
}

/// What stands at a path; a field whose own name has dots in it is found too.
fn field<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    let step = |name: &str| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        other => other.get(name),
    };
    step(path).or_else(|| {
        let dots = path.match_indices('.');
        dots.into_iter().find_map(|(dot, _)| field(step(&path[..dot])?, &path[dot + 1..]))
    })
}

/// Whether two values are the same to an admin: 1 is 1.0.
fn same(found: &Value, expected: &Value) -> bool {
    match (found, expected) {
        (Value::Number(a), Value::Number(b)) => a == b || a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => found == expected,
    }
}

/// A value as a script writes it, if it is not too long for a line.
struct Shown<'a>(&'a Value);

/// In characters.
const LONGEST: usize = 80;

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let text = data::describe(self.0);
        match text.char_indices().nth(LONGEST) {
            Some((end, _)) => write!(out, "{}…", &text[..end]),
            None => out.write_str(&text),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_is_found_by_its_path() {
        let body = json!({"a": {"b.c": 1, "d": [{"e": "x"}]}, "f": null});
        assert_eq!(field(&body, "a.b.c"), Some(&json!(1)));
        assert_eq!(field(&body, "a.d.0.e"), Some(&json!("x")));
        assert_eq!(field(&body, "f"), Some(&Value::Null));
        assert_eq!(field(&body, "a.d.1.e"), None);
        assert!(same(&json!([1]), &json!([1.0])));
        assert!(!same(&json!("true"), &json!(true)));
    }
}
