//! Which backups a rule keeps: the rules of `restic forget`, with its answers, and two of our own. Decides by instants
//! alone; what a backup is worth is left to [`super::retention`].

use super::age::Age;
use super::span::Span;
use crate::failure::{Failure, Kind, Result};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// Which backups stay, as `keep` in `site.toml` says it. What one of the rules keeps stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Keep {
    /// How many of the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<u64>,
    /// The newest of each hour, of so many hours that have one; and so on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hourly: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub daily: Option<u64>,
    /// Weeks begin on Monday.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub weekly: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub monthly: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub yearly: Option<u64>,
    /// What is younger than this, counted from the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
    /// The same as `last`, which came later.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub count: Option<u64>,
    /// What is not older than this, counted from now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub age: Option<Age>,
}

/// How `keep` is written, for people.
pub const FORM: &str = "`keep = { last = 3, daily = 7, weekly = 5, within = \"2d\" }`";

/// Gives the period that an instant is in, by where it is and its number among all.
type Bucket = fn(&DateTime, i64) -> (i64, i64);

/// The bucket of the last one that was kept.
type Last = Option<(i64, i64)>;

impl Keep {
    /// Whether it says nothing.
    pub fn is_empty(&self) -> bool {
        *self == Keep::default()
    }

    /// With the rules that are given by themselves.
    pub fn with(self, count: Option<u64>, age: Option<Age>) -> Keep {
        Keep { count: count.or(self.count), age: age.or(self.age), ..self }
    }

    /// Fails if it says nothing, or if a rule in it would keep nothing.
    pub fn check(&self) -> Result<()> {
        let counts = [
            ("last", self.last),
            ("hourly", self.hourly),
            ("daily", self.daily),
            ("weekly", self.weekly),
            ("monthly", self.monthly),
            ("yearly", self.yearly),
            ("count", self.count),
            ("within", self.within.map(|within| u64::from(within != Span::default()))),
            ("age", self.age.map(|age| u64::from(!age.length.0.is_zero()))),
        ];
        let zero = counts.iter().find(|(_, count)| *count == Some(0));
        let message = match zero {
            Some((name, _)) => format!("`{name}` of `keep` is 0, which keeps no backup"),
            None if self.last.is_some() && self.count.is_some() => {
                "`last` and `count` of `keep` are the same rule, and both are given".to_owned()
            }
            None if self.is_empty() => "`keep` names no rule".to_owned(),
            None => return Ok(()),
        };
        Err(Failure::new(Kind::Invalid, message).help(format!(
            "write it as {FORM}, with at least one of `last`, `hourly`, `daily`, `weekly`, `monthly`, `yearly`, `within`, \
             `count` and `age`"
        )))
    }

    /// Fails as [`Keep::check`] does, and if a person could have meant something else.
    pub fn check_written(&self) -> Result<()> {
        let age = self.age.map_or(Ok(()), |age| age.check());
        age.map_err(|why| Failure::new(Kind::Invalid, format!("`age` of `keep`: {why}")))?;
        self.check()
    }

    /// The places of those instants that it keeps; they are in order, the oldest first, and none is in the future.
    pub fn kept(&self, instants: &[Timestamp], now: Timestamp, zone: &TimeZone) -> BTreeSet<usize> {
        let mut kept = BTreeSet::new();
        let Some(newest) = instants.last() else { return kept };
        let since = self.within.map(|within| within.before(*newest, zone));
        let mut buckets: [(u64, Bucket, Last); 6] = [
            (self.last.max(self.count).unwrap_or(0), |_, nr| (nr, 0), None),
            (self.hourly.unwrap_or(0), |at, _| (day(at), at.hour().into()), None),
            (self.daily.unwrap_or(0), |at, _| (day(at), 0), None),
            (self.weekly.unwrap_or(0), |at, _| week(at), None),
            (self.monthly.unwrap_or(0), |at, _| (at.year().into(), at.month().into()), None),
            (self.yearly.unwrap_or(0), |at, _| (at.year().into(), 0), None),
        ];
        for (place, instant) in instants.iter().enumerate().rev() {
            let is_within = since.is_some_and(|since| since.is_none_or(|since| *instant > since));
            let passed = now.duration_since(*instant).as_millis();
            let is_young = self
                .age
                .is_some_and(|age| passed <= i128::try_from(age.length.0.as_millis()).unwrap_or(i128::MAX));
            let mut is_kept = is_within || is_young;
            let at = zone.to_datetime(*instant);
            for (left, bucket, last) in buckets.iter_mut().filter(|(left, ..)| *left > 0) {
                let of = bucket(&at, i64::try_from(place).unwrap_or(i64::MAX));
                if *last != Some(of) {
                    *left -= 1;
                    *last = Some(of);
                    is_kept = true;
                }
            }
            if is_kept {
                kept.insert(place);
            }
        }
        kept
    }
}

fn day(at: &DateTime) -> i64 {
    i64::from(at.year()) * 10_000 + i64::from(at.month()) * 100 + i64::from(at.day())
}

fn week(at: &DateTime) -> (i64, i64) {
    let week = at.date().iso_week_date();
    (week.year().into(), week.week().into())
}
