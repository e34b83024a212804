//! The gate without processes: runbooks, their rollbacks and typed lines over a stand-in for the servers, which counts
//! what it is asked for. Their journals are cut at every record and gone on with, and every call fails once: each change
//! is done exactly as often as it must, and everything comes out of the journal as it went in.

mod awkward;
mod cut;
mod failing;
mod ground;
pub mod model;
mod secrets;
pub mod stand_in;
mod story;
mod torn;
mod typed;
mod values;
mod words;
mod written;

use crate::fuzz::Nowhere;
use crate::support::chance;
use banister::internals::event::RunState;
use banister::internals::reach::planner::Planner;
use banister::internals::script::plan::explore::explore;
use banister::internals::stop::Stop;
use banister::primitive::Sort;
use cut::{Counts, sort_of};
use ground::{Case, Ground, Tried};
use std::io::Write;
use std::sync::Arc;

const TABLE: &str = "targets = { configure = \"config\" }\nhealth = [\"https://gateway.test\"]\nkeep = { count = 1 }\n\
    maintenance = { begin = [\"closed\"], end = [\"open\"] }\n\
    idle = [{ name = \"requests\", command = [\"true\"] }]\n";
const STOPS: &str = "health = [\"https://gateway.test\"]\nreleases = { stops = [\"0.2.10\"] }\n";
const BINARY: &str = "file = \"app\"\nhealth = [\"https://gateway.test\"]\n\
    commands = { start = [\"up\"], stop = [\"down\"] }\n";
const HOSS: &str = "keep = { count = 1 }\n";

const fn case(name: &'static str, runbook: &'static str, kind: &'static str, table: &'static str) -> Case {
    Case { name, runbook, kind, servers: &["gateway"], parameters: &[], table }
}

const OLD: &[(&str, &str)] = &[("backup", "/kept/AWKWARD of 0.2.9")];
const OLDER: &[(&str, &str)] = &[("backup", "/kept/AWKWARD of 0.2.10")];

/// Every bundled runbook.
const CASES: [Case; 23] = [
    case("update of a plain server", "update", "plain", TABLE),
    Case { parameters: &[("through", "true")], ..case("update through a stop", "update", "plain", STOPS) },
    Case { servers: &["bare"], ..case("update without a good backup", "update", "plain", TABLE) },
    case("update of Hoss", "update", "hoss", HOSS),
    case("update of Hoss behind a page", "update", "hoss", "maintenance = \"page\"\n"),
    case("update of Mastodon", "update", "mastodon", "free_space = \"1GB\"\n"),
    case("backup of a plain server", "backup", "plain", TABLE),
    Case { parameters: &[("label", "AWKWARD")], ..case("backup of Hoss", "backup", "hoss", HOSS) },
    Case { parameters: &[("still", "true")], ..case("backup of Hoss at rest", "backup", "hoss", HOSS) },
    Case { parameters: OLD, ..case("restore of a plain server", "restore", "plain", TABLE) },
    Case { parameters: OLD, ..case("restore of Hoss", "restore", "hoss", HOSS) },
    Case { parameters: OLDER, ..case("rollback of a plain server", "rollback", "plain", TABLE) },
    Case { parameters: OLDER, ..case("rollback of Hoss", "rollback", "hoss", HOSS) },
    Case { parameters: OLD, ..case("drill of a plain server", "drill", "plain", TABLE) },
    Case {
        parameters: &[("backup", "/kept/AWKWARD of 0.2.9"), ("full", "true")],
        ..case("drill of Hoss", "drill", "hoss", HOSS)
    },
    case("update of a program", "update", "binary", BINARY),
    case("prune of a plain server", "prune", "plain", TABLE),
    Case { servers: &["gateway", "one"], ..case("prefetch of plain servers", "prefetch", "plain", TABLE) },
    case("prefetch of Mastodon", "prefetch", "mastodon", ""),
    case("prefetch of a program", "prefetch", "binary", BINARY),
    Case { servers: &["gateway", "one"], ..case("linked update, plain", "update-linked", "plain", TABLE) },
    Case { servers: &["gateway", "one"], ..case("linked update, Hoss", "update-linked", "hoss", HOSS) },
    Case {
        servers: &["gateway", "one"],
        ..case("linked update, two kinds", "update-linked", "hoss plain", HOSS)
    },
];

/// Those, and the test's own.
fn all() -> impl Iterator<Item = Ground> {
    CASES.into_iter().map(Ground::new).chain(std::iter::once_with(awkward::ground))
}

/// Said whether the test passes or not; the test runner keeps what `println!` writes to itself.
fn say(what: &str, runs: usize, counts: &Counts) {
    let Counts { records, replays, differences } = counts;
    let differ = differences.len();
    let _ = writeln!(
        std::io::stderr(),
        "{what}: {runs} runs, {records} records, {replays} replays, {differ} differ"
    );
}

