//! What the records say, by key.

use super::{ANSWERED, Call, Entry, Header, Outcome, Record};
use crate::event::RunState;
use crate::failure::Failure;
use crate::key::{Key, KeyBuf};
use ahash::{HashMap, HashMapExt, HashSet, HashSetExt};
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

/// Everything that replay asks of a journal. A long run has some hundred thousand records: what is the same in several
/// of them, or asked for in several ways, is kept once.
#[derive(Default)]
pub struct Index {
    pub header: Option<Header>,
    calls: HashMap<KeyBuf, Arc<CallRecord>>,
    blocks: HashMap<KeyBuf, BlockRecord>,
    /// The keys of calls and of blocks, in the order in which they began.
    course: Vec<KeyBuf>,
    /// Looks that count no more, for those who only go through what was done.
    set_aside: HashMap<KeyBuf, Arc<CallRecord>>,
    /// Calls that are done again because a person started again from an earlier step, as they were done last.
    repeated: HashMap<KeyBuf, Arc<CallRecord>>,
    /// From where a person started again, in order.
    pub restarts: Vec<Restarted>,
    /// The highest ordinal recorded in each frame.
    highest: HashMap<KeyBuf, u32>,
    /// Places and files of the scripts.
    places: HashSet<Arc<str>>,
    /// Whether the way back has begun.
    pub rollback: bool,
    /// How many sessions worked on it.
    pub sessions: usize,
    /// The state that the last session left, and why; nothing while one works or if it was killed.
    pub finished: Option<(RunState, Option<Failure>)>,
    /// Why the last session that failed did, or why the way back began: a run that was rolled back since has no failure of
    /// its own.
    failed: Option<Failure>,
    /// Whether the script of that session had said what is to be done if it fails.
    pub way_back: bool,
    /// In the order in which they began.
    block_order: Vec<KeyBuf>,
    /// What a person typed, in order.
    pub typed: Vec<Line>,
    /// The steps that a person had left out, by their keys.
    skips: HashMap<KeyBuf, Skip>,
    pub started: Option<String>,
    pub last: Option<String>,
    /// By block; nothing until it is asked for, and again after each call that is added.
    within: OnceLock<HashMap<KeyBuf, Within>>,
}

/// A line that a person typed.
#[derive(Clone, Debug)]
pub struct Line {
    pub key: KeyBuf,
    pub text: String,
    pub by: String,
    pub time: String,
}

/// Why a step is left out, and who says so.
#[derive(Clone, Debug)]
pub struct Skip {
    pub name: String,
    pub reason: String,
    pub by: String,
}

/// An earlier step from which a person started again.
#[derive(Clone, Debug)]
pub struct Restarted {
    pub step: String,
    pub by: String,
    pub time: String,
}

/// A call, as far as it is recorded.
#[derive(Clone, Debug)]
pub struct CallRecord {
    pub call: Call,
    pub attempt: u32,
    pub at: Arc<str>,
    /// Absent: begun, and nothing is known of its end.
    pub outcome: Option<Outcome>,
    pub seconds: f64,
    /// Who answered, if it is a question. Earlier versions did not write it down.
    pub answered_by: Option<Arc<str>>,
}

/// A block, as far as it is recorded.
#[derive(Clone, Debug)]
pub struct BlockRecord {
    pub name: String,
    /// The file that it stands in.
    pub source: Arc<str>,
    /// Absent: not ended well.
    pub seconds: Option<f64>,
}

impl Index {
    /// Why the run failed, or is rolled back.
    pub fn failure(&self) -> Option<&Failure> {
        match &self.finished {
            Some((RunState::RolledBack, None)) => self.failed.as_ref(),
            Some((_, failure)) => failure.as_ref(),
            None => None,
        }
    }

