//! Each call of a run fails in its turn; then the run is gone on with, and rolled back, in the next session and at once.

use super::cut::{Counts, index_of, journal_of, side_by_side, sort_of};
use super::ground::{Answers, Ended, FATES, Ground, Tried};
use super::stand_in::{Performed, StandIn, failure, folder};
use super::story::Story;
use super::written::Written;
use crate::support::chance::{self, Chance};
use banister::failure::Kind;
use banister::internals::event::{Event, RunState};
use banister::internals::journal::Entry;
use banister::internals::key::KeyBuf;
use banister::internals::reach::frozen::Frozen;
use banister::internals::script::runbook::OnFailure;
use banister::internals::session::{Parts, Session};
use banister::internals::stop::{Asked, Stop};
use banister::primitive::Sort;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

/// What is done for a person is not performed.
fn performed_calls(story: &Story) -> Vec<KeyBuf> {
    let calls = story.calls.iter().filter(|(_, told)| sort_of(&told.name) != Sort::Ask);
    calls.map(|(key, _)| key.clone()).collect()
}

pub fn each(ground: &Ground, full: &Ended, tried: &Tried) -> Counts {
    let expected = full.story();
    let calls = ground.some_of(performed_calls(&expected), tried, |key| sort_in(&expected, key));
    side_by_side(&calls, |key| {
        let mut counts = Counts::default();
        let place = |what: &str| format!("{}, {key} fails, {what}", ground.case.name);
        let failing = || StandIn::failing(ground.model(), &key.as_key().folder_name());
        let first = ground.begin(failing(), Answers::new("stop"), OnFailure::Stop);
        counts.replayed(&place("first"), is_written(&first.story(), key));
        if first.state == RunState::Done {
            return counts;
        }
        let journal = journal_of(&first.path);
        counts.replayed(&place("looked through"), look_through(ground, &first.path));
        let resumed = go_on(ground, &journal, false);
        let mut differ = each_change_once(&expected, &first, &resumed);
        differ.extend(not_looked_anew(&Written::read(&first.path), &resumed));
        counts.replayed(&place("gone on with"), differ);
        let back = go_on(ground, &journal, true);
        counts.replayed(&place("rolled back"), only_handlers(&first, &back));
        let at_once = ground.begin(failing(), Answers::new("stop"), OnFailure::Rollback);
        let differ = at_once
            .story()
            .only(|key| key.in_handler())
            .differences(&back.story().only(|key| key.in_handler()));
        counts.replayed(
            &place("rolled back at once"),
            differ.into_iter().filter(|differs| !differs.starts_with("the state")).collect(),
        );
        counts
    })
}

/// A look fails after another one, the run is gone on with, and that is cut: what was looked at anew before the cut is not
/// looked at again.
pub fn gone_on_with_twice(ground: &Ground, full: &Ended, tried: &Tried) -> Counts {
    let expected = full.story();
    let is_one = |key: &KeyBuf| sort_in(&expected, key).starts_with("Look after Look");
    let looks = performed_calls(&expected).into_iter().filter(is_one);
    let mut looks: Vec<KeyBuf> = looks.collect();
    let first = Chance::of(chance::seed()).below(looks.len());
    looks.rotate_left(first);
    for key in looks {
        let failing = StandIn::failing(ground.model(), &key.as_key().folder_name());
        let first = ground.begin(failing, Answers::new("stop"), OnFailure::Stop);
        let resumed = go_on(ground, &journal_of(&first.path), false);
        // A script that catches the failure goes on.
        if (first.state, resumed.state) == (RunState::Failed, RunState::Done) {
            let records = Written::read(&resumed.path).records;
            let again =
                records.iter().rposition(|record| matches!(record.entry, Entry::Session { .. })).unwrap();
            return super::cut::sweep(ground, &resumed, again + 1, false, tried);
        }
    }
    Counts::default()
}

/// A failing call in a rollback, after the call at `key` failed: the next session tries it again, and nothing else.
pub fn each_of_the_rollback(ground: &Ground, key: &KeyBuf, tried: &Tried) -> (Counts, Ended) {
    let failing = StandIn::failing(ground.model(), &key.as_key().folder_name());
    let first = ground.begin(failing, Answers::new("stop"), OnFailure::Stop);
    let journal = journal_of(&first.path);
    let back = go_on(ground, &journal, true);
    assert_eq!(back.state, RunState::RolledBack, "{}: {:?}", ground.case.name, back.failure);
    let expected = back.story();
    let handlers = performed_calls(&expected.only(|key| key.in_handler()));
    let handlers = ground.some_of(handlers, tried, |key| sort_in(&expected, key));
    let counts = side_by_side(&handlers, |handler| {
        let mut counts = Counts::default();
        let path = ground.run_of(&journal);
        let failing = StandIn::failing(ground.model_after(&path), &handler.as_key().folder_name());
        let once = ground.resume(&path, failing, Answers::new("stop"), true).unwrap();
        let twice = go_on(ground, &journal_of(&path), false);
        let place = format!("{}, {key} fails, and {handler} of the rollback", ground.case.name);
        counts.replayed(&place, is_written(&once.story(), handler));
        let mut differ = twice.story().differences(&expected);
        differ.extend(changes_not_once(&expected.only(|key| key.in_handler()), &[&once, &twice]));
        counts.replayed(&format!("{place}, gone on with"), differ);
        counts
    });
    (counts, back)
}

