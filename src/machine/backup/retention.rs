//! Which backups of a server are old. Decides, and nothing else: [`super::prune`] looks, and removes.

use super::keep::Keep;
use crate::machine::archive::{DataSource, Held};
use crate::machine::release::Release;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::collections::{BTreeMap, BTreeSet};

/// A backup, as far as its age and its worth count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Aged {
    pub created: Timestamp,
    /// It was read back whole, or even drilled.
    pub is_proven: bool,
    pub release: Option<String>,
    /// How much it holds of each part that counts; nothing if it does not say so.
    pub held: BTreeMap<DataSource, Held>,
}

/// Into which installed releases a backup can be put back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    /// Into any.
    Any,
    /// Into those with the same first two numbers that are not older: what a newer release migrated an older one can't
    /// read. `None`: what is installed is no release.
    FirstTwoNumbers(Option<String>),
}

/// The first two numbers of a release: `0.2` of `0.2.13`.
pub fn first_two_numbers(release: &str) -> String {
    release.parse::<Release>().map_or_else(|_| release.to_owned(), |release| release.first_two_numbers())
}

/// Which of the backups, the oldest first, are old, by their places.
///
/// A backup is old if no rule of `keep` keeps it; days and weeks are those of `zone`. The newest proven one that fits
/// what is installed is never old; if none fits, the newest proven one of each two first numbers is not. Nor is the newest
/// proven one that holds what is missing in these. While none is proven, none is old: nothing better has taken its place.
///
/// One from the future is never old and counts for nothing: a clock was wrong, and who knows when it was made.
pub fn old(backups: &[Aged], keep: &Keep, fit: &Fit, now: Timestamp, zone: &TimeZone) -> Vec<usize> {
    // They are the last.
    let backups = &backups[..backups.partition_point(|backup| !is_future(backup.created, now))];
    let needed = needed(backups, fit, now);
    if needed.is_empty() {
        return Vec::new();
    }
    let instants: Vec<Timestamp> = backups.iter().map(|backup| backup.created).collect();
    let kept = keep.kept(&instants, now, zone);
    (0..backups.len()).filter(|place| !needed.contains(place) && !kept.contains(place)).collect()
}

/// Which of the backups, the oldest first, a restore of what is installed would need, by their places.
pub fn needed(backups: &[Aged], fit: &Fit, now: Timestamp) -> BTreeSet<usize> {
    let mut needed = restored(backups, fit, now);
    needed.extend(fuller(backups, &needed).into_keys());
    needed
}

/// Those of them that it would restore.
pub fn restored(backups: &[Aged], fit: &Fit, now: Timestamp) -> BTreeSet<usize> {
    let backups = &backups[..backups.partition_point(|backup| !is_future(backup.created, now))];
    let newest = newest_proven(backups, fit);
    if newest.is_empty() { newest_proven(backups, &Fit::FirstTwoNumbers(None)) } else { newest }
}

/// Which of the backups, the oldest first, hold a part of which one that would be restored holds nothing, or little, by
/// their places, with these parts: the newest proven one for each, also for one that it does not have at all. Neither a
/// disk that is not mounted nor another path in the site must take the place of what was there.
pub fn fuller(backups: &[Aged], restored: &BTreeSet<usize>) -> BTreeMap<usize, BTreeSet<DataSource>> {
    let mut found: BTreeMap<usize, BTreeSet<DataSource>> = BTreeMap::new();
    for newest in restored {
        let held = &backups[*newest].held;
        let earlier = &backups[..*newest];
        let proven = || earlier.iter().enumerate().rev().filter(|(_, backup)| backup.is_proven);
        for (part, now) in held {
            let is_fuller = |backup: &Aged| match backup.held.get(part) {
                Some(before) => now.loss(before).is_some(),
                // It does not say how much.
                None => now.is_empty() && backup.held.is_empty(),
            };
            if let Some((place, _)) = proven().find(|(_, backup)| is_fuller(backup)) {
                found.entry(place).or_default().insert(part.clone());
            }
        }
        // One that does not say what it holds may hold all.
        let mut seen: BTreeSet<&DataSource> = held.keys().collect();
        for (place, backup) in proven().filter(|_| !held.is_empty()) {
            let data = backup.held.iter().filter(|(_, held)| !held.is_empty());
            for (part, _) in data {
                if seen.insert(part) {
                    found.entry(place).or_default().insert(part.clone());
                }
            }
        }
    }
    found
}

