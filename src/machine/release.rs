//! Releases, as tags of git or of images name them, and their order.
//!
//! A tag is read as *prefix, numbers, what comes before or after them, flavour*: `android/v1.7.0-rc.2-alpine` is
//! `android/`, 1.7.0, the candidate 2, `alpine`. Only tags with the same prefix and flavour are compared: these are a
//! *series*. What can't be read, and what belongs to another series, is reported, never dropped. Dates of commits
//! play no part: projects maintain several lines at once.

mod age;
mod choice;
mod mention;
mod number;
mod numbers;
mod passed;
mod pattern;
mod pinned;
mod reading;
mod rest;
mod rules;
mod start;
mod told;
mod why;
mod words;

#[cfg(test)]
mod tests;

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};

use crate::failure::{Failure, Kind};
use crate::output::digest::shortened;
use reading::Reading;

pub use age::{choose_old, young};
pub use choice::{Choice, choose};
pub use mention::mentioned;
pub use number::Number;
pub use passed::{between, stops};
pub use pinned::{Pinned, pinned, pinned_name, written_tag};
pub use reading::Family;
pub use rules::{Forge, LeftOut, Rules, installed};
pub use told::{Told, reported};
pub use why::Why;

/// A tag, with what can be read from it. Two are equal if they are spelt the same; whether they are the same release
/// says [`Release::compare`].
#[derive(Clone, Debug)]
pub struct Release {
    tag: String,
    reading: Result<Reading, Why>,
}

/// No registry and no filesystem takes a longer name.
const LONGEST: usize = 1_000;

impl Release {
    /// The tag, as it is spelt in the repository or the registry.
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The version in it, as changelogs and files of releases name it: `2024.8.6` of `version/2024.8.6`, `1.2.0-rc.1`
    /// of `v1.2.0-rc.1`. All of a tag that can't be read.
    pub fn version(&self) -> &str {
        self.reading.as_ref().ok().and_then(|reading| self.tag.get(reading.at..)).unwrap_or(&self.tag)
    }

    /// The tag as a part of a file's name: without slashes and what else a name should not have, and not too long.
    pub fn file_name(&self) -> String {
        let is_plain = |letter: &char| letter.is_alphanumeric() || ['.', '-', '_', '+', '@'].contains(letter);
        let tag = match pinned(&self.tag) {
            Some(_) => shortened(&self.tag).replace("sha256:", ""),
            None => self.tag.clone(),
        };
        tag.chars().take(80).map(|letter| if is_plain(&letter) { letter } else { '-' }).collect()
    }

    /// Why it has no place in any order, if it has none.
    pub fn why(&self) -> Option<Why> {
        self.reading.as_ref().err().copied()
    }

    /// Whether it has a version that can be compared.
    pub fn has_order(&self) -> bool {
        self.reading.is_ok()
    }

    /// Whether it is a trial such as `1.2.0-rc.1`, which nobody gets who has not asked for it.
    pub fn is_trial(&self) -> bool {
        self.reading.as_ref().is_ok_and(Reading::is_trial)
    }

    /// The series it belongs to; only within one are releases compared.
    pub fn family(&self) -> Option<&Family> {
        self.reading.as_ref().ok().map(|reading| &reading.family)
    }

    /// Its numbers: 2024, 8 and 6 of `version/2024.8.6`.
    pub fn numbers(&self) -> &[Number] {
        self.reading.as_ref().map_or(&[], |reading| &reading.numbers)
    }

    /// The first two of its numbers, as in `0.2`; one that can't be read is all that it has, its tag.
    pub fn first_two_numbers(&self) -> String {
        let numbers: Vec<String> = self.numbers().iter().take(2).map(Number::to_string).collect();
        if numbers.is_empty() { self.tag.clone() } else { numbers.join(".") }
    }

    /// Whether a backup of this release fits into another one by the first two numbers.
    pub fn has_first_two_numbers_of(&self, other: &Release) -> bool {
        let first = |release: &Release| -> Vec<Number> {
            let zero = std::iter::repeat(Number::new(""));
            release.numbers().iter().cloned().chain(zero).take(2).collect()
        };
        self.compare(other).is_some() && first(self) == first(other) || self.tag == other.tag
    }

