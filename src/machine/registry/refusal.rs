//! What a registry says instead of what it was asked for.

use crate::machine::client::json::{List, Loose};
use crate::machine::client::{Answer, Unknown, excerpt};
use serde::Deserialize;

/// Of a list of errors, as many are looked at.
const ERRORS: usize = 20;
/// By which a registry says that it has no such repository, or no such manifest in it.
const ABSENT: [&str; 3] = ["NAME_UNKNOWN", "MANIFEST_UNKNOWN", "NOT_FOUND"];

/// An answer without what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There is no such thing.
    Absent,
    /// Nobody knows whether there is.
    Unknown(Unknown),
}

impl From<Unknown> for Refusal {
    fn from(unknown: Unknown) -> Refusal {
        Refusal::Unknown(unknown)
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Page {
    errors: List<Entry, ERRORS>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    code: Loose,
    message: Loose,
}

/// Why this answer is not the thing itself.
pub fn refusal(answer: &Answer) -> Refusal {
    let authority = answer.url.authority();
    let page: Page = serde_json::from_slice(&answer.body).unwrap_or_default();
    let errors = page.errors.kept.into_iter().map(|entry| (entry.code.text(), entry.message.text()));
    let errors: Vec<(String, String)> =
        errors.map(|(code, message)| (code.unwrap_or_default(), message.unwrap_or_default())).collect();
    let has = |wanted: &[&str]| {
        errors.iter().any(|(code, _)| wanted.iter().any(|name| code.eq_ignore_ascii_case(name)))
    };
    if has(&["TOOMANYREQUESTS"]) {
        return Refusal::Unknown(answer.limited());
    }
    // A page of a proxy or of a website is a 404, too, and says nothing of images.
    if answer.status == 404 && has(&ABSENT) {
        return Refusal::Absent;
    }
    let said = errors.first().map(|(code, message)| excerpt(&format!("{code} {message}")));
    let said = said.map(|said| format!(": {said}")).unwrap_or_default();
    let unknown = match answer.status {
        401 | 403 => Unknown::new(format!("`{authority}` denies access ({}){said}", answer.status))
            .help("If the image is private, log in where the engine runs: `docker login`."),
        404 => Unknown::new(format!("`{authority}` does not answer as a registry does (404){said}")),
        status => Unknown::new(format!("`{authority}` answered {status}{said}")),
    };
    Refusal::Unknown(unknown)
}
