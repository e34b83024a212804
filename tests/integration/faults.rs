//! Every fault of the practice server, at the steps of an update that it can reach: the end is the new release or the
//! old one, healthy, with the data there was; or a stop that names the state and the next command, which leads there.

mod alone;

use crate::support;
use crate::sweep::round;

use banister::internals::practice::{FAULTS, Fault, Reach, Rows};
use round::{Round, side_by_side};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use support::Said;
use support::chance::{self, Chance};

const OLD: &str = "0.2.10";
const NEWEST: &str = "0.2.14";

/// The steps before which a fault is switched on.
const STEPS: [&str; 6] = ["Back up", "Check out", "Build", "Start", "Wait until healthy", "Back up again"];

/// Of so many cases a run takes one.
const PART: usize = 16;

/// A fault, and the step before which it comes; from the beginning, without one.
struct Case {
    fault: &'static Fault,
    step: Option<&'static str>,
}

/// Every fault from the beginning, and before each step at which its coming makes a difference: what strikes while
/// services start can come any time before that.
fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for fault in FAULTS {
        let steps: &[&str] = match fault.name {
            // A release is there from the beginning, or never.
            _ if fault.release.is_some() => &[],
            // Looked at once, before anything else.
            "busy-queue" => &[],
            "dirty-checkout" => &["Back up", "Check out", "Build", "Back up again"],
            "fetch" => &["Back up"],
            "disk-full" | "snapshot-partial" | "snapshot-failed" | "snapshot-slow" => &["Back up again"],
            // Killed before a step is all that happens.
            "kill" => &STEPS,
            _ => &["Start", "Wait until healthy"],
        };
        if fault.name != "kill" {
            cases.push(Case { fault, step: None });
        }
        cases.extend(steps.iter().map(|step| Case { fault, step: Some(step) }));
    }
    cases
}

/// What must be true of how a case ends, besides that the end is a good one.
impl Case {
    fn name(&self) -> &'static str {
        self.fault.name
    }

    /// Whether the update gets through by itself.
    fn is_borne(&self) -> bool {
        ["slow-build", "incompatible", "healthy-late", "snapshot-slow", "busy-queue", "kill"]
            .contains(&self.name())
    }

    /// Whether it may come too late to be noticed.
    fn may_miss(&self) -> bool {
        match self.name() {
            "fetch" => self.step == Some("Back up"),
            "dirty-checkout" => [Some("Build"), Some("Back up again")].contains(&self.step),
            _ => self.step == Some("Wait until healthy"),
        }
    }

    /// Whether nothing of the server was touched when it strikes.
    fn is_early(&self) -> bool {
        let early = ["dirty-checkout", "fetch", "disk-full", "snapshot-partial", "snapshot-failed"];
        early.contains(&self.name()) && self.step.is_none()
    }

    /// Whether nobody can mend it: the release itself is bad.
    fn is_for_good(&self) -> bool {
        self.fault.release.is_some() && !self.is_borne()
    }

    fn to(&self) -> &'static str {
        self.fault.release.unwrap_or(NEWEST)
    }
}

/// The record of an undisturbed update with which each step begins.
fn beginnings() -> Vec<(&'static str, usize)> {
    let round = Round::new();
    let said = round.banister(&["run", "update", "--yes"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let [journal] = round.journals().try_into().unwrap();
    let begins = |step: &'static str| {
        let is_it = |line: &str| line.contains("\"block\"") && line.contains(&format!("\"name\":\"{step}\""));
        (step, journal.lines().position(is_it).unwrap_or_else(|| panic!("{step} is not in {journal}")))
    };
    STEPS.map(begins).into()
}

/// A server on which the case happened.
struct Happened<'a> {
    case: &'a Case,
    round: Round,
    before: Rows,
    said: Said,
}

