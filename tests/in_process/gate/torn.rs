//! Journals whose last line is torn at any of its bytes.

use super::cut::{self, Counts, journal_of, side_by_side};
use super::ground::{Ended, Ground};
use super::story::Story;
use super::written::Written;
use banister::internals::event::RunState;
use banister::internals::journal::file::JournalFile;
use banister::internals::journal::{Entry, Record};
use std::fs;

/// So many of the last records are torn.
const RECORDS: usize = 3;

/// At each byte of the last records: what is whole is there, byte by byte, nothing else is, and more can be written.
pub fn anywhere(ground: &Ground, full: &Ended) -> Counts {
    let journal = journal_of(&full.path);
    let ends = cut::ends(&journal);
    let records: Vec<usize> = (ends.len() - RECORDS..ends.len()).collect();
    let mut counts = side_by_side(&records, |n| {
        let mut counts = Counts::default();
        let whole = &journal[..ends[n - 1]];
        let expected = Story::of(&Written::read(&ground.run_of(whole)), RunState::Running);
        let path = ground.run_of(whole);
        let file = path.join("journal.jsonl");
        for length in ends[n - 1]..ends[*n] {
            fs::write(&file, &journal[..length]).unwrap();
            let mut differ = Vec::new();
            let mut records = Vec::new();
            match JournalFile::open(&file, &mut |record: Record| records.push(record)) {
                Ok(mut opened) => {
                    differ.extend(
                        Story::of(&Written::of(records.into_iter()), RunState::Running)
                            .differences(&expected),
                    );
                    if fs::read(&file).unwrap() != whole {
                        differ.push("another part of it stays than what is whole".into());
                    }
                    let last = opened.append(Entry::Note { text: "more".into() }, false).unwrap();
                    let mut read = Vec::new();
                    banister::internals::journal::file::read(&file, &mut |record| read.push(record)).unwrap();
                    if last.n != *n as u64 || read.len() != n + 1 || read[*n] != last {
                        differ.push("what is written then is not what is read".into());
                    }
                }
                Err(failure) => differ.push(failure.to_string()),
            }
            counts.replayed(&format!("{}, torn at byte {length}", ground.case.name), differ);
        }
        counts
    });
    counts.records = RECORDS;
    counts
}
