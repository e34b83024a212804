//! Reading a text as the program that it is meant for would, to see the secrets that are shown in it.
//!
//! Every encoder escapes another set of signs, so that lists of forms never end; reading back is the same for all. Each
//! reading keeps the place that each of its bytes came from. It is made only if its sign is in the text.

use super::automaton::automaton;
use super::form;
use aho_corasick::AhoCorasick;

use std::collections::BTreeMap;
use std::ops::Range;

/// With its white space removed, a shorter text could be anything.
const SHORTEST_RAW: usize = 10;
const SHORTEST_ENCODED: usize = 16;
/// How many bytes of a line of base64 must be those of a secret.
const OVERLAP: usize = 8;
const SHORTEST_OVERLAP: usize = 6;

type Owner = (String, String);

/// What is looked for in every reading.
pub(super) struct Readings {
    automaton: AhoCorasick,
    /// Of each pattern: whose it is, and in which readings it counts.
    patterns: Vec<(Vec<Owner>, Use)>,
    values: Vec<Owner>,
}

#[derive(Clone, Copy, PartialEq)]
enum Use {
    Everywhere,
    /// Everywhere but without white space: it is too short for that.
    WithSpace,
    /// Only without white space, for it has none of its own.
    WithoutSpace,
}

/// A text read in one way.
struct Reading {
    bytes: Vec<u8>,
    /// Where each byte begins and ends in the text.
    places: Vec<(usize, usize)>,
    is_squeezed: bool,
}

impl Readings {
    pub fn new(secrets: &[Owner]) -> Option<Readings> {
        let mut patterns: BTreeMap<String, (Vec<Owner>, Use)> = BTreeMap::new();
        let mut add = |text: String, owner: &Owner, of: Use| {
            if text.len() < form::SHORTEST {
                return;
            }
            let (owners, used) = patterns.entry(text).or_insert_with(|| (Vec::new(), of));
            if *used != of {
                *used = Use::Everywhere;
            }
            if !owners.contains(owner) {
                owners.push(owner.clone());
            }
        };
        for owner in secrets {
            let shortest =
                |text: &str, shortest| if text.len() < shortest { Use::WithSpace } else { Use::Everywhere };
            for (_, base) in form::bases(&owner.1) {
                let squeezed: String = base.chars().filter(|c| !c.is_whitespace()).collect();
                if squeezed.len() >= SHORTEST_RAW && squeezed != base {
                    add(squeezed, owner, Use::WithoutSpace);
                }
                for way in [
                    "base64+0",
                    "base64+1",
                    "base64+2",
                    "base64url+0",
                    "base64url+1",
                    "base64url+2",
                    "hex",
                    "HEX",
                ] {
                    if let Some(text) = form::write(way, &base) {
                        let of = shortest(&text, SHORTEST_ENCODED);
                        add(text, owner, of);
                    }
                }
                let of = shortest(&base, SHORTEST_RAW);
                add(base, owner, of);
            }
        }
        let (texts, patterns): (Vec<_>, Vec<_>) = patterns.into_iter().unzip();
        let values = secrets.to_vec();
        (!texts.is_empty())
            .then(|| automaton(&texts).map(|automaton| Readings { automaton, patterns, values }))?
    }

    /// The places of secrets, with whose they are.
    pub fn find<'a>(&'a self, text: &str) -> Vec<(Range<usize>, &'a [Owner])> {
        let mut found = Vec::new();
        for reading in readings(text) {
            for place in self.automaton.find_overlapping_iter(&reading.bytes) {
                let (owners, of) = &self.patterns[place.pattern().as_usize()];
                let counts = match of {
                    Use::Everywhere => true,
                    Use::WithSpace => !reading.is_squeezed,
                    Use::WithoutSpace => reading.is_squeezed,
                };
                if counts {
                    let range = reading.places[place.start()].0..reading.places[place.end() - 1].1;
                    found.push((range, owners.as_slice()));
                }
            }
        }
        self.folded(text, &mut found);
        found
    }

    /// Lines of base64 that are a part of what a secret is in: what is longer than a line is folded.
    fn folded<'a>(&'a self, text: &str, found: &mut Vec<(Range<usize>, &'a [Owner])>) {
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let inner = line.trim();
            let place = start + line.len() - line.trim_start().len();
            start += line.len();
            let is_encoded = |byte: u8| byte.is_ascii_alphanumeric() || b"+/-_=".contains(&byte);
            if inner.len() < SHORTEST_OVERLAP * 4 / 3 || !inner.bytes().all(is_encoded) {
                continue;
            }
            let Some(bytes) = form::base64_decoded(inner) else { continue };
            let owner = self.values.iter().position(|(_, value)| overlaps(&bytes, value.as_bytes()));
            if let Some(n) = owner {
                found.push((place..place + inner.len(), &self.values[n..=n]));
            }
        }
    }
}

