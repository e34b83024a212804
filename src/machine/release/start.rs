//! Where in a tag the version begins.

use super::why::Why;
use super::words::{self, is_commit, is_hexadecimal};

/// What stands before the numbers.
#[derive(Debug)]
pub struct Start {
    /// In lower case, with its last separator, without a `v` and without commits.
    pub prefix: String,
    /// Whether a commit stands there.
    pub has_commit: bool,
    /// Where the first digit of the version is, in bytes.
    pub at: usize,
}

/// A piece of a tag, between two separators.
pub struct Piece<'a> {
    /// The separator before it.
    pub separator: Option<char>,
    pub text: &'a str,
    /// Where it begins, in bytes.
    pub at: usize,
}

const SEPARATORS: [char; 8] = ['-', '_', '/', '@', '+', '.', '~', '='];

/// The words that say that a commit follows, though it may have no letter.
const COMMITS: [&str; 5] = ["sha", "sha1", "sha256", "git", "commit"];

/// The pieces of a text, the empty ones with the others.
pub fn pieces(text: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let (mut at, mut separator) = (0, None);
    for (end, letter) in text.char_indices().filter(|(_, letter)| SEPARATORS.contains(letter)) {
        found.push(Piece { separator, text: &text[at..end], at });
        (at, separator) = (end + letter.len_utf8(), Some(letter));
    }
    found.push(Piece { separator, text: &text[at..], at });
    found
}

/// Finds the version in a tag in lower case: the first piece that begins with a digit, or with `v` and a digit. If
/// there is none, the first that has a digit at all, as in `go1.22`.
pub fn start(tag: &str) -> Result<Start, Why> {
    let pieces = pieces(tag);
    let version = |piece: &str| piece.strip_prefix('v').unwrap_or(piece).starts_with(digit);
    let found = find(&pieces, version).or_else(|| find(&pieces, |piece| piece.contains(digit)));
    match found {
        Some(start) => Ok(start),
        None if words::is_moving(tag) => Err(Why::Moving),
        None if (0..pieces.len()).any(|n| is_commit_at(&pieces, n)) => Err(Why::Commit),
        None => Err(Why::NoNumber),
    }
}

fn find(pieces: &[Piece<'_>], is_version: impl Fn(&str) -> bool) -> Option<Start> {
    let mut prefix = String::new();
    let mut has_commit = false;
    for (n, piece) in pieces.iter().enumerate() {
        // A point joins numbers; only behind a word, as in `RELEASE.2024-05-28`, a version can begin after it.
        let is_joined = piece.separator == Some('.') && !is_word(pieces[n - 1].text);
        if is_commit_at(pieces, n) {
            has_commit = true;
            continue;
        }
        if !is_joined && is_version(piece.text) {
            let digit = piece.text.find(digit)?;
            let before = &piece.text[..digit];
            prefix.push_str(if before == "v" { "" } else { before });
            return Some(Start { prefix: without_v(prefix), has_commit, at: piece.at + digit });
        }
        prefix.push_str(piece.text);
        prefix.extend(pieces.get(n + 1).and_then(|next| next.separator));
    }
    None
}

/// `v-1.2` and `v.1.2` are `v1.2`.
fn without_v(prefix: String) -> String {
    let bare = prefix.strip_suffix(['-', '.', '_']).and_then(|prefix| prefix.strip_suffix('v'));
    match bare {
        Some(bare) if bare.is_empty() || bare.ends_with(SEPARATORS) => bare.to_owned(),
        _ => prefix,
    }
}

fn is_commit_at(pieces: &[Piece<'_>], n: usize) -> bool {
    let text = pieces[n].text;
    is_commit(text) || (n > 0 && COMMITS.contains(&pieces[n - 1].text) && is_hexadecimal(text))
}

fn is_word(piece: &str) -> bool {
    !piece.is_empty() && piece.bytes().all(|byte| byte.is_ascii_alphabetic())
}

fn digit(letter: char) -> bool {
    letter.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(tag: &str) -> (String, &str) {
        let start = start(tag).unwrap();
        (start.prefix, &tag[start.at..])
    }

    #[test]
    fn the_version_begins_with_the_first_piece_that_begins_with_a_digit() {
        let split = |tag| split(tag).1;
        for (tag, version) in [
            ("v1.2.3", "1.2.3"),
            ("php8-21.0.0", "21.0.0"),
            ("n8n@1.2", "1.2"),
            ("pg16-v0.7", "0.7"),
            ("release.2024-05-28t17-19-04z", "2024-05-28t17-19-04z"),
            ("rel_15_3", "15_3"),
            ("go1.22.3", "1.22.3"),
            ("b4521", "4521"),
            ("20241101b", "20241101b"),
        ] {
            assert_eq!(split(tag), version, "{tag}");
        }
    }

    #[test]
    fn what_stands_before_it_is_the_prefix_without_a_v_and_without_commits() {
        let prefix = |tag| split(tag).0;
        for (tag, before) in [
            ("v1.2.3", ""),
            ("v-1.2", ""),
            ("v.1.2", ""),
            ("android/v1.7.0-1", "android/"),
            ("version/2024.8.6", "version/"),
            ("dev-1.2", "dev-"),
            ("pg16-v0.7", "pg16-"),
            ("main-8f3a2b1-1712345678", "main-"),
            ("go1.22", "go"),
        ] {
            assert_eq!(prefix(tag), before, "{tag}");
        }
    }

    #[test]
    fn a_tag_without_a_version_says_why() {
        for (tag, why) in [
            ("latest", Why::Moving),
            ("account-repos", Why::NoNumber),
            ("8f3a2b1", Why::Commit),
            ("sha-1234567", Why::Commit),
            ("main-8f3a2b1", Why::Commit),
            ("", Why::NoNumber),
            ("日本", Why::NoNumber),
        ] {
            assert_eq!(start(tag).unwrap_err(), why, "{tag}");
        }
    }
}
