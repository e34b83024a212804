//! Which of the offered tags is the newest release for what is installed.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use super::reading::Family;
use super::rules::Rules;
use super::told::Told;
use super::{Release, Why};

/// The newest release, and what else there is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// Newer than what is installed; none if nothing is, or if nothing says which.
    pub newest: Option<Release>,
    /// What was not chosen, the most important first.
    pub told: Vec<Told>,
}

/// Whether the commit of the first tag is the commit of the second, or in its history; `None` if nobody knows.
pub type IsAncestor<'a> = &'a dyn Fn(&str, &str) -> Option<bool>;

/// How many other series are looked for in the history if that of the installed release has nothing newer.
const SERIES_LOOKED_FOR: usize = 20;

/// The tags, by what becomes of them.
#[derive(Default)]
struct Sorted<'a> {
    families: BTreeMap<&'a Family, Vec<&'a Release>>,
    excluded: Vec<&'a Release>,
    left_out: Vec<&'a Release>,
    unlike: Vec<&'a Release>,
    without_order: BTreeMap<Why, Vec<&'a Release>>,
}

/// Chooses among the offered tags.
///
/// It is the newest of the series of the installed release that is newer than it: no trial, unless the installed one
/// is one or the rules want them, nothing whose commit the installed one contains, and no tag that moves with others,
/// as `14.0` does with 14.0.1 and 14.0.2. Of several tags for one version it is the one that is spelt as the
/// installed one, else the one whose history has the others.
///
/// If nothing is installed, it is the newest of the only series that is not one of trials; of several, of that with
/// more than half of their tags; else of the plain one (`1.2.3`), if no other has more tags.
pub fn choose(
    installed: Option<&Release>,
    offered: &[Release],
    rules: &Rules,
    is_ancestor: IsAncestor<'_>,
) -> Choice {
    let sorted = sort(offered, rules);
    let mut told = Vec::new();
    let home = match installed {
        Some(release) => {
            told.extend(release.why().map(|why| Told::Installed { tag: release.tag().to_owned(), why }));
            release.family()
        }
        None => home(&sorted.families).unwrap_or_else(|count| {
            told.push(Told::NoSeries { count });
            None
        }),
    };
    let mut newest = None;
    if let Some(home) = home {
        let members = sorted.families.get(home).map(Vec::as_slice).unwrap_or_default();
        let within = Within { installed, rules, is_ancestor };
        let others = [sorted.excluded.as_slice(), sorted.left_out.as_slice()].concat();
        newest = within.newest(members, &others, &mut told);
        within.tell_newer(members, &sorted, newest, &mut told);
    }
    tell_series(&sorted, home, installed.filter(|_| newest.is_none()), is_ancestor, &mut told);
    tell_others(&sorted, rules, &mut told);
    told.sort_by_key(importance);
    Choice { newest: newest.cloned(), told }
}

fn sort<'a>(offered: &'a [Release], rules: &Rules) -> Sorted<'a> {
    let mut sorted = Sorted::default();
    let mut seen = BTreeSet::new();
    for release in offered.iter().filter(|release| seen.insert(release.tag())) {
        match (release.family(), release.why()) {
            _ if !rules.fits(release) => sorted.unlike.push(release),
            _ if rules.excludes(release) => sorted.excluded.push(release),
            _ if rules.leaves_out(release).is_some() => sorted.left_out.push(release),
            (Some(family), _) => sorted.families.entry(family).or_default().push(release),
            (None, why) => {
                sorted.without_order.entry(why.unwrap_or(Why::NoNumber)).or_default().push(release)
            }
        }
    }
    sorted.families.values_mut().for_each(|members| members.sort_by(|one, other| one.list_order(other)));
    sorted
}

/// The series to take if nothing is installed, or of how many one would have to be chosen.
fn home<'a>(families: &BTreeMap<&'a Family, Vec<&'a Release>>) -> Result<Option<&'a Family>, usize> {
    let released = |members: &[&Release]| members.iter().filter(|release| !release.is_trial()).count();
    let counts = families.iter().map(|(family, members)| (released(members), *family));
    let counts: Vec<(usize, &Family)> = counts.filter(|(count, _)| *count > 0).collect();
    let all: usize = counts.iter().map(|(count, _)| count).sum();
    let most = counts.iter().map(|(count, _)| *count).max().unwrap_or_default();
    let is_taken =
        |(count, family): &&(usize, &Family)| count * 2 > all || (family.is_plain() && *count == most);
    match (counts.as_slice(), counts.iter().find(is_taken)) {
        // All are trials, or there are none.
        ([], _) => Ok(None),
        (_, Some((_, family))) => Ok(Some(family)),
        (counts, None) => Err(counts.len()),
    }
}

