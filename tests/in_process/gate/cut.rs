//! A journal is cut after each of its records, and in the middle of the next, and gone on with: what then was done and is
//! written down must be what it was without a cut, and each change done exactly as often as it must.

use super::ground::{Answers, Ended, FATES, Fate, Ground, Tried};
use super::stand_in::{Found, StandIn};
use super::story::Story;
use super::written::Written;
use banister::data;
use banister::internals::journal::index::Index;
use banister::internals::journal::{Entry, file};
use banister::internals::key::KeyBuf;
use banister::internals::primitives;
use banister::primitive::Sort;
use std::fs;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// One in so many records is torn as well; at each of its bytes, that of [`super::torn`] are.
const TORN: usize = 10;

/// What a sweep came to.
#[derive(Debug, Default)]
pub struct Counts {
    pub records: usize,
    pub replays: usize,
    pub differences: Vec<String>,
}

impl Counts {
    pub fn add(&mut self, other: Counts) {
        self.records += other.records;
        self.replays += other.replays;
        self.differences.extend(other.differences);
    }

    /// One replay, and what it showed.
    pub fn replayed(&mut self, place: &str, differences: Vec<String>) {
        self.replays += 1;
        self.differences.extend(differences.into_iter().map(|differs| format!("{place}: {differs}")));
    }

    /// Fails with the first of what differs.
    pub fn assert_none_differ(&self) {
        let first: Vec<&String> = self.differences.iter().take(20).collect();
        assert!(first.is_empty(), "{} differ: {first:#?}", self.differences.len());
    }
}

pub fn sort_of(name: &str) -> Sort {
    primitives::find(name).unwrap().sort()
}

pub fn journal_of(path: &Path) -> Vec<u8> {
    fs::read(path.join("journal.jsonl")).unwrap()
}

pub fn index_of(path: &Path) -> Index {
    let mut index = Index::default();
    file::read(&path.join("journal.jsonl"), &mut |record| index.add(record)).unwrap();
    index
}

/// Where each record ends, in bytes.
pub fn ends(journal: &[u8]) -> Vec<usize> {
    journal.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at + 1).collect()
}

/// Does the work on all processors.
pub fn side_by_side<T: Sync>(items: &[T], work: impl Fn(&T) -> Counts + Sync) -> Counts {
    let (next, all) = (AtomicUsize::new(0), Mutex::new(Counts::default()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let counts = work(item);
                    all.lock().unwrap().add(counts);
                }
            });
        }
    });
    all.into_inner().unwrap()
}

/// Cuts the journal of a run at each record from the one with the number `from` on, and goes on; or back, if `back` says
/// so and the journal does not yet.
pub fn sweep(ground: &Ground, full: &Ended, from: usize, back: bool, tried: &Tried) -> Counts {
    let (journal, expected) = (journal_of(&full.path), full.story());
    let ends = ends(&journal);
    // What is after the last record can't be continued.
    let records: Vec<usize> = (from..ends.len()).collect();
    let sorts = Written::read(&full.path).sorts();
    let whole = ground.some_of(records.clone(), tried, |n| sorts[*n - 1].clone());
    let whole = whole.into_iter().map(|n| (n, ends[n - 1]));
    // What is torn is cut off before anything is replayed, whatever it was.
    let torn = records.into_iter().filter(|n| n.is_multiple_of(TORN));
    let torn = torn.map(|n| (n, ends[n - 1] + (ends[n] - ends[n - 1]) / 2));
    let places: Vec<(usize, usize)> = whole.chain(torn).collect();
    let mut counts = side_by_side(&places, |(n, length)| {
        let is_whole = *length == ends[n - 1];
        let place = format!("record {n}{}", if is_whole { "" } else { ", torn" });
        // What became of a call that was open does not depend on half a line behind it.
        let fates = if is_whole { &FATES[..] } else { &FATES[..1] };
        cut(ground, &expected, &journal[..*length], back, fates, &place)
    });
    counts.records = places.iter().filter(|(n, length)| *length == ends[n - 1]).count();
    counts
}

/// One place, with all that may have become of a call that was open there.
pub fn cut(
    ground: &Ground,
    expected: &Story,
    head: &[u8],
    back: bool,
    fates: &[Fate],
    place: &str,
) -> Counts {
    let mut counts = Counts::default();
    let before = Written::read(&ground.run_of(head));
    let open: Vec<&KeyBuf> = before
        .open_calls()
        .filter(|(_, record)| sort_of(&record.call.name) == Sort::Change)
        .map(|(key, _)| key)
        .collect();
    // One that fails can't have happened.
    let fails = open.iter().any(|key| expected.calls.get(*key).is_some_and(|call| call.has_failed));
    for fate in fates.iter().copied() {
        let is_needless = open.is_empty() && fate != FATES[0];
        let is_done = fate.found == Found::Happened || fate.choice == "done";
        if is_needless || fails && is_done {
            continue;
        }
        let place = format!("{}, {place}, {fate:?}", ground.case.name);
        counts.replayed(&place, replay(ground, expected, head, fate, back && !before.rollback));
    }
    counts
}

