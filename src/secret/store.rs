//! The secrets that this process knows.

use super::find::Finder;
use super::{Secret, key, value};
use crate::sync::RwLock;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

static STORE: LazyLock<RwLock<Store>> = LazyLock::new(RwLock::default);

#[derive(Default)]
struct Store {
    secrets: BTreeMap<String, Known>,
    /// Words of the site: hidden nowhere but beside the name of a secret that has such a value.
    words: BTreeSet<String>,
    finder: Arc<Finder>,
    /// Counts the changes, and says which of them the finder knows.
    version: u64,
    found: u64,
}

/// What is known of one secret.
struct Known {
    /// Every value that it had in this process, the last being that of now. A run changes secrets itself, and what it
    /// read before must still be known.
    values: Vec<String>,
    /// Whether it is to be hidden, or only known by its name.
    is_hidden: bool,
}

/// Remembers a value as secret under a name, so that it is hidden from now on.
pub fn keep(name: impl Into<String>, value: &str) -> Secret {
    remember(name.into(), value, true)
}

/// Remembers the value of what is no secret, but was one for records that name it.
pub fn know(name: impl Into<String>, value: &str) {
    remember(name.into(), value, false);
}

fn remember(name: String, value: &str, hide: bool) -> Secret {
    let mut store = STORE.write();
    let known = store.secrets.entry(name.clone()).or_insert(Known { values: Vec::new(), is_hidden: hide });
    if known.values.last().map(String::as_str) != Some(value) || known.is_hidden != hide {
        known.values.retain(|other| other != value);
        known.values.push(value.to_owned());
        known.is_hidden = hide;
        store.version += 1;
    }
    Secret { name }
}

/// Remembers a word of the site: the name of a server, a part of a path, a setting that is no secret.
pub fn keep_word(word: &str) {
    let mut store = STORE.write();
    if !word.is_empty() && !store.words.contains(word) {
        let is_secret = store.secrets.values().any(|known| known.values.iter().any(|value| value == word));
        store.words.insert(word.to_owned());
        store.version += u64::from(is_secret);
    }
}

/// Whether any secret is looked for.
pub fn is_any() -> bool {
    !finder().is_empty()
}

/// Whether any secret is known, be it only by its name.
pub fn has_secrets() -> bool {
    !STORE.read().secrets.is_empty()
}

/// Whether a secret of this name is known.
pub fn is_kept(name: &str) -> bool {
    STORE.read().secrets.contains_key(name)
}

/// Whether this is the whole value of a secret, however weak.
pub fn is_value(text: &str) -> bool {
    !names_of(text).is_empty()
}

/// The secrets of which this is the whole value.
pub(super) fn names_of(text: &str) -> Vec<String> {
    let store = STORE.read();
    let has = |known: &&Known| known.is_hidden && known.values.iter().any(|value| value == text);
    let named = store.secrets.iter().filter(|(_, known)| !text.is_empty() && has(known));
    named.map(|(name, _)| name.clone()).collect()
}

/// Forgets all secrets: for tests, in which many processes are one.
#[doc(hidden)]
pub fn forget_all() {
    let mut store = STORE.write();
    *store = Store { version: store.version + 1, found: store.found, ..Store::default() };
}

/// The value of now.
pub(super) fn value(name: &str) -> Option<String> {
    STORE.read().secrets.get(name).and_then(|known| known.values.last().cloned())
}

/// The value with this tag, if the secret has or had it.
pub(super) fn value_of_tag(name: &str, tag: &str) -> Option<String> {
    let values = STORE.read().secrets.get(name)?.values.clone();
    values.into_iter().rev().find(|value| key::tag(name, value).as_deref() == Some(tag))
}

/// What looks for the secrets, as they are now.
pub(super) fn finder() -> Arc<Finder> {
    {
        let store = STORE.read();
        if store.found == store.version {
            return store.finder.clone();
        }
    }
    let (version, (strong, weak)) = {
        let store = STORE.read();
        let hidden = store.secrets.iter().filter(|(_, known)| known.is_hidden);
        let all = hidden
            .flat_map(|(name, known)| known.values.iter().map(move |value| (name.clone(), value.clone())));
        let parted = all
            .filter(|(_, value)| !value.trim().is_empty())
            .partition(|(_, value)| !value::is_weak(value) && !store.words.contains(value.trim()));
        (store.version, parted)
    };
    let finder = Arc::new(Finder::new(strong, weak));
    let mut store = STORE.write();
    store.finder = finder.clone();
    store.found = version;
    finder
}