/// Whether some bytes begin, end or lie within a value.
fn overlaps(bytes: &[u8], value: &[u8]) -> bool {
    let window = OVERLAP.min(bytes.len());
    if window < SHORTEST_OVERLAP || value.len() < window {
        return false;
    }
    let (first, last) = (&bytes[..window], &bytes[bytes.len() - window..]);
    let runs_on = |at: usize| value[at..].iter().zip(bytes).all(|(a, b)| a == b);
    let runs_back =
        |at: usize| value[..at + window].iter().rev().zip(bytes.iter().rev()).all(|(a, b)| a == b);
    let windows = || value.windows(window).enumerate();
    windows().any(|(at, found)| (found == first && runs_on(at)) || (found == last && runs_back(at)))
}

/// The readings of a text for which it has a sign. As it is, a text is looked through by the exact forms already.
fn readings(text: &str) -> Vec<Reading> {
    let bytes = text.as_bytes();
    let has = |byte: u8| bytes.contains(&byte);
    let is_sign = |byte: &u8| b"%+\\&'\"$".contains(byte) || byte.is_ascii_whitespace();
    if !bytes.iter().any(is_sign) {
        return Vec::new();
    }
    let plain = Reading {
        bytes: bytes.to_vec(),
        places: (0..bytes.len()).map(|at| (at, at + 1)).collect(),
        is_squeezed: false,
    };
    let mut readings = Vec::new();
    let plus = |at: &[u8]| (at[0] == b'+').then(|| (vec![b' '], 1));
    if has(b'%') {
        readings.push(plain.replaced(b"%", percent));
    }
    if has(b'+') {
        readings.push(plain.replaced(b"%+", |at| percent(at).or_else(|| plus(at))));
    }
    if has(b'\\') {
        let once = plain.replaced(b"\\", backslash);
        if once.bytes.contains(&b'\\') {
            readings.push(once.replaced(b"\\", backslash));
        }
        readings.push(once);
        readings.push(plain.replaced(b"'", |at| at.starts_with(b"'\\''").then(|| (vec![b'\''], 4))));
        readings.push(plain.replaced(b"\\", |at| at.starts_with(b"\\\n").then(|| (Vec::new(), 2))));
    }
    if has(b'&') && has(b';') {
        readings.push(plain.replaced(b"&", entity));
    }
    for sign in *b"'\"$" {
        if has(sign) && bytes.windows(2).any(|two| two == [sign, sign]) {
            let halved = |at: &[u8]| at.starts_with(&[sign, sign]).then(|| (vec![sign], 2));
            readings.push(plain.replaced(&[sign], halved));
        }
    }
    if has(b'\'') && has(b'"') {
        readings.push(plain.replaced(b"'", |at| at.starts_with(b"'\"'\"'").then(|| (vec![b'\''], 5))));
    }
    if bytes.iter().any(u8::is_ascii_whitespace) {
        let mut squeezed = plain.replaced(b" \t\r\n\x0c", |_| Some((Vec::new(), 1)));
        squeezed.is_squeezed = true;
        readings.push(squeezed);
        if has(b'\n') {
            let line_end = |at: &[u8]| match at {
                [b'\r', b'\n', ..] => Some((vec![b' '], 2)),
                [b'\n', ..] => Some((vec![b' '], 1)),
                _ => None,
            };
            readings.push(plain.replaced(b"\r\n", line_end));
        }
    }
    readings
}

