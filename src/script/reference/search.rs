//! Looks through the pages.

use super::{Page, Sort};
use crate::script::layers::nearest;
use std::cmp::Reverse;

/// The pages of this very name; else the one function that is called so in its module. `kinds` are what `kind::` means.
pub fn named<'a>(pages: &'a [Page], name: &str, kinds: &[String]) -> Vec<&'a Page> {
    let names = match name.strip_prefix("kind::") {
        Some(function) if !kinds.is_empty() => {
            kinds.iter().map(|kind| format!("{kind}::{function}")).collect()
        }
        _ => vec![name.to_owned()],
    };
    let found: Vec<&Page> = pages.iter().filter(|page| names.contains(&page.name)).collect();
    if !found.is_empty() {
        return found;
    }
    let called: Vec<&Page> =
        own(pages).filter(|page| page.sort == Sort::Function && page.bare() == name).collect();
    if called.len() == 1 { called } else { Vec::new() }
}

/// The pages that have all of these words, those that fit best first.
pub fn search<'a>(pages: &'a [Page], words: &[String]) -> Vec<&'a Page> {
    let words: Vec<String> =
        words.iter().flat_map(|word| word.split_whitespace()).map(str::to_lowercase).collect();
    let score = |page: &Page| words.iter().map(|word| fits(page, word)).sum::<Option<usize>>();
    let mut found: Vec<(usize, &Page)> =
        own(pages).filter_map(|page| Some((score(page)?, page))).filter(|_| !words.is_empty()).collect();
    found.sort_by_key(|(score, _)| Reverse(*score));
    found.into_iter().map(|(_, page)| page).collect()
}

/// All but the functions that a kind inherits: they are found where they are defined.
fn own(pages: &[Page]) -> impl Iterator<Item = &Page> {
    pages.iter().filter(|page| page.inherited.is_none())
}

/// How well a word in lower case fits a page, if it is in it at all. A name says more than a sentence, and that more than
/// any number of mentions.
fn fits(page: &Page, word: &str) -> Option<usize> {
    let has = |text: &str| text.to_lowercase().contains(word);
    let name = match page.bare().to_lowercase() {
        bare if bare == word => 1000,
        bare if bare.split('_').any(|part| part == word) => 500,
        _ if has(&page.name) => 300,
        _ => 0,
    };
    let of_runbook = page.steps.iter().any(|step| has(step))
        || page.parameters.iter().any(|parameter| has(&parameter.name) || has(&parameter.help));
    let mentions = page.text.to_lowercase().matches(word).count();
    let score = name
        + if has(&page.summary) { 100 } else { 0 }
        + if has(&page.usage) { 50 } else { 0 }
        + if of_runbook { 50 } else { 0 }
        + mentions.min(20);
    (score > 0).then_some(score)
}

/// The name that a person most likely meant.
pub fn near<'a>(pages: &'a [Page], typed: &str) -> Option<&'a str> {
    let whole = pages.iter().map(|page| page.name.as_str());
    nearest(typed, whole.chain(pages.iter().map(Page::bare)))
}