/// Goes on, and says what differs.
fn replay(ground: &Ground, expected: &Story, head: &[u8], fate: Fate, back: bool) -> Vec<String> {
    let path = ground.run_of(head);
    let (before, model) = (Written::read(&path), ground.model_after(&path));
    let standin = StandIn::new(model, fate.found);
    let ended = match ground.resume(&path, standin, Answers::new(fate.choice), back) {
        Ok(ended) => ended,
        Err(failure) => return vec![format!("it can't be continued: {failure}")],
    };
    let mut differ = ended.story().differences(expected);
    if let Some(failure) = ended.failure.filter(|_| !differ.is_empty()) {
        differ.insert(0, format!("it ended with {failure}"));
    }
    let seen = ended.standin.seen();
    differ.extend(seen.faults.iter().cloned());
    let is_back = back || before.rollback;
    differ.extend(wrongly_counted(expected, &before, is_back, &seen.performed, fate));
    // What a person said of a call is written down. On the way back nobody is asked for those of the course.
    let written = Written::read(&path).records;
    let is_said = |key: &KeyBuf| {
        written.iter().any(|record| match &record.entry {
            Entry::Decision { key: of, decision, .. } => of == key && decision == fate.choice,
            _ => false,
        })
    };
    let asked = before.open_calls().filter(|(key, call)| {
        fate.found == Found::Unknown
            && sort_of(&call.call.name) == Sort::Change
            && !(is_back && key.as_key().in_course())
    });
    differ.extend(
        asked
            .filter(|(key, _)| !is_said(key))
            .map(|(key, _)| format!("who decided on {key} is not written down")),
    );
    let to_ask = |(key, told): (&KeyBuf, &super::story::Told)| {
        sort_of(&told.name) == Sort::Ask
            && before.calls.get(key).is_none_or(|record| record.outcome.is_none())
    };
    let wanted = expected.calls.iter().filter(|call| to_ask(*call)).count();
    if seen.asked.len() != wanted {
        differ.push(format!("{} questions were asked, not {wanted}", seen.asked.len()));
    }
    differ
}

/// Calls that were performed more often, or less, than they must.
fn wrongly_counted(
    expected: &Story,
    before: &Written,
    is_back: bool,
    performed: &[super::stand_in::Performed],
    fate: Fate,
) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut places = std::collections::BTreeSet::new();
    // Whether the script caught a failure nobody knows if nothing came after it.
    let is_last = |key: &KeyBuf| before.course.last() == Some(key);
    for (key, told) in &expected.calls {
        let place = key.as_key().folder_name();
        let sort = sort_of(&told.name);
        if sort == Sort::Ask {
            continue;
        }
        let times: Vec<_> = performed.iter().filter(|one| one.place == place).collect();
        places.insert(place);
        let (wanted, attempt) = match before.calls.get(key).map(|record| (record, record.outcome.is_some())) {
            None => (1, None),
            // What a secret is no journal says.
            Some((_, true)) if told.outcome.as_ref().is_some_and(|text| text.contains(data::SECRET)) => {
                continue;
            }
            Some((record, true)) if told.has_failed && is_last(key) && !is_back => {
                (1, Some(record.attempt + 1))
            }
            Some((_, true)) => (0, None),
            Some((record, false)) if sort == Sort::Look => (1, Some(record.attempt)),
            Some((record, false)) => match (fate.found, fate.choice) {
                (Found::GoOn, _) => (1, Some(record.attempt)),
                (Found::Again, _) | (Found::Unknown, "again") => (1, Some(record.attempt + 1)),
                _ => (0, None),
            },
        };
        if times.len() != wanted {
            wrong.push(format!("{} at {key} was performed {} times, not {wanted}", told.name, times.len()));
        }
        if let (Some(attempt), [one]) = (attempt, times.as_slice())
            && one.attempt != attempt
        {
            wrong.push(format!(
                "{} at {key} was performed as attempt {}, not {attempt}",
                told.name, one.attempt
            ));
        }
    }
    let strange = performed.iter().filter(|one| !places.contains(&one.place));
    wrong.extend(strange.map(|one| format!("{} at {} is not expected", one.call.name, one.place)));
    wrong
}
