//! Which of several words a person most likely meant.

use super::difference::operations;

/// How far a word may be from a known one to be that one, misspelt: in letters put in or left out.
pub const MISSPELT: usize = 2;

/// The word that a person most likely meant, if one is near enough.
pub fn nearest<'a>(typed: &str, words: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = words.into_iter().map(|word| (word, likeness(typed, word)));
    let best = scored.max_by(|(_, a), (_, b)| a.total_cmp(b))?;
    (best.1 >= 0.6 && best.0 != typed).then_some(best.0)
}

/// How many letters have to be put in or left out to make one word of the other.
pub fn distance(a: &str, b: &str) -> usize {
    let letters = a.chars().count() + b.chars().count();
    (letters as f32 * (1.0 - likeness(a, b))).round() as usize
}

/// The part of the letters that two words share in order, from 0 to 1.
fn likeness(a: &str, b: &str) -> f32 {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let letters = |word| str::split_inclusive(word, |_| true).collect::<Vec<_>>();
    let (a, b) = (letters(&a), letters(&b));
    similar::diff_ratio(&operations(&a, &b), a.len(), b.len())
}
