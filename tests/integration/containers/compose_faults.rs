//! The faults in which Docker itself takes part, on real containers: the end is the new release or the old one, healthy,
//! with the data there was; or a stop that names the state and the next command, which leads there. All faults of the
//! practice server, at all steps, are in `faults.rs`.
//!
//! A new server takes long, so one serves for all. First the ways back, each of which ends in the server as it was. Then
//! one run that meets all that a person can mend: as soon as one thing is mended the next is there, and at the end it is
//! done.

use crate::support;
use crate::support::docker;

use banister::internals::practice::{FAULTS, Reach, Rows};
use docker::Stack;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;
use support::Said;
use support::chance;

const OLD: &str = "0.2.10";
const NEWEST: &str = "0.2.14";
/// A release that migrates nothing.
const PLAIN: &str = "0.2.12";

/// A fault, the step that it stops, and what is said then.
#[derive(Clone, Copy)]
struct Stop {
    fault: &'static str,
    step: &'static str,
    says: &'static str,
}

const fn stop(fault: &'static str, step: &'static str, says: &'static str) -> Stop {
    Stop { fault, step, says }
}

impl Stop {
    fn told(&self) -> String {
        format!("stop: {}", self.step)
    }
}

/// What can be mended.
const MENDED: &[Stop] = &[
    stop("up", "Start", "port is already allocated"),
    stop("auth-down", "Wait until healthy", "auth"),
    stop("snapshot-failed", "Back up again", "FAILED"),
];

/// What Compose does not do, and releases that nobody can mend.
const FOR_GOOD: &[Stop] = &[
    stop("up-noop", "Wait until healthy", "version"),
    stop("build", "Build", "undefined: quota"),
    stop("crash-loop", "Wait until healthy", "core"),
];

/// The table: of a fault and the step from which it is there, how the update, going on and going back ended.
struct Table {
    rows: Vec<(&'static str, &'static str, [String; 3])>,
    began: Instant,
}

const UPDATE: usize = 0;
const RESUME: usize = 1;
const BACK: usize = 2;

impl Table {
    fn set(&mut self, fault: &'static str, from: &'static str, column: usize, text: &str) {
        let row = self.rows.iter().position(|row| (row.0, row.1) == (fault, from)).unwrap_or_else(|| {
            self.rows.push((fault, from, Default::default()));
            self.rows.len() - 1
        });
        self.rows[row].2[column] = text.into();
    }

    fn print(&mut self) {
        let place = |fault: &str| FAULTS.iter().position(|known| known.name == fault);
        self.rows.sort_by_key(|row| place(row.0));
        let mut out = std::io::stderr();
        let mut line = |cells: [&str; 5]| {
            let [fault, from, update, resume, back] = cells;
            let _ = writeln!(out, "{fault:<17} {from:<15} {update:<25} {resume:<12} {back}");
        };
        line(["FAULT", "FROM STEP", "UPDATE", "RESUME", "ROLLBACK"]);
        for (fault, from, [update, resume, back]) in &self.rows {
            line([fault, from, update, resume, back]);
        }
        let _ = writeln!(out, "real containers: {} s", self.began.elapsed().as_secs());
    }
}

/// A server, and what was on it before anything went wrong.
struct Server {
    stack: Stack,
    before: Rows,
}

/// The commands that a stop offers: to go on, and to go back.
struct Offered {
    on: String,
    back: Option<String>,
}

impl Server {
    fn new(stack: Stack) -> Server {
        let before = stack.practice.rows().unwrap();
        Server { stack, before }
    }

    fn renew(&mut self) {
        self.stack.renew();
        self.before = self.stack.practice.rows().unwrap();
    }

    fn switch_on(&self, fault: &str) {
        match fault {
            // The dumps of the first backup are made by the old release.
            "disk-full" => self.stack.practice.switch(fault, true).unwrap(),
            _ => self.stack.practice.switch_for(fault, Reach::New).unwrap(),
        }
    }

    fn switch_off(&self, fault: &str) {
        self.stack.practice.switch(fault, false).unwrap();
    }

    /// What is not healthy by then does not become so.
    fn is_impatient(&self, yes: bool) {
        let (patient, impatient) = ("within = \"20s\"", "within = \"4s\"");
        let (from, to) = if yes { (patient, impatient) } else { (impatient, patient) };
        self.stack.set(from, to);
    }

    /// Types a command that was offered, and says yes.
    fn types(&self, line: &str) -> Said {
        let typed: Vec<&str> = line.strip_prefix("banister ").unwrap().split(' ').chain(["--yes"]).collect();
        self.stack.banister(&typed)
    }