/// A choice within the series of the installed release.
struct Within<'a> {
    installed: Option<&'a Release>,
    rules: &'a Rules,
    is_ancestor: IsAncestor<'a>,
}

impl Within<'_> {
    /// The newest of the series, whose members are in their order.
    fn newest<'a>(
        &self,
        members: &[&'a Release],
        others: &[&Release],
        told: &mut Vec<Told>,
    ) -> Option<&'a Release> {
        let trials = self.rules.trials || self.installed.is_some_and(Release::is_trial);
        let is_offered = |release: &&&Release| (trials || !release.is_trial()) && self.has_shape(release);
        let offered: Vec<&Release> = members.iter().filter(is_offered).copied().collect();
        let (mut contained, mut moving) = (Vec::new(), Vec::new());
        let mut newest = None;
        for same in offered.chunk_by(|one, other| one.compare(other) == Some(Ordering::Equal)).rev() {
            let newer: Vec<&Release> =
                same.iter().copied().filter(|release| self.is_newer(release)).collect();
            if newer.is_empty() {
                break;
            }
            let (old, new): (Vec<&Release>, Vec<&Release>) =
                newer.into_iter().partition(|release| self.is_contained(release));
            contained.extend(old);
            let moves =
                |release: &&Release| members.iter().chain(others).any(|longer| self.moves(release, longer));
            let (alias, new): (Vec<&Release>, Vec<&Release>) = new.into_iter().partition(moves);
            moving.extend(alias);
            if let [_, ..] = new.as_slice() {
                newest = self.one_of(&new, &offered);
                if newest.is_none() {
                    told.push(Told::Ambiguous {
                        tags: new.iter().map(|release| release.tag().to_owned()).collect(),
                    });
                }
                break;
            }
        }
        if let [first, ..] = contained.as_slice() {
            told.push(Told::Contained { newest: first.tag().to_owned(), count: contained.len() });
        }
        if let [first, ..] = moving.as_slice() {
            let example = first.tag().to_owned();
            told.push(Told::NoOrder { why: Why::Moving, example, count: moving.len() });
        }
        newest
    }

    /// Newer by its numbers; with the same, by its history.
    fn is_newer(&self, release: &Release) -> bool {
        let Some(installed) = self.installed else { return true };
        let follows = || {
            (self.is_ancestor)(installed.tag(), release.tag()) == Some(true)
                && (self.is_ancestor)(release.tag(), installed.tag()) == Some(false)
        };
        match release.compare(installed) {
            Some(Ordering::Greater) => true,
            Some(Ordering::Equal) => release != installed && follows(),
            _ => false,
        }
    }

    /// The history vetoes what the numbers say, where a fork began to count anew.
    fn is_contained(&self, release: &Release) -> bool {
        self.installed
            .is_some_and(|installed| (self.is_ancestor)(release.tag(), installed.tag()) == Some(true))
    }

    /// Whether a tag with fewer numbers is moved to each release such as the longer one.
    fn moves(&self, release: &Release, longer: &Release) -> bool {
        longer.numbers().len() > release.numbers().len()
            && longer.numbers().starts_with(release.numbers())
            && longer.is_newer_than(release)
            && (self.is_ancestor)(longer.tag(), release.tag()) == Some(true)
    }

    fn has_shape(&self, release: &Release) -> bool {
        let installed = self.installed.filter(|_| self.rules.images);
        installed.is_none_or(|installed| release.has_shape_of(installed))
    }

    /// The one of several tags for the same version to take.
    fn one_of<'a>(&self, same: &[&'a Release], offered: &[&Release]) -> Option<&'a Release> {
        if let [only] = same {
            return Some(only);
        }
        let usual = match self.installed {
            Some(installed) => installed.spelling(),
            None => usual_spelling(offered),
        };
        let spelt: Vec<&Release> =
            same.iter().copied().filter(|release| release.spelling() == usual).collect();
        let left = if spelt.is_empty() { same } else { spelt.as_slice() };
        let has = |release: &Release, earlier: &Release| {
            release == earlier || (self.is_ancestor)(earlier.tag(), release.tag()) == Some(true)
        };
        match left {
            [only] => Some(only),
            left => left.iter().copied().find(|release| left.iter().all(|other| has(release, other))),
        }
    }

    /// What is newer than the installed and the chosen release, and was not chosen.
    fn tell_newer(
        &self,
        members: &[&Release],
        sorted: &Sorted<'_>,
        newest: Option<&Release>,
        told: &mut Vec<Told>,
    ) {
        let floor = newest.or(self.installed);
        let is_above = |release: &Release| match floor {
            Some(floor) => release.is_newer_than(floor) && !self.is_contained(release),
            None => members.first().is_none_or(|member| release.compare(member).is_some()),
        };
        let above = |releases: &[&Release], wanted: &dyn Fn(&Release) -> bool| -> Option<(String, usize)> {
            let found = releases.iter().filter(|release| wanted(release) && is_above(release));
            let found: Vec<&Release> = found.copied().collect();
            let last = found.iter().max_by(|one, other| one.list_order(other))?;
            Some((last.tag().to_owned(), found.len()))
        };
        let trials = above(members, &|release| release.is_trial() && self.has_shape(release));
        told.extend(trials.map(|(newest, count)| Told::Trials { newest, count }));
        let others = above(members, &|release| !release.is_trial() && !self.has_shape(release));
        told.extend(others.map(|(newest, count)| Told::OtherShape { newest, count }));
        let excluded = above(&sorted.excluded, &|_| true);
        told.extend(excluded.map(|(newest, count)| Told::Excluded { newest, count }));
        let left_out = sorted.left_out.iter().filter(|release| is_above(release));
        told.extend(left_out.filter_map(|release| self.rules.leaves_out(release)).cloned());
    }
}

