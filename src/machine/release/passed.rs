//! What an update passes on its way from one release to another.

use std::cmp::Ordering;

use serde::{Deserialize, Deserializer, Serialize};

use super::pattern::Pattern;
use super::{Number, Release};
use crate::failure::{Failure, Kind, Result};

/// The releases after `from`, up to and with `to`, oldest first; `None` if the two are not of one series, so that
/// only their commits can say. Trials are left out unless the update goes to one. A version with two tags is named
/// once.
pub fn between<'a>(all: &'a [Release], from: &Release, to: &Release) -> Option<Vec<&'a Release>> {
    from.compare(to)?;
    let is_passed = |release: &&Release| {
        let is_destination = *release == to || release.compare(to) == Some(Ordering::Equal);
        release.is_newer_than(from) && (is_destination || (!release.is_trial() && to.is_newer_than(release)))
    };
    let mut passed: Vec<&Release> = all.iter().filter(is_passed).collect();
    // Of two tags for one version the destination itself, or that which is spelt as it is, comes first and stays.
    let usual = to.spelling();
    passed.sort_by(|one, other| {
        let oddness = |release: &Release| (release != to, release.spelling() != usual);
        one.compare(other)
            .unwrap_or(Ordering::Equal)
            .then_with(|| oddness(one).cmp(&oddness(other)))
            .then_with(|| one.tag().cmp(other.tag()))
    });
    passed.dedup_by(|one, other| one.compare(other) == Some(Ordering::Equal));
    Some(passed)
}

/// Which releases an update must stop at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stops {
    /// The last one of each first two numbers: 2024.8.6, then 2024.10.5.
    EachMinor,
    /// The last one of each first number: 31.0.9, then 32.0.3.
    EachMajor,
    /// Those of a list. An entry of one or two numbers, which may be `{n}`, is the last release with them (`"17.3"`,
    /// `"{n}.11"`); any other is a release (`"24.8.0"`).
    #[serde(untagged)]
    Listed(Vec<String>),
}

impl<'de> Deserialize<'de> for Stops {
    /// By hand: serde would only say that it matches neither form.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Stops, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Typed {
            Rule(String),
            Listed(Vec<String>),
            Other(serde::de::IgnoredAny),
        }
        let forms = "it is \"each_minor\", \"each_major\", or a list of releases";
        match Typed::deserialize(deserializer)? {
            Typed::Rule(rule) if rule == "each_minor" => Ok(Stops::EachMinor),
            Typed::Rule(rule) if rule == "each_major" => Ok(Stops::EachMajor),
            Typed::Rule(rule) => Err(serde::de::Error::custom(format!("`stops` can't be {rule:?}: {forms}"))),
            Typed::Listed(list) => Ok(Stops::Listed(list)),
            Typed::Other(_) => Err(serde::de::Error::custom(format!("`stops` is not right: {forms}"))),
        }
    }
}

/// The releases that an update from one to another must stop at, oldest first, without the two.
///
/// Where a rule asks for the last release of some numbers, that of the installed release's is one of them, too, if it
/// is not installed yet; that of the destination's is not.
///
/// `refused` if the two are not of one series; `not_found` if a listed release is not among `all`; `invalid` if an
/// entry can't be read.
pub fn stops<'a>(all: &'a [Release], from: &Release, to: &Release, rule: &Stops) -> Result<Vec<&'a Release>> {
    let Some(passed) = between(all, from, to) else {
        let message = format!("`{from}` and `{to}` are not releases of the same series");
        return Err(Failure::new(Kind::Refused, message)
            .why("required stops between two series are not known")
            .help("Update to each required release in turn, with `--to`."));
    };
    let mut found: Vec<&Release> = match rule {
        Stops::EachMinor => last_of_each(&passed, to, 2, &|_| true),
        Stops::EachMajor => last_of_each(&passed, to, 1, &|_| true),
        Stops::Listed(entries) => {
            let mut found = Vec::new();
            for entry in entries {
                let pattern: Pattern = entry.parse()?;
                match entry.matches('.').count() {
                    count @ (0 | 1) if is_numbers(entry) => {
                        found.extend(last_of_each(&passed, to, count + 1, &|numbers| pattern.fits(numbers)))
                    }
                    _ => found.extend(listed(entry, &passed, from, to)?),
                }
            }
            found
        }
    };
    found.sort_by(|one, other| one.list_order(other));
    found.dedup();
    Ok(found)
}

/// Of each group of releases with the same first numbers the last, without the destination's group.
fn last_of_each<'a>(
    passed: &[&'a Release],
    to: &Release,
    count: usize,
    is_wanted: &dyn Fn(&str) -> bool,
) -> Vec<&'a Release> {
    let group = |release: &Release| first(release, count);
    let groups = passed.chunk_by(|one, other| group(one) == group(other));
    let last = groups.filter_map(|releases| releases.last().copied());
    last.filter(|release| group(release) != group(to) && is_wanted(&group(release))).collect()
}

/// The first numbers of a release, as `17.3`; what it lacks is zero.
fn first(release: &Release, count: usize) -> String {
    let zero = Number::new("");
    let numbers = release.numbers().iter().chain(std::iter::repeat(&zero)).take(count);
    numbers.map(Number::to_string).collect::<Vec<_>>().join(".")
}

fn is_numbers(entry: &str) -> bool {
    entry.split('.').all(|part| part == "{n}" || super::words::is_number(part))
}

/// The release of an entry, if it is passed.
fn listed<'a>(
    entry: &str,
    passed: &[&'a Release],
    from: &Release,
    to: &Release,
) -> Result<Option<&'a Release>> {
    let stop: Release = entry.parse()?;
    let (Some(after), Some(before)) = (stop.compare(from), stop.compare(to)) else {
        let message = format!("the required stop `{entry}` is not of the series of `{from}`");
        return Err(Failure::new(Kind::Invalid, message).help("Write it as its tag is spelt."));
    };
    if after.is_le() || before.is_ge() {
        return Ok(None);
    }
    let found = passed.iter().find(|release| release.compare(&stop) == Some(Ordering::Equal));
    let missing = || {
        let message =
            format!("the required stop `{entry}` of `releases` in site.toml is not among the known releases");
        Failure::new(Kind::NotFound, message).help(
            "nothing was touched; correct it, or, if it was withdrawn, write its successor into `stops`",
        )
    };
    found.copied().map(Some).ok_or_else(missing)
}