/// The run was killed while a call was open: what still runs is ended before anything is taken back.
pub fn rolled_back_from_each_open_call(ground: &Ground, full: &Ended, tried: &Tried) -> Counts {
    let journal = journal_of(&full.path);
    let ends = super::cut::ends(&journal);
    let sorts = Written::read(&full.path).sorts();
    let records = ground.some_of((1..ends.len()).collect(), tried, |n| format!("open {}", sorts[*n - 1]));
    side_by_side(&records, |n| {
        let mut counts = Counts::default();
        let length = &ends[*n - 1];
        let path = ground.run_of(&journal[..*length]);
        let before = index_of(&path);
        let known = Written::read(&path);
        let mut open: Vec<String> =
            known.open_calls().map(|(key, call)| folder(key.as_key(), call.attempt)).collect();
        open.sort();
        if open.is_empty() {
            return counts;
        }
        let has_changed = banister::internals::session::has_changed(&before);
        let back = go_on(ground, &journal[..*length], true);
        let place = format!("{}, rolled back from {open:?}", ground.case.name);
        let mut differ = not_only_handlers(&back, has_changed);
        // What became of it is nobody's business any more.
        let probed = back.standin.seen().probed.clone();
        if !probed.is_empty() {
            differ.push(format!("{probed:?} were asked how far they came"));
        }
        let mut ended = back.standin.seen().ended.clone();
        ended.sort();
        if back.state == RunState::RolledBack && ended != open {
            differ.push(format!("{ended:?} were ended, not {open:?}"));
        }
        counts.replayed(&place, differ);
        counts
    })
}

/// A person leaves at each question: it is asked again, and only it.
pub fn leaving_at_each_question(ground: &Ground, full: &Ended) -> Counts {
    let expected = full.story();
    let questions: Vec<usize> = (0..full.standin.seen().asked.len()).collect();
    side_by_side(&questions, |nth| {
        let mut counts = Counts::default();
        let first = ground.begin(
            StandIn::new(ground.model(), FATES[0].found),
            Answers::leaving_at(*nth),
            OnFailure::Stop,
        );
        let resumed = go_on(ground, &journal_of(&first.path), false);
        let mut differ = each_change_once(&expected, &first, &resumed);
        if first.state != RunState::Interrupted {
            differ.push(format!("who was left is {:?}", first.state));
        }
        counts.replayed(&format!("{}, question {nth}", ground.case.name), differ);
        counts
    })
}

fn go_on(ground: &Ground, journal: &[u8], back: bool) -> Ended {
    let path = ground.run_of(journal);
    let standin = StandIn::new(ground.model_after(&path), FATES[0].found);
    ground.resume(&path, standin, Answers::new("stop"), back).unwrap()
}

/// Of what sort a call is, and what came before it and whether in the same block: what follows from its failure is the same
/// for all such.
pub fn sort_in(story: &Story, key: &KeyBuf) -> String {
    let sort = |key: &KeyBuf| sort_of(&story.calls[key].name);
    let earlier = story.calls.keys().filter(|other| other.as_key().order() < key.as_key().order());
    let Some(before) = earlier.max_by_key(|other| other.as_key().order()) else {
        return format!("{:?} first", sort(key));
    };
    let place = match (before.as_key().frame(), key.as_key().frame()) {
        (before, here) if before == here => "",
        (before, here) if before.is_in(here) => " of a block that ended",
        _ => " of another block",
    };
    format!("{:?} after {:?}{place}", sort(key), sort(before))
}

/// Looks since the last act of a run that failed count no more: each is looked at again.
pub fn not_looked_anew(first: &Written, resumed: &Ended) -> Vec<String> {
    if first.state() != RunState::Failed || resumed.state != RunState::Done {
        return Vec::new();
    }
    let is_look =
        |key: &&KeyBuf| first.calls.get(*key).is_none_or(|record| sort_of(&record.call.name) == Sort::Look);
    let since = first.course.iter().rev().take_while(is_look).filter(|key| first.calls.contains_key(*key));
    let seen = resumed.standin.seen();
    let places: Vec<&str> = seen.performed.iter().map(|one| one.place.as_str()).collect();
    let not = since.filter(|key| !places.contains(&key.as_key().folder_name().as_str()));
    not.map(|key| format!("{key} was not looked at again")).collect()
}

