//! How `banister init` recognises a server of a kind, and what it writes of it.

use super::{FILE, Facts, STDLIB, Written, bundled, path_of};
use serde::Deserialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// `[detect]` in `kind.toml`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Detect {
    /// The files that all are in the checkout.
    pub files: Vec<String>,
    /// Which servers are meant, for people; nothing, if the name says it.
    pub about: String,
    /// The settings file, in the checkout or from `~/` on.
    pub settings: Option<String>,
    /// Where users reach it: the first of these URLs whose settings are all there.
    pub endpoint: Vec<String>,
    /// For each step, the names that its make target usually has.
    pub targets: BTreeMap<String, Vec<String>>,
    /// Lines for its table.
    pub table: String,
    /// What to do with the file then.
    pub next: Option<String>,
    pub links: Links,
}

/// Where its own files name other servers.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Links {
    /// URLs that mean the server itself.
    pub own: Vec<String>,
    /// What the URL of a service has after that of its server.
    pub services: Vec<String>,
    /// Settings with the URL of a service of another server.
    pub settings: Vec<String>,
    /// Files with a list of such URLs.
    pub lists: Vec<List>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct List {
    pub file: String,
    pub key: String,
}

/// The bundled kinds that can be recognised: those first that extend others, which would fit as well.
pub fn detectable() -> Vec<(String, Detect)> {
    let mut found: Vec<(usize, String, Detect)> = bundled()
        .into_iter()
        .filter_map(|name| {
            let text = STDLIB.get_file(path_of(&name))?.contents_utf8()?;
            let detect = Written::parse(text, FILE).ok()?.detect?;
            Some((Facts::of(None, &name).ok()?.lineage.len(), name, detect))
        })
        .collect();
    found.sort_by_key(|(depth, ..)| Reverse(*depth));
    found.into_iter().map(|(_, name, detect)| (name, detect)).collect()
}

/// A text in which `${NAME:-DEFAULT}` stands for what `value` knows, and whether all of it was known.
pub fn filled(written: &str, mut value: impl FnMut(&str) -> Option<String>) -> (String, bool) {
    let (mut text, mut rest, mut is_known) = (String::new(), written, true);
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        let (name, default) = match name.split_once(":-") {
            Some((name, default)) => (name, Some(default.to_owned())),
            None => (name, None),
        };
        let known = value(name).filter(|value| !value.is_empty()).or(default);
        is_known &= known.is_some();
        text.push_str(before);
        text.push_str(&known.unwrap_or_default());
        rest = after;
    }
    (text + rest, is_known)
}
