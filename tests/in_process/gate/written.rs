//! What a journal says, read by a few lines of the tests' own: what a replay is compared with must not come from what is
//! tried. It is also compared with what the program reads there.

use banister::internals::event::RunState;
use banister::internals::journal::index::Index;
use banister::internals::journal::run::Summary;
use banister::internals::journal::{Call, Entry, Outcome, Record};
use banister::internals::key::{Key, KeyBuf};
use banister::internals::primitives;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The decision that is an answer.
const ANSWERED: &str = "answered";

/// A journal, as far as it is whole.
#[derive(Clone, Default)]
pub struct Written {
    pub records: Vec<Record>,
    pub calls: BTreeMap<KeyBuf, WrittenCall>,
    /// By their keys, with their names, and whether they ended well.
    pub blocks: BTreeMap<KeyBuf, (String, bool)>,
    /// The keys of calls and of blocks, in the order in which they began.
    pub course: Vec<KeyBuf>,
    pub rollback: bool,
    sessions: usize,
    /// That of the last session, if it left one.
    finished: Option<RunState>,
    /// What was looked at anew.
    set_aside: BTreeSet<KeyBuf>,
    /// Records that say again, or otherwise, what was said.
    pub wrong: Vec<String>,
}

#[derive(Clone)]
pub struct WrittenCall {
    pub call: Call,
    pub attempt: u32,
    /// Absent if it is not known.
    pub outcome: Option<Outcome>,
    answered_by: Option<String>,
}

impl Written {
    /// The journal of the run in a folder.
    pub fn read(path: &Path) -> Written {
        let journal = fs::read_to_string(path.join("journal.jsonl")).unwrap_or_else(|error| {
            // A torn line may end within a character.
            assert_eq!(error.kind(), std::io::ErrorKind::InvalidData);
            String::from_utf8_lossy(&fs::read(path.join("journal.jsonl")).unwrap()).into_owned()
        });
        let whole = journal.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        Written::of(whole.map(|line| serde_json::from_str(line).unwrap()))
    }

    pub fn of(records: impl Iterator<Item = Record>) -> Written {
        let mut written = Written::default();
        for record in records {
            written.add(record.clone());
            written.records.push(record);
        }
        written
    }

    /// As the last session left it, or as who was killed did.
    pub fn state(&self) -> RunState {
        self.finished.unwrap_or(RunState::Interrupted)
    }

    pub fn open_calls(&self) -> impl Iterator<Item = (&KeyBuf, &WrittenCall)> {
        self.calls.iter().filter(|(_, call)| call.outcome.is_none())
    }

    fn add(&mut self, record: Record) {
        let place = self.records.len();
        let mut wrong = |what: &str| self.wrong.push(format!("record {place}: {what}"));
        match record.entry {
            Entry::Run(_) if place > 0 => wrong("the run begins again"),
            Entry::Run(_) | Entry::Note { .. } | Entry::Typed { .. } | Entry::Skip { .. } => {}
            Entry::Session { .. } => {
                self.sessions += 1;
                self.finished = None;
            }
            Entry::Block { key, name, .. } => {
                if self.blocks.contains_key(&key) {
                    wrong(&format!("the block {key} begins again"));
                }
                self.course.push(key.clone());
                self.blocks.insert(key, (name, false));
            }
            Entry::BlockEnd { key, .. } => match self.blocks.get_mut(&key) {
                Some((_, ended)) if !*ended => *ended = true,
                _ => wrong(&format!("the block {key} ends again")),
            },
            Entry::Begun { key, call, attempt, .. } => {
                let is_next = match self.calls.get(&key) {
                    None => true,
                    Some(before) if before.attempt >= attempt => false,
                    Some(before) => !matches!(before.outcome, Some(Outcome::Done(_))),
                };
                if !is_next {
                    wrong(&format!("the call {key} begins again"));
                }
                self.course.push(key.clone());
                let call = WrittenCall { call, attempt, outcome: None, answered_by: None };
                self.calls.insert(key, call);
            }
            Entry::Ended { key, attempt, result, .. } => match self.calls.get_mut(&key) {
                Some(call) if call.attempt == attempt && call.outcome.is_none() => {
                    call.outcome = Some(result)
                }
                _ => wrong(&format!("the call {key} ends again")),
            },
            Entry::Decision { key, decision, by } => match self.calls.get_mut(&key) {
                Some(call) if call.outcome.is_none() => {
                    call.answered_by = (decision == ANSWERED).then_some(by);
                }
                _ => wrong(&format!("there is nothing to decide at {key}")),
            },
            Entry::Anew { keys } => {
                let looks = keys.iter().filter(|key| self.calls.contains_key(*key));
                self.set_aside.extend(looks.cloned());
                self.forget(&keys);
            }
            Entry::Restarted { keys, .. } => self.forget(&keys),
            Entry::Rollback(_) => {
                if self.rollback {
                    wrong("the rollback begins again");
                }
                self.rollback = true;
            }
            Entry::Finished { state, .. } => self.finished = Some(state),
        }
    }

