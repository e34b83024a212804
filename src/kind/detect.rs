//! How `banister init` recognises a server of a kind, and what it writes of it.

use super::{Detect, FILE, Facts, STDLIB, Written, bundled, path_of};
use std::cmp::Reverse;

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