impl Happened<'_> {
    fn new<'a>(case: &'a Case, beginnings: &[(&str, usize)]) -> Happened<'a> {
        let round = Round::new();
        // What is not healthy by then does not become so.
        round.set("within = \"20s\"", "within = \"5s\"");
        if case.name() == "flapping" {
            // It is up for a second and a half at a time.
            round.set("stable = \"200ms\"", "stable = \"2s\"");
        }
        let before = round.practice().rows().unwrap();
        let switch_on = || match case.name() {
            "kill" => {}
            "slow-build" | "healthy-late" => {
                round.practice().switch_seconds(case.name(), Reach::New, 1).unwrap();
            }
            // The dumps of the first backup are made by the old release.
            "disk-full" => round.practice().switch(case.name(), true).unwrap(),
            // The way back leads to the old release, which is well.
            name => round.practice().switch_for(name, Reach::New).unwrap(),
        };
        let said = match case.step {
            None => {
                switch_on();
                round.banister(&["run", "update", "--yes"])
            }
            Some(step) => {
                let (_, record) = beginnings.iter().find(|(name, _)| *name == step).unwrap();
                let said = round.crash(&["run", "update", "--yes"], &format!("after {record}"));
                assert_eq!(said.code, Some(-9), "{said:?}");
                switch_on();
                round.banister(&["resume", "--yes"])
            }
        };
        Happened { case, round, before, said }
    }

    /// The next command of a run that stopped: to go on, and to go back, if that is offered.
    fn offered(&self) -> (String, Option<String>) {
        assert_eq!(self.said.code, Some(1), "{:?}", self.said);
        assert!(self.said.err.contains("error: "), "{:?}", self.said);
        let lines: Vec<&str> = self.said.out.lines().rev().take(2).collect();
        let [next, state] = lines.as_slice() else { panic!("{:?}", self.said) };
        assert!(state.starts_with("state: `update` failed on practice"), "{:?}", self.said);
        let next = next.strip_prefix("next:  ").unwrap_or_else(|| panic!("{:?}", self.said));
        match next.split_once("   (or: ") {
            Some((on, back)) => (on.into(), Some(back.strip_suffix(')').unwrap().into())),
            None => (next.into(), None),
        }
    }

    /// Types a command that was offered, where it was offered, and says yes.
    fn types(&self, line: &str) -> Said {
        let words = line.strip_prefix("banister ").unwrap().split(' ');
        let typed: Vec<&str> = words.chain(["--yes"]).collect();
        // The site is named by `Round`, too.
        let site = typed.iter().position(|word| *word == "--site").unwrap();
        assert_eq!(typed[site + 1], self.round.practice().dir().to_str().unwrap());
        self.round.banister(&[&typed[..site], &typed[site + 2..]].concat())
    }

    /// The fault is gone, and a person did what its consequences ask for.
    fn mend(&self) {
        let practice = self.round.practice();
        if self.case.name() != "kill" {
            practice.switch(self.case.name(), false).unwrap();
        }
        let by_hand = |program: &str, arguments: &[&str]| {
            let mut command = Command::new(practice.dir().join("bin").join(program));
            command.args(arguments).current_dir(practice.checkout().join("server"));
            command.envs(practice.environment()).stdout(Stdio::null()).stderr(Stdio::null());
            assert!(command.status().unwrap().success(), "{program} {arguments:?}");
        };
        match self.case.name() {
            // Core says what it was started with.
            "wrong-version" => by_hand("docker", &["restart", "server_core_1"]),
            "up-noop" => by_hand("make", &["up", "DETACH=true"]),
            _ => {}
        }
    }

    /// The server is healthy and of this release.
    fn is_healthy(&self, release: &str) {
        let status = self.round.banister(&["status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
        assert_eq!(status[0]["healthy"], true, "{status:#}");
        assert_eq!(status[0]["release"], release, "{status:#}");
        let practice = self.round.practice();
        assert_eq!(practice.discover().unwrap()["version"], release);
        assert!(!practice.alarm());
    }

    /// The new release has every row there was, and the old one is as if nothing had been.
    fn ends(&self, said: &Said, state: &str) -> String {
        assert_eq!(said.code, Some(0), "{said:?}");
        let back = if state == "is done" { "\n" } else { "; 0.2.10 is checked out, " };
        assert!(said.out.contains(&format!("\nstate: `update` {state} on practice{back}")), "{said:?}");
        let rows = self.round.practice().rows().unwrap();
        let release = if state == "is done" { self.case.to() } else { OLD };
        self.is_healthy(release);
        match release {
            OLD => assert_eq!(rows, self.before),
            _ => {
                assert_eq!((&rows.identity, &rows.tables), (&self.before.identity, &self.before.tables))
            }
        }
        release.into()
    }

    /// The old release runs on as if nothing had been.
    fn is_untouched(&self) {
        assert_eq!(self.round.made(), []);
        assert_eq!(self.round.practice().rows().unwrap(), self.before);
        // A file that was edited by hand is not what the update did.
        self.is_healthy(OLD);
    }
}

/// The ways from a stop.
#[derive(Clone, Copy, PartialEq)]
enum Ways {
    On,
    Back,
    Both,
}

/// How the update ended, what to go on ended in, and what to go back.
fn try_out(case: &Case, beginnings: &[(&str, usize)], ways: Ways) -> [String; 3] {
    let happened = Happened::new(case, beginnings);
    if happened.said.code == Some(0) {
        assert!(case.is_borne() || case.may_miss(), "it did not strike: {:?}", happened.said);
        return [happened.ends(&happened.said, "is done"), String::new(), String::new()];
    }
    assert!(!case.is_borne(), "{:?}", happened.said);
    let (on, back) = happened.offered();
    let state = happened.said.out.lines().rev().nth(1).unwrap();
    let step = state.rsplit_once(" in step ").map_or("before a step", |(_, step)| step);
    let stop = format!("stop: {}", step.replace('`', ""));
    if case.name() == "dirty-checkout" {
        happened.is_untouched();
    }
    if case.is_early() {
        assert_eq!(back, None, "there is nothing to go back from");
        happened.is_untouched();
        happened.mend();
        let end = happened.ends(&happened.types(&on), "is done");
        return [stop, end, "not offered".into()];
    }
    let not_tried = || String::from("-");
    if ways == Ways::Back {
        return [stop, not_tried(), go_back(happened, &back)];
    }
    let end = if case.is_for_good() {
        let again = Happened { said: happened.types(&on), before: happened.before.clone(), ..happened };
        assert_eq!(again.offered().1, back, "{:?}", again.said);
        "stops again".into()
    } else {
        happened.mend();
        happened.ends(&happened.types(&on), "is done")
    };
    if ways == Ways::On {
        return [stop, end, not_tried()];
    }
    // The other way, on another server.
    let happened = Happened::new(case, beginnings);
    if happened.said.code == Some(0) && case.may_miss() {
        happened.ends(&happened.said, "is done");
        return [stop, end, "it came too late".into()];
    }
    let (_, back) = happened.offered();
    [stop, end, go_back(happened, &back)]
}

/// Takes the way back that is offered, and says what it ended in.
fn go_back(happened: Happened, back: &Option<String>) -> String {
    let case = happened.case;
    let back = back.as_ref().unwrap_or_else(|| panic!("no way back is offered: {:?}", happened.said));
    if case.name() == "disk-full" || case.name() == "dirty-checkout" {
        happened.mend();
    }
    let mut said = happened.types(back);
    let mut back = String::new();
    if case.name().starts_with("snapshot-") {
        // What is there is not replaced before it is safe, so this way has to wait, too.
        assert_eq!(said.code, Some(1), "{said:?}");
        let lines: Vec<&str> = said.out.lines().rev().take(2).collect();
        assert!(lines[1].starts_with("state: the rollback of `update` on practice failed; "), "{said:?}");
        happened.mend();
        back.push_str("stop, then ");
        said = happened.types(lines[0].strip_prefix("next:  ").unwrap());
    }
    back + happened.ends(&said, "was rolled back").as_str()
}

#[test]
fn what_is_checked_out_and_does_not_run_is_not_taken_for_installed() {
    let round = Round::new();
    round.practice().switch("build", true).unwrap();
    let said = round.banister(&["run", "update", "--to", "0.2.15", "--yes"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    // What the abandoned run left is tried, and does not build any better.
    let again = ["run", "update", "--to", "0.2.15", "--abandon=it does not build", "--yes"];
    let said = round.banister(&again);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.out.contains("practice has 0.2.15, and is still owed"), "{said:?}");
    for owed in ["install", "backup", "images"] {
        let said = round.banister(&["lock", "dismiss", owed, "--reason", "it never will"]);
        assert_eq!(said.code, Some(0), "{said:?}");
    }
    // That run is abandoned, too, and what it left, a restart, is tried: what is built anew for it does not build.
    let said = round.banister(&again);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(
        said.out.contains("failed on practice in step `Restart what reads changed settings`"),
        "{said:?}"
    );
    let said = round.banister(&["lock", "dismiss", "restarts", "--reason", "it never will"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    let said = round.banister(&again);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert!(said.err.contains("0.2.15 is checked out on practice, but does not run well: core"), "{said:?}");
}

#[test]
fn a_run_of_another_site_is_not_resumed_unless_it_is_named() {
    let (round, other) = (Round::new(), Round::new());
    let stopped = |round: &Round| {
        let mut command = round.command(&["run", "update", "--yes"]);
        command.env("BANISTER_STATE", other.state()).env("BANISTER_CRASH_AT", "after 12");
        assert_eq!(command.output().unwrap().status.code(), None);
    };
    stopped(&round);
    stopped(&other);
    let mut resume = round.command(&["resume", "--yes"]);
    assert!(resume.env("BANISTER_STATE", other.state()).output().unwrap().status.success());
    assert_eq!(round.practice().discover().unwrap()["version"], NEWEST);
    assert_eq!(other.practice().discover().unwrap()["version"], OLD);
}

#[test]
fn every_fault_at_every_step_ends_healthy_or_in_a_clear_stop_from_which_both_ways_lead_there() {
    let beginnings = beginnings();
    let mut cases: Vec<(usize, Case)> = cases().into_iter().enumerate().collect();
    // The ways alternate from row to row; in a long run both are tried from each.
    let first = Chance::of(chance::seed() + 1).below(2);
    let ways = |nth: usize, case: &Case| match (nth / PART + first) % 2 {
        _ if case.is_for_good() || chance::is_long() => Ways::Both,
        0 => Ways::On,
        _ => Ways::Back,
    };
    cases = chance::part(cases, PART);
    let indices: Vec<usize> = (0..cases.len()).collect();
    let rows = Mutex::new(vec![None; cases.len()]);
    side_by_side(&indices, |index| {
        let (nth, case) = &cases[*index];
        let ended = std::panic::catch_unwind(|| try_out(case, &beginnings, ways(*nth, case)));
        rows.lock().unwrap()[*index] = ended.ok();
    });
    let rows: Vec<Option<[String; 3]>> = rows.into_inner().unwrap();
    let line = |cells: [&str; 5]| {
        format!("{:<17} {:<19} {:<25} {:<12} {}", cells[0], cells[1], cells[2], cells[3], cells[4])
    };
    let mut table = vec![line(["FAULT", "FROM STEP", "UPDATE", "RESUME", "ROLLBACK"])];
    for ((_, case), row) in cases.iter().zip(&rows) {
        let [update, resume, back] = row.clone().unwrap_or(["FAILED", "FAILED", "FAILED"].map(String::from));
        table.push(line([case.name(), case.step.unwrap_or("the beginning"), &update, &resume, &back]));
    }
    let mut out = std::io::stderr();
    let _ = writeln!(out, "{}", table.join("\n"));
    assert!(rows.iter().all(Option::is_some), "see the first panic above");
}