    /// Whether it has as many numbers and builds as another one. Of images, `15.3` moves to `15.4` and not to
    /// `15.3.1`.
    pub fn has_shape_of(&self, other: &Release) -> bool {
        match (&self.reading, &other.reading) {
            (Ok(one), Ok(other)) => one.shape() == other.shape(),
            _ => false,
        }
    }

    /// The order within a series; none between two series, or if one of them can't be read. Two tags may be the same
    /// release, as `v1.2` and `1.2.0` are.
    pub fn compare(&self, other: &Release) -> Option<Ordering> {
        match (&self.reading, &other.reading) {
            (Ok(one), Ok(other)) if one.family == other.family => Some(one.compare(other)),
            _ => None,
        }
    }

    /// Whether it is a later release of the same series.
    pub fn is_newer_than(&self, other: &Release) -> bool {
        self.compare(other) == Some(Ordering::Greater)
    }

    /// An order for lists: what can't be read, then series by series, each oldest first. It says nothing about which
    /// of two series is newer. Of the tags on one commit the last is what people call the release.
    pub fn list_order(&self, other: &Release) -> Ordering {
        let order = match (&self.reading, &other.reading) {
            (Ok(one), Ok(other)) => {
                let families = || (one.family.rank(), &one.family).cmp(&(other.family.rank(), &other.family));
                families().then_with(|| one.compare(other))
            }
            (one, other) => one.is_ok().cmp(&other.is_ok()),
        };
        order.then_with(|| self.tag.cmp(&other.tag))
    }

    /// How it is spelt, without what its numbers and commits are.
    fn spelling(&self) -> String {
        let pieces = start::pieces(&self.tag).into_iter().map(|piece| {
            let digits = |letter: char| letter.is_ascii_digit();
            let text = match words::is_commit(&piece.text.to_ascii_lowercase()) {
                true => "#".to_owned(),
                false => {
                    piece.text.split(digits).filter(|text| !text.is_empty()).collect::<Vec<_>>().join("0")
                }
            };
            // `.9` and `.v9` are told apart by where the digits are.
            let begins = if piece.text.starts_with(digits) { "0" } else { "" };
            format!("{}{begins}{text}", piece.separator.map(String::from).unwrap_or_default())
        });
        pieces.collect()
    }
}

impl FromStr for Release {
    type Err = Failure;

    /// Takes whatever can be a tag; `invalid` for what can't.
    fn from_str(tag: &str) -> Result<Release, Failure> {
        let wrong = |why: &str| {
            let shown: String = tag.chars().take(60).collect();
            Failure::new(Kind::Invalid, format!("{shown:?} can't be a tag")).why(why)
        };
        let is_forbidden = |letter: char| {
            letter.is_whitespace()
                || letter.is_control()
                || ['~', '^', ':', '?', '*', '[', '\\'].contains(&letter)
        };
        if pinned(tag).is_some() {
            return Ok(Release { tag: tag.to_owned(), reading: Err(Why::Moving) });
        }
        match tag.chars().find(|letter| is_forbidden(*letter)) {
            _ if tag.is_empty() => Err(wrong("it is empty")),
            _ if tag.len() > LONGEST => Err(wrong(&format!("it has more than {LONGEST} bytes"))),
            Some(letter) => Err(wrong(&format!("{letter:?} is in no tag"))),
            None => Ok(Release { tag: tag.to_owned(), reading: Reading::of(tag) }),
        }
    }
}

impl fmt::Display for Release {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.tag)
    }
}

impl PartialEq for Release {
    fn eq(&self, other: &Release) -> bool {
        self.tag == other.tag
    }
}

impl Eq for Release {}

impl Hash for Release {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.tag.hash(state);
    }
}

impl Serialize for Release {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.tag)
    }
}

impl<'de> Deserialize<'de> for Release {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Release, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

/// The tags as releases, each once, in [`Release::list_order`]. What can't be a tag is left out.
pub fn releases<'a>(tags: impl IntoIterator<Item = &'a str>) -> Vec<Release> {
    let mut found: Vec<Release> = tags.into_iter().filter_map(|tag| tag.parse().ok()).collect();
    found.sort_by(Release::list_order);
    found.dedup();
    found
}