    /// It stopped at this step because of this, and says how to go on.
    fn stopped(&self, said: &Said, stop: &Stop) -> Offered {
        assert_eq!(said.code, Some(1), "{}: {said:?}", stop.fault);
        assert!(said.err.contains("error: ") && said.err.contains(stop.says), "{}: {said:?}", stop.fault);
        let lines: Vec<&str> = said.out.lines().rev().take(2).collect();
        let [next, state] = lines.as_slice() else { panic!("{said:?}") };
        let next = next.strip_prefix("next:  ").unwrap_or_else(|| panic!("{said:?}"));
        let expected = format!("state: `update` failed on practice in step `{}`; ", stop.step);
        // And how the server is.
        assert!(state.starts_with(&expected), "{}: {said:?}", stop.fault);
        match next.split_once("   (or: ") {
            Some((on, back)) => Offered { on: on.into(), back: Some(back.strip_suffix(')').unwrap().into()) },
            None => Offered { on: next.into(), back: None },
        }
    }

    fn is_healthy(&self, release: &str) {
        let status = self.stack.banister(&["status", "--json"]);
        let status: serde_json::Value = serde_json::from_str(&status.out).unwrap();
        assert_eq!(status[0]["healthy"], true, "{status:#}");
        assert_eq!(status[0]["release"], release, "{status:#}");
        assert_eq!(self.stack.practice.discover().unwrap()["version"], release);
        assert!(!self.stack.practice.alarm());
    }

    /// The old release is there as if nothing had been.
    fn is_as_before(&self) {
        self.is_healthy(OLD);
        assert_eq!(self.stack.practice.rows().unwrap(), self.before);
    }

    /// The new release has every row there was.
    fn is_updated(&self, said: &Said, release: &str) {
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.out.contains("\nstate: `update` is done on practice\n"), "{said:?}");
        self.is_healthy(release);
        let rows = self.stack.practice.rows().unwrap();
        assert_eq!((&rows.identity, &rows.tables), (&self.before.identity, &self.before.tables));
    }

    fn is_back(&self, said: &Said) {
        assert_eq!(said.code, Some(0), "{said:?}");
        assert!(said.out.contains("\nstate: `update` was rolled back on practice; "), "{said:?}");
        self.is_as_before();
    }

    /// An update with a fault from the beginning stops, and goes back; before that it goes on in vain if nobody can mend
    /// it.
    fn goes_back(&self, stop: &Stop, table: &mut Table) {
        let fault = FAULTS.iter().find(|fault| fault.name == stop.fault).unwrap();
        let set =
            |table: &mut Table, column, text: &str| table.set(fault.name, "the beginning", column, text);
        self.is_impatient(true);
        self.switch_on(stop.fault);
        let said = self.stack.banister(&["run", "update", "--to", fault.release.unwrap_or(PLAIN), "--yes"]);
        let mut offered = self.stopped(&said, stop);
        set(table, UPDATE, &stop.told());
        if fault.release.is_some() {
            offered = self.stopped(&self.types(&offered.on), stop);
            set(table, RESUME, "stops again");
        }
        self.is_impatient(false);
        let back = offered.back.unwrap_or_else(|| panic!("no way back is offered: {said:?}"));
        self.is_back(&self.types(&back));
        set(table, BACK, OLD);
        self.switch_off(stop.fault);
    }

    /// The record of the newest run with which a step begins.
    fn beginning(&self, step: &str) -> usize {
        let journal = self.stack.journal();
        let is_it = |line: &str| line.contains("\"block\"") && line.contains(&format!("\"name\":\"{step}\""));
        journal.lines().position(is_it).unwrap_or_else(|| panic!("{step} is not in {journal}"))
    }

    /// Killed before a step, and goes back from there.
    fn goes_back_after_a_kill(&self, place: &str, table: &mut Table) {
        let said = self.stack.crash(&["run", "update", "--to", PLAIN, "--yes"], place);
        assert_eq!(said.code, Some(-9), "{said:?}");
        table.set("kill", "Start", UPDATE, "killed");
        self.is_back(&self.stack.banister(&["resume", "--rollback", "--yes"]));
        table.set("kill", "Start", BACK, OLD);
    }

    /// Fails when the new release migrated and is healthy already, so that data is put back; the search index can't be
    /// saved on the way back, either. From a full disk at that step the way back would be the same.
    fn goes_back_with_data(&self, table: &mut Table) {
        let again = MENDED.iter().find(|stop| stop.fault == "snapshot-failed").unwrap();
        let first = MENDED.iter().find(|stop| stop.fault == "up").unwrap();
        self.switch_on("up");
        let offered = self.stopped(&self.stack.banister(&["run", "update", "--to", NEWEST, "--yes"]), first);
        self.switch_off("up");
        self.switch_on(again.fault);
        let said = self.types(&offered.on);
        let back = self.stopped(&said, again).back.unwrap();
        let said = self.types(&back);
        assert_eq!(said.code, Some(1), "{said:?}");
        let lines: Vec<&str> = said.out.lines().rev().take(2).collect();
        assert!(lines[1].starts_with("state: the rollback of `update` on practice failed; "), "{said:?}");
        self.switch_off(again.fault);
        self.is_back(&self.types(lines[0].strip_prefix("next:  ").unwrap()));
        table.set(again.fault, again.step, BACK, "stop, then 0.2.10");
    }

    /// One run that is killed, stops at one thing after the other, each of which is mended, and is done in the end.
    fn goes_on(&self, table: &mut Table) {
        // What was started before auth is down stays as it was started.
        let stops: Vec<(&Stop, &str)> = MENDED
            .iter()
            .filter(|stop| stop.fault != "auth-down")
            .map(|stop| (stop, if stop.step == "Back up again" { stop.step } else { "the beginning" }))
            .collect();
        self.is_impatient(true);
        // Killed somewhere before the first step at which something goes wrong.
        self.switch_on(stops[0].0.fault);
        let place = format!("after {}", self.beginning("Start") - 3);
        // It failed here before, so that it is only taken if it is named.
        let killed = self.stack.crash(&["run", "update", "--to", NEWEST, "--yes"], &place);
        assert_eq!(killed.code, Some(-9), "{killed:?}");
        table.set("kill", "in between", UPDATE, "killed");
        let mut said = self.stack.banister(&["resume", "--yes"]);
        for (index, (stop, from)) in stops.iter().enumerate() {
            let offered = self.stopped(&said, stop);
            table.set(stop.fault, from, UPDATE, &stop.told());
            assert!(offered.back.is_some(), "{}: {said:?}", stop.fault);
            self.switch_off(stop.fault);
            let next = stops.get(index + 1).map(|(stop, _)| stop);
            if let Some(next) = next {
                self.switch_on(next.fault);
            }
            said = self.types(&offered.on);
            // Its stop was left behind; what follows ends well, or the test does not.
            table.set(stop.fault, from, RESUME, NEWEST);
        }
        self.is_updated(&said, NEWEST);
        table.set("kill", "in between", RESUME, NEWEST);
        self.is_impatient(false);
    }
}

