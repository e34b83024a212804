//! What the words in tags mean. All are compared in lower case.

/// What a word behind the numbers says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// A stage before the release, the earliest first.
    Stage(u8),
    /// Something after the release: `1.2-hotfix3`.
    Build,
    /// Nothing: `1.2.3-final` is `1.2.3`.
    Nothing,
    /// Anything else, such as `alpine`.
    Other,
}

/// The stages, the earliest first.
const STAGES: [&[&str]; 5] = [
    &["dev", "develop", "nightly", "snapshot", "canary", "edge", "unstable"],
    &["test", "testing", "pre", "preview", "prerelease", "ea", "eap", "next"],
    &["alpha", "a", "m", "milestone"],
    &["beta", "b"],
    &["rc", "c", "cr", "candidate"],
];
const BUILDS: [&str; 16] = [
    "r", "rev", "revision", "p", "pl", "post", "patch", "fix", "hotfix", "sp", "ls", "build", "update",
    "rebuild", "respin", "pkgrel",
];
const NOTHING: [&str; 5] = ["final", "ga", "lts", "stable", "release"];

/// Names of images and branches that move from release to release.
const MOVING: [&str; 23] = [
    "latest",
    "stable",
    "edge",
    "main",
    "master",
    "trunk",
    "head",
    "nightly",
    "lts",
    "release",
    "production",
    "current",
    "rolling",
    "mainline",
    "next",
    "beta",
    "alpha",
    "rc",
    "dev",
    "develop",
    "testing",
    "unstable",
    "snapshot",
];

/// Names of processors, whose number is part of the name: `win64` is not a later `win32`.
const PROCESSORS: [&str; 11] = ["amd", "arm", "armv", "aarch", "i", "x", "win", "riscv", "ppc", "s", "mips"];

/// A word behind the numbers.
pub fn word(word: &str) -> Word {
    if let Some(rank) = STAGES.iter().position(|words| words.contains(&word)) {
        // There are five.
        return Word::Stage(rank as u8);
    }
    match word {
        _ if BUILDS.contains(&word) => Word::Build,
        _ if NOTHING.contains(&word) => Word::Nothing,
        _ => Word::Other,
    }
}

/// Whether a word in front of the numbers says that all such tags are trials, as in `nightly-2024-01-02`.
pub fn is_trial(word: &str) -> bool {
    word.len() > 1 && STAGES.iter().any(|words| words.contains(&word))
}

/// Whether a tag is a name that moves.
pub fn is_moving(tag: &str) -> bool {
    MOVING.contains(&tag)
}

/// Whether the number behind a word is part of it.
pub fn is_processor(word: &str) -> bool {
    PROCESSORS.contains(&word)
}

/// Whether a piece of a tag is an abbreviated commit: 7 to 40 hexadecimal digits (or 64, of a digest) with a letter,
/// or with `g` in front of them, as `git describe` writes it.
pub fn is_commit(piece: &str) -> bool {
    let has_letter = piece.bytes().any(|byte| byte.is_ascii_alphabetic());
    let described = piece.strip_prefix('g').is_some_and(is_hexadecimal);
    described || (has_letter && is_hexadecimal(piece) && !is_dated(piece))
}

/// Whether it could be a commit, with or without a letter.
pub fn is_hexadecimal(piece: &str) -> bool {
    matches!(piece.len(), 7..=40 | 64) && piece.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// A date with one letter, as in `20241101b` or `b20241101`: far more often meant than a commit that looks like it.
fn is_dated(piece: &str) -> bool {
    let digits = piece.trim_start_matches(|c: char| c.is_ascii_alphabetic());
    let digits = digits.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    digits.len() + 1 == piece.len() && (is_day(digits) || is_short_day(digits))
}

/// `YYYYMMDD`.
pub fn is_day(digits: &str) -> bool {
    digits.len() == 8 && is_number(digits) && is_year(&digits[..4]) && is_month_and_day(&digits[4..])
}

/// `YYMMDD` or `YYYYMM`.
pub fn is_short_day(digits: &str) -> bool {
    let is_six = digits.len() == 6 && is_number(digits);
    is_six && (is_month_and_day(&digits[2..]) || (is_year(&digits[..4]) && within(&digits[4..], 1, 12)))
}

pub fn is_year(digits: &str) -> bool {
    digits.len() == 4 && within(digits, 1900, 2199)
}

pub fn is_month(digits: &str) -> bool {
    digits.len() == 2 && within(digits, 1, 12)
}

pub fn is_day_of_month(digits: &str) -> bool {
    digits.len() == 2 && within(digits, 1, 31)
}

fn is_month_and_day(digits: &str) -> bool {
    is_month(&digits[..2]) && is_day_of_month(&digits[2..])
}

fn within(digits: &str, least: u16, most: u16) -> bool {
    digits.parse::<u16>().is_ok_and(|value| (least..=most).contains(&value))
}

/// Whether it is digits, and at least one.
pub fn is_number(piece: &str) -> bool {
    !piece.is_empty() && piece.bytes().all(|byte| byte.is_ascii_digit())
}