    fn forget(&mut self, keys: &[KeyBuf]) {
        for key in keys {
            self.calls.remove(key);
            self.blocks.remove(key);
            for outer in key.as_key().outward() {
                if let Some((_, ended)) = self.blocks.get_mut(outer.as_str()) {
                    *ended = false;
                }
            }
        }
        self.course.retain(|key| self.blocks.contains_key(key) || self.calls.contains_key(key));
    }

    /// In what the program reads something else in the same records.
    pub fn differences_from(&self, index: &Index) -> Vec<String> {
        let mut differ = Vec::new();
        let mut compare = |what: &str, is: String, was: String| {
            if is != was {
                differ.push(format!("{what} is read as {is}, and is {was}"));
            }
        };
        let calls = index.course();
        compare("the number of calls", calls.len().to_string(), self.calls.len().to_string());
        for (key, call) in &self.calls {
            let was = format!("{:?}", (call.attempt, &call.outcome, &call.answered_by));
            let is = index
                .call(key.as_key())
                .map(|read| format!("{:?}", (read.attempt, &read.outcome, &read.answered_by)));
            compare(&format!("the call {key}"), is.unwrap_or_default(), was);
        }
        for (key, (_, ended)) in &self.blocks {
            let is = index.block(key.as_key()).map(|block| block.seconds.is_some());
            compare(&format!("the end of the block {key}"), format!("{is:?}"), format!("{:?}", Some(ended)));
        }
        let blocks = index.block_order().count();
        compare("the number of blocks", blocks.to_string(), self.blocks.len().to_string());
        let mut used: BTreeMap<Key, u32> = BTreeMap::new();
        for key in self.course.iter().map(KeyBuf::as_key) {
            let used = used.entry(key.frame()).or_default();
            *used = (*used).max(key.ordinal() + 1);
        }
        for (frame, used) in used {
            compare(&format!("what {frame:?} used"), index.used(frame).to_string(), used.to_string());
        }
        for key in &self.set_aside {
            let is = index.call_set_aside(key.as_key()).is_some();
            compare(&format!("that {key} was set aside"), is.to_string(), true.to_string());
        }
        compare("the rollback", index.rollback.to_string(), self.rollback.to_string());
        compare("the number of sessions", index.sessions.to_string(), self.sessions.to_string());
        let finished = index.finished.as_ref().map(|(state, _)| *state);
        compare("the end", format!("{finished:?}"), format!("{:?}", self.finished));
        differ
    }

    /// The same, for a run that nobody works on.
    pub fn differences_from_summary(&self, path: &Path) -> Vec<String> {
        match Summary::read(path) {
            Err(failure) => vec![format!("it can't be read: {failure}")],
            Ok(summary) => {
                let mut differ = self.differences_from(&summary.index);
                if summary.state != self.state() {
                    differ.push(format!("the run is read as {:?}, and is {:?}", summary.state, self.state()));
                }
                differ
            }
        }
    }

    /// Of what sort each record is: of records of the same sort, what is made of one is made of all.
    pub fn sorts(&self) -> Vec<String> {
        let mut names: BTreeMap<&KeyBuf, &str> = BTreeMap::new();
        let sort = |name: &str| primitives::find(name).map(|primitive| format!("{:?}", primitive.sort()));
        let mut before = String::new();
        let mut sorts = Vec::new();
        for record in &self.records {
            let of_key = |key: &KeyBuf| match key.as_key() {
                key if key.in_handler() => " of a handler",
                key if key.is_branch() => " of a branch",
                _ => "",
            };
            let of_call = |key: &KeyBuf, names: &BTreeMap<&KeyBuf, &str>| {
                format!("{:?}{}", names.get(key).and_then(|name| sort(name)), of_key(key))
            };
            let this = match &record.entry {
                Entry::Begun { key, call, .. } => {
                    names.insert(key, &call.name);
                    format!("begun {}", of_call(key, &names))
                }
                Entry::Ended { key, result, .. } => {
                    let ended = matches!(result, Outcome::Done(_));
                    format!("ended {} {ended}", of_call(key, &names))
                }
                Entry::Decision { key, .. } => format!("decision {}", of_call(key, &names)),
                Entry::Block { key, .. } => format!("block{}", of_key(key)),
                Entry::BlockEnd { key, .. } if before.starts_with("block end") => {
                    format!("block end, again{}", of_key(key))
                }
                Entry::BlockEnd { key, .. } => format!("block end{}", of_key(key)),
                Entry::Run(_) => "run".into(),
                Entry::Session { .. } => "session".into(),
                Entry::Note { .. } => "note".into(),
                Entry::Anew { .. } => "anew".into(),
                Entry::Restarted { .. } => "restarted".into(),
                Entry::Typed { .. } => "typed".into(),
                Entry::Skip { .. } => "skip".into(),
                Entry::Rollback(_) => "rollback".into(),
                Entry::Finished { .. } => "finished".into(),
            };
            before.clone_from(&this);
            sorts.push(this);
        }
        sorts
    }
}