#[test]
fn every_fault_of_docker_ends_healthy_or_in_a_clear_stop_from_which_both_ways_lead_there() {
    if !chance::is_turn(2, 4) {
        return;
    }
    let Some(stack) = Stack::create(&[]) else { return };
    let mut table = Table { rows: Vec::new(), began: Instant::now() };
    let mut server = Server::new(stack);
    let mut failed = Vec::new();
    let mut part =
        |name: &str, server: &mut Server, table: &mut Table, part: &dyn Fn(&Server, &mut Table)| {
            let began = Instant::now();
            if catch_unwind(AssertUnwindSafe(|| part(server, table))).is_err() {
                failed.push(name.to_owned());
                // What it left behind is nothing for the next.
                server.renew();
            }
            eprintln!("{name}: {:.1} s", began.elapsed().as_secs_f64());
        };
    let mut place = String::from("after 1");
    let go_back = |stop: Stop| move |server: &Server, table: &mut Table| server.goes_back(&stop, table);
    let (first, others): (Vec<Stop>, Vec<Stop>) =
        MENDED.iter().chain(FOR_GOOD).partition(|stop| stop.fault == "up");
    for stop in first {
        part(stop.fault, &mut server, &mut table, &go_back(stop));
        place = format!("after {}", server.beginning("Start"));
    }
    // A run takes one of the others, and one of two ends in the middle: all of them are tried on stand-ins, too.
    let others: Vec<Stop> = others.into_iter().filter(|stop| stop.step != "Back up again").collect();
    let count = others.len();
    for stop in chance::part(others, count) {
        part(stop.fault, &mut server, &mut table, &go_back(stop));
    }
    for name in chance::part(vec!["kill", "snapshot-failed"], 2) {
        part(name, &mut server, &mut table, &|server, table| match name {
            "kill" => server.goes_back_after_a_kill(&place, table),
            _ => server.goes_back_with_data(table),
        });
    }
    part("going on", &mut server, &mut table, &Server::goes_on);
    table.print();
    assert_eq!(failed, Vec::<String>::new(), "see the first panic above");
}
