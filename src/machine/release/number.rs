//! Numbers of any width.

use std::cmp::Ordering;
use std::fmt;

/// A number in a tag, such as the `02` of `2024.02`: leading zeros are spelling, and a timestamp of twenty digits
/// is a number like any other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Number(Box<str>);

impl Number {
    /// Of decimal digits, and nothing but those.
    pub(super) fn new(digits: &str) -> Number {
        Number(digits.trim_start_matches('0').into())
    }

    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether it is written in nines only, at least so many.
    pub(super) fn is_nines(&self, at_least: usize) -> bool {
        self.0.len() >= at_least && self.0.bytes().all(|digit| digit == b'9')
    }
}

impl Ord for Number {
    fn cmp(&self, other: &Number) -> Ordering {
        (self.0.len(), &self.0).cmp(&(other.0.len(), &other.0))
    }
}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Number) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Display for Number {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(if self.is_zero() { "0" } else { &self.0 })
    }
}

/// Compares numbers one by one; what one of them lacks is zero, so that `1.2` and `1.2.0` are the same.
pub(super) fn compare(one: &[Number], other: &[Number]) -> Ordering {
    let zero = Number::new("");
    let count = one.len().max(other.len());
    let pairs = (0..count).map(|n| (one.get(n).unwrap_or(&zero), other.get(n).unwrap_or(&zero)));
    pairs.map(|(one, other)| one.cmp(other)).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_any_width_are_compared_and_leading_zeros_are_spelling() {
        let number = Number::new;
        assert!(number("9") < number("10"));
        assert!(number("18446744073709551615") < number("18446744073709551616"));
        assert_eq!(number("007"), number("7"));
        assert_eq!(number("000").to_string(), "0");
        assert!(number("99").is_nines(2) && !number("9").is_nines(2) && !number("989").is_nines(2));
    }
}