#[test]
fn a_journal_that_is_cut_at_any_record_is_gone_on_with_to_the_same_end() {
    let (mut counts, tried) = (Counts::default(), Tried::default());
    for case in CASES {
        let ground = Ground::new(case);
        let full = ground.undisturbed();
        assert_eq!(full.state, RunState::Done, "{}", case.name);
        let performed = full.standin.seen().performed.clone();
        counts.replayed(case.name, full.story().differences_from(&performed));
        counts.add(cut::sweep(&ground, &full, 1, false, &tried));
    }
    say("cut at every record", CASES.len(), &counts);
    counts.assert_none_differ();
}

#[test]
fn whatever_call_fails_the_run_is_gone_on_with_or_rolled_back() {
    let (mut counts, tried) = (Counts::default(), Tried::default());
    for ground in all() {
        let full = ground.undisturbed();
        counts.add(failing::each(&ground, &full, &tried));
        counts.add(failing::leaving_at_each_question(&ground, &full));
        counts.add(failing::rolled_back_from_each_open_call(&ground, &full, &tried));
    }
    say("every call fails", CASES.len() + 1, &counts);
    counts.assert_none_differ();
}

#[test]
fn what_was_looked_at_anew_after_a_failure_is_known_when_the_run_is_cut_again() {
    let (mut counts, tried) = (Counts::default(), Tried::default());
    let grounds = chance::part(all().collect(), 5);
    for ground in &grounds {
        counts.add(failing::gone_on_with_twice(ground, &ground.undisturbed(), &tried));
    }
    say("gone on with twice", grounds.len(), &counts);
    assert!(counts.records > 0);
    counts.assert_none_differ();
}

#[test]
fn a_rollback_that_is_cut_at_any_record_is_gone_on_with_to_the_same_end() {
    let (mut counts, tried) = (Counts::default(), Tried::default());
    let mut runs = 0;
    for case in CASES {
        let ground = Ground::new(case);
        let story = ground.undisturbed().story();
        let has_rollback = ["update", "update-linked", "rollback"].contains(&case.runbook);
        let is_change = |told: &story::Told| sort_of(&told.name) == Sort::Change;
        // Where the last change fails, and where users wait until it is healthy.
        let last = story.calls.iter().rfind(|(_, told)| is_change(told));
        let healthy = story.calls.iter().rfind(|(_, told)| told.name == "wait_healthy");
        for (key, _) in last.into_iter().chain(healthy).filter(|_| has_rollback) {
            let (failed, back) = failing::each_of_the_rollback(&ground, key, &tried);
            counts.add(failed);
            counts.add(cut::sweep(&ground, &back, back_began(&back.path), true, &tried));
            runs += 1;
        }
    }
    say("rollbacks cut at every record", runs, &counts);
    counts.assert_none_differ();
}

#[test]
fn awkward_values_come_out_of_the_journal_as_they_went_in() {
    let ground = awkward::ground();
    let full = ground.undisturbed();
    let performed = full.standin.seen().performed.clone();
    let mut counts = Counts::default();
    counts.replayed(ground.case.name, full.story().differences_from(&performed));
    let tried = Tried::default();
    counts.add(cut::sweep(&ground, &full, 1, false, &tried));
    counts.add(failing::leaving_at_each_question(&ground, &full));
    counts.add(failing::rolled_back_from_each_open_call(&ground, &full, &tried));
    say("awkward values", 1, &counts);
    counts.assert_none_differ();
}

#[test]
fn a_journal_that_is_torn_at_any_byte_is_what_is_whole_of_it() {
    let mut counts = Counts::default();
    // Bytes are bytes, whatever run they are of.
    for ground in [Ground::new(CASES[14]), awkward::ground()] {
        counts.add(torn::anywhere(&ground, &ground.unobserved()));
    }
    say("torn at every byte", 2, &counts);
    counts.assert_none_differ();
}

#[test]
fn typed_lines_are_cut_at_any_record_and_disturb_no_run() {
    let mut counts = typed::by_hand(&Ground::new(CASES[0]));
    counts.add(typed::beside(&Ground::new(CASES[0])));
    say("typed lines", 2, &counts);
    counts.assert_none_differ();
}

#[test]
fn one_engine_serves_every_session_of_a_runbook_and_another_every_way_of_its_plan() {
    let text =
        "//! Looks.\nfn main() { if this_server().installed_release() == \"0.2.10\" { note(\"new\"); } }\n";
    let ground = Ground::with(case("a branch", "look", "plain", ""), text);
    // Besides the ground and its runbook only engines have the layers, for modules.
    let engines = || Arc::strong_count(&ground.layers) - 2;
    assert_eq!(engines(), 0);
    for _ in 0..3 {
        ground.undisturbed();
        assert_eq!(engines(), 1);
    }
    let planner = Arc::new(Planner::new(Arc::new(Nowhere)));
    let stop = Arc::new(Stop::new());
    let plan = explore(ground.runbook(), &ground.site, &ground.header, &planner, &stop).unwrap();
    assert_eq!(plan.ways, 2);
    assert_eq!(engines(), 2);
}

/// How many records there were before the rollback.
fn back_began(path: &std::path::Path) -> usize {
    let journal = String::from_utf8(cut::journal_of(path)).unwrap();
    journal.lines().position(|line| line.contains("\"rollback\":true")).unwrap()
}
