//! Lines that a person types, by hand and beside a run that stopped.

use super::cut::{self, Counts, index_of, journal_of, side_by_side, sort_of};
use super::failing::{not_looked_anew, sort_in};
use super::ground::{Answers, Ended, FATES, Ground};
use super::model::AWKWARD;
use super::stand_in::{Found, StandIn};
use super::story::Story;
use super::written::Written;
use banister::internals::event::RunState;
use banister::internals::journal::Header;
use banister::internals::journal::run::{OpenRun, Summary};
use banister::internals::key::KeyBuf;
use banister::internals::script::repl::Repl;
use banister::internals::script::runbook::OnFailure;
use banister::internals::session::{self, Session};
use banister::internals::stop::Stop;
use banister::primitive::Sort;
use std::path::Path;
use std::sync::Arc;

/// What is typed: looks, changes, changes of several calls, and what fails.
fn lines() -> Vec<String> {
    // What no line of text can have is given to it by a look.
    let readable: String = AWKWARD.chars().filter(|c| !c.is_control() && *c != '"' && *c != '\\').collect();
    vec![
        "gateway.installed_release()".into(),
        format!("let text = \"{readable}\""),
        "let value = gateway.read_yaml(\"values\", \"awkward\")".into(),
        "gateway.run([\"typed\", value, text], #{ environment: #{ N: 31.245270191439438, M: -0.0 } }).lines"
            .into(),
        "gateway.run([\"fail\", value])".into(),
        "for name in [\"one\", value] {\n    gateway.run([\"typed\", name]);\n}".into(),
        "step \"Typed\" { gateway.checkout(\"0.2.9\"); gateway.shell(text); }".into(),
        "value + gateway.installed_release()".into(),
    ]
}

/// A run in which all is typed.
pub fn by_hand(ground: &Ground) -> Counts {
    let (state, name) = (ground.state().to_owned(), ground.name());
    let path = banister::internals::journal::run::folder(&state).join(&name);
    let header = Header {
        by_hand: true,
        run: name.clone(),
        ..session::header(&ground.site, "repl", Default::default(), vec!["gateway".into()])
    };
    let standin = Arc::new(StandIn::witness(ground.model()));
    let parts = ground.parts(header, &standin, Arc::new(Answers::new("stop")));
    let session = Arc::new(Session::by_hand(parts, Box::new(move || OpenRun::create(&state, &name))));
    let mut repl = Repl::new(ground.layers.clone(), &ground.site, Arc::new(Stop::new()));
    for line in lines() {
        let frame = session.begin_line(&line).unwrap();
        let given = repl.evaluate(&session, frame, &line);
        assert_eq!(given.is_err(), line.contains("fail"), "{line}: {given:?}");
    }
    session.finish(Ok(()), path.clone());
    let story = Story::read(&path);
    let mut counts = Counts::default();
    let seen = standin.seen();
    counts.replayed("typed by hand", seen.faults.clone());
    // What was only looked at before the first change is not kept.
    let kept: Vec<_> = seen
        .performed
        .iter()
        .filter(|one| story.calls.keys().any(|key| key.as_key().folder_name() == one.place))
        .cloned()
        .collect();
    let changes =
        |all: &[super::stand_in::Performed]| all.iter().filter(|one| one.sort == Sort::Change).count();
    counts.replayed("typed by hand", story.differences_from(&kept));
    assert_eq!(changes(&kept), changes(&seen.performed), "every change is written down");
    let typed: Vec<String> = index_of(&path).typed.into_iter().map(|line| line.text).collect();
    assert_eq!(typed, lines()[lines().len() - typed.len()..], "as it was typed");
    // It can be read as far as it is whole.
    let journal = journal_of(&path);
    let ends = cut::ends(&journal);
    counts.records = ends.len();
    for length in 1..ends.len() {
        for head in [ends[length - 1], (ends[length - 1] + ends[length]) / 2] {
            let read = Story::read(&ground.run_of(&journal[..head]));
            let differ = read.differences_as_far_as_known(&story);
            counts.replayed(&format!("typed by hand, record {length}"), differ);
        }
    }
    counts
}

