//! What people are told about tags that were not chosen.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Why;

/// Something about the tags that an administrator should know, with the tags as they are spelt.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    /// The installed tag has no place in an order, so nothing is newer than it.
    Installed { tag: String, why: Why },
    /// Two or more are the same newest release, and the history does not say which comes last.
    Ambiguous { tags: Vec<String> },
    /// Nothing is installed that would say which of several series to take.
    NoSeries { count: usize },
    /// Nothing in the series of the installed release is newer, but the newest of another series comes after it.
    Elsewhere { newest: String },
    /// These have a higher number, but the installed release contains them already.
    Contained { newest: String, count: usize },
    /// Trials that are newer than what was chosen.
    Trials { newest: String, count: usize },
    /// Newer ones that the site excludes.
    Excluded { newest: String, count: usize },
    /// A newer one that an update did not succeed with: when, in which run, and what became of that.
    Failed { tag: String, why: String },
    /// A newer one that is younger than the rules want: its age, when it is old enough, and how old that is.
    Young { tag: String, age: String, due: String, least: String },
    /// A newer one whose age is not known, and why.
    Ageless { tag: String, why: String, least: String },
    /// Newer ones of an image with another count of numbers.
    OtherShape { newest: String, count: usize },
    /// Another series. `example` is the oldest of it.
    Series { example: String, newest: String, count: usize },
    /// Tags that can't be compared.
    NoOrder { why: Why, example: String, count: usize },
    /// Tags that don't look as the site says.
    Unlike { pattern: String, example: String, count: usize },
}

impl fmt::Display for Told {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Told::Installed { tag, why } => {
                write!(out, "the installed `{tag}` {why}, so no release is known to be newer")
            }
            Told::Ambiguous { tags } => write!(
                out,
                "{} are the same version, and the history does not say which comes last; choose one with `--to`",
                list(tags)
            ),
            Told::NoSeries { count } => write!(
                out,
                "there are {count} series of tags, and no release is installed that belongs to one; choose one with \
                 `tags` in site.toml"
            ),
            Told::Elsewhere { newest } => write!(
                out,
                "no newer release in this series, but `{newest}` of another series comes after the installed one; \
                 switch with `--to {newest}`"
            ),
            Told::Contained { newest, count: 1 } => {
                write!(out, "`{newest}` has a higher number, but the installed release already contains it")
            }
            Told::Contained { newest, count } => write!(
                out,
                "{count} tags such as `{newest}` have higher numbers, but the installed release already contains them"
            ),
            Told::Trials { newest, count: 1 } => write!(out, "`{newest}` is newer, but a prerelease"),
            Told::Trials { newest, count } => {
                write!(out, "{count} newer prereleases; the newest is `{newest}`")
            }
            Told::Excluded { newest, count: 1 } => {
                write!(out, "`{newest}` is newer, but excluded by `not` in site.toml")
            }
            Told::Excluded { newest, count } => {
                write!(
                    out,
                    "{count} newer releases are excluded by `not` in site.toml; the newest is `{newest}`"
                )
            }
            Told::OtherShape { newest, count: 1 } => {
                write!(out, "`{newest}` is newer, but written with another count of numbers")
            }
            Told::Failed { tag, why } => {
                write!(out, "{why}; take it all the same with `--to {tag}`")
            }
            Told::Young { tag, age, due, least } => write!(
                out,
                "`{tag}` is {age}, and is taken automatically from {due} on (`min_age` is {least}); take it now with `--to \
                 {tag}`"
            ),
            Told::Ageless { tag, why, least } => write!(
                out,
                "how old `{tag}` is, is unknown: {why}; as `min_age` is {least}, it is only taken with `--to {tag}`"
            ),
            Told::OtherShape { newest, count } => write!(
                out,
                "{count} newer tags are written with another count of numbers; the newest is `{newest}`"
            ),
            Told::Series { newest, count: 1, .. } => write!(out, "the tag `{newest}` is another series"),
            Told::Series { example, newest, count } => {
                write!(out, "{count} tags like `{example}` are another series; the newest is `{newest}`")
            }
            Told::NoOrder { why, example, count: 1 } => write!(out, "the tag `{example}` {why}"),
            Told::NoOrder { why, example, count } => {
                write!(out, "{count} tags can't be compared: `{example}`, for example, {why}")
            }
            Told::Unlike { pattern, example, count: 1 } => {
                write!(out, "the tag `{example}` does not match `tags = \"{pattern}\"`")
            }
            Told::Unlike { pattern, example, count } => {
                write!(out, "{count} tags such as `{example}` do not match `tags = \"{pattern}\"`")
            }
        }
    }
}

/// So much is reported of what was not chosen; the most important of it comes first.
const REPORTED: usize = 6;

/// What people are told of it, a sentence each.
pub fn reported(told: &[Told]) -> Vec<String> {
    let mut sentences: Vec<String> = told.iter().take(REPORTED).map(Told::to_string).collect();
    if let more @ 1.. = told.len().saturating_sub(REPORTED) {
        sentences.push(format!("{more} more sorts of tags are no newer release"));
    }
    sentences
}

/// `a`, `b` and `c`.
fn list(tags: &[String]) -> String {
    let quoted: Vec<String> = tags.iter().map(|tag| format!("`{tag}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} and {last}", others.join(", ")),
        None => String::new(),
    }
}
