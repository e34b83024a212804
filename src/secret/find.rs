//! Looking for every form of every secret in one pass.

use super::automaton::automaton;
use super::piece::{Part, Piece, Then};
use super::reading::Readings;
use super::{form, key};
use aho_corasick::AhoCorasick;
use std::collections::BTreeMap;
use std::ops::Range;

/// Knows the secrets of one moment.
#[derive(Default)]
pub(super) struct Finder {
    forms: Option<Forms>,
    readings: Option<Readings>,
    /// By the last word of a name, those that are hidden only beside it.
    pub weak: Vec<(String, String)>,
    has_numbers: bool,
}

struct Forms {
    automaton: AhoCorasick,
    /// Of each pattern: whose it is, and in which form.
    owners: Vec<(Vec<(String, String)>, String)>,
    texts: Vec<String>,
}

/// Of a text: whether it is derived from a value, in which form, and the names and values that it is a form of.
type Known = (bool, String, Vec<(String, String)>);

impl Finder {
    /// Secrets by name and value: those that are looked for everywhere, and the others.
    pub fn new(strong: Vec<(String, String)>, weak: Vec<(String, String)>) -> Finder {
        // One text may be a form of several: a value as it is goes first, then the names in their order.
        let mut texts: BTreeMap<String, Known> = BTreeMap::new();
        for (name, value) in &strong {
            for (form, text) in form::all(value) {
                let is_derived = form != "raw";
                let owner = (name.clone(), value.clone());
                match texts.get_mut(&text) {
                    None => drop(texts.insert(text, (is_derived, form, vec![owner]))),
                    Some((_, other, of)) if *other == form && of[0].1 == *value => of.push(owner),
                    Some(other) if other.0 && !is_derived => *other = (is_derived, form, vec![owner]),
                    Some(_) => {}
                }
            }
        }
        let has_numbers = texts
            .keys()
            .any(|text| text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.e".contains(&byte)));
        let (texts, owners): (Vec<_>, Vec<_>) =
            texts.into_iter().map(|(text, (_, form, of))| (text, (of, form))).unzip();
        let forms = automaton(&texts).filter(|_| !texts.is_empty());
        let bare = |name: &str| {
            let setting = name.split(' ').nth(1).unwrap_or(name);
            setting.rsplit('.').next().unwrap_or(setting).to_owned()
        };
        // An address that is looked for everywhere may have a password that is not.
        let passwords = strong.iter().filter_map(|(name, value)| {
            let password = super::value::password_of(value)?;
            super::is_weak(password).then(|| (name.clone(), password.to_owned()))
        });
        let weak = weak.into_iter().chain(passwords).map(|(name, value)| (bare(&name), value)).collect();
        Finder {
            forms: forms.map(|automaton| Forms { automaton, owners, texts }),
            readings: Readings::new(&strong),
            weak,
            has_numbers,
        }
    }

    /// Whether there is nothing to look for in any text.
    pub fn is_empty(&self) -> bool {
        self.forms.is_none()
    }

    /// Whether a number may be a secret.
    pub fn has_numbers(&self) -> bool {
        self.has_numbers
    }

    /// The parts of a text, added to `parts`. Where secrets overlap, the second is there from where the first ends: if
    /// the longest alone were taken, the rest of the other would stay.
    pub fn split(&self, text: &str, parts: &mut Vec<Part>) {
        let mut end = 0;
        let plain = |range: Range<usize>, parts: &mut Vec<Part>| {
            if !range.is_empty() {
                parts.push(Part::Text(text[range].to_owned()));
            }
        };
        for (range, pattern) in self.matches(text) {
            if range.end <= end {
                continue;
            }
            plain(end.min(range.start)..range.start, parts);
            let from = end.saturating_sub(range.start);
            let (of, form) = self.owner(pattern);
            parts.push(Part::Piece(Piece::Then(Then { of, form: Some(form), from, at: None, whole: None })));
            end = range.end;
        }
        plain(end..text.len(), parts);
    }

    /// Every place of a form, by its beginning, the longest first.
    fn matches(&self, text: &str) -> Vec<(Range<usize>, usize)> {
        let Some(forms) = &self.forms else { return Vec::new() };
        let found = forms.automaton.find_overlapping_iter(text);
        let mut found: Vec<_> = found.map(|found| (found.range(), found.pattern().as_usize())).collect();
        found.sort_by_key(|(range, pattern)| (range.start, std::cmp::Reverse(range.end), *pattern));
        found
    }

    fn owner(&self, pattern: usize) -> (Vec<(String, Option<String>)>, String) {
        let Some((of, form)) = self.forms.as_ref().and_then(|forms| forms.owners.get(pattern)) else {
            return (Vec::new(), String::new());
        };
        let tagged = of.iter().map(|(name, value)| (name.clone(), key::tag(name, value)));
        (tagged.collect(), form.clone())
    }

    /// The secrets that a text shows to whoever reads it another way than as it stands, outside of the forms in it.
    pub fn read(&self, text: &str) -> Option<Vec<(String, Option<String>)>> {
        let readings = self.readings.as_ref()?;
        let mut known = self.forms(text);
        known.sort_by_key(|range| range.start);
        let is_new = |range: &Range<usize>| {
            let mut at = range.start;
            for known in &known {
                if known.start <= at && known.end > at {
                    at = known.end;
                }
            }
            at < range.end
        };
        let found = readings.find(text).into_iter().filter(|(range, _)| is_new(range));
        let mut of: Vec<(String, Option<String>)> = Vec::new();
        for (_, owners) in found {
            for (name, value) in owners {
                let named = (name.clone(), key::tag(name, value));
                if !of.contains(&named) {
                    of.push(named);
                }
            }
        }
        (!of.is_empty()).then_some(of)
    }

    /// The places of forms.
    pub fn forms(&self, text: &str) -> Vec<Range<usize>> {
        self.matches(text).into_iter().map(|(range, _)| range).collect()
    }

    /// All places that a person must not see.
    pub fn places(&self, text: &str) -> Vec<Range<usize>> {
        let mut places = self.forms(text);
        if let Some(readings) = &self.readings {
            places.extend(readings.find(text).into_iter().map(|(range, _)| range));
        }
        super::weak::places(text, &self.weak, &mut places);
        places
    }

    /// How many bytes at the end of a text may be the beginning of a secret.
    pub fn tail(&self, text: &str) -> usize {
        let Some(forms) = &self.forms else { return 0 };
        let begins = |form: &String| {
            let longest = text.len().min(form.len() - 1);
            (1..=longest).rev().find(|n| text.as_bytes()[text.len() - n..] == form.as_bytes()[..*n])
        };
        let mut tail = forms.texts.iter().filter_map(begins).max().unwrap_or(0);
        while !text.is_char_boundary(text.len() - tail) {
            tail += 1;
        }
        tail
    }
}
