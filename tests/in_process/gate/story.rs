//! What a journal says that a run did: what two runs are compared by.

use super::stand_in::Performed;
use super::written::Written;
use banister::internals::event::RunState;
use banister::internals::journal::Outcome;
use banister::internals::key::{Key, KeyBuf};
use banister::internals::secret::{in_failure, put_together};
use serde_json::json;
use std::collections::BTreeMap;
use std::path::Path;

/// Calls with their arguments and outcomes, blocks, and the state; with secrets in them, as they were said. As text, since 0 and -0 are the same number.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    pub state: RunState,
    /// By the keys of calls.
    pub calls: BTreeMap<KeyBuf, Told>,
    /// By their keys, with their names, and whether they ended well.
    pub blocks: BTreeMap<KeyBuf, (String, bool)>,
    /// What the journal says again, and what the program reads otherwise in it.
    wrong: Vec<String>,
}

/// A call of a story.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    pub name: String,
    pub arguments: String,
    /// Absent if it is not known.
    pub outcome: Option<String>,
    pub has_failed: bool,
}

impl Story {
    pub fn read(path: &Path) -> Story {
        let written = Written::read(path);
        let mut story = Story::of(&written, written.state());
        story.wrong.extend(written.differences_from_summary(path));
        story
    }

    pub fn of(written: &Written, state: RunState) -> Story {
        let calls = written.calls.iter().map(|(key, record)| {
            let told = Told {
                name: record.call.name.clone(),
                arguments: put_together(json!(record.call.arguments)).to_string(),
                outcome: record.outcome.as_ref().map(|outcome| match outcome {
                    Outcome::Done(value) => put_together(value.clone()).to_string(),
                    // The place is added behind the gate.
                    Outcome::Failed(failure) => json!(in_failure(failure.clone(), &put_together)).to_string(),
                }),
                has_failed: matches!(record.outcome, Some(Outcome::Failed(_))),
            };
            (key.clone(), told)
        });
        let calls = calls.collect();
        Story { state, calls, blocks: written.blocks.clone(), wrong: written.wrong.clone() }
    }

    /// What the journal says again, and what the program reads otherwise in it.
    pub fn wrong(&self) -> Vec<String> {
        self.wrong.clone()
    }

    /// In what the two differ, a line for each, and what is wrong in this one.
    pub fn differences(&self, other: &Story) -> Vec<String> {
        let mut differ = self.wrong.clone();
        if self.state != other.state {
            differ.push(format!("the state is {:?}, not {:?}", self.state, other.state));
        }
        compare("call", &self.calls, &other.calls, &mut differ);
        compare("block", &self.blocks, &other.blocks, &mut differ);
        differ
    }

    /// In what the journal says something else than what was performed and given.
    pub fn differences_from(&self, performed: &[Performed]) -> Vec<String> {
        let by_place: BTreeMap<String, &Told> =
            self.calls.iter().map(|(key, told)| (key.as_key().folder_name(), told)).collect();
        // The last attempt is the one that counts.
        let last: BTreeMap<&str, &Performed> =
            performed.iter().map(|one| (one.place.as_str(), one)).collect();
        let differs = |(place, one): (&str, &Performed)| {
            let arguments = json!(one.call.arguments).to_string();
            let outcome = one.outcome.as_ref().map(|value| value.to_string());
            match by_place.get(place) {
                None => Some(format!("{place}: nothing of it is in the journal")),
                Some(told) if told.arguments != arguments => Some(format!(
                    "{place}: the journal has {}, and {arguments} was performed",
                    told.arguments
                )),
                Some(told) if outcome.is_some() && told.outcome != outcome => {
                    Some(format!("{place}: the journal has {:?}, and {outcome:?} was said", told.outcome))
                }
                Some(_) => None,
            }
        };
        last.into_iter().filter_map(differs).collect()
    }

    /// In what it differs from a longer one of which it is the beginning.
    pub fn differences_as_far_as_known(&self, whole: &Story) -> Vec<String> {
        let known = |(key, told): (&KeyBuf, &Told)| {
            let outcome = told.outcome.as_ref().and(whole.calls.get(key)?.outcome.clone());
            Some((
                key.clone(),
                Told { outcome, has_failed: told.has_failed, ..whole.calls.get(key)?.clone() },
            ))
        };
        let calls = self.calls.iter().filter_map(known).collect();
        let block = |(key, (_, ended)): (&KeyBuf, &(String, bool))| {
            Some((key.clone(), (whole.blocks.get(key)?.0.clone(), *ended)))
        };
        let blocks = self.blocks.iter().filter_map(block).collect();
        self.differences(&Story { state: self.state, calls, blocks, wrong: Vec::new() })
    }

    /// The same, of some of its keys.
    pub fn only(&self, is_wanted: impl Fn(Key) -> bool) -> Story {
        let mut story = self.clone();
        story.calls.retain(|key, _| is_wanted(key.as_key()));
        story.blocks.retain(|key, _| is_wanted(key.as_key()));
        story
    }
}

fn compare<T: PartialEq + std::fmt::Debug>(
    what: &str,
    is: &BTreeMap<KeyBuf, T>,
    was: &BTreeMap<KeyBuf, T>,
    differ: &mut Vec<String>,
) {
    let keys: std::collections::BTreeSet<&KeyBuf> = is.keys().chain(was.keys()).collect();
    for key in keys.into_iter().filter(|key| is.get(*key) != was.get(*key)) {
        differ.push(format!("{what} {key} is {:?}, not {:?}", is.get(key), was.get(key)));
    }
}
