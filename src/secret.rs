//! Secrets are values, not names: once a value is known to be secret it is redacted wherever it would appear, also
//! base64- or URL-encoded.
//!
//! Scripts and journals only ever hold a secret's name; a primitive asks for the value when it needs it. The store is
//! one for the process, because everything that shows text must know all of it.

use crate::failure::{Failure, Kind, Result};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::RwLock;

/// Shorter values are not redacted: they would be found in every second word.
const SHORTEST: usize = 6;

/// What stands in a secret's place.
const REDACTED: &str = "‹secret›";

static STORE: RwLock<Store> = RwLock::new(Store { values: BTreeMap::new(), forms: Vec::new() });

struct Store {
    /// By name.
    values: BTreeMap<String, String>,
    /// Every form in which a value can appear in text, longest first.
    forms: Vec<String>,
}

/// A secret by its name, as scripts and journals hold it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    #[serde(rename = "$secret")]
    pub name: String,
}

impl Secret {
    /// The value itself. Fails if it has not been looked up in this process.
    pub fn reveal(&self) -> Result<String> {
        let store = STORE.read().unwrap_or_else(|poisoned| poisoned.into_inner());
        store.values.get(&self.name).cloned().ok_or_else(|| {
            Failure::new(Kind::NotFound, format!("the secret `{}` is not known here", self.name))
                .help("look it up with `read_env` or `secret` in the same run")
        })
    }
}

/// Remembers a value as secret under a name, so that it is redacted from now on.
pub fn keep(name: impl Into<String>, value: &str) -> Secret {
    let name = name.into();
    let mut store = STORE.write().unwrap_or_else(|poisoned| poisoned.into_inner());
    if value.len() >= SHORTEST && store.values.get(&name).map(String::as_str) != Some(value) {
        store.forms.extend(forms(value));
        store.forms.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        store.forms.dedup();
    }
    store.values.insert(name.clone(), value.to_owned());
    Secret { name }
}

/// Whether a setting of this name usually holds a secret: a password, a token, a key.
pub fn named_like_a_secret(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    ["PASS", "SECRET", "TOKEN", "KEY", "COOKIE", "CREDENTIAL"].iter().any(|word| name.contains(word))
}

/// The text with every known secret, in every form, replaced.
pub fn redact(text: &str) -> Cow<'_, str> {
    let store = STORE.read().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut redacted = Cow::Borrowed(text);
    for form in &store.forms {
        if redacted.contains(form.as_str()) {
            redacted = Cow::Owned(redacted.replace(form.as_str(), REDACTED));
        }
    }
    redacted
}

/// As it is, URL-encoded, JSON-escaped, and base64-encoded at each of the three alignments (without the characters
/// at the ends that depend on what stands beside it).
fn forms(value: &str) -> Vec<String> {
    let mut forms = vec![value.to_owned(), percent_encoded(value)];
    if let Ok(quoted) = serde_json::to_string(value) {
        forms.push(quoted.trim_matches('"').to_owned());
    }
    for shift in 0..3 {
        let shifted: Vec<u8> = std::iter::repeat_n(0, shift).chain(value.bytes()).collect();
        let encoded = base64(&shifted);
        let first = (shift * 8).div_ceil(6);
        let last = shifted.len() * 8 / 6;
        let form = &encoded[first..last];
        if form.len() >= SHORTEST {
            forms.push(form.to_owned());
            forms.push(form.replace('+', "-").replace('/', "_"));
        }
    }
    forms
}

fn percent_encoded(value: &str) -> String {
    let encode = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => (byte as char).to_string(),
        _ => format!("%{byte:02X}"),
    };
    value.bytes().map(encode).collect()
}

/// Standard base64 without padding (RFC 4648, section 4).
fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0u32, |word, byte| word << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..=chunk.len() {
            encoded.push(ALPHABET[(word >> (18 - 6 * place) & 63) as usize] as char);
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_redacted_in_every_form() {
        let value = "c4nary/+Secret=42";
        let secret = keep("env TEST_PASSWORD", value);
        assert_eq!(secret.reveal().unwrap(), value);
        assert_eq!(redact(&format!("password is {value}!")), "password is ‹secret›!");
        assert_eq!(redact(&format!("?p={}&q", percent_encoded(value))), "?p=‹secret›&q");
        for before in ["", "a", "ab", "user:"] {
            let encoded = base64(format!("{before}{value}:after").as_bytes());
            assert!(redact(&encoded).contains("‹secret›"), "{before}: {encoded}");
        }
        assert_eq!(redact("nothing here"), "nothing here");
    }
}