    pub fn add(&mut self, record: Record) {
        if self.started.is_none() {
            self.started = Some(record.time.clone());
        }
        match record.entry {
            Entry::Run(header) => self.header = Some(header),
            Entry::Session { .. } => {
                self.sessions += 1;
                self.finished = None;
            }
            Entry::Block { key, name, source } => {
                self.begin(&key);
                let source = self.place(&source);
                let block = BlockRecord { name, source, seconds: None };
                if self.blocks.insert(key.clone(), block).is_none() {
                    self.block_order.push(key);
                }
            }
            Entry::BlockEnd { key, seconds } => {
                if let Some(block) = self.blocks.get_mut(&key) {
                    block.seconds = Some(seconds);
                }
            }
            Entry::Begun { key, call, attempt, at } => {
                self.within.take();
                self.begin(&key);
                let at = self.place(&at);
                let call = CallRecord { call, attempt, at, outcome: None, seconds: 0.0, answered_by: None };
                self.calls.insert(key, call.into());
            }
            Entry::Ended { key, attempt, seconds, result } => {
                let call = self.calls.get_mut(&key).map(Arc::make_mut);
                if let Some(call) = call.filter(|call| call.attempt == attempt) {
                    call.outcome = Some(result);
                    call.seconds = seconds;
                }
            }
            Entry::Anew { keys } => {
                let forgotten = self.forget(&keys);
                self.set_aside.extend(forgotten);
            }
            Entry::Restarted { step, keys, by } => {
                let forgotten = self.forget(&keys);
                self.repeated.extend(forgotten);
                // What failed is forgotten.
                self.finished = None;
                self.restarts.push(Restarted { step, by, time: record.time.clone() });
            }
            Entry::Typed { key, text, by } => {
                self.typed.push(Line { key, text, by, time: record.time.clone() });
            }
            Entry::Skip { key, name, reason, by } => {
                self.skips.insert(key, Skip { name, reason, by });
            }
            Entry::Rollback(failure) => {
                self.rollback = true;
                self.failed = failure.or_else(|| self.failed.take());
            }
            Entry::Finished { state, failure, way_back } => {
                if failure.is_some() || state == RunState::Done {
                    self.failed.clone_from(&failure);
                }
                self.finished = Some((state, failure));
                self.way_back = way_back;
            }
            Entry::Decision { key, decision, by } => {
                if let Some(call) = self.calls.get_mut(&key).filter(|_| decision == ANSWERED) {
                    Arc::make_mut(call).answered_by = Some(by.into());
                }
            }
            Entry::Note { .. } => {}
        }
        self.last = Some(record.time);
    }

    /// A call or a block begins next in the course.
    fn begin(&mut self, key: &KeyBuf) {
        self.rise(key.as_key());
        self.course.push(key.clone());
    }

    fn rise(&mut self, key: Key) {
        let (frame, ordinal) = (key.frame().as_str(), key.ordinal());
        match self.highest.get_mut(frame) {
            Some(highest) => *highest = ordinal.max(*highest),
            None => {
                let block = self.blocks.get_key_value(frame).map(|(block, _)| block.clone());
                self.highest.insert(block.unwrap_or_else(|| frame.into()), ordinal);
            }
        }
    }

    /// A place of a script, or its file.
    fn place(&mut self, place: &str) -> Arc<str> {
        if let Some(known) = self.places.get(place) {
            return known.clone();
        }
        let place: Arc<str> = place.into();
        self.places.insert(place.clone());
        place
    }

    /// Forgets these calls and blocks, and that the blocks around them ended. Gives the calls.
    fn forget(&mut self, keys: &[KeyBuf]) -> Vec<(KeyBuf, Arc<CallRecord>)> {
        self.within.take();
        let mut forgotten = Vec::new();
        for key in keys {
            forgotten.extend(self.calls.remove_entry(key));
            self.blocks.remove(key);
            for outer in key.as_key().outward() {
                if let Some(block) = self.blocks.get_mut(outer.as_str()) {
                    block.seconds = None;
                }
            }
        }
        let Index { calls, blocks, .. } = self;
        self.block_order.retain(|key| blocks.contains_key(key));
        self.course.retain(|key| blocks.contains_key(key) || calls.contains_key(key));
        self.highest.clear();
        for key in std::mem::take(&mut self.course) {
            self.begin(&key);
        }
        forgotten
    }