/// The failure is in the journal as it was given.
fn is_written(story: &Story, key: &KeyBuf) -> Vec<String> {
    let wanted = json!(failure()).to_string();
    match story.calls.get(key).and_then(|told| told.outcome.clone()) {
        Some(outcome) if outcome == wanted => Vec::new(),
        other => vec![format!("the journal has {other:?}, and {wanted} was given")],
    }
}

/// Calls that changed something, as far as they got through.
fn changed(sessions: &[&Ended]) -> Vec<Performed> {
    let all = sessions.iter().flat_map(|ended| ended.standin.seen().performed.clone());
    all.filter(|one| one.sort == Sort::Change && one.outcome.is_some()).collect()
}

/// Changes of a story that got through other than once in the sessions that it is of.
fn changes_not_once(expected: &Story, sessions: &[&Ended]) -> Vec<String> {
    let changed = changed(sessions);
    let changes = expected.calls.iter().filter(|(_, told)| sort_of(&told.name) == Sort::Change);
    let times = changes.map(|(key, told)| {
        let place = key.as_key().folder_name();
        (key, told, changed.iter().filter(|one| one.place == place).count())
    });
    let wrong = times.filter(|(_, told, times)| *times != usize::from(!told.has_failed));
    wrong.map(|(key, told, times)| format!("{} at {key} was done {times} times", told.name)).collect()
}

fn each_change_once(expected: &Story, first: &Ended, resumed: &Ended) -> Vec<String> {
    let mut differ = resumed.standin.seen().faults.clone();
    if resumed.state == RunState::Done {
        differ.extend(resumed.story().differences(expected));
        differ.extend(changes_not_once(expected, &[first, resumed]));
        return differ;
    }
    // A script that catches a failure and acts upon it, and then fails, fails again: nothing is done for that.
    let same = |ended: &Ended| ended.failure.as_ref().map(|failure| failure.message.clone());
    if same(first) != same(resumed) || !changed(&[resumed]).is_empty() {
        differ.push(format!("it ended with {:?}, after {:?}", resumed.failure, first.failure));
    }
    differ
}

/// After a failure only what `on_failure` says is done, and each of it once.
fn only_handlers(first: &Ended, back: &Ended) -> Vec<String> {
    not_only_handlers(back, banister::internals::session::has_changed(&index_of(&first.path)))
}

fn not_only_handlers(back: &Ended, has_changed: bool) -> Vec<String> {
    let mut differ = back.standin.seen().faults.clone();
    differ.extend(back.story().wrong());
    let changed = changed(&[back]);
    let outside = changed.iter().filter(|one| !one.place.contains('!'));
    differ.extend(outside.map(|one| format!("{} at {} was done on the way back", one.call.name, one.place)));
    match (&back.failure, back.state) {
        (None, RunState::RolledBack) => {
            let story = back.story().only(|key| key.in_handler());
            differ.extend(changes_not_once(&story, &[back]));
            let open = Written::read(&back.path).open_calls().count();
            if open > 0 {
                differ.push(format!("{open} calls have no end"));
            }
        }
        (Some(failure), RunState::Failed) if failure.kind == Kind::Refused && has_changed => {
            if !changed.is_empty() {
                differ.push("it was refused, and something was done".into());
            }
        }
        other => differ.push(format!("it ended with {other:?}")),
    }
    differ
}

/// Who only goes through what was done does nothing.
fn look_through(ground: &Ground, path: &Path) -> Vec<String> {
    let standin = Arc::new(StandIn::new(ground.model(), FATES[0].found));
    let stop = Arc::new(Stop::new());
    stop.ask(Asked::Finish);
    let index = index_of(path);
    let header = index.header.clone().unwrap();
    let parts = Parts {
        stop,
        reach: Arc::new(Frozen(standin.clone())),
        listener: Arc::new(|_: &Event| {}),
        ..ground.parts(header, &standin, Arc::new(Answers::new("stop")))
    };
    let before = journal_of(path);
    let session = Arc::new(Session::through(parts, index));
    let seen = ground.runbook().seen(&session, &session.header.parameters);
    let mut differ = Vec::new();
    differ.extend(seen.err().map(|failure| format!("nothing is seen: {failure}")));
    differ.extend(changed_by(&standin));
    if journal_of(path) != before {
        differ.push("something was written".into());
    }
    differ
}

fn changed_by(standin: &StandIn) -> Vec<String> {
    let seen = standin.seen();
    let changes = seen.performed.iter().filter(|one| one.sort == Sort::Change);
    changes.map(|one| format!("{} was performed", one.call.name)).collect()
}
