//! Looking for many texts in one pass.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};

/// Makes the automaton that was measured to be the fastest of those that stay small.
pub(super) fn automaton<T: AsRef<[u8]>>(patterns: &[T]) -> Option<AhoCorasick> {
    AhoCorasick::builder()
        .match_kind(MatchKind::Standard)
        .kind(Some(AhoCorasickKind::ContiguousNFA))
        .prefilter(false)
        .build(patterns)
        .ok()
}
