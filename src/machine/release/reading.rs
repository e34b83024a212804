//! What a tag says, and the order of those that can be compared.

use std::cmp::Ordering;

use super::number::{self, Number};
use super::numbers::{Sort, numbers};
use super::rest::{Item, Rest, rest};
use super::start::start;
use super::why::Why;
use super::words;

/// What releases must have in common to be compared.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Family {
    /// What stands before the version, in lower case, without a `v`.
    prefix: String,
    sort: Sort,
    /// The words behind the version, in lower case.
    flavour: Vec<String>,
    has_commit: bool,
}

impl Family {
    /// Whether it has numbers only, with or without stages and builds.
    pub fn is_plain(&self) -> bool {
        self.prefix.is_empty() && self.flavour.is_empty() && !self.has_commit
    }

    /// Whether its prefix says that all of it are trials, as in `nightly-2024-01-02`.
    pub fn is_trial(&self) -> bool {
        self.prefix.split(|letter: char| !letter.is_alphanumeric()).any(words::is_trial)
    }

    /// The order of families in a list of tags that stand on one commit: the last is what people call the release.
    /// `v4.0.1` is more than `v4`, and a name without a word more than one with it.
    pub(super) fn rank(&self) -> (bool, bool, bool, Sort) {
        (!self.is_trial(), !self.has_commit, self.is_plain(), self.sort)
    }
}

/// What a tag says.
#[derive(Clone, Debug)]
pub struct Reading {
    pub family: Family,
    /// Where in the tag the version begins, in bytes.
    pub at: usize,
    pub numbers: Vec<Number>,
    pub items: Vec<Item>,
}

impl Reading {
    /// Reads a tag.
    pub fn of(tag: &str) -> Result<Reading, Why> {
        let tag = tag.to_ascii_lowercase();
        let start = start(&tag)?;
        let version = &tag[start.at..];
        let (numbers, sort, end) = numbers(version, &start.prefix);
        if is_placeholder(&numbers) {
            return Err(Why::Placeholder);
        }
        let Rest { items, flavour, has_commit, .. } = rest(&version[end..]);
        let has_commit = has_commit || start.has_commit;
        let family = Family { prefix: start.prefix, sort, flavour, has_commit };
        Ok(Reading { family, at: start.at, numbers, items })
    }

    /// Whether it comes before a release.
    pub fn is_trial(&self) -> bool {
        self.family.is_trial() || self.items.iter().any(|item| matches!(item, Item::Stage(..)))
    }

    /// How many numbers and builds it has.
    pub fn shape(&self) -> (usize, usize) {
        let builds = self.items.iter().filter(|item| matches!(item, Item::Build(_)));
        (self.numbers.len(), builds.count())
    }

    /// The order within a family.
    pub fn compare(&self, other: &Reading) -> Ordering {
        let numbers = number::compare(&self.numbers, &other.numbers);
        numbers.then_with(|| compare_items(&self.items, &other.items))
    }
}

/// Only nines or only zeros, as builds are called that nobody should install. `0.99.2`, `9.9` and `0.0.14` are real.
fn is_placeholder(numbers: &[Number]) -> bool {
    let zero = |n: usize| numbers.get(n).is_none_or(Number::is_zero);
    match numbers {
        [only] => only.is_zero() || only.is_nines(3),
        [first, second, ..] => {
            (first.is_nines(2) && second.is_nines(2)) || (first.is_zero() && second.is_zero() && zero(2))
        }
        [] => true,
    }
}

/// Item by item, in the order in which they stand. A version that ends is after one that continues with a stage, and
/// before one that continues with anything else: 1.0-rc1, 1.0-rc1-2, 1.0, 1.0-1, 1.0a.
fn compare_items(one: &[Item], other: &[Item]) -> Ordering {
    let rank = |item: Option<&Item>| match item {
        Some(Item::Stage(..)) => 0,
        None => 1,
        Some(Item::Flavour(_)) => 2,
        Some(Item::Build(_)) => 3,
        Some(Item::Letter(_)) => 4,
    };
    for n in 0..one.len().max(other.len()) {
        let (one, other) = (one.get(n), other.get(n));
        let order = match (one, other) {
            (Some(Item::Stage(one, first)), Some(Item::Stage(other, second))) => {
                (one, first).cmp(&(other, second))
            }
            (Some(Item::Flavour(one)), Some(Item::Flavour(other))) => one.cmp(other),
            (Some(Item::Build(one)), Some(Item::Build(other))) => one.cmp(other),
            (Some(Item::Letter(one)), Some(Item::Letter(other))) => one.cmp(other),
            _ => rank(one).cmp(&rank(other)),
        };
        if order.is_ne() {
            return order;
        }
    }
    Ordering::Equal
}
