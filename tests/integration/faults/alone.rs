//! Every fault of an update where nobody is, with `--unattended rollback`: users have the old release again, healthy and with
//! every row, the page that blocked them is gone in time, and whoever is to hear of it hears it once. They keep the new one
//! where it is healthy and only a backup of it fails: what would be rolled back to is older than what they do.

use super::{Case, OLD, cases};
use crate::background::notices::{Received, receiver};
use crate::background::{kill, processes_of};
use crate::support::chance;
use crate::sweep::round::{Round, count, side_by_side};
use banister::internals::practice::{Reach, Rows};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::{Duration, Instant};

/// Of so many cases a run takes one.
const PART: usize = 16;

/// How long users are blocked at most, and what a rollback may take from then on.
const LONGEST: f64 = 90.0;

/// Nothing takes longer, on a machine with much else to do.
const PATIENCE: Duration = Duration::from_secs(300);

/// A server whose update nobody looks at.
struct Alone<'a> {
    case: &'a Case,
    round: Round,
    before: Rows,
    received: Received,
}

impl Alone<'_> {
    fn new(case: &Case) -> Alone<'_> {
        let round = Round::new();
        round.set("within = \"20s\"", "within = \"5s\"");
        if case.name() == "flapping" {
            round.set("stable = \"200ms\"", "stable = \"2s\"");
        }
        let (hook, received) = receiver(0);
        let site = fs::read_to_string(round.practice().site()).unwrap();
        let mut text = format!("[[notify]]\nwebhook = \"{hook}/\"\n{site}maintenance = \"page\"\n");
        text += &format!("longest_maintenance = \"{LONGEST}s\"\n");
        if let Some(step) = case.step {
            // The step waits once, for what is to happen before it.
            let [at, go] = [round.folder().join("at"), round.folder().join("go")];
            let script = format!(
                "test -e '{go}' || touch '{at}'; until test -e '{go}'; do sleep 0.02; done",
                at = at.display(),
                go = go.display()
            );
            text += &format!("hooks = {{ before = {{ \"{step}\" = [[\"sh\", \"-c\", {script:?}]] }} }}\n");
        }
        fs::write(round.practice().site(), text).unwrap();
        let before = round.practice().rows().unwrap();
        Alone { case, round, before, received }
    }

    fn strike(&self) {
        let practice = self.round.practice();
        match self.case.name() {
            "kill" => self.roles(&["run-here"]).into_iter().for_each(kill),
            "slow-build" | "healthy-late" => {
                practice.switch_seconds(self.case.name(), Reach::New, 1).unwrap();
            }
            "disk-full" => practice.switch(self.case.name(), true).unwrap(),
            name => practice.switch_for(name, Reach::New).unwrap(),
        }
    }

    fn roles(&self, roles: &[&str]) -> Vec<u32> {
        processes_of(&self.round.state().display().to_string(), roles)
    }

    fn wait_for(&self, what: &str, is_so: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_so() {
            assert!(Instant::now() < end, "{what}: {}", self.round.banister(&["show"]).out);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Has it happened, and waits until nobody works on the run.
    fn happens(&self) {
        if self.case.step.is_none() {
            self.strike();
        }
        let mut command =
            self.round.command(&["run", "update", "--yes", "--unattended", "rollback", "--detach"]);
        command.env_remove("BANISTER_FOREGROUND").env("BANISTER_SYSTEMD", "no");
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let is_over = || self.roles(&["run-here", "watch-run"]).is_empty();
        if self.case.step.is_some() {
            let at: PathBuf = self.round.folder().join("at");
            self.wait_for("the step is reached", || at.exists() || is_over());
            assert!(at.exists(), "{}", self.round.banister(&["show"]).out);
            self.strike();
            fs::write(self.round.folder().join("go"), "").unwrap();
        }
        self.wait_for("it ends", is_over);
    }

    /// The events of the notices, in order. Each notice came once.
    fn heard(&self) -> Vec<String> {
        let received = self.received.lock().unwrap();
        let notices: Vec<Value> =
            received.iter().map(|(_, body)| serde_json::from_str(body).unwrap()).collect();
        let mut ids: Vec<&str> = notices.iter().map(|notice| notice["id"].as_str().unwrap()).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), notices.len(), "a notice came twice: {notices:#?}");
        notices.iter().map(|notice| notice["event"].as_str().unwrap().to_owned()).collect()
    }

    /// For how many seconds users were blocked.
    fn blocked(&self) -> f64 {
        let trace = self.round.practice().trace().unwrap();
        let is = |words: &[&str]| {
            let instants = trace.iter().filter(|line| {
                line.tool == "docker" && words.iter().all(|word| line.args.iter().any(|it| it == word))
            });
            instants.map(|line| line.time.parse::<jiff::Timestamp>().unwrap()).collect::<Vec<_>>()
        };
        let shown = is(&["run", "banister-page"]);
        let hidden = is(&["rm", "banister-page"]);
        match (shown.first(), hidden.last()) {
            (Some(shown), Some(hidden)) => hidden.duration_since(*shown).as_secs_f64(),
            (Some(_), None) => f64::INFINITY,
            _ => 0.0,
        }
    }

    /// What must be true. Gives state, release, notices and for how long users were blocked.
    fn holds(&self) -> [String; 4] {
        let shown: Value = serde_json::from_str(&self.round.banister(&["show", "--json"]).out).unwrap();
        let state = shown["state"].as_str().unwrap().to_owned();
        let account = || self.round.banister(&["show"]).out;
        // Whoever comes in the morning sees why.
        assert_eq!(shown["failure"].is_null(), state == "done", "{}", account());
        let practice = self.round.practice();
        // It answers where users reach it, so that no page is in its place.
        let release = match practice.discover() {
            Ok(said) => said["version"].as_str().unwrap().to_owned(),
            Err(failure) => panic!("users see no server: {failure:?}: {}", account()),
        };
        let status = self.round.banister(&["status", "--json"]).out;
        let status: Value = serde_json::from_str(&status).unwrap();
        assert_eq!(status[0]["healthy"], true, "{status:#}\n{}", account());
        assert_eq!(status[0]["release"].as_str(), Some(release.as_str()), "{status:#}");
        assert!(!practice.alarm());
        let rows = practice.rows().unwrap();
        let heard = self.heard();
        let is_as_before = rows == self.before;
        let is_whole = (&rows.identity, &rows.tables) == (&self.before.identity, &self.before.tables);
        let heard: Vec<&str> = heard.iter().map(String::as_str).collect();
        let ended = (state.as_str(), release.as_str(), heard.as_slice());
        let expected = match &self.case {
            case if state == "done" => {
                assert!(case.is_borne() || case.may_miss(), "it did not strike: {}", account());
                ("done", case.to(), &["done"][..])
            }
            case if case.is_borne() => panic!("{}", account()),
            // The release is installed and healthy, and users are at work with it.
            case if case.step == Some("Back up again") => ("failed", case.to(), &["failed"][..]),
            case if case.is_early() || case.name() == "dirty-checkout" => ("failed", OLD, &["failed"][..]),
            _ => ("rolled_back", OLD, &["rolled_back"][..]),
        };
        assert_eq!(ended, expected, "{}", account());
        assert!(if release == OLD { is_as_before } else { is_whole }, "{rows:?} {}", account());
        let blocked = self.blocked();
        assert!(blocked <= LONGEST, "users were blocked for {blocked} s");
        [state, release, heard.join(", "), format!("{blocked:.1} s")]
    }
}

#[test]
fn an_update_where_nobody_is_ends_healthy_whole_and_told_once_whatever_goes_wrong() {
    let cases = chance::part(cases(), PART);
    let indices: Vec<usize> = (0..cases.len()).collect();
    let rows = Mutex::new(vec![None; cases.len()]);
    side_by_side(&indices, |index| {
        let ended = std::panic::catch_unwind(|| {
            let alone = Alone::new(&cases[*index]);
            alone.happens();
            alone.holds()
        });
        rows.lock().unwrap()[*index] = ended.ok();
    });
    let rows: Vec<Option<[String; 4]>> = rows.into_inner().unwrap();
    for (case, row) in cases.iter().zip(&rows) {
        let [state, release, heard, blocked] =
            row.clone().unwrap_or(["FAILED", "", "", ""].map(String::from));
        let step = case.step.unwrap_or("the beginning");
        count(&format!("{:<17} {step:<19} {state:<12} {release:<8} {blocked:<8} {heard}", case.name()));
    }
    let held = rows.iter().filter(|row| row.is_some()).count();
    count(&format!("{held} of {} faults where nobody is ended healthy, whole and told once", rows.len()));
    assert_eq!(held, rows.len(), "see the first panic above");
}