impl Reading {
    /// The reading with something else where one of these signs stands and `read` says what it stands for, and for how
    /// many bytes.
    fn replaced(&self, signs: &[u8], read: impl Fn(&[u8]) -> Option<(Vec<u8>, usize)>) -> Reading {
        let (mut bytes, mut places) =
            (Vec::with_capacity(self.bytes.len()), Vec::with_capacity(self.bytes.len()));
        let mut at = 0;
        while at < self.bytes.len() {
            let plain = self.bytes[at..].iter().position(|byte| signs.contains(byte));
            let sign = plain.map_or(self.bytes.len(), |plain| at + plain);
            bytes.extend_from_slice(&self.bytes[at..sign]);
            places.extend_from_slice(&self.places[at..sign]);
            at = sign;
            if at == self.bytes.len() {
                break;
            }
            match read(&self.bytes[at..]) {
                Some((stands_for, length)) => {
                    let place = (self.places[at].0, self.places[at + length - 1].1);
                    places.extend(stands_for.iter().map(|_| place));
                    bytes.extend(stands_for);
                    at += length;
                }
                None => {
                    bytes.push(self.bytes[at]);
                    places.push(self.places[at]);
                    at += 1;
                }
            }
        }
        Reading { bytes, places, is_squeezed: self.is_squeezed }
    }
}

fn hex(digits: &[u8]) -> Option<u32> {
    let digits =
        std::str::from_utf8(digits).ok().filter(|text| text.bytes().all(|byte| byte.is_ascii_hexdigit()))?;
    u32::from_str_radix(digits, 16).ok()
}

fn encoded(code: u32) -> Vec<u8> {
    char::from_u32(code).map_or_else(Vec::new, |c| c.to_string().into_bytes())
}

/// `%2F`.
fn percent(at: &[u8]) -> Option<(Vec<u8>, usize)> {
    match at {
        [b'%', digits @ ..] => Some((vec![hex(digits.get(..2)?)? as u8], 3)),
        _ => None,
    }
}

/// `\n`, `\"`, `\x2f`, `\u002f`, `\u{2f}`, `\057`, and a backslash before anything else.
fn backslash(at: &[u8]) -> Option<(Vec<u8>, usize)> {
    let [b'\\', rest @ ..] = at else { return None };
    Some(match rest {
        [b'n', ..] => (vec![b'\n'], 2),
        [b't', ..] => (vec![b'\t'], 2),
        [b'r', ..] => (vec![b'\r'], 2),
        [b'x', digits @ ..] if digits.len() >= 2 && hex(&digits[..2]).is_some() => {
            (vec![hex(&digits[..2])? as u8], 4)
        }
        [b'u', b'{', digits @ ..] => {
            let end = digits.iter().take(9).position(|byte| *byte == b'}')?;
            (encoded(hex(digits.get(..end)?)?), end + 4)
        }
        [b'u', digits @ ..] if digits.len() >= 4 && hex(&digits[..4]).is_some() => {
            (encoded(hex(&digits[..4])?), 6)
        }
        [b'0'..=b'7', b'0'..=b'7', b'0'..=b'7', ..] => {
            let digit = |n: usize| u32::from(rest[n] - b'0');
            (vec![(digit(0) * 64 + digit(1) * 8 + digit(2)) as u8], 4)
        }
        [other, ..] => (vec![*other], 2),
        [] => return None,
    })
}

/// `&amp;`, `&#39;`, `&#x27;`.
fn entity(at: &[u8]) -> Option<(Vec<u8>, usize)> {
    let end = at.iter().take(12).position(|byte| *byte == b';').filter(|_| at[0] == b'&')?;
    let stands_for = match &at[1..end] {
        b"amp" => vec![b'&'],
        b"lt" => vec![b'<'],
        b"gt" => vec![b'>'],
        b"quot" => vec![b'"'],
        b"apos" => vec![b'\''],
        [b'#', b'x' | b'X', digits @ ..] => encoded(hex(digits)?),
        [b'#', digits @ ..] => encoded(std::str::from_utf8(digits).ok()?.parse().ok()?),
        _ => return None,
    };
    Some((stands_for, end + 1))
}