/// How most of the releases are spelt.
fn usual_spelling(releases: &[&Release]) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    releases.iter().for_each(|release| *counts.entry(release.spelling()).or_default() += 1);
    counts.into_iter().max_by_key(|(_, count)| *count).map(|(spelling, _)| spelling).unwrap_or_default()
}

/// The other series, those with most tags first. `stuck` is the installed release, if its own has nothing newer.
fn tell_series(
    sorted: &Sorted<'_>,
    home: Option<&Family>,
    stuck: Option<&Release>,
    is_ancestor: IsAncestor<'_>,
    told: &mut Vec<Told>,
) {
    let mut others: Vec<&Vec<&Release>> = sorted
        .families
        .iter()
        .filter(|(family, _)| Some(**family) != home)
        .map(|(_, members)| members)
        .collect();
    others.sort_by_key(|members| std::cmp::Reverse(members.len()));
    for (n, members) in others.into_iter().enumerate() {
        // Of a series of trials only, that is the newest one.
        let released = members.iter().rfind(|release| !release.is_trial());
        let (Some(oldest), Some(newest)) = (members.first(), released.or(members.last())) else { continue };
        let follows = |installed: &Release| {
            n < SERIES_LOOKED_FOR
                && is_ancestor(installed.tag(), newest.tag()) == Some(true)
                && is_ancestor(newest.tag(), installed.tag()) == Some(false)
        };
        if !newest.is_trial() && stuck.is_some_and(follows) {
            told.push(Told::Elsewhere { newest: newest.tag().to_owned() });
        }
        let (example, newest) = (oldest.tag().to_owned(), newest.tag().to_owned());
        told.push(Told::Series { example, newest, count: members.len() });
    }
}

fn tell_others(sorted: &Sorted<'_>, rules: &Rules, told: &mut Vec<Told>) {
    for (why, releases) in &sorted.without_order {
        if let [first, ..] = releases.as_slice() {
            told.push(Told::NoOrder { why: *why, example: first.tag().to_owned(), count: releases.len() });
        }
    }
    if let (Some(pattern), [first, ..]) = (&rules.tags, sorted.unlike.as_slice()) {
        let (pattern, example) = (pattern.to_string(), first.tag().to_owned());
        told.push(Told::Unlike { pattern, example, count: sorted.unlike.len() });
    }
}

/// What must be read first comes first; the sort keeps the order of equals.
fn importance(told: &Told) -> u8 {
    match told {
        Told::Installed { .. } | Told::Ambiguous { .. } | Told::NoSeries { .. } => 0,
        Told::Failed { .. } | Told::Young { .. } | Told::Ageless { .. } | Told::Elsewhere { .. } => 1,
        Told::Contained { .. } | Told::Excluded { .. } => 2,
        Told::Trials { .. } | Told::OtherShape { .. } => 3,
        Told::Series { .. } => 4,
        Told::NoOrder { .. } | Told::Unlike { .. } => 5,
    }
}