    /// The keys of what came after the last call that did more than to look. A run that is on its way back has its
    /// own course.
    pub fn since_last_act(&self, is_look: impl Fn(&Call) -> bool) -> Vec<KeyBuf> {
        let only_looked = |key: &&KeyBuf| {
            self.calls.get(*key).is_none_or(|call| is_look(&call.call))
                && (!self.rollback || key.as_key().in_handler())
        };
        let course = self.course.iter().rev().filter(|key| !key.as_key().is_typed());
        course.take_while(only_looked).cloned().collect()
    }

    /// Why the step with this key is left out, if it is.
    pub fn skip(&self, key: Key) -> Option<&Skip> {
        self.skips.get(key.as_str())
    }

    /// The keys of all blocks, in the order in which they began.
    pub fn block_order(&self) -> impl DoubleEndedIterator<Item = Key<'_>> {
        self.block_order.iter().map(KeyBuf::as_key)
    }

    /// The steps that began and did not end well, outermost first, with their keys.
    pub fn open_steps(&self) -> impl Iterator<Item = (Key<'_>, &BlockRecord)> {
        let steps = self.block_order().filter(|key| !key.is_branch() && !key.is_typed());
        let blocks = steps.filter_map(|key| Some((key, self.block(key)?)));
        blocks.filter(|(_, block)| block.seconds.is_none())
    }

    /// A look that counts no more.
    pub fn call_set_aside(&self, key: Key) -> Option<&Arc<CallRecord>> {
        self.set_aside.get(key.as_str())
    }

    pub fn call(&self, key: Key) -> Option<&Arc<CallRecord>> {
        self.calls.get(key.as_str())
    }

    /// Calls that are to be done again and were not yet, with their keys, in the order of the course.
    pub fn to_repeat(&self) -> Vec<(Key<'_>, &CallRecord)> {
        let waiting = self.repeated.iter().filter(|(key, _)| !self.calls.contains_key(*key));
        let mut waiting: Vec<_> = waiting.map(|(key, call)| (key.as_key(), &**call)).collect();
        waiting.sort_by_cached_key(|(key, _)| key.order());
        waiting
    }

    /// The number of the first attempt of a call that is not recorded, or not any more: the attempts before have folders of
    /// their own.
    pub fn next_attempt(&self, key: Key) -> u32 {
        self.repeated.get(key.as_str()).map_or(0, |repeated| repeated.attempt + 1)
    }

    pub fn block(&self, key: Key) -> Option<&BlockRecord> {
        self.blocks.get(key.as_str())
    }

    /// All calls, in no order; also those that are to be done again.
    pub fn calls(&self) -> impl Iterator<Item = &CallRecord> {
        self.calls.values().chain(self.repeated.values()).map(|call| &**call)
    }

    /// The keys of all calls and blocks, in the order in which they began; some twice.
    pub fn keys(&self) -> impl Iterator<Item = Key<'_>> {
        self.course.iter().map(KeyBuf::as_key)
    }

    /// All calls with their keys, in the order in which they were begun last.
    pub fn course(&self) -> Vec<(Key<'_>, &CallRecord)> {
        let mut seen = HashSet::new();
        let last = self.course.iter().rev().filter(|key| seen.insert(*key));
        let mut calls: Vec<_> =
            last.filter_map(|key| Some((key.as_key(), &**self.calls.get(key)?))).collect();
        calls.reverse();
        calls
    }

    /// The servers that the calls within a block name, each once, in the order of their names.
    pub fn servers_in(&self, block: Key) -> Vec<&str> {
        let within = self.within().get(block.as_str());
        within.map(|within| within.servers.iter().map(String::as_str).collect()).unwrap_or_default()
    }

    /// What the calls within each block name, found in one pass when it is first asked.
    fn within(&self) -> &HashMap<KeyBuf, Within> {
        self.within.get_or_init(|| {
            let mut all: HashMap<KeyBuf, Within> = HashMap::new();
            let mut calls: Vec<_> = self.calls.iter().collect();
            calls.sort_by_cached_key(|(key, _)| key.as_key().order());
            for (key, record) in calls {
                let Some(server) = crate::data::server_of(&record.call.arguments) else { continue };
                for outer in key.as_key().around() {
                    match all.get_mut(outer.as_str()) {
                        Some(within) if within.servers.contains(server) => {}
                        Some(within) => _ = within.servers.insert(server.to_owned()),
                        None => {
                            let servers = BTreeSet::from([server.to_owned()]);
                            all.insert(outer.to_buf(), Within { first: server.to_owned(), servers });
                        }
                    }
                }
            }
            all
        })
    }

    /// Whether the script declared how to roll back in this step, or later in its thread of control: each place of the course
    /// is recorded but that of `on_failure`.
    pub fn declares_from(&self, step: Key) -> bool {
        let places: HashSet<(Key, u32)> = self.keys().map(|key| (key.frame(), key.ordinal())).collect();
        let is_declared = |frame: Key, from: u32| {
            (from..self.used(frame)).any(|ordinal| !places.contains(&(frame, ordinal)))
        };
        let outside = |outer: Key| is_declared(outer.frame(), outer.ordinal() + 1);
        let inside = |frame: Key| frame.is_from(step) && is_declared(frame, 0);
        step.outward().any(outside) || self.highest.keys().map(KeyBuf::as_key).any(inside)
    }

    /// Calls that failed, with their keys and why.
    pub fn failed(&self) -> impl Iterator<Item = (Key<'_>, &Call, &Failure)> {
        self.calls.iter().filter_map(|(key, record)| match &record.outcome {
            Some(Outcome::Failed(failure)) => Some((key.as_key(), &record.call, failure)),
            _ => None,
        })
    }

    /// Calls that began and whose end is not recorded, with their keys.
    pub fn open_calls(&self) -> impl Iterator<Item = (Key<'_>, &CallRecord)> {
        let open = self.calls.iter().filter(|(_, call)| call.outcome.is_none());
        open.map(|(key, call)| (key.as_key(), &**call))
    }

    /// How many ordinals a frame has used.
    pub fn used(&self, frame: Key) -> u32 {
        self.highest.get(frame.as_str()).map_or(0, |highest| highest + 1)
    }

    /// The server that a block is about: that of its first call that names one.
    pub fn server_of(&self, block: Key) -> Option<&str> {
        self.within().get(block.as_str()).map(|within| within.first.as_str())
    }

    /// Whether something later than `key` is recorded in its thread of control: in its frame, in the frames around
    /// it, or by the handlers of its failure. If so, the script has seen how `key` ended.
    pub fn goes_on_after(&self, key: Key) -> bool {
        let ended = |outer: Key| outer != key && self.block(outer).is_some_and(|b| b.seconds.is_some());
        (self.rollback && key.in_course())
            || key.outward().any(|outer| self.used(outer.frame()) > outer.ordinal() + 1 || ended(outer))
    }
}