/// How far two clocks may differ, in seconds.
const CLOCKS: i64 = 300;

/// Whether something was made later than now, as far as clocks are right.
pub fn is_future(created: Timestamp, now: Timestamp) -> bool {
    created.as_second() > now.as_second().saturating_add(CLOCKS)
}

/// The newest proven backup that fits; if what is installed is no release, that of each two first numbers.
fn newest_proven(backups: &[Aged], fit: &Fit) -> BTreeSet<usize> {
    let mut seen = BTreeSet::new();
    let newest_first = backups.iter().enumerate().rev().filter(|(_, backup)| backup.is_proven);
    let needed = newest_first.filter(|(_, backup)| {
        let release = backup.release.as_deref();
        match fit {
            Fit::Any => seen.insert(None),
            Fit::FirstTwoNumbers(Some(installed)) => {
                release.is_some_and(|release| is_fit(release, installed)) && seen.insert(None)
            }
            Fit::FirstTwoNumbers(None) => seen.insert(Some(release.map(first_two_numbers))),
        }
    });
    needed.map(|(place, _)| place).collect()
}

/// Whether it has the same first two numbers and is not newer.
fn is_fit(release: &str, installed: &str) -> bool {
    let parsed = |tag: &str| tag.parse::<Release>().ok();
    parsed(release).zip(parsed(installed)).is_some_and(|(release, installed)| {
        release.has_first_two_numbers_of(&installed) && !release.is_newer_than(&installed)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;
    use crate::machine::backup::Age;
    use crate::units::Duration;

    const DAY: u64 = 86_400;

    fn now() -> Timestamp {
        Timestamp::from_second(1_800_000_000).unwrap()
    }

    /// Backups of so many days ago; the release ends with `?` if it is not proven.
    fn backups(of: &[(i64, &str)]) -> Vec<Aged> {
        let aged = of.iter().map(|(days, release)| Aged {
            created: Timestamp::from_second(1_800_000_000 - days * DAY as i64).unwrap(),
            is_proven: !release.ends_with('?'),
            release: Some(release.trim_end_matches('?').to_owned()).filter(|release| !release.is_empty()),
            held: BTreeMap::new(),
        });
        aged.collect()
    }

    fn keep(count: Option<u64>, days: Option<u64>) -> Keep {
        Keep { count, age: days.map(|days| Age::from(Duration::seconds(days * DAY))), ..Keep::default() }
    }

    fn assert_old(of: &[(i64, &str)], keep: Keep, fit: Fit, expected: &[usize]) {
        let old = old(&backups(of), &keep, &fit, now(), &TimeZone::UTC);
        assert_eq!(old, expected, "{of:?}, {keep:?}, {fit:?}");
    }

    #[test]
    fn what_is_neither_among_the_newest_nor_young_is_old() {
        let of = [(50, "1.0.0"), (40, "1.0.0"), (30, "1.0.0"), (20, "1.0.0"), (10, "1.0.0")];
        assert_old(&of, keep(Some(2), None), Fit::Any, &[0, 1, 2]);
        assert_old(&of, keep(None, Some(30)), Fit::Any, &[0, 1]);
        assert_old(&of, keep(Some(1), Some(30)), Fit::Any, &[0, 1]);
        assert_old(&of, keep(Some(4), Some(30)), Fit::Any, &[0]);
        assert_old(&of, keep(Some(9), None), Fit::Any, &[]);
        assert_old(&of, keep(Some(u64::MAX), Some(u64::MAX / DAY / 1_000)), Fit::Any, &[]);
        assert_old(&[], keep(Some(1), None), Fit::Any, &[]);
    }

    #[test]
    fn the_newest_proven_one_that_fits_stays_whatever_its_age() {
        let of = [(50, "0.1.9"), (40, "0.2.3"), (30, "0.2.4"), (20, "0.2.9?"), (10, "0.3.0")];
        let none = keep(None, Some(1));
        let fits = |installed: &str| Fit::FirstTwoNumbers(Some(installed.into()));
        assert_old(&of, none, Fit::Any, &[0, 1, 2, 3]);
        assert_old(&of, none, fits("0.2.11"), &[0, 1, 3, 4]);
        assert_old(&of, none, fits("0.1.9"), &[1, 2, 3, 4]);
        // What a newer release wrote an older one can't read.
        assert_old(&of, none, fits("0.2.3"), &[0, 2, 3, 4]);
        // 0.20 begins with 0.2, and is another.
        assert_old(&[(9, "0.20.1"), (8, "0.2.1")], none, fits("0.20.7"), &[1]);
        // Nothing fits what is installed, or it is no release.
        assert_old(&of, none, fits("0.4.0"), &[1, 3]);
        assert_old(&of, none, Fit::FirstTwoNumbers(None), &[1, 3]);
        assert_old(&[(9, ""), (8, ""), (7, "0.2.1")], none, Fit::FirstTwoNumbers(None), &[0]);
    }

    #[test]
    fn what_the_newest_lacks_stays() {
        let holding = |files: &[u64]| -> Vec<Aged> {
            let held = |files: &u64| Held { files: *files, bytes: *files * 100, mounted_at: 0 };
            let all = backups(&vec![(9, "1.0.0"); files.len()]).into_iter().zip(files);
            all.map(|(aged, files)| Aged { held: [(DataSource::path("~/data"), held(files))].into(), ..aged })
                .collect()
        };
        let old = |backups: &[Aged]| old(backups, &keep(Some(1), None), &Fit::Any, now(), &TimeZone::UTC);
        assert_eq!(old(&holding(&[7, 8, 9, 0, 0])), [0, 1, 3]);
        assert_eq!(old(&holding(&[7, 50, 4, 5])), [0, 2]);
        assert_eq!(old(&holding(&[7, 8, 9])), [0, 1]);
        assert_eq!(old(&holding(&[0, 0])), [0]);
        // A part that the newest does not have at all, whatever it was renamed to.
        let mut backups = holding(&[7, 8, 9, 9, 9]);
        let renamed = |backup: &mut Aged| {
            backup.held = [(DataSource::path("~/other"), backup.held[&DataSource::path("~/data")])].into()
        };
        backups[3..].iter_mut().for_each(renamed);
        assert_eq!(old(&backups), [0, 1, 3]);
        // Of those that say nothing the newest may hold it.
        let mut backups = holding(&[7, 8, 0, 0]);
        backups[0].held.clear();
        backups[1].held.clear();
        assert_eq!(old(&backups), [0, 2]);
        backups[1].is_proven = false;
        assert_eq!(old(&backups), [1, 2]);
    }

    #[test]
    fn while_none_is_proven_none_is_old() {
        assert_old(&[(50, "1.0.0?"), (40, "1.0.0?")], keep(Some(1), None), Fit::Any, &[]);
        assert_old(&[(50, "1.0.0?"), (40, "1.0.0"), (30, "1.0.0?")], keep(Some(1), None), Fit::Any, &[0]);
    }

    #[test]
    fn what_is_from_the_future_is_never_old_and_never_the_newest() {
        assert_old(&[(-2, "1.0.0"), (-3, "1.0.0")], keep(Some(1), None), Fit::Any, &[]);
        assert_old(&[(-2, "1.0.0"), (-3, "1.0.0")], keep(None, Some(1)), Fit::Any, &[]);
        let of = [(9, "1.0.0"), (8, "1.0.0"), (-365, "1.0.0")];
        assert_old(&of, keep(Some(1), None), Fit::Any, &[0]);
        assert_old(&of, keep(None, Some(1)), Fit::Any, &[0]);
        assert_old(&[(9, "1.0.0"), (8, "1.0.0?"), (-365, "1.0.0")], keep(Some(1), None), Fit::Any, &[]);
    }

    #[test]
    fn a_rule_that_keeps_nothing_is_refused() {
        for wrong in [keep(None, None), keep(Some(0), None), keep(Some(0), Some(3)), keep(Some(3), Some(0))] {
            assert_eq!(wrong.check().unwrap_err().kind, Kind::Invalid, "{wrong:?}");
        }
        let zero = Keep { last: Some(2), weekly: Some(0), ..Keep::default() };
        assert_eq!(zero.check().unwrap_err().message, "`weekly` of `keep` is 0, which keeps no backup");
        let none = Keep { within: Some("0d".parse().unwrap()), ..Keep::default() };
        assert_eq!(none.check().unwrap_err().message, "`within` of `keep` is 0, which keeps no backup");
        let both = Keep { last: Some(2), ..keep(Some(3), None) };
        assert!(both.check().unwrap_err().message.contains("are the same rule"));
        keep(Some(1), None).check().unwrap();
        keep(None, Some(1)).check().unwrap();
        Keep { yearly: Some(1), ..Keep::default() }.check().unwrap();
    }
}