/// Lines beside a run that stopped; then the run goes on to its end.
pub fn beside(ground: &Ground) -> Counts {
    let expected = ground.undisturbed().story();
    let mut counts = Counts::default();
    for sort in ["Change", "Look after Look"] {
        // The last of them with which the run fails.
        let calls = expected.calls.keys().rev().filter(|key| {
            sort_of(&expected.calls[*key].name) != Sort::Ask && sort_in(&expected, key).starts_with(sort)
        });
        let mut runs = calls.map(|key| {
            let failing = StandIn::failing(ground.model(), &key.as_key().folder_name());
            ground.begin(failing, Answers::new("stop"), OnFailure::Stop)
        });
        let first = runs.find(|ended| ended.state == RunState::Failed).unwrap();
        counts.add(beside_what_failed(ground, &expected, &first));
    }
    counts
}

fn beside_what_failed(ground: &Ground, expected: &Story, first: &Ended) -> Counts {
    let (stopped, before) = (journal_of(&first.path), Written::read(&first.path));
    let mut repl = Repl::new(ground.layers.clone(), &ground.site, Arc::new(Stop::new()));
    let typed_lines: Vec<String> = lines().into_iter().filter(|line| !line.contains("checkout")).collect();
    for line in &typed_lines {
        type_beside(ground, &first.path, &mut repl, line);
    }
    let journal = journal_of(&first.path);
    let typed = Story::read(&first.path).only(|key| key.is_typed());
    let (ends, from) = (cut::ends(&journal), cut::ends(&stopped).len());
    let places: Vec<usize> = (from..ends.len()).collect();
    let mut counts = side_by_side(&places, |n| {
        let mut counts = Counts::default();
        for head in [ends[*n - 1], (ends[*n - 1] + ends[*n]) / 2] {
            for fate in FATES {
                let path = ground.run_of(&journal[..head]);
                let open = index_of(&path).open_calls().count();
                if open == 0 && fate != FATES[0] {
                    continue;
                }
                let standin = StandIn::new(ground.model_after(&path), fate.found);
                let resumed = ground.resume(&path, standin, Answers::new(fate.choice), false).unwrap();
                let mut differ = settled(expected, &typed, &resumed, fate.found);
                differ.extend(not_looked_anew(&before, &resumed));
                counts.replayed(&format!("typed beside, record {n}, {fate:?}"), differ);
            }
        }
        counts
    });
    counts.records = ends.len();
    counts
}

/// As the prompt does it: each line has a session of its own.
fn type_beside(ground: &Ground, path: &Path, repl: &mut Repl, line: &str) {
    let summary = Summary::read(path).unwrap();
    let folder = path.to_owned();
    let header = Header { runbook: "repl".into(), ..summary.header };
    let standin = Arc::new(StandIn::witness(ground.model_after(path)));
    let parts = ground.parts(header, &standin, Arc::new(Answers::new("stop")));
    let session = Arc::new(Session::beside(parts, summary.index, Box::new(move || OpenRun::open(&folder))));
    let frame = session.begin_line(line).unwrap();
    let given = repl.evaluate(&session, frame, line);
    assert_eq!(given.is_err(), line.contains("fail"), "{line}: {given:?}");
    session.leave().unwrap();
}

/// The run is done as if nothing had been typed; and what was typed and cut off has an end.
fn settled(expected: &Story, typed: &Story, resumed: &Ended, found: Found) -> Vec<String> {
    let story = resumed.story();
    let mut differ = resumed.standin.seen().faults.clone();
    differ.extend(story.only(|key| key.in_course()).differences(expected));
    let cut_off = |key: &KeyBuf| {
        resumed
            .standin
            .seen()
            .probed
            .iter()
            .any(|probed| probed.starts_with(&format!("{}.", key.as_key().folder_name())))
    };
    for (key, told) in &story.only(|key| key.is_typed()).calls {
        let wanted = &typed.calls[key];
        let is_left = cut_off(key) && matches!(found, Found::Again | Found::Unknown);
        // A look that was cut off is nobody's business any more.
        let is_look = sort_of(&told.name) == Sort::Look && told.outcome.is_none();
        let happened = wanted.has_failed && found == Found::Happened && cut_off(key);
        if !(told == wanted || is_look || happened || is_left && told.has_failed) {
            differ.push(format!("{key} is {told:?}, not {wanted:?}"));
        }
        let place = key.as_key().folder_name();
        let times = resumed.standin.seen().performed.iter().filter(|one| one.place == place).count();
        if times != usize::from(cut_off(key) && found == Found::GoOn) {
            differ.push(format!("{key} was performed {times} times"));
        }
    }
    differ
}