/// What the calls within a block name.
struct Within {
    /// The server of the first of them.
    first: String,
    servers: BTreeSet<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn begun(index: &mut Index, key: &str, server: &str) {
        let arguments = json!({ "server": { "$server": server } }).as_object().cloned().unwrap();
        let call = Call { name: "make".into(), arguments };
        let entry = Entry::Begun { key: key.into(), call, attempt: 0, at: String::new() };
        index.add(Record { n: 0, time: String::new(), entry });
    }

    #[test]
    fn a_block_is_about_the_server_of_its_first_call_also_after_more_is_recorded() {
        let mut index = Index::default();
        begun(&mut index, "/1/10", "lab");
        begun(&mut index, "/1/2", "hub");
        assert_eq!(
            (index.server_of("/1".into()), index.servers_in("/1".into())),
            (Some("hub"), vec!["hub", "lab"])
        );
        assert_eq!((index.server_of("/2".into()), index.server_of("/".into())), (None, None));
        begun(&mut index, "/2[a]/0", "lab");
        begun(&mut index, "/3!/0", "hub");
        for (block, server) in [("/2", "lab"), ("/2[a]", "lab"), ("/3", "hub"), ("/3!", "hub"), ("/1", "hub")]
        {
            assert_eq!(index.server_of(block.into()), Some(server), "{block}");
        }
        index.add(Record { n: 0, time: String::new(), entry: Entry::Anew { keys: vec!["/1/2".into()] } });
        assert_eq!(index.servers_in("/1".into()), ["lab"]);
    }
}
